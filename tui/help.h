/*
 * The help overlay, made from the key table.
 */
#ifndef AEGIS_TUI_HELP_H
#define AEGIS_TUI_HELP_H

#include "tui/canvas.h"
#include "tui/view.h"

/* Draw over body; scrolls by the view's help_top, which is clamped. */
void help_draw(struct canvas *c, struct rect body, struct view *v);

#endif
