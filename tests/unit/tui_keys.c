/*
 * The key table, and what keys do to a view.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tui/command.h"
#include "tui/keys.h"
#include "tui/view.h"

static const struct table_column columns[] = {
	{ .title = "NAME", .width = 8 },
	{ .title = "SIZE", .width = 4, .is_number = true },
};

static void
fill(struct table *t)
{
	static const char *const names[] = { "n1", "n2", "n3" };

	table_init(t, columns, 2);
	for (int i = 0; i < 3; i++) {
		assert_true(table_add(t, names[i]));
		table_cell(t, 0, CANVAS_NORMAL, 0, "%s", names[i]);
		table_cell(t, 1, CANVAS_NORMAL, 9 - i, "%d", 9 - i);
	}
}

static enum view_request
press(struct view *v, uint32_t code)
{
	struct table t;
	enum view_request request = VIEW_WANTS_NOTHING;

	fill(&t);
	request = view_key(v, code, &t, 0);
	table_fini(&t);
	return request;
}

static void
type(struct view *v, const char *text)
{
	for (; *text != '\0'; text++)
		(void)press(v, (uint8_t)*text);
}

static void
no_key_means_two_things_on_a_screen(void **state)
{
	(void)state;
	for (size_t i = 0; i < keys_count; i++)
		for (size_t a = 0; a < KEYS_PER_ENTRY; a++)
			for (size_t j = 0; j < keys_count; j++)
				for (size_t b = 0; b < KEYS_PER_ENTRY; b++) {
					uint32_t code = keys_table[i].codes[a];

					if (code == 0 || (i == j && a == b) ||
					    (keys_table[i].screens &
						keys_table[j].screens) == 0)
						continue;
					assert_int_not_equal(code,
					    keys_table[j].codes[b]);
				}
}

static void
every_key_is_explained(void **state)
{
	(void)state;
	for (size_t i = 0; i < keys_count; i++) {
		assert_non_null(keys_table[i].label);
		assert_non_null(keys_table[i].help);
		assert_int_not_equal(keys_table[i].action, KEYS_NONE);
	}
}

static void
escape_closes_and_never_quits(void **state)
{
	struct view v;

	(void)state;
	view_init(&v);
	(void)press(&v, '?');
	assert_true(v.is_help);
	assert_int_equal(press(&v, KEYS_ESCAPE), VIEW_WANTS_NOTHING);
	assert_false(v.is_help);
	assert_int_equal(press(&v, KEYS_ESCAPE), VIEW_WANTS_NOTHING);
	view_fini(&v);
}

static void
q_goes_back_before_it_quits(void **state)
{
	struct view v;

	(void)state;
	view_init(&v);
	(void)press(&v, KEYS_ENTER);
	assert_true(v.is_zoomed);
	assert_int_equal(press(&v, 'q'), VIEW_WANTS_NOTHING);
	assert_false(v.is_zoomed);
	assert_int_equal(press(&v, 'q'), VIEW_WANTS_QUIT);
	view_fini(&v);
}

static void
typing_in_a_prompt_triggers_no_key(void **state)
{
	struct view v;

	(void)state;
	view_init(&v);
	(void)press(&v, '/');
	type(&v, "qp5");
	assert_int_equal(v.screen, VIEW_OVERVIEW);
	assert_false(v.is_paused);
	assert_string_equal(v.input, "qp5");
	(void)press(&v, KEYS_ENTER);
	assert_string_equal(v.filters[VIEW_OVERVIEW].text, "qp5");
	view_fini(&v);
}

static void
a_wrong_filter_is_told_and_the_old_one_stays(void **state)
{
	struct view v;

	(void)state;
	view_init(&v);
	(void)press(&v, ':');
	type(&v, "filter n[12]");
	(void)press(&v, KEYS_ENTER);
	(void)press(&v, ':');
	type(&v, "filter n[");
	(void)press(&v, KEYS_ENTER);
	assert_true(v.is_message_bad);
	assert_string_equal(v.filters[VIEW_OVERVIEW].text, "n[12]");
	view_fini(&v);
}

static void
commands_complete_and_run(void **state)
{
	struct view v;
	char line[32] = "cons";

	(void)state;
	view_init(&v);
	command_complete(line, sizeof(line));
	assert_string_equal(line, "consensus");
	assert_int_equal(command_run(&v, "consensus"), VIEW_WANTS_NOTHING);
	assert_int_equal(v.screen, VIEW_CONSENSUS);
	(void)command_run(&v, "set interval 2s");
	assert_int_equal(v.interval_ms, 2000);
	(void)command_run(&v, "set interval 1ms");
	assert_true(v.is_message_bad);
	assert_int_equal(v.interval_ms, 2000);
	assert_int_equal(command_run(&v, "q"), VIEW_WANTS_QUIT);
	view_fini(&v);
}

static void
selection_stays_on_its_object_when_rows_move(void **state)
{
	struct view v;
	struct table t;

	(void)state;
	view_init(&v);
	(void)press(&v, 'j');
	assert_string_equal(v.places[VIEW_OVERVIEW].selected, "n2");
	fill(&t);
	table_sort(&t, 1, false);
	assert_string_equal(t.rows[0].id, "n3");
	assert_int_equal(table_select(&t, &v.places[VIEW_OVERVIEW]), 1);
	table_fini(&t);
	view_fini(&v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_key_means_two_things_on_a_screen),
		cmocka_unit_test(every_key_is_explained),
		cmocka_unit_test(escape_closes_and_never_quits),
		cmocka_unit_test(q_goes_back_before_it_quits),
		cmocka_unit_test(typing_in_a_prompt_triggers_no_key),
		cmocka_unit_test(a_wrong_filter_is_told_and_the_old_one_stays),
		cmocka_unit_test(commands_complete_and_run),
		cmocka_unit_test(selection_stays_on_its_object_when_rows_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
