/*
 * Which of keygen's options its commands have a use for.
 */
#ifndef AEGIS_CMD_KEYGEN_OPTIONS_H
#define AEGIS_CMD_KEYGEN_OPTIONS_H

#include <stdbool.h>

#include "cmd/applet.h"

/* False, after a word of usage, when the command was given another. */
bool keygen_options_fit(const struct applet_call *call);

#endif
