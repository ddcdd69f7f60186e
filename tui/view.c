/*
 * What the operator looks at, and what keys do to it.
 *
 * STATES   list -> detail (Enter) -> list (Esc, q); help and the prompt lie
 *          over either and take the keys while they are open.
 *
 * RULES    1. Pure: nothing here reads a clock, a terminal or a socket; what
 *             the view can not do itself it returns as a request.
 *          2. Esc closes the topmost thing and never quits.
 *          3. Typing in a prompt triggers no key of the table.
 *
 * NOT HERE The key table (keys.c), the command line's words (command.c).
 */
#include "tui/view.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tui/clean.h"
#include "tui/command.h"
#include "tui/keys.h"

#define SHIFT_STEP 8

static const char *const screen_names[VIEW_SCREEN_COUNT] = {
	[VIEW_OVERVIEW] = "overview",
	[VIEW_NODES] = "nodes",
	[VIEW_CONSENSUS] = "consensus",
	[VIEW_ALERTS] = "alerts",
	[VIEW_LOGS] = "logs",
};

void
view_init(struct view *v)
{
	memset(v, 0, sizeof(*v));
	v->interval_ms = VIEW_INTERVAL_MS;
	v->follows = true;
	for (int i = 0; i < VIEW_SCREEN_COUNT; i++)
		v->places[i].sort = -1;
}

void
view_fini(struct view *v)
{
	for (int i = 0; i < VIEW_SCREEN_COUNT; i++)
		table_filter_clear(&v->filters[i]);
}

enum view_screen
view_screen_find(const char *name)
{
	int i = 0;

	while (i < VIEW_SCREEN_COUNT && strcmp(screen_names[i], name) != 0)
		i++;
	return (enum view_screen)i;
}

const char *
view_screen_name(enum view_screen screen)
{
	return screen_names[screen];
}

void
view_say(struct view *v, bool is_bad, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(v->message, sizeof(v->message), fmt, ap);
	va_end(ap);
	v->is_message_bad = is_bad;
}

static void
go_to(struct view *v, int screen)
{
	v->screen = (enum view_screen)(
	    (screen + VIEW_SCREEN_COUNT) % VIEW_SCREEN_COUNT);
	v->is_zoomed = false;
}

/* Close the topmost thing; false when there was none. */
static bool
close_one(struct view *v)
{
	if (v->is_help)
		v->is_help = false;
	else if (v->is_zoomed)
		v->is_zoomed = false;
	else if (v->filters[v->screen].is_set)
		table_filter_clear(&v->filters[v->screen]);
	else
		return false;
	return true;
}

static void
move(struct view *v, const struct table *rows, enum keys_action action)
{
	struct table_place *place = &v->places[v->screen];
	long page = place->page > 1 ? (long)place->page - 1 : 1;
	long delta = 0;

	switch ((int)action) {
	case KEYS_MOVE_DOWN:
		delta = 1;
		break;
	case KEYS_MOVE_UP:
		delta = -1;
		break;
	case KEYS_MOVE_PAGE_DOWN:
		delta = page;
		break;
	case KEYS_MOVE_PAGE_UP:
		delta = -page;
		break;
	case KEYS_MOVE_FIRST:
		delta = -TABLE_ROWS_MAX;
		break;
	default:
		delta = TABLE_ROWS_MAX;
		break;
	}
	if (v->is_help) {
		v->help_top += (int)delta;
		return;
	}
	v->follows = false;
	table_move(rows, place, delta);
}

/* Log rows of level warn and error carry a value in their first cell. */
static void
seek_error(struct view *v, const struct table *rows, long step)
{
	struct table_place *place = &v->places[v->screen];
	size_t at = table_select(rows, place);

	if (at == SIZE_MAX)
		return;
	for (long i = (long)at + step; i >= 0 && i < (long)rows->row_count;
	     i += step) {
		if (rows->rows[i].cells[0].value > 0) {
			v->follows = false;
			table_move(rows, place, i - (long)at);
			return;
		}
	}
	view_say(v, false, "no %s warning or error",
	    step > 0 ? "further" : "earlier");
}

static void
sort_next(struct view *v, const struct table *rows)
{
	struct table_place *place = &v->places[v->screen];

	place->sort++;
	if (place->sort >= (int)rows->column_count)
		place->sort = -1;
	if (place->sort < 0)
		view_say(v, false, "sorted as the node lists them");
	else
		view_say(v, false, "sorted by %s",
		    rows->columns[place->sort].title);
}

static void
change_interval(struct view *v, bool is_faster)
{
	static const uint64_t steps[] = { 250, 500, 1000, 2000, 5000, 10000,
		30000, 60000 };
	size_t count = sizeof(steps) / sizeof(steps[0]);
	size_t at = 0;

	while (at + 1 < count && steps[at] < v->interval_ms)
		at++;
	if (is_faster && at > 0)
		at--;
	else if (!is_faster && at + 1 < count)
		at++;
	v->interval_ms = steps[at];
	view_say(v, false, "asking every %" PRIu64 " ms", v->interval_ms);
}

static void
open_prompt(struct view *v, enum view_prompt prompt, const char *text)
{
	v->prompt = prompt;
	v->past_at = v->past_count;
	v->message[0] = '\0';
	(void)snprintf(v->input, sizeof(v->input), "%s", text);
}

static void
open_write(struct view *v)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "aegis-%s.txt",
	    screen_names[v->screen]);
	open_prompt(v, VIEW_PROMPT_WRITE, name);
}

static void
toggle_pause(struct view *v, uint64_t now_us)
{
	v->is_paused = !v->is_paused;
	v->paused_us = now_us;
}

static void
shift(struct view *v, int delta)
{
	struct table_place *place = &v->places[v->screen];

	place->shift += delta;
	if (place->shift < 0)
		place->shift = 0;
	if (place->shift > TABLE_CELL_BYTES)
		place->shift = TABLE_CELL_BYTES;
}

/* Actions that leave the view for the main loop to act on. */
static enum view_request
request_of(enum keys_action action)
{
	switch ((int)action) {
	case KEYS_QUIT:
		return VIEW_WANTS_QUIT;
	case KEYS_COPY:
		return VIEW_WANTS_COPY;
	case KEYS_REFETCH:
		return VIEW_WANTS_REFETCH;
	case KEYS_REDRAW:
		return VIEW_WANTS_REDRAW;
	case KEYS_SUSPEND:
		return VIEW_WANTS_SUSPEND;
	default:
		return VIEW_WANTS_NOTHING;
	}
}

static enum view_request
act(struct view *v, enum keys_action action, uint32_t code,
    const struct table *rows, uint64_t now_us)
{
	switch (action) {
	case KEYS_SCREEN:
		go_to(v, (int)(code - '1'));
		break;
	case KEYS_NEXT_SCREEN:
		go_to(v, (int)v->screen + 1);
		break;
	case KEYS_PREVIOUS_SCREEN:
		go_to(v, (int)v->screen - 1);
		break;
	case KEYS_MOVE_DOWN:
	case KEYS_MOVE_UP:
	case KEYS_MOVE_PAGE_DOWN:
	case KEYS_MOVE_PAGE_UP:
	case KEYS_MOVE_FIRST:
	case KEYS_MOVE_LAST:
		move(v, rows, action);
		break;
	case KEYS_SHIFT_LEFT:
		shift(v, -SHIFT_STEP);
		break;
	case KEYS_SHIFT_RIGHT:
		shift(v, SHIFT_STEP);
		break;
	case KEYS_OPEN:
		v->is_zoomed = rows->row_count > 0;
		break;
	case KEYS_CLOSE:
		(void)close_one(v);
		break;
	case KEYS_BACK_OR_QUIT:
		return close_one(v) ? VIEW_WANTS_NOTHING : VIEW_WANTS_QUIT;
	case KEYS_HELP:
		v->is_help = !v->is_help;
		v->help_top = 0;
		break;
	case KEYS_COMMAND:
		open_prompt(v, VIEW_PROMPT_COMMAND, "");
		break;
	case KEYS_FILTER:
		open_prompt(v, VIEW_PROMPT_FILTER, v->filters[v->screen].text);
		break;
	case KEYS_SORT:
		sort_next(v, rows);
		break;
	case KEYS_SORT_REVERSE:
		v->places[v->screen].is_reversed =
		    !v->places[v->screen].is_reversed;
		break;
	case KEYS_PAUSE:
		toggle_pause(v, now_us);
		break;
	case KEYS_FASTER:
	case KEYS_SLOWER:
		change_interval(v, action == KEYS_FASTER);
		break;
	case KEYS_WRITE:
		open_write(v);
		break;
	case KEYS_FOLLOW:
		v->follows = !v->follows;
		break;
	case KEYS_NEXT_ERROR:
		seek_error(v, rows, 1);
		break;
	case KEYS_PREVIOUS_ERROR:
		seek_error(v, rows, -1);
		break;
	case KEYS_NONE:
	case KEYS_QUIT:
	case KEYS_COPY:
	case KEYS_REFETCH:
	case KEYS_REDRAW:
	case KEYS_SUSPEND:
	default:
		return request_of(action);
	}
	return VIEW_WANTS_NOTHING;
}

static void
remember_input(struct view *v)
{
	if (v->past_count == VIEW_HISTORY) {
		memmove(v->past[0], v->past[1],
		    (VIEW_HISTORY - 1) * sizeof(v->past[0]));
		v->past_count--;
	}
	memcpy(v->past[v->past_count++], v->input, sizeof(v->input));
}

static enum view_request
accept(struct view *v)
{
	enum view_prompt prompt = v->prompt;
	struct ag_error err;

	v->prompt = VIEW_PROMPT_NONE;
	if (prompt == VIEW_PROMPT_FILTER) {
		if (table_filter_set(&v->filters[v->screen], v->input, &err) !=
		    AG_OK)
			view_say(v, true, "%s", err.text);
		return VIEW_WANTS_NOTHING;
	}
	if (v->input[0] == '\0')
		return VIEW_WANTS_NOTHING;
	if (prompt == VIEW_PROMPT_WRITE) {
		memcpy(v->path, v->input, sizeof(v->path));
		return VIEW_WANTS_WRITE;
	}
	remember_input(v);
	return command_run(v, v->input);
}

/* Step through earlier commands; past the newest is an empty line. */
static void
recall(struct view *v, bool is_older)
{
	if (v->prompt != VIEW_PROMPT_COMMAND)
		return;
	if (is_older && v->past_at > 0)
		v->past_at--;
	else if (!is_older && v->past_at < v->past_count)
		v->past_at++;
	if (v->past_at == v->past_count)
		v->input[0] = '\0';
	else
		memcpy(v->input, v->past[v->past_at], sizeof(v->input));
}

static void
erase_glyph(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && ((unsigned char)text[len - 1] & 0xC0) == 0x80)
		len--;
	text[len > 0 ? len - 1 : 0] = '\0';
}

static void
type_glyph(struct view *v, uint32_t code)
{
	size_t len = strlen(v->input);
	char text[8];
	size_t add = 0;

	if (code < 0x20 || code == 0x7F || code > 0x10FFFF)
		return;
	add = clean_encode(text, code);
	if (len + add >= sizeof(v->input))
		return;
	memcpy(v->input + len, text, add);
	v->input[len + add] = '\0';
}

static enum view_request
prompt_key(struct view *v, uint32_t code)
{
	switch (code) {
	case KEYS_ENTER:
	case '\n':
		return accept(v);
	case KEYS_ESCAPE:
	case KEYS_CONTROL('c'):
		v->prompt = VIEW_PROMPT_NONE;
		break;
	case KEYS_BACKSPACE:
	case KEYS_CONTROL('h'):
	case 0x7F:
		erase_glyph(v->input);
		break;
	case KEYS_CONTROL('u'):
		v->input[0] = '\0';
		break;
	case KEYS_TAB:
		if (v->prompt == VIEW_PROMPT_COMMAND)
			command_complete(v->input, sizeof(v->input));
		break;
	case KEYS_UP:
	case KEYS_DOWN:
		recall(v, code == KEYS_UP);
		break;
	default:
		type_glyph(v, code);
		break;
	}
	return VIEW_WANTS_NOTHING;
}

enum view_request
view_key(struct view *v, uint32_t code, const struct table *rows,
    uint64_t now_us)
{
	if (v->prompt != VIEW_PROMPT_NONE)
		return prompt_key(v, code);
	v->message[0] = '\0';
	return act(v, keys_find(code, v->screen), code, rows, now_us);
}
