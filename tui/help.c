/*
 * The help overlay: every key of the current screen, from the key table.
 *
 * RULES    What is not in the table is not in the help, and the other way
 *          round; two columns where they fit, one below.
 */
#include "tui/help.h"

#include <stdio.h>

#include "tui/keys.h"

#define COLUMN_WIDTH 36
#define BOX_WIDTH (2 * COLUMN_WIDTH + 4)

static size_t
collect(const struct view *v, const struct keys_entry **out)
{
	size_t count = 0;

	for (size_t i = 0; i < keys_count; i++)
		if ((keys_table[i].screens & VIEW_SCREEN_BIT(v->screen)) != 0)
			out[count++] = &keys_table[i];
	return count;
}

static void
clamp_top(struct view *v, int lines, int height)
{
	int last = lines > height ? lines - height : 0;

	if (v->help_top > last)
		v->help_top = last;
	if (v->help_top < 0)
		v->help_top = 0;
}

static void
draw_entry(struct canvas *c, int x, int y, int width,
    const struct keys_entry *entry)
{
	(void)canvas_put(c, x, y, 10, CANVAS_KEY, entry->label);
	(void)canvas_put(c, x + 11, y, width - 11, CANVAS_NORMAL, entry->help);
}

void
help_draw(struct canvas *c, struct rect body, struct view *v)
{
	const struct keys_entry *entries[64];
	int count = (int)collect(v, entries);
	int columns = body.w >= BOX_WIDTH ? 2 : 1;
	int lines = (count + columns - 1) / columns;
	struct rect box = body;
	char title[64];

	if (box.w > BOX_WIDTH)
		box.w = BOX_WIDTH;
	if (box.h > lines + 2)
		box.h = lines + 2;
	box.x = body.x + (body.w - box.w) / 2;
	box.y = body.y + (body.h - box.h) / 2;
	clamp_top(v, lines, box.h - 2);
	(void)snprintf(title, sizeof(title), " HELP: %s%s ",
	    view_screen_name(v->screen),
	    lines > box.h - 2 ? " (j k move)" : "");
	box = canvas_box(c, box, title);
	for (int i = 0; i < count; i++) {
		int y = i % lines - v->help_top;
		int x = box.x + 1 + i / lines * COLUMN_WIDTH;
		int width = columns == 2 ? COLUMN_WIDTH - 1 : box.w - 2;

		if (y >= 0 && y < box.h)
			draw_entry(c, x, box.y + y, width, entries[i]);
	}
}
