/*
 * Screen 2: the members, their links, and the keys they are known by.
 *
 * What a node says about its peers is its own word; the fingerprints are
 * shown so that they can be compared with the roster elsewhere.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tui/format.h"
#include "tui/panes.h"

static const struct table_column columns[] = {
	{ .title = "NAME", .width = 8 },
	{ .title = "ADDRESS", .width = 21, .priority = 9 },
	{ .title = "ROLE", .width = 7, .priority = 5 },
	{ .title = "STATE", .width = 10 },
	{ .title = "EXEC", .width = 8, .is_right = true, .is_number = true },
	{ .title = "LAG",
	    .width = 5,
	    .priority = 1,
	    .is_right = true,
	    .is_number = true },
	{ .title = "RTTms",
	    .width = 5,
	    .priority = 2,
	    .is_right = true,
	    .is_number = true },
	{ .title = "TX/s",
	    .width = 5,
	    .priority = 7,
	    .is_right = true,
	    .is_number = true },
	{ .title = "RX/s",
	    .width = 5,
	    .priority = 8,
	    .is_right = true,
	    .is_number = true },
	{ .title = "UP",
	    .width = 6,
	    .priority = 3,
	    .is_right = true,
	    .is_number = true },
};

enum { NAME, ADDRESS, ROLE, STATE, EXEC, LAG, RTT, TX, RX, UP, COLUMNS };

static void
fill_rates(struct table *t, size_t i, const struct history *h)
{
	char text[FORMAT_BYTES] = "-";

	if (h->count > 0)
		format_count(text, h->tx_rate[i]);
	table_cell(t, TX, CANVAS_NORMAL, h->tx_rate[i], "%s", text);
	if (h->count > 0)
		format_count(text, h->rx_rate[i]);
	table_cell(t, RX, CANVAS_NORMAL, h->rx_rate[i], "%s", text);
}

static void
fill_member(struct table *t, const struct model_member *m)
{
	char text[FORMAT_BYTES];

	table_cell(t, NAME, CANVAS_NORMAL, 0, "%s", m->name);
	table_cell(t, ADDRESS, CANVAS_NORMAL, 0, "%s", m->address);
	table_cell(t, ROLE, pane_word_attr(m->role), 0, "%s", m->role);
	table_cell(t, STATE, pane_word_attr(m->state), 0, "%s", m->state);
	table_cell(t, EXEC, CANVAS_NORMAL, (double)m->executed, "%" PRIu64,
	    m->executed);
	table_cell(t, LAG, m->lag > 0 ? CANVAS_WARN : CANVAS_NORMAL,
	    (double)m->lag, "%" PRIu64, m->lag);
	format_ms(text, m->rtt_us);
	table_cell(t, RTT, CANVAS_NORMAL, (double)m->rtt_us, "%s",
	    m->rtt_us > 0 ? text : "-");
	format_age(text, m->link_up_ms);
	table_cell(t, UP, CANVAS_NORMAL, (double)m->link_up_ms, "%s",
	    m->link_up_ms > 0 ? text : "-");
}

/* How much of a state is here, in percent; an estimate may be passed. */
static unsigned
transfer_percent(const struct model_status *s)
{
	if (s->transfer_total == 0 || s->transfer_bytes == 0)
		return 0;
	if (s->transfer_bytes >= s->transfer_total)
		return 99;
	return (unsigned)((double)s->transfer_bytes * 100 /
	    (double)s->transfer_total);
}

static bool
is_fetching(const struct model_status *s, const struct model_member *m)
{
	return s->transfer_seq > 0 && strcmp(m->state, "SELF") == 0;
}

static void
fill_transfer(struct table *t, const struct model_status *s)
{
	table_cell(t, STATE, CANVAS_WARN, 0, "FETCH %u%%", transfer_percent(s));
}

static void
nodes_fill(struct table *t, const struct scene *s)
{
	/* Until the next frame. */
	static struct table_column wide[COLUMNS];
	const struct model_status *status = s->model->status;

	table_init(t, pane_fit_role(status, wide, columns, COLUMNS, ROLE),
	    COLUMNS);
	for (size_t i = 0; status != NULL && i < status->member_count; i++) {
		if (!table_add(t, status->members[i].name))
			return;
		fill_member(t, &status->members[i]);
		if (is_fetching(status, &status->members[i]))
			fill_transfer(t, status);
		fill_rates(t, i, s->history);
	}
}

static void
nodes_title(const struct scene *s, const struct table *t, char *title,
    char *note, size_t cap)
{
	(void)snprintf(title, cap, " NODES %zu/%zu ", t->row_count, t->total);
	pane_source(s, note, cap);
}

static int
detail_link(struct canvas *c, struct rect area, int y,
    const struct model_member *m)
{
	char up[FORMAT_BYTES];
	char heard[FORMAT_BYTES];
	char retry[FORMAT_BYTES];

	format_age(up, m->link_up_ms);
	format_age(heard, m->last_heard_ms);
	format_age(retry, m->retry_ms);
	if (strcmp(m->state, "SELF") == 0)
		return pane_field(c, area, y, "link",
		    "this is the node that is asked");
	if (m->link_up_ms > 0)
		y = pane_field(c, area, y, "link", "up %s, last heard %s ago",
		    up, heard);
	else
		y = pane_field(c, area, y, "link",
		    "DOWN, last heard %s ago, %" PRIu64
		    " attempts, retry in %s",
		    heard, m->attempts, retry);
	if (m->error[0] != '\0')
		y = pane_field(c, area, y, "last error", "%s", m->error);
	return pane_field(c, area, y, "queue",
	    "%" PRIu64 " bytes, %" PRIu64 " messages dropped", m->queued_bytes,
	    m->dropped);
}

/* The state that the node fetches, and who gives it. */
static int
detail_transfer(struct canvas *c, struct rect area, int y,
    const struct model_status *s)
{
	char here[FORMAT_BYTES], total[FORMAT_BYTES];

	format_count(here, (double)s->transfer_bytes);
	format_count(total, (double)s->transfer_total);
	return pane_field(c, area, y, "fetching",
	    "state at %" PRIu64 ", %s of about %s bytes, from %s",
	    s->transfer_seq, here, total,
	    s->transfer_from[0] == '\0' ? "nobody yet" : s->transfer_from);
}

void
nodes_detail(struct canvas *c, struct rect area, const struct scene *s,
    const struct table *t)
{
	size_t at = pane_selected(s, t);
	const struct model_member *m = NULL;
	char age[FORMAT_BYTES];
	char title[2 * MODEL_NAME_BYTES];
	int y = 0;

	if (at == SIZE_MAX)
		return;
	m = &s->model->status->members[at];
	(void)snprintf(title, sizeof(title), " %s ", m->name);
	area = canvas_title(c, area, title,
	    s->view->is_zoomed ? "Esc back" : "Enter zooms");
	y = pane_field(c, area, area.y, "state",
	    "%s   %s   view %" PRIu64 "   executed %" PRIu64
	    "   checkpoint %" PRIu64,
	    m->state, m->role, m->view, m->executed, m->stable);
	if (is_fetching(s->model->status, m))
		y = detail_transfer(c, area, y, s->model->status);
	y = detail_link(c, area, y, m);
	y = pane_field(c, area, y, "address", "%s", m->address);
	y = pane_field(c, area, y, "node key", "%s", m->node_fingerprint);
	format_age(age, m->link_key_age_ms);
	(void)pane_field(c, area, y, "link key", "%s%s%s",
	    m->link_key_age_ms > 0 ? age : "",
	    m->link_key_age_ms > 0 ? " old   " : "", m->link_fingerprint);
}

const struct pane nodes_pane = {
	.tab = "Node",
	.shape = LAYOUT_SHAPE_LIST,
	.needs = PANE_NEEDS(MODEL_STATUS) | PANE_NEEDS(MODEL_ALERTS),
	.fill = nodes_fill,
	.title = nodes_title,
	.detail = nodes_detail,
};
