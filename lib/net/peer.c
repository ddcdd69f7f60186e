/*
 * The table of members.
 *
 * RULES    1. Either end may dial.  Of two links that are proven at the same
 *             time, both ends keep the one dialled by the lower member, or
 *             the newer one when the same end dialled both: no loop of links
 *             that replace each other.
 *          2. A link from a new run of the other process always wins: the
 *             old one leads to a process that is gone.
 *          3. A link begun with newer link keys wins over one with older, as
 *             its ends know: the node that replaced its key dials anew, or
 *             else the other, and so no session outlives a key by long.
 *          4. Waiting grows by full jitter from 0.2 s to 30 s, and starts
 *             over after a minute of health or when the other end calls.
 *             Members are never given up.
 *          5. The higher member waits a little before it dials, so that two
 *             nodes that start together make one link.
 */
#include "net/peer.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#define BACKOFF_FIRST_US UINT64_C(200000)
#define BACKOFF_MAX_US UINT64_C(30000000)
#define BACKOFF_LEAST_US 20000U
#define HEALTHY_US UINT64_C(60000000)
#define COURTESY_US 250000U
#define FAILURES_MAX 20U

/* Links are renewed within this time: not all members' at once. */
#define RENEW_US 1000000U

/* A node that makes key after key has them heard at this rate. */
#define CERTIFICATE_RATE 1
#define CERTIFICATE_BURST 8

#define LOG_RATE 1
#define LOG_BURST 8

static uint64_t
jitter(uint64_t most_us)
{
	return BACKOFF_LEAST_US + randombytes_uniform((uint32_t)most_us);
}

static uint64_t
backoff(const struct redial *redial)
{
	uint64_t most = BACKOFF_FIRST_US;
	unsigned i;

	for (i = 1; i < redial->failures && most < BACKOFF_MAX_US; i++)
		most *= 2;
	return jitter(most < BACKOFF_MAX_US ? most : BACKOFF_MAX_US);
}

static void
peer_register(struct peer *peer, struct metric_set *set)
{
	struct peer_metrics *m = &peer->metrics;
	char labels[ROSTER_NAME_BYTES + 16];

	(void)snprintf(labels, sizeof(labels), "peer=\"%s\"", peer->who->name);
	m->is_up = metric_new(set, METRIC_GAUGE, "aegis_net_link_up",
	    "Whether the link to the member is up", labels);
	m->tx_bytes =
	    metric_new(set, METRIC_COUNTER, "aegis_net_tx_bytes_total",
		"Bytes written to the member's sessions", labels);
	m->rx_bytes =
	    metric_new(set, METRIC_COUNTER, "aegis_net_rx_bytes_total",
		"Bytes read from the member's sessions", labels);
	m->dropped =
	    metric_new(set, METRIC_COUNTER, "aegis_net_dropped_frames_total",
		"Frames given up because the link was down or its queue full",
		labels);
	m->dial_failures =
	    metric_new(set, METRIC_COUNTER, "aegis_net_dial_failures_total",
		"Dials that did not end in a link", labels);
}

enum ag_status
peer_init(struct peer *peer, uint32_t member, uint32_t self,
    const struct roster_member *who, struct metric_set *metrics,
    uint64_t now_us)
{
	*peer = (struct peer){ .member = member, .who = who };
	if (pthread_mutex_init(&peer->lock, NULL) != 0)
		return AG_ENOMEM;
	send_queue_init(&peer->queue);
	bucket_init(&peer->log_lines, LOG_RATE, LOG_BURST, now_us);
	bucket_init(&peer->certificates, CERTIFICATE_RATE, CERTIFICATE_BURST,
	    now_us);
	peer->stats.state = member == self ? NET_LINK_SELF : NET_LINK_DOWN;
	peer->stats.since_us = now_us;
	peer->redials[LINK_PEER].due_us =
	    member > self ? now_us : now_us + COURTESY_US;
	if (!address_parse(&peer->address, who->address))
		peer->address.len = 0;
	if (member != self)
		peer_register(peer, metrics);
	return AG_OK;
}

void
peer_fini(struct peer *peer)
{
	send_queue_fini(&peer->queue);
	(void)pthread_mutex_destroy(&peer->lock);
}

enum ag_status
peer_send(struct peer *peer, struct net_frame *frame)
{
	enum ag_status status = AG_OK;

	(void)pthread_mutex_lock(&peer->lock);
	if (peer->is_up)
		status = send_queue_push(&peer->queue, frame);
	else
		peer->queue.dropped++;
	(void)pthread_mutex_unlock(&peer->lock);
	return status;
}

struct net_frame *
peer_next_frame(void *arg, uint32_t classes)
{
	struct peer *peer = arg;
	struct net_frame *frame;

	(void)pthread_mutex_lock(&peer->lock);
	frame = send_queue_pop(&peer->queue, classes);
	(void)pthread_mutex_unlock(&peer->lock);
	return frame;
}

/* The newer of two links by the serials of their keys, the lower member's
 * first: below 0, a is the older. */
static int
compare_keys(bool is_lower, const struct link *a, const struct link *b)
{
	uint64_t of_a[2] = { a->ours.serial, a->theirs.serial };
	uint64_t of_b[2] = { b->ours.serial, b->theirs.serial };
	int i, side;

	for (i = 0; i < 2; i++) {
		side = is_lower ? i : 1 - i;
		if (of_a[side] != of_b[side])
			return of_a[side] < of_b[side] ? -1 : 1;
	}
	return 0;
}

bool
peer_prefers(const struct peer *peer, uint32_t self,
    const struct link *new_link, const struct link *old_link)
{
	int order;

	if (new_link->handshake.peer.instance !=
	    old_link->handshake.peer.instance)
		return true;
	order = compare_keys(self < peer->member, new_link, old_link);
	if (order != 0)
		return order > 0;
	if (new_link->is_dialled == old_link->is_dialled)
		return true;
	return new_link->is_dialled == (self < peer->member);
}

void
peer_link_up(struct peer *peer, struct link *link, uint64_t now_us)
{
	peer->links[link->kind] = link;
	if (!link->is_dialled)
		peer->redials[link->kind].failures = 0;
	if (link->kind != LINK_PEER)
		return;
	peer->redials[LINK_BULK].failures = 0;
	peer->redials[LINK_BULK].due_us = now_us;
	metric_set_value(peer->metrics.is_up, 1);
	(void)pthread_mutex_lock(&peer->lock);
	peer->is_up = true;
	peer->stats.attempts = 0;
	peer->stats.error[0] = '\0';
	peer->stats.our_serial = link->ours.serial;
	peer->stats.their_serial = link->theirs.serial;
	memcpy(peer->stats.program, link->handshake.program,
	    sizeof(peer->stats.program));
	(void)pthread_mutex_unlock(&peer->lock);
	peer_keys(peer, link);
}

static void
peer_set_error(struct peer *peer, const char *why)
{
	(void)pthread_mutex_lock(&peer->lock);
	(void)snprintf(peer->stats.error, sizeof(peer->stats.error), "%.*s",
	    (int)sizeof(peer->stats.error) - 1, why);
	(void)pthread_mutex_unlock(&peer->lock);
}

void
peer_link_down(struct peer *peer, struct link *link, uint32_t self,
    uint64_t now_us)
{
	struct redial *redial = &peer->redials[link->kind];

	peer->links[link->kind] = NULL;
	if (now_us - link->born_us >= HEALTHY_US)
		redial->failures = 0;
	redial->failures++;
	redial->due_us = now_us + backoff(redial);
	if (link->kind != LINK_PEER)
		return;
	if (self > peer->member)
		redial->due_us += COURTESY_US;
	metric_set_value(peer->metrics.is_up, 0);
	(void)pthread_mutex_lock(&peer->lock);
	peer->is_up = false;
	peer->stats.rtt_us = 0;
	send_queue_clear(&peer->queue);
	(void)pthread_mutex_unlock(&peer->lock);
	peer_set_error(peer, link->err.text);
}

void
peer_failed(struct peer *peer, enum link_kind kind, const char *why,
    bool is_dial, uint64_t now_us)
{
	struct redial *redial = &peer->redials[kind];

	if (is_dial) {
		if (redial->failures < FAILURES_MAX)
			redial->failures++;
		redial->due_us = now_us + backoff(redial);
		metric_add(peer->metrics.dial_failures, 1);
	}
	if (kind != LINK_PEER || peer->links[LINK_PEER] != NULL)
		return;
	peer_set_error(peer, why);
	if (!is_dial)
		return;
	(void)pthread_mutex_lock(&peer->lock);
	peer->stats.attempts++;
	(void)pthread_mutex_unlock(&peer->lock);
}

void
peer_renew(struct peer *peer, bool is_ours, uint64_t now_us)
{
	int kind;

	for (kind = 0; kind < LINK_KIND_COUNT; kind++) {
		if (peer->links[kind] == NULL)
			continue;
		peer->redials[kind].failures = 0;
		peer->redials[kind].due_us = now_us +
		    randombytes_uniform(RENEW_US) + (is_ours ? 0 : RENEW_US);
	}
}

void
peer_publish(struct peer *peer, bool is_connecting, uint64_t now_us)
{
	enum net_link_state state = NET_LINK_DOWN;

	if (peer->links[LINK_PEER] != NULL)
		state = NET_LINK_UP;
	else if (is_connecting || peer->redials[LINK_PEER].dial != NULL)
		state = NET_LINK_CONNECTING;
	(void)pthread_mutex_lock(&peer->lock);
	if (peer->stats.state != state) {
		peer->stats.state = state;
		peer->stats.since_us = now_us;
	}
	peer->stats.retry_at_us =
	    state == NET_LINK_DOWN ? peer->redials[LINK_PEER].due_us : 0;
	(void)pthread_mutex_unlock(&peer->lock);
}

void
peer_count(struct peer *peer, struct link *link)
{
	uint64_t in = link->socket_counter.in_bytes - link->counted_in;
	uint64_t out = link->socket_counter.out_bytes - link->counted_out;
	uint64_t dropped;

	link->counted_in += in;
	link->counted_out += out;
	metric_add(peer->metrics.rx_bytes, (int64_t)in);
	metric_add(peer->metrics.tx_bytes, (int64_t)out);
	(void)pthread_mutex_lock(&peer->lock);
	peer->stats.rx_bytes += in;
	peer->stats.tx_bytes += out;
	if (link->heard_us > peer->stats.last_heard_us)
		peer->stats.last_heard_us = link->heard_us;
	dropped = peer->queue.dropped - peer->dropped_counted;
	peer->dropped_counted += dropped;
	(void)pthread_mutex_unlock(&peer->lock);
	metric_add(peer->metrics.dropped, (int64_t)dropped);
}

void
peer_keys(struct peer *peer, const struct link *link)
{
	const struct datagram_keys *keys = link->datagram;

	(void)pthread_mutex_lock(&peer->lock);
	peer->stats.has_datagram_keys = keys != NULL;
	if (keys != NULL) {
		peer->stats.key_steps = datagram_keys_step(keys);
		peer->stats.keys_since_us = datagram_keys_since_us(keys);
	}
	(void)pthread_mutex_unlock(&peer->lock);
}

void
peer_rtt(struct peer *peer, uint64_t rtt_us)
{
	uint64_t *smooth = &peer->stats.rtt_us;

	(void)pthread_mutex_lock(&peer->lock);
	*smooth = *smooth == 0 ? rtt_us : (*smooth * 7 + rtt_us) / 8;
	(void)pthread_mutex_unlock(&peer->lock);
}

bool
peer_is_news(const struct peer *peer, const char *why)
{
	/* Only this thread writes it, so it may read it without the lock. */
	return strncmp(peer->stats.error, why, sizeof(peer->stats.error) - 1) !=
	    0;
}

bool
peer_may_log(struct peer *peer, uint64_t now_us)
{
	return bucket_take(&peer->log_lines, 1, now_us);
}
