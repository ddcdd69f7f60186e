/*
 * The terminal: the only part that knows curses.
 *
 * Ownership  one at a time; screen_open() takes the terminal, screen_close()
 *            gives it back as it was.
 * Threads    the drawing thread's alone; screen_restore() is safe in signal
 *            handlers.
 */
#ifndef AEGIS_TUI_SCREEN_H
#define AEGIS_TUI_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "tui/canvas.h"

struct screen;

/*
 * Take over standard input and output.  AG_EINVAL when they are no terminal
 * or TERM can not place a cursor; err says what to do instead.
 */
enum ag_status screen_open(struct screen **out, bool has_color,
    struct ag_error *err) AG_MUST_USE;
void screen_close(struct screen *screen);

void screen_size(const struct screen *screen, int *width, int *height);

/* Take the terminal's size anew, after it changed. */
void screen_resize(struct screen *screen);

/* Show c, sending only what differs from what is shown. */
void screen_show(struct screen *screen, const struct canvas *c);

/* Forget what is shown, so that the next show sends everything. */
void screen_forget(struct screen *screen);

void screen_set_color(struct screen *screen, bool has_color);

/* The next key typed, false when there is none now. */
bool screen_key(struct screen *screen, uint32_t *code);

/* Stop this process as Ctrl-Z does; returns when it is continued. */
void screen_suspend(struct screen *screen);

/* Ask the terminal to put text on the clipboard (OSC 52). */
void screen_copy(struct screen *screen, const char *text);

#endif
