/*
 * Leases as bytes.
 *
 * RULES    1. One lease has one encoding: its keys rise, and a decoder checks
 *             that.
 *          2. A number fits 63 bits and is not 0, so that 0 can say "none"
 *             and a database can hold it.
 *
 * NOT HERE What leases do (store/execute.c), who has which keys
 *          (store/leases.c).
 */
#include "codec/lease.h"

#include <string.h>

#include "codec/text.h"

#define VERSION 1
#define PREFIX_BYTES (sizeof(KEY_LEASES) - 1)
#define DIGITS (LEASE_KEY_BYTES - PREFIX_BYTES)

struct bytes
lease_key(uint64_t id, uint8_t out[static LEASE_KEY_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	memcpy(out, KEY_LEASES, PREFIX_BYTES);
	for (i = 0; i < DIGITS; i++)
		out[PREFIX_BYTES + i] =
		    (uint8_t)digits[id >> (4 * (DIGITS - 1 - i)) & 0xf];
	return bytes_of(out, LEASE_KEY_BYTES);
}

enum ag_status
lease_id_of_key(struct bytes key, uint64_t *id)
{
	uint8_t raw[DIGITS / 2];
	size_t i;

	*id = 0;
	if (key.len != LEASE_KEY_BYTES ||
	    !bytes_has_prefix(key, bytes_of(KEY_LEASES, PREFIX_BYTES)) ||
	    text_hex_decode(raw, sizeof(raw),
		bytes_of(key.data + PREFIX_BYTES, DIGITS)) != AG_OK)
		return AG_EINVAL;
	for (i = 0; i < sizeof(raw); i++)
		*id = *id << 8 | raw[i];
	return *id == 0 || *id > INT64_MAX ? AG_EINVAL : AG_OK;
}

uint64_t
lease_get_id(struct decoder *d)
{
	uint64_t id = decoder_get_uint_max(d, INT64_MAX);

	if (id == 0)
		decoder_fail(d, "no lease has the number 0");
	return id;
}

uint32_t
lease_get_ttl(struct decoder *d)
{
	uint64_t ttl_s = decoder_get_uint_max(d, LEASE_TTL_S_MAX);

	if (ttl_s < LEASE_TTL_S_MIN)
		decoder_fail(d, "a lease lives for a second at least");
	return (uint32_t)ttl_s;
}

struct bytes
lease_encode(const struct lease *lease, uint8_t *out)
{
	struct encoder e;
	struct bytes encoded;
	size_t i;

	AG_ASSERT(lease->key_count <= LEASE_KEYS_MAX);
	encoder_init(&e, out, LEASE_BYTES_MAX);
	encoder_put_array(&e, 6);
	encoder_put_uint(&e, VERSION);
	encoder_put_bytes(&e, bytes_of(lease->principal, PRINCIPAL_BYTES));
	encoder_put_uint(&e, lease->ttl_s);
	encoder_put_uint(&e, lease->granted_ms);
	encoder_put_uint(&e, lease->expiry_ms);
	encoder_put_array(&e, lease->key_count);
	for (i = 0; i < lease->key_count; i++)
		encoder_put_bytes(&e, lease->keys[i]);
	AG_ASSERT(encoder_finish(&e, &encoded) == AG_OK);
	return encoded;
}

static void
decode_keys(struct decoder *d, struct lease *lease)
{
	size_t i;

	lease->key_count = decoder_get_array_max(d, LEASE_KEYS_MAX);
	for (i = 0; i < lease->key_count && !decoder_failed(d); i++) {
		lease->keys[i] = decoder_get_bytes_max(d, KEY_BYTES_MAX);
		if (lease->keys[i].len == 0 ||
		    operation_key_is_reserved(lease->keys[i]) ||
		    (i > 0 &&
			bytes_compare(lease->keys[i - 1], lease->keys[i]) >= 0))
			decoder_fail(d, "its keys do not rise");
	}
}

enum ag_status
lease_decode(struct lease *lease, struct bytes value, struct ag_error *err)
{
	struct ag_error why;
	struct decoder d;
	uint64_t version;

	*lease = (struct lease){ .id = 0 };
	decoder_init(&d, value);
	decoder_expect_array(&d, 6);
	version = decoder_get_uint(&d);
	if (!decoder_failed(&d) && version != VERSION)
		return ag_fail(err, AG_EVERSION,
		    "a lease of format %llu, this program reads %d",
		    (unsigned long long)version, VERSION);
	decoder_get_fixed(&d, lease->principal, PRINCIPAL_BYTES);
	lease->ttl_s = lease_get_ttl(&d);
	lease->granted_ms = decoder_get_uint_max(&d, INT64_MAX);
	lease->expiry_ms = decoder_get_uint_max(&d, INT64_MAX);
	decode_keys(&d, lease);
	if (decoder_finish(&d, &why) == AG_OK)
		return AG_OK;
	return ag_fail(err, AG_ECORRUPT, "a lease is damaged: %s", why.text);
}
