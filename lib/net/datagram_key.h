/*
 * The keys of sealed datagrams between the two ends of a link: they begin with
 * the link's handshake, and move on so that none can be found again from a
 * later one.
 *
 * Ownership  datagram_keys_new() hands out a handle, datagram_keys_free() takes
 *            it back and wipes it.
 * Threads    one at a time.
 */
#ifndef AEGIS_NET_DATAGRAM_KEY_H
#define AEGIS_NET_DATAGRAM_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/secret.h"

#define DATAGRAM_PUBLIC_BYTES 32

/* What sealing adds: u32 step, u64 counter, tag. */
#define DATAGRAM_HEAD_BYTES 12
#define DATAGRAM_TAG_BYTES 16
#define DATAGRAM_OVERHEAD (DATAGRAM_HEAD_BYTES + DATAGRAM_TAG_BYTES)

/* A key seals so many, and is kept for those that come so late. */
#define DATAGRAM_KEY_COUNT (UINT64_C(1) << 16)
#define DATAGRAM_WINDOW 2048

/* Both ends contribute anew this often; without it they stop after half as
 * long again. */
#define DATAGRAM_STEP_US UINT64_C(120000000)

/* Which counters were seen: those of the last DATAGRAM_WINDOW, and none that
 * is older counts as new. */
struct datagram_window {
	uint64_t next; /* above the newest that was seen */
	uint64_t seen[DATAGRAM_WINDOW / 64];
};

bool datagram_window_is_new(const struct datagram_window *window,
    uint64_t counter);
void datagram_window_take(struct datagram_window *window, uint64_t counter);

/* A private ephemeral key, and its public half; NULL without memory. */
struct secret *datagram_ephemeral(
    uint8_t public_half[static DATAGRAM_PUBLIC_BYTES]);

struct datagram_keys;

/* How they begin, by the handshake; all borrowed for the call. */
struct datagram_start {
	bool is_dialler;
	const struct secret *ephemeral;
	const uint8_t *their_public;
	struct bytes transcript; /* what both have signed */
	uint64_t step_us;        /* 0: DATAGRAM_STEP_US */
	uint64_t now_us;
};

/* AG_EFORGED: their public half is none; AG_ENOMEM. */
enum ag_status datagram_keys_new(struct datagram_keys **out,
    const struct datagram_start *start) AG_MUST_USE;
void datagram_keys_free(struct datagram_keys *keys);

/*
 * The next step, which the dialler begins when it is due: it offers a public
 * half, the acceptor answers with its own and has gone on, and so has the
 * dialler when it takes that.
 * AG_EPROTO   not the step that comes now, or nobody offered it, or it comes
 *             before half its time
 * AG_EFORGED  their public half is none
 */
bool datagram_keys_is_due(const struct datagram_keys *keys, uint64_t now_us);
enum ag_status datagram_keys_offer(struct datagram_keys *keys,
    uint8_t public_half[static DATAGRAM_PUBLIC_BYTES]) AG_MUST_USE;
enum ag_status datagram_keys_answer(struct datagram_keys *keys, uint64_t step,
    const uint8_t *their_public,
    uint8_t public_half[static DATAGRAM_PUBLIC_BYTES],
    uint64_t now_us) AG_MUST_USE;
enum ag_status datagram_keys_take(struct datagram_keys *keys, uint64_t step,
    const uint8_t *their_public, uint64_t now_us) AG_MUST_USE;

/* How many steps were taken, and when the last was. */
uint64_t datagram_keys_step(const struct datagram_keys *keys);
uint64_t datagram_keys_since_us(const struct datagram_keys *keys);

/*
 * Wipe what is not needed any more.  False, now and ever after, when no step
 * was taken in time: nothing is left.
 */
bool datagram_keys_age(struct datagram_keys *keys, uint64_t now_us);

/* Seal into out, which has room for DATAGRAM_OVERHEAD more.  AG_ETIMEOUT. */
enum ag_status datagram_seal(struct datagram_keys *keys, uint8_t *out,
    struct bytes plain, uint64_t now_us) AG_MUST_USE;

/*
 * Open into out, which has room for the datagram; *len is what was in it.
 * AG_EFORGED   the other end did not seal it, or its key is gone
 * AG_EEXIST    it was opened before, or is too old to know
 * AG_ETIMEOUT  as datagram_keys_age()
 */
enum ag_status datagram_open(struct datagram_keys *keys, uint8_t *out,
    size_t *len, struct bytes datagram, uint64_t now_us) AG_MUST_USE;

#endif
