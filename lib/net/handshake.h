/*
 * HELLO … READY_ACK: how two members prove to each other, inside an SSH
 * session, that the session is theirs and meant for this cluster.
 *
 * A pure state machine: bytes in, bytes out, no sockets and no clock.
 *
 * Ownership  the caller's storage; roster and key are borrowed.
 * Threads    none of its own.
 */
#ifndef AEGIS_NET_HANDSHAKE_H
#define AEGIS_NET_HANDSHAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "trust/link_certificate.h"
#include "trust/roster.h"

struct signer;

#define HANDSHAKE_VERSION_MIN 1
#define HANDSHAKE_VERSION_MAX 1
#define HANDSHAKE_NONCE_BYTES 32

/* The version of a program, with its NUL: longer ones are refused. */
#define HANDSHAKE_PROGRAM_BYTES 32

/* What a node can do besides, in the sets that both ends sign. */
#define HANDSHAKE_FEATURE_LINK_KEYS 1 /* takes LINK_KEY */
#define HANDSHAKE_FEATURE_DATAGRAMS 2 /* its nonce is an X25519 public half */

/* No handshake message is longer. */
#define HANDSHAKE_BYTES_MAX 512

enum link_kind {
	LINK_PEER, /* agreement and control */
	LINK_BULK, /* state transfer */
};
#define LINK_KIND_COUNT 2

enum handshake_state {
	HANDSHAKE_IDLE,       /* dialler: HELLO not written yet */
	HANDSHAKE_WAIT_HELLO, /* acceptor */
	HANDSHAKE_WAIT_HELLO_ACK,
	HANDSHAKE_WAIT_AUTH,
	HANDSHAKE_WAIT_AUTH_ACK,
	HANDSHAKE_WAIT_READY,
	HANDSHAKE_WAIT_READY_ACK,
	HANDSHAKE_DONE,
	HANDSHAKE_FAILED,
};

/* One side of the session. */
struct handshake_side {
	uint32_t member;
	uint64_t features;
	uint64_t instance; /* one run of the process */
	uint8_t nonce[HANDSHAKE_NONCE_BYTES];
	uint8_t link_key[PUBLIC_KEY_BYTES]; /* as SSH saw it */
};

struct handshake {
	const struct roster *roster;
	const struct signer *signer;
	enum link_kind kind;
	bool is_dialler;
	bool is_former;
	enum handshake_state state;
	uint64_t version; /* agreed, once HELLO_ACK has passed */
	char program[HANDSHAKE_PROGRAM_BYTES]; /* the peer's, once DONE */
	bool is_behind; /* it failed because the peer's epoch is over */
	uint64_t epoch; /* the peer's, then */
	struct handshake_side self;
	struct handshake_side peer;
};

struct handshake_config {
	const struct roster *roster;
	const struct signer *signer;
	enum link_kind kind;
	bool is_dialler;
	uint64_t features;
	uint32_t self;
	uint32_t peer; /* whose link key SSH authenticated */
	/* It is the key of no node of ours, but of one before: peer means
	 * nothing, and all there is to do is tell it what follows its epoch. */
	bool is_former;
	uint64_t instance;
	const uint8_t *nonce; /* fresh, HANDSHAKE_NONCE_BYTES */
	/* As SSH saw them, PUBLIC_KEY_BYTES each. */
	const uint8_t *self_link_key;
	const uint8_t *peer_link_key;
};

void handshake_init(struct handshake *h, const struct handshake_config *config);

/* A message to send, at most HANDSHAKE_BYTES_MAX; len 0 for none. */
struct handshake_output {
	size_t len;
	uint8_t data[HANDSHAKE_BYTES_MAX];
};

/* The dialler's first message. */
void handshake_start(struct handshake *h, struct handshake_output *out);

/*
 * Take the peer's next message; out is the answer to send, if any.
 * AG_EPROTO    not a message, or not the one that comes now
 * AG_EVERSION  no protocol version in common
 * AG_EDENIED   another cluster, epoch or member than this session is for
 * AG_EFORGED   the signature is not the member's
 * On failure the state is HANDSHAKE_FAILED and stays so.
 */
enum ag_status handshake_input(struct handshake *h, struct bytes body,
    struct handshake_output *out, struct ag_error *err) AG_MUST_USE;

/*
 * EPOCH: what an acceptor sends a member whose epoch is over, before its
 * GOODBYE: the proof of the next (trust/epoch.h).  The body's head goes to out
 * and the epoch follows it.  AG_EPROTO when body is none.
 */
void handshake_epoch_head(struct handshake_output *out, size_t len);
enum ag_status handshake_epoch_open(struct bytes body,
    struct bytes *epoch) AG_MUST_USE;

/* LINK_KEY: a certificate that replaces its sender's link key. */
void handshake_link_key(struct handshake_output *out,
    const struct link_certificate *certificate);
enum ag_status handshake_link_key_open(struct link_certificate *certificate,
    struct bytes body) AG_MUST_USE;

/* What both ends have signed, but for who of them did, once it is DONE. */
void handshake_transcript(const struct handshake *h, struct signing *s);

/* Do both ends have a feature? */
bool handshake_has(const struct handshake *h, uint64_t feature);

/* GOODBYE: why a session ends, cut to what fits. */
void handshake_goodbye(struct handshake_output *out, const char *why);

/* The text of a GOODBYE, made printable.  AG_EPROTO when it is none. */
enum ag_status handshake_goodbye_text(char *text, size_t cap,
    struct bytes body) AG_MUST_USE;

#endif
