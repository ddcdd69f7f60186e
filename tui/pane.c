/*
 * What the screens share.
 *
 * NOT HERE The header, tabs and key row (frame.c).
 */
#include "tui/pane.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tui/panes.h"

#define LABEL_WIDTH 12

const struct pane *const pane_table[VIEW_SCREEN_COUNT] = {
	[VIEW_OVERVIEW] = &overview_pane,
	[VIEW_NODES] = &nodes_pane,
	[VIEW_CONSENSUS] = &consensus_pane,
	[VIEW_ALERTS] = &alerts_pane,
	[VIEW_LOGS] = &logs_pane,
};

void
pane_rows(struct table *t, const struct scene *s)
{
	const struct view *v = s->view;
	const struct table_place *place = &v->places[v->screen];

	pane_table[v->screen]->fill(t, s);
	table_filter(t, &v->filters[v->screen]);
	table_sort(t, place->sort, place->is_reversed);
}

void
pane_source(const struct scene *s, char *out, size_t cap)
{
	const struct model_status *status = s->model->status;

	if (status == NULL)
		out[0] = '\0';
	else
		(void)snprintf(out, cap, "%s says", status->node);
}

enum canvas_attr
pane_word_attr(const char *word)
{
	static const struct {
		const char *word;
		enum canvas_attr attr;
	} words[] = {
		{ "OK", CANVAS_GOOD },
		{ "SELF", CANVAS_GOOD },
		{ "EXECUTED", CANVAS_GOOD },
		{ "DEGRADED", CANVAS_WARN },
		{ "BEHIND", CANVAS_WARN },
		{ "REJOINING", CANVAS_WARN },
		{ "CONNECTING", CANVAS_WARN },
		{ "STARTING", CANVAS_WARN },
		{ "WARN", CANVAS_WARN },
		{ "warn", CANVAS_WARN },
		{ "SILENT", CANVAS_BAD },
		{ "NO_QUORUM", CANVAS_BAD },
		{ "CRIT", CANVAS_BAD },
		{ "error", CANVAS_BAD },
		{ "PRIMARY", CANVAS_ACCENT },
		{ "debug", CANVAS_DIM },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].attr;
	return CANVAS_NORMAL;
}

int
pane_field(struct canvas *c, struct rect area, int y, const char *label,
    const char *fmt, ...)
{
	char text[TABLE_CELL_BYTES];
	int width = area.w - LABEL_WIDTH - 2;
	const char *rest = text;
	va_list ap;

	if (y >= area.y + area.h || width < 1)
		return y;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)canvas_put(c, area.x + 1, y, LABEL_WIDTH, CANVAS_DIM, label);
	(void)canvas_put(c, area.x + LABEL_WIDTH + 1, y, width, CANVAS_NORMAL,
	    rest);
	return y + 1;
}

size_t
pane_selected(const struct scene *s, const struct table *t)
{
	size_t at = table_select(t, &s->view->places[s->view->screen]);

	return at == SIZE_MAX ? SIZE_MAX : t->rows[at].order;
}
