/*
 * One other member: its queues, its two links, when it is dialled next, and
 * what is told about it.
 *
 * Ownership  part of struct net.
 * Threads    queue and stats by any thread under lock; the rest is the I/O
 *            thread's.
 */
#ifndef AEGIS_NET_PEER_H
#define AEGIS_NET_PEER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/metric.h"
#include "net/address.h"
#include "net/handshake.h"
#include "net/link.h"
#include "net/net.h"
#include "net/queue.h"
#include "resource/bucket.h"

/* When to dial next, for one kind of link. */
struct redial {
	struct dial *dial; /* under way */
	uint64_t due_us;
	unsigned failures;
};

struct peer_metrics {
	struct metric *is_up;
	struct metric *tx_bytes;
	struct metric *rx_bytes;
	struct metric *dropped;
	struct metric *dial_failures;
};

struct peer {
	pthread_mutex_t lock;
	struct send_queue queue;
	struct net_link_stats stats;
	bool is_up;

	uint32_t member;
	const struct roster_member *who;
	struct link *links[LINK_KIND_COUNT]; /* those that are up */
	struct redial redials[LINK_KIND_COUNT];
	uint64_t dropped_counted;
	struct address address; /* len 0 while not known */
	struct bucket log_lines;
	struct bucket certificates; /* that are taken from it */
	struct peer_metrics metrics;
};

/* AG_ENOMEM; who is borrowed. */
enum ag_status peer_init(struct peer *peer, uint32_t member, uint32_t self,
    const struct roster_member *who, struct metric_set *metrics,
    uint64_t now_us) AG_MUST_USE;
void peer_fini(struct peer *peer);

/* Queue a frame, or drop and count it while the link is down. */
enum ag_status peer_send(struct peer *peer,
    struct net_frame *frame) AG_MUST_USE;

/* The next frame for a link: a link_source_fn. */
struct net_frame *peer_next_frame(void *arg, uint32_t classes);

/* Which of two proven links of a kind stays: both ends answer alike. */
bool peer_prefers(const struct peer *peer, uint32_t self,
    const struct link *new_link, const struct link *old_link);

/* A link of the kind came up, or the one that was up went away. */
void peer_link_up(struct peer *peer, struct link *link, uint64_t now_us);
void peer_link_down(struct peer *peer, struct link *link, uint32_t self,
    uint64_t now_us);

/* A dial or a link that was not yet up failed: say why, dial later. */
void peer_failed(struct peer *peer, enum link_kind kind, const char *why,
    bool is_dial, uint64_t now_us);

/* A link key has been replaced, ours or the peer's: dial soon, though there
 * are links. */
void peer_renew(struct peer *peer, bool is_ours, uint64_t now_us);

/* Make the published state fit what there is. */
void peer_publish(struct peer *peer, bool is_connecting, uint64_t now_us);

/* Bytes that moved, and frames that were dropped, since last time. */
void peer_count(struct peer *peer, struct link *link);

/* The keys of datagrams on the link that is up, as they are now. */
void peer_keys(struct peer *peer, const struct link *link);

void peer_rtt(struct peer *peer, uint64_t rtt_us);

/* Is why another failure than the last one told?  A node that is away for
 * long is worth one line, not one for each dial. */
bool peer_is_news(const struct peer *peer, const char *why);

/* May a line about this member be logged now? */
bool peer_may_log(struct peer *peer, uint64_t now_us);

#endif
