/*
 * Requests of a node's own callers: numbers, envelopes and when they expire.
 */
#include "node/requests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "event/loop.h"
#include "fixture/directory.h"

#define PATIENCE_MS 5000
#define HOUR_MS UINT64_C(3600000)

struct spec {
	char dir[DIRECTORY_PATH_BYTES];
	struct loop *loop;
	struct metric_set *metrics;
	struct requests *requests;
	struct trust_scope scope;
	struct request_signer signer;
};

static void
sign_nothing(void *ctx, struct bytes message,
    uint8_t signature[static SIGNATURE_BYTES])
{
	(void)ctx;
	(void)message;
	memset(signature, 0, SIGNATURE_BYTES);
}

static const struct authority authority = { .sign = sign_nothing };

static void
on_done(void *arg, enum ag_status status, const struct result *result)
{
	(void)arg;
	(void)status;
	(void)result;
}

static void
request(struct spec *s, uint32_t timeout_ms)
{
	struct node_request_id id;

	assert_int_equal(requests_add(s->requests, bytes_from_text("put"),
			     timeout_ms, on_done, NULL, &id),
	    AG_OK);
}

static void
on_end(void *arg, enum ag_status status, const struct result *result)
{
	unsigned *ended = arg;

	assert_int_equal(status, AG_ENOQUORUM);
	assert_null(result);
	(*ended)++;
}

/* When the next envelope expires. */
static uint64_t
expiry_ms(struct spec *s)
{
	struct envelope envelope;
	struct bytes raw;

	assert_int_equal(requests_envelope(s->requests, &raw), AG_OK);
	assert_int_equal(envelope_decode(&envelope, raw, NULL), AG_OK);
	return envelope.expiry_ms;
}

static int
set_up(void **state)
{
	static struct spec s;
	struct ag_error err;

	s = (struct spec){ .signer = { .authority = &authority } };
	s.signer.scope = &s.scope;
	*state = &s;
	if (directory_make(s.dir) == -1 || loop_new(&s.loop, &err) != AG_OK)
		return -1;
	s.metrics = metric_set_new();
	return s.metrics != NULL &&
		requests_open(&s.requests, s.dir, 1, s.loop, &s.signer, 65536,
		    PATIENCE_MS, s.metrics, &err) == AG_OK
	    ? 0
	    : -1;
}

static int
tear_down(void **state)
{
	struct spec *s = *state;

	requests_close(s->requests);
	loop_free(s->loop);
	metric_set_free(s->metrics);
	return directory_remove(s->dir);
}

static void
an_envelope_expires_with_the_most_patient_of_its_callers(void **state)
{
	const uint64_t before_ms = clock_wall_ms();
	uint64_t expiry;

	request(*state, 1000);
	request(*state, 60000);
	request(*state, 2000);
	expiry = expiry_ms(*state);
	assert_true(expiry + 1 >= before_ms + 60000 + PATIENCE_MS);
	assert_true(expiry <= clock_wall_ms() + 60000 + PATIENCE_MS);
}

static void
who_waits_no_longer_lets_the_next_expire_sooner(void **state)
{
	request(*state, 60000);
	(void)expiry_ms(*state);
	request(*state, 1000);
	assert_true(expiry_ms(*state) <= clock_wall_ms() + 1000 + PATIENCE_MS);
}

/* Or nothing would come of what a node asks whose clock is behind. */
static void
an_agreed_time_ahead_of_our_clock_is_what_counts(void **state)
{
	struct spec *s = *state;
	const uint64_t agreed_ms = clock_wall_ms() + HOUR_MS;

	requests_set_time(s->requests, agreed_ms);
	request(s, 1000);
	assert_true(expiry_ms(s) + 1 >= agreed_ms + 1000 + PATIENCE_MS);
}

static void
an_agreed_time_long_ago_says_nothing(void **state)
{
	struct spec *s = *state;
	const uint64_t before_ms = clock_wall_ms();

	requests_set_time(s->requests, before_ms - HOUR_MS);
	request(s, 1000);
	assert_true(expiry_ms(s) + 1 >= before_ms + 1000 + PATIENCE_MS);
}

static void
nothing_happened_to_what_the_last_epoch_has_not_executed(void **state)
{
	struct spec *s = *state;
	struct node_request_id id;
	struct bytes envelope;
	unsigned ended = 0;

	assert_int_equal(requests_add(s->requests, bytes_from_text("sent"),
			     60000, on_end, &ended, &id),
	    AG_OK);
	assert_int_equal(requests_envelope(s->requests, &envelope), AG_OK);
	assert_int_equal(requests_add(s->requests, bytes_from_text("waiting"),
			     60000, on_end, &ended, &id),
	    AG_OK);
	requests_abandon(s->requests);
	assert_int_equal(ended, 2);
	assert_int_equal(requests_waiting(s->requests), 0);
	assert_int_equal(requests_envelope(s->requests, &envelope), AG_EAGAIN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    an_envelope_expires_with_the_most_patient_of_its_callers,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    who_waits_no_longer_lets_the_next_expire_sooner, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    an_agreed_time_ahead_of_our_clock_is_what_counts, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    an_agreed_time_long_ago_says_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    nothing_happened_to_what_the_last_epoch_has_not_executed,
		    set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
