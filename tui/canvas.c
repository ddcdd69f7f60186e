/*
 * A sheet of character cells that panes draw on.
 *
 * Panes never see a terminal.  They draw here, and the same sheet is shown
 * by curses, printed by --once and compared by tests, so what a script reads
 * is what an operator sees.
 *
 * RULES    1. Nothing is written outside the sheet, whatever the arguments.
 *          2. A wide glyph takes two cells, the second with code 0; it is
 *             never halved by the edge of its field.
 *          3. Text passes through clean.c: no cell holds a control.
 *
 * NOT HERE Colours and the terminal (screen.c); where panels go (layout.c).
 */
#include "tui/canvas.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tui/clean.h"

#define CANVAS_PRINTF_BYTES 1024
#define CANVAS_SPARK_LEVELS 8

static const char *const glyphs[CANVAS_GLYPH_COUNT][2] = {
	[CANVAS_GLYPH_POINTER] = { "\xE2\x96\xB6", ">" },
	[CANVAS_GLYPH_OK] = { "\xE2\x97\x8F", " " },
	[CANVAS_GLYPH_WARN] = { "\xE2\x96\xB2", "!" },
	[CANVAS_GLYPH_BAD] = { "\xE2\x9C\x96", "x" },
	[CANVAS_GLYPH_LINE] = { "\xE2\x94\x80", "-" },
	[CANVAS_GLYPH_BAR] = { "\xE2\x94\x82", "|" },
	[CANVAS_GLYPH_CUT] = { "\xE2\x80\xA6", "~" },
	[CANVAS_GLYPH_CORNER_NW] = { "\xE2\x94\x8C", "+" },
	[CANVAS_GLYPH_CORNER_NE] = { "\xE2\x94\x90", "+" },
	[CANVAS_GLYPH_CORNER_SW] = { "\xE2\x94\x94", "+" },
	[CANVAS_GLYPH_CORNER_SE] = { "\xE2\x94\x98", "+" },
};

struct canvas *
canvas_new(int width, int height, bool ascii)
{
	struct canvas *c = NULL;
	size_t cells = 0;

	AG_ASSERT(width > 0 && height > 0);
	cells = (size_t)width * (size_t)height;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	c->cells = calloc(cells, sizeof(c->cells[0]));
	if (c->cells == NULL) {
		free(c);
		return NULL;
	}
	c->width = width;
	c->height = height;
	c->ascii = ascii;
	canvas_clear(c);
	return c;
}

void
canvas_free(struct canvas *c)
{
	if (c == NULL)
		return;
	free(c->cells);
	free(c);
}

void
canvas_clear(struct canvas *c)
{
	struct rect all = { 0, 0, c->width, c->height };

	canvas_fill(c, all, CANVAS_NORMAL);
	c->cursor_x = 0;
	c->cursor_y = 0;
}

static struct rect
clip(const struct canvas *c, struct rect r)
{
	int right = r.x + r.w;
	int bottom = r.y + r.h;

	if (r.x < 0)
		r.x = 0;
	if (r.y < 0)
		r.y = 0;
	if (right > c->width)
		right = c->width;
	if (bottom > c->height)
		bottom = c->height;
	r.w = right > r.x ? right - r.x : 0;
	r.h = bottom > r.y ? bottom - r.y : 0;
	return r;
}

/* Write one cell; a wide glyph it cuts in two is blanked. */
static void
set_cell(struct canvas *c, int x, int y, uint32_t code, enum canvas_attr attr)
{
	struct canvas_cell *cell = canvas_at(c, x, y);

	if (cell->code == 0 && code != 0 && x > 0)
		canvas_at(c, x - 1, y)->code = ' ';
	if (x + 1 < c->width && canvas_at(c, x + 1, y)->code == 0 && code != 0)
		canvas_at(c, x + 1, y)->code = ' ';
	cell->code = code;
	cell->extra = 0;
	cell->attr = (uint8_t)attr;
}

void
canvas_fill(struct canvas *c, struct rect area, enum canvas_attr attr)
{
	area = clip(c, area);
	for (int y = area.y; y < area.y + area.h; y++)
		for (int x = area.x; x < area.x + area.w; x++)
			set_cell(c, x, y, ' ', attr);
}

void
canvas_paint(struct canvas *c, struct rect area, enum canvas_attr attr)
{
	area = clip(c, area);
	for (int y = area.y; y < area.y + area.h; y++)
		for (int x = area.x; x < area.x + area.w; x++)
			canvas_at(c, x, y)->attr = (uint8_t)attr;
}

/* Columns a glyph takes, its len raw bytes escaped when unprintable. */
static int
glyph_columns(const struct clean_glyph *glyph, size_t len)
{
	return glyph->code == 0 ? (int)(4 * len) : glyph->width;
}

int
canvas_text_width(const struct canvas *c, const char *text)
{
	struct bytes rest = bytes_from_text(text);
	int width = 0;

	while (rest.len > 0) {
		struct clean_glyph glyph;
		size_t len = clean_next(rest, c->ascii, &glyph);

		width += glyph_columns(&glyph, len);
		rest = bytes_of(rest.data + len, rest.len - len);
	}
	return width;
}

static void
put_escaped(struct canvas *c, int x, int y, struct bytes raw,
    enum canvas_attr attr)
{
	for (size_t i = 0; i < raw.len; i++) {
		char escape[CLEAN_ESCAPE_BYTES];

		clean_escape(escape, raw.data[i]);
		for (size_t k = 0; escape[k] != '\0'; k++)
			set_cell(c, x++, y, (uint8_t)escape[k], attr);
	}
}

/* Put one glyph that is known to fit; returns its columns. */
static int
put_glyph(struct canvas *c, int x, int y, const struct clean_glyph *glyph,
    struct bytes raw, enum canvas_attr attr, bool has_base)
{
	if (glyph->code == 0) {
		put_escaped(c, x, y, raw, attr);
		return (int)(4 * raw.len);
	}
	if (glyph->width == 0) {
		if (has_base)
			canvas_at(c, x - 1, y)->extra = glyph->code;
		return 0;
	}
	set_cell(c, x, y, glyph->code, attr);
	if (glyph->width == 2)
		set_cell(c, x + 1, y, 0, attr);
	return glyph->width;
}

int
canvas_put(struct canvas *c, int x, int y, int width, enum canvas_attr attr,
    const char *text)
{
	struct bytes rest = bytes_from_text(text);
	int used = 0;
	bool is_cut = false;

	if (y < 0 || y >= c->height || x < 0 || x >= c->width)
		return 0;
	if (width > c->width - x)
		width = c->width - x;
	if (width <= 0)
		return 0;
	is_cut = canvas_text_width(c, text) > width;
	while (rest.len > 0) {
		struct clean_glyph glyph;
		size_t len = clean_next(rest, c->ascii, &glyph);
		int room = width - used - (is_cut ? 1 : 0);

		if (glyph_columns(&glyph, len) > room)
			break;
		used += put_glyph(c, x + used, y, &glyph,
		    bytes_of(rest.data, len), attr, used > 0);
		rest = bytes_of(rest.data + len, rest.len - len);
	}
	if (is_cut) {
		struct clean_glyph glyph;
		const char *mark = canvas_glyph(c, CANVAS_GLYPH_CUT);

		(void)clean_next(bytes_from_text(mark), c->ascii, &glyph);
		set_cell(c, x + used, y, glyph.code, attr);
		used++;
	}
	return used;
}

int
canvas_printf(struct canvas *c, int x, int y, int width, enum canvas_attr attr,
    const char *fmt, ...)
{
	char text[CANVAS_PRINTF_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return canvas_put(c, x, y, width, attr, text);
}

const char *
canvas_glyph(const struct canvas *c, enum canvas_glyph glyph)
{
	return glyphs[glyph][c->ascii ? 1 : 0];
}

static void
horizontal_line(struct canvas *c, int x, int y, int width)
{
	const char *line = canvas_glyph(c, CANVAS_GLYPH_LINE);

	for (int i = 0; i < width; i++)
		(void)canvas_put(c, x + i, y, 1, CANVAS_BORDER, line);
}

struct rect
canvas_title(struct canvas *c, struct rect area, const char *title,
    const char *note)
{
	int at = area.x + 1;
	int note_width = note == NULL ? 0 : canvas_text_width(c, note);

	if (area.w <= 0 || area.h <= 0)
		return (struct rect){ area.x, area.y, 0, 0 };
	horizontal_line(c, area.x, area.y, area.w);
	at += canvas_put(c, at, area.y, area.w - 2, CANVAS_TITLE, title);
	if (note_width > 0 && at + note_width + 4 < area.x + area.w)
		(void)canvas_printf(c, area.x + area.w - note_width - 3, area.y,
		    note_width + 2, CANVAS_DIM, " %s ", note);
	return (struct rect){ area.x, area.y + 1, area.w, area.h - 1 };
}

void
canvas_divider(struct canvas *c, int x, int y, int height)
{
	for (int i = 0; i < height; i++)
		(void)canvas_put(c, x, y + i, 1, CANVAS_BORDER,
		    canvas_glyph(c, CANVAS_GLYPH_BAR));
}

struct rect
canvas_box(struct canvas *c, struct rect area, const char *title)
{
	int right = area.x + area.w - 1;
	int bottom = area.y + area.h - 1;
	struct rect inside = { area.x + 1, area.y + 1, area.w - 2, area.h - 2 };

	canvas_fill(c, area, CANVAS_NORMAL);
	horizontal_line(c, area.x, area.y, area.w);
	horizontal_line(c, area.x, bottom, area.w);
	canvas_divider(c, area.x, area.y, area.h);
	canvas_divider(c, right, area.y, area.h);
	(void)canvas_put(c, area.x, area.y, 1, CANVAS_BORDER,
	    canvas_glyph(c, CANVAS_GLYPH_CORNER_NW));
	(void)canvas_put(c, right, area.y, 1, CANVAS_BORDER,
	    canvas_glyph(c, CANVAS_GLYPH_CORNER_NE));
	(void)canvas_put(c, area.x, bottom, 1, CANVAS_BORDER,
	    canvas_glyph(c, CANVAS_GLYPH_CORNER_SW));
	(void)canvas_put(c, right, bottom, 1, CANVAS_BORDER,
	    canvas_glyph(c, CANVAS_GLYPH_CORNER_SE));
	(void)canvas_put(c, area.x + 2, area.y, area.w - 4, CANVAS_TITLE,
	    title);
	return inside;
}

void
canvas_spark(struct canvas *c, int x, int y, int width, const double *values,
    size_t count)
{
	static const char plain[CANVAS_SPARK_LEVELS + 1] = ".:-=+*%#";
	size_t shown = width > 0 ? (size_t)width : 0;
	double largest = 0;

	if (shown > count)
		shown = count;
	values += count - shown;
	for (size_t i = 0; i < shown; i++)
		if (values[i] > largest)
			largest = values[i];
	x += width - (int)shown;
	for (size_t i = 0; i < shown; i++) {
		double part = largest > 0 ? values[i] / largest : 0;
		uint32_t level = (uint32_t)(part * CANVAS_SPARK_LEVELS);
		char text[5] = "";

		if (level >= CANVAS_SPARK_LEVELS)
			level = CANVAS_SPARK_LEVELS - 1;
		if (c->ascii)
			text[0] = plain[level];
		else
			text[clean_encode(text, 0x2581 + level)] = '\0';
		(void)canvas_put(c, x + (int)i, y, 1, CANVAS_ACCENT, text);
	}
}

static enum ag_status
write_row(const struct canvas *c, int y, struct buf *out)
{
	int end = c->width;

	while (end > 0 && canvas_at(c, end - 1, y)->code == ' ')
		end--;
	for (int x = 0; x < end; x++) {
		const struct canvas_cell *cell = canvas_at(c, x, y);
		char text[8];
		size_t len = 0;
		enum ag_status status = AG_OK;

		if (cell->code == 0)
			continue;
		len = clean_encode(text, cell->code);
		if (cell->extra != 0)
			len += clean_encode(text + len, cell->extra);
		status = buf_append(out, text, len);
		if (status != AG_OK)
			return status;
	}
	return buf_append(out, "\n", 1);
}

enum ag_status
canvas_write(const struct canvas *c, struct buf *out)
{
	for (int y = 0; y < c->height; y++) {
		enum ag_status status = write_row(c, y, out);

		if (status != AG_OK)
			return status;
	}
	return AG_OK;
}
