/*
 * Serving: our state, held fast, for one member each.
 *
 * STATES   idle; opening (a snapshot is awaited); open, with parts asked for
 *          that are made one after the other on the pool and sent in pieces.
 *
 * RULES    1. One member has one transfer: another request ends it, but what
 *             is held fast is kept when that is what the request wants.
 *          2. Pieces leave as the window and the link allow; what an answer
 *             or the next tick finds unsent is sent then.
 *          3. A state is held fast SERVE_KEEP_US for a member that is silent:
 *             it may have lost its link, or be starting again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "event/loop.h"
#include "node/sync_parts.h"
#include "store/part_evidence.h"

#define SERVE_KEEP_US UINT64_C(60000000)
#define SERVE_PREPARE_MS 60000

struct asked {
	uint64_t index;
	struct part_name name;
	bool is_made;
	struct buf contents;
	struct receipt receipt;
	uint8_t signature[SIGNATURE_BYTES];
};

struct serving {
	struct sync *owner;
	uint32_t member;
	uint64_t transfer; /* 0: idle */
	struct node_snapshot *snapshot;
	struct part_maker *maker;
	struct digest digest; /* of what is held fast */
	bool is_opening, is_making, is_doomed;
	bool is_signing; /* what is made is signed for */
	uint64_t heard_us;
	struct asked asked[SYNC_ASKED_MAX]; /* a ring */
	size_t first, count;
	size_t sent;    /* bytes of the first */
	uint64_t piece; /* the next of it */
	unsigned in_flight;
	struct asked making; /* on the pool, and for which transfer */
	uint64_t making_for;
	enum ag_status status;
	struct ag_error err;
};

static void serving_pump(struct serving *v);

static struct asked *
asked_at(struct serving *v, size_t i)
{
	return &v->asked[(v->first + i) % SYNC_ASKED_MAX];
}

static void
asked_clear(struct serving *v)
{
	v->count = 0;
	v->sent = 0;
	v->piece = 0;
	v->in_flight = 0;
}

static void
serving_end(struct serving *v)
{
	size_t i;

	v->transfer = 0;
	asked_clear(v);
	if (v->is_opening || v->is_making) {
		v->is_doomed = true;
		return;
	}
	part_maker_free(v->maker);
	node_snapshot_close(v->snapshot);
	v->maker = NULL;
	v->snapshot = NULL;
	v->is_doomed = false;
	for (i = 0; i < SYNC_ASKED_MAX; i++)
		buf_fini(&v->asked[i].contents);
	buf_fini(&v->making.contents);
}

void
sync_serve_free(struct serving *v)
{
	if (v == NULL)
		return;
	serving_end(v);
	free(v);
}

static void
answer(struct serving *v, uint64_t transfer, enum sync_code code)
{
	uint8_t out[64];
	struct encoder e;

	encoder_init(&e, out, sizeof(out));
	encoder_put_array(&e, 4);
	encoder_put_uint(&e, MESSAGE_SYNC_RESPONSE);
	encoder_put_uint(&e, transfer);
	encoder_put_uint(&e, code);
	encoder_put_null(&e);
	(void)sync_send(v->owner, v->member, &e);
}

/* --- offering --- */

static enum ag_status
offer_encode(struct serving *v, struct encoder *e)
{
	struct part_offer *offer = calloc(1, sizeof(*offer));
	struct decoder d;

	if (offer == NULL)
		return AG_ENOMEM;
	part_maker_offer(v->maker, offer);
	decoder_init(&d, node_snapshot_certificate(v->snapshot));
	certificate_decode(&d, &offer->certificate);
	AG_ASSERT(decoder_finish(&d, NULL) == AG_OK);
	encoder_put_array(e, 4);
	encoder_put_uint(e, MESSAGE_SYNC_RESPONSE);
	encoder_put_uint(e, v->transfer);
	encoder_put_uint(e, SYNC_OFFERED);
	part_offer_encode(e, offer);
	free(offer);
	return AG_OK;
}

static void
serving_offer(struct serving *v)
{
	uint8_t *out = malloc(PART_OFFER_BYTES_MAX + 64);
	struct encoder e;

	v->heard_us = clock_mono_us();
	if (out != NULL)
		encoder_init(&e, out, PART_OFFER_BYTES_MAX + 64);
	if (out == NULL || offer_encode(v, &e) != AG_OK) {
		answer(v, v->transfer, SYNC_BUSY);
		serving_end(v);
	} else {
		(void)sync_send(v->owner, v->member, &e);
	}
	free(out);
}

static void
serving_ready(void *arg, enum ag_status status, struct node_snapshot *snapshot)
{
	struct serving *v = arg;
	struct sync *s = v->owner;
	uint64_t transfer = v->transfer;
	struct ag_error err;

	v->is_opening = false;
	v->snapshot = snapshot;
	s->working--;
	if (s->is_freed) {
		sync_release(s);
		return;
	}
	if (status == AG_OK && !v->is_doomed) {
		store_pin_digest(node_snapshot_pin(snapshot), &v->digest);
		status = part_maker_new(&v->maker, node_snapshot_pin(snapshot),
		    &err);
		if (status != AG_OK)
			log_warn("node", "reading the state failed",
			    LOG_TEXT("error", err.text));
	}
	if (status == AG_OK && !v->is_doomed) {
		serving_offer(v);
		return;
	}
	if (!v->is_doomed)
		answer(v, transfer, SYNC_BUSY);
	serving_end(v);
}

static void
serving_open(struct serving *v, uint64_t transfer)
{
	struct sync *s = v->owner;
	struct ag_error err;

	serving_end(v);
	if (v->is_doomed) {
		answer(v, transfer, SYNC_BUSY);
		return;
	}
	v->transfer = transfer;
	buf_init(&v->making.contents, PART_BYTES_MAX);
	v->is_opening = true;
	s->working++;
	if (snapshots_open(s->config.snapshots, SNAPSHOT_VOUCHED,
		SERVE_PREPARE_MS, serving_ready, v, &err) == AG_OK)
		return;
	v->is_opening = false;
	s->working--;
	serving_end(v);
	answer(v, transfer, SYNC_BUSY);
}

static void
request_open(struct serving *v, uint64_t transfer, struct decoder *d)
{
	struct digest digest;
	bool has_digest;

	(void)decoder_get_uint(d); /* it judges what it gets */
	has_digest = !decoder_get_null(d);
	if (has_digest)
		decoder_get_fixed(d, digest.data, DIGEST_BYTES);
	if (decoder_finish(d, NULL) != AG_OK)
		return;
	if (v->maker == NULL || v->is_doomed || !has_digest ||
	    !digest_equal(&digest, &v->digest)) {
		serving_open(v, transfer);
		return;
	}
	v->transfer = transfer;
	asked_clear(v);
	serving_offer(v);
}

/* --- parts --- */

static void
make_part(void *arg)
{
	struct serving *v = arg;

	v->status = part_maker_make(v->maker, &v->making.name,
	    &v->making.contents, &v->err);
	if (v->status == AG_OK && v->is_signing)
		part_evidence_receipt(&v->making.receipt, &v->digest,
		    &v->making.name, buf_bytes(&v->making.contents));
}

static void
making_sign(struct serving *v)
{
	const struct sync_config *config = &v->owner->config;
	struct trust_scope scope;

	roster_scope(config->roster, &scope);
	receipt_sign(&v->making.receipt, &scope, config->self,
	    config->authority, config->authority_ctx, v->making.signature);
}

/* Hand a part that was made to the request for it, if that is still there. */
static void
part_made(struct serving *v)
{
	size_t i;

	for (i = 0; i < v->count; i++) {
		struct asked *a = asked_at(v, i);
		struct buf contents = a->contents;

		if (v->making_for != v->transfer || a->index != v->making.index)
			continue;
		a->contents = v->making.contents;
		memcpy(a->signature, v->making.signature, SIGNATURE_BYTES);
		v->making.contents = contents;
		a->is_made = true;
	}
}

static void
make_part_done(void *arg)
{
	struct serving *v = arg;
	struct sync *s = v->owner;

	v->is_making = false;
	s->working--;
	if (s->is_freed) {
		sync_release(s);
		return;
	}
	if (v->status != AG_OK && !v->is_doomed) {
		log_warn("node", "reading the state failed",
		    LOG_TEXT("error", v->err.text));
		answer(v, v->making_for, SYNC_GONE);
		v->is_doomed = true;
	}
	if (v->is_doomed) {
		serving_end(v);
		return;
	}
	if (v->is_signing)
		making_sign(v);
	part_made(v);
	serving_pump(v);
}

static void
serving_make(struct serving *v)
{
	size_t i;

	for (i = 0; i < v->count && asked_at(v, i)->is_made; i++)
		;
	if (i == v->count || v->is_making)
		return;
	v->making.index = asked_at(v, i)->index;
	v->making.name = asked_at(v, i)->name;
	v->making_for = v->transfer;
	v->is_signing = sync_is_signed(v->owner);
	buf_clear(&v->making.contents);
	if (loop_work(v->owner->config.loop, make_part, make_part_done, v) !=
	    AG_OK) {
		serving_end(v);
		return;
	}
	v->is_making = true;
	v->owner->working++;
}

/* What ends a piece: null, or at the last the signature for the part. */
static struct bytes
tail_encode(uint8_t *out, size_t cap, const struct serving *v,
    const struct asked *a, bool is_last)
{
	struct encoder e;
	struct bytes tail;

	encoder_init(&e, out, cap);
	if (is_last)
		encoder_put_bytes(&e,
		    bytes_of(a->signature,
			sync_is_signed(v->owner) ? SIGNATURE_BYTES : 0));
	else
		encoder_put_null(&e);
	AG_ASSERT(encoder_finish(&e, &tail) == AG_OK);
	return tail;
}

/* The next piece of the first part; false: the link takes no more now. */
static bool
piece_send(struct serving *v)
{
	const struct sync_config *config = &v->owner->config;
	struct asked *a = asked_at(v, 0);
	size_t len = a->contents.len - v->sent;
	bool is_last = len <= SYNC_PIECE_BYTES;
	uint8_t head[64], tail[SIGNATURE_BYTES + 8];
	struct bytes parts[3];
	struct encoder e;

	if (!is_last)
		len = SYNC_PIECE_BYTES;
	/* The byte string's head is written as for an empty tail: the parts
	 * are laid end to end by the link, which spares copying the piece. */
	encoder_init(&e, head, sizeof(head));
	encoder_put_array(&e, 6);
	encoder_put_uint(&e, MESSAGE_DATA_CHUNK);
	encoder_put_uint(&e, v->transfer);
	encoder_put_uint(&e, a->index);
	encoder_put_uint(&e, v->piece);
	encoder_put_bytes_head(&e, len);
	AG_ASSERT(encoder_finish(&e, &parts[0]) == AG_OK);
	parts[1] = bytes_of(a->contents.data + v->sent, len);
	parts[2] = tail_encode(tail, sizeof(tail), v, a, is_last);
	if (config->send(config->arg, v->member, parts, 3) != AG_OK)
		return false;
	v->sent += len;
	v->piece++;
	v->in_flight++;
	return true;
}

static void
serving_send(struct serving *v)
{
	while (v->count > 0 && asked_at(v, 0)->is_made &&
	    v->in_flight < SYNC_WINDOW && piece_send(v)) {
		if (v->sent < asked_at(v, 0)->contents.len)
			continue;
		v->first = (v->first + 1) % SYNC_ASKED_MAX;
		v->count--;
		v->sent = 0;
		v->piece = 0;
	}
}

static void
serving_pump(struct serving *v)
{
	serving_send(v);
	serving_make(v);
}

static void
request_part(struct serving *v, uint64_t transfer, struct decoder *d)
{
	uint64_t index = decoder_get_uint(d);
	struct part_name name;
	struct asked *a;

	part_name_decode(d, &name);
	if (decoder_finish(d, NULL) != AG_OK)
		return;
	if (v->maker == NULL || v->transfer != transfer || v->is_doomed) {
		answer(v, transfer, SYNC_GONE);
		return;
	}
	if (v->count == SYNC_ASKED_MAX)
		return; /* it was told how many */
	a = asked_at(v, v->count++);
	buf_fini(&a->contents);
	*a = (struct asked){ .index = index, .name = name };
	buf_init(&a->contents, PART_BYTES_MAX);
	v->heard_us = clock_mono_us();
	serving_pump(v);
}

static struct serving *
serving_of(struct sync *s, uint32_t member)
{
	struct serving *v = s->servings[member];

	if (v != NULL)
		return v;
	v = calloc(1, sizeof(*v));
	if (v == NULL)
		return NULL;
	v->owner = s;
	v->member = member;
	s->servings[member] = v;
	return v;
}

void
sync_serve_request(struct sync *s, uint32_t member, uint64_t transfer,
    enum sync_what what, struct decoder *d)
{
	struct serving *v;

	if (decoder_failed(d) || transfer == 0)
		return;
	v = serving_of(s, member);
	if (v == NULL)
		return;
	if (what == SYNC_OPEN)
		request_open(v, transfer, d);
	else if (what == SYNC_PART)
		request_part(v, transfer, d);
	else if (decoder_finish(d, NULL) == AG_OK && v->transfer == transfer)
		serving_end(v);
}

void
sync_serve_ack(struct sync *s, uint32_t member, struct decoder *d)
{
	uint64_t transfer = decoder_get_uint(d);
	struct serving *v = s->servings[member];

	(void)decoder_get_uint(d);
	(void)decoder_get_uint(d);
	if (decoder_finish(d, NULL) != AG_OK || v == NULL ||
	    v->transfer != transfer || v->in_flight == 0)
		return;
	v->in_flight--;
	v->heard_us = clock_mono_us();
	serving_pump(v);
}

void
sync_serve_tick(struct sync *s, uint64_t now_us)
{
	size_t i;

	for (i = 0; i < TRUST_MEMBERS_MAX; i++) {
		struct serving *v = s->servings[i];

		if (v == NULL || v->maker == NULL)
			continue;
		if (now_us - v->heard_us > SERVE_KEEP_US)
			serving_end(v);
		else
			serving_send(v);
	}
}
