/*
 * Leases, as the replicated state has them: a number that lives for some
 * seconds from its last sign of life on, and the keys that go with it.
 *
 * FORMAT  the entry of a lease is KEY_LEASES and 16 hexadecimal digits, the
 *         lease's number; its value, canonical CBOR:
 *         [1, principal, seconds, granted ms, expiry ms, [key…] by rising key]
 *         KEY_LEASE_LAST has the last number given out: [1, lease].
 *         Times are agreed ones.
 *
 * A lease has no more keys than a transaction changes, so that what happens
 * when it goes is of the same size.
 *
 * Ownership  what is decoded is borrowed from the bytes it comes from.
 * Threads    none of its own.
 */
#ifndef AEGIS_CODEC_LEASE_H
#define AEGIS_CODEC_LEASE_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/batch.h"
#include "codec/decoder.h"
#include "codec/operation.h"

#define KEY_LEASES KEY_RESERVED "lease/"
#define KEY_LEASES_END KEY_RESERVED "lease0" /* behind the last of them */
#define KEY_LEASE_LAST KEY_RESERVED "lease-last"

#define LEASE_TTL_S_MIN 1
#define LEASE_TTL_S_MAX (366U * 24 * 3600)
#define LEASE_KEYS_MAX TXN_OPERATIONS_MAX

/* In a cluster, and of them of one principal, who can not use up the rest. */
#define LEASES_MAX 16384
#define LEASES_OF_ONE_MAX (LEASES_MAX / 32)

/* Of an entry's key, and of its value. */
#define LEASE_KEY_BYTES (sizeof(KEY_LEASES) - 1 + 16)
#define LEASE_BYTES_MAX (LEASE_KEYS_MAX * (KEY_BYTES_MAX + 3) + 96)

struct lease {
	uint64_t id;
	uint8_t principal[PRINCIPAL_BYTES]; /* who asked for it */
	uint32_t ttl_s;
	uint64_t granted_ms;
	uint64_t expiry_ms; /* it is gone when this has passed */
	struct bytes keys[LEASE_KEYS_MAX];
	size_t key_count;
};

/* The key of a lease's entry, into out, and what lease a key is of. */
struct bytes lease_key(uint64_t id, uint8_t out[static LEASE_KEY_BYTES]);
enum ag_status lease_id_of_key(struct bytes key, uint64_t *id) AG_MUST_USE;

/* A lease's number, and how long one lives, or the decoder has failed. */
uint64_t lease_get_id(struct decoder *d);
uint32_t lease_get_ttl(struct decoder *d);

/* The value of a lease's entry, into out, of LEASE_BYTES_MAX. */
struct bytes lease_encode(const struct lease *lease, uint8_t *out);

/* All but the number.  AG_ECORRUPT, AG_EVERSION. */
enum ag_status lease_decode(struct lease *lease, struct bytes value,
    struct ag_error *err) AG_MUST_USE;

#endif
