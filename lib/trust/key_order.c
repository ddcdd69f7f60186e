/*
 * Orders about key epochs.
 *
 * RULES    1. What is signed is the body's digest, so that approvals may come
 *             one after the other, and none is good for another body.
 *          2. One order has one encoding, as all that replicas execute.
 *          3. A bad signature counts for nothing, and spoils nothing: who
 *             hands an order on can not make the rest worthless.
 *
 * NOT HERE What an order does (store/key_epochs.c).
 */
#include "trust/key_order.h"

#include <string.h>

#include <sodium.h>

#include "codec/decoder.h"
#include "codec/encoder.h"
#include "trust/signing.h"

#define MAGIC "aegis-key-order"
#define VERSION 1

bool
key_order_is_reason(struct bytes text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.data[i] < 0x20 || text.data[i] == 0x7f)
			return false;
	return text.len < KEY_ORDER_REASON_BYTES && utf8_valid(text);
}

/* 0: without a limit. */
static bool
is_within(uint64_t value, uint64_t least, uint64_t most)
{
	return value == 0 || (value >= least && value <= most);
}

enum ag_status
key_policy_check(const struct key_policy *policy, struct ag_error *err)
{
	if (!is_within(policy->max_age_ms, KEY_POLICY_AGE_MS_LEAST,
		KEY_POLICY_AGE_MS_MOST))
		return ag_fail(err, AG_EINVAL,
		    "an epoch's age is limited to an hour at least and ten "
		    "years at most, or not at all");
	if (!is_within(policy->max_bytes, KEY_POLICY_BYTES_LEAST,
		KEY_POLICY_BYTES_MOST))
		return ag_fail(err, AG_EINVAL,
		    "an epoch's bytes are limited to 1 MiB at least and 1 EiB "
		    "at most, or not at all");
	return AG_OK;
}

void
key_policy_encode(struct encoder *e, const struct key_policy *policy)
{
	encoder_put_array(e, 3);
	encoder_put_uint(e, policy->max_age_ms);
	encoder_put_uint(e, policy->max_bytes);
	encoder_put_bool(e, policy->on_member_change);
}

void
key_policy_decode(struct decoder *d, struct key_policy *policy)
{
	decoder_expect_array(d, 3);
	policy->max_age_ms = decoder_get_uint(d);
	policy->max_bytes = decoder_get_uint(d);
	policy->on_member_change = decoder_get_bool(d);
	if (key_policy_check(policy, NULL) != AG_OK)
		decoder_fail(d, "a policy's limit is out of bounds");
}

/* --- bytes --- */

static struct bytes
encode_body(const struct key_order *order,
    uint8_t out[static KEY_ORDER_BODY_BYTES_MAX])
{
	struct encoder e;
	struct bytes body;

	encoder_init(&e, out, KEY_ORDER_BODY_BYTES_MAX);
	encoder_put_array(&e, 5);
	encoder_put_bytes(&e, bytes_of(order->cluster_id, CLUSTER_ID_BYTES));
	encoder_put_uint(&e, order->serial);
	encoder_put_uint(&e, order->action);
	encoder_put_text(&e, bytes_from_text(order->reason));
	if (order->action == KEY_ACTION_POLICY)
		key_policy_encode(&e, &order->policy);
	else
		encoder_put_null(&e);
	AG_ASSERT(encoder_finish(&e, &body) == AG_OK);
	return body;
}

struct bytes
key_order_encode(const struct key_order *order, uint8_t *out)
{
	uint8_t body[KEY_ORDER_BODY_BYTES_MAX];
	struct encoder e;
	struct bytes encoded;
	uint32_t i;

	encoder_init(&e, out, KEY_ORDER_BYTES_MAX);
	encoder_put_array(&e, 4);
	encoder_put_text(&e, bytes_from_text(MAGIC));
	encoder_put_uint(&e, VERSION);
	encoder_put_bytes(&e, encode_body(order, body));
	encoder_put_array(&e, order->approval_count);
	for (i = 0; i < order->approval_count; i++) {
		const struct key_approval *a = &order->approvals[i];

		encoder_put_array(&e, 2);
		encoder_put_bytes(&e, bytes_of(a->key, PUBLIC_KEY_BYTES));
		encoder_put_bytes(&e, bytes_of(a->signature, SIGNATURE_BYTES));
	}
	AG_ASSERT(encoder_finish(&e, &encoded) == AG_OK);
	return encoded;
}

static bool
has_approved(const struct key_order *order,
    const uint8_t key[static PUBLIC_KEY_BYTES])
{
	uint32_t i;

	for (i = 0; i < order->approval_count; i++)
		if (memcmp(order->approvals[i].key, key, PUBLIC_KEY_BYTES) == 0)
			return true;
	return false;
}

static void
decode_approvals(struct decoder *d, struct key_order *order)
{
	size_t count = decoder_get_array_max(d, KEY_ORDER_APPROVALS_MAX), i;

	for (i = 0; i < count && !decoder_failed(d); i++) {
		struct key_approval *a = &order->approvals[i];

		decoder_expect_array(d, 2);
		decoder_get_fixed(d, a->key, PUBLIC_KEY_BYTES);
		decoder_get_fixed(d, a->signature, SIGNATURE_BYTES);
		if (has_approved(order, a->key))
			decoder_fail(d, "somebody approves twice");
		order->approval_count++;
	}
}

static void
decode_body(struct decoder *d, struct key_order *order)
{
	uint64_t action;
	struct bytes reason;

	decoder_expect_array(d, 5);
	decoder_get_fixed(d, order->cluster_id, CLUSTER_ID_BYTES);
	order->serial = decoder_get_uint_max(d, INT64_MAX);
	action = decoder_get_uint(d);
	if (action < KEY_ACTION_ROTATE || action > KEY_ACTION_POLICY)
		decoder_fail(d, "unknown kind of order");
	reason = decoder_get_text_max(d, KEY_ORDER_REASON_BYTES - 1);
	if (!decoder_failed(d) && !key_order_is_reason(reason))
		decoder_fail(d, "the reason is no text in a line");
	if (decoder_failed(d))
		return;
	order->action = (enum key_action)action;
	if (reason.len > 0)
		memcpy(order->reason, reason.data, reason.len);
	if (order->action == KEY_ACTION_POLICY)
		key_policy_decode(d, &order->policy);
	else if (!decoder_get_null(d))
		decoder_fail(d, "only a change of the policy has one");
}

enum ag_status
key_order_decode(struct key_order *order, struct bytes input,
    struct ag_error *err)
{
	struct decoder d, inner;
	struct bytes magic, body;
	enum ag_status status;

	memset(order, 0, sizeof(*order));
	order->action = KEY_ACTION_ROTATE;
	decoder_init(&d, input);
	decoder_expect_array(&d, 4);
	magic = decoder_get_text_max(&d, sizeof(MAGIC) - 1);
	if (!decoder_failed(&d) && !bytes_equal(magic, bytes_from_text(MAGIC)))
		decoder_fail(&d, "no order about key epochs");
	if (decoder_get_uint(&d) != VERSION)
		decoder_fail(&d, "an order of another format");
	body = decoder_get_bytes_max(&d, KEY_ORDER_BODY_BYTES_MAX);
	decode_approvals(&d, order);
	status = decoder_finish(&d, err);
	if (status != AG_OK)
		return status;
	decoder_init(&inner, body);
	decode_body(&inner, order);
	return decoder_finish(&inner, err);
}

/* --- approvals --- */

static void
approval_input(struct signing *s, const struct key_order *order)
{
	uint8_t body[KEY_ORDER_BODY_BYTES_MAX], digest[DIGEST_BYTES];
	struct bytes encoded = encode_body(order, body);

	(void)crypto_generichash(digest, sizeof(digest), encoded.data,
	    encoded.len, NULL, 0);
	signing_begin(s, PURPOSE_KEY_ORDER);
	signing_put(s, order->cluster_id, CLUSTER_ID_BYTES);
	signing_put(s, digest, sizeof(digest));
}

enum ag_status
key_order_sign(struct key_order *order, const struct roster *roster,
    const struct signer *signer, struct ag_error *err)
{
	struct key_approval *approval;
	enum ag_status status;
	struct signing s;

	if (!roster_may_approve(roster, signer->public_key))
		return ag_fail(err, AG_ENOENT,
		    "the key is no %s's of cluster %s, and approves of nothing",
		    roster->policy_operators > 0 ? "operator" : "member",
		    roster->cluster_name);
	if (has_approved(order, signer->public_key))
		return AG_OK;
	if (order->approval_count == KEY_ORDER_APPROVALS_MAX)
		return ag_fail(err, AG_ELIMIT, "the order has %d approvals",
		    KEY_ORDER_APPROVALS_MAX);
	approval = &order->approvals[order->approval_count];
	memcpy(approval->key, signer->public_key, PUBLIC_KEY_BYTES);
	approval_input(&s, order);
	status =
	    signer_sign(signer, signing_bytes(&s), approval->signature, err);
	order->approval_count += status == AG_OK;
	return status;
}

uint32_t
key_order_approved(const struct key_order *order, const struct roster *roster)
{
	uint32_t approved = 0, i;
	struct signing s;

	approval_input(&s, order);
	for (i = 0; i < order->approval_count; i++) {
		const struct key_approval *a = &order->approvals[i];

		if (roster_may_approve(roster, a->key) &&
		    sign_verify(a->key, signing_bytes(&s), a->signature))
			approved++;
	}
	return approved;
}

enum ag_status
key_order_verify(const struct key_order *order, const struct roster *roster,
    struct ag_error *err)
{
	const uint32_t needed = roster_approvals_needed(roster);
	uint32_t approved;

	if (memcmp(order->cluster_id, roster->cluster_id, CLUSTER_ID_BYTES) !=
	    0)
		return ag_fail(err, AG_ECONFLICT,
		    "the order is for another cluster than %s",
		    roster->cluster_name);
	approved = key_order_approved(order, roster);
	if (approved >= needed)
		return AG_OK;
	return ag_fail(err, AG_EFORGED,
	    "%u of the %s approved the order, and it takes %u", approved,
	    roster->policy_operators > 0 ? "operators" : "members", needed);
}
