/*
 * Configuration: what is accepted, what is refused and in which words.
 */
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "config/example.h"
#include "config/unit.h"

static struct buf problems;

static struct config *
accepted(const char *text)
{
	struct config *config;
	struct ag_error err;

	buf_clear(&problems);
	problems.max = 1U << 20;
	if (config_parse(&config, bytes_from_text(text), "f", &problems,
		&err) != AG_OK)
		fail_msg("%s", err.text);
	assert_int_equal(problems.len, 0);
	return config;
}

/* The problems of text, a line each. */
static const char *
refused(const char *text)
{
	struct config *config;
	struct ag_error err;

	buf_clear(&problems);
	problems.max = 1U << 20;
	assert_int_equal(config_parse(&config, bytes_from_text(text), "f",
			     &problems, &err),
	    AG_EINVAL);
	assert_null(config);
	assert_int_equal(buf_append(&problems, "", 1), AG_OK);
	return (const char *)problems.data;
}

static void
nothing_given_means_the_defaults(void **state)
{
	struct config *config = accepted("");

	(void)state;
	assert_int_equal(config_duration_ms(config, "net.heartbeat"), 500);
	assert_int_equal(config_size(config, "store.log_retain"), 64U << 20);
	assert_int_equal(config_u64(config, "api.socket_mode"), 0660);
	assert_string_equal(config_text(config, "log.level"), "info");
	config_free(config);
}

static void
every_default_fits_its_own_bounds(void **state)
{
	(void)state;
	for (size_t i = 0; i < schema_count; i++) {
		struct ag_error err;
		uint64_t number;

		if (schema_convert(&schema_keys[i], schema_keys[i].value,
			&number, &err) != AG_OK)
			fail_msg("%s: %s", schema_keys[i].path, err.text);
	}
}

static void
values_are_converted_and_remember_their_line(void **state)
{
	struct config *config = accepted("# a comment\n"
					 "net:\n"
					 "  heartbeat: 30s1ms\n"
					 "  silent_after: 10m\n");
	size_t key = (size_t)schema_find("net.heartbeat");

	(void)state;
	assert_int_equal(config_duration_ms(config, "net.heartbeat"), 30001);
	assert_string_equal(config_origin(config, key), "f:3");
	config_free(config);
}

static void
all_problems_are_told_at_once_with_their_place(void **state)
{
	const char *text = refused("net:\n"
				   "  heartbeat: 30\n"
				   "log:\n"
				   "  levle: info\n"
				   "  format: xml\n");

	(void)state;
	assert_string_equal(text,
	    "f:2:14: net.heartbeat: '30' is not a duration such as 500ms or "
	    "30s\n"
	    "f:4:10: log.levle: unknown key, did you mean log.level?\n"
	    "f:5:11: log.format: 'xml' is not one of logfmt|json\n");
}

static void
a_key_given_twice_is_refused(void **state)
{
	(void)state;
	assert_string_equal(refused("log: {level: info, level: info}"),
	    "f:1:20: log.level: is given a second time\n");
	assert_string_equal(refused("log: {level: info}\nlog: {}\n"),
	    "f:2:1: log: is given a second time\n");
}

static void
a_syntax_error_names_its_line(void **state)
{
	(void)state;
	assert_non_null(strstr(refused("net:\n\theartbeat: 1s\n"), "f:2:1: "));
	assert_non_null(strstr(refused("net: {heartbeat: 1s"), "f:2:1: "));
	assert_non_null(strstr(refused("a: 'x"), "f:1:6: "));
	assert_non_null(strstr(refused("a: b\nc: \xff"), "f:2:4: "));
}

static void
only_sections_may_hold_keys(void **state)
{
	(void)state;
	assert_string_equal(refused("just text"),
	    "f:1:1: expected sections, each with its keys\n");
	assert_string_equal(refused("- a\n- b\n"),
	    "f:1:1: expected sections, each with its keys\n");
	assert_string_equal(refused("net: 5\n"),
	    "f:1:6: net: '5' is not a section with keys\n");
	assert_string_equal(refused("log:\n  level: {a: b}\n"),
	    "f:2:10: log.level: a section is not expected here\n");
	assert_string_equal(refused("log:\n  level: [info]\n"),
	    "f:2:10: log.level: a list is not expected here\n");
	assert_string_equal(refused("? [a, b]\n: c\n"),
	    "f:1:3: a key must be plain text\n");
}

static void
a_second_document_is_refused(void **state)
{
	(void)state;
	assert_string_equal(refused("log: {level: info}\n---\nlog: {}\n"),
	    "f:2:1: a second document is not expected\n");
}

static void
a_zero_byte_in_a_value_is_refused(void **state)
{
	(void)state;
	assert_string_equal(refused("log: {file: \"/a\\0b\"}"),
	    "f:1:13: log.file: holds a zero byte\n");
}

static void
control_characters_are_refused_and_not_repeated(void **state)
{
	const char *text = refused("log: {file: \"/a\\eb\\nc\"}");

	(void)state;
	assert_null(strchr(text, '\033'));
	assert_ptr_equal(strchr(text, '\n') + 1, text + strlen(text));
}

static void
an_alias_repeats_a_scalar(void **state)
{
	struct config *config = accepted("net:\n"
					 "  heartbeat: &t 2s\n"
					 "  silent_after: 4s\n"
					 "consensus: {view_timeout: *t}\n");

	(void)state;
	assert_int_equal(config_duration_ms(config, "consensus.view_timeout"),
	    2000);
	config_free(config);
}

static void
aliases_of_sections_are_refused(void **state)
{
	(void)state;
	assert_non_null(strstr(refused("net: &n {heartbeat: 1s}\napi: *n\n"),
	    "f:2:6: api: alias of something that is not a scalar above it"));
}

static void
aliases_are_counted(void **state)
{
	char text[4096];
	size_t len;

	(void)state;
	len = (size_t)snprintf(text, sizeof(text), "a: &t 2s\n");
	for (int i = 0; i < 100; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "k%d: *t\n", i);
	assert_non_null(strstr(refused(text), "too many aliases"));
}

static void
deep_nesting_is_skipped_without_harm(void **state)
{
	char text[2048];

	(void)state;
	memset(text, '[', 500);
	(void)snprintf(text + 500, sizeof(text) - 500, "\n");
	assert_non_null(strstr(refused(text), "f:"));
	(void)snprintf(text, sizeof(text), "a: {b: {c: {d: {e: {f: {}}}}}}");
	assert_string_equal(refused(text), "f:1:4: a: unknown key\n");
}

static void
a_file_larger_than_the_bound_is_refused(void **state)
{
	char *text = malloc((1U << 20) + 2);

	(void)state;
	memset(text, '#', (1U << 20) + 1);
	text[(1U << 20) + 1] = '\0';
	assert_string_equal(refused(text), "f:1:1: is larger than 1MiB\n");
	free(text);
}

static void
values_that_contradict_each_other_are_refused(void **state)
{
	(void)state;
	assert_string_equal(refused("net: {heartbeat: 2s, silent_after: 3s}"),
	    "f:1: net.silent_after: '3s' is too short, expected at least "
	    "twice net.heartbeat (2s)\n");
	assert_string_equal(refused("consensus: {checkpoint_interval: 8}"),
	    "f:1: consensus.pipeline: '32' is too much, expected at most "
	    "twice consensus.checkpoint_interval (8)\n");
}

static void
addresses_need_a_host_and_a_port(void **state)
{
	(void)state;
	config_free(accepted("net: {listen: '127.0.0.1:7422'}"));
	config_free(accepted("net: {listen: '[::1]:7422'}"));
	config_free(accepted("net: {listen: ''}"));
	(void)refused("net: {listen: '7422'}");
	(void)refused("net: {listen: ':7422'}");
	(void)refused("net: {listen: 'a:0'}");
	(void)refused("net: {listen: 'a:65536'}");
	(void)refused("net: {listen: '::1:7422'}");
	(void)refused("net: {listen: 'a b:1'}");
}

static void
modes_are_octal(void **state)
{
	struct config *config = accepted("api: {socket_mode: 600}");

	(void)state;
	assert_int_equal(config_u64(config, "api.socket_mode"), 0600);
	config_free(config);
	(void)refused("api: {socket_mode: 0x1b0}");
	(void)refused("api: {socket_mode: 0777}");
	(void)refused("api: {socket_mode: 0689}");
}

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void
relative_paths_are_taken_from_the_files_folder(void **state)
{
	char dir[] = "/tmp/aegis-config-XXXXXX";
	char path[64], expected[64];
	struct config *config;
	struct ag_error err;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/a.yaml", dir);
	write_file(path, "node: {data_dir: .}\nlog: {file: x/log}\n");
	assert_int_equal(config_load(&config, path, NULL, &err), AG_OK);
	assert_string_equal(config_text(config, "node.data_dir"), dir);
	(void)snprintf(expected, sizeof(expected), "%s/x/log", dir);
	assert_string_equal(config_text(config, "log.file"), expected);
	(void)snprintf(expected, sizeof(expected), "%s/roster", dir);
	assert_string_equal(config_text(config, "node.roster"), expected);
	config_free(config);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void
the_environment_beats_the_file_and_a_flag_beats_both(void **state)
{
	struct config *config;
	struct ag_error err;
	size_t key = (size_t)schema_find("log.level");

	(void)state;
	assert_int_equal(setenv("AEGIS_LOG_LEVEL", "warn", 1), 0);
	assert_int_equal(config_load(&config, "config/aegis.yaml", NULL, &err),
	    AG_OK);
	assert_int_equal(unsetenv("AEGIS_LOG_LEVEL"), 0);
	assert_string_equal(config_text(config, "log.level"), "warn");
	assert_string_equal(config_origin(config, key),
	    "environment AEGIS_LOG_LEVEL");
	assert_int_equal(config_set(config, "log.level", "error", "--log-level",
			     &err),
	    AG_OK);
	assert_string_equal(config_text(config, "log.level"), "error");
	assert_string_equal(config_origin(config, key), "--log-level");
	assert_int_equal(config_set(config, "log.level", "loud", "--log-level",
			     &err),
	    AG_EINVAL);
	assert_string_equal(config_text(config, "log.level"), "error");
	assert_int_equal(config_set(config, "log.levl", "x", "-l", &err),
	    AG_ENOENT);
	config_free(config);
}

static void
a_wrong_variable_is_told_by_its_name(void **state)
{
	struct config *config;
	struct ag_error err;

	(void)state;
	assert_int_equal(setenv("AEGIS_NET_HEARTBEAT", "soon", 1), 0);
	assert_int_equal(config_load(&config, "config/aegis.yaml", NULL, &err),
	    AG_EINVAL);
	assert_int_equal(unsetenv("AEGIS_NET_HEARTBEAT"), 0);
	assert_string_equal(err.text,
	    "environment: AEGIS_NET_HEARTBEAT: 'soon' is not a duration such "
	    "as 500ms or 30s");
}

static void
a_named_file_must_be_there(void **state)
{
	struct config *config;
	struct ag_error err;

	(void)state;
	assert_int_equal(config_load(&config, "/nowhere/x", NULL, &err),
	    AG_ENOENT);
	assert_string_equal(err.text,
	    "open /nowhere/x: No such file or directory");
}

static void
count_change(void *arg, const struct schema_key *key, const char *old_value,
    const char *new_value)
{
	unsigned int *changes = arg;

	assert_string_not_equal(old_value, new_value);
	*changes += key->is_reloadable ? 1 : 100;
}

static void
a_difference_says_what_can_be_reloaded(void **state)
{
	struct config *old = accepted("log: {level: info}");
	struct config *new = accepted("log: {level: warn}\n"
				      "node: {name: n2}");
	unsigned int changes = 0;

	(void)state;
	config_diff(old, new, count_change, &changes);
	assert_int_equal(changes, 101);
	config_free(old);
	config_free(new);
}

static void
the_example_is_accepted_and_says_what_was_set(void **state)
{
	const struct example_setting settings[] = {
		{ "node.name", "n'1" },
		{ "node.data_dir", "/var/with space: and #" },
		{ "net.listen", "127.0.0.1:7001" },
	};
	struct config *config;
	struct ag_error err;
	struct buf text;

	(void)state;
	buf_init(&text, 1U << 20);
	assert_int_equal(example_write(&text, settings + 1, 2), AG_OK);
	assert_int_equal(config_parse(&config, buf_bytes(&text), "f", NULL,
			     &err),
	    AG_OK);
	assert_string_equal(config_text(config, "node.data_dir"),
	    settings[1].value);
	assert_string_equal(config_text(config, "net.listen"),
	    settings[2].value);
	config_free(config);
	buf_clear(&text);
	assert_int_equal(example_write(&text, settings, 1), AG_OK);
	assert_int_equal(config_parse(&config, buf_bytes(&text), "f", NULL,
			     &err),
	    AG_EINVAL);
	buf_fini(&text);
}

static void
quantities_need_exact_units(void **state)
{
	uint64_t value;

	(void)state;
	assert_int_equal(unit_parse_duration("1h1ms", &value), AG_OK);
	assert_int_equal(value, 3600001);
	assert_int_equal(unit_parse_duration("", &value), AG_EINVAL);
	assert_int_equal(unit_parse_duration("1", &value), AG_EINVAL);
	assert_int_equal(unit_parse_duration("1S", &value), AG_EINVAL);
	assert_int_equal(unit_parse_duration("-1s", &value), AG_EINVAL);
	assert_int_equal(unit_parse_duration("1 s", &value), AG_EINVAL);
	assert_int_equal(unit_parse_duration("99999999999999999999s", &value),
	    AG_ELIMIT);
	assert_int_equal(unit_parse_duration("18446744073709551615d", &value),
	    AG_ELIMIT);
	assert_int_equal(unit_parse_size("3MB", &value), AG_OK);
	assert_int_equal(value, 3000000);
	assert_int_equal(unit_parse_size("1KiB1B", &value), AG_EINVAL);
	assert_int_equal(unit_parse_size("1.5GiB", &value), AG_EINVAL);
}

static void
quantities_read_back_what_was_written(void **state)
{
	static const uint64_t values[] = { 0, 1, 999, 1000, 1024, 60000,
		86400000, UINT64_C(1) << 40, UINT64_MAX };
	char text[UNIT_TEXT_BYTES];
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		unit_format_duration(values[i], text);
		assert_int_equal(unit_parse_duration(text, &value), AG_OK);
		assert_true(value == values[i]);
		unit_format_size(values[i], text);
		assert_int_equal(unit_parse_size(text, &value), AG_OK);
		assert_true(value == values[i]);
	}
}

static const char *
nearest_of(const char *word, const char *candidate)
{
	struct nearest search;

	nearest_init(&search, word);
	nearest_offer(&search, candidate);
	return search.best;
}

static void
nearest_words_are_slips_and_not_guesses(void **state)
{
	(void)state;
	assert_non_null(nearest_of("staus", "status"));
	assert_non_null(nearest_of("tsatus", "status"));
	assert_non_null(nearest_of("statuss", "status"));
	assert_non_null(nearest_of("put1", "put"));
	assert_null(nearest_of("kv", "ci"));
	assert_null(nearest_of("list", "put"));
	assert_null(nearest_of("", "put"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_given_means_the_defaults),
		cmocka_unit_test(every_default_fits_its_own_bounds),
		cmocka_unit_test(values_are_converted_and_remember_their_line),
		cmocka_unit_test(
		    all_problems_are_told_at_once_with_their_place),
		cmocka_unit_test(a_key_given_twice_is_refused),
		cmocka_unit_test(a_syntax_error_names_its_line),
		cmocka_unit_test(only_sections_may_hold_keys),
		cmocka_unit_test(a_second_document_is_refused),
		cmocka_unit_test(a_zero_byte_in_a_value_is_refused),
		cmocka_unit_test(
		    control_characters_are_refused_and_not_repeated),
		cmocka_unit_test(an_alias_repeats_a_scalar),
		cmocka_unit_test(aliases_of_sections_are_refused),
		cmocka_unit_test(aliases_are_counted),
		cmocka_unit_test(deep_nesting_is_skipped_without_harm),
		cmocka_unit_test(a_file_larger_than_the_bound_is_refused),
		cmocka_unit_test(values_that_contradict_each_other_are_refused),
		cmocka_unit_test(addresses_need_a_host_and_a_port),
		cmocka_unit_test(modes_are_octal),
		cmocka_unit_test(
		    relative_paths_are_taken_from_the_files_folder),
		cmocka_unit_test(
		    the_environment_beats_the_file_and_a_flag_beats_both),
		cmocka_unit_test(a_wrong_variable_is_told_by_its_name),
		cmocka_unit_test(a_named_file_must_be_there),
		cmocka_unit_test(a_difference_says_what_can_be_reloaded),
		cmocka_unit_test(the_example_is_accepted_and_says_what_was_set),
		cmocka_unit_test(quantities_need_exact_units),
		cmocka_unit_test(quantities_read_back_what_was_written),
		cmocka_unit_test(nearest_words_are_slips_and_not_guesses),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	buf_fini(&problems);
	return failed;
}
