/*
 * A sheet of character cells that panes draw on.
 *
 * Pure memory: screen.c shows a canvas on a terminal, --once prints it, and
 * tests read it.  Every coordinate is clipped; every text is cleaned.
 *
 * Ownership  canvas_new() hands out, canvas_free() takes back.
 * Threads    none of its own.
 */
#ifndef AEGIS_TUI_CANVAS_H
#define AEGIS_TUI_CANVAS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

/* What a cell means; screen.c decides what that looks like. */
enum canvas_attr {
	CANVAS_NORMAL,
	CANVAS_DIM,
	CANVAS_BORDER,
	CANVAS_TITLE,
	CANVAS_HEADER,
	CANVAS_GOOD,
	CANVAS_WARN,
	CANVAS_BAD,
	CANVAS_ACCENT,
	CANVAS_SELECTED,
	CANVAS_KEY,
	CANVAS_ATTR_COUNT
};

/* Symbols that have a plain and a better form. */
enum canvas_glyph {
	CANVAS_GLYPH_POINTER,
	CANVAS_GLYPH_OK,
	CANVAS_GLYPH_WARN,
	CANVAS_GLYPH_BAD,
	CANVAS_GLYPH_LINE,
	CANVAS_GLYPH_BAR,
	CANVAS_GLYPH_CUT,
	CANVAS_GLYPH_CORNER_NW,
	CANVAS_GLYPH_CORNER_NE,
	CANVAS_GLYPH_CORNER_SW,
	CANVAS_GLYPH_CORNER_SE,
	CANVAS_GLYPH_COUNT
};

struct rect {
	int x;
	int y;
	int w;
	int h;
};

struct canvas_cell {
	uint32_t code;  /* 0: the right half of a wide glyph */
	uint32_t extra; /* a combining mark on it, or 0 */
	uint8_t attr;
};

struct canvas {
	int width;
	int height;
	bool ascii;
	int cursor_x; /* where the real cursor rests, for screen readers */
	int cursor_y;
	struct canvas_cell *cells;
};

/* NULL when memory is refused.  Both sides are at least 1. */
struct canvas *canvas_new(int width, int height, bool ascii);
void canvas_free(struct canvas *c);
void canvas_clear(struct canvas *c);

static inline struct canvas_cell *
canvas_at(const struct canvas *c, int x, int y)
{
	return &c->cells[y * c->width + x];
}

/*
 * Put text at x, y in at most width columns, marked as cut when it does not
 * fit.  Returns the columns used.
 */
int canvas_put(struct canvas *c, int x, int y, int width, enum canvas_attr attr,
    const char *text);
int canvas_printf(struct canvas *c, int x, int y, int width,
    enum canvas_attr attr, const char *fmt, ...) AG_PRINTF(6, 7);

/* The columns text takes when shown, escapes counted. */
int canvas_text_width(const struct canvas *c, const char *text);

const char *canvas_glyph(const struct canvas *c, enum canvas_glyph glyph);

/* Blank an area. */
void canvas_fill(struct canvas *c, struct rect area, enum canvas_attr attr);

/* Change what the cells of an area mean, not what they hold. */
void canvas_paint(struct canvas *c, struct rect area, enum canvas_attr attr);

/*
 * Draw a panel's title line along the top of area, a note at its right end
 * (NULL for none), and return what is left below.
 */
struct rect canvas_title(struct canvas *c, struct rect area, const char *title,
    const char *note);

void canvas_divider(struct canvas *c, int x, int y, int height);

/* A frame round area; returns the inside. */
struct rect canvas_box(struct canvas *c, struct rect area, const char *title);

/* The newest values as a graph of width cells, scaled to their largest. */
void canvas_spark(struct canvas *c, int x, int y, int width,
    const double *values, size_t count);

/* The sheet as lines of text, blanks at line ends dropped. */
enum ag_status canvas_write(const struct canvas *c,
    struct buf *out) AG_MUST_USE;

#endif
