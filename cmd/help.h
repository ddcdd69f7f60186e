/*
 * Help, as the tables tell it: usage, lists, and the dump that completions
 * and the manual's lint read.
 */
#ifndef AEGIS_CMD_HELP_H
#define AEGIS_CMD_HELP_H

#include <stdio.h>

#include "cmd/applet.h"

/* command may be NULL: the applet's own help.  At most 80 columns. */
void help_print(FILE *stream, const struct applet *applet,
    const struct applet_command *command);

/* What `aegis` alone shows. */
void help_print_all(FILE *stream);

/* cmd TAB sub TAB short TAB long TAB arg, a line an option; "-" for none. */
void help_dump_options(FILE *stream);

/* Options of the binary itself, before any applet's name. */
extern const struct applet_option help_main_options[];

#endif
