/*
 * Key epochs, as part of the replicated state.
 *
 * NOT HERE Where the entry is kept (store/store.c), what a node does about it
 *          (node/rotation.c).
 */
#include "store/key_epochs.h"

#include <string.h>

#include "codec/decoder.h"
#include "codec/encoder.h"

#define VERSION 1

void
key_epochs_init(struct key_epochs *k)
{
	*k = (struct key_epochs){
		.epoch = 1,
		.policy = { .max_age_ms = KEY_EPOCHS_AGE_MS,
		    .max_bytes = KEY_EPOCHS_BYTES },
	};
}

/* --- bytes --- */

struct bytes
key_epochs_encode(const struct key_epochs *k, uint8_t *out)
{
	struct encoder e;
	struct bytes encoded;

	encoder_init(&e, out, KEY_EPOCHS_BYTES_MAX);
	encoder_put_array(&e, 12);
	encoder_put_uint(&e, VERSION);
	encoder_put_uint(&e, k->epoch);
	encoder_put_uint(&e, k->since_seq);
	encoder_put_uint(&e, k->since_ms);
	encoder_put_uint(&e, k->bytes);
	encoder_put_uint(&e, k->next);
	encoder_put_uint(&e, k->next_seq);
	encoder_put_uint(&e, k->cause);
	encoder_put_text(&e, bytes_from_text(k->reason));
	encoder_put_uint(&e, k->suspect);
	encoder_put_uint(&e, k->serial);
	key_policy_encode(&e, &k->policy);
	AG_ASSERT(encoder_finish(&e, &encoded) == AG_OK);
	return encoded;
}

static void
decode(struct decoder *d, struct key_epochs *k)
{
	struct bytes reason;

	k->epoch = (uint32_t)decoder_get_uint_max(d, UINT32_MAX);
	k->since_seq = decoder_get_uint(d);
	k->since_ms = decoder_get_uint(d);
	k->bytes = decoder_get_uint(d);
	k->next = (uint32_t)decoder_get_uint_max(d, UINT32_MAX);
	k->next_seq = decoder_get_uint(d);
	k->cause = (enum key_cause)decoder_get_uint_max(d, KEY_CAUSE_COUNT - 1);
	reason = decoder_get_text_max(d, KEY_ORDER_REASON_BYTES - 1);
	k->suspect = (uint32_t)decoder_get_uint_max(d, UINT32_MAX);
	k->serial = decoder_get_uint_max(d, INT64_MAX - 1);
	key_policy_decode(d, &k->policy);
	if (decoder_failed(d))
		return;
	if (reason.len > 0)
		memcpy(k->reason, reason.data, reason.len);
	if (!key_order_is_reason(reason) || k->epoch == 0 ||
	    (k->next != 0 && k->next != k->epoch + 1))
		decoder_fail(d, "no key epochs");
}

enum ag_status
key_epochs_decode(struct key_epochs *k, struct bytes input,
    struct ag_error *err)
{
	struct ag_error why;
	struct decoder d;
	uint64_t version;

	key_epochs_init(k);
	decoder_init(&d, input);
	decoder_expect_array(&d, 12);
	version = decoder_get_uint(&d);
	if (!decoder_failed(&d) && version != VERSION)
		return ag_fail(err, AG_EVERSION,
		    "key epochs of format %llu, this program reads %d",
		    (unsigned long long)version, VERSION);
	decode(&d, k);
	if (decoder_finish(&d, &why) == AG_OK)
		return AG_OK;
	return ag_fail(err, AG_ECORRUPT, "key epochs are damaged: %s",
	    why.text);
}

/* --- batches --- */

static void
touch(struct key_epochs *k, uint64_t seq)
{
	if (k->created == 0)
		k->created = seq;
	k->modified = seq;
	k->is_changed = true;
}

/* The next epoch, unless one is decided on. */
static bool
decide(struct key_epochs *k, enum key_cause cause, uint64_t seq)
{
	if (k->next != 0 || k->epoch == UINT32_MAX)
		return false;
	k->next = k->epoch + 1;
	k->next_seq = seq + KEY_EPOCHS_LEAD;
	k->cause = cause;
	k->reason[0] = '\0';
	k->serial++;
	touch(k, seq);
	return true;
}

/* The key of an epoch that begins was made before it came to be suspect. */
static void
pass_over(struct key_epochs *k, uint64_t seq)
{
	char reason[KEY_ORDER_REASON_BYTES];

	memcpy(reason, k->reason, sizeof(reason));
	if (decide(k, KEY_CAUSE_SUSPECT, seq))
		memcpy(k->reason, reason, sizeof(reason));
}

void
key_epochs_begin_batch(struct key_epochs *k, uint64_t seq, uint64_t time_ms)
{
	if (k->next == 0 || seq < k->next_seq)
		return;
	k->epoch = k->next;
	k->next = 0;
	k->next_seq = 0;
	k->since_seq = seq;
	k->since_ms = time_ms;
	k->bytes = 0;
	touch(k, seq);
	if (k->epoch <= k->suspect)
		pass_over(k, seq);
}

void
key_epochs_count(struct key_epochs *k, uint64_t seq, uint64_t time_ms,
    uint64_t bytes)
{
	if (k->since_ms == 0) {
		k->since_seq = seq;
		k->since_ms = time_ms;
	}
	k->bytes += bytes;
	touch(k, seq);
}

static enum result_code
obey(struct key_epochs *k, const struct key_order *order, uint64_t seq)
{
	const bool is_suspect = order->action == KEY_ACTION_ROTATE_NOW;
	const uint32_t newest = k->next != 0 ? k->next : k->epoch;

	if (order->action == KEY_ACTION_POLICY) {
		k->policy = order->policy;
		k->serial++;
		return RESULT_DONE;
	}
	/* That one is on its way does not make keys less suspect. */
	if (!decide(k, is_suspect ? KEY_CAUSE_SUSPECT : KEY_CAUSE_ORDER, seq)) {
		if (!is_suspect || k->next == 0)
			return RESULT_CONFLICT;
		k->cause = KEY_CAUSE_SUSPECT;
		k->serial++;
	}
	if (is_suspect)
		k->suspect = newest;
	memcpy(k->reason, order->reason, sizeof(k->reason));
	return RESULT_DONE;
}

void
key_epochs_execute(struct key_epochs *k, const struct roster *present,
    struct bytes encoded, uint64_t seq, uint64_t time_ms, struct result *result)
{
	struct key_order order;

	*result = (struct result){ .code = RESULT_INVALID, .seq = seq };
	if (key_order_decode(&order, encoded, NULL) != AG_OK ||
	    key_order_verify(&order, present, NULL) != AG_OK)
		return;
	result->previous_version = k->epoch;
	result->code =
	    order.serial == k->serial ? obey(k, &order, seq) : RESULT_CONFLICT;
	result->version = k->next != 0 ? k->next : k->epoch;
	/* A policy's time begins with it, at the latest. */
	if (result->code == RESULT_DONE)
		key_epochs_count(k, seq, time_ms, 0);
}

void
key_epochs_change_members(struct key_epochs *k, bool has_left, uint64_t seq,
    uint64_t time_ms)
{
	if ((has_left || k->policy.on_member_change) &&
	    decide(k, KEY_CAUSE_MEMBERS, seq))
		key_epochs_count(k, seq, time_ms, 0);
}

void
key_epochs_end_batch(struct key_epochs *k, uint64_t seq, uint64_t time_ms)
{
	const struct key_policy *policy = &k->policy;

	if (k->since_ms == 0)
		return;
	if (policy->max_age_ms != 0 && time_ms >= k->since_ms &&
	    time_ms - k->since_ms >= policy->max_age_ms)
		(void)decide(k, KEY_CAUSE_AGE, seq);
	else if (policy->max_bytes != 0 && k->bytes >= policy->max_bytes)
		(void)decide(k, KEY_CAUSE_BYTES, seq);
}

const char *
key_epochs_cause_name(enum key_cause cause)
{
	static const char *const names[KEY_CAUSE_COUNT] = {
		[KEY_CAUSE_NONE] = "first",
		[KEY_CAUSE_ORDER] = "order",
		[KEY_CAUSE_SUSPECT] = "suspect",
		[KEY_CAUSE_AGE] = "age",
		[KEY_CAUSE_BYTES] = "bytes",
		[KEY_CAUSE_MEMBERS] = "members",
	};

	return (unsigned int)cause < KEY_CAUSE_COUNT ? names[cause] : "unknown";
}
