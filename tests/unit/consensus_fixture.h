/*
 * A cluster of engines in memory, for the specifications of consensus.
 *
 * Each node has a disk that syncs only when told, a state that is the hash
 * of what it executed, and links that deliver at once unless a specification
 * cuts or filters them.  Whatever two nodes execute is compared as it
 * happens: agreement is checked by every specification, wanted or not.
 *
 * Signatures are a keyed hash, one key per member.
 *
 * One specification is one program from one file, so this is all here.
 */
#ifndef AEGIS_TESTS_CONSENSUS_FIXTURE_H
#define AEGIS_TESTS_CONSENSUS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/pages.h"
#include "codec/batch.h"
#include "codec/message.h"
#include "consensus/engine.h"
#include "consensus/record.h"
#include "trust/evidence.h"
#include "trust/request.h"

/* Not every file uses all of it; inlined, frames would grow too large. */
#define FIXTURE static __attribute__((noinline, unused))

#define CLUSTER_MAX 10
#define CLUSTER_SEQ_MAX 4096
#define CLUSTER_ITEMS_MAX 16384
#define CLUSTER_ROUNDS_MAX 2000
#define MS UINT64_C(1000)

struct item {
	uint8_t *data;
	size_t len;
	uint32_t from;  /* message: its sender */
	uint64_t after; /* waiting message: the token it waits for */
	uint32_t to;    /* waiting message: its receivers */
	uint64_t seq;   /* record: its sequence */
	bool is_lazy;   /* record */
};

struct items {
	struct item *list;
	size_t first, count;
};

struct cluster;

struct node {
	struct cluster *cluster;
	uint32_t self;
	void *memory;
	struct engine *engine;
	bool is_down;
	bool is_disk_stuck; /* nothing becomes durable */
	struct items inbox, waiting, records;
	size_t records_before; /* at the last start: token 1 comes after */
	uint64_t token, durable;
	uint64_t applied;
	struct digest state;
	bool is_fetching;
	struct event reports[64]; /* APPLIED, not told yet */
	size_t report_count;
	uint64_t deadline_us;
	unsigned evidence, refused, fetches, histories, signatures,
	    verifications, failures; /* of those */
	uint32_t culprit, convicted; /* the last, all */
	enum evidence_kind culpable;
	uint64_t fetch_seq, stable, vouched;
	uint32_t fetch_members;  /* all that were to be asked for it */
	uint64_t read, read_seq; /* the last read answered */
	struct horizon horizon;
	uint64_t starts; /* a number for each */
	bool has_no_horizon;
	uint8_t certificate[CERTIFICATE_BYTES_MAX];
	size_t certificate_len;
	const char *fatal;
	const char *why; /* it last asked for a view */
	uint64_t waited_since_us, measured, expected;
	size_t blamed_len;            /* of the request it was about */
	uint32_t askers;              /* of the view it last entered */
	size_t sent[64];              /* messages by type */
	unsigned served[CLUSTER_MAX]; /* requests executed, by whose they are */
};

struct cluster {
	uint32_t n;
	const struct strategy *strategy;
	struct trust_scope scope;
	struct engine_config config;
	struct effects effects;
	struct node nodes[CLUSTER_MAX];
	uint64_t now_us, wall_ms, number;
	/* Decided by anybody: what everybody must execute. */
	struct digest decided[CLUSTER_SEQ_MAX];
	bool is_decided[CLUSTER_SEQ_MAX];
	unsigned requests[CLUSTER_SEQ_MAX];
	struct digest states[CLUSTER_SEQ_MAX];
	uint64_t last;     /* its batch ends the epoch; 0: none does */
	bool has_transfer; /* a state asked for is put in place at once */
	bool asks_nobody;  /* who starts votes at once */
	/* May a message pass?  NULL: all do. */
	bool (*passes)(struct cluster *c, uint32_t from, uint32_t to,
	    struct bytes body);
	uint64_t knob;   /* for passes to look at */
	uint64_t events; /* records written and messages sent, ever */
};

/* --- signatures --- */

FIXTURE void
fake_signature(uint32_t member, struct bytes message,
    uint8_t signature[static SIGNATURE_BYTES])
{
	uint8_t key[32] = { (uint8_t)(member + 1) };

	(void)crypto_generichash(signature, SIGNATURE_BYTES, message.data,
	    message.len, key, sizeof(key));
}

FIXTURE void
fake_sign(void *ctx, struct bytes message,
    uint8_t signature[static SIGNATURE_BYTES])
{
	struct node *node = ctx;

	node->signatures++;
	fake_signature(node->self, message, signature);
}

FIXTURE bool
node_count_verified(struct node *node, bool holds)
{
	node->verifications++;
	node->failures += !holds;
	return holds;
}

FIXTURE bool
fake_verify(void *ctx, uint32_t member, struct bytes message,
    const uint8_t signature[static SIGNATURE_BYTES])
{
	struct node *node = ctx;
	uint8_t expected[SIGNATURE_BYTES];

	fake_signature(member, message, expected);
	return node_count_verified(node,
	    memcmp(expected, signature, SIGNATURE_BYTES) == 0);
}

/* A principal of which the first byte is a member's number is that member. */
FIXTURE bool
fake_verify_request(void *ctx, const uint8_t principal[static PUBLIC_KEY_BYTES],
    struct bytes message, const uint8_t signature[static SIGNATURE_BYTES])
{
	uint8_t expected[SIGNATURE_BYTES];

	fake_signature(principal[0], message, expected);
	return node_count_verified(ctx,
	    memcmp(expected, signature, SIGNATURE_BYTES) == 0);
}

/* ctx is a member's number: for messages made by hand. */
FIXTURE void
fake_sign_as(void *ctx, struct bytes message,
    uint8_t signature[static SIGNATURE_BYTES])
{
	fake_signature(*(uint32_t *)ctx, message, signature);
}

static const struct authority fake_anybody AG_UNUSED = {
	.sign = fake_sign_as,
};

static const struct authority fake_authority = { fake_sign, fake_verify,
	fake_verify_request, NULL };

/* --- lists of bytes --- */

FIXTURE struct item *
items_add(struct items *items, struct bytes bytes)
{
	struct item *item;

	if (items->list == NULL)
		items->list =
		    pages_new(CLUSTER_ITEMS_MAX * sizeof(struct item));
	assert_non_null(items->list);
	if (items->first == items->count)
		items->first = items->count = 0;
	assert_true(items->count < CLUSTER_ITEMS_MAX);
	item = &items->list[items->count++];
	*item =
	    (struct item){ .data = malloc(bytes.len + 1), .len = bytes.len };
	assert_non_null(item->data);
	memcpy(item->data, bytes.data, bytes.len);
	return item;
}

FIXTURE struct bytes
item_bytes(const struct item *item)
{
	return bytes_of(item->data, item->len);
}

/* Forget all but the first keep of them. */
FIXTURE void
items_cut(struct items *items, size_t keep)
{
	while (items->count > keep && items->count > items->first)
		free(items->list[--items->count].data);
	if (items->first > items->count)
		items->first = items->count;
}

FIXTURE void
items_free(struct items *items)
{
	items_cut(items, 0);
	pages_free(items->list);
	*items = (struct items){ NULL, 0, 0 };
}

/* --- effects --- */

FIXTURE void
node_post(struct node *node, uint32_t members, struct bytes body)
{
	struct cluster *c = node->cluster;
	uint64_t type = message_type_of(body);
	uint32_t i;

	assert_true(type > 0 && type < 64);
	node->sent[type]++;
	c->events++;
	for (i = 0; i < c->n; i++) {
		if ((members >> i & 1) == 0 || c->nodes[i].is_down)
			continue;
		assert_int_not_equal(i, node->self);
		if (c->passes != NULL && !c->passes(c, node->self, i, body))
			continue;
		items_add(&c->nodes[i].inbox, body)->from = node->self;
	}
}

FIXTURE void
state_after(struct digest *state, const struct digest *batch)
{
	struct digest both[2] = { *state, *batch };

	digest_of(state, bytes_of(both, sizeof(both)));
}

FIXTURE void
node_count_served(struct node *node, const struct batch *batch)
{
	struct envelope envelope;
	struct decoder d;
	size_t i;

	decoder_init(&d, batch->envelopes);
	for (i = 0; i < batch->envelope_count; i++) {
		envelope_decode_from(&d, &envelope);
		if (envelope.principal[0] < CLUSTER_MAX)
			node->served[envelope.principal[0]]++;
	}
}

FIXTURE void
node_execute(struct node *node, const struct effect *effect)
{
	struct cluster *c = node->cluster;
	struct event *report = &node->reports[node->report_count];
	struct digest digest;
	struct batch batch;

	if (c->last != 0 && node->applied >= c->last)
		return;
	assert_true(++node->report_count <= 64);
	assert_int_equal(effect->seq, node->applied + 1);
	assert_true(effect->seq < CLUSTER_SEQ_MAX);
	digest_of(&digest, effect->body);
	assert_true(digest_equal(&digest, &effect->digest));
	if (c->is_decided[effect->seq])
		assert_true(digest_equal(&digest, &c->decided[effect->seq]));
	assert_int_equal(batch_decode(&batch, effect->body, NULL), AG_OK);
	c->requests[effect->seq] = (unsigned)batch.envelope_count;
	node_count_served(node, &batch);
	c->is_decided[effect->seq] = true;
	c->decided[effect->seq] = digest;
	node->applied = effect->seq;
	state_after(&node->state, &digest);
	c->states[effect->seq] = node->state;
	*report = (struct event){ .kind = EVENT_APPLIED,
		.seq = effect->seq,
		.has_digest = effect->is_checkpoint || effect->seq == c->last,
		.is_last = effect->seq == c->last,
		.digest = node->state };
}

FIXTURE void
node_keep_certificate(struct node *node, struct bytes body)
{
	assert_true(body.len <= sizeof(node->certificate));
	if (body.len > 0)
		memcpy(node->certificate, body.data, body.len);
	node->certificate_len = body.len;
}

FIXTURE void
node_send(struct node *node, const struct effect *effect)
{
	struct item *item;

	assert_true(effect->after <= node->token);
	if (effect->after <= node->durable) {
		node_post(node, effect->members, effect->body);
		return;
	}
	item = items_add(&node->waiting, effect->body);
	item->after = effect->after;
	item->to = effect->members;
}

FIXTURE void
node_persist(struct node *node, const struct effect *effect)
{
	struct item *item;

	assert_int_equal(effect->token, node->token + 1);
	node->token = effect->token;
	node->cluster->events++;
	item = items_add(&node->records, effect->body);
	item->seq = effect->seq;
	item->is_lazy = effect->is_lazy;
}

/* A record of a kind for seq (a batch: with its bytes); false: none. */
FIXTURE bool
node_find_record(struct node *node, enum record_kind kind, uint64_t seq,
    struct record *found, struct certificate *certificate)
{
	size_t i;

	for (i = node->records.first; i < node->records.count; i++) {
		assert_int_equal(record_decode(found, certificate,
				     item_bytes(&node->records.list[i]), NULL),
		    AG_OK);
		if (found->kind == kind && found->seq == seq)
			return true;
	}
	return false;
}

/* What the records have from seq on, a few batches of it. */
FIXTURE void
node_send_history(struct node *node, const struct effect *effect)
{
	static struct certificate certificate;
	static uint8_t raw[16384];
	struct record proposal, committed;
	struct encoder e;
	struct bytes body;
	uint64_t seq;

	node->histories++;
	for (seq = effect->seq; seq < effect->seq + 16; seq++) {
		if (!node_find_record(node, RECORD_PROPOSAL, seq, &proposal,
			&certificate) ||
		    !node_find_record(node, RECORD_COMMITTED, seq, &committed,
			&certificate))
			return;
		encoder_init(&e, raw, sizeof(raw));
		encoder_put_array(&e, 3);
		encoder_put_uint(&e, MESSAGE_COMMITTED);
		certificate_encode(&e, &certificate);
		encoder_put_bytes(&e, proposal.batch);
		assert_int_equal(encoder_finish(&e, &body), AG_OK);
		node_post(node, 1U << effect->member, body);
	}
}

/* Evidence must convince somebody who has nothing but it and the keys. */
FIXTURE void
node_keep_evidence(struct node *node, const struct effect *effect)
{
	const struct cluster *c = node->cluster;
	struct evidence evidence;
	struct ag_error err;

	if (evidence_decode(&evidence, effect->body, &err) != AG_OK)
		fail_msg("%s", err.text);
	assert_memory_equal(evidence.scope.cluster_id, c->scope.cluster_id,
	    CLUSTER_ID_BYTES);
	assert_int_equal(evidence.scope.epoch, c->scope.epoch);
	assert_int_equal(evidence.member, effect->member);
	assert_int_equal(evidence.seq, effect->seq);
	assert_true(evidence_holds(&evidence, c->n, &fake_authority, node));
	node->evidence++;
	node->culprit = effect->member;
	node->convicted |= 1U << effect->member;
	node->culpable = evidence.kind;
}

FIXTURE void
node_carry_out(struct node *node, const struct effect *effect)
{
	switch (effect->kind) {
	case EFFECT_PERSIST:
		node_persist(node, effect);
		break;
	case EFFECT_SEND:
		node_send(node, effect);
		break;
	case EFFECT_DELIVER:
		node_execute(node, effect);
		break;
	case EFFECT_FETCH_STATE:
		node->fetches++;
		if (node->fetch_seq != effect->seq)
			node->fetch_members = 0;
		node->fetch_seq = effect->seq;
		node->fetch_members |= effect->members;
		node->is_fetching = node->cluster->has_transfer;
		node_keep_certificate(node, effect->body);
		break;
	case EFFECT_STABLE:
		node->stable = effect->seq;
		break;
	case EFFECT_HISTORY:
		node_send_history(node, effect);
		break;
	case EFFECT_VOUCHED:
		node->vouched = effect->seq;
		node_keep_certificate(node, effect->body);
		break;
	case EFFECT_EVIDENCE:
		node_keep_evidence(node, effect);
		break;
	case EFFECT_REFUSED:
		node->refused++;
		break;
	case EFFECT_HORIZON:
		node->horizon = *effect->horizon;
		break;
	case EFFECT_FATAL:
		node->fatal = effect->text;
		node->is_down = true;
		break;
	case EFFECT_VIEW:
		if (effect->is_changing) {
			node->why = effect->text;
			node->waited_since_us = effect->since_us;
			node->measured = effect->measured;
			node->expected = effect->expected;
			node->blamed_len = effect->body.len;
		} else {
			node->askers = effect->members;
		}
		break;
	case EFFECT_READ:
		node->read = effect->token;
		node->read_seq = effect->seq;
		break;
	case EFFECT_REJOINING:
	default:
		break;
	}
}

FIXTURE void
node_step(struct node *node, struct event event)
{
	struct cluster *c = node->cluster;
	size_t i;

	if (node->is_down)
		return;
	event.now_us = c->now_us;
	event.wall_ms = c->wall_ms;
	c->strategy->step(node->engine, &event, &c->effects);
	node->deadline_us = c->effects.deadline_us;
	for (i = 0; i < c->effects.count; i++)
		node_carry_out(node, &c->effects.list[i]);
}

/* --- turns --- */

FIXTURE bool
node_report(struct node *node)
{
	size_t i;

	/* A step may add to them. */
	for (i = 0; i < node->report_count; i++)
		node_step(node, node->reports[i]);
	node->report_count = 0;
	return i > 0;
}

/* State transfer: the certified state takes the place of ours. */
FIXTURE void
node_install(struct node *node)
{
	struct cluster *c = node->cluster;

	node->is_fetching = false;
	assert_true(c->is_decided[node->fetch_seq]);
	if (node->fetch_seq <= node->applied)
		return;
	node->applied = node->fetch_seq;
	node->state = c->states[node->fetch_seq];
	node_step(node,
	    (struct event){ .kind = EVENT_INSTALLED,
		.seq = node->applied,
		.digest = node->state,
		.body = bytes_of(node->certificate, node->certificate_len) });
}

FIXTURE bool
node_receive(struct node *node)
{
	size_t end = node->inbox.count;
	bool any = node->inbox.first < end;

	while (node->inbox.first < end) {
		struct item *item = &node->inbox.list[node->inbox.first++];

		node_step(node,
		    (struct event){ .kind = EVENT_MESSAGE,
			.member = item->from,
			.body = item_bytes(item) });
		free(item->data);
	}
	return any;
}

/* The disk makes everything written so far durable. */
FIXTURE bool
node_sync(struct node *node)
{
	size_t end = node->waiting.count;

	if (node->is_down || node->is_disk_stuck ||
	    node->durable == node->token)
		return false;
	node->durable = node->token;
	while (node->waiting.first < end) {
		struct item *item = &node->waiting.list[node->waiting.first++];

		node_post(node, item->to, item_bytes(item));
		free(item->data);
	}
	node_step(node,
	    (struct event){ .kind = EVENT_PERSISTED, .token = node->durable });
	return true;
}

FIXTURE bool
node_turn(struct node *node)
{
	bool any;

	if (node->is_down) {
		while (node->inbox.first < node->inbox.count)
			free(node->inbox.list[node->inbox.first++].data);
		return false;
	}
	any = node_receive(node);
	any = node_report(node) || any;
	if (node->is_fetching) {
		node_install(node);
		any = true;
	}
	if (node->deadline_us <= node->cluster->now_us) {
		node_step(node, (struct event){ .kind = EVENT_TICK });
		any = true;
	}
	node_step(node, (struct event){ .kind = EVENT_FLUSH });
	return node_sync(node) || any;
}

/* Let everything happen that happens without time passing. */
FIXTURE void
cluster_settle(struct cluster *c)
{
	unsigned rounds = 0;
	bool any = true;
	uint32_t i;

	while (any) {
		uint64_t before = c->events;

		any = false;
		assert_true(rounds++ < CLUSTER_ROUNDS_MAX);
		for (i = 0; i < c->n; i++)
			any = node_turn(&c->nodes[i]) || any;
		any = any || c->events != before;
	}
}

FIXTURE void
cluster_advance(struct cluster *c, uint64_t us)
{
	uint64_t end = c->now_us + us;
	uint32_t i;

	while (c->now_us < end) {
		uint64_t next = end;

		for (i = 0; i < c->n; i++)
			if (!c->nodes[i].is_down &&
			    c->nodes[i].deadline_us > c->now_us &&
			    c->nodes[i].deadline_us < next)
				next = c->nodes[i].deadline_us;
		c->wall_ms += (next - c->now_us) / 1000;
		c->now_us = next;
		cluster_settle(c);
	}
}

/* --- life --- */

FIXTURE void
node_make_engine(struct node *node)
{
	struct engine_config config = node->cluster->config;
	size_t len;

	config.self = node->self;
	config.authority_ctx = node;
	len = node->cluster->strategy->size(&config);
	node->memory = pages_new(len);
	assert_non_null(node->memory);
	node->engine =
	    node->cluster->strategy->init(node->memory, len, &config);
	assert_non_null(node->engine);
}

FIXTURE void
node_start(struct node *node)
{
	size_t i;

	node->is_down = false;
	node->records_before = node->records.count;
	node->token = node->durable = 0;
	node_make_engine(node);
	for (i = node->records.first; i < node->records.count; i++)
		node_step(node,
		    (struct event){ .kind = EVENT_REPLAY,
			.body = item_bytes(&node->records.list[i]) });
	node_step(node,
	    (struct event){ .kind = EVENT_START,
		.seq = node->applied,
		.token = node->cluster->asks_nobody ? 0 : ++node->starts,
		.members = node->convicted,
		.horizon = node->has_no_horizon ? NULL : &node->horizon,
		.has_digest = true,
		.is_last =
		    node->applied != 0 && node->applied == node->cluster->last,
		.digest = node->state });
}

/* Memory is lost, and with it what was not durable yet. */
FIXTURE void
node_crash(struct node *node)
{
	node->is_down = true;
	items_cut(&node->records, node->records_before + node->durable);
	items_free(&node->inbox);
	items_free(&node->waiting);
	node->report_count = 0;
	node->is_fetching = false;
	pages_free(node->memory);
	node->memory = NULL;
}

/* While it was down the state came back older: power was lost. */
FIXTURE void
node_roll_back(struct node *node, uint64_t seq)
{
	assert_true(node->is_down);
	assert_true(seq <= node->applied);
	node->applied = seq;
	memset(&node->state, 0, sizeof(node->state));
	if (seq > 0)
		node->state = node->cluster->states[seq];
}

/* All that a member has on its disk, as it is now. */
struct image {
	size_t records;
	uint64_t applied;
	struct horizon horizon;
};

FIXTURE struct image
image_take(const struct node *node)
{
	return (
	    struct image){ node->records.count, node->applied, node->horizon };
}

/* It crashes, and is as it was then when it is back. */
FIXTURE void
image_put_back(struct node *node, const struct image *image)
{
	node_crash(node);
	items_cut(&node->records, image->records);
	node->records_before = image->records;
	node_roll_back(node, image->applied);
	node->horizon = image->horizon;
	memset(node->sent, 0, sizeof(node->sent));
}

/* The log forgets what a stable checkpoint lets it forget. */
FIXTURE void
node_cut_log(struct node *node)
{
	struct items *records = &node->records;
	static struct certificate certificate;
	struct record record;
	size_t i, newest = SIZE_MAX, kept = 0;
	uint64_t stable = 0;

	for (i = 0; i < records->count; i++) {
		assert_int_equal(record_decode(&record, &certificate,
				     item_bytes(&records->list[i]), NULL),
		    AG_OK);
		if (record.kind == RECORD_CHECKPOINT ||
		    record.kind == RECORD_BASE) {
			newest = i;
			stable = record.seq;
		}
	}
	for (i = 0; i < records->count; i++) {
		if (newest == SIZE_MAX || i >= newest ||
		    records->list[i].seq > stable)
			records->list[kept++] = records->list[i];
		else
			free(records->list[i].data);
	}
	records->count = kept;
}

FIXTURE struct cluster *
cluster_new_by(const struct strategy *strategy, uint32_t n)
{
	struct cluster *c = calloc(1, sizeof(*c));
	uint32_t i;

	assert_non_null(c);
	c->n = n;
	c->now_us = 1000 * MS;
	c->wall_ms = 1700000000000;
	c->strategy = strategy;
	c->scope = (struct trust_scope){ .cluster_id = { 7 },
		.epoch = 3,
		.faults = strategy == &strategy_raft ? FAULTS_CRASH
						     : FAULTS_BYZANTINE };
	c->config = (struct engine_config){
		.scope = c->scope,
		.member_count = n,
		.checkpoint_interval = 8,
		.window = 16,
		.pipeline_max = 8,
		.batch_bytes_max = 4096,
		.batch_requests_max = 64,
		.pending_bytes_max = 65536,
		.view_timeout_us = 1000 * MS,
		.progress_interval_us = 100 * MS,
		.clock_skew_max_ms = 5000,
		.authority = &fake_authority,
	};
	for (i = 0; i < n; i++) {
		c->nodes[i].cluster = c;
		c->nodes[i].self = i;
		c->nodes[i].is_down = true;
	}
	return c;
}

FIXTURE struct cluster *
cluster_new(uint32_t n)
{
	return cluster_new_by(&strategy_pbft, n);
}

FIXTURE void
cluster_start(struct cluster *c)
{
	uint32_t i;

	for (i = 0; i < c->n; i++)
		node_start(&c->nodes[i]);
	cluster_settle(c);
}

FIXTURE struct cluster *
cluster_of(uint32_t n)
{
	struct cluster *c = cluster_new(n);

	cluster_start(c);
	return c;
}

FIXTURE void
cluster_free(struct cluster *c)
{
	uint32_t i;

	for (i = 0; i < c->n; i++) {
		struct node *node = &c->nodes[i];

		items_free(&node->inbox);
		items_free(&node->waiting);
		items_free(&node->records);
		pages_free(node->memory);
	}
	free(c);
}

/* --- requests --- */

/* A new request of len bytes by the node's own client; returns its bytes. */
FIXTURE struct bytes
request_make(struct cluster *c, uint32_t at, uint8_t *out, size_t cap,
    size_t len)
{
	uint8_t operation[4096] = { 0 };
	struct request_signer signer = { .principal = { (uint8_t)at },
		.scope = &c->scope,
		.authority = &fake_authority,
		.ctx = &c->nodes[at] };
	struct bytes payload = bytes_of(operation, len), encoded;
	struct encoder e;

	encoder_init(&e, out, cap);
	request_encode(&e, &signer, ++c->number, 0, &payload, 1);
	assert_int_equal(encoder_finish(&e, &encoded), AG_OK);
	return encoded;
}

FIXTURE void
submit_bytes(struct cluster *c, uint32_t at, struct bytes request)
{
	node_step(&c->nodes[at],
	    (struct event){ .kind = EVENT_SUBMIT, .body = request });
}

FIXTURE void
submit(struct cluster *c, uint32_t at)
{
	uint8_t raw[512];

	submit_bytes(c, at, request_make(c, at, raw, sizeof(raw), 100));
}

/* As long as a prepared batch waits for the PREPAREs of all members. */
#define ALL_WAITED (20 * MS)

/*
 * count requests, one after the other, each agreed before the next: at once,
 * or without the votes of those that are waited for in vain.
 */
FIXTURE void
agree(struct cluster *c, uint32_t at, unsigned count)
{
	while (count-- > 0) {
		uint64_t before = c->nodes[at].applied;

		submit(c, at);
		cluster_settle(c);
		if (c->nodes[at].applied == before)
			cluster_advance(c, ALL_WAITED);
	}
}

/* --- messages by hand --- */

FIXTURE void
post(struct cluster *c, uint32_t from, uint32_t to, struct bytes body)
{
	node_step(&c->nodes[to],
	    (struct event){ .kind = EVENT_MESSAGE,
		.member = from,
		.body = body });
}

/* Signed by members 0 to count - 1. */
FIXTURE void
certificate_make(struct cluster *c, enum vote_phase phase, uint64_t view,
    uint64_t seq, uint8_t fill, uint32_t count, struct certificate *out)
{
	struct vote vote = { .phase = phase, .seq = seq };
	uint32_t i;

	memset(&vote.digest, fill, sizeof(vote.digest));
	*out = (struct certificate){ .phase = phase,
		.view = view,
		.seq = seq,
		.digest = vote.digest,
		.proof_count = count };
	for (i = 0; i < count; i++)
		vote_bundle_sign(&out->proofs[i], &vote, 1, &c->scope, i, view,
		    &fake_anybody, &i);
}

/* --- looking --- */

FIXTURE struct engine_status
status_of(const struct cluster *c, uint32_t at)
{
	struct engine_status status;

	c->strategy->status(c->nodes[at].engine, &status);
	return status;
}

/* Everybody up has executed up to seq and nobody more. */
FIXTURE void
assert_applied(const struct cluster *c, uint64_t seq)
{
	uint32_t i;

	for (i = 0; i < c->n; i++)
		if (!c->nodes[i].is_down)
			assert_int_equal(c->nodes[i].applied, seq);
}

FIXTURE void
assert_healthy(const struct cluster *c)
{
	uint32_t i;

	for (i = 0; i < c->n; i++) {
		if (c->nodes[i].fatal != NULL)
			print_error("node %u: %s\n", i, c->nodes[i].fatal);
		assert_null(c->nodes[i].fatal);
	}
}

FIXTURE unsigned
requests_up_to(const struct cluster *c, uint64_t seq)
{
	unsigned total = 0;
	uint64_t i;

	for (i = 1; i <= seq; i++)
		total += c->requests[i];
	return total;
}

#endif
