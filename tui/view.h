/*
 * What the operator looks at: screen, selection, filter, pause, prompt.
 *
 * Ownership  the caller's storage; view_fini() returns compiled filters.
 * Threads    the drawing thread's alone.
 */
#ifndef AEGIS_TUI_VIEW_H
#define AEGIS_TUI_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "tui/table.h"

enum view_screen {
	VIEW_OVERVIEW,
	VIEW_NODES,
	VIEW_CONSENSUS,
	VIEW_ALERTS,
	VIEW_LOGS,
	VIEW_SCREEN_COUNT
};

#define VIEW_SCREEN_BIT(screen) (UINT32_C(1) << (screen))

/* How often the node is asked. */
#define VIEW_INTERVAL_MIN_MS 250
#define VIEW_INTERVAL_MAX_MS 60000
#define VIEW_INTERVAL_MS 1000

#define VIEW_PROMPT_BYTES 256
#define VIEW_HISTORY 16

enum view_prompt {
	VIEW_PROMPT_NONE,
	VIEW_PROMPT_COMMAND,
	VIEW_PROMPT_FILTER,
	VIEW_PROMPT_WRITE,
};

/* What the main loop must do that a view can not. */
enum view_request {
	VIEW_WANTS_NOTHING,
	VIEW_WANTS_QUIT,
	VIEW_WANTS_COPY,
	VIEW_WANTS_WRITE,
	VIEW_WANTS_REFETCH,
	VIEW_WANTS_REDRAW,
	VIEW_WANTS_SUSPEND,
	VIEW_WANTS_THEME,
};

struct view {
	enum view_screen screen;
	struct table_place places[VIEW_SCREEN_COUNT];
	struct table_filter filters[VIEW_SCREEN_COUNT];
	bool is_zoomed;
	bool is_help;
	int help_top;
	bool is_paused;
	uint64_t paused_us;
	uint64_t interval_ms;
	bool follows; /* logs and rounds stay at the newest */
	enum view_prompt prompt;
	char input[VIEW_PROMPT_BYTES];
	char past[VIEW_HISTORY][VIEW_PROMPT_BYTES];
	size_t past_count;
	size_t past_at;
	char message[VIEW_PROMPT_BYTES];
	bool is_message_bad;
	char theme[16];
	char path[VIEW_PROMPT_BYTES]; /* of VIEW_WANTS_WRITE */
};

void view_init(struct view *v);
void view_fini(struct view *v);

/* "overview" .. "logs"; VIEW_SCREEN_COUNT when name is none of them. */
enum view_screen view_screen_find(const char *name);
const char *view_screen_name(enum view_screen screen);

void view_say(struct view *v, bool is_bad, const char *fmt, ...)
    AG_PRINTF(3, 4);

/*
 * Take a key.  rows is the table of the current screen, as drawn, which the
 * cursor moves over.
 */
enum view_request view_key(struct view *v, uint32_t code,
    const struct table *rows, uint64_t now_us);

#endif
