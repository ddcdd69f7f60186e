/*
 * What an engine is given out of bounds, too early, too late or cut short:
 * it makes no engine, has no effect, or stops the engine with a sentence.
 */
#include "consensus_fixture.h"

static const struct strategy *const strategies[] = { &strategy_pbft,
	&strategy_raft };

static struct node lone;
static struct effects effects;

static struct engine_config
sound_config(const struct strategy *strategy)
{
	return (struct engine_config){
		.scope.faults = strategy == &strategy_raft ? FAULTS_CRASH
							   : FAULTS_BYZANTINE,
		.member_count = 4,
		.checkpoint_interval = 4,
		.window = 8,
		.pipeline_max = 4,
		.batch_bytes_max = 4096,
		.batch_requests_max = 8,
		.pending_bytes_max = 16384,
		.view_timeout_us = 100 * MS,
		.progress_interval_us = 50 * MS,
		.clock_skew_max_ms = 60000,
		.authority = &fake_authority,
		.authority_ctx = &lone,
	};
}

static bool
is_made(const struct strategy *strategy, const struct engine_config *config)
{
	const struct engine_config sound = sound_config(strategy);
	size_t len = strategy->size(&sound);
	void *memory = aligned_alloc(64, (len + 63) & ~(size_t)63);
	bool made;

	assert_non_null(memory);
	made = strategy->init(memory, len, config) != NULL;
	free(memory);
	return made;
}

static void
a_configuration_out_of_bounds_makes_no_engine(void **state)
{
	size_t s, i;

	(void)state;
	for (s = 0; s < 2; s++) {
		struct engine_config c[20];

		for (i = 0; i < 20; i++)
			c[i] = sound_config(strategies[s]);
		assert_true(is_made(strategies[s], &c[19]));
		c[0].member_count = 0;
		c[1].member_count = ENGINE_MEMBERS_MAX + 1;
		c[2].self = c[2].member_count;
		c[3].checkpoint_interval = 0;
		c[4].window = 2 * c[4].checkpoint_interval - 1;
		c[5].window = 4097;
		c[6].pipeline_max = 0;
		c[7].pipeline_max = c[7].window + 1;
		c[8].batch_bytes_max = 511;
		c[9].batch_bytes_max = (64U << 20) + 1;
		c[10].batch_requests_max = 0;
		c[11].pending_bytes_max = (1U << 30) + 1;
		c[12].view_timeout_us = 0;
		c[13].progress_interval_us = 0;
		c[14].authority = NULL;
		c[15].scope.faults = s == 0 ? FAULTS_CRASH : FAULTS_BYZANTINE;
		/* It needs more than there is. */
		c[16].window = 4096;
		for (i = 0; i < 17; i++)
			assert_false(is_made(strategies[s], &c[i]));
	}
}

static struct engine *
engine_of(const struct strategy *strategy, uint32_t n, void **memory)
{
	struct engine_config config = sound_config(strategy);
	struct engine *e;
	size_t len;

	config.member_count = n;
	len = (strategy->size(&config) + 63) & ~(size_t)63;
	*memory = aligned_alloc(64, len);
	assert_non_null(*memory);
	e = strategy->init(*memory, len, &config);
	assert_non_null(e);
	lone.self = 0;
	return e;
}

static size_t
count_effects(const struct strategy *strategy, struct engine *e,
    struct event event)
{
	strategy->step(e, &event, &effects);
	return effects.count;
}

static struct bytes
message_of(uint64_t type, size_t fields)
{
	static uint8_t room[16];
	struct encoder out;
	struct bytes body;

	encoder_init(&out, room, sizeof(room));
	encoder_put_array(&out, fields);
	encoder_put_uint(&out, type);
	if (fields == 1)
		assert_int_equal(encoder_finish(&out, &body), AG_OK);
	return bytes_of(room, out.len);
}

static const enum event_kind early[] = { EVENT_TICK, EVENT_FLUSH,
	EVENT_CHECKPOINT_WANTED, EVENT_PERSISTED, EVENT_RESIGN };

static void
before_it_has_started_an_engine_says_nothing(void **state)
{
	size_t s, i;
	uint64_t type;

	(void)state;
	for (s = 0; s < 2; s++) {
		void *memory;
		struct engine *e = engine_of(strategies[s], 4, &memory);

		for (i = 0; i < sizeof(early) / sizeof(early[0]); i++)
			assert_int_equal(count_effects(strategies[s], e,
					     (struct event){
						 .kind = early[i] }),
			    0);
		for (type = 0; type < 64; type++)
			assert_int_equal(count_effects(strategies[s], e,
					     (struct event){ .kind =
								 EVENT_MESSAGE,
						 .member = 1,
						 .body = message_of(type, 1) }),
			    0);
		free(memory);
	}
}

static void
what_is_cut_short_or_from_nobody_changes_nothing(void **state)
{
	size_t s, fields;
	uint64_t type;

	(void)state;
	for (s = 0; s < 2; s++) {
		void *memory;
		struct engine *e = engine_of(strategies[s], 4, &memory);
		uint32_t from;

		(void)count_effects(strategies[s], e,
		    (struct event){ .kind = EVENT_START, .token = 1 });
		for (type = 0; type < 64; type++)
			for (fields = 1; fields < 10; fields++)
				for (from = 0; from < 5; from++)
					assert_int_equal(
					    count_effects(strategies[s], e,
						(struct event){
						    .kind = EVENT_MESSAGE,
						    .member = from,
						    .body = message_of(type,
							fields) }),
					    0);
		free(memory);
	}
}

static void
the_last_of_all_terms_is_nobodys(void **state)
{
	static const struct {
		uint64_t type;
		size_t zeros; /* fields behind the term */
		bool flags[5];
	} messages[] = {
		{ MESSAGE_VOTE_REQUEST, 4, { true, false, false, true } },
		{ MESSAGE_VOTE_ANSWER, 2, { true, true } },
		{ MESSAGE_APPEND, 3, { false, false, false } },
		{ MESSAGE_APPEND_ANSWER, 4, { true, false, false, false } },
		{ MESSAGE_TIMEOUT_NOW, 0, { false } },
	};
	struct engine_status before, after;
	void *memory;
	struct engine *e = engine_of(&strategy_raft, 3, &memory);
	size_t i, k;

	(void)state;
	(void)count_effects(&strategy_raft, e,
	    (struct event){ .kind = EVENT_START });
	strategy_raft.status(e, &before);
	for (i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		bool appends = messages[i].type == MESSAGE_APPEND;
		uint8_t room[64];
		struct encoder out;
		struct bytes body;

		encoder_init(&out, room, sizeof(room));
		encoder_put_array(&out, 2 + messages[i].zeros + appends);
		encoder_put_uint(&out, messages[i].type);
		encoder_put_uint(&out, UINT64_MAX);
		for (k = 0; k < messages[i].zeros; k++) {
			if (messages[i].flags[k])
				encoder_put_bool(&out, false);
			else
				encoder_put_uint(&out, 0);
		}
		if (appends)
			encoder_put_array(&out, 0);
		assert_int_equal(encoder_finish(&out, &body), AG_OK);
		assert_int_equal(count_effects(&strategy_raft, e,
				     (struct event){ .kind = EVENT_MESSAGE,
					 .member = 1,
					 .body = body }),
		    0);
	}
	strategy_raft.status(e, &after);
	assert_int_equal(before.view, after.view);
	free(memory);
}

static void
what_is_not_in_the_log_has_no_round(void **state)
{
	size_t s;

	(void)state;
	for (s = 0; s < 2; s++) {
		struct engine_round round;
		void *memory;
		struct engine *e = engine_of(strategies[s], 4, &memory);

		assert_int_equal(strategies[s]->round(e, 0, &round), AG_ENOENT);
		assert_int_equal(strategies[s]->round(e, 3, &round), AG_ENOENT);
		free(memory);
	}
}

/* One effect: the end, with a sentence. */
static void
assert_fatal(const struct strategy *strategy, struct engine *e,
    struct event event)
{
	assert_int_equal(count_effects(strategy, e, event), 1);
	assert_int_equal(effects.list[0].kind, EFFECT_FATAL);
	assert_non_null(effects.list[0].text);
}

static void
an_engine_that_has_failed_does_nothing_more(void **state)
{
	size_t s;

	(void)state;
	for (s = 0; s < 2; s++) {
		const uint8_t nonsense[] = { 0x82, 0x00, 0x00 };
		void *memory;
		struct engine *e = engine_of(strategies[s], 4, &memory);
		struct event record = {
			.kind = EVENT_REPLAY,
			.body = bytes_of(nonsense, sizeof(nonsense)),
		};

		assert_fatal(strategies[s], e, record);
		assert_int_equal(count_effects(strategies[s], e, record), 0);
		assert_int_equal(count_effects(strategies[s], e,
				     (struct event){ .kind = EVENT_START }),
		    0);
		assert_true(effects.deadline_us == UINT64_MAX);
		free(memory);
	}
}

/* A checkpoint's certificate of no proofs, as the driver would show it. */
static struct bytes
certificate_of(uint64_t seq, const struct digest *digest)
{
	static struct certificate c;
	static uint8_t room[256];
	struct encoder out;
	struct bytes body;

	c = (struct certificate){ .phase = VOTE_CHECKPOINT,
		.seq = seq,
		.digest = *digest };
	encoder_init(&out, room, sizeof(room));
	certificate_encode(&out, &c);
	assert_int_equal(encoder_finish(&out, &body), AG_OK);
	return body;
}

static void
a_state_is_put_in_place_with_its_own_certificate_only(void **state)
{
	const struct digest ours = { { 1 } }, other = { { 2 } };
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		void *memory;
		struct engine *e = engine_of(&strategy_pbft, 4, &memory);
		struct event event = {
			.kind = EVENT_INSTALLED,
			.seq = 9,
			.digest = ours,
		};

		(void)count_effects(&strategy_pbft, e,
		    (struct event){ .kind = EVENT_START, .token = 1 });
		event.body = i == 0 ? bytes_of(NULL, 0)
		    : i == 1        ? certificate_of(8, &ours)
		    : i == 2        ? certificate_of(9, &other)
				    : certificate_of(9, &ours);
		if (i < 3)
			assert_fatal(&strategy_pbft, e, event);
		else
			(void)count_effects(&strategy_pbft, e, event);
		free(memory);
	}
}

static void
a_state_older_than_ours_is_not_put_in_place(void **state)
{
	const struct digest digest = { { 1 } };
	struct engine_status status;
	void *memory;
	struct engine *e = engine_of(&strategy_pbft, 4, &memory);

	(void)state;
	(void)count_effects(&strategy_pbft, e,
	    (struct event){ .kind = EVENT_START,
		.seq = 9,
		.token = 1,
		.has_digest = true });
	assert_int_equal(count_effects(&strategy_pbft, e,
			     (struct event){ .kind = EVENT_INSTALLED,
				 .seq = 5,
				 .digest = digest,
				 .body = certificate_of(5, &digest) }),
	    0);
	strategy_pbft.status(e, &status);
	assert_int_equal(status.applied, 9);
	free(memory);
}

static void
a_state_that_is_the_last_ends_the_epoch(void **state)
{
	const struct digest digest = { { 1 } };
	static const uint8_t request[] = { 0x80 };
	struct engine_status status;
	void *memory;
	struct engine *e = engine_of(&strategy_pbft, 4, &memory);

	(void)state;
	(void)count_effects(&strategy_pbft, e,
	    (struct event){ .kind = EVENT_START, .token = 1 });
	(void)count_effects(&strategy_pbft, e,
	    (struct event){ .kind = EVENT_INSTALLED,
		.seq = 5,
		.is_last = true,
		.digest = digest,
		.body = certificate_of(5, &digest) });
	(void)count_effects(&strategy_pbft, e,
	    (struct event){ .kind = EVENT_SUBMIT,
		.body = bytes_of(request, sizeof(request)) });
	strategy_pbft.status(e, &status);
	assert_int_equal(status.applied, 5);
	assert_int_equal(status.pending_requests, 0);
	free(memory);
}

static const uint8_t null_bytes[] = { 0x83, 0x00, 0x00, 0x80 };

/* Give an engine one record that says it of this sequence. */
static void
replay(const struct strategy *strategy, struct engine *e, enum record_kind kind,
    uint64_t seq)
{
	static struct certificate c;
	static uint8_t room[512];
	struct digest digest;
	struct encoder out;
	struct bytes body, batch = bytes_of(null_bytes, sizeof(null_bytes));

	digest_of(&digest, batch);
	c = (struct certificate){ .phase = VOTE_CHECKPOINT, .seq = seq };
	encoder_init(&out, room, sizeof(room));
	if (kind == RECORD_ENTRY)
		record_encode_entry(&out, 1, seq, &digest, batch);
	else if (kind == RECORD_BASE)
		record_encode_base(&out, &c, 1, 1, RECORD_NO_VOTE);
	else if (kind == RECORD_CHECKPOINT)
		record_encode_checkpoint(&out, &c, 0, false, bytes_of(NULL, 0));
	else if (kind == RECORD_VIEW)
		record_encode_view(&out, 0, true, bytes_of(NULL, 0));
	else
		record_encode_proposal(&out, 0, seq, &digest, batch);
	assert_int_equal(encoder_finish(&out, &body), AG_OK);
	(void)count_effects(strategy, e,
	    (struct event){ .kind = EVENT_REPLAY, .body = body });
}

static void
a_log_that_lacks_its_checkpoint_is_refused(void **state)
{
	static const enum record_kind kinds[] = { RECORD_PROPOSAL,
		RECORD_ENTRY };
	size_t s;

	(void)state;
	for (s = 0; s < 2; s++) {
		void *memory;
		struct engine *e = engine_of(strategies[s], 4, &memory);

		replay(strategies[s], e, kinds[s], 100);
		assert_fatal(strategies[s], e,
		    (struct event){ .kind = EVENT_START, .token = 1 });
		free(memory);
	}
}

static void
an_older_checkpoint_or_entry_in_the_log_changes_nothing(void **state)
{
	struct engine_status status;
	void *memory;
	struct engine *e = engine_of(&strategy_pbft, 4, &memory);

	(void)state;
	replay(&strategy_pbft, e, RECORD_CHECKPOINT, 8);
	replay(&strategy_pbft, e, RECORD_CHECKPOINT, 4);
	replay(&strategy_pbft, e, RECORD_PROPOSAL, 3);
	strategy_pbft.status(e, &status);
	assert_int_equal(status.stable, 8);
	free(memory);
	e = engine_of(&strategy_raft, 4, &memory);
	replay(&strategy_raft, e, RECORD_BASE, 8);
	replay(&strategy_raft, e, RECORD_BASE, 4);
	replay(&strategy_raft, e, RECORD_ENTRY, 3);
	strategy_raft.status(e, &status);
	assert_int_equal(status.stable, 8);
	assert_int_equal(status.proposed, 8);
	free(memory);
}

static void
nobody_asks_for_view_0_says_the_log(void **state)
{
	void *memory;
	struct engine *e = engine_of(&strategy_pbft, 4, &memory);

	(void)state;
	replay(&strategy_pbft, e, RECORD_VIEW, 0);
	assert_int_equal(effects.count, 1);
	assert_int_equal(effects.list[0].kind, EFFECT_FATAL);
	free(memory);
}

static void
a_request_of_no_bytes_is_none(void **state)
{
	static const uint8_t request[] = { 0x82, MESSAGE_REQUEST, 0x40 };
	size_t s;

	(void)state;
	for (s = 0; s < 2; s++) {
		struct engine_status status;
		void *memory;
		struct engine *e = engine_of(strategies[s], 4, &memory);

		(void)count_effects(strategies[s], e,
		    (struct event){ .kind = EVENT_START, .token = 1 });
		assert_int_equal(count_effects(strategies[s], e,
				     (struct event){ .kind = EVENT_MESSAGE,
					 .member = 1,
					 .body = bytes_of(request,
					     sizeof(request)) }),
		    0);
		strategies[s]->status(e, &status);
		assert_int_equal(status.pending_requests, 0);
		free(memory);
	}
}

/* Nobody but it could have been told something else. */
static void
a_lone_member_without_a_horizon_goes_on_only_if_it_is_new(void **state)
{
	void *memory;
	struct engine *e = engine_of(&strategy_pbft, 1, &memory);
	struct horizon unknown = { .memory = HORIZON_UNKNOWN };
	struct engine_status status;

	(void)state;
	(void)count_effects(&strategy_pbft, e,
	    (struct event){ .kind = EVENT_START,
		.token = 1,
		.horizon = &unknown });
	strategy_pbft.status(e, &status);
	assert_false(status.is_rejoining);
	free(memory);
	e = engine_of(&strategy_pbft, 1, &memory);
	(void)count_effects(&strategy_pbft, e,
	    (struct event){ .kind = EVENT_START, .seq = 7, .token = 1 });
	assert_int_equal(effects.list[effects.count - 1].kind, EFFECT_FATAL);
	free(memory);
}

static void
every_kind_of_record_has_a_name(void **state)
{
	uint64_t kind;

	(void)state;
	for (kind = RECORD_PROPOSAL; kind <= RECORD_BASE; kind++)
		assert_string_not_equal(record_kind_name(
					    (enum record_kind)kind),
		    "unknown");
	assert_string_equal(record_kind_name((enum record_kind)99), "unknown");
}

static void
thirty_two_members_are_as_many_as_there_can_be(void **state)
{
	void *memory;
	struct engine *e = engine_of(&strategy_pbft, 32, &memory);
	struct engine_status status;
	size_t i;

	(void)state;
	(void)count_effects(&strategy_pbft, e,
	    (struct event){ .kind = EVENT_START, .token = 1 });
	for (i = 0; i < effects.count; i++)
		if (effects.list[i].kind == EFFECT_SEND)
			assert_int_equal(effects.list[i].members,
			    UINT32_MAX & ~1U);
	strategy_pbft.status(e, &status);
	assert_int_equal(status.primary, 0);
	free(memory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_configuration_out_of_bounds_makes_no_engine),
		cmocka_unit_test(before_it_has_started_an_engine_says_nothing),
		cmocka_unit_test(
		    what_is_cut_short_or_from_nobody_changes_nothing),
		cmocka_unit_test(the_last_of_all_terms_is_nobodys),
		cmocka_unit_test(what_is_not_in_the_log_has_no_round),
		cmocka_unit_test(an_engine_that_has_failed_does_nothing_more),
		cmocka_unit_test(
		    a_state_is_put_in_place_with_its_own_certificate_only),
		cmocka_unit_test(a_state_older_than_ours_is_not_put_in_place),
		cmocka_unit_test(a_state_that_is_the_last_ends_the_epoch),
		cmocka_unit_test(a_log_that_lacks_its_checkpoint_is_refused),
		cmocka_unit_test(
		    an_older_checkpoint_or_entry_in_the_log_changes_nothing),
		cmocka_unit_test(nobody_asks_for_view_0_says_the_log),
		cmocka_unit_test(a_request_of_no_bytes_is_none),
		cmocka_unit_test(
		    a_lone_member_without_a_horizon_goes_on_only_if_it_is_new),
		cmocka_unit_test(every_kind_of_record_has_a_name),
		cmocka_unit_test(
		    thirty_two_members_are_as_many_as_there_can_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
