/*
 * Text made fit to be shown, cells, and columns fitted to a width.
 */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tui/canvas.h"
#include "tui/clean.h"
#include "tui/history.h"
#include "tui/table.h"

static void
copy_is(const char *text, size_t len, const char *expected)
{
	char out[256];

	clean_copy(out, sizeof(out), bytes_of(text, len));
	assert_string_equal(out, expected);
}

#define COPY_IS(text, expected) copy_is((text), sizeof(text) - 1, (expected))

static void
controls_and_overrides_become_escapes(void **state)
{
	(void)state;
	COPY_IS("a\x1b[31m\x07\n\x7f", "a\\x1B[31m\\x07\\x0A\\x7F");
	COPY_IS("a\0b", "a\\x00b");
	COPY_IS("\xC2\x9B", "\\xC2\\x9B");
	COPY_IS("\xE2\x80\xAE\xE2\x81\xA6", "\\xE2\\x80\\xAE\\xE2\\x81\\xA6");
	COPY_IS("\xEF\xBB\xBF", "\\xEF\\xBB\\xBF");
}

static void
bytes_that_are_not_utf8_become_escapes(void **state)
{
	(void)state;
	COPY_IS("\xFF\xC0\x80", "\\xFF\\xC0\\x80");
	COPY_IS("\xED\xA0\x80", "\\xED\\xA0\\x80");
	COPY_IS("\xF4\x90\x80\x80", "\\xF4\\x90\\x80\\x80");
	COPY_IS("\xE2\x82", "\\xE2\\x82");
	COPY_IS("\xE2\x82\xAC", "\xE2\x82\xAC");
}

static void
escaping_twice_changes_nothing(void **state)
{
	char once[512];
	char twice[512];
	uint8_t noise[100];

	(void)state;
	srandom(7);
	for (int round = 0; round < 1000; round++) {
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (uint8_t)random();
		clean_copy(once, sizeof(once), bytes_of(noise, sizeof(noise)));
		clean_copy(twice, sizeof(twice), bytes_from_text(once));
		assert_string_equal(once, twice);
	}
}

static void
a_wide_glyph_is_never_halved(void **state)
{
	struct canvas *c = canvas_new(4, 1, false);

	(void)state;
	assert_int_equal(canvas_put(c, 0, 0, 4, CANVAS_NORMAL,
			     "\xE6\x97\xA5\xE6\x9C\xAC"),
	    4);
	assert_int_equal(canvas_at(c, 1, 0)->code, 0);
	(void)canvas_put(c, 1, 0, 1, CANVAS_NORMAL, "x");
	assert_int_equal(canvas_at(c, 0, 0)->code, ' ');
	(void)canvas_put(c, 0, 0, 3, CANVAS_NORMAL, "\xE6\x97\xA5\xE6\x9C\xAC");
	assert_int_equal(canvas_at(c, 2, 0)->code, 0x2026);
	canvas_free(c);
}

static void
nothing_is_drawn_outside_the_sheet(void **state)
{
	struct canvas *c = canvas_new(5, 3, true);

	(void)state;
	for (int y = -3; y < 6; y++)
		for (int x = -3; x < 8; x++)
			for (int w = -1; w < 9; w++) {
				struct rect r = { x, y, w, w };

				(void)canvas_put(c, x, y, w, CANVAS_NORMAL,
				    "\x01wide text");
				canvas_fill(c, r, CANVAS_DIM);
				canvas_paint(c, r, CANVAS_SELECTED);
				(void)canvas_title(c, r, "T", "n");
				(void)canvas_box(c, r, "T");
			}
	canvas_free(c);
}

static const struct table_column columns[] = {
	{ .title = "A", .width = 8 },
	{ .title = "B", .width = 6, .priority = 2 },
	{ .title = "C", .width = 9 },
	{ .title = "D", .width = 5, .priority = 1 },
	{ .title = "E", .width = 4, .priority = 3, .is_rest = true },
};

static void
columns_leave_by_priority_at_every_width(void **state)
{
	int widths[TABLE_COLUMNS_MAX];

	(void)state;
	for (int width = 1; width <= 250; width++) {
		int total = 0;

		table_fit(columns, 5, width, widths);
		for (int i = 0; i < 5; i++)
			total += widths[i] > 0 ? widths[i] + 1 : 0;
		assert_true(widths[0] > 0 && widths[2] > 0);
		if (widths[3] > 0)
			assert_true(total <= width);
		if (widths[1] > 0)
			assert_true(widths[3] > 0);
		if (widths[4] > 0)
			assert_int_equal(total, width);
	}
}

static void
rates_come_from_the_nodes_own_clock(void **state)
{
	static struct model_status s = { .uptime_ms = 1000, .commits = 50 };
	static struct history h;

	(void)state;
	history_add(&h, &s);
	assert_int_equal(h.count, 0);
	s.uptime_ms = 3000;
	s.commits = 250;
	history_add(&h, &s);
	assert_int_equal((int)history_now(&h, HISTORY_COMMITS), 100);
	s.uptime_ms = 10;
	s.commits = 0;
	history_add(&h, &s);
	assert_int_equal(h.count, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(controls_and_overrides_become_escapes),
		cmocka_unit_test(bytes_that_are_not_utf8_become_escapes),
		cmocka_unit_test(escaping_twice_changes_nothing),
		cmocka_unit_test(a_wide_glyph_is_never_halved),
		cmocka_unit_test(nothing_is_drawn_outside_the_sheet),
		cmocka_unit_test(columns_leave_by_priority_at_every_width),
		cmocka_unit_test(rates_come_from_the_nodes_own_clock),
	};

	if (setlocale(LC_ALL, "C.UTF-8") == NULL)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
