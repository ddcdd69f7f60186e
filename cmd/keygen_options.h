/*
 * Which of keygen's options its commands have a use for.
 */
#ifndef AEGIS_CMD_KEYGEN_OPTIONS_H
#define AEGIS_CMD_KEYGEN_OPTIONS_H

#include <stdbool.h>

#include "cmd/applet.h"
#include "crypto/key_format.h"

/* False, after a word of usage, when the command was given another. */
bool keygen_options_fit(const struct applet_call *call);

/* What --work says, which only format sealed has.  AG_EINVAL. */
enum ag_status keygen_options_work(enum work_level *out,
    const struct applet_call *call, enum key_format format,
    struct ag_error *err) AG_MUST_USE;

#endif
