/*
 * Screen 5: the log of the node that is asked.
 *
 * Oldest first, so that following it reads like a terminal; whatever order
 * the node lists it in, lines are put in the order of their times.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/format.h"
#include "tui/panes.h"

static const struct table_column columns[] = {
	{ .title = "TIME", .width = 12, .priority = 1 },
	{ .title = "COMP", .width = 9, .priority = 2 },
	{ .title = "LEVEL", .width = 5 },
	{ .title = "MESSAGE", .width = 24, .is_rest = true },
};

enum { TIME, COMPONENT, LEVEL, MESSAGE, COLUMNS };

/* What 'e' stops at. */
static bool
is_warning(const struct model_line *line)
{
	return strcmp(line->level, "warn") == 0 ||
	    strcmp(line->level, "error") == 0;
}

static void
fill_line(struct table *t, const struct model_line *line, size_t i)
{
	char id[TABLE_ID_BYTES];
	enum canvas_attr attr = pane_word_attr(line->level);

	/* Lines of one millisecond differ in what they say. */
	(void)snprintf(id, sizeof(id), "%s %.40s %.40s", line->ts,
	    line->message, line->fields);
	if (!table_add(t, id))
		return;
	t->rows[t->row_count - 1].order = i;
	table_cell(t, TIME, attr, is_warning(line) ? 1 : 0, "%.12s",
	    strlen(line->ts) > 11 ? line->ts + 11 : "-");
	table_cell(t, COMPONENT, attr, 0, "%s", line->component);
	table_cell(t, LEVEL, attr, 0, "%s", line->level);
	table_cell(t, MESSAGE, attr, 0, "%s%s%s", line->message,
	    line->fields[0] != '\0' ? "  " : "", line->fields);
}

static bool
is_newest_first(const struct model_lines *l)
{
	return l->count > 1 &&
	    strcmp(l->lines[0].ts, l->lines[l->count - 1].ts) > 0;
}

static void
logs_fill(struct table *t, const struct scene *s)
{
	const struct model_lines *l = s->model->logs;

	table_init(t, columns, COLUMNS);
	for (size_t i = 0; l != NULL && i < l->count; i++) {
		size_t at = is_newest_first(l) ? l->count - 1 - i : i;

		fill_line(t, &l->lines[at], at);
	}
}

void
logs_fill_warnings(struct table *t, const struct scene *s)
{
	const struct model_lines *l = s->model->logs;

	table_init(t, columns, COLUMNS);
	for (size_t i = 0; l != NULL && i < l->count; i++) {
		size_t at = is_newest_first(l) ? i : l->count - 1 - i;

		if (is_warning(&l->lines[at]))
			fill_line(t, &l->lines[at], at);
	}
}

static void
logs_title(const struct scene *s, const struct table *t, char *title,
    char *note, size_t cap)
{
	const struct model_status *status = s->model->status;
	size_t warnings = 0;

	for (size_t i = 0; i < t->row_count; i++)
		warnings += t->rows[i].cells[TIME].value > 0 ? 1 : 0;
	(void)snprintf(title, cap, " LOG of %s %zu/%zu%s ",
	    status != NULL ? status->node : "the node", t->row_count, t->total,
	    s->view->follows ? " following" : "");
	(void)snprintf(note, cap, "%zu warnings and errors", warnings);
}

static void
logs_detail(struct canvas *c, struct rect area, const struct scene *s,
    const struct table *t)
{
	size_t at = pane_selected(s, t);
	const struct model_line *line = NULL;
	char fields[sizeof(line->fields)];
	char *rest = fields;
	int y = 0;

	if (at == SIZE_MAX)
		return;
	line = &s->model->logs->lines[at];
	area = canvas_title(c, area, " LINE ",
	    s->view->is_zoomed ? "Esc back" : "Enter zooms");
	y = pane_field(c, area, area.y, "time", "%s", line->ts);
	y = pane_field(c, area, y, "from", "%s, level %s", line->component,
	    line->level);
	y = pane_field(c, area, y, "message", "%s", line->message);
	memcpy(fields, line->fields, sizeof(fields));
	while (*rest != '\0') {
		char *key = strsep(&rest, "=");
		char *value = NULL;

		if (rest == NULL)
			break;
		value = rest;
		/* A value runs to the blank before the next key. */
		rest = strchr(value, '=');
		while (rest != NULL && rest > value && *rest != ' ')
			rest--;
		if (rest == NULL || rest == value)
			rest = value + strlen(value);
		else
			*rest++ = '\0';
		y = pane_field(c, area, y, key, "%s", value);
	}
}

const struct pane logs_pane = {
	.tab = "Logs",
	.shape = LAYOUT_SHAPE_LIST,
	.needs = PANE_NEEDS(MODEL_STATUS) | PANE_NEEDS(MODEL_ALERTS) |
	    PANE_NEEDS(MODEL_LOGS),
	.fill = logs_fill,
	.title = logs_title,
	.detail = logs_detail,
};
