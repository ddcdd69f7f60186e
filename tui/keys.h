/*
 * What every key does, in one table: the dispatcher, the key row and the
 * help overlay all read it.
 */
#ifndef AEGIS_TUI_KEYS_H
#define AEGIS_TUI_KEYS_H

#include <stddef.h>
#include <stdint.h>

/* Keys without a character, above all of Unicode. */
enum keys_code {
	KEYS_UP = 0x110000,
	KEYS_DOWN,
	KEYS_LEFT,
	KEYS_RIGHT,
	KEYS_HOME,
	KEYS_END,
	KEYS_PAGE_UP,
	KEYS_PAGE_DOWN,
	KEYS_BACK_TAB,
	KEYS_BACKSPACE,
	KEYS_F1,
	KEYS_F5,
	KEYS_F10,
};

#define KEYS_CONTROL(letter) ((letter)&0x1F)
#define KEYS_ESCAPE 0x1B
#define KEYS_ENTER '\r'
#define KEYS_TAB '\t'

enum keys_action {
	KEYS_NONE,
	KEYS_SCREEN, /* a digit: which one is the digit's value */
	KEYS_NEXT_SCREEN,
	KEYS_PREVIOUS_SCREEN,
	KEYS_MOVE_DOWN,
	KEYS_MOVE_UP,
	KEYS_MOVE_PAGE_DOWN,
	KEYS_MOVE_PAGE_UP,
	KEYS_MOVE_FIRST,
	KEYS_MOVE_LAST,
	KEYS_SHIFT_LEFT,
	KEYS_SHIFT_RIGHT,
	KEYS_OPEN,
	KEYS_CLOSE,
	KEYS_BACK_OR_QUIT,
	KEYS_QUIT,
	KEYS_HELP,
	KEYS_COMMAND,
	KEYS_FILTER,
	KEYS_SORT,
	KEYS_SORT_REVERSE,
	KEYS_PAUSE,
	KEYS_FASTER,
	KEYS_SLOWER,
	KEYS_COPY,
	KEYS_WRITE,
	KEYS_REFETCH,
	KEYS_REDRAW,
	KEYS_SUSPEND,
	KEYS_FOLLOW,
	KEYS_NEXT_ERROR,
	KEYS_PREVIOUS_ERROR,
};

#define KEYS_PER_ENTRY 9
#define KEYS_ALL_SCREENS 0xFFFFFFFFU

struct keys_entry {
	enum keys_action action;
	uint32_t screens;               /* bits of enum view_screen */
	uint32_t codes[KEYS_PER_ENTRY]; /* ends with 0 when not full */
	const char *label;              /* as help names them */
	const char *help;
	const char *hint; /* for the key row, or NULL */
};

extern const struct keys_entry keys_table[];
extern const size_t keys_count;

/* The action of a key on a screen, KEYS_NONE when it has none. */
enum keys_action keys_find(uint32_t code, unsigned screen);

#endif
