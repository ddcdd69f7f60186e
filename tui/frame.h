/*
 * A whole frame: chrome, the current screen, overlays.  Pure.
 */
#ifndef AEGIS_TUI_FRAME_H
#define AEGIS_TUI_FRAME_H

#include "tui/pane.h"

/* Draw what scene says on c, which is cleared first. */
void frame_draw(struct canvas *c, const struct scene *s);

/* The height at which the current screen shows every row of its list. */
int frame_full_height(const struct scene *s);

#endif
