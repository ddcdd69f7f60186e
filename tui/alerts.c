/*
 * Screen 4: what is wrong now, and what to do about it.
 */
#include <stdio.h>
#include <string.h>

#include "tui/format.h"
#include "tui/panes.h"

static const struct table_column columns[] = {
	{ .title = "SEV", .width = 4 },
	{ .title = "SINCE", .width = 8, .priority = 3 },
	{ .title = "AGE",
	    .width = 6,
	    .priority = 2,
	    .is_right = true,
	    .is_number = true },
	{ .title = "NODE", .width = 6 },
	{ .title = "RULE", .width = 18, .priority = 1 },
	{ .title = "WHAT", .width = 12, .is_rest = true },
};

enum { SEVERITY, SINCE, AGE, NODE, RULE, WHAT, COLUMNS };

void
alerts_fill(struct table *t, const struct scene *s)
{
	const struct model_alerts *a = s->model->alerts;

	table_init(t, columns, COLUMNS);
	for (size_t i = 0; a != NULL && i < a->count; i++) {
		const struct model_alert *one = &a->alerts[i];
		char id[TABLE_ID_BYTES];
		char text[FORMAT_BYTES];
		uint64_t since = 0;

		(void)snprintf(id, sizeof(id), "%.60s/%.60s", one->name,
		    one->node);
		if (!table_add(t, id))
			return;
		table_cell(t, SEVERITY, pane_word_attr(one->severity), 0, "%s",
		    one->severity);
		format_clock(text, one->since);
		table_cell(t, SINCE, CANVAS_NORMAL, 0, "%s", text);
		format_since(text, one->since, s->now_ms);
		(void)format_parse_time(one->since, &since);
		table_cell(t, AGE, CANVAS_NORMAL, -(double)since, "%s", text);
		table_cell(t, NODE, CANVAS_NORMAL, 0, "%s",
		    one->node[0] != '\0' ? one->node : "-");
		table_cell(t, RULE, CANVAS_NORMAL, 0, "%s", one->name);
		table_cell(t, WHAT, CANVAS_NORMAL, 0, "%s", one->text);
	}
}

static void
alerts_title(const struct scene *s, const struct table *t, char *title,
    char *note, size_t cap)
{
	if (s->model->alerts == NULL)
		(void)snprintf(title, cap, " ALERTS not known yet ");
	else if (t->total == 0)
		(void)snprintf(title, cap, " ALERTS none firing ");
	else
		(void)snprintf(title, cap, " ALERTS %zu/%zu firing ",
		    t->row_count, t->total);
	pane_source(s, note, cap);
}

/* Put text in lines of the area's width, broken at blanks. */
static int
put_wrapped(struct canvas *c, struct rect area, int y, const char *text)
{
	size_t width = area.w > 2 ? (size_t)area.w - 2 : 1;

	while (*text != '\0' && y < area.y + area.h) {
		size_t len = strlen(text);
		char line[MODEL_TEXT_BYTES];

		if (len > width) {
			len = width;
			while (len > 0 && text[len] != ' ')
				len--;
			if (len == 0)
				len = strlen(text);
		}
		(void)snprintf(line, sizeof(line), "%.*s", (int)len, text);
		(void)canvas_put(c, area.x + 1, y++, area.w - 1, CANVAS_NORMAL,
		    line);
		text += len;
		while (*text == ' ')
			text++;
	}
	return y;
}

static void
alerts_detail(struct canvas *c, struct rect area, const struct scene *s,
    const struct table *t)
{
	size_t at = pane_selected(s, t);
	const struct model_alert *one = NULL;
	char title[2 * MODEL_NAME_BYTES];
	int y = 0;

	if (at == SIZE_MAX)
		return;
	one = &s->model->alerts->alerts[at];
	(void)snprintf(title, sizeof(title), " %s ", one->name);
	area = canvas_title(c, area, title,
	    s->view->is_zoomed ? "Esc back" : "Enter zooms");
	y = pane_field(c, area, area.y, "severity", "%s", one->severity);
	y = pane_field(c, area, y, "node", "%s",
	    one->node[0] != '\0' ? one->node : "the cluster");
	y = pane_field(c, area, y, "since", "%s", one->since);
	y = put_wrapped(c, area, y, one->text);
	(void)put_wrapped(c, area, y,
	    "2 shows the node's link, 5 the log of the node that is asked.");
}

const struct pane alerts_pane = {
	.tab = "Alrt",
	.shape = LAYOUT_SHAPE_LIST,
	.needs = PANE_NEEDS(MODEL_STATUS) | PANE_NEEDS(MODEL_ALERTS),
	.fill = alerts_fill,
	.title = alerts_title,
	.detail = alerts_detail,
};
