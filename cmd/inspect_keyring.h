/*
 * The keyring of a dead node, to read its log with.
 */
#ifndef AEGIS_CMD_INSPECT_KEYRING_H
#define AEGIS_CMD_INSPECT_KEYRING_H

#include "base/status.h"
#include "cmd/applet.h"

struct keyring;

/*
 * Of the data directory dir, opened as the options say and not to be changed;
 * NULL when there is none.  The caller closes it.
 */
enum ag_status inspect_keyring_open(struct keyring **out,
    const struct applet_call *call, const char *dir,
    struct ag_error *err) AG_MUST_USE;

#endif
