/*
 * The keys of sealed datagrams.
 *
 * FORMAT   u32 step | u64 counter | ciphertext | tag (16), integers
 *          big-endian: ChaCha20-Poly1305 (RFC 8439), whose nonce and
 *          associated data are the first twelve bytes.
 *
 * KEYS     HKDF-SHA256 each, arrows ->:
 *          X25519 of the handshake, salt BLAKE2b-256(transcript)   -> root
 *          X25519 of a step, salt BLAKE2b-256(root | u64 step |
 *            dialler's public half | acceptor's)                   -> root
 *          root -> chain of the dialler's datagrams, of the acceptor's, and
 *            a root that is kept for the next step in place of this one
 *          chain -> key of 2^16 datagrams, and the chain after it
 *
 * RULES    1. Forward: a chain and a root are replaced by what was derived
 *             from them, so what is in memory opens nothing older than the
 *             key in use and the one before it, which goes with its window.
 *          2. Back again: each step takes new secrets of both ends, so who
 *             has read the memory is shut out by the next one, unless it
 *             sits in the middle of the link itself.
 *          3. A key is never used twice with a nonce: a counter only rises
 *             within a step, and each step has chains of its own.
 *          4. What was not opened changes nothing.  A datagram may be of the
 *             key in use, of the one before or the one after: to look further
 *             ahead a forger's counter would decide how much is computed.
 *          5. Without a step in time all keys are wiped: a peer that does not
 *             move on does not hold the other back.  Nor is one that moves on
 *             all the time worth the work: the dialler counts from when it
 *             has the answer, so that half the time is early by any measure.
 *
 * The acceptor goes on with the answer.  A datagram that it seals then and
 * that overtakes the answer is lost, as datagrams are.
 *
 * NOT HERE Messages and their timing (net/io.c), the handshake's nonces, which
 *          are the public halves (net/handshake.c).
 */
#include "net/datagram_key.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "crypto/hkdf.h"

#define KEY_BYTES HKDF_BYTES

/* How long keys of the step before are kept, if no window of datagrams has
 * come since. */
#define BEFORE_US UINT64_C(10000000)

/* One end's datagrams of one step; secret. */
struct flow {
	uint8_t chain[KEY_BYTES];  /* of the block after this */
	uint8_t key[KEY_BYTES];    /* of this block */
	uint8_t before[KEY_BYTES]; /* of the one before it */
};

struct hidden {
	uint8_t root[KEY_BYTES];
	struct flow ours, theirs, old; /* old: theirs of the step before */
};

/* What is known of datagrams that come. */
struct receiver {
	uint64_t block;
	bool has_before;
	struct datagram_window window;
};

struct datagram_keys {
	struct secret *hidden;    /* struct hidden; NULL: wiped for good */
	struct secret *ephemeral; /* of the step we offer */
	uint8_t offered[DATAGRAM_PUBLIC_BYTES];
	bool is_dialler;
	uint64_t step_us;
	uint64_t step;
	uint64_t since_us;
	uint64_t sent; /* in this step */
	uint64_t block;
	struct receiver theirs, old;
	bool has_old;
};

static struct hidden *
hidden(struct datagram_keys *keys)
{
	return (struct hidden *)(void *)secret_data(keys->hidden);
}

/* --- windows --- */

bool
datagram_window_is_new(const struct datagram_window *window, uint64_t counter)
{
	if (counter >= window->next)
		return true;
	if (window->next - counter > DATAGRAM_WINDOW)
		return false;
	return (window->seen[counter / 64 % (DATAGRAM_WINDOW / 64)] >>
		       (counter % 64) &
		   1) == 0;
}

void
datagram_window_take(struct datagram_window *window, uint64_t counter)
{
	uint64_t at = window->next;

	/* What lies between was not seen; older marks leave their places. */
	if (counter >= at + DATAGRAM_WINDOW) {
		memset(window->seen, 0, sizeof(window->seen));
		at = counter;
	}
	for (; at <= counter; at++)
		window->seen[at / 64 % (DATAGRAM_WINDOW / 64)] &=
		    ~(UINT64_C(1) << (at % 64));
	if (counter >= window->next)
		window->next = counter + 1;
	window->seen[counter / 64 % (DATAGRAM_WINDOW / 64)] |= UINT64_C(1)
	    << (counter % 64);
}

/* --- derivation --- */

static bool
derive(uint8_t *out, const uint8_t *key, struct bytes salt, const char *purpose)
{
	struct secret *derived =
	    hkdf_sha256(bytes_of(key, KEY_BYTES), salt, purpose);

	if (derived == NULL)
		return false;
	memcpy(out, secret_bytes(derived).data, KEY_BYTES);
	secret_free(derived);
	return true;
}

/* The next block of a flow: its key, and the chain that follows. */
static bool
flow_advance(struct flow *flow)
{
	const struct bytes none = bytes_from_text("");
	struct flow next;
	bool is_done;

	memcpy(next.before, flow->key, KEY_BYTES);
	is_done =
	    derive(next.key, flow->chain, none, "aegis/datagram-key/v1") &&
	    derive(next.chain, flow->chain, none, "aegis/datagram-chain/v1");
	if (is_done)
		*flow = next;
	secret_wipe(&next, sizeof(next));
	return is_done;
}

/* From a root the chains of both ends, begun, and the root that is kept. */
static bool
derive_flows(struct hidden *next, bool is_dialler)
{
	const struct bytes none = bytes_from_text("");
	struct flow *dialler = is_dialler ? &next->ours : &next->theirs;
	struct flow *acceptor = is_dialler ? &next->theirs : &next->ours;
	uint8_t kept[KEY_BYTES];
	bool is_done;

	is_done = derive(dialler->chain, next->root, none,
		      "aegis/datagram-dialler/v1") &&
	    derive(acceptor->chain, next->root, none,
		"aegis/datagram-acceptor/v1") &&
	    derive(kept, next->root, none, "aegis/datagram-root/v1");
	memcpy(next->root, kept, KEY_BYTES);
	secret_wipe(kept, sizeof(kept));
	return is_done && flow_advance(dialler) && flow_advance(acceptor);
}

/* The shared secret of two halves.  AG_EFORGED: theirs is of small order. */
static enum ag_status
agree(uint8_t shared[static KEY_BYTES], const struct secret *ephemeral,
    const uint8_t *their_public)
{
	return crypto_scalarmult_curve25519(shared,
		   secret_bytes(ephemeral).data, their_public) == 0
	    ? AG_OK
	    : AG_EFORGED;
}

struct secret *
datagram_ephemeral(uint8_t public_half[static DATAGRAM_PUBLIC_BYTES])
{
	struct secret *ephemeral =
	    secret_random(crypto_scalarmult_curve25519_SCALARBYTES);

	if (ephemeral != NULL)
		(void)crypto_scalarmult_curve25519_base(public_half,
		    secret_bytes(ephemeral).data);
	return ephemeral;
}

/* Derive all of a step from what was agreed and a salt, into place. */
static enum ag_status
enter(struct datagram_keys *keys, const uint8_t *shared, struct bytes salt,
    uint64_t now_us)
{
	struct secret *memory = secret_new(sizeof(struct hidden));
	struct hidden *next;

	if (memory == NULL)
		return AG_ENOMEM;
	next = (struct hidden *)(void *)secret_data(memory);
	if (!derive(next->root, shared, salt, "aegis/datagram/v1") ||
	    !derive_flows(next, keys->is_dialler)) {
		secret_free(memory);
		return AG_ENOMEM;
	}
	keys->has_old = keys->hidden != NULL;
	if (keys->has_old) {
		next->old = hidden(keys)->theirs;
		keys->old = keys->theirs;
		keys->step++;
	}
	secret_free(keys->hidden);
	secret_free(keys->ephemeral);
	keys->hidden = memory;
	keys->ephemeral = NULL;
	keys->since_us = now_us;
	keys->sent = 0;
	keys->block = 0;
	keys->theirs = (struct receiver){ .block = 0 };
	return AG_OK;
}

enum ag_status
datagram_keys_new(struct datagram_keys **out,
    const struct datagram_start *start)
{
	struct datagram_keys *keys = calloc(1, sizeof(*keys));
	uint8_t shared[KEY_BYTES], salt[32];
	enum ag_status status;

	*out = NULL;
	if (keys == NULL)
		return AG_ENOMEM;
	keys->is_dialler = start->is_dialler;
	keys->step_us = start->step_us > 0 ? start->step_us : DATAGRAM_STEP_US;
	(void)crypto_generichash(salt, sizeof(salt), start->transcript.data,
	    start->transcript.len, NULL, 0);
	status = agree(shared, start->ephemeral, start->their_public);
	if (status == AG_OK)
		status = enter(keys, shared, bytes_of(salt, sizeof(salt)),
		    start->now_us);
	secret_wipe(shared, sizeof(shared));
	if (status != AG_OK) {
		datagram_keys_free(keys);
		return status;
	}
	*out = keys;
	return AG_OK;
}

void
datagram_keys_free(struct datagram_keys *keys)
{
	if (keys == NULL)
		return;
	secret_free(keys->hidden);
	secret_free(keys->ephemeral);
	free(keys);
}

/* --- steps --- */

static enum ag_status
take_step(struct datagram_keys *keys, const struct secret *ephemeral,
    const uint8_t *dialler, const uint8_t *acceptor, uint64_t now_us)
{
	const uint8_t *theirs = keys->is_dialler ? acceptor : dialler;
	uint8_t shared[KEY_BYTES], salt[32], number[8];
	crypto_generichash_state hash;
	enum ag_status status;
	size_t i;

	status = agree(shared, ephemeral, theirs);
	if (status != AG_OK)
		return status;
	for (i = 0; i < sizeof(number); i++)
		number[i] = (uint8_t)((keys->step + 1) >> (56 - 8 * i));
	(void)crypto_generichash_init(&hash, NULL, 0, sizeof(salt));
	(void)crypto_generichash_update(&hash, hidden(keys)->root, KEY_BYTES);
	(void)crypto_generichash_update(&hash, number, sizeof(number));
	(void)crypto_generichash_update(&hash, dialler, DATAGRAM_PUBLIC_BYTES);
	(void)crypto_generichash_update(&hash, acceptor, DATAGRAM_PUBLIC_BYTES);
	(void)crypto_generichash_final(&hash, salt, sizeof(salt));
	status = enter(keys, shared, bytes_of(salt, sizeof(salt)), now_us);
	secret_wipe(shared, sizeof(shared));
	secret_wipe(salt, sizeof(salt));
	secret_wipe(&hash, sizeof(hash));
	return status;
}

bool
datagram_keys_is_due(const struct datagram_keys *keys, uint64_t now_us)
{
	return keys->is_dialler && keys->hidden != NULL &&
	    keys->ephemeral == NULL && now_us >= keys->since_us + keys->step_us;
}

enum ag_status
datagram_keys_offer(struct datagram_keys *keys,
    uint8_t public_half[static DATAGRAM_PUBLIC_BYTES])
{
	keys->ephemeral = datagram_ephemeral(public_half);
	if (keys->ephemeral == NULL)
		return AG_ENOMEM;
	memcpy(keys->offered, public_half, DATAGRAM_PUBLIC_BYTES);
	return AG_OK;
}

enum ag_status
datagram_keys_answer(struct datagram_keys *keys, uint64_t step,
    const uint8_t *their_public,
    uint8_t public_half[static DATAGRAM_PUBLIC_BYTES], uint64_t now_us)
{
	struct secret *ephemeral;
	enum ag_status status;

	if (keys->is_dialler || keys->hidden == NULL ||
	    step != keys->step + 1 ||
	    now_us < keys->since_us + keys->step_us / 2)
		return AG_EPROTO;
	ephemeral = datagram_ephemeral(public_half);
	if (ephemeral == NULL)
		return AG_ENOMEM;
	status = take_step(keys, ephemeral, their_public, public_half, now_us);
	secret_free(ephemeral);
	return status;
}

enum ag_status
datagram_keys_take(struct datagram_keys *keys, uint64_t step,
    const uint8_t *their_public, uint64_t now_us)
{
	if (!keys->is_dialler || keys->hidden == NULL ||
	    keys->ephemeral == NULL || step != keys->step + 1)
		return AG_EPROTO;
	return take_step(keys, keys->ephemeral, keys->offered, their_public,
	    now_us);
}

uint64_t
datagram_keys_step(const struct datagram_keys *keys)
{
	return keys->step;
}

uint64_t
datagram_keys_since_us(const struct datagram_keys *keys)
{
	return keys->since_us;
}

static void
forget_old(struct datagram_keys *keys)
{
	keys->has_old = false;
	secret_wipe(&hidden(keys)->old, sizeof(hidden(keys)->old));
}

bool
datagram_keys_age(struct datagram_keys *keys, uint64_t now_us)
{
	if (keys->hidden == NULL)
		return false;
	if (now_us >= keys->since_us + keys->step_us + keys->step_us / 2) {
		secret_free(keys->hidden);
		secret_free(keys->ephemeral);
		keys->hidden = NULL;
		keys->ephemeral = NULL;
		return false;
	}
	if (keys->has_old && now_us >= keys->since_us + BEFORE_US)
		forget_old(keys);
	return true;
}

/* --- datagrams --- */

static void
put_number(uint8_t *out, uint64_t value, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		out[i] = (uint8_t)(value >> 8 * (len - 1 - i));
}

static uint64_t
get_number(const uint8_t *in, size_t len)
{
	uint64_t value = 0;
	size_t i;

	for (i = 0; i < len; i++)
		value = value << 8 | in[i];
	return value;
}

enum ag_status
datagram_seal(struct datagram_keys *keys, uint8_t *out, struct bytes plain,
    uint64_t now_us)
{
	struct flow *ours;

	if (!datagram_keys_age(keys, now_us))
		return AG_ETIMEOUT;
	ours = &hidden(keys)->ours;
	if (keys->sent / DATAGRAM_KEY_COUNT != keys->block) {
		if (!flow_advance(ours))
			return AG_ENOMEM;
		secret_wipe(ours->before, KEY_BYTES);
		keys->block++;
	}
	put_number(out, keys->step, 4);
	put_number(out + 4, keys->sent++, 8);
	(void)crypto_aead_chacha20poly1305_ietf_encrypt(out +
		DATAGRAM_HEAD_BYTES,
	    NULL, plain.data, plain.len, out, DATAGRAM_HEAD_BYTES, NULL, out,
	    ours->key);
	/* By a fork, or by a crash elsewhere (crypto/secret_crash.c). */
	AG_ASSERT(!sodium_is_zero(ours->key, KEY_BYTES));
	AG_ASSERT(!secret_is_wiped());
	return AG_OK;
}

static bool
open_with(const uint8_t *key, uint8_t *out, struct bytes datagram)
{
	return crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL,
		   datagram.data + DATAGRAM_HEAD_BYTES,
		   datagram.len - DATAGRAM_HEAD_BYTES, datagram.data,
		   DATAGRAM_HEAD_BYTES, datagram.data, key) == 0;
}

/* Find the key of a block among those that are near, and open with it. */
static bool
open_block(struct flow *flow, struct receiver *r, uint64_t block, uint8_t *out,
    struct bytes datagram)
{
	struct flow next;
	bool is_open;

	if (block == r->block)
		return open_with(flow->key, out, datagram);
	if (block + 1 == r->block)
		return r->has_before && open_with(flow->before, out, datagram);
	if (block != r->block + 1)
		return false;
	next = *flow;
	is_open = flow_advance(&next) && open_with(next.key, out, datagram);
	if (is_open) {
		*flow = next;
		r->block = block;
		r->has_before = true;
	}
	secret_wipe(&next, sizeof(next));
	return is_open;
}

/* A whole window into a block nothing of the one before it can come. */
static void
forget_before(struct flow *flow, struct receiver *r)
{
	if (!r->has_before ||
	    r->window.next % DATAGRAM_KEY_COUNT < DATAGRAM_WINDOW)
		return;
	r->has_before = false;
	secret_wipe(flow->before, KEY_BYTES);
}

enum ag_status
datagram_open(struct datagram_keys *keys, uint8_t *out, size_t *len,
    struct bytes datagram, uint64_t now_us)
{
	struct receiver *r = &keys->theirs;
	uint64_t step, counter;
	struct flow *flow;

	*len = 0;
	if (!datagram_keys_age(keys, now_us))
		return AG_ETIMEOUT;
	if (datagram.len < DATAGRAM_OVERHEAD)
		return AG_EFORGED;
	step = get_number(datagram.data, 4);
	counter = get_number(datagram.data + 4, 8);
	flow = &hidden(keys)->theirs;
	if (keys->has_old && step + 1 == keys->step) {
		r = &keys->old;
		flow = &hidden(keys)->old;
	} else if (step != keys->step) {
		return AG_EFORGED;
	}
	if (!datagram_window_is_new(&r->window, counter))
		return AG_EEXIST;
	if (!open_block(flow, r, counter / DATAGRAM_KEY_COUNT, out, datagram))
		return AG_EFORGED;
	datagram_window_take(&r->window, counter);
	forget_before(flow, r);
	if (keys->has_old && keys->theirs.window.next >= DATAGRAM_WINDOW)
		forget_old(keys);
	*len = datagram.len - DATAGRAM_OVERHEAD;
	return AG_OK;
}
