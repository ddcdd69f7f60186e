/*
 * What is shown of keys: of files, and of those just made.
 */
#ifndef AEGIS_CMD_KEYGEN_SHOW_H
#define AEGIS_CMD_KEYGEN_SHOW_H

#include "cmd/applet.h"
#include "crypto/private_key.h"

/* A key made or written to path: on stdout, unless path is "-". */
enum ag_status keygen_show_made(const struct applet_call *call,
    const struct private_key *key, const char *format, const char *path,
    struct ag_error *err) AG_MUST_USE;

/* Commands. */
int keygen_show(struct applet_call *call);
int keygen_show_check(struct applet_call *call);
int keygen_show_public(struct applet_call *call);

extern const struct applet_option keygen_show_public_options[];

#endif
