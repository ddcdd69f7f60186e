/*
 * Links to the other members: authenticated, ordered, bounded.
 *
 * One I/O thread owns every SSH session; the node hands frames in and gets
 * frames out.  For each pair of members there are two sessions, aegis-peer
 * for agreement and control and aegis-bulk for state transfer.  A link is up
 * when the handshake (HELLO … READY_ACK) has bound both identities to it.
 *
 * Delivery is at most once and in order per class while a link is up; a
 * link that went down may have lost what was queued.  Consensus asks again.
 *
 * Ownership  net_start() hands out a handle, net_stop() takes it back.
 * Threads    net_send(), net_stats() and net_change_link_key() from any
 *            thread.  Callbacks run on the I/O thread and must not block.
 */
#ifndef AEGIS_NET_NET_H
#define AEGIS_NET_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/metric.h"
#include "base/status.h"
#include "codec/frame.h"
#include "trust/link_certificate.h"
#include "trust/roster.h"

struct net;
struct secret;
struct signer;

struct net_callbacks {
	void *arg;
	/* A whole frame from an authenticated member; body is borrowed. */
	void (*frame)(void *arg, uint32_t member, const struct frame *frame);
	/* The link to member came up or went down. */
	void (*link)(void *arg, uint32_t member, bool is_up);
	/* A member says that our epoch is over, and by what; NULL: not asked
	 * for.  Nothing of it is verified, epoch is borrowed. */
	void (*behind)(void *arg, uint32_t member, struct bytes epoch);
	/* A node has replaced its link key, which is verified and in force;
	 * to be kept for the next start.  NULL: nobody keeps it. */
	void (*link_key)(void *arg, uint32_t member,
	    const struct link_certificate *certificate);
};

struct net_config {
	const struct roster *roster; /* borrowed until net_stop() */
	uint32_t self;
	const struct signer *signer; /* the node key, borrowed */
	/* Used while starting: our link key, its certificate, and the newest of
	 * each node, by its place in the roster; NULL: the roster's. */
	const struct secret *link_key;
	const struct link_certificate *certificate;
	const struct link_certificate *known;
	const char *listen; /* host:port */
	bool is_flushed;    /* frames leave at net_flush(), not by themselves */
	uint32_t heartbeat_ms;
	uint32_t silent_ms;   /* no sign of life for this long: link is down */
	uint64_t rekey_bytes; /* sessions change keys after so many bytes, */
	uint32_t rekey_s;     /* or seconds; 0: as net/transport.h has it */
	uint64_t step_us;     /* keys of datagrams move on; 0: as
				 net/datagram_key.h has it */
	struct bytes chain;   /* of rosters, to show to members that are behind;
				 borrowed until net_stop() */
	struct net_callbacks callbacks;
	struct metric_set *metrics;
};

enum net_link_state {
	NET_LINK_SELF,
	NET_LINK_DOWN,       /* waiting to dial again */
	NET_LINK_CONNECTING, /* TCP, SSH or handshake in progress */
	NET_LINK_UP,
};

struct net_link_stats {
	enum net_link_state state;
	uint64_t since_us;    /* monotonic, when state began */
	uint64_t retry_at_us; /* DOWN: when the next dial is due */
	uint64_t attempts;    /* since last up */
	uint64_t rtt_us;      /* smoothed; 0 unknown */
	uint64_t last_heard_us;
	uint64_t tx_bytes, rx_bytes;
	uint64_t queued_bytes;
	uint64_t dropped_frames;
	/* Of the link keys that the session which is up, or was, began with. */
	uint64_t our_serial, their_serial;
	/* Its keys for datagrams: steps taken, and when the last was. */
	bool has_datagram_keys;
	uint64_t key_steps, keys_since_us;
	char error[160];  /* why it is down */
	char program[32]; /* its version, when it was up last; or empty */
};

/* Bind the listener and start dialling.  AG_ESYS names the address. */
enum ag_status net_start(struct net **out, const struct net_config *config,
    struct ag_error *err) AG_MUST_USE;

/*
 * Be known by another link key: to those who connect from now on, and by a
 * new link, soon, to those who are linked.  It must be durable.
 */
enum ag_status net_change_link_key(struct net *net,
    const struct secret *link_key, const struct link_certificate *certificate,
    struct ag_error *err) AG_MUST_USE;

/* The newest of a member's link keys that was proved: serial 0, the roster's. */
void net_known(struct net *net, uint32_t member,
    struct link_certificate *certificate);

/* Say GOODBYE, flush briefly, close, join the thread. */
void net_stop(struct net *net);

/*
 * Queue one frame to each member in the bit set; body is copied once,
 * whatever the number of members.  Frames to a link that is down are dropped
 * and counted.  AG_ELIMIT when a bulk queue is full (ask again later).
 */
enum ag_status net_send(struct net *net, uint32_t members,
    enum frame_class class, struct bytes body) AG_MUST_USE;

/* The same for several parts laid end to end, to spare a copy. */
enum ag_status net_send_parts(struct net *net, uint32_t members,
    enum frame_class class, const struct bytes *parts,
    size_t count) AG_MUST_USE;

/*
 * Write what was queued: on the caller's thread if the links' own one has
 * nothing to do, and else on that.  Never waits.
 */
void net_flush(struct net *net);

void net_stats(const struct net *net, uint32_t member,
    struct net_link_stats *stats);

#endif
