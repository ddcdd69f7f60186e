/*
 * Shares that were submitted.
 *
 * RULES    1. What is sealed is opened only after the signature holds: what
 *             was not signed by a custodian is nobody's fault but its
 *             bringer's.
 */
#include "escrow/share.h"

#include <sodium/randombytes.h>

#include "codec/decoder.h"
#include "codec/encoder.h"
#include "crypto/transcript.h"

#define SHARE_MAGIC "aegis-escrow-share"
#define SHARE_VERSION 1
#define SHARE_PURPOSE "aegis/escrow/share/v1"
#define SUBMISSION_PURPOSE "aegis/escrow/submission/v1"
#define CONTEXT_BYTES (2 * DIGEST_BYTES + 4)

static void
context_of(uint8_t context[static CONTEXT_BYTES], const struct share *s)
{
	memcpy(context, s->request_id.data, DIGEST_BYTES);
	memcpy(context + DIGEST_BYTES, s->package_id.data, DIGEST_BYTES);
	for (int i = 0; i < 4; i++)
		context[2 * DIGEST_BYTES + i] =
		    (uint8_t)(s->number >> (24 - 8 * i));
}

static void
put_statement(struct encoder *e, const struct share *s)
{
	encoder_put_array(e, 5);
	encoder_put_bytes(e, bytes_of(s->request_id.data, DIGEST_BYTES));
	encoder_put_bytes(e, bytes_of(s->package_id.data, DIGEST_BYTES));
	encoder_put_uint(e, s->number);
	encoder_put_bytes(e, bytes_of(s->wrapped, sizeof(s->wrapped)));
	encoder_put_bytes(e, bytes_of(s->sealed, sizeof(s->sealed)));
}

static struct bytes
statement_of(uint8_t room[static SHARE_BYTES_MAX], const struct share *s)
{
	struct bytes statement;
	struct encoder e;

	encoder_init(&e, room, SHARE_BYTES_MAX);
	put_statement(&e, s);
	AG_ASSERT(encoder_finish(&e, &statement) == AG_OK);
	return statement;
}

/* y_i = x*G and Y_i = x*S_i */
static struct dleq
equality_of(const struct share *s, const struct package *package,
    const struct point *point, const uint8_t context[static CONTEXT_BYTES])
{
	struct dleq statement = { .purpose = SHARE_PURPOSE,
		.context = bytes_of(context, CONTEXT_BYTES),
		.h1 = package->keys[s->number - 1],
		.g2 = *point,
		.h2 = package->shares[s->number - 1] };

	point_generator(&statement.g1);
	return statement;
}

/* The point and its proof, into plain. */
static bool
make_plain(uint8_t plain[static SHARE_PLAIN_BYTES], const struct share *s,
    const struct package *package, const struct scalar *key,
    const uint8_t context[static CONTEXT_BYTES])
{
	uint8_t entropy[TRANSCRIPT_ENTROPY_BYTES];
	struct dleq statement;
	struct point point;

	if (!pvss_open(&point, key, &package->shares[s->number - 1]))
		return false;
	randombytes_buf(entropy, sizeof(entropy));
	statement = equality_of(s, package, &point, context);
	memcpy(plain, point.data, RISTRETTO_BYTES);
	dleq_prove(plain + RISTRETTO_BYTES, &statement, key, entropy);
	secret_wipe(&point, sizeof(point));
	secret_wipe(&statement, sizeof(statement));
	return true;
}

static enum ag_status
seal(struct share *s, const struct package *package, const struct scalar *key,
    const uint8_t *recipient, struct ag_error *err)
{
	struct secret *wrapping = secret_random(RECIPIENT_FILE_KEY_BYTES);
	uint8_t plain[SHARE_PLAIN_BYTES], context[CONTEXT_BYTES];
	enum ag_status status;

	if (wrapping == NULL)
		return ag_fail(err, AG_ENOMEM, "make share: out of memory");
	context_of(context, s);
	status = recipient_wrap(s->wrapped, recipient, wrapping, err);
	if (status == AG_OK && !make_plain(plain, s, package, key, context))
		status = ag_fail(err, AG_EINTERNAL,
		    "make share: the share is no point");
	if (status == AG_OK)
		seal_buffer(s->sealed, wrapping,
		    bytes_of(context, sizeof(context)),
		    bytes_of(plain, sizeof(plain)));
	secret_wipe(plain, sizeof(plain));
	secret_free(wrapping);
	return status;
}

enum ag_status
share_make(struct share *out, const struct recovery *request,
    const struct package *package, uint32_t place, const struct secret *key,
    struct ag_error *err)
{
	uint8_t room[SHARE_BYTES_MAX], entropy[TRANSCRIPT_ENTROPY_BYTES];
	enum ag_status status;
	struct scalar scalar;

	AG_ASSERT(secret_len(key) == sizeof(scalar.data));
	*out = (struct share){ .request_id = request->id,
		.package_id = request->package_id,
		.number = place + 1 };
	memcpy(scalar.data, secret_bytes(key).data, sizeof(scalar.data));
	status = seal(out, package, &scalar, request->recipient, err);
	if (status == AG_OK) {
		randombytes_buf(entropy, sizeof(entropy));
		schnorr_sign(out->signature, &scalar, &package->keys[place],
		    SUBMISSION_PURPOSE, statement_of(room, out), entropy);
	}
	secret_wipe(&scalar, sizeof(scalar));
	return status;
}

enum ag_status
share_encode(const struct share *share, struct buf *out, struct ag_error *err)
{
	uint8_t room[SHARE_BYTES_MAX];
	struct bytes encoded;
	struct encoder e;

	encoder_init(&e, room, sizeof(room));
	encoder_put_array(&e, 4);
	encoder_put_text(&e, bytes_from_text(SHARE_MAGIC));
	encoder_put_uint(&e, SHARE_VERSION);
	put_statement(&e, share);
	encoder_put_bytes(&e,
	    bytes_of(share->signature, sizeof(share->signature)));
	AG_ASSERT(encoder_finish(&e, &encoded) == AG_OK);
	return buf_append(out, encoded.data, encoded.len) == AG_OK
	    ? AG_OK
	    : ag_fail(err, AG_ENOMEM, "write share: out of memory");
}

enum ag_status
share_decode(struct share *share, struct bytes file, struct ag_error *err)
{
	struct ag_error why;
	struct bytes magic;
	struct decoder d;
	uint64_t version;

	*share = (struct share){ 0 };
	decoder_init(&d, file);
	decoder_expect_array(&d, 4);
	magic = decoder_get_text_max(&d, sizeof(SHARE_MAGIC) - 1);
	if (decoder_failed(&d) ||
	    !bytes_equal(magic, bytes_from_text(SHARE_MAGIC)))
		return ag_fail(err, AG_ECORRUPT,
		    "it is no custodian's share, or its beginning is damaged");
	version = decoder_get_uint(&d);
	if (!decoder_failed(&d) && version != SHARE_VERSION)
		return ag_fail(err, AG_EVERSION,
		    "a share of format %llu, this program reads %d",
		    (unsigned long long)version, SHARE_VERSION);
	decoder_expect_array(&d, 5);
	decoder_get_fixed(&d, share->request_id.data, DIGEST_BYTES);
	decoder_get_fixed(&d, share->package_id.data, DIGEST_BYTES);
	share->number = (uint32_t)decoder_get_uint_max(&d, PVSS_CUSTODIANS_MAX);
	if (!decoder_failed(&d) && share->number == 0)
		decoder_fail(&d, "no custodian has the number 0");
	decoder_get_fixed(&d, share->wrapped, sizeof(share->wrapped));
	decoder_get_fixed(&d, share->sealed, sizeof(share->sealed));
	decoder_get_fixed(&d, share->signature, sizeof(share->signature));
	if (decoder_finish(&d, &why) == AG_OK)
		return AG_OK;
	*share = (struct share){ 0 };
	return ag_fail(err, AG_ECORRUPT, "the share is damaged: %s", why.text);
}

static enum ag_status
check_share(const struct share *s, const struct recovery *request,
    const struct package *package, struct ag_error *err)
{
	uint8_t room[SHARE_BYTES_MAX];

	if (!digest_equal(&s->request_id, &request->id))
		return ag_fail(err, AG_ECONFLICT, "it answers another request");
	if (!digest_equal(&s->package_id, &package->id))
		return ag_fail(err, AG_ECONFLICT,
		    "it is a share of another package");
	if (s->number == 0 || !package_is_member(package, s->number - 1))
		return ag_fail(err, AG_EFORGED,
		    "custodian %u has no share of this package", s->number);
	if (!schnorr_verify(s->signature, &package->keys[s->number - 1],
		SUBMISSION_PURPOSE, statement_of(room, s)))
		return ag_fail(err, AG_EFORGED,
		    "it is said to be %s's, who has not signed it",
		    package->custodians[s->number - 1].name);
	return AG_OK;
}

enum ag_status
share_open(struct point *out, const struct share *share,
    const struct recovery *request, const struct package *package,
    const struct secret *recipient_key, struct ag_error *err)
{
	uint8_t plain[SHARE_PLAIN_BYTES], context[CONTEXT_BYTES];
	enum ag_status status = check_share(share, request, package, err);
	struct secret *wrapping;
	struct dleq statement;

	if (status != AG_OK)
		return status;
	context_of(context, share);
	status =
	    recipient_unwrap(&wrapping, share->wrapped, recipient_key, err);
	if (status == AG_OK)
		status = seal_open(plain, wrapping,
		    bytes_of(context, sizeof(context)),
		    bytes_of(share->sealed, sizeof(share->sealed)));
	secret_free(wrapping);
	if (status != AG_OK)
		return ag_fail(err, AG_EFORGED,
		    "the share of %s does not open with this key",
		    package->custodians[share->number - 1].name);
	memcpy(out->data, plain, RISTRETTO_BYTES);
	statement = equality_of(share, package, out, context);
	if (!dleq_verify(plain + RISTRETTO_BYTES, &statement))
		status = ag_fail(err, AG_EFORGED,
		    "the share of %s is wrong, and signed by %s",
		    package->custodians[share->number - 1].name,
		    package->custodians[share->number - 1].name);
	secret_wipe(plain, sizeof(plain));
	secret_wipe(&statement, sizeof(statement));
	return status;
}
