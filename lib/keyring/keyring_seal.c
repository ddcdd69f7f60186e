/*
 * Records: what is sealed with a keyring's data keys.
 *
 * RULES    1. Who changes the keyring waits for who seals, and the other way
 *             round, no longer than a record takes.
 *          2. A nonce is 192 random bits, which the system gives some at a
 *             time, and the clock: two copies of a running machine have drawn
 *             the same, but seal at different nanoseconds.
 *          3. Nothing leaves that was sealed with a key that was wiped, as in
 *             a process that is crashing or was forked: zeros are what
 *             anybody has, and the keyring has not.
 *          4. What is wrong with a record that does not open is not told
 *             apart, but for its epoch, which stands in the open.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "keyring/keyring_parts.h"

#define EPOCH_BYTES 4

_Static_assert(KEYRING_HEAD_BYTES == EPOCH_BYTES + SEAL_NONCE_BYTES,
    "a record's head");
_Static_assert(KEYRING_RECORD_BYTES == KEYRING_HEAD_BYTES + SEAL_TAG_BYTES,
    "a record's overhead");

static void
nonce_make(struct keyring *k, uint8_t nonce[static SEAL_NONCE_BYTES])
{
	struct timespec now = { 0 };
	uint64_t ns;

	(void)pthread_mutex_lock(&k->nonce_lock);
	if (k->nonces_left == 0) {
		randombytes_buf(k->nonces, sizeof(k->nonces));
		k->nonces_left = KEYRING_NONCES;
	}
	memcpy(nonce, k->nonces[--k->nonces_left], SEAL_NONCE_BYTES);
	(void)pthread_mutex_unlock(&k->nonce_lock);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	ns =
	    (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
	for (size_t i = 0; i < sizeof(ns); i++)
		nonce[i] ^= (uint8_t)(ns >> 8 * i);
}

void
keyring_seal(struct keyring *k, enum keyring_purpose purpose,
    struct bytes context, struct bytes plain, uint8_t *out)
{
	uint8_t *nonce = out + EPOCH_BYTES;
	const uint8_t *key;
	uint32_t epoch;

	nonce_make(k, nonce);
	(void)pthread_rwlock_rdlock(&k->lock);
	epoch = k->image.epochs[k->active].seen.epoch;
	key = keyring_keys_of(k->secret)->derived[k->active][purpose];
	keyring_cipher_seal(&k->cipher, out + KEYRING_HEAD_BYTES, key, nonce,
	    context, plain);
	AG_ASSERT(!sodium_is_zero(key, KEYRING_KEY_BYTES));
	(void)pthread_rwlock_unlock(&k->lock);
	AG_ASSERT(!secret_is_wiped());
	for (size_t i = 0; i < EPOCH_BYTES; i++)
		out[i] = (uint8_t)(epoch >> 8 * i);
}

uint32_t
keyring_record_epoch(struct bytes record)
{
	uint32_t epoch = 0;

	if (record.len < KEYRING_RECORD_BYTES)
		return 0;
	for (size_t i = 0; i < EPOCH_BYTES; i++)
		epoch |= (uint32_t)record.data[i] << 8 * i;
	return epoch;
}

/* The key of a record's epoch; NULL: there is none. */
static const uint8_t *
key_of(struct keyring *k, enum keyring_purpose purpose, uint32_t epoch)
{
	const struct keyring_image *image = &k->image;

	for (size_t i = image->epoch_count; i-- > 0;)
		if (image->epochs[i].seen.epoch == epoch &&
		    image->epochs[i].seen.state != KEYRING_DESTROYED)
			return keyring_keys_of(k->secret)->derived[i][purpose];
	return NULL;
}

enum ag_status
keyring_unseal(struct keyring *k, enum keyring_purpose purpose,
    struct bytes context, struct bytes record, uint8_t *out,
    struct ag_error *err)
{
	const uint8_t *key;
	const uint32_t epoch = keyring_record_epoch(record);
	bool is_open = false, has_key;

	if (record.len < KEYRING_RECORD_BYTES)
		return ag_fail(err, AG_EFORGED, "a sealed record is too short");
	(void)pthread_rwlock_rdlock(&k->lock);
	key = key_of(k, purpose, epoch);
	has_key = key != NULL;
	if (has_key)
		is_open = keyring_cipher_open(&k->cipher, out, key,
		    record.data + EPOCH_BYTES, context,
		    bytes_of(record.data + KEYRING_HEAD_BYTES,
			record.len - KEYRING_HEAD_BYTES));
	(void)pthread_rwlock_unlock(&k->lock);
	if (is_open)
		return AG_OK;
	if (!has_key)
		return ag_fail(err, AG_EFORGED,
		    "a record is sealed with a key of epoch %" PRIu32
		    ", which the keyring does not have",
		    epoch);
	return ag_fail(err, AG_EFORGED,
	    "a sealed record does not open: it is damaged, or another's");
}
