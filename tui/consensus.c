/*
 * Screen 3: who voted for what, sequence by sequence.
 *
 * A column per replica shows its votes: P prepare, C commit, PC both, a dot
 * for none.  With more replicas than fit, one column holds a character each,
 * '#' standing for both.
 *
 * RULES    Voters are listed as the status lists the members, then any the
 *          rounds name besides; the primary is marked with a star.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tui/format.h"
#include "tui/panes.h"

/* More replicas than this share one column. */
#define COLUMN_VOTERS_MAX 8
#define VOTER_WIDTH 4
#define HEAD_BYTES 16
#define BEGAN_BYTES 96

enum { SEQ, VIEW, PHASE, DIGEST, VOTES };
enum { PREP, COMM, AGE, REQUESTS, BYTES, TAIL };

static const struct table_column head_columns[VOTES] = {
	{ .title = "SEQ", .width = 9, .is_number = true },
	{ .title = "VIEW",
	    .width = 5,
	    .priority = 6,
	    .is_right = true,
	    .is_number = true },
	{ .title = "PHASE", .width = 9 },
	{ .title = "DIGEST", .width = 8, .priority = 5 },
};

static const struct table_column tail_columns[TAIL] = {
	{ .title = "PREP",
	    .width = 4,
	    .priority = 3,
	    .is_right = true,
	    .is_number = true },
	{ .title = "COMM",
	    .width = 4,
	    .priority = 2,
	    .is_right = true,
	    .is_number = true },
	{ .title = "AGE",
	    .width = 6,
	    .priority = 4,
	    .is_right = true,
	    .is_number = true },
	{ .title = "REQS",
	    .width = 4,
	    .priority = 7,
	    .is_right = true,
	    .is_number = true },
	{ .title = "BYTES",
	    .width = 6,
	    .priority = 8,
	    .is_right = true,
	    .is_number = true },
};

/* The columns depend on who votes, so they are made for each frame. */
struct voters {
	size_t count;
	char names[MODEL_MEMBERS_MAX][MODEL_NAME_BYTES];
	int bits[MODEL_MEMBERS_MAX]; /* in the rounds' masks, -1: never seen */
};

static void
add_voter(struct voters *v, const char *name, int bit)
{
	if (v->count == MODEL_MEMBERS_MAX)
		return;
	(void)snprintf(v->names[v->count], sizeof(v->names[0]), "%s", name);
	v->bits[v->count++] = bit;
}

static int
find_bit(const struct model_rounds *r, const char *name)
{
	for (size_t i = 0; i < r->voter_count; i++)
		if (strcmp(r->voters[i], name) == 0)
			return (int)i;
	return -1;
}

static void
collect_voters(struct voters *v, const struct model_status *status,
    const struct model_rounds *r)
{
	uint64_t taken = 0;

	memset(v, 0, sizeof(*v));
	for (size_t i = 0; status != NULL && i < status->member_count; i++) {
		int bit = find_bit(r, status->members[i].name);

		if (!pane_votes(&status->members[i]))
			continue;
		add_voter(v, status->members[i].name, bit);
		if (bit >= 0)
			taken |= UINT64_C(1) << bit;
	}
	for (size_t i = 0; i < r->voter_count; i++)
		if ((taken & UINT64_C(1) << i) == 0)
			add_voter(v, r->voters[i], (int)i);
}

/* Lay out the columns in storage that lives until the next frame. */
static size_t
make_columns(const struct voters *v, const struct scene *s,
    const struct table_column **out)
{
	static struct table_column columns[TABLE_COLUMNS_MAX];
	static char heads[COLUMN_VOTERS_MAX][HEAD_BYTES];
	const struct model_status *status = s->model->status;
	bool is_packed = v->count > COLUMN_VOTERS_MAX;
	size_t count = VOTES;

	memcpy(columns, head_columns, sizeof(head_columns));
	if (is_packed)
		columns[count++] = (struct table_column){ .title = "VOTES",
			.width = (int)v->count,
			.priority = 1 };
	for (size_t i = 0; !is_packed && i < v->count; i++) {
		bool is_primary =
		    status != NULL && strcmp(status->primary, v->names[i]) == 0;

		(void)snprintf(heads[i], HEAD_BYTES, "%.*s%s",
		    is_primary ? VOTER_WIDTH - 1 : VOTER_WIDTH, v->names[i],
		    is_primary ? "*" : "");
		columns[count++] = (struct table_column){ .title = heads[i],
			.width = VOTER_WIDTH,
			.priority = 1 };
	}
	memcpy(columns + count, tail_columns, sizeof(tail_columns));
	*out = columns;
	return count + TAIL;
}

static bool
has_vote(uint64_t votes, int bit)
{
	return bit >= 0 && (votes >> bit & 1) != 0;
}

static void
fill_votes(struct table *t, const struct voters *v, const struct model_round *r)
{
	char packed[MODEL_MEMBERS_MAX + 1] = "";

	for (size_t i = 0; i < v->count; i++) {
		bool p = has_vote(r->prepares, v->bits[i]);
		bool c = has_vote(r->commits, v->bits[i]);

		packed[i] = p && c ? '#' : p ? 'P' : c ? 'C' : '.';
		if (v->count <= COLUMN_VOTERS_MAX)
			table_cell(t, VOTES + i,
			    p || c ? CANVAS_NORMAL : CANVAS_WARN, 0, "%s",
			    p && c  ? "PC"
				: p ? "P"
				: c ? " C"
				    : ".");
	}
	packed[v->count] = '\0';
	if (v->count > COLUMN_VOTERS_MAX)
		table_cell(t, VOTES, CANVAS_NORMAL, 0, "%s", packed);
}

static void
fill_tail(struct table *t, size_t at, const struct model_round *r,
    uint64_t quorum)
{
	int prepares = __builtin_popcountll(r->prepares);
	int commits = __builtin_popcountll(r->commits);
	char text[FORMAT_BYTES];

	table_cell(t, at + PREP, CANVAS_NORMAL, prepares, "%d/%" PRIu64,
	    prepares, quorum);
	table_cell(t, at + COMM, CANVAS_NORMAL, commits, "%d/%" PRIu64, commits,
	    quorum);
	if (r->age_us < 1000000)
		(void)snprintf(text, sizeof(text), "%" PRIu64 "ms",
		    r->age_us / 1000);
	else
		format_age(text, r->age_us / 1000);
	table_cell(t, at + AGE, CANVAS_NORMAL, (double)r->age_us, "%s", text);
	table_cell(t, at + REQUESTS, CANVAS_NORMAL, (double)r->requests,
	    "%" PRIu64, r->requests);
	format_count(text, (double)r->bytes);
	table_cell(t, at + BYTES, CANVAS_NORMAL, (double)r->bytes, "%s", text);
}

void
consensus_fill(struct table *t, const struct scene *s)
{
	static const struct model_rounds none;
	const struct model_rounds *r = s->model->rounds;
	const struct model_status *status = s->model->status;
	const struct table_column *columns = head_columns;
	struct voters v;
	size_t count = VOTES;

	if (r == NULL)
		r = &none;
	collect_voters(&v, status, r);
	count = make_columns(&v, s, &columns);
	table_init(t, columns, count);
	for (size_t i = 0; i < r->count; i++) {
		const struct model_round *round = &r->rounds[i];
		char id[FORMAT_BYTES];

		(void)snprintf(id, sizeof(id), "%" PRIu64, round->seq);
		if (!table_add(t, id))
			return;
		table_cell(t, SEQ, CANVAS_NORMAL, (double)round->seq, "%s", id);
		table_cell(t, VIEW, CANVAS_NORMAL, (double)round->view,
		    "%" PRIu64, round->view);
		table_cell(t, PHASE, pane_word_attr(round->phase), 0, "%s",
		    round->phase);
		table_cell(t, DIGEST, CANVAS_DIM, 0, "%.8s", round->digest);
		fill_votes(t, &v, round);
		fill_tail(t, count - TAIL, round,
		    status != NULL ? status->quorum : 0);
	}
}

/* The members that are proved to have contradicted themselves; how many. */
static size_t
list_accused(const struct scene *s, char *out, size_t cap)
{
	const struct model_status *status = s->model->status;
	size_t used = 0, count = 0;

	out[0] = '\0';
	for (size_t i = 0; status != NULL && i < status->member_count; i++) {
		const struct model_member *m = &status->members[i];

		if (m->evidence == 0)
			continue;
		if (used + 1 < cap)
			used += (size_t)snprintf(out + used, cap - used, "%s%s",
			    used > 0 ? " " : "", m->name);
		count++;
	}
	return count;
}

static void
consensus_title(const struct scene *s, const struct table *t, char *title,
    char *note, size_t cap)
{
	char names[TABLE_CELL_BYTES];

	(void)snprintf(title, cap, " ROUNDS %zu/%zu %s", t->row_count, t->total,
	    s->view->follows ? "live " : "");
	/* What is proved against somebody matters more than the key. */
	if (list_accused(s, names, sizeof(names)) > 0)
		(void)snprintf(note, cap, "EVIDENCE against %s", names);
	else
		(void)snprintf(note, cap,
		    "P prepare C commit . none * primary");
}

static void
list_names(const struct model_rounds *r, uint64_t votes, char *out, size_t cap)
{
	size_t used = 0;

	(void)snprintf(out, cap, "-");
	for (size_t i = 0; i < r->voter_count && used + 1 < cap; i++)
		if ((votes >> i & 1) != 0)
			used += (size_t)snprintf(out + used, cap - used, "%s%s",
			    used > 0 ? " " : "", r->voters[i]);
}

/* Members whose votes are in neither list. */
static void
list_missing(const struct scene *s, const struct model_round *round, char *out,
    size_t cap)
{
	const struct model_status *status = s->model->status;
	uint64_t votes = round->prepares | round->commits;
	size_t used = 0;

	(void)snprintf(out, cap, "nobody");
	for (size_t i = 0;
	     status != NULL && i < status->member_count && used + 1 < cap; i++)
		if (pane_votes(&status->members[i]) &&
		    !has_vote(votes,
			find_bit(s->model->rounds, status->members[i].name)))
			used += (size_t)snprintf(out + used, cap - used, "%s%s",
			    used > 0 ? " " : "", status->members[i].name);
}

static void
consensus_detail(struct canvas *c, struct rect area, const struct scene *s,
    const struct table *t)
{
	const struct model_rounds *r = s->model->rounds;
	size_t at = pane_selected(s, t);
	const struct model_round *round = NULL;
	char title[FORMAT_BYTES + 8];
	char names[TABLE_CELL_BYTES];
	char took[FORMAT_BYTES];
	int y = 0;

	if (at == SIZE_MAX || r == NULL)
		return;
	round = &r->rounds[at];
	(void)snprintf(title, sizeof(title), " SEQ %" PRIu64 " ", round->seq);
	area = canvas_title(c, area, title,
	    s->view->is_zoomed ? "Esc back" : "Enter zooms");
	format_ms(took, round->took_us);
	y = pane_field(c, area, area.y, "phase",
	    "%s in view %" PRIu64 ", took %s ms", round->phase, round->view,
	    round->took_us > 0 ? took : "-");
	y = pane_field(c, area, y, "batch",
	    "%" PRIu64 " requests, %" PRIu64 " bytes", round->requests,
	    round->bytes);
	y = pane_field(c, area, y, "digest", "%s", round->digest);
	list_names(r, round->prepares, names, sizeof(names));
	y = pane_field(c, area, y, "prepared by", "%s", names);
	list_names(r, round->commits, names, sizeof(names));
	y = pane_field(c, area, y, "commit by", "%s", names);
	list_missing(s, round, names, sizeof(names));
	(void)pane_field(c, area, y, "not heard", "%s", names);
}

/* Who led from when on; a view that began unseen has no time. */
static void
draw_view(struct canvas *c, struct rect area, int y,
    const struct model_view *view, uint64_t now_ms)
{
	char since[FORMAT_BYTES], began[BEGAN_BYTES] = "began unseen";

	format_since(since, view->began, now_ms);
	if (view->began[0] != '\0')
		(void)snprintf(began, sizeof(began), "began %s ago  %s", since,
		    view->began);
	(void)canvas_printf(c, area.x + 1, y, area.w - 1, CANVAS_NORMAL,
	    "%6" PRIu64 "  %-8s  %s", view->view, view->primary, began);
}

/* A line for each accused member; the rows taken. */
static int
draw_evidence(struct canvas *c, struct rect area, const struct scene *s)
{
	const struct model_status *status = s->model->status;
	int y = 0;

	for (size_t i = 0;
	     status != NULL && i < status->member_count && y < area.h; i++) {
		const struct model_member *m = &status->members[i];

		if (m->evidence > 0)
			(void)canvas_printf(c, area.x + 1, area.y + y++,
			    area.w - 1, CANVAS_BAD,
			    "EVIDENCE  %s is faulty, "
			    "%" PRIu64 " proofs",
			    m->name, m->evidence);
	}
	return y;
}

static void
consensus_panels(struct canvas *c, const struct layout *l,
    const struct scene *s)
{
	const struct model_views *v = s->model->views;
	struct rect area = l->panels[LAYOUT_VIEWS];
	char note[MODEL_NAME_BYTES + 8];
	int taken;

	if (!layout_has(l, LAYOUT_VIEWS))
		return;
	pane_source(s, note, sizeof(note));
	area = canvas_title(c, area, " VIEWS, newest first ", note);
	taken = draw_evidence(c, area, s);
	area.y += taken;
	area.h -= taken;
	if (area.h <= 0)
		return;
	if (v == NULL || v->count == 0)
		(void)canvas_put(c, area.x + 1, area.y, area.w - 1, CANVAS_DIM,
		    v == NULL ? "not known yet" : "none yet");
	for (int i = 0; v != NULL && i < (int)v->count && i < area.h; i++)
		draw_view(c, area, area.y + i, &v->views[i], s->now_ms);
}

const struct pane consensus_pane = {
	.tab = "Cons",
	.shape = LAYOUT_SHAPE_CONSENSUS,
	.needs = PANE_NEEDS(MODEL_STATUS) | PANE_NEEDS(MODEL_ALERTS) |
	    PANE_NEEDS(MODEL_ROUNDS) | PANE_NEEDS(MODEL_VIEWS),
	.fill = consensus_fill,
	.title = consensus_title,
	.detail = consensus_detail,
	.panels = consensus_panels,
};
