/*
 * The command line behind ':'.
 */
#ifndef AEGIS_TUI_COMMAND_H
#define AEGIS_TUI_COMMAND_H

#include <stddef.h>

#include "tui/view.h"

/* Run a line; what is wrong with it becomes the view's message. */
enum view_request command_run(struct view *v, const char *line);

/* Extend line to the one command, or the part all commands share. */
void command_complete(char *line, size_t cap);

#endif
