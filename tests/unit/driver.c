/*
 * The driver, around an engine that does as it is told.
 */
#include "node/driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "event/loop.h"
#include "fixture/directory.h"
#include "store/wal.h"

#define DELIVERED_MAX 16

/* What the engine asks for in its next step. */
struct engine {
	struct effect plan[4];
	size_t count;
};

struct spec {
	char dir[DIRECTORY_PATH_BYTES];
	char horizon[DIRECTORY_PATH_BYTES + 16];
	struct loop *loop;
	struct driver *driver;
	struct roster roster;
	uint64_t delivered[DELIVERED_MAX];
	size_t delivered_count;
	size_t sent;
	unsigned int muted;
};

static struct engine *engine;

static size_t
fake_size(const struct engine_config *config)
{
	(void)config;
	return sizeof(struct engine);
}

static struct engine *
fake_init(void *memory, size_t len, const struct engine_config *config)
{
	(void)len;
	(void)config;
	engine = memory;
	return engine;
}

/* The next step signs something, and its key is away. */
static bool will_fail, cannot_sign;

static void
fake_step(struct engine *e, const struct event *event, struct effects *effects)
{
	(void)event;
	memcpy(effects->list, e->plan, e->count * sizeof(e->plan[0]));
	effects->count = e->count;
	e->count = 0;
	cannot_sign = cannot_sign || will_fail;
}

static bool
on_cannot_sign(void *arg)
{
	(void)arg;
	return cannot_sign;
}

static void
on_muted(void *arg)
{
	((struct spec *)arg)->muted++;
}

static void
fake_status(const struct engine *e, struct engine_status *status)
{
	(void)e;
	*status = (struct engine_status){ 0 };
}

static enum ag_status
fake_round(const struct engine *e, uint64_t seq, struct engine_round *round)
{
	(void)e;
	(void)seq;
	(void)round;
	return AG_ENOENT;
}

static const struct strategy fake_strategy = {
	.name = "fake",
	.size = fake_size,
	.init = fake_init,
	.step = fake_step,
	.status = fake_status,
	.round = fake_round,
};

static void
plan(struct effect effect)
{
	effect.body = bytes_from_text("body");
	engine->plan[engine->count++] = effect;
}

static void
on_deliver(void *arg, uint64_t seq, bool is_checkpoint, struct bytes batch)
{
	struct spec *s = arg;

	(void)is_checkpoint;
	(void)batch;
	assert_true(s->delivered_count < DELIVERED_MAX);
	s->delivered[s->delivered_count++] = seq;
}

static void
on_send(void *arg, uint32_t members, struct bytes body)
{
	(void)members;
	(void)body;
	((struct spec *)arg)->sent++;
}

static void
on_stable(void *arg, uint64_t seq, struct bytes certificate)
{
	(void)arg;
	(void)seq;
	(void)certificate;
}

static void
on_execute(void *arg, bool is_idle)
{
	(void)arg;
	(void)is_idle;
}

static void
on_flush(void *arg)
{
	(void)arg;
}

static enum ag_status
on_envelope(void *arg, struct bytes *envelope)
{
	(void)arg;
	(void)envelope;
	return AG_EAGAIN;
}

static int
set_up(void **state)
{
	static struct spec s;
	const struct node_config node = { .checkpoint_interval = 8,
		.view_timeout_ms = 1000 };
	const struct driver_callbacks callbacks = { .arg = &s,
		.deliver = on_deliver,
		.send = on_send,
		.stable = on_stable,
		.flush = on_flush,
		.execute = on_execute,
		.envelope = on_envelope,
		.cannot_sign = on_cannot_sign,
		.muted = on_muted };
	const struct digest digest = { { 0 } };
	struct driver_config config = { .node = &node,
		.roster = &s.roster,
		.strategy = &fake_strategy };
	struct ag_error err;

	s = (struct spec){ .roster = { .member_count = 4 } };
	*state = &s;
	will_fail = cannot_sign = false;
	if (directory_make(s.dir) == -1 || loop_new(&s.loop, &err) != AG_OK)
		return -1;
	config.loop = s.loop;
	config.log_dir = s.dir;
	(void)snprintf(s.horizon, sizeof(s.horizon), "%s/horizon", s.dir);
	config.horizon_path = s.horizon;
	if (driver_open(&s.driver, &config, &callbacks, 0, &digest, &err) !=
	    AG_OK)
		return -1;
	driver_start(s.driver);
	return 0;
}

static int
tear_down(void **state)
{
	struct spec *s = *state;

	driver_close(s->driver);
	loop_free(s->loop);
	return directory_remove(s->dir);
}

/* Let the loop turn until what waited for the log has left. */
static void
turn(void *arg)
{
	struct spec *s = arg;

	if (s->sent == 0)
		assert_int_equal(loop_post(s->loop, turn, s), AG_OK);
	else
		loop_stop(s->loop);
}

static void
message(struct spec *s)
{
	driver_message(s->driver, 1, bytes_from_text("x"));
}

static void
batches_do_not_wait_behind_a_send_that_waits_for_the_log(void **state)
{
	struct spec *s = *state;

	plan((struct effect){ .kind = EFFECT_PERSIST, .token = 1 });
	plan((struct effect){ .kind = EFFECT_SEND, .members = 2, .after = 1 });
	plan((struct effect){ .kind = EFFECT_DELIVER, .seq = 1 });
	message(s);
	assert_int_equal(s->sent, 0);
	assert_int_equal(s->delivered_count, 1);
	turn(s);
	loop_run(s->loop);
	assert_int_equal(s->sent, 1);
	assert_int_equal(s->delivered_count, 1);
}

static void
a_batch_that_waits_for_the_log_holds_those_after_it(void **state)
{
	struct spec *s = *state;

	plan((struct effect){ .kind = EFFECT_PERSIST, .token = 1 });
	plan((struct effect){ .kind = EFFECT_SEND, .members = 2, .after = 1 });
	plan((struct effect){ .kind = EFFECT_DELIVER, .seq = 1, .after = 1 });
	plan((struct effect){ .kind = EFFECT_DELIVER, .seq = 2 });
	message(s);
	assert_int_equal(s->delivered_count, 0);
	turn(s);
	loop_run(s->loop);
	assert_int_equal(s->delivered_count, 2);
	assert_int_equal(s->delivered[0], 1);
	assert_int_equal(s->delivered[1], 2);
}

static void
a_prompt_send_passes_those_that_wait_and_others_do_not(void **state)
{
	struct spec *s = *state;

	plan((struct effect){ .kind = EFFECT_PERSIST, .token = 1 });
	plan((struct effect){ .kind = EFFECT_SEND, .members = 2, .after = 1 });
	plan((struct effect){ .kind = EFFECT_SEND, .members = 2 });
	message(s);
	assert_int_equal(s->sent, 0);
	plan((struct effect){ .kind = EFFECT_SEND,
	    .members = 2,
	    .is_prompt = true });
	message(s);
	assert_int_equal(s->sent, 1);
	s->sent = 0;
	turn(s);
	loop_run(s->loop);
	assert_int_equal(s->sent, 2);
}

/* Executing them would stop the node: the state has them already. */
static void
batches_that_wait_are_dropped_when_a_state_has_them(void **state)
{
	struct spec *s = *state;
	const struct digest digest = { { 0 } };

	plan((struct effect){ .kind = EFFECT_PERSIST, .token = 1 });
	plan((struct effect){ .kind = EFFECT_SEND, .members = 2, .after = 1 });
	plan((struct effect){ .kind = EFFECT_DELIVER, .seq = 4, .after = 1 });
	plan((struct effect){ .kind = EFFECT_DELIVER, .seq = 5, .after = 1 });
	message(s);
	plan((struct effect){ .kind = EFFECT_DELIVER, .seq = 6 });
	driver_installed(s->driver, 5, false, &digest, bytes_of(NULL, 0));
	turn(s);
	loop_run(s->loop);
	assert_int_equal(s->sent, 1);
	assert_int_equal(s->delivered_count, 1);
	assert_int_equal(s->delivered[0], 6);
}

/* A segment of the log and more, all of one sequence. */
static void
fill_log(struct spec *s, uint64_t tokens)
{
	static uint8_t large[WAL_RECORD_BYTES_MAX];
	uint64_t token;

	for (token = 1; token <= tokens; token++) {
		plan((struct effect){ .kind = EFFECT_PERSIST,
		    .token = token,
		    .seq = 1 });
		engine->plan[0].body = bytes_of(large, sizeof(large));
		plan((struct effect){ .kind = EFFECT_SEND,
		    .members = 2,
		    .after = token });
		message(s);
		turn(s);
		loop_run(s->loop);
		s->sent = 0;
	}
}

static void
nothing_goes_before_its_checkpoint_is_durable(void **state)
{
	struct spec *s = *state;

	fill_log(s, 8);
	plan((struct effect){ .kind = EFFECT_PERSIST, .token = 9 });
	plan((struct effect){ .kind = EFFECT_STABLE, .seq = 2, .token = 9 });
	plan((struct effect){ .kind = EFFECT_SEND, .members = 2, .after = 9 });
	message(s);
	driver_synced(s->driver, 2, false);
	assert_int_equal(driver_find_record(s->driver, 1), 1);
	turn(s);
	loop_run(s->loop);
	/* Nor before the state is that it speaks of. */
	driver_synced(s->driver, 1, false);
	assert_int_equal(driver_find_record(s->driver, 1), 1);
	driver_synced(s->driver, 2, false);
	assert_int_equal(driver_find_record(s->driver, 1), 0);
}

static void
a_step_in_which_a_signature_failed_has_no_effects(void **state)
{
	struct spec *s = *state;

	plan((struct effect){ .kind = EFFECT_SEND, .members = 2 });
	message(s);
	assert_int_equal(s->sent, 1);
	will_fail = true;
	plan((struct effect){ .kind = EFFECT_PERSIST, .token = 1 });
	plan((struct effect){ .kind = EFFECT_SEND, .members = 2 });
	plan((struct effect){ .kind = EFFECT_DELIVER, .seq = 1 });
	message(s);
	assert_int_equal(s->muted, 1);
	assert_int_equal(s->sent, 1);
	assert_int_equal(s->delivered_count, 0);
	assert_int_equal(driver_find_record(s->driver, 1), 0);
}

static void
nothing_is_stepped_or_sent_once_a_signature_has_failed(void **state)
{
	struct spec *s = *state;

	plan((struct effect){ .kind = EFFECT_PERSIST, .token = 1 });
	plan((struct effect){ .kind = EFFECT_SEND, .members = 2, .after = 1 });
	message(s);
	/* Also when it was another's, on another thread. */
	cannot_sign = true;
	plan((struct effect){ .kind = EFFECT_SEND, .members = 2 });
	message(s);
	assert_int_equal(s->muted, 1);
	/* And for good: what comes back begins with the log. */
	cannot_sign = false;
	message(s);
	assert_int_equal(s->muted, 1);
	assert_int_equal(s->sent, 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(batches_do_not_wait_behind_a_send_that_waits_for_the_log),
		TEST(a_batch_that_waits_for_the_log_holds_those_after_it),
		TEST(a_prompt_send_passes_those_that_wait_and_others_do_not),
		TEST(batches_that_wait_are_dropped_when_a_state_has_them),
		TEST(nothing_goes_before_its_checkpoint_is_durable),
		TEST(a_step_in_which_a_signature_failed_has_no_effects),
		TEST(nothing_is_stepped_or_sent_once_a_signature_has_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
