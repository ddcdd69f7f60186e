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

#define OBSERVER "OBSERVER"

bool
pane_votes(const struct model_member *m)
{
	return strcmp(m->role, OBSERVER) != 0;
}

size_t
pane_count_observers(const struct model_status *s)
{
	size_t count = 0;

	for (size_t i = 0; s != NULL && i < s->member_count; i++)
		count += pane_votes(&s->members[i]) ? 0 : 1;
	return count;
}

const struct table_column *
pane_fit_role(const struct model_status *s, struct table_column *wide,
    const struct table_column *columns, size_t count, size_t role)
{
	if (pane_count_observers(s) == 0)
		return columns;
	memcpy(wide, columns, count * sizeof(columns[0]));
	wide[role].width = sizeof(OBSERVER) - 1;
	return wide;
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
		{ OBSERVER, CANVAS_DIM },
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
