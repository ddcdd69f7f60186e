/*
 * Requests as files.
 *
 * RULES    1. What is approved is the body's digest, so nothing that was
 *             approved can be changed, and what may still come (approvals,
 *             proofs) stands beside it.
 *
 * NOT HERE Who may approve and how long it waits (escrow/recovery_judge.c).
 */
#include "escrow/recovery.h"

#include <stdio.h>
#include <stdlib.h>

#include <sodium/randombytes.h>

#include "codec/decoder.h"
#include "codec/encoder.h"
#include "codec/text.h"

#define RECOVERY_MAGIC "aegis-escrow-request"
#define RECOVERY_VERSION 1

_Static_assert(RECOVERY_KEY_BYTES ==
	sizeof(KEY_ESCROW_REQUESTS) + (size_t)2 * DIGEST_BYTES,
    "a key holds prefix and id");

static enum ag_status
no_memory(struct ag_error *err)
{
	return ag_fail(err, AG_ENOMEM, "write request: out of memory");
}

static void
encode_body(struct recovery *r)
{
	struct bytes body;
	struct encoder e;

	encoder_init(&e, r->body, sizeof(r->body));
	encoder_put_array(&e, 7);
	encoder_put_bytes(&e, bytes_of(r->package_id.data, DIGEST_BYTES));
	encoder_put_bytes(&e, bytes_of(r->nonce, sizeof(r->nonce)));
	encoder_put_uint(&e, r->created_ms);
	encoder_put_uint(&e, r->delay_ms);
	encoder_put_bytes(&e, bytes_of(r->recipient, sizeof(r->recipient)));
	encoder_put_text(&e, bytes_from_text(r->reason));
	encoder_put_bool(&e, r->is_offline);
	AG_ASSERT(encoder_finish(&e, &body) == AG_OK);
	r->body_len = body.len;
	digest_of(&r->id, body);
}

/* A line that may be shown as it is. */
static bool
is_reason(struct bytes text)
{
	if (text.len == 0 || text.len >= RECOVERY_REASON_BYTES ||
	    !utf8_valid(text))
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < 0x20 || text.data[i] == 0x7f)
			return false;
	return true;
}

enum ag_status
recovery_begin(struct recovery *r, const struct package *package,
    struct bytes package_file, const char *reason,
    const uint8_t recipient[static RECOVERY_RECIPIENT_BYTES], uint64_t delay_ms,
    uint64_t now_ms, bool is_offline, struct ag_error *err)
{
	if (!is_reason(bytes_from_text(reason)))
		return ag_fail(err, AG_EINVAL,
		    "a reason is a line of 1 to %d bytes",
		    RECOVERY_REASON_BYTES - 1);
	if (delay_ms < package->delay_ms || delay_ms > PACKAGE_DELAY_MS_MAX)
		return ag_fail(err, AG_EREFUSED,
		    "the package asks for a delay of %llu s at least",
		    (unsigned long long)(package->delay_ms / 1000));
	*r = (struct recovery){ .package_id = package->id,
		.created_ms = now_ms,
		.delay_ms = delay_ms,
		.is_offline = is_offline,
		.package = package_file };
	memcpy(r->recipient, recipient, sizeof(r->recipient));
	(void)snprintf(r->reason, sizeof(r->reason), "%s", reason);
	randombytes_buf(r->nonce, sizeof(r->nonce));
	encode_body(r);
	return AG_OK;
}

static void
put_or_null(struct encoder *e, struct bytes value)
{
	if (value.len > 0)
		encoder_put_bytes(e, value);
	else
		encoder_put_null(e);
}

enum ag_status
recovery_encode(const struct recovery *r, struct buf *out, struct ag_error *err)
{
	uint8_t *memory = malloc(RECOVERY_BYTES_MAX);
	enum ag_status status;
	struct bytes encoded;
	struct encoder e;

	if (memory == NULL)
		return no_memory(err);
	encoder_init(&e, memory, RECOVERY_BYTES_MAX);
	encoder_put_array(&e, 7);
	encoder_put_text(&e, bytes_from_text(RECOVERY_MAGIC));
	encoder_put_uint(&e, RECOVERY_VERSION);
	encoder_put_raw(&e, bytes_of(r->body, r->body_len));
	encoder_put_bytes(&e, r->package);
	encoder_put_array(&e, r->approval_count);
	for (uint32_t i = 0; i < r->approval_count; i++) {
		const struct recovery_approval *a = &r->approvals[i];

		encoder_put_array(&e, 2);
		encoder_put_bytes(&e, bytes_of(a->key, sizeof(a->key)));
		encoder_put_bytes(&e,
		    bytes_of(a->signature, sizeof(a->signature)));
	}
	put_or_null(&e, r->first);
	put_or_null(&e, r->latest);
	status = encoder_finish(&e, &encoded);
	if (status == AG_OK)
		status = buf_append(out, encoded.data, encoded.len);
	free(memory);
	return status == AG_OK ? AG_OK : no_memory(err);
}

static void
get_body(struct decoder *d, struct recovery *r)
{
	struct bytes reason;

	decoder_expect_array(d, 7);
	decoder_get_fixed(d, r->package_id.data, DIGEST_BYTES);
	decoder_get_fixed(d, r->nonce, sizeof(r->nonce));
	r->created_ms = decoder_get_uint(d);
	r->delay_ms = decoder_get_uint_max(d, PACKAGE_DELAY_MS_MAX);
	decoder_get_fixed(d, r->recipient, sizeof(r->recipient));
	reason = decoder_get_text_max(d, RECOVERY_REASON_BYTES - 1);
	if (!decoder_failed(d) && !is_reason(reason))
		decoder_fail(d, "the reason is not a line of text");
	if (!decoder_failed(d))
		(void)snprintf(r->reason, sizeof(r->reason), "%.*s",
		    (int)reason.len, (const char *)reason.data);
	r->is_offline = decoder_get_bool(d);
}

static void
get_approvals(struct decoder *d, struct recovery *r)
{
	size_t count = decoder_get_array_max(d, RECOVERY_APPROVALS_MAX);

	for (size_t i = 0; i < count && !decoder_failed(d); i++) {
		struct recovery_approval *a = &r->approvals[i];

		decoder_expect_array(d, 2);
		decoder_get_fixed(d, a->key, sizeof(a->key));
		decoder_get_fixed(d, a->signature, sizeof(a->signature));
		for (size_t j = 0; j < i && !decoder_failed(d); j++)
			if (memcmp(r->approvals[j].key, a->key,
				sizeof(a->key)) == 0)
				decoder_fail(d, "somebody approves twice");
		r->approval_count++;
	}
}

static struct bytes
get_or_null(struct decoder *d, size_t max)
{
	struct bytes value = bytes_of(NULL, 0);

	if (decoder_get_null(d))
		return value;
	value = decoder_get_bytes_max(d, max);
	if (!decoder_failed(d) && value.len == 0)
		decoder_fail(d, "a proof is empty");
	return value;
}

enum ag_status
recovery_decode_body(struct recovery *r, struct bytes body,
    struct ag_error *err)
{
	struct ag_error why;
	struct decoder d;

	*r = (struct recovery){ 0 };
	decoder_init(&d, body);
	if (body.len > sizeof(r->body))
		decoder_fail(&d, "the body is too long");
	get_body(&d, r);
	if (decoder_finish(&d, &why) != AG_OK)
		return ag_fail(err, AG_ECORRUPT, "the request is damaged: %s",
		    why.text);
	memcpy(r->body, body.data, body.len);
	r->body_len = body.len;
	digest_of(&r->id, body);
	return AG_OK;
}

static void
get_all(struct decoder *d, struct recovery *r)
{
	struct bytes body = decoder_get_raw(d);
	struct ag_error why;

	if (decoder_failed(d))
		return;
	if (recovery_decode_body(r, body, &why) != AG_OK) {
		decoder_fail(d, "its body is no request's");
		return;
	}
	r->package = decoder_get_bytes_max(d, PACKAGE_BYTES_MAX);
	get_approvals(d, r);
	r->first = get_or_null(d, RECOVERY_PRESENCE_BYTES_MAX);
	r->latest = get_or_null(d, RECOVERY_PRESENCE_BYTES_MAX);
}

enum ag_status
recovery_decode(struct recovery *r, struct bytes file, struct ag_error *err)
{
	struct ag_error why;
	struct bytes magic;
	struct decoder d;
	uint64_t version;

	*r = (struct recovery){ 0 };
	decoder_init(&d, file);
	decoder_expect_array(&d, 7);
	magic = decoder_get_text_max(&d, sizeof(RECOVERY_MAGIC) - 1);
	if (decoder_failed(&d) ||
	    !bytes_equal(magic, bytes_from_text(RECOVERY_MAGIC)))
		return ag_fail(err, AG_ECORRUPT,
		    "it is no request for what is in escrow, or its beginning "
		    "is damaged");
	version = decoder_get_uint(&d);
	if (!decoder_failed(&d) && version != RECOVERY_VERSION)
		return ag_fail(err, AG_EVERSION,
		    "a request of format %llu, this program reads %d",
		    (unsigned long long)version, RECOVERY_VERSION);
	get_all(&d, r);
	if (decoder_finish(&d, &why) == AG_OK)
		return AG_OK;
	*r = (struct recovery){ 0 };
	return ag_fail(err, AG_ECORRUPT, "the request is damaged: %s",
	    why.text);
}

void
recovery_key(char key[static RECOVERY_KEY_BYTES], const struct recovery *r)
{
	const size_t at = sizeof(KEY_ESCROW_REQUESTS) - 1;

	memcpy(key, KEY_ESCROW_REQUESTS, at);
	text_hex(key + at, RECOVERY_KEY_BYTES - at,
	    bytes_of(r->id.data, DIGEST_BYTES));
}
