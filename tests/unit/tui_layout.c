/*
 * The layout solver, at every size there is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tui/layout.h"

#define WIDTH_MAX 250
#define HEIGHT_MAX 80

static bool
is_apart(const struct rect *a, const struct rect *b)
{
	return a->x + a->w <= b->x || b->x + b->w <= a->x ||
	    a->y + a->h <= b->y || b->y + b->h <= a->y;
}

static void
check_panels(const struct layout *l, int width, int height)
{
	const struct rect divider = { l->divider_x, l->body.y, 1, l->body.h };

	for (int i = 0; i < LAYOUT_PANEL_COUNT; i++) {
		const struct rect *r = &l->panels[i];

		if (r->w <= 0 || r->h <= 0)
			continue;
		assert_true(r->x >= 0 && r->y >= 0);
		assert_true(r->x + r->w <= width && r->y + r->h <= height);
		assert_true(l->divider_x <= 0 || is_apart(r, &divider));
		for (int j = 0; j < i; j++)
			assert_true(l->panels[j].w <= 0 ||
			    l->panels[j].h <= 0 || is_apart(r, &l->panels[j]));
	}
}

static void
check_size(enum layout_shape shape, int width, int height)
{
	static const int rows[] = { 0, 4, 7, 200 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int zoom = 0; zoom < 2; zoom++) {
			struct layout l;

			layout_solve(&l, shape, width, height, rows[i],
			    zoom != 0);
			check_panels(&l, width, height);
			assert_true(layout_has(&l, LAYOUT_HEADER));
			if (!l.is_line && zoom == 0)
				assert_true(l.panels[LAYOUT_LIST].h >= 3);
			if (!l.is_line && zoom == 1)
				assert_true(layout_has(&l, LAYOUT_DETAIL));
		}
	}
}

static void
panels_never_overlap_or_leave_the_sheet(void **state)
{
	(void)state;
	for (int shape = 0; shape < LAYOUT_SHAPE_COUNT; shape++)
		for (int width = 1; width <= WIDTH_MAX; width++)
			for (int height = 1; height <= HEIGHT_MAX; height++)
				check_size((enum layout_shape)shape, width,
				    height);
}

static void
tiers_shed_panels_not_the_list(void **state)
{
	struct layout l;

	(void)state;
	layout_solve(&l, LAYOUT_SHAPE_LIST, 80, 24, 4, false);
	assert_true(layout_has(&l, LAYOUT_DETAIL));
	layout_solve(&l, LAYOUT_SHAPE_LIST, 80, 23, 4, false);
	assert_false(layout_has(&l, LAYOUT_DETAIL));
	assert_true(layout_has(&l, LAYOUT_TABS));
	layout_solve(&l, LAYOUT_SHAPE_LIST, 80, 13, 4, false);
	assert_false(layout_has(&l, LAYOUT_TABS));
	assert_true(layout_has(&l, LAYOUT_LIST));
	layout_solve(&l, LAYOUT_SHAPE_LIST, 39, 24, 4, false);
	assert_true(l.is_line);
	layout_solve(&l, LAYOUT_SHAPE_LIST, 120, 13, 4, false);
	assert_int_equal(l.panels[LAYOUT_DETAIL].y, l.panels[LAYOUT_LIST].y);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(panels_never_overlap_or_leave_the_sheet),
		cmocka_unit_test(tiers_shed_panels_not_the_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
