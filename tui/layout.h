/*
 * Where panels go on a sheet of a given size.  Pure: no state, no terminal.
 */
#ifndef AEGIS_TUI_LAYOUT_H
#define AEGIS_TUI_LAYOUT_H

#include <stdbool.h>

#include "tui/canvas.h"

/* From here up the sheet is divided; below, one line says the worst. */
#define LAYOUT_WIDTH_MIN 40
#define LAYOUT_HEIGHT_MIN 10
/* The tiers of width, and the heights that pay for extras. */
#define LAYOUT_WIDTH_NORMAL 80
#define LAYOUT_WIDTH_WIDE 120
#define LAYOUT_HEIGHT_TABS 14
#define LAYOUT_HEIGHT_DETAIL 24

enum layout_panel {
	LAYOUT_HEADER,
	LAYOUT_TABS,
	LAYOUT_MESSAGE,
	LAYOUT_KEYS,
	LAYOUT_CLUSTER,
	LAYOUT_RATES,
	LAYOUT_LIST,
	LAYOUT_DETAIL,
	LAYOUT_VIEWS,
	LAYOUT_ALERTS,
	LAYOUT_ROUNDS,
	LAYOUT_LOGS,
	LAYOUT_PANEL_COUNT
};

/* How a screen divides its body. */
enum layout_shape {
	LAYOUT_SHAPE_OVERVIEW,
	LAYOUT_SHAPE_LIST,      /* a list and the detail of one row */
	LAYOUT_SHAPE_CONSENSUS, /* the same, and the history of views */
	LAYOUT_SHAPE_COUNT
};

struct layout {
	bool is_line;  /* too small: the header's place is all there is */
	int divider_x; /* a vertical rule between two columns, 0: none */
	struct rect body;
	struct rect panels[LAYOUT_PANEL_COUNT]; /* w or h of 0: not shown */
};

/*
 * Divide width x height, both at least 1.  rows is how many rows the list
 * would like to show; with zoom the detail takes the whole body.
 */
void layout_solve(struct layout *out, enum layout_shape shape, int width,
    int height, int rows, bool zoom);

static inline bool
layout_has(const struct layout *l, enum layout_panel panel)
{
	return l->panels[panel].w > 0 && l->panels[panel].h > 0;
}

#endif
