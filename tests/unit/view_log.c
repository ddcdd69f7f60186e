/*
 * The log of views: who asked, why, and for how long nothing was executed.
 */
#include "node/view_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "trust/request.h"

static struct view_log_time
at(uint64_t mono_us)
{
	return (struct view_log_time){ mono_us, 1000 + mono_us / 1000 };
}

static void
asked(struct view_log *log, uint64_t view, uint32_t primary, const char *why,
    uint64_t since_us, struct view_log_time now)
{
	const struct effect effect = { .kind = EFFECT_VIEW,
		.view = view,
		.member = primary,
		.is_changing = true,
		.text = why,
		.since_us = since_us };

	view_log_asked(log, &effect, "", now);
}

static struct node_view
newest_of(const struct view_log *log)
{
	struct node_view view;

	assert_int_equal(view_log_list(log, &view, 1), 1);
	return view;
}

static void
a_view_that_was_there_before_the_start_has_no_times(void **state)
{
	struct view_log log = { 0 };
	struct node_view view;

	(void)state;
	assert_int_equal(view_log_list(&log, &view, 1), 0);
	assert_int_equal(view_log_since_ms(&log), 0);
	view_log_entered(&log, 3, 1, 0xe, 0);
	view_log_executed(&log, 500);
	view = newest_of(&log);
	assert_int_equal(view.view, 3);
	assert_int_equal(view.primary, 1);
	assert_int_equal(view.askers, 0xe);
	assert_false(view.is_changing);
	assert_null(view.why);
	assert_int_equal(view.began_ms, 0);
	assert_int_equal(view.stopped_us, 0);
}

static void
service_stops_at_the_last_batch_when_something_waited_before_it(void **state)
{
	struct view_log log = { 0 };
	struct node_view view;

	(void)state;
	view_log_entered(&log, 0, 0, 0, 0);
	view_log_executed(&log, 5000);
	asked(&log, 1, 1, "timer", 4000, at(9000));
	view = newest_of(&log);
	assert_true(view.is_changing);
	assert_string_equal(view.why, "timer");
	assert_int_equal(view.asked_ms, 1009);
	assert_int_equal(view_log_since_ms(&log), 1009);
	view_log_entered(&log, 1, 1, 0x7, 1010);
	assert_int_equal(newest_of(&log).stopped_us, 0);
	view_log_executed(&log, 11000);
	view = newest_of(&log);
	assert_int_equal(view.stopped_us, 6000);
	assert_int_equal(view.askers, 0x7);
	assert_int_equal(view.began_ms, 1010);
	assert_int_equal(view_log_since_ms(&log), 1010);
	/* It goes on: that changes nothing. */
	view_log_executed(&log, 20000);
	assert_int_equal(newest_of(&log).stopped_us, 6000);
	assert_int_equal(log.count, 2);
}

static void
an_idle_cluster_has_not_stopped_before_something_waits(void **state)
{
	struct view_log log = { 0 };

	(void)state;
	view_log_executed(&log, 5000);
	asked(&log, 1, 1, "timer", 800000, at(900000));
	view_log_entered(&log, 1, 1, 0x7, 1900);
	view_log_executed(&log, 1000000);
	assert_int_equal(newest_of(&log).stopped_us, 200000);
}

static void
who_joins_with_nothing_waiting_counts_from_then(void **state)
{
	struct view_log log = { 0 };

	(void)state;
	view_log_executed(&log, 5000);
	asked(&log, 1, 1, "joined", UINT64_MAX, at(7000));
	view_log_entered(&log, 1, 1, 0x7, 1009);
	view_log_executed(&log, 9000);
	assert_int_equal(newest_of(&log).stopped_us, 2000);
}

static void
a_view_that_was_asked_for_and_passed_over_stays_listed(void **state)
{
	struct node_view views[4];
	struct view_log log = { 0 };

	(void)state;
	view_log_executed(&log, 1000);
	asked(&log, 1, 1, "timer", 1500, at(2000));
	asked(&log, 2, 2, "again", 1500, at(3000));
	view_log_entered(&log, 2, 2, 0xd, 1004);
	view_log_executed(&log, 5000);
	assert_int_equal(view_log_list(&log, views, 4), 2);
	assert_int_equal(views[0].view, 2);
	assert_string_equal(views[0].why, "again");
	assert_int_equal(views[0].stopped_us, 3500);
	assert_int_equal(views[1].view, 1);
	assert_true(views[1].is_changing);
	assert_int_equal(views[1].stopped_us, 0);
}

static void
only_the_newest_views_are_kept(void **state)
{
	struct node_view views[VIEW_LOG_KEPT + 1];
	struct view_log log = { 0 };
	uint64_t i;

	(void)state;
	for (i = 0; i < VIEW_LOG_KEPT + 3; i++)
		view_log_entered(&log, i, 0, 0, 1);
	assert_int_equal(view_log_list(&log, views, VIEW_LOG_KEPT + 1),
	    VIEW_LOG_KEPT);
	assert_int_equal(views[0].view, VIEW_LOG_KEPT + 2);
	assert_int_equal(views[VIEW_LOG_KEPT - 1].view, 3);
}

static void
a_slow_primary_is_told_of_with_what_it_gave_and_what_was_expected(void **state)
{
	const struct effect effect = { .kind = EFFECT_VIEW,
		.view = 1,
		.is_changing = true,
		.text = "slow",
		.since_us = UINT64_MAX,
		.measured = 71250,
		.expected = 3012000 };
	char detail[NODE_VIEW_DETAIL_BYTES];
	struct view_log log = { 0 };

	(void)state;
	view_log_explain(detail, &effect);
	assert_string_equal(detail, "71.2 requests/s of 3012.0");
	view_log_asked(&log, &effect, detail, at(9000));
	assert_string_equal(newest_of(&log).why, "slow");
	assert_string_equal(newest_of(&log).detail, detail);
}

static void
no_signature(void *ctx, struct bytes message,
    uint8_t signature[static SIGNATURE_BYTES])
{
	(void)ctx;
	(void)message;
	memset(signature, 0, SIGNATURE_BYTES);
}

static void
an_unfair_primary_is_told_of_with_the_request_and_how_long_it_waited(
    void **state)
{
	const struct authority authority = { .sign = no_signature };
	const struct trust_scope scope = { .epoch = 0 };
	const struct request_signer signer = { .principal = { 0xab, 1 },
		.scope = &scope,
		.authority = &authority };
	const struct bytes operation = bytes_of("\0", 1);
	struct effect effect = { .kind = EFFECT_VIEW,
		.is_changing = true,
		.text = "unfair",
		.measured = 812345,
		.expected = 20500 };
	char detail[NODE_VIEW_DETAIL_BYTES];
	uint8_t raw[256];
	struct encoder e;

	(void)state;
	encoder_init(&e, raw, sizeof(raw));
	request_encode(&e, &signer, 17, 0, &operation, 1);
	assert_int_equal(encoder_finish(&e, &effect.body), AG_OK);
	view_log_explain(detail, &effect);
	assert_string_equal(detail, "ab010000*.17 812 ms, others 20 ms");
	/* It may be something else that waited so long. */
	effect.body = bytes_of(NULL, 0);
	view_log_explain(detail, &effect);
	assert_string_equal(detail, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_slow_primary_is_told_of_with_what_it_gave_and_what_was_expected),
		cmocka_unit_test(
		    an_unfair_primary_is_told_of_with_the_request_and_how_long_it_waited),
		cmocka_unit_test(
		    a_view_that_was_there_before_the_start_has_no_times),
		cmocka_unit_test(
		    service_stops_at_the_last_batch_when_something_waited_before_it),
		cmocka_unit_test(
		    an_idle_cluster_has_not_stopped_before_something_waits),
		cmocka_unit_test(
		    who_joins_with_nothing_waiting_counts_from_then),
		cmocka_unit_test(
		    a_view_that_was_asked_for_and_passed_over_stays_listed),
		cmocka_unit_test(only_the_newest_views_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
