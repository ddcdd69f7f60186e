/*
 * Screen 1: is the cluster well, how much more may fail, how fast is it.
 *
 * The headline is the fault margin: how many more members may fail before
 * the cluster stops.  All of it is one node's word and is titled so.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tui/format.h"
#include "tui/panes.h"

#define ABOUT_BYTES 96

static const struct table_column columns[] = {
	{ .title = "NAME", .width = 8 },
	{ .title = "ROLE", .width = 7, .priority = 3 },
	{ .title = "STATE", .width = 10 },
	{ .title = "VIEW",
	    .width = 5,
	    .priority = 4,
	    .is_right = true,
	    .is_number = true },
	{ .title = "EXEC", .width = 9, .is_right = true, .is_number = true },
	{ .title = "LAG",
	    .width = 6,
	    .priority = 1,
	    .is_right = true,
	    .is_number = true },
	{ .title = "RTTms",
	    .width = 6,
	    .priority = 2,
	    .is_right = true,
	    .is_number = true },
	{ .title = "HEARD",
	    .width = 6,
	    .priority = 5,
	    .is_right = true,
	    .is_number = true },
	{ .title = "LINK", .width = 9, .priority = 6, .is_rest = true },
};

enum { NAME, ROLE, STATE, VIEW, EXEC, LAG, RTT, HEARD, LINK, COLUMNS };

static bool
is_self(const struct model_member *m)
{
	return strcmp(m->state, "SELF") == 0;
}

static void
fill_link(struct table *t, const struct model_member *m)
{
	char age[FORMAT_BYTES];

	format_age(age, m->last_heard_ms);
	table_cell(t, HEARD, CANVAS_NORMAL, (double)m->last_heard_ms, "%s",
	    is_self(m) ? "-" : age);
	format_age(age, m->link_up_ms);
	if (is_self(m))
		table_cell(t, LINK, CANVAS_DIM, 0, "-");
	else if (m->link_up_ms > 0)
		table_cell(t, LINK, CANVAS_NORMAL, 0, "up %s", age);
	else
		table_cell(t, LINK, CANVAS_BAD, 0, "down x%" PRIu64,
		    m->attempts);
}

static void
fill_member(struct table *t, const struct model_member *m)
{
	char text[FORMAT_BYTES];

	if (!table_add(t, m->name))
		return;
	table_cell(t, NAME, CANVAS_NORMAL, 0, "%s", m->name);
	table_cell(t, ROLE, pane_word_attr(m->role), 0, "%s", m->role);
	table_cell(t, STATE, pane_word_attr(m->state), 0, "%s", m->state);
	table_cell(t, VIEW, CANVAS_NORMAL, (double)m->view, "%" PRIu64,
	    m->view);
	table_cell(t, EXEC, CANVAS_NORMAL, (double)m->executed, "%" PRIu64,
	    m->executed);
	table_cell(t, LAG, m->lag > 0 ? CANVAS_WARN : CANVAS_NORMAL,
	    (double)m->lag, "%" PRIu64, m->lag);
	format_ms(text, m->rtt_us);
	table_cell(t, RTT, CANVAS_NORMAL, (double)m->rtt_us, "%s",
	    m->rtt_us > 0 ? text : "-");
	fill_link(t, m);
}

static void
overview_fill(struct table *t, const struct scene *s)
{
	/* Until the next frame. */
	static struct table_column wide[COLUMNS];
	const struct model_status *status = s->model->status;

	table_init(t, pane_fit_role(status, wide, columns, COLUMNS, ROLE),
	    COLUMNS);
	for (size_t i = 0; status != NULL && i < status->member_count; i++)
		fill_member(t, &status->members[i]);
}

static void
overview_title(const struct scene *s, const struct table *t, char *title,
    char *note, size_t cap)
{
	size_t observers = pane_count_observers(s->model->status);

	if (observers > 0)
		(void)snprintf(title, cap, " REPLICAS %zu, %zu FOLLOW ",
		    t->row_count - observers, observers);
	else
		(void)snprintf(title, cap, " REPLICAS %zu ", t->row_count);
	pane_source(s, note, cap);
}

/* Append the members that are silent, or those that are else unwell; of
 * observers the cluster's health does not speak. */
static void
add_trouble(const struct model_status *s, bool is_silent, char *out, size_t cap)
{
	size_t used = strlen(out);

	for (size_t i = 0; i < s->member_count && used + 1 < cap; i++) {
		const struct model_member *m = &s->members[i];
		char age[FORMAT_BYTES] = "";

		if (is_self(m) || !pane_votes(m) ||
		    strcmp(m->state, "OK") == 0 ||
		    (strcmp(m->state, "SILENT") == 0) != is_silent)
			continue;
		format_age(age, m->last_heard_ms);
		used += (size_t)snprintf(out + used, cap - used, "%s%s %s%s%s",
		    used > 0 ? ", " : ": ", m->name, m->state,
		    is_silent ? " " : "", is_silent ? age : "");
	}
}

/* ": n4 SILENT 12s, n3 BEHIND": who is not well, the worst first, after the
 * node itself. */
static void
describe_trouble(const struct model_status *s, char *out, size_t cap)
{
	out[0] = '\0';
	if (s->rejoining && s->rejoin_seq > 0)
		(void)snprintf(out, cap, ": not voting until %" PRIu64,
		    s->rejoin_seq);
	else if (s->rejoining)
		(void)snprintf(out, cap, ": not voting");
	add_trouble(s, true, out, cap);
	add_trouble(s, false, out, cap);
}

static void
describe_faults(const struct model_status *s, char *out, size_t cap)
{
	if (s->margin < 0)
		(void)snprintf(out, cap,
		    "%" PRIu64 " missing of f=%" PRIu64 ": STOPPED", s->missing,
		    s->f);
	else if (s->margin == 0)
		(void)snprintf(out, cap,
		    "%" PRIu64 " of f=%" PRIu64 ": NO MARGIN LEFT", s->missing,
		    s->f);
	else
		(void)snprintf(out, cap,
		    "%" PRIu64 " of f=%" PRIu64 ", %" PRId64 " more may fail",
		    s->missing, s->f, s->margin);
}

static void
draw_health(struct canvas *c, struct rect area, int y,
    const struct model_status *s)
{
	char about[ABOUT_BYTES];
	char faults[ABOUT_BYTES];

	describe_trouble(s, about, sizeof(about));
	(void)pane_field(c, area, y, "health", "%s%s", s->health, about);
	canvas_paint(c, (struct rect){ area.x + 13, y, area.w - 14, 1 },
	    pane_word_attr(s->health));
	describe_faults(s, faults, sizeof(faults));
	(void)pane_field(c, area, y + 1, "faults", "%s", faults);
	if (s->margin <= 0 && y + 1 < area.y + area.h)
		canvas_paint(c,
		    (struct rect){ area.x + 13, y + 1, area.w - 14, 1 },
		    s->margin < 0 ? CANVAS_BAD : CANVAS_WARN);
}

static void
draw_cluster(struct canvas *c, struct rect area, const struct scene *s)
{
	const struct model_status *status = s->model->status;
	char note[ABOUT_BYTES];
	char since[FORMAT_BYTES];
	char size[FORMAT_BYTES];
	const char *word = "since ";
	int y = 0;

	pane_source(s, note, sizeof(note));
	if (area.h > 2)
		area = canvas_title(c, area, " CLUSTER ", note);
	if (status == NULL) {
		(void)pane_field(c, area, area.y, "health",
		    s->link->was_asked ? "NOT KNOWN: no answer yet"
				       : "asking the node");
		return;
	}
	y = area.y;
	draw_health(c, area, y, status);
	format_since(since, status->view_since, s->now_ms);
	if (status->changing_view)
		word = "CHANGING ";
	else if (status->view_since[0] == '\0')
		word = "";
	y = pane_field(c, area, y + 2, "leader", "%s   view %" PRIu64 " %s%s",
	    status->primary, status->view, word,
	    status->view_since[0] != '\0' ? since : "");
	y = pane_field(c, area, y, "executed",
	    "%" PRIu64 "   checkpoint %" PRIu64, status->executed,
	    status->stable);
	format_count(size, (double)status->bytes);
	(void)pane_field(c, area, y, "store", "%" PRIu64 " keys, %s bytes",
	    status->keys, size);
}

struct rate_row {
	const char *label;
	enum history_series series;
	bool is_count;
};

static int
draw_rate(struct canvas *c, struct rect area, int y, const struct rate_row *r,
    const struct scene *s)
{
	const struct history *h = s->history;
	char now[FORMAT_BYTES] = "-";
	bool is_tall = area.h >= 8;
	int x = area.x + 20;
	int width = area.w - 21;

	if (y + (is_tall ? 1 : 0) >= area.y + area.h)
		return y;
	if (h->count > 0 && r->is_count)
		format_count(now, history_now(h, r->series));
	else if (h->count > 0)
		format_ms(now, (uint64_t)(history_now(h, r->series) * 1000));
	(void)canvas_put(c, area.x + 1, y, 11, CANVAS_DIM, r->label);
	(void)canvas_printf(c, area.x + 12, y, 7, CANVAS_NORMAL, "%7s", now);
	if (is_tall) {
		x = area.x + 1;
		width = area.w - 2;
		y++;
	}
	canvas_spark(c, x, y, width, h->values[r->series], h->count);
	return y + 1;
}

static void
draw_rates(struct canvas *c, struct rect area, const struct scene *s)
{
	static const struct rate_row rows[] = {
		{ "commits/s", HISTORY_COMMITS, true },
		{ "p99 ms", HISTORY_P99_MS, false },
		{ "sync p99 ms", HISTORY_SYNC_MS, false },
		{ "bytes/s", HISTORY_TRAFFIC, true },
	};
	const struct model_status *status = s->model->status;
	int y = 0;

	area = canvas_title(c, area, " RATES ",
	    s->history->count == 0 ? "from the second answer on" : NULL);
	y = area.y;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		y = draw_rate(c, area, y, &rows[i], s);
	if (status != NULL)
		(void)pane_field(c, area, y, "views",
		    "%" PRIu64 " changes, %" PRIu64 " requests wait",
		    status->view_changes, status->pending);
}

/* A table without cursor: its first rows under a title. */
static void
draw_extract(struct canvas *c, struct rect area, const char *title,
    struct table *t, const char *nothing)
{
	struct table_place place = { .sort = -1 };

	area = canvas_title(c, area, title, NULL);
	if (t->row_count == 0)
		(void)canvas_put(c, area.x + 1, area.y, area.w - 1, CANVAS_DIM,
		    nothing);
	else
		table_draw(t, c, area, &place, false);
	table_fini(t);
}

static void
overview_panels(struct canvas *c, const struct layout *l, const struct scene *s)
{
	struct table t;

	draw_cluster(c, l->panels[LAYOUT_CLUSTER], s);
	if (layout_has(l, LAYOUT_RATES))
		draw_rates(c, l->panels[LAYOUT_RATES], s);
	if (layout_has(l, LAYOUT_ALERTS)) {
		alerts_fill(&t, s);
		draw_extract(c, l->panels[LAYOUT_ALERTS], " ALERTS ", &t,
		    s->model->alerts == NULL ? "not known yet" : "none firing");
	}
	if (layout_has(l, LAYOUT_ROUNDS)) {
		consensus_fill(&t, s);
		draw_extract(c, l->panels[LAYOUT_ROUNDS],
		    " ROUNDS, newest first ", &t, "none yet");
	}
	if (layout_has(l, LAYOUT_LOGS)) {
		logs_fill_warnings(&t, s);
		draw_extract(c, l->panels[LAYOUT_LOGS],
		    " LOG, warnings and errors, newest first ", &t, "none");
	}
}

const struct pane overview_pane = {
	.tab = "Over",
	.shape = LAYOUT_SHAPE_OVERVIEW,
	.needs = PANE_NEEDS(MODEL_STATUS) | PANE_NEEDS(MODEL_ALERTS) |
	    PANE_NEEDS(MODEL_ROUNDS) | PANE_NEEDS(MODEL_LOGS),
	.fill = overview_fill,
	.title = overview_title,
	.detail = nodes_detail,
	.panels = overview_panels,
};
