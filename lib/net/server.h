/*
 * The accept side: a listener that takes no more than the limits allow.
 *
 * Ownership  server_open() fills the caller's storage, server_close()
 *            empties it.
 * Threads    the I/O thread's once it runs.
 */
#ifndef AEGIS_NET_SERVER_H
#define AEGIS_NET_SERVER_H

#include <libssh/libssh.h>
#include <libssh/server.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/metric.h"
#include "base/status.h"
#include "net/limits.h"
#include "net/link.h"
#include "net/peer.h"

struct server {
	int fd;
	ssh_bind bind;
	struct limits limits;
	struct bucket log_lines;
	uint64_t refused_unlogged;
	uint64_t rest_until_us; /* descriptors had run out */
	struct metric *accepted;
	struct metric *refused;
};

/* AG_ESYS names the address. */
enum ag_status server_open(struct server *server, const char *listen,
    const struct secret *link_key, const struct link_certificate *certificate,
    struct metric_set *metrics, struct ag_error *err) AG_MUST_USE;
void server_close(struct server *server);

/* From the next connection on show another host key; bind is taken. */
void server_change_key(struct server *server, ssh_bind bind);

/* Who is there to be compared with, and how full it is. */
struct server_view {
	const struct link_context *context;
	const struct peer *peers;
	uint32_t peer_count;
	const struct link *links;
};

/* Take one waiting connection; NULL when there is none, it was refused, or
 * there is no descriptor for it: then it waits until the server has rested. */
struct link *server_accept(struct server *server,
    const struct server_view *view, bool *has_more, uint64_t now_us);
bool server_rests(const struct server *server, uint64_t now_us);

#endif
