/*
 * One SSH session with a member: bytes, frames and the handshake.
 *
 * A link reads and writes what its socket is ready for and remembers what
 * happened; what follows from that (who is up, who is dialled again) is
 * decided by io.c between turns, never inside libssh.
 *
 * Ownership  link_accept() and link_adopt() hand out a link, link_free()
 *            takes it back.
 * Threads    the I/O thread's.
 */
#ifndef AEGIS_NET_LINK_H
#define AEGIS_NET_LINK_H

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/frame.h"
#include "net/address.h"
#include "net/datagram_key.h"
#include "net/dial.h"
#include "net/handshake.h"
#include "net/queue.h"
#include "net/transport.h"
#include "trust/chain.h"
#include "trust/link_certificate.h"
#include "trust/roster.h"

/* The most one write hands to libssh. */
#define LINK_WRITE_BYTES 32768

/* What all links of a node share; borrowed. */
struct link_context {
	const struct roster *roster;
	const struct signer *signer;
	uint32_t self;
	uint64_t instance;
	struct transport_rekey rekey;
	uint64_t step_us;   /* of datagrams' keys; 0: DATAGRAM_STEP_US */
	uint8_t *scratch;   /* LINK_WRITE_BYTES to stage a write in */
	struct bytes chain; /* of rosters, for members that are behind */
	const struct chain_formers *formers; /* who is told of its removal */
	/* Our link key, and the newest that each node has certified. */
	struct link_certificate ours;
	struct link_certificate known[TRUST_MEMBERS_MAX];
	/* A member says that our epoch is over; NULL: nobody listens. */
	void (*behind)(void *arg, uint32_t member, struct bytes epoch);
	void *arg;
};

enum link_phase {
	LINK_GREETING, /* acceptor: until SSH has granted a subsystem */
	LINK_SHAKING,  /* HELLO … READY_ACK */
	LINK_PROVEN,   /* handshake done; io.c decides whether it is wanted */
	LINK_UP,
	LINK_SPARE,   /* another has its place; the other end may write yet */
	LINK_LEAVING, /* a GOODBYE is being written */
	LINK_DEAD,
};

/* Bytes and packets at some moment, for judging what came since. */
struct link_tally {
	uint64_t at_us;
	uint64_t bytes_in;
	uint64_t packets_in;
	uint64_t body_bytes;
	uint64_t body_packets;
	uint64_t bytes_out;
};

struct link {
	struct link *next;
	const struct link_context *context;
	ssh_session session;
	ssh_channel channel;
	ssh_event event;
	int fd;
	struct address from; /* of an accepted session */
	bool is_dialled;
	bool is_authenticated; /* member is known */
	bool is_former; /* it was one, and is told so before it is left */
	enum link_kind kind;
	enum link_phase phase;
	uint32_t member;
	/* The keys that this session began with. */
	struct link_certificate ours, theirs;
	unsigned auth_requests;
	unsigned offences; /* refused requests and failed tries */
	bool is_fed;       /* bytes came since frames were last taken */

	uint64_t born_us;
	uint64_t deadline_us; /* of the phase; UINT64_MAX while up */
	uint64_t heard_us;
	uint64_t beat_us; /* next heartbeat */

	struct handshake handshake;
	struct secret *ephemeral;       /* behind its nonce, until it is done */
	struct datagram_keys *datagram; /* of a peer session, if both can */
	struct handshake_output answer; /* READY_ACK, held until decided */
	struct frame_parser parser;
	struct send_queue own; /* handshake, heartbeats, goodbye */
	struct net_frame *current;
	size_t current_at;
	struct buf rest;     /* staged but not taken by libssh */
	uint64_t held_until; /* libssh has written all it took when its packets
				come to so many bytes */
	uint64_t held_us;    /* since when they have not, 0: they have */

	uint64_t body_bytes;
	uint64_t body_packets;
	struct link_tally tally;
	uint64_t counted_in, counted_out; /* already in the metrics */
	struct ssh_counter_struct socket_counter;
	struct ssh_counter_struct packet_counter;
	struct ssh_server_callbacks_struct server_callbacks;
	struct ssh_channel_callbacks_struct channel_callbacks;
	struct ag_error err; /* why it is dead or leaving */
};

/* Take an accepted socket; closes it on failure. */
enum ag_status link_accept(struct link **out,
    const struct link_context *context, ssh_bind sshbind, int fd,
    const struct address *from, uint64_t now_us,
    struct ag_error *err) AG_MUST_USE;

/* Take a finished dial's session and begin the handshake. */
enum ag_status link_adopt(struct link **out, const struct link_context *context,
    struct dial *dial, uint64_t now_us, struct ag_error *err) AG_MUST_USE;

void link_free(struct link *link);

/* What poll(2) should wait for. */
short link_poll_events(const struct link *link);

/* Read and process what the socket has. */
void link_read(struct link *link, uint64_t now_us);

/* Let the handshake take its frames, until PROVEN or no more are there. */
void link_shake(struct link *link, uint64_t now_us);

/* PROVEN and wanted: answer, and be up. */
void link_confirm(struct link *link, uint64_t now_us);

/* Another link to the same process takes over: only read from now on. */
void link_stand_by(struct link *link, uint64_t now_us);

/*
 * The next frame of a link that is up or spare.  AG_EAGAIN when there is none,
 * also when the link has just died of what it read.
 */
enum ag_status link_next_frame(struct link *link,
    struct frame *frame) AG_MUST_USE;

/* Queue a small frame of the link's own, ahead of others. */
void link_send_own(struct link *link, struct bytes body);

/* Where link_flush() gets more frames; returns an owned reference or NULL. */
typedef struct net_frame *link_source_fn(void *arg, uint32_t classes);

/* Write what libssh will take without waiting; source may be NULL. */
void link_flush(struct link *link, link_source_fn *source, void *arg);

/* Deadlines, rates, a closed session: may end the link. */
void link_check(struct link *link, uint64_t now_us);

/* End it: with a GOODBYE that says why, or at once. */
void link_leave(struct link *link, uint64_t now_us, const char *why);
void link_kill(struct link *link, enum ag_status status, const char *fmt, ...)
    AG_PRINTF(3, 4);

/* The key of either end has been replaced since it began. */
bool link_is_stale(const struct link *link);

/* Everything queued by the link itself has left. */
bool link_is_flushed(const struct link *link);

#endif
