/*
 * What every key does, in one table.
 *
 * RULES    1. A key has one meaning on a screen (tested).
 *          2. Nothing here changes the cluster: the dashboard only reads.
 *          3. Letters and arrows both move; Esc never quits.
 */
#include "tui/keys.h"

#include "tui/view.h"

#define LOGS VIEW_SCREEN_BIT(VIEW_LOGS)
#define FOLLOWED (LOGS | VIEW_SCREEN_BIT(VIEW_CONSENSUS))
#define ALL KEYS_ALL_SCREENS

const struct keys_entry keys_table[] = {
	{ KEYS_HELP, ALL, { '?', KEYS_F1 }, "? F1", "this help", "?help" },
	{ KEYS_COMMAND, ALL, { ':' }, ":", "command line", ":cmd" },
	{ KEYS_FILTER, ALL, { '/' }, "/", "filter (regex, !not)", "/filter" },
	{ KEYS_BACK_OR_QUIT, ALL, { 'q' }, "q", "back, then quit", "q quit" },
	{ KEYS_NEXT_SCREEN, ALL, { KEYS_TAB }, "Tab", "next screen",
	    "Tab next" },
	{ KEYS_PREVIOUS_SCREEN, ALL, { KEYS_BACK_TAB }, "S-Tab",
	    "previous screen", NULL },
	{ KEYS_SCREEN, ALL, { '1', '2', '3', '4', '5' }, "1..5", "go to screen",
	    NULL },
	{ KEYS_OPEN, ALL, { KEYS_ENTER, '\n' }, "Enter", "open the detail",
	    "Enter open" },
	{ KEYS_CLOSE, ALL, { KEYS_ESCAPE }, "Esc", "close, clear the filter",
	    NULL },
	{ KEYS_MOVE_DOWN, ALL, { 'j', KEYS_DOWN }, "j Down", "move down",
	    NULL },
	{ KEYS_MOVE_UP, ALL, { 'k', KEYS_UP }, "k Up", "move up", NULL },
	{ KEYS_MOVE_PAGE_DOWN, ALL, { KEYS_PAGE_DOWN, KEYS_CONTROL('d') },
	    "PgDn C-d", "page down", NULL },
	{ KEYS_MOVE_PAGE_UP, ALL, { KEYS_PAGE_UP, KEYS_CONTROL('u') },
	    "PgUp C-u", "page up", NULL },
	{ KEYS_MOVE_FIRST, ALL, { 'g', KEYS_HOME }, "g Home", "first row",
	    NULL },
	{ KEYS_MOVE_LAST, ALL, { 'G', KEYS_END }, "G End", "last row", NULL },
	{ KEYS_SHIFT_LEFT, ALL, { 'h', KEYS_LEFT }, "h Left",
	    "last column left", NULL },
	{ KEYS_SHIFT_RIGHT, ALL, { 'l', KEYS_RIGHT }, "l Right",
	    "last column right", NULL },
	{ KEYS_SORT, ALL, { 's' }, "s", "sort by the next column", "s sort" },
	{ KEYS_SORT_REVERSE, ALL, { 'S' }, "S", "sort the other way", NULL },
	{ KEYS_PAUSE, ALL, { 'p' }, "p", "pause, go on", "p pause" },
	{ KEYS_FASTER, ALL, { '+' }, "+", "ask more often", NULL },
	{ KEYS_SLOWER, ALL, { '-' }, "-", "ask less often", NULL },
	{ KEYS_FOLLOW, FOLLOWED, { 'f' }, "f", "follow the newest",
	    "f follow" },
	{ KEYS_NEXT_ERROR, LOGS, { 'e' }, "e", "next warning or error",
	    "e/E error" },
	{ KEYS_PREVIOUS_ERROR, LOGS, { 'E' }, "E", "previous warning or error",
	    NULL },
	{ KEYS_COPY, ALL, { 'y' }, "y", "copy the row (OSC 52)", "y copy" },
	{ KEYS_WRITE, ALL, { 'w' }, "w", "write to a file", "w write" },
	{ KEYS_REFETCH, ALL, { KEYS_F5 }, "F5", "ask the node now", NULL },
	{ KEYS_REDRAW, ALL, { KEYS_CONTROL('l') }, "C-l", "redraw", NULL },
	{ KEYS_SUSPEND, ALL, { KEYS_CONTROL('z') }, "C-z", "suspend", NULL },
	{ KEYS_QUIT, ALL, { KEYS_F10, KEYS_CONTROL('c') }, "F10 C-c", "quit",
	    NULL },
};

const size_t keys_count = sizeof(keys_table) / sizeof(keys_table[0]);

enum keys_action
keys_find(uint32_t code, unsigned screen)
{
	for (size_t i = 0; i < keys_count; i++) {
		const struct keys_entry *entry = &keys_table[i];

		if ((entry->screens & VIEW_SCREEN_BIT(screen)) == 0)
			continue;
		for (size_t k = 0; k < KEYS_PER_ENTRY; k++)
			if (entry->codes[k] != 0 && entry->codes[k] == code)
				return entry->action;
	}
	return KEYS_NONE;
}
