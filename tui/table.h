/*
 * Rows and columns: filtered, sorted, fitted to a width, drawn.
 *
 * A pane fills a table for each frame; rows carry the id of what they show,
 * and the selection is an id, so it stays on its object when rows move.
 *
 * Ownership  a table owns its rows and texts until table_fini().
 */
#ifndef AEGIS_TUI_TABLE_H
#define AEGIS_TUI_TABLE_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "tui/canvas.h"

#define TABLE_COLUMNS_MAX 80
#define TABLE_ROWS_MAX 512
#define TABLE_ID_BYTES 128
#define TABLE_CELL_BYTES 768

struct table_column {
	const char *title;
	int width;
	int priority; /* 0 never goes; the largest goes first */
	bool is_right;
	bool is_number; /* sorted by value, else by text */
	bool is_rest;   /* the last one: takes what is left */
};

struct table_cell {
	uint32_t text; /* offset in the table's texts */
	double value;
	uint8_t attr;
};

struct table_row {
	char id[TABLE_ID_BYTES];
	size_t order; /* as filled, for a stable sort */
	struct table_cell *cells;
};

struct table {
	const struct table_column *columns;
	size_t column_count;
	size_t row_count;
	size_t total; /* rows before the filter */
	struct table_row *rows;
	struct table_cell *cells;
	struct buf texts;
	bool is_short; /* memory was refused: rows are missing */
};

/* A row filter: a regular expression, inverted by a leading '!'. */
struct table_filter {
	bool is_set;
	bool is_inverse;
	char text[128];
	regex_t regex;
};

/* Where the operator is in a list. */
struct table_place {
	char selected[TABLE_ID_BYTES];
	size_t index; /* where it was last, for when it vanishes */
	size_t top;
	size_t page; /* rows shown last */
	int sort;    /* a column, or -1: as filled */
	bool is_reversed;
	int shift; /* columns the last column is scrolled by */
};

void table_init(struct table *t, const struct table_column *columns,
    size_t column_count);
void table_fini(struct table *t);

/* Begin a row; false when the table is full.  Cells follow in order. */
bool table_add(struct table *t, const char *id);
void table_cell(struct table *t, size_t column, enum canvas_attr attr,
    double value, const char *fmt, ...) AG_PRINTF(5, 6);

const char *table_text(const struct table *t, const struct table_cell *cell);

/* AG_EINVAL with the reason when text is no regular expression. */
enum ag_status table_filter_set(struct table_filter *f, const char *text,
    struct ag_error *err) AG_MUST_USE;
void table_filter_clear(struct table_filter *f);

void table_filter(struct table *t, const struct table_filter *f);
void table_sort(struct table *t, int column, bool is_reversed);

/*
 * Which row is selected: by id, else the one now where it was.  Brings
 * place up to date.  SIZE_MAX when there are no rows.
 */
size_t table_select(const struct table *t, struct table_place *place);

/* Move the selection by delta rows, clamped. */
void table_move(const struct table *t, struct table_place *place, long delta);

/*
 * Choose widths for a line of width columns: 0 for a column that is left
 * out.  Pure.
 */
void table_fit(const struct table_column *columns, size_t count, int width,
    int widths[static TABLE_COLUMNS_MAX]);

/* Draw heads and rows, scrolled so that the selection shows. */
void table_draw(const struct table *t, struct canvas *c, struct rect area,
    struct table_place *place, bool has_cursor);

#endif
