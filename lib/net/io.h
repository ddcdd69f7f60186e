/*
 * The I/O thread: the only one that touches an SSH session in use.
 *
 * Ownership  struct net is net.c's.
 * Threads    io_main() is the thread; io_wake() from any.
 */
#ifndef AEGIS_NET_IO_H
#define AEGIS_NET_IO_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/dial.h"
#include "net/link.h"
#include "net/net.h"
#include "net/peer.h"
#include "net/server.h"

/* All sessions there can be at once: waiting ones, and two kinds for each
 * member with as many again while duplicates leave. */
#define IO_LINKS_MAX (LIMITS_PREAUTH_MAX + 4 * TRUST_MEMBERS_MAX)

struct net {
	struct net_config config;
	struct link_context context;
	struct chain_formers formers;
	struct server server;
	struct dial_pool *dials;
	struct peer peers[TRUST_MEMBERS_MAX];
	uint32_t peer_count;

	pthread_t thread;
	pthread_mutex_t turn; /* held by who uses sessions */
	int wake_fd;
	atomic_bool has_queued; /* since the last net_flush() */
	atomic_bool is_woken;
	atomic_bool is_stopping;

	/* Guarded by turn. */
	struct link *links;
	size_t link_count;
	uint64_t now_us;
	uint64_t watchdog_logged_us;
	uint8_t scratch[LINK_WRITE_BYTES];
	struct metric *links_up;
	struct metric *renewals;
	struct metric *key_steps;
	struct metric *auth_failures;
	struct metric *rtt;
	struct metric *turn_seconds;
};

/* pthread's start routine; arg is struct net. */
void *io_main(void *arg);

/*
 * Write what is queued; turn is held.  False when the thread has to go on
 * with it: something is left, or was read, or a link has died.
 */
bool io_write(struct net *net);

/* Our link key is another: tell who is linked, and dial them; turn is held. */
void io_change_own(struct net *net, const struct link_certificate *certificate);

/* Have the thread look at its queues soon; many calls cost one wake-up. */
void io_wake(struct net *net);

#endif
