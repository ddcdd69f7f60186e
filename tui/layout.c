/*
 * Where panels go on a sheet of a given size.
 *
 * RULES    1. No two panels share a cell; none leaves the sheet.
 *          2. Smaller sheets lose panels, never the list and its selection:
 *             under 24 rows the details go, under 14 the tabs, under 40x10
 *             everything but one line.
 *          3. From 120 columns on, details stand beside the list.
 *
 * NOT HERE Which columns a list keeps (table.c).
 */
#include "tui/layout.h"

#include <string.h>

/* Heights with the title line counted. */
#define CLUSTER_HEIGHT 6
#define CLUSTER_HEIGHT_SMALL 2
#define CLUSTER_WIDTH 42
#define RATES_HEIGHT_WIDE 10
#define ALERTS_HEIGHT_MIN 3
#define DETAIL_HEIGHT 8
#define VIEWS_HEIGHT 3
#define LIST_CHROME 2 /* a list's title and its column heads */

static int
smaller(int a, int b)
{
	return a < b ? a : b;
}

/* Cut height rows off the top of *from. */
static struct rect
take_top(struct rect *from, int height)
{
	struct rect out = *from;

	out.h = height < 0 ? 0 : smaller(height, from->h);
	from->y += out.h;
	from->h -= out.h;
	return out;
}

static struct rect
take_bottom(struct rect *from, int height)
{
	struct rect out = *from;

	out.h = height < 0 ? 0 : smaller(height, from->h);
	from->h -= out.h;
	out.y = from->y + from->h;
	return out;
}

/* Split *from at a column: what is right of it is returned. */
static struct rect
take_right(struct layout *out, struct rect *from, int width)
{
	struct rect right = *from;

	right.w = smaller(width, from->w - 1);
	right.x = from->x + from->w - right.w;
	from->w -= right.w + 1;
	out->divider_x = right.x - 1;
	return right;
}

static int
side_width(int width)
{
	return width * 3 / 8;
}

static void
solve_overview_wide(struct layout *out, struct rect body, int rows)
{
	struct rect side = take_right(out, &body, side_width(body.w));
	int list = smaller(rows + LIST_CHROME, body.h / 2);

	out->panels[LAYOUT_CLUSTER] = take_top(&body, CLUSTER_HEIGHT);
	out->panels[LAYOUT_LIST] = take_top(&body, list + 1);
	out->panels[LAYOUT_ROUNDS] = take_top(&body, (body.h + 1) / 2);
	out->panels[LAYOUT_LOGS] = body;
	out->panels[LAYOUT_RATES] = take_top(&side, RATES_HEIGHT_WIDE);
	out->panels[LAYOUT_ALERTS] = side;
}

static void
solve_overview(struct layout *out, struct rect body, int rows, int height)
{
	bool is_small = height < LAYOUT_HEIGHT_TABS;
	struct rect top =
	    take_top(&body, is_small ? CLUSTER_HEIGHT_SMALL : CLUSTER_HEIGHT);
	int alerts = 0;

	if (body.w >= LAYOUT_WIDTH_NORMAL) {
		out->panels[LAYOUT_RATES] = top;
		out->panels[LAYOUT_RATES].x += CLUSTER_WIDTH;
		out->panels[LAYOUT_RATES].w -= CLUSTER_WIDTH;
		top.w = CLUSTER_WIDTH - 1;
	}
	out->panels[LAYOUT_CLUSTER] = top;
	if (height >= LAYOUT_HEIGHT_DETAIL)
		(void)take_top(&body, 1);
	alerts = body.h - (rows + LIST_CHROME + 1);
	if (alerts < ALERTS_HEIGHT_MIN)
		alerts = ALERTS_HEIGHT_MIN;
	if (!is_small && body.h - alerts >= LIST_CHROME + 2)
		out->panels[LAYOUT_ALERTS] = take_bottom(&body, alerts);
	out->panels[LAYOUT_LIST] = body;
}

static void
solve_list(struct layout *out, struct rect body, int height, bool has_views)
{
	if (body.w >= LAYOUT_WIDTH_WIDE) {
		struct rect side = take_right(out, &body, side_width(body.w));

		if (has_views)
			out->panels[LAYOUT_VIEWS] =
			    take_bottom(&side, side.h / 2);
		out->panels[LAYOUT_DETAIL] = side;
	} else if (height >= LAYOUT_HEIGHT_DETAIL) {
		int views = VIEWS_HEIGHT + (body.h - 20) / 4;

		if (has_views)
			out->panels[LAYOUT_VIEWS] = take_bottom(&body, views);
		out->panels[LAYOUT_DETAIL] = take_bottom(&body, DETAIL_HEIGHT);
	}
	out->panels[LAYOUT_LIST] = body;
}

void
layout_solve(struct layout *out, enum layout_shape shape, int width, int height,
    int rows, bool zoom)
{
	struct rect rest = { 0, 0, width, height };

	memset(out, 0, sizeof(*out));
	if (width < LAYOUT_WIDTH_MIN || height < LAYOUT_HEIGHT_MIN) {
		out->is_line = true;
		out->panels[LAYOUT_HEADER] = take_top(&rest, 1);
		return;
	}
	out->panels[LAYOUT_HEADER] = take_top(&rest, 1);
	if (height >= LAYOUT_HEIGHT_TABS)
		out->panels[LAYOUT_TABS] = take_top(&rest, 1);
	out->panels[LAYOUT_KEYS] = take_bottom(&rest, 1);
	out->panels[LAYOUT_MESSAGE] = take_bottom(&rest, 1);
	out->body = rest;
	if (zoom)
		out->panels[LAYOUT_DETAIL] = rest;
	else if (shape == LAYOUT_SHAPE_OVERVIEW && width >= LAYOUT_WIDTH_WIDE &&
	    height >= LAYOUT_HEIGHT_DETAIL)
		solve_overview_wide(out, rest, rows);
	else if (shape == LAYOUT_SHAPE_OVERVIEW)
		solve_overview(out, rest, rows, height);
	else
		solve_list(out, rest, height, shape == LAYOUT_SHAPE_CONSENSUS);
}
