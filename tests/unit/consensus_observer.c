/*
 * What an observer believes, whom it follows, and that it votes on nothing:
 * lib/consensus/observer.c.
 */
#include "consensus/observer.h"

#include "consensus_fixture.h"

#define MEMBERS 4
#define SELF 4
#define INTERVAL (100 * MS)

/* One observer of four members, who are made by hand. */
struct stage {
	struct trust_scope scope;
	struct node ctx; /* for the fake signatures */
	void *memory;
	struct engine *engine;
	struct effects effects;
	uint64_t now_us;
	uint64_t executed;  /* and told */
	uint64_t first_seq; /* the epoch's are above it */
	bool is_digested;   /* of what was delivered last */
	struct digest state;
	uint32_t fed_by;     /* asked for what follows, last */
	uint32_t request_to; /* the last went there */
	uint64_t fetch_seq, stable;
	unsigned delivered, fetches, refused, sent[64];
	bool is_stuck; /* what is delivered is not executed */
	const char *fatal;
};

static struct engine_config
config_of(struct stage *s)
{
	return (struct engine_config){
		.scope = s->scope,
		.member_count = MEMBERS,
		.self = SELF,
		.checkpoint_interval = 8,
		.window = 16,
		.pipeline_max = 8,
		.batch_bytes_max = 4096,
		.batch_requests_max = 64,
		.pending_bytes_max = 65536,
		.view_timeout_us = 1000 * MS,
		.progress_interval_us = INTERVAL,
		.first_seq = s->first_seq,
		.authority = &fake_authority,
		.authority_ctx = &s->ctx,
	};
}

static void
see_sent(struct stage *s, const struct effect *effect)
{
	const uint64_t type = message_type_of(effect->body);
	struct decoder d;

	assert_true(type > 0 && type < 64);
	assert_int_equal(effect->members & ~0xfU, 0);
	s->sent[type]++;
	if (type == MESSAGE_REQUEST)
		s->request_to = effect->members;
	if (type != MESSAGE_FOLLOW)
		return;
	decoder_init(&d, effect->body);
	decoder_expect_array(&d, 6);
	assert_int_equal(decoder_get_uint(&d), MESSAGE_FOLLOW);
	(void)decoder_get_uint(&d);
	(void)decoder_get_uint(&d);
	(void)decoder_get_uint(&d);
	(void)decoder_get_bool(&d);
	if (decoder_get_bool(&d)) {
		assert_int_equal(__builtin_popcount(effect->members), 1);
		s->fed_by = (uint32_t)__builtin_ctz(effect->members);
	}
	assert_int_equal(decoder_finish(&d, NULL), AG_OK);
}

static void
execute(struct stage *s, const struct effect *effect)
{
	assert_int_equal(effect->seq, s->delivered + 1);
	assert_true(effect->certificate.len > 0);
	s->delivered++;
	s->is_digested = effect->is_checkpoint;
}

static void
step(struct stage *s, struct event event)
{
	size_t i;

	event.now_us = s->now_us;
	strategy_observer.step(s->engine, &event, &s->effects);
	for (i = 0; i < s->effects.count; i++) {
		const struct effect *effect = &s->effects.list[i];

		/* It promises nothing, so it has nothing to keep. */
		assert_int_not_equal(effect->kind, EFFECT_PERSIST);
		assert_int_not_equal(effect->kind, EFFECT_HORIZON);
		assert_int_equal(effect->after, 0);
		if (effect->kind == EFFECT_SEND) {
			see_sent(s, effect);
		} else if (effect->kind == EFFECT_DELIVER) {
			execute(s, effect);
		} else if (effect->kind == EFFECT_STABLE) {
			s->stable = effect->seq;
		} else if (effect->kind == EFFECT_FETCH_STATE) {
			s->fetches++;
			s->fetch_seq = effect->seq;
		} else if (effect->kind == EFFECT_REFUSED) {
			s->refused++;
		} else if (effect->kind == EFFECT_FATAL) {
			s->fatal = effect->text;
		}
	}
}

static void
advance(struct stage *s, uint64_t us)
{
	const uint64_t end = s->now_us + us;

	while (s->now_us < end) {
		s->now_us += INTERVAL;
		step(s, (struct event){ .kind = EVENT_TICK });
	}
}

static struct stage *
stage_behind(uint64_t first_seq, uint64_t applied)
{
	struct stage *s = calloc(1, sizeof(*s));
	struct engine_config config;
	size_t len;

	assert_non_null(s);
	s->first_seq = first_seq;
	s->scope = (struct trust_scope){ .cluster_id = { 7 },
		.epoch = 3,
		.faults = FAULTS_BYZANTINE };
	s->now_us = 1000 * MS;
	config = config_of(s);
	len = (strategy_observer.size(&config) + 63) & ~(size_t)63;
	s->memory = aligned_alloc(64, len);
	assert_non_null(s->memory);
	s->engine = strategy_observer.init(s->memory, len, &config);
	assert_non_null(s->engine);
	s->delivered = (unsigned)applied;
	s->executed = applied;
	step(s, (struct event){ .kind = EVENT_START, .seq = applied });
	return s;
}

static struct stage *
stage_new(uint64_t applied)
{
	return stage_behind(0, applied);
}

static void
stage_free(struct stage *s)
{
	free(s->memory);
	free(s);
}

static void
hear(struct stage *s, uint32_t from, const struct encoder *e)
{
	struct bytes body;

	assert_int_equal(encoder_finish(e, &body), AG_OK);
	step(s,
	    (struct event){ .kind = EVENT_MESSAGE,
		.member = from,
		.body = body });
}

static void
sign_certificate(struct stage *s, struct certificate *c, uint32_t count)
{
	const struct vote vote = { c->phase, c->seq, c->digest };
	uint32_t i;

	c->proof_count = count;
	for (i = 0; i < count; i++)
		vote_bundle_sign(&c->proofs[i], &vote, 1, &s->scope, i, c->view,
		    &fake_anybody, &i);
}

static struct bytes
batch_of(uint8_t *out, size_t cap, uint64_t seq, struct bytes request)
{
	struct bytes batch;
	struct encoder e;

	encoder_init(&e, out, cap);
	batch_encode_head(&e, 1000 + seq, 0, request.len > 0);
	if (request.len > 0)
		encoder_put_raw(&e, request);
	assert_int_equal(encoder_finish(&e, &batch), AG_OK);
	return batch;
}

/* From a member: seq was decided, and so many have signed that. */
static void
committed(struct stage *s, uint32_t from, uint64_t seq, struct bytes request,
    uint32_t signers, struct bytes *other)
{
	static struct certificate c;
	static uint8_t raw[16384], out[2048];
	struct bytes batch = batch_of(out, sizeof(out), seq, request);
	struct encoder e;

	c = (struct certificate){ .phase = VOTE_COMMIT, .view = 2, .seq = seq };
	digest_of(&c.digest, batch);
	sign_certificate(s, &c, signers);
	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 3);
	encoder_put_uint(&e, MESSAGE_COMMITTED);
	certificate_encode(&e, &c);
	encoder_put_bytes(&e, other == NULL ? batch : *other);
	hear(s, from, &e);
}

static void
decide(struct stage *s, uint64_t seq)
{
	committed(s, 0, seq, bytes_of(NULL, 0), 3, NULL);
}

static void
decide_up_to(struct stage *s, uint64_t seq)
{
	while (s->delivered < seq) {
		decide(s, s->delivered + 1);
		step(s,
		    (struct event){ .kind = EVENT_APPLIED,
			.seq = s->delivered,
			.has_digest = s->delivered % 8 == 0,
			.digest = { { (uint8_t)s->delivered } } });
	}
}

static void
checkpoint(struct stage *s, uint64_t seq, uint8_t digest, uint32_t signers)
{
	static struct certificate c;
	static uint8_t raw[16384];
	struct encoder e;

	c = (struct certificate){ .phase = VOTE_CHECKPOINT,
		.seq = seq,
		.digest = { { digest } } };
	sign_certificate(s, &c, signers);
	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 2);
	encoder_put_uint(&e, MESSAGE_CHECKPOINT);
	certificate_encode(&e, &c);
	hear(s, 1, &e);
}

static void
progress(struct stage *s, uint32_t from, uint64_t delivered)
{
	uint8_t raw[128];
	struct encoder e;

	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 9);
	encoder_put_uint(&e, MESSAGE_PROGRESS);
	encoder_put_uint(&e, 2);
	encoder_put_bool(&e, false);
	encoder_put_uint(&e, delivered);
	encoder_put_uint(&e, delivered);
	encoder_put_uint(&e, 0);
	encoder_put_uint(&e, 0);
	encoder_put_bool(&e, true);
	encoder_put_bool(&e, false);
	hear(s, from, &e);
}

/* Time in which members from..3 say now and then how far they are. */
static void
pass(struct stage *s, unsigned intervals, uint32_t from, uint64_t delivered)
{
	uint32_t i;

	while (intervals-- > 0) {
		for (i = from; i < MEMBERS; i++)
			progress(s, i, delivered);
		advance(s, INTERVAL);
	}
}

static struct engine_status
status(const struct stage *s)
{
	struct engine_status out;

	strategy_observer.status(s->engine, &out);
	return out;
}

/* --- what it believes --- */

static void
what_a_quorum_signed_is_executed_and_nothing_less(void **state)
{
	struct stage *s = stage_new(0);
	struct bytes other = bytes_from_text("another batch");

	(void)state;
	committed(s, 0, 1, bytes_of(NULL, 0), 2, NULL);
	committed(s, 0, 1, bytes_of(NULL, 0), 3, &other);
	s->scope.epoch = 4; /* signatures of another epoch */
	committed(s, 0, 1, bytes_of(NULL, 0), 3, NULL);
	s->scope.epoch = 3;
	assert_int_equal(s->delivered, 0);
	committed(s, 0, 1, bytes_of(NULL, 0), 3, NULL);
	assert_int_equal(s->delivered, 1);
	/* In order, and once. */
	decide(s, 3);
	decide(s, 1);
	assert_int_equal(s->delivered, 1);
	decide(s, 2);
	decide(s, 3);
	assert_int_equal(s->delivered, 3);
	stage_free(s);
}

static void
nobody_but_a_member_is_listened_to(void **state)
{
	struct stage *s = stage_new(0);
	uint32_t from;

	(void)state;
	for (from = MEMBERS; from < 40; from++)
		committed(s, from, 1, bytes_of(NULL, 0), 3, NULL);
	assert_int_equal(s->delivered, 0);
	stage_free(s);
}

/* Also what is damaged changes nothing, whatever its type. */
static void
what_only_voters_need_changes_nothing(void **state)
{
	struct stage *s = stage_new(0);
	const struct engine_status before = status(s);
	uint64_t type;

	(void)state;
	for (type = 1; type < 64; type++) {
		struct engine_status after;
		uint8_t raw[64];
		struct encoder e;

		if (message_name(type) == NULL)
			continue;
		encoder_init(&e, raw, sizeof(raw));
		encoder_put_array(&e, 2);
		encoder_put_uint(&e, type);
		encoder_put_uint(&e, 1);
		hear(s, 0, &e);
		after = status(s);
		assert_memory_equal(&before, &after, sizeof(before));
		assert_int_equal(s->effects.count, 0);
	}
	stage_free(s);
}

static void
a_certified_state_that_is_ours_is_stable(void **state)
{
	struct stage *s = stage_new(0);

	(void)state;
	decide_up_to(s, 10);
	checkpoint(s, 8, 8, 2);
	assert_int_equal(s->stable, 0);
	checkpoint(s, 8, 8, 3);
	assert_int_equal(s->stable, 8);
	/* Heard of before it was executed. */
	checkpoint(s, 16, 16, 3);
	assert_int_equal(s->stable, 8);
	decide_up_to(s, 16);
	assert_int_equal(s->stable, 16);
	assert_null(s->fatal);
	stage_free(s);
}

/* The members certify whichever they come to first. */
static void
the_digest_of_each_state_is_wanted_until_an_epoch_has_a_checkpoint(void **state)
{
	struct stage *s = stage_behind(4, 4);

	(void)state;
	decide(s, 5);
	assert_true(s->is_digested);
	step(s,
	    (struct event){ .kind = EVENT_APPLIED,
		.seq = 5,
		.has_digest = true,
		.digest = { { 5 } } });
	checkpoint(s, 5, 5, 3);
	assert_int_equal(s->stable, 5);
	decide(s, 6);
	assert_false(s->is_digested);
	stage_free(s);
}

static void
a_certified_state_that_differs_from_ours_stops_it(void **state)
{
	struct stage *s = stage_new(0);

	(void)state;
	decide_up_to(s, 8);
	checkpoint(s, 8, 9, 2);
	assert_null(s->fatal);
	checkpoint(s, 8, 9, 3);
	assert_non_null(strstr(s->fatal, "our state differs"));
	decide(s, 9);
	assert_int_equal(s->delivered, 8);
	stage_free(s);
}

/* --- whom it follows --- */

static void
a_source_that_brings_nothing_is_left(void **state)
{
	struct stage *s = stage_new(0);
	uint32_t first;

	(void)state;
	pass(s, 2, 0, 0);
	first = s->fed_by;
	pass(s, 20, 0, 0);
	assert_int_equal(s->fed_by, first);
	pass(s, 4, 0, 5);
	assert_int_not_equal(s->fed_by, first);
	stage_free(s);
}

static void
a_silent_source_is_left(void **state)
{
	struct stage *s = stage_new(0);

	(void)state;
	pass(s, 2, 0, 0);
	assert_int_equal(s->fed_by, 0);
	pass(s, 6, 1, 0);
	assert_int_not_equal(s->fed_by, 0);
	stage_free(s);
}

/* One liar sends no observer from member to member. */
static void
what_one_member_claims_is_no_reason(void **state)
{
	struct stage *s = stage_new(0);
	unsigned i;

	(void)state;
	pass(s, 2, 0, 0);
	for (i = 0; i < 20; i++) {
		pass(s, 1, 0, 0);
		progress(s, 3, UINT64_MAX);
		advance(s, INTERVAL);
		assert_int_equal(s->fed_by, 0);
	}
	assert_int_equal(status(s).proposed, 0);
	stage_free(s);
}

/* A state of 96 is put in place with this certificate. */
static void
install_with(struct stage *s, uint64_t seq, uint8_t digest)
{
	static struct certificate c;
	static uint8_t raw[8192];
	struct bytes body;
	struct encoder e;

	c = (struct certificate){ .phase = VOTE_CHECKPOINT,
		.seq = seq,
		.digest = { { digest } } };
	sign_certificate(s, &c, 3);
	encoder_init(&e, raw, sizeof(raw));
	certificate_encode(&e, &c);
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	step(s,
	    (struct event){ .kind = EVENT_INSTALLED,
		.seq = 96,
		.digest = { { 96 } },
		.body = body });
}

static void
what_no_log_brings_is_fetched_as_a_state(void **state)
{
	struct stage *s = stage_new(0);

	(void)state;
	pass(s, 2, 0, 100);
	checkpoint(s, 96, 96, 3);
	assert_int_equal(s->fetches, 0);
	pass(s, 10, 0, 100);
	assert_int_equal(s->fetch_seq, 96);
	assert_int_equal(s->fetches, 1);
	install_with(s, 96, 96);
	s->delivered = 96;
	assert_int_equal(s->stable, 96);
	decide(s, 97);
	assert_int_equal(s->delivered, 97);
	stage_free(s);
}

static void
no_more_is_taken_than_a_window_ahead_of_the_state(void **state)
{
	struct stage *s = stage_new(0);
	uint64_t seq;

	(void)state;
	for (seq = 1; seq <= 40; seq++)
		decide(s, seq);
	assert_int_equal(s->delivered, 16);
	step(s, (struct event){ .kind = EVENT_APPLIED, .seq = 10 });
	decide(s, 17);
	assert_int_equal(s->delivered, 17);
	stage_free(s);
}

/* --- its clients --- */

static struct bytes
request_of(struct stage *s, uint8_t *out, size_t cap, uint64_t number)
{
	struct request_signer signer = { .principal = { SELF },
		.scope = &s->scope,
		.authority = &fake_authority,
		.ctx = &s->ctx };
	uint8_t operation[100] = { 0 };
	struct bytes payload = bytes_of(operation, sizeof(operation)), encoded;
	struct encoder e;

	s->ctx.self = SELF;
	encoder_init(&e, out, cap);
	request_encode(&e, &signer, number, 0, &payload, 1);
	assert_int_equal(encoder_finish(&e, &encoded), AG_OK);
	return encoded;
}

static void
a_request_goes_to_the_source_and_then_to_everybody(void **state)
{
	struct stage *s = stage_new(0);
	uint8_t raw[512];
	struct bytes request = request_of(s, raw, sizeof(raw), 1);

	(void)state;
	pass(s, 2, 0, 0);
	step(s, (struct event){ .kind = EVENT_SUBMIT, .body = request });
	step(s, (struct event){ .kind = EVENT_SUBMIT, .body = request });
	step(s, (struct event){ .kind = EVENT_FLUSH });
	assert_int_equal(s->sent[MESSAGE_REQUEST], 1);
	assert_int_equal(s->request_to, 1U << s->fed_by);
	pass(s, 6, 0, 0);
	assert_int_equal(s->sent[MESSAGE_REQUEST], 2);
	assert_int_equal(s->request_to, 0xf);
	/* Executed, it is forgotten. */
	committed(s, 0, 1, request, 3, NULL);
	assert_int_equal(status(s).pending_requests, 0);
	pass(s, 20, 0, 1);
	assert_int_equal(s->sent[MESSAGE_REQUEST], 2);
	stage_free(s);
}

static void
requests_it_has_no_room_for_are_refused(void **state)
{
	struct stage *s = stage_new(0);
	uint8_t raw[512];
	uint64_t i;

	(void)state;
	for (i = 1; i <= 1000; i++)
		step(s,
		    (struct event){ .kind = EVENT_SUBMIT,
			.body = request_of(s, raw, sizeof(raw), i) });
	assert_true(s->refused > 0);
	assert_true(status(s).pending_bytes <= 65536);
	stage_free(s);
}

/* --- what it never does --- */

static void
it_says_where_it_stands_and_asks_and_nothing_else(void **state)
{
	struct stage *s = stage_new(0);
	uint8_t raw[512];
	uint64_t type;

	(void)state;
	step(s, (struct event){ .kind = EVENT_CHECKPOINT_WANTED });
	step(s,
	    (struct event){ .kind = EVENT_SUBMIT,
		.body = request_of(s, raw, sizeof(raw), 1) });
	decide_up_to(s, 20);
	checkpoint(s, 16, 16, 3);
	pass(s, 30, 0, 40);
	pass(s, 30, 2, 50);
	step(s, (struct event){ .kind = EVENT_RESIGN });
	assert_int_equal(s->ctx.signatures, 1); /* of its client's request */
	for (type = 0; type < 64; type++)
		if (type != MESSAGE_FOLLOW && type != MESSAGE_REQUEST)
			assert_int_equal(s->sent[type], 0);
	assert_true(s->sent[MESSAGE_FOLLOW] > 0);
	stage_free(s);
}

static void
the_last_state_of_an_epoch_is_waited_for_with_its_certificate(void **state)
{
	struct stage *s = stage_new(0);

	(void)state;
	decide_up_to(s, 4);
	decide(s, 5);
	step(s,
	    (struct event){ .kind = EVENT_APPLIED,
		.seq = 5,
		.has_digest = true,
		.is_last = true,
		.digest = { { 5 } } });
	decide(s, 6);
	assert_int_equal(s->delivered, 5);
	checkpoint(s, 5, 5, 3);
	assert_int_equal(s->stable, 5);
	stage_free(s);
}

static void
only_who_stands_behind_the_members_of_a_cluster_that_certifies_observes(
    void **state)
{
	struct stage *s = stage_new(0);
	struct engine_config config = config_of(s);
	const size_t len = strategy_observer.size(&config);

	(void)state;
	config.self = MEMBERS - 1;
	assert_null(strategy_observer.init(s->memory, len, &config));
	config.self = MEMBERS;
	config.scope.faults = FAULTS_CRASH;
	assert_null(strategy_observer.init(s->memory, len, &config));
	/* And the members' own engine knows no such member. */
	config.scope.faults = FAULTS_BYZANTINE;
	assert_null(strategy_pbft.init(s->memory, strategy_pbft.size(&config),
	    &config));
	stage_free(s);
}

/*
 * At the border of a member's engine: whatever an observer sends under its
 * own number counts for nothing, votes signed with its key included.
 */
static void
a_members_engine_takes_nothing_from_an_observer(void **state)
{
	struct cluster *c = cluster_of(4);
	uint64_t type;
	uint32_t from;

	(void)state;
	agree(c, 0, 3);
	for (type = 1; type < 64; type++) {
		const struct engine_status before = status_of(c, 1);
		struct engine_status after;
		uint8_t raw[4096];
		struct encoder e;
		struct bytes body;

		encoder_init(&e, raw, sizeof(raw));
		encoder_put_array(&e, 2);
		encoder_put_uint(&e, type);
		encoder_put_bytes(&e,
		    request_make(c, 2, raw + 2048, 1024, 100));
		assert_int_equal(encoder_finish(&e, &body), AG_OK);
		for (from = 4; from < 32; from++)
			post(c, from, 1, body);
		after = status_of(c, 1);
		assert_memory_equal(&before, &after, sizeof(before));
	}
	cluster_free(c);
}

/* Two members and an observer are no quorum of four. */
static void
a_certificate_with_an_observers_signature_is_none(void **state)
{
	struct cluster *c = cluster_of(4);
	static struct certificate certificate;
	struct vote vote = { VOTE_CHECKPOINT, 8, { { 8 } } };
	struct ag_error err;
	uint32_t observer = 4;

	(void)state;
	certificate_make(c, VOTE_CHECKPOINT, 0, 8, 8, 2, &certificate);
	vote.digest = certificate.digest;
	vote_bundle_sign(&certificate.proofs[2], &vote, 1, &c->scope, observer,
	    0, &fake_anybody, &observer);
	certificate.proof_count = 3;
	assert_int_equal(certificate_verify(&certificate, &c->scope, 4,
			     &fake_authority, &c->nodes[0], &err),
	    AG_EFORGED);
	cluster_free(c);
}

/* One thing at a time is wrong with it; the last knows nothing wrong. */
static bool
spoil(struct engine_config *c, unsigned int what)
{
	switch (what) {
	case 0:
		c->member_count = 0;
		return true;
	case 1:
		c->self = MEMBERS - 1;
		return true;
	case 2:
		c->self = ENGINE_MEMBERS_MAX;
		return true;
	case 3:
		c->checkpoint_interval = 0;
		return true;
	case 4:
		c->window = 2 * c->checkpoint_interval - 1;
		return true;
	case 5:
		c->batch_bytes_max = 511;
		return true;
	case 6:
		c->batch_bytes_max = (64U << 20) + 1;
		return true;
	case 7:
		c->pending_bytes_max = (1U << 30) + 1;
		return true;
	case 8:
		c->view_timeout_us = 0;
		return true;
	case 9:
		c->progress_interval_us = 0;
		return true;
	case 10:
		c->authority = NULL;
		return true;
	case 11:
		c->scope.faults = FAULTS_CRASH;
		return true;
	default:
		return false;
	}
}

static void
configuration_that_makes_no_sense_is_refused(void **state)
{
	struct stage *s = stage_new(0);
	const struct engine_config sound = config_of(s);
	const size_t len = strategy_observer.size(&sound);
	struct engine_config config = sound;
	unsigned int what;

	(void)state;
	for (what = 0; spoil(&config, what); what++, config = sound)
		assert_null(strategy_observer.init(s->memory, len, &config));
	assert_int_equal(what, 12);
	assert_null(strategy_observer.init(s->memory, len - 1, &sound));
	assert_non_null(strategy_observer.init(s->memory, len, &sound));
	stage_free(s);
}

static void
before_its_start_an_observer_says_and_takes_nothing(void **state)
{
	static const enum event_kind kinds[] = { EVENT_TICK, EVENT_FLUSH,
		EVENT_CHECKPOINT_WANTED, EVENT_MESSAGE, EVENT_PERSISTED };
	struct stage *s = stage_new(0);
	const struct engine_config config = config_of(s);
	size_t i;

	(void)state;
	s->engine = strategy_observer.init(s->memory,
	    strategy_observer.size(&config), &config);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		step(s, (struct event){ .kind = kinds[i] });
		assert_int_equal(s->effects.count, 0);
		assert_true(s->effects.deadline_us == UINT64_MAX);
	}
	stage_free(s);
}

static void
state_with_the_certificate_of_another_ends_it(void **state)
{
	const char *said = "an installed state came without its certificate";
	struct stage *s;

	(void)state;
	s = stage_new(0);
	install_with(s, 95, 96);
	assert_string_equal(s->fatal, said);
	step(s, (struct event){ .kind = EVENT_TICK });
	assert_int_equal(s->effects.count, 0);
	stage_free(s);
	s = stage_new(0);
	install_with(s, 96, 95);
	assert_string_equal(s->fatal, said);
	stage_free(s);
	s = stage_new(0);
	install_with(s, 96, 96);
	assert_null(s->fatal);
	/* And again: it is there. */
	install_with(s, 96, 96);
	assert_null(s->fatal);
	assert_int_equal(s->stable, 96);
	stage_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_a_quorum_signed_is_executed_and_nothing_less),
		cmocka_unit_test(nobody_but_a_member_is_listened_to),
		cmocka_unit_test(what_only_voters_need_changes_nothing),
		cmocka_unit_test(a_certified_state_that_is_ours_is_stable),
		cmocka_unit_test(
		    the_digest_of_each_state_is_wanted_until_an_epoch_has_a_checkpoint),
		cmocka_unit_test(
		    a_certified_state_that_differs_from_ours_stops_it),
		cmocka_unit_test(a_source_that_brings_nothing_is_left),
		cmocka_unit_test(a_silent_source_is_left),
		cmocka_unit_test(what_one_member_claims_is_no_reason),
		cmocka_unit_test(what_no_log_brings_is_fetched_as_a_state),
		cmocka_unit_test(
		    no_more_is_taken_than_a_window_ahead_of_the_state),
		cmocka_unit_test(
		    a_request_goes_to_the_source_and_then_to_everybody),
		cmocka_unit_test(requests_it_has_no_room_for_are_refused),
		cmocka_unit_test(
		    it_says_where_it_stands_and_asks_and_nothing_else),
		cmocka_unit_test(
		    the_last_state_of_an_epoch_is_waited_for_with_its_certificate),
		cmocka_unit_test(
		    only_who_stands_behind_the_members_of_a_cluster_that_certifies_observes),
		cmocka_unit_test(
		    a_members_engine_takes_nothing_from_an_observer),
		cmocka_unit_test(
		    a_certificate_with_an_observers_signature_is_none),
		cmocka_unit_test(configuration_that_makes_no_sense_is_refused),
		cmocka_unit_test(
		    before_its_start_an_observer_says_and_takes_nothing),
		cmocka_unit_test(state_with_the_certificate_of_another_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
