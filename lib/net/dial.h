/*
 * The dial pool: threads that bring an outgoing session up to its subsystem.
 *
 * Looking up names, connecting, key exchange and authentication block, so
 * they happen here; a session that is ready goes to the I/O thread, which
 * owns it from then on.
 *
 * Ownership  dial_pool_open() hands out a pool, dial_pool_close() takes it
 *            back.  A dial is the asker's again once it is finished.
 * Threads    all of this is called by one thread, the I/O thread;
 *            dial_pool_change_key() by any.
 */
#ifndef AEGIS_NET_DIAL_H
#define AEGIS_NET_DIAL_H

#include <libssh/libssh.h>
#include <stdint.h>

#include "base/status.h"
#include "net/address.h"
#include "net/handshake.h"
#include "net/transport.h"
#include "trust/link_certificate.h"
#include "trust/roster.h"

struct dial_pool;
struct secret;

struct dial {
	/* What is asked. */
	uint32_t member;
	enum link_kind kind;
	const struct roster *roster;
	const struct roster_member *target;
	struct link_certificate known; /* the newest of its keys that we know */

	/* What came of it. */
	enum ag_status status;
	struct ag_error err;
	ssh_session session; /* AG_OK: non-blocking, subsystem granted */
	ssh_channel channel;
	struct address address; /* len 0 when the name was not found */
	struct link_certificate ours, theirs; /* what the session began with */

	/* The pool's. */
	struct dial *next;
	ssh_key key; /* our link key */
	int fd;
	uint64_t deadline_us;
};

/* Who dials; all borrowed, for the call. */
struct dial_self {
	const uint8_t *node_key; /* its public half */
	const struct secret *link_key;
	const struct link_certificate *certificate;
	const struct transport_rekey *rekey;
};

/* wake_fd: an eventfd that is written when a dial has finished. */
enum ag_status dial_pool_open(struct dial_pool **out,
    const struct dial_self *self, int wake_fd,
    struct ag_error *err) AG_MUST_USE;

/* From the next dial on be known by another key, which is taken. */
void dial_pool_change_key(struct dial_pool *pool, ssh_key key,
    const struct link_certificate *certificate);

/* Cut short what is under way, join the threads, free unclaimed sessions. */
void dial_pool_close(struct dial_pool *pool);

/* Start; NULL when memory is refused.  roster is borrowed. */
struct dial *dial_start(struct dial_pool *pool, uint32_t member,
    enum link_kind kind, const struct roster *roster,
    const struct link_certificate *known);

/* The next finished dial, or NULL. */
struct dial *dial_finished(struct dial_pool *pool);

/* Free a dial; its session only if it is still there. */
void dial_free(struct dial *dial);

/* Cut off dials past their deadline; the next deadline, or UINT64_MAX. */
uint64_t dial_pool_expire(struct dial_pool *pool, uint64_t now_us);

#endif
