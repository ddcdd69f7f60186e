/*
 * Packages as they are made, refreshed and opened.
 *
 * RULES    1. Whatever is written is read again before it is handed out: a
 *             package that nobody could verify would be found out on the day
 *             it is needed.
 *          2. Randomness is libsodium's: the polynomial, the nonces.
 */
#include <stdlib.h>

#include <sodium.h>

#include "codec/encoder.h"
#include "crypto/hkdf.h"
#include "crypto/seal.h"
#include "crypto/transcript.h"
#include "escrow/package.h"
#include "escrow/package_parts.h"

#define SEAL_INFO "aegis/escrow/v1/seal"
#define COMMITMENT_INFO "aegis/escrow/v1/commitment"

static enum ag_status
no_memory(struct ag_error *err)
{
	return ag_fail(err, AG_ENOMEM, "make package: out of memory");
}

static void
put_points(struct encoder *e, const struct point *points, uint32_t set)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < PVSS_CUSTODIANS_MAX; i++)
		count += set >> i & 1;
	encoder_put_array(e, count);
	for (uint32_t i = 0; i < PVSS_CUSTODIANS_MAX; i++)
		if ((set >> i & 1) != 0)
			encoder_put_bytes(e,
			    bytes_of(points[i].data, RISTRETTO_BYTES));
}

static void
put_sharing(struct encoder *e, const struct pvss *s)
{
	uint32_t all = package_parts_first(s->threshold), count = 0;

	put_points(e, s->commitments, s->is_of_zero ? all & ~UINT32_C(1) : all);
	put_points(e, s->shares, s->members);
	for (uint32_t i = 0; i < PVSS_CUSTODIANS_MAX; i++)
		count += s->members >> i & 1;
	encoder_put_array(e, count);
	for (uint32_t i = 0; i < PVSS_CUSTODIANS_MAX; i++)
		if ((s->members >> i & 1) != 0)
			encoder_put_bytes(e,
			    bytes_of(s->proofs[i], DLEQ_BYTES));
}

static void
put_digest_or_null(struct encoder *e, bool is_there, const uint8_t *digest)
{
	if (is_there)
		encoder_put_bytes(e, bytes_of(digest, DIGEST_BYTES));
	else
		encoder_put_null(e);
}

static void
put_head(struct encoder *e, const struct package *p)
{
	encoder_put_array(e, 7);
	put_digest_or_null(e, p->is_rehearsal, p->rehearsed.data);
	encoder_put_bytes(e, bytes_of(p->nonce, sizeof(p->nonce)));
	encoder_put_uint(e, p->created_ms);
	encoder_put_uint(e, p->delay_ms);
	put_digest_or_null(e, p->has_cluster, p->cluster_id);
	encoder_put_uint(e, p->threshold);
	encoder_put_array(e, p->count);
	for (uint32_t i = 0; i < p->count; i++) {
		const struct package_custodian *c = &p->custodians[i];

		encoder_put_array(e, 3);
		encoder_put_text(e, bytes_from_text(c->name));
		encoder_put_bytes(e,
		    bytes_of(c->key.point.data, RISTRETTO_BYTES));
		encoder_put_bytes(e,
		    bytes_of(c->key.possession, SCHNORR_BYTES));
	}
}

static void
put_start(struct encoder *e)
{
	encoder_put_array(e, 6);
	encoder_put_text(e, bytes_from_text(PACKAGE_MAGIC));
	encoder_put_uint(e, PACKAGE_VERSION);
}

/* What was written since the encoder was at a length. */
static struct bytes
since(const struct encoder *e, size_t at)
{
	return bytes_of(e->out + at, e->len - at);
}

/* A key of the secret point; NULL: no memory. */
static struct secret *
derive(const struct package *p, const struct point *secret, const char *info)
{
	return hkdf_sha256(bytes_of(secret->data, sizeof(secret->data)),
	    bytes_of(p->bounds[0].data, DIGEST_BYTES), info);
}

static enum ag_status
put_payload(struct encoder *e, const struct package *p,
    const struct point *secret, const struct secret *payload,
    struct ag_error *err)
{
	struct secret *key = derive(p, secret, SEAL_INFO);
	struct secret *commitment = derive(p, secret, COMMITMENT_INFO);
	enum ag_status status = AG_OK;
	size_t len = secret_len(payload) + SEAL_OVERHEAD;
	struct digest checksum;
	uint8_t *out;

	if (key == NULL || commitment == NULL) {
		status = no_memory(err);
		goto out;
	}
	encoder_put_array(e, 3);
	encoder_put_bytes(e, secret_bytes(commitment));
	out = encoder_put_bytes_inplace(e, len);
	if (out == NULL) {
		status = no_memory(err);
		goto out;
	}
	seal_buffer(out, key, bytes_of(p->bounds[0].data, DIGEST_BYTES),
	    secret_bytes(payload));
	package_parts_checksum(&checksum, p, secret_bytes(commitment).data,
	    bytes_of(out, len));
	encoder_put_bytes(e, bytes_of(checksum.data, DIGEST_BYTES));
out:
	secret_free(commitment);
	secret_free(key);
	return status;
}

/* The deal and the payload, behind the head. */
static enum ag_status
put_secret(struct encoder *e, struct package *p,
    const struct secret *polynomial, const struct secret *payload,
    struct ag_error *err)
{
	uint8_t entropy[TRANSCRIPT_ENTROPY_BYTES];
	enum ag_status status;
	struct point secret;
	size_t at;

	digest_of(&p->base, p->head_raw);
	p->deal =
	    (struct pvss){ .threshold = p->threshold, .members = p->members };
	randombytes_buf(entropy, sizeof(entropy));
	status = pvss_deal(&p->deal, polynomial, p->keys,
	    bytes_of(p->base.data, DIGEST_BYTES), entropy, err);
	secret_wipe(entropy, sizeof(entropy));
	if (status == AG_OK)
		status = pvss_secret(&secret, polynomial, err);
	if (status != AG_OK)
		return status;
	at = e->len;
	encoder_put_array(e, 3);
	put_sharing(e, &p->deal);
	package_parts_bind_next(&p->bounds[0], &p->base, since(e, at));
	status = put_payload(e, p, &secret, payload, err);
	secret_wipe(&secret, sizeof(secret));
	return status;
}

/* Keep what was written, if it reads back. */
static enum ag_status
take(struct buf *out, const struct encoder *e, struct ag_error *err)
{
	struct package *back = package_new();
	enum ag_status status;
	struct bytes file;

	if (back == NULL || encoder_finish(e, &file) != AG_OK) {
		package_free(back);
		return no_memory(err);
	}
	status = package_decode(back, file, err);
	package_free(back);
	if (status != AG_OK)
		return ag_fail(err, AG_EINTERNAL,
		    "make package: it does not verify");
	return buf_append(out, file.data, file.len) == AG_OK ? AG_OK
							     : no_memory(err);
}

static enum ag_status
check_deal(const struct package *p, const struct secret *payload,
    struct ag_error *err)
{
	if (p->threshold < PVSS_THRESHOLD_MIN || p->threshold > p->count)
		return ag_fail(err, AG_EINVAL,
		    "k is 2 at least and n at most: %u of %u", p->threshold,
		    p->count);
	if (secret_len(payload) > PACKAGE_PAYLOAD_BYTES_MAX)
		return ag_fail(err, AG_ELIMIT,
		    "the secret is longer than %u bytes",
		    PACKAGE_PAYLOAD_BYTES_MAX);
	return AG_OK;
}

enum ag_status
package_deal(struct package *package, const struct secret *payload,
    struct buf *out, struct ag_error *err)
{
	enum ag_status status = check_deal(package, payload, err);
	struct secret *polynomial;
	struct encoder e;
	uint8_t *memory;
	size_t at;

	if (status != AG_OK)
		return status;
	memory = malloc(PACKAGE_BYTES_MAX);
	polynomial = pvss_polynomial(package->threshold, false);
	if (memory == NULL || polynomial == NULL) {
		status = no_memory(err);
		goto out;
	}
	randombytes_buf(package->nonce, sizeof(package->nonce));
	encoder_init(&e, memory, PACKAGE_BYTES_MAX);
	put_start(&e);
	at = e.len;
	put_head(&e, package);
	package->head_raw = since(&e, at);
	status = put_secret(&e, package, polynomial, payload, err);
	encoder_put_array(&e, 0);
	if (status == AG_OK)
		status = take(out, &e, err);
	package->head_raw = bytes_of(NULL, 0);
out:
	secret_free(polynomial);
	free(memory);
	return status;
}

static enum ag_status
deal_zero(struct pvss *sharing, const struct package *p, struct ag_error *err)
{
	const struct digest *context = &p->bounds[p->refresh_count];
	uint8_t entropy[TRANSCRIPT_ENTROPY_BYTES];
	struct secret *polynomial = pvss_polynomial(p->threshold, true);
	enum ag_status status;

	if (polynomial == NULL)
		return no_memory(err);
	randombytes_buf(entropy, sizeof(entropy));
	status = pvss_deal(sharing, polynomial, p->keys,
	    bytes_of(context->data, DIGEST_BYTES), entropy, err);
	secret_wipe(entropy, sizeof(entropy));
	secret_free(polynomial);
	return status;
}

static void
put_refreshed(struct encoder *e, const struct package *p,
    const struct pvss *sharing, uint64_t time_ms)
{
	put_start(e);
	encoder_put_raw(e, p->head_raw);
	encoder_put_raw(e, p->deal_raw);
	encoder_put_raw(e, p->payload_raw);
	encoder_put_array(e, p->refresh_count + 1);
	for (uint32_t i = 0; i < p->refresh_count; i++)
		encoder_put_raw(e, p->refreshes[i].raw);
	encoder_put_array(e, 5);
	encoder_put_uint(e, time_ms);
	encoder_put_uint(e, sharing->members);
	put_sharing(e, sharing);
}

static enum ag_status
check_refresh(const struct package *p, uint32_t members, struct ag_error *err)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < PVSS_CUSTODIANS_MAX; i++)
		count += members >> i & 1;
	if ((members & ~p->members) != 0 || count < p->threshold)
		return ag_fail(err, AG_EINVAL,
		    "%u custodians would be left, and it takes %u: deal anew "
		    "instead, which needs the secret",
		    count, p->threshold);
	if (p->refresh_count == PACKAGE_REFRESHES_MAX)
		return ag_fail(err, AG_ELIMIT,
		    "it was refreshed %d times, which is all there is room "
		    "for: deal anew, which needs the secret",
		    PACKAGE_REFRESHES_MAX);
	return AG_OK;
}

enum ag_status
package_refresh(const struct package *package, uint32_t members,
    uint64_t time_ms, struct buf *out, struct ag_error *err)
{
	enum ag_status status = check_refresh(package, members, err);
	struct pvss sharing = { .threshold = package->threshold,
		.members = members,
		.is_of_zero = true };
	struct encoder e;
	uint8_t *memory;

	if (status == AG_OK)
		status = deal_zero(&sharing, package, err);
	if (status != AG_OK)
		return status;
	memory = malloc(PACKAGE_BYTES_MAX);
	if (memory == NULL)
		return no_memory(err);
	encoder_init(&e, memory, PACKAGE_BYTES_MAX);
	put_refreshed(&e, package, &sharing, time_ms);
	status = take(out, &e, err);
	free(memory);
	return status;
}

static enum ag_status
open_payload(struct secret *payload, const struct package *p,
    const struct secret *key, const struct secret *commitment)
{
	if (sodium_memcmp(secret_bytes(commitment).data, p->commitment,
		sizeof(p->commitment)) != 0)
		return AG_EFORGED;
	return seal_open(secret_data(payload), key,
	    bytes_of(p->bounds[0].data, DIGEST_BYTES), p->sealed);
}

enum ag_status
package_open(struct secret **payload, const struct package *package,
    const struct point *secret, struct ag_error *err)
{
	struct secret *key = derive(package, secret, SEAL_INFO);
	struct secret *commitment = derive(package, secret, COMMITMENT_INFO);
	enum ag_status status = AG_ENOMEM;

	*payload = secret_new(package->sealed.len - SEAL_OVERHEAD);
	if (key != NULL && commitment != NULL && *payload != NULL)
		status = open_payload(*payload, package, key, commitment);
	secret_free(commitment);
	secret_free(key);
	if (status == AG_OK)
		return AG_OK;
	secret_free(*payload);
	*payload = NULL;
	return status == AG_ENOMEM
	    ? ag_fail(err, status, "open package: out of memory")
	    : ag_fail(err, status,
		  "what was recovered is not the secret of this package: "
		  "nothing was written");
}
