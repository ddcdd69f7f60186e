/*
 * What the monitor promises: exposition a scraper can read, figures of the
 * process, alerts with since-times, and a log that never drops silently.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/version.h"
#include "monitor/alert.h"
#include "monitor/exposition.h"
#include "monitor/log_sink.h"
#include "monitor/process.h"

static void
assert_has(const struct buf *b, const char *text)
{
	if (b->len == 0 || memmem(b->data, b->len, text, strlen(text)) == NULL)
		fail_msg("no \"%s\" in:\n%.*s", text, (int)b->len,
		    (const char *)b->data);
}

static size_t
count_of(const struct buf *b, const char *text)
{
	const uint8_t *at = b->data;
	size_t count = 0;

	while ((at = memmem(at, b->len - (size_t)(at - b->data), text,
		    strlen(text))) != NULL) {
		count++;
		at += strlen(text);
	}
	return count;
}

static void
full_buffer_refuses_instead_of_growing(void **state)
{
	struct metric_set *set = metric_set_new();
	struct buf out;

	(void)state;
	(void)metric_new(set, METRIC_GAUGE, "aegis_x", "X", NULL);
	buf_init(&out, 8);
	assert_int_equal(exposition_write(&out, set), AG_ELIMIT);
	buf_fini(&out);
	metric_set_free(set);
}

static void
family_of_labelled_cells_has_one_head(void **state)
{
	struct metric_set *set = metric_set_new();
	struct buf out;

	(void)state;
	metric_add(metric_new(set, METRIC_COUNTER, "aegis_a_total", "A",
		       "peer=\"n1\""),
	    3);
	(void)metric_new(set, METRIC_GAUGE, "aegis_b", "B", NULL);
	metric_add(metric_new(set, METRIC_COUNTER, "aegis_a_total", "A",
		       "peer=\"n2\""),
	    4);
	buf_init(&out, 65536);
	assert_int_equal(exposition_write(&out, set), AG_OK);
	assert_int_equal(count_of(&out, "# TYPE aegis_a_total counter\n"), 1);
	assert_has(&out, "aegis_a_total{peer=\"n1\"} 3\n");
	assert_has(&out, "aegis_a_total{peer=\"n2\"} 4\n");
	assert_has(&out, "# HELP aegis_b B\n# TYPE aegis_b gauge\naegis_b 0\n");
	buf_fini(&out);
	metric_set_free(set);
}

static void
histogram_is_cumulative_and_in_seconds(void **state)
{
	struct metric_set *set = metric_set_new();
	struct metric *m;
	struct buf out;

	(void)state;
	m = metric_new(set, METRIC_HISTOGRAM, "aegis_t_seconds", "T", NULL);
	metric_observe_us(m, 16);
	metric_observe_us(m, 17);
	metric_observe_us(m, 1500000);
	buf_init(&out, 65536);
	assert_int_equal(exposition_write(&out, set), AG_OK);
	assert_has(&out, "aegis_t_seconds_bucket{le=\"0.000016\"} 1\n");
	assert_has(&out, "aegis_t_seconds_bucket{le=\"0.000032\"} 2\n");
	assert_has(&out, "aegis_t_seconds_bucket{le=\"+Inf\"} 3\n");
	assert_has(&out, "aegis_t_seconds_sum 1.500033\n");
	assert_has(&out, "aegis_t_seconds_count 3\n");
	buf_fini(&out);
	metric_set_free(set);
}

static void
process_families_are_the_standard_ones(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 65536);
	assert_int_equal(process_write_metrics(&out), AG_OK);
	assert_has(&out, "# TYPE process_cpu_seconds_total counter\n");
	assert_has(&out, "\nprocess_resident_memory_bytes ");
	assert_has(&out, "\nprocess_start_time_seconds 1");
	assert_has(&out, "aegis_build_info{version=\"");
	assert_has(&out, version_text());
	buf_fini(&out);
}

static void
process_knows_its_own_size(void **state)
{
	struct process_usage usage;
	struct ag_error err;

	(void)state;
	assert_int_equal(process_usage_get(&usage, &err), AG_OK);
	assert_true(usage.resident_bytes > 100 * 1024);
	assert_true(usage.virtual_bytes >= usage.resident_bytes);
	assert_true(usage.open_fds >= 3);
	assert_true(usage.max_fds >= usage.open_fds);
	assert_int_equal(usage.threads, 1);
	assert_true(usage.start_ms > 1600000000000U);
}

static struct alert_picture
healthy_four(void)
{
	struct alert_picture p = { .member_count = 4,
		.faults = 1,
		.quorum = 3 };
	uint32_t i;

	for (i = 0; i < 4; i++)
		(void)snprintf(p.members[i].name, ALERT_NAME_BYTES, "n%u",
		    i + 1);
	return p;
}

static void
healthy_cluster_raises_nothing(void **state)
{
	struct alert_picture p = healthy_four();
	static struct alert_list list;

	(void)state;
	alert_judge(&list, &list, &p, 1000);
	assert_int_equal(list.count, 0);
}

static void
alert_keeps_its_since_time_while_it_holds(void **state)
{
	struct alert_picture p = healthy_four();
	static struct alert_list list;

	(void)state;
	p.missing = 1;
	p.members[3].is_silent = true;
	p.members[3].silent_ms = 5000;
	alert_judge(&list, &list, &p, 100000);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.alerts[0].kind, ALERT_FAULT_MARGIN_ZERO);
	assert_int_equal(list.alerts[1].kind, ALERT_REPLICA_SILENT);
	assert_string_equal(list.alerts[1].node, "n4");
	assert_int_equal(list.alerts[1].since_ms, 95000);
	p.members[3].silent_ms = 15000;
	alert_judge(&list, &list, &p, 110000);
	assert_int_equal(list.alerts[0].since_ms, 100000);
	assert_int_equal(list.alerts[1].since_ms, 95000);
	assert_string_equal(list.alerts[1].text,
	    "n4 has not been heard for 15 s");
}

static void
no_quorum_takes_the_place_of_a_zero_margin(void **state)
{
	struct alert_picture p = healthy_four();
	static struct alert_list list;

	(void)state;
	p.missing = 2;
	alert_judge(&list, &list, &p, 1);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.alerts[0].kind, ALERT_NO_QUORUM);
	assert_string_equal(alert_severity(list.alerts[0].kind), "CRIT");
	assert_string_equal(list.alerts[0].text,
	    "2 of 4 members take part and 3 are needed: "
	    "writes cannot succeed");
}

static void
view_change_alerts_only_when_it_lasts(void **state)
{
	struct alert_picture p = healthy_four();
	static struct alert_list list;

	(void)state;
	p.is_changing_view = true;
	p.view_since_ms = 5000;
	alert_judge(&list, &list, &p, 6999);
	assert_int_equal(list.count, 0);
	alert_judge(&list, &list, &p, 7000);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.alerts[0].since_ms, 5000);
}

static void
clock_that_differs_alerts_for_a_minute(void **state)
{
	struct alert_picture p = healthy_four();
	static struct alert_list list;

	(void)state;
	p.was_clock_refused = true;
	p.clock_refused_ms = 2000;
	p.clock_ahead_ms = -3600000;
	(void)snprintf(p.clock_member, sizeof(p.clock_member), "n1");
	alert_judge(&list, &list, &p, 100000);
	assert_int_equal(list.count, 1);
	assert_string_equal(alert_name(list.alerts[0].kind), "clock_differs");
	assert_string_equal(list.alerts[0].node, "n1");
	assert_int_equal(list.alerts[0].since_ms, 98000);
	assert_non_null(strstr(list.alerts[0].text, "n1, 3600 s behind this"));
	p.clock_refused_ms = 61000;
	alert_judge(&list, &list, &p, 159000);
	assert_int_equal(list.count, 0);
}

static void
evidence_alerts_beside_whatever_else_a_member_does(void **state)
{
	struct alert_picture p = healthy_four();
	static struct alert_list list;

	(void)state;
	p.members[3].evidence = 2;
	p.members[3].evidence_first_ms = 4000;
	p.is_starting = true;
	alert_judge(&list, &list, &p, 9000);
	assert_int_equal(list.count, 1);
	assert_string_equal(alert_name(list.alerts[0].kind), "evidence");
	assert_string_equal(alert_severity(list.alerts[0].kind), "CRIT");
	assert_int_equal(list.alerts[0].since_ms, 4000);
	assert_non_null(strstr(list.alerts[0].text, "2 proved"));
	p.is_starting = false;
	p.members[3].is_silent = true;
	alert_judge(&list, &list, &p, 10000);
	assert_int_equal(list.count, 2);
	p.members[3].evidence = 0;
	alert_judge(&list, &list, &p, 11000);
	assert_int_equal(list.count, 1);
	assert_string_equal(alert_name(list.alerts[0].kind), "replica_silent");
}

static void
a_member_that_gives_no_votes_alerts_also_at_itself(void **state)
{
	struct alert_picture p = healthy_four();
	static struct alert_list list;

	(void)state;
	p.is_starting = true;
	p.members[0].is_rejoining = true;
	p.members[0].rejoin_seq = 4711;
	alert_judge(&list, &list, &p, 9000);
	assert_int_equal(list.count, 1);
	assert_string_equal(alert_name(list.alerts[0].kind), "rejoining");
	assert_string_equal(alert_severity(list.alerts[0].kind), "WARN");
	assert_non_null(strstr(list.alerts[0].text, "sequence 4711"));
	p.members[0].rejoin_seq = 0;
	alert_judge(&list, &list, &p, 9500);
	assert_int_equal(list.alerts[0].since_ms, 9000);
	p.members[0].is_rejoining = false;
	alert_judge(&list, &list, &p, 9900);
	assert_int_equal(list.count, 0);
}

static void
a_node_without_its_key_says_so_and_judges_nobody(void **state)
{
	struct alert_picture p = healthy_four();
	static struct alert_list list;

	(void)state;
	p.self = "n1";
	p.key_reason = "the token was removed";
	p.missing = 4;
	p.members[3].is_silent = true;
	alert_judge(&list, &list, &p, 9000);
	assert_int_equal(list.count, 1);
	assert_string_equal(alert_name(list.alerts[0].kind), "key_away");
	assert_string_equal(alert_severity(list.alerts[0].kind), "CRIT");
	assert_string_equal(list.alerts[0].node, "n1");
	assert_non_null(strstr(list.alerts[0].text, "the token was removed"));
	p.key_reason = "";
	p.missing = 0;
	p.members[3].is_silent = false;
	alert_judge(&list, &list, &p, 9900);
	assert_int_equal(list.count, 0);
}

static void
an_open_request_alerts_until_it_is_gone(void **state)
{
	struct alert_picture p = healthy_four();
	static struct alert_list list;

	(void)state;
	p.is_starting = true;
	p.open_requests = 1;
	alert_judge(&list, &list, &p, 9000);
	assert_int_equal(list.count, 1);
	assert_string_equal(alert_name(list.alerts[0].kind), "escrow_request");
	assert_string_equal(alert_severity(list.alerts[0].kind), "CRIT");
	assert_non_null(strstr(list.alerts[0].text, "1 open"));
	p.open_requests = 2;
	alert_judge(&list, &list, &p, 9500);
	assert_int_equal(list.alerts[0].since_ms, 9000);
	assert_non_null(strstr(list.alerts[0].text, "2 open"));
	p.open_requests = 0;
	alert_judge(&list, &list, &p, 9900);
	assert_int_equal(list.count, 0);
}

static void
what_keeps_a_key_epoch_back_alerts(void **state)
{
	const uint64_t day_ms = UINT64_C(24) * 3600 * 1000;
	struct alert_picture p = healthy_four();
	static struct alert_list list;

	(void)state;
	p.self = "n1";
	p.rotation_trouble = "key epoch 4 is agreed, and this node still "
			     "seals with 3: Read-only file system";
	p.rotation_trouble_ms = 8000;
	alert_judge(&list, &list, &p, 9000);
	assert_int_equal(list.count, 1);
	assert_string_equal(alert_name(list.alerts[0].kind), "key_rotation");
	assert_string_equal(list.alerts[0].node, "n1");
	assert_int_equal(list.alerts[0].since_ms, 8000);
	assert_non_null(strstr(list.alerts[0].text, "still seals with 3"));
	p.rotation_trouble = "";
	p.old_keys_need = "values";
	p.old_keys_ms = 9000;
	alert_judge(&list, &list, &p, 9000 + day_ms - 1);
	assert_int_equal(list.count, 0);
	alert_judge(&list, &list, &p, 9000 + day_ms);
	assert_int_equal(list.count, 1);
	/* The log is cut when it is long enough, however long that takes. */
	p.old_keys_need = "log";
	alert_judge(&list, &list, &p, 9000 + day_ms);
	assert_int_equal(list.count, 0);
	p.are_old_keys_suspect = true;
	alert_judge(&list, &list, &p, 9000 + day_ms / 100);
	assert_int_equal(list.count, 1);
}

static void
a_key_epoch_that_nothing_ends_is_overdue(void **state)
{
	const uint64_t day_ms = UINT64_C(24) * 3600 * 1000;
	struct alert_picture p = healthy_four();
	static struct alert_list list;

	(void)state;
	p.key_due_ms = 9000;
	alert_judge(&list, &list, &p, 9000 + day_ms - 1);
	assert_int_equal(list.count, 0);
	alert_judge(&list, &list, &p, 9000 + day_ms);
	assert_int_equal(list.count, 1);
	assert_string_equal(alert_name(list.alerts[0].kind), "key_overdue");
	assert_int_equal(list.alerts[0].since_ms, 9000);
}

/* As bad as it gets: nothing is left out and nothing overruns. */
static void
every_alert_at_once_fits(void **state)
{
	struct alert_picture p = { .member_count = ALERT_MEMBERS_MAX,
		.faults = 10,
		.quorum = 22,
		.missing = ALERT_MEMBERS_MAX,
		.is_changing_view = true,
		.was_clock_refused = true,
		.open_requests = 100,
		.self = "n0",
		.rotation_trouble = "it is so",
		.key_due_ms = 1 };
	static struct alert_list list;
	uint32_t i;

	(void)state;
	for (i = 0; i < ALERT_MEMBERS_MAX; i++) {
		(void)snprintf(p.members[i].name, ALERT_NAME_BYTES, "n%u", i);
		p.members[i].is_silent = true;
		p.members[i].evidence = 1;
		p.members[i].is_rejoining = true;
	}
	alert_judge(&list, &list, &p, 100000000);
	assert_int_equal(list.count, ALERTS_MAX);
}

static void
single_node_without_fault_tolerance_is_no_alert(void **state)
{
	struct alert_picture p = { .member_count = 1, .quorum = 1 };
	static struct alert_list list;

	(void)state;
	alert_judge(&list, &list, &p, 1);
	assert_int_equal(list.count, 0);
}

struct log_fixture {
	char dir[32];
	char path[48];
};

static int
make_log_dir(void **state)
{
	struct log_fixture *f = calloc(1, sizeof(*f));

	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/aegis-log-XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	(void)snprintf(f->path, sizeof(f->path), "%s/log", f->dir);
	*state = f;
	return 0;
}

static int
drop_log_dir(void **state)
{
	struct log_fixture *f = *state;
	char old[64];

	(void)snprintf(old, sizeof(old), "%s.1", f->path);
	(void)unlink(old);
	(void)unlink(f->path);
	(void)rmdir(f->dir);
	free(f);
	return 0;
}

static void
read_log(const char *path, struct buf *text)
{
	buf_init(text, 1 << 20);
	assert_int_equal(fs_read_file(path, text, NULL), AG_OK);
}

static void
refused_log_says_which_file_and_why(void **state)
{
	struct log_sink_config config = { .path = "/nowhere/log" };
	struct log_sink *sink;
	struct ag_error err;

	(void)state;
	assert_int_equal(log_sink_open(&sink, &config, &err), AG_ESYS);
	assert_null(sink);
	assert_string_equal(err.text,
	    "open log file /nowhere/log: No such file or directory");
}

static void
lines_below_the_level_are_not_written(void **state)
{
	struct log_fixture *f = *state;
	struct log_sink_config config = { .path = f->path,
		.level = LOG_LEVEL_WARN };
	struct log_sink *sink;
	struct buf text;

	assert_int_equal(log_sink_open(&sink, &config, NULL), AG_OK);
	log_info("net", "quiet");
	log_warn("net", "loud", LOG_TEXT("peer", "n2"));
	log_sink_close(sink);
	read_log(f->path, &text);
	assert_int_equal(count_of(&text, "\n"), 1);
	assert_has(&text, "level=warn comp=net msg=loud peer=n2");
	buf_fini(&text);
}

static void
flood_is_cut_and_its_size_recorded(void **state)
{
	struct log_fixture *f = *state;
	struct log_sink_config config = { .path = f->path,
		.burst = 5,
		.window_ms = 3600000 };
	struct log_sink *sink;
	struct buf text;
	int i;

	assert_int_equal(log_sink_open(&sink, &config, NULL), AG_OK);
	for (i = 0; i < 1000; i++)
		log_warn("net", "bad frame");
	log_warn("net", "another message");
	log_sink_close(sink);
	read_log(f->path, &text);
	assert_int_equal(count_of(&text, "msg=\"bad frame\""), 5);
	assert_int_equal(count_of(&text, "another message"), 1);
	assert_has(&text,
	    "msg=\"lines suppressed\" message=\"bad frame\" "
	    "lines=995\n");
	buf_fini(&text);
}

static void
reopen_follows_a_rotation(void **state)
{
	struct log_fixture *f = *state;
	struct log_sink_config config = { .path = f->path, .is_json = true };
	struct log_sink *sink;
	char old[64];
	struct buf text;

	assert_int_equal(log_sink_open(&sink, &config, NULL), AG_OK);
	log_warn("net", "before");
	(void)snprintf(old, sizeof(old), "%s.1", f->path);
	assert_int_equal(rename(f->path, old), 0);
	assert_int_equal(log_sink_change(sink, &config, NULL), AG_OK);
	log_warn("net", "after");
	log_sink_close(sink);
	read_log(f->path, &text);
	assert_int_equal(count_of(&text, "before"), 0);
	assert_has(&text, "\"msg\":\"after\"}\n");
	buf_fini(&text);
}

/* What a full disk has left of a line is no part of the next. */
static void
a_line_begins_a_line_whatever_became_of_the_last(void **state)
{
	struct log_fixture *f = *state;
	struct log_sink_config config = { .path = f->path };
	struct rlimit limit = { 40, RLIM_INFINITY };
	struct log_sink *sink;
	struct buf text;

	assert_int_equal(log_sink_open(&sink, &config, NULL), AG_OK);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	log_warn("net", "there is room for a part of it");
	limit.rlim_cur = RLIM_INFINITY;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	log_warn("net", "after");
	log_warn("net", "later");
	log_sink_close(sink);
	read_log(f->path, &text);
	assert_int_equal(count_of(&text, "\n"), 3);
	assert_int_equal(text.data[40], '\n');
	assert_has(&text, "msg=after\nts=");
	buf_fini(&text);
}

static void
change_takes_path_level_and_format_or_nothing(void **state)
{
	struct log_fixture *f = *state;
	struct log_sink_config config = { .path = f->path };
	struct log_sink_config next = { .is_json = true,
		.level = LOG_LEVEL_ERROR };
	struct log_sink *sink;
	struct ag_error err;
	char other[64];
	struct buf text;

	assert_int_equal(log_sink_open(&sink, &config, NULL), AG_OK);
	next.path = "/nowhere/log";
	assert_int_equal(log_sink_change(sink, &next, &err), AG_ESYS);
	assert_non_null(strstr(err.text, "/nowhere/log"));
	log_warn("net", "as before");
	(void)snprintf(other, sizeof(other), "%s.2", f->path);
	next.path = other;
	assert_int_equal(log_sink_change(sink, &next, &err), AG_OK);
	log_warn("net", "too little");
	log_error("net", "enough");
	log_sink_close(sink);
	read_log(f->path, &text);
	assert_has(&text, "msg=\"as before\"\n");
	assert_int_equal(count_of(&text, "enough"), 0);
	buf_fini(&text);
	read_log(other, &text);
	assert_has(&text, "\"msg\":\"enough\"}\n");
	assert_int_equal(count_of(&text, "too little"), 0);
	buf_fini(&text);
	assert_int_equal(unlink(other), 0);
}

static void
ring_gives_the_newest_lines_oldest_first_as_json(void **state)
{
	struct log_fixture *f = *state;
	struct log_sink_config config = { .path = f->path, .ring_lines = 8 };
	struct log_sink *sink;
	json_t *lines;
	struct buf out;
	uint64_t i;

	assert_int_equal(log_sink_open(&sink, &config, NULL), AG_OK);
	for (i = 0; i < 20; i++)
		log_emit(i % 2 == 0 ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "x",
		    "line", (struct log_field[]){ LOG_U64("i", i) }, 1);
	buf_init(&out, 65536);
	assert_int_equal(buf_append(&out, "[", 1), AG_OK);
	assert_int_equal(log_sink_recent(sink, LOG_LEVEL_WARN, 3, &out), AG_OK);
	assert_int_equal(buf_append(&out, "]", 1), AG_OK);
	lines = json_loadb((const char *)out.data, out.len, 0, NULL);
	assert_int_equal(json_array_size(lines), 3);
	assert_string_equal(json_string_value(
				json_object_get(json_array_get(lines, 0), "i")),
	    "15");
	assert_string_equal(json_string_value(
				json_object_get(json_array_get(lines, 2), "i")),
	    "19");
	json_decref(lines);
	buf_clear(&out);
	assert_int_equal(log_sink_recent(sink, LOG_LEVEL_DEBUG, 100, &out),
	    AG_OK);
	assert_int_equal(count_of(&out, "\"msg\""), 8);
	buf_fini(&out);
	log_sink_close(sink);
}

#define LOG_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, make_log_dir, drop_log_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_buffer_refuses_instead_of_growing),
		cmocka_unit_test(family_of_labelled_cells_has_one_head),
		cmocka_unit_test(histogram_is_cumulative_and_in_seconds),
		cmocka_unit_test(process_families_are_the_standard_ones),
		cmocka_unit_test(process_knows_its_own_size),
		cmocka_unit_test(healthy_cluster_raises_nothing),
		cmocka_unit_test(alert_keeps_its_since_time_while_it_holds),
		cmocka_unit_test(no_quorum_takes_the_place_of_a_zero_margin),
		cmocka_unit_test(view_change_alerts_only_when_it_lasts),
		cmocka_unit_test(clock_that_differs_alerts_for_a_minute),
		cmocka_unit_test(
		    evidence_alerts_beside_whatever_else_a_member_does),
		cmocka_unit_test(
		    a_member_that_gives_no_votes_alerts_also_at_itself),
		cmocka_unit_test(
		    a_node_without_its_key_says_so_and_judges_nobody),
		cmocka_unit_test(an_open_request_alerts_until_it_is_gone),
		cmocka_unit_test(what_keeps_a_key_epoch_back_alerts),
		cmocka_unit_test(a_key_epoch_that_nothing_ends_is_overdue),
		cmocka_unit_test(every_alert_at_once_fits),
		cmocka_unit_test(
		    single_node_without_fault_tolerance_is_no_alert),
		cmocka_unit_test(refused_log_says_which_file_and_why),
		LOG_TEST(lines_below_the_level_are_not_written),
		LOG_TEST(flood_is_cut_and_its_size_recorded),
		LOG_TEST(reopen_follows_a_rotation),
		LOG_TEST(a_line_begins_a_line_whatever_became_of_the_last),
		LOG_TEST(change_takes_path_level_and_format_or_nothing),
		LOG_TEST(ring_gives_the_newest_lines_oldest_first_as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
