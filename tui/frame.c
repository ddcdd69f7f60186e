/*
 * A whole frame: header, tabs, the current screen, message and key rows.
 *
 * RULES    1. Meaning is a word; colour only repeats it.
 *          2. What is old is marked: values three intervals old make the
 *             header say STALE and their age, never a silent picture.
 *          3. At any size the health word is on the screen.
 */
#include "tui/frame.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "tui/format.h"
#include "tui/help.h"
#include "tui/keys.h"

#define ITEM_BYTES 80
#define STALE_INTERVALS 3

/* A piece of the header, dropped by priority when room is short. */
struct item {
	char text[ITEM_BYTES];
	enum canvas_attr attr;
	int priority; /* 0 never goes */
};

#define ITEMS_MAX 11

struct items {
	size_t count;
	struct item items[ITEMS_MAX];
};

static void add_item(struct items *list, int priority, enum canvas_attr attr,
    const char *fmt, ...) AG_PRINTF(4, 5);

static void
add_item(struct items *list, int priority, enum canvas_attr attr,
    const char *fmt, ...)
{
	struct item *item = &list->items[list->count++];
	va_list ap;

	AG_ASSERT(list->count <= ITEMS_MAX);
	va_start(ap, fmt);
	(void)vsnprintf(item->text, sizeof(item->text), fmt, ap);
	va_end(ap);
	item->attr = attr;
	item->priority = priority;
}

static const char *
health_word(const struct scene *s)
{
	if (s->model->status != NULL)
		return s->model->status->health;
	return s->link->was_asked ? "UNREACHABLE" : "CONNECTING";
}

/* How old the status is, 0 when it is fresh. */
static uint64_t
stale_us(const struct scene *s)
{
	uint64_t age = s->now_us - s->model->at_us[MODEL_STATUS];

	if (s->model->status == NULL || s->link->is_up ||
	    s->now_us < s->model->at_us[MODEL_STATUS])
		return 0;
	return age >= STALE_INTERVALS * s->view->interval_ms * 1000 ? age : 0;
}

static void
add_pace(struct items *list, const struct scene *s)
{
	uint64_t stale = stale_us(s);
	char age[FORMAT_BYTES];

	if (s->view->is_paused) {
		format_age(age, (s->now_us - s->view->paused_us) / 1000);
		add_item(list, 1, CANVAS_WARN, "PAUSED %s", age);
	} else if (stale > 0) {
		format_age(age, stale / 1000);
		add_item(list, 1, CANVAS_WARN, "STALE %s", age);
	} else {
		format_age(age, s->view->interval_ms);
		add_item(list, 5, CANVAS_HEADER, "%s", age);
	}
}

static void
collect_items(struct items *list, const struct scene *s, size_t *split)
{
	const struct model_status *status = s->model->status;
	char clock[CLOCK_TEXT_BYTES];
	const char *health = health_word(s);
	enum canvas_attr attr =
	    status == NULL ? CANVAS_WARN : pane_word_attr(health);

	list->count = 0;
	add_item(list, 4, CANVAS_HEADER, "AEGIS");
	add_item(list, 0, CANVAS_HEADER, "%.32s",
	    status != NULL ? status->cluster : "-");
	add_item(list, 0, attr, "%s%s", health, stale_us(s) > 0 ? "~" : "");
	if (status != NULL) {
		add_item(list, 7, CANVAS_HEADER, "%.15s e%" PRIu64,
		    status->strategy, status->epoch);
		add_item(list, 7, CANVAS_HEADER, "n=%" PRIu64 " f=%" PRIu64,
		    status->n, status->f);
		add_item(list, 6, CANVAS_HEADER, "q%" PRIu64 "/%" PRIu64,
		    status->quorum, status->n);
		add_item(list, 3, CANVAS_HEADER, "v%" PRIu64, status->view);
		add_item(list, 2, CANVAS_HEADER, "exec %" PRIu64,
		    status->executed);
	}
	add_item(list, 8, CANVAS_HEADER, "RO");
	*split = list->count;
	add_pace(list, s);
	clock_format_ms(s->now_ms, clock);
	add_item(list, 1, CANVAS_HEADER, "%.8sZ", clock + 11);
}

static int
items_width(const struct canvas *c, const struct items *list)
{
	int width = 1;

	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].text[0] != '\0')
			width += canvas_text_width(c, list->items[i].text) + 1;
	return width;
}

/* Drop items until the rest fits. */
static void
fit_items(const struct canvas *c, struct items *list, int width)
{
	while (items_width(c, list) > width) {
		struct item *worst = NULL;

		for (size_t i = 0; i < list->count; i++) {
			struct item *item = &list->items[i];

			if (item->priority > 0 && item->text[0] != '\0' &&
			    (worst == NULL || item->priority > worst->priority))
				worst = item;
		}
		if (worst == NULL)
			return;
		worst->text[0] = '\0';
	}
}

static void
draw_header(struct canvas *c, struct rect area, const struct scene *s)
{
	struct items list;
	size_t split = 0;
	int x = area.x + 1;
	int right = area.x + area.w;

	collect_items(&list, s, &split);
	fit_items(c, &list, area.w);
	canvas_fill(c, area, CANVAS_HEADER);
	for (size_t i = 0; i < split; i++) {
		const struct item *item = &list.items[i];

		if (item->text[0] != '\0')
			x += canvas_put(c, x, area.y, right - x, item->attr,
				 item->text) +
			    1;
	}
	for (size_t i = list.count; i > split; i--) {
		const struct item *item = &list.items[i - 1];

		if (item->text[0] == '\0')
			continue;
		right -= canvas_text_width(c, item->text);
		(void)canvas_put(c, right, area.y, ITEM_BYTES, item->attr,
		    item->text);
		right--;
	}
}

/* Too small for more: "AEGIS demo DEGRADED margin 0, 2 alerts". */
static void
draw_line(struct canvas *c, const struct scene *s)
{
	const struct model_status *status = s->model->status;
	const struct model_alerts *alerts = s->model->alerts;

	if (status == NULL)
		(void)canvas_printf(c, 0, 0, c->width, CANVAS_NORMAL,
		    "AEGIS %s", health_word(s));
	else
		(void)canvas_printf(c, 0, 0, c->width, CANVAS_NORMAL,
		    "AEGIS %s %s%s margin %" PRId64 ", %zu alerts",
		    status->cluster, status->health, stale_us(s) > 0 ? "~" : "",
		    status->margin, alerts != NULL ? alerts->count : 0);
}

static void
draw_tabs(struct canvas *c, struct rect area, const struct scene *s)
{
	bool is_short = area.w < LAYOUT_WIDTH_NORMAL;
	size_t alerts = s->model->alerts != NULL ? s->model->alerts->count : 0;
	int x = area.x;

	for (int i = 0; i < VIEW_SCREEN_COUNT; i++) {
		bool is_current = i == (int)s->view->screen;
		char count[24] = "";

		if (i == VIEW_ALERTS && alerts > 0)
			(void)snprintf(count, sizeof(count), "!%zu", alerts);
		x += canvas_printf(c, x, area.y, area.w - x,
		    is_current             ? CANVAS_TITLE
			: count[0] != '\0' ? CANVAS_WARN
					   : CANVAS_KEY,
		    "%s%s%d%s%s%s", i > 0 && is_current ? " " : "",
		    is_current ? "[" : " ", i + 1,
		    is_short && !is_current ? "" : pane_table[i]->tab, count,
		    is_current ? "]" : "");
	}
}

static void
draw_prompt(struct canvas *c, struct rect area, const struct view *v)
{
	static const char *const marks[] = {
		[VIEW_PROMPT_NONE] = "",
		[VIEW_PROMPT_COMMAND] = ":",
		[VIEW_PROMPT_FILTER] = "/",
		[VIEW_PROMPT_WRITE] = "write to: ",
	};
	int x = area.x +
	    canvas_put(c, area.x, area.y, area.w, CANVAS_TITLE,
		marks[v->prompt]);
	const char *text = v->input;

	/* Of a long line the end is shown, where the typing is. */
	while (*text != '\0' && canvas_text_width(c, text) > area.w - x - 1)
		text++;
	x += canvas_put(c, x, area.y, area.w - x, CANVAS_NORMAL, text);
	c->cursor_x = x < area.w ? x : area.w - 1;
	c->cursor_y = area.y;
}

/* The countdown first: of a long reason the end may be cut. */
static void
draw_trouble(struct canvas *c, struct rect area, const struct scene *s)
{
	uint64_t wait_us =
	    s->link->retry_us > s->now_us ? s->link->retry_us - s->now_us : 0;
	const char *node =
	    s->model->status != NULL ? s->model->status->node : "node";

	(void)canvas_printf(c, area.x + 1, area.y, area.w - 1, CANVAS_BAD,
	    "! %s unreachable, retry in %" PRIu64 " s: %s", node,
	    (wait_us + 999999) / 1000000, s->link->error);
}

static void
draw_message(struct canvas *c, struct rect area, const struct scene *s)
{
	const struct view *v = s->view;

	if (v->prompt != VIEW_PROMPT_NONE)
		draw_prompt(c, area, v);
	else if (v->message[0] != '\0')
		(void)canvas_put(c, area.x + 1, area.y, area.w - 1,
		    v->is_message_bad ? CANVAS_BAD : CANVAS_NORMAL, v->message);
	else if (!s->link->is_up && s->link->was_asked)
		draw_trouble(c, area, s);
	else if (v->filters[v->screen].is_set)
		(void)canvas_printf(c, area.x + 1, area.y, area.w - 1,
		    CANVAS_WARN, "filter /%s  Esc clears it",
		    v->filters[v->screen].text);
}

static void
draw_keys(struct canvas *c, struct rect area, const struct scene *s)
{
	int x = area.x + 1;

	for (size_t i = 0; i < keys_count; i++) {
		const struct keys_entry *entry = &keys_table[i];
		uint32_t bit = VIEW_SCREEN_BIT(s->view->screen);
		int width = 0;

		if (entry->hint == NULL || (entry->screens & bit) == 0)
			continue;
		width = canvas_text_width(c, entry->hint);
		if (x + width > area.x + area.w)
			continue;
		(void)canvas_put(c, x, area.y, width, CANVAS_KEY, entry->hint);
		x += width + 1;
	}
}

/* Following keeps the cursor on the newest row of a live list. */
static void
follow(const struct scene *s, const struct table *t)
{
	struct table_place *place = &s->view->places[s->view->screen];

	if (!s->view->follows)
		return;
	if (s->view->screen == VIEW_LOGS)
		table_move(t, place, TABLE_ROWS_MAX);
	else if (s->view->screen == VIEW_CONSENSUS)
		table_move(t, place, -TABLE_ROWS_MAX);
}

static void
draw_list(struct canvas *c, const struct layout *l, const struct scene *s,
    const struct table *t)
{
	const struct pane *pane = pane_table[s->view->screen];
	struct rect area = l->panels[LAYOUT_LIST];
	char title[ITEM_BYTES] = "";
	char note[ITEM_BYTES] = "";

	pane->title(s, t, title, note, ITEM_BYTES);
	area = canvas_title(c, area, title, note);
	table_draw(t, c, area, &s->view->places[s->view->screen],
	    s->has_cursor);
	if (t->total > 0 && t->row_count == 0)
		(void)canvas_put(c, area.x + 1, area.y + 1, area.w - 1,
		    CANVAS_DIM, "no row matches the filter");
}

static void
draw_body(struct canvas *c, const struct layout *l, const struct scene *s,
    const struct table *t)
{
	const struct pane *pane = pane_table[s->view->screen];

	if (layout_has(l, LAYOUT_DETAIL))
		pane->detail(c, l->panels[LAYOUT_DETAIL], s, t);
	if (s->view->is_zoomed)
		return;
	if (l->divider_x > 0)
		canvas_divider(c, l->divider_x, l->body.y, l->body.h);
	if (pane->panels != NULL)
		pane->panels(c, l, s);
	draw_list(c, l, s, t);
}

void
frame_draw(struct canvas *c, const struct scene *s)
{
	struct layout l;
	struct table t;

	canvas_clear(c);
	pane_rows(&t, s);
	follow(s, &t);
	layout_solve(&l, pane_table[s->view->screen]->shape, c->width,
	    c->height, (int)t.row_count, s->view->is_zoomed);
	if (l.is_line) {
		draw_line(c, s);
		table_fini(&t);
		return;
	}
	draw_header(c, l.panels[LAYOUT_HEADER], s);
	if (layout_has(&l, LAYOUT_TABS))
		draw_tabs(c, l.panels[LAYOUT_TABS], s);
	draw_body(c, &l, s, &t);
	if (s->view->is_help)
		help_draw(c, l.body, s->view);
	draw_message(c, l.panels[LAYOUT_MESSAGE], s);
	draw_keys(c, l.panels[LAYOUT_KEYS], s);
	table_fini(&t);
}

int
frame_full_height(const struct scene *s)
{
	struct table t;
	int height = 24;

	pane_rows(&t, s);
	if ((int)t.row_count + 20 > height)
		height = (int)t.row_count + 20;
	table_fini(&t);
	return height;
}
