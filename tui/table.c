/*
 * Rows and columns: filtered, sorted, fitted to a width, drawn.
 *
 * RULES    1. Columns leave by priority, the least wanted first; those of
 *             priority 0 stay at any width.
 *          2. Sorting is stable: equal rows keep the order they came in.
 *          3. Selection is by id; when its object is gone the row that took
 *             its place is selected.
 */
#include "tui/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_TEXT_BYTES_MAX (1U << 20)
/* One column for the pointer in front of each row. */
#define TABLE_MARGIN 1
#define TABLE_TITLE_BYTES 80

void
table_init(struct table *t, const struct table_column *columns,
    size_t column_count)
{
	AG_ASSERT(column_count > 0 && column_count <= TABLE_COLUMNS_MAX);
	memset(t, 0, sizeof(*t));
	t->columns = columns;
	t->column_count = column_count;
	buf_init(&t->texts, TABLE_TEXT_BYTES_MAX);
	t->rows = calloc(TABLE_ROWS_MAX, sizeof(t->rows[0]));
	t->cells = calloc(TABLE_ROWS_MAX * column_count, sizeof(t->cells[0]));
	/* Offset 0 is the empty text, so that unset cells show nothing. */
	t->is_short = t->rows == NULL || t->cells == NULL ||
	    buf_append(&t->texts, "", 1) != AG_OK;
}

void
table_fini(struct table *t)
{
	free(t->rows);
	free(t->cells);
	buf_fini(&t->texts);
}

bool
table_add(struct table *t, const char *id)
{
	struct table_row *row = NULL;

	if (t->is_short || t->row_count == TABLE_ROWS_MAX)
		return false;
	row = &t->rows[t->row_count];
	(void)snprintf(row->id, sizeof(row->id), "%s", id);
	row->order = t->row_count;
	row->cells = &t->cells[t->row_count * t->column_count];
	t->row_count++;
	t->total = t->row_count;
	return true;
}

void
table_cell(struct table *t, size_t column, enum canvas_attr attr, double value,
    const char *fmt, ...)
{
	struct table_cell *cell = &t->rows[t->row_count - 1].cells[column];
	char text[TABLE_CELL_BYTES];
	uint32_t at = (uint32_t)t->texts.len;
	va_list ap;

	AG_ASSERT(column < t->column_count);
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cell->attr = (uint8_t)attr;
	cell->value = value;
	if (buf_append(&t->texts, text, strlen(text) + 1) == AG_OK)
		cell->text = at;
}

const char *
table_text(const struct table *t, const struct table_cell *cell)
{
	return (const char *)t->texts.data + cell->text;
}

void
table_filter_clear(struct table_filter *f)
{
	if (f->is_set)
		regfree(&f->regex);
	memset(f, 0, sizeof(*f));
}

enum ag_status
table_filter_set(struct table_filter *f, const char *text, struct ag_error *err)
{
	bool is_inverse = text[0] == '!';
	regex_t regex;
	int rc = 0;

	if (text[0] == '\0' || (is_inverse && text[1] == '\0')) {
		table_filter_clear(f);
		return AG_OK;
	}
	rc = regcomp(&regex, text + (is_inverse ? 1 : 0),
	    REG_EXTENDED | REG_ICASE | REG_NOSUB);
	if (rc != 0) {
		char why[128];

		(void)regerror(rc, &regex, why, sizeof(why));
		return ag_fail(err, AG_EINVAL, "filter \"%s\": %s", text, why);
	}
	table_filter_clear(f);
	f->is_set = true;
	f->is_inverse = is_inverse;
	f->regex = regex;
	(void)snprintf(f->text, sizeof(f->text), "%s", text);
	return AG_OK;
}

/* The whole row as one line, which is what a filter looks at. */
static void
row_line(const struct table *t, const struct table_row *row, char *out,
    size_t cap)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < t->column_count && used < cap; i++)
		used += (size_t)snprintf(out + used, cap - used, "%s%s",
		    i > 0 ? " " : "", table_text(t, &row->cells[i]));
}

void
table_filter(struct table *t, const struct table_filter *f)
{
	size_t kept = 0;

	if (!f->is_set)
		return;
	for (size_t i = 0; i < t->row_count; i++) {
		char line[2 * TABLE_CELL_BYTES];
		bool matches = false;

		row_line(t, &t->rows[i], line, sizeof(line));
		matches = regexec(&f->regex, line, 0, NULL, 0) == 0;
		if (matches != f->is_inverse)
			t->rows[kept++] = t->rows[i];
	}
	t->row_count = kept;
}

struct sort_context {
	const struct table *table;
	size_t column;
	bool is_reversed;
};

static int
compare_rows(const void *va, const void *vb, void *arg)
{
	const struct sort_context *ctx = arg;
	const struct table_row *a = va;
	const struct table_row *b = vb;
	const struct table_cell *x = &a->cells[ctx->column];
	const struct table_cell *y = &b->cells[ctx->column];
	int order = 0;

	if (ctx->table->columns[ctx->column].is_number)
		order = (x->value > y->value) - (x->value < y->value);
	else
		order = strcmp(table_text(ctx->table, x),
		    table_text(ctx->table, y));
	if (order != 0)
		return ctx->is_reversed ? -order : order;
	return a->order < b->order ? -1 : 1;
}

void
table_sort(struct table *t, int column, bool is_reversed)
{
	struct sort_context ctx = { t, (size_t)column, is_reversed };

	if (column < 0 || (size_t)column >= t->column_count)
		return;
	qsort_r(t->rows, t->row_count, sizeof(t->rows[0]), compare_rows, &ctx);
}

size_t
table_select(const struct table *t, struct table_place *place)
{
	if (t->row_count == 0)
		return SIZE_MAX;
	for (size_t i = 0; i < t->row_count; i++) {
		if (place->selected[0] != '\0' &&
		    strcmp(t->rows[i].id, place->selected) == 0) {
			place->index = i;
			return i;
		}
	}
	if (place->index >= t->row_count)
		place->index = t->row_count - 1;
	memcpy(place->selected, t->rows[place->index].id,
	    sizeof(place->selected));
	return place->index;
}

void
table_move(const struct table *t, struct table_place *place, long delta)
{
	size_t at = table_select(t, place);
	long target = 0;

	if (at == SIZE_MAX)
		return;
	target = (long)at + delta;
	if (target < 0)
		target = 0;
	if (target >= (long)t->row_count)
		target = (long)t->row_count - 1;
	place->index = (size_t)target;
	memcpy(place->selected, t->rows[target].id, sizeof(place->selected));
}

static int
total_width(const struct table_column *columns, size_t count,
    const int widths[static TABLE_COLUMNS_MAX])
{
	int total = TABLE_MARGIN;

	for (size_t i = 0; i < count; i++)
		if (widths[i] > 0)
			total += columns[i].width + 1;
	return total - 1;
}

/* The shown column that is wanted least, or -1 when all must stay. */
static int
least_wanted(const struct table_column *columns, size_t count,
    const int widths[static TABLE_COLUMNS_MAX])
{
	int worst = -1;

	for (size_t i = 0; i < count; i++) {
		if (widths[i] == 0 || columns[i].priority == 0)
			continue;
		if (worst < 0 || columns[i].priority >= columns[worst].priority)
			worst = (int)i;
	}
	return worst;
}

void
table_fit(const struct table_column *columns, size_t count, int width,
    int widths[static TABLE_COLUMNS_MAX])
{
	int total = 0;

	for (size_t i = 0; i < count; i++)
		widths[i] = columns[i].width;
	for (;;) {
		int worst = 0;

		total = total_width(columns, count, widths);
		if (total <= width)
			break;
		worst = least_wanted(columns, count, widths);
		if (worst < 0)
			return;
		widths[worst] = 0;
	}
	for (size_t i = 0; i < count; i++)
		if (columns[i].is_rest && widths[i] > 0)
			widths[i] += width - total;
}

static void
draw_heads(const struct table *t, struct canvas *c, struct rect area,
    const struct table_place *place, const int *widths)
{
	int x = area.x + TABLE_MARGIN;

	for (size_t i = 0; i < t->column_count; i++) {
		const struct table_column *column = &t->columns[i];
		char title[TABLE_TITLE_BYTES];
		int pad = 0;

		if (widths[i] == 0)
			continue;
		(void)snprintf(title, sizeof(title), "%s%s", column->title,
		    place->sort != (int)i    ? ""
			: place->is_reversed ? "v"
					     : "^");
		pad = widths[i] - canvas_text_width(c, title);
		if (!column->is_right || pad < 0)
			pad = 0;
		(void)canvas_put(c, x + pad, area.y,
		    area.x + area.w - x - pad < widths[i] - pad
			? area.x + area.w - x - pad
			: widths[i] - pad,
		    CANVAS_TITLE, title);
		x += widths[i] + 1;
	}
}

/* The text of a cell after dropping shift glyph columns from its left. */
static const char *
shifted(const char *text, int shift)
{
	while (shift > 0 && *text != '\0') {
		text++;
		while (((unsigned char)*text & 0xC0) == 0x80)
			text++;
		shift--;
	}
	return text;
}

static void
draw_row(const struct table *t, struct canvas *c, struct rect line,
    const struct table_row *row, const int *widths, int shift)
{
	int x = line.x + TABLE_MARGIN;

	for (size_t i = 0; i < t->column_count; i++) {
		const struct table_column *column = &t->columns[i];
		const char *text = table_text(t, &row->cells[i]);
		int room = line.x + line.w - x;
		int pad = 0;

		if (widths[i] == 0)
			continue;
		if (room > widths[i])
			room = widths[i];
		if (column->is_rest)
			text = shifted(text, shift);
		if (column->is_right)
			pad = room - canvas_text_width(c, text);
		if (pad < 0)
			pad = 0;
		(void)canvas_put(c, x + pad, line.y, room - pad,
		    row->cells[i].attr, text);
		x += widths[i] + 1;
	}
}

/* Scroll so that row at is among the page rows from place->top. */
static void
scroll_to(const struct table *t, struct table_place *place, size_t at,
    size_t page)
{
	place->page = page;
	if (at != SIZE_MAX && at < place->top)
		place->top = at;
	if (at != SIZE_MAX && page > 0 && at >= place->top + page)
		place->top = at - page + 1;
	if (place->top + page > t->row_count)
		place->top = t->row_count > page ? t->row_count - page : 0;
}

void
table_draw(const struct table *t, struct canvas *c, struct rect area,
    struct table_place *place, bool has_cursor)
{
	int widths[TABLE_COLUMNS_MAX];
	size_t at = table_select(t, place);

	if (area.h < 1 || area.w < 1)
		return;
	table_fit(t->columns, t->column_count, area.w, widths);
	draw_heads(t, c, area, place, widths);
	scroll_to(t, place, at, (size_t)area.h - 1);
	for (int y = 1; y < area.h; y++) {
		size_t i = place->top + (size_t)y - 1;
		struct rect line = { area.x, area.y + y, area.w, 1 };

		if (i >= t->row_count)
			break;
		draw_row(t, c, line, &t->rows[i], widths, place->shift);
		if (i != at || !has_cursor)
			continue;
		(void)canvas_put(c, line.x, line.y, 1, CANVAS_ACCENT,
		    canvas_glyph(c, CANVAS_GLYPH_POINTER));
		canvas_paint(c, line, CANVAS_SELECTED);
		c->cursor_x = line.x;
		c->cursor_y = line.y;
	}
}
