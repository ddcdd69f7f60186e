/*
 * aegis crypt decrypt, and what rewrap does like it.
 */
#ifndef AEGIS_CMD_CRYPT_DECRYPT_H
#define AEGIS_CMD_CRYPT_DECRYPT_H

#include "cmd/applet.h"
#include "cmd/crypt_file.h"
#include "crypto/age_input.h"

extern const struct applet_option crypt_decrypt_options[];

int crypt_decrypt(struct applet_call *call);

/* Open what the options can open; else the exit code, and it was told. */
int crypt_open_input(struct age_input **in, const struct applet_call *call,
    struct crypt_source *from);

/* How it went from there on, in one sentence whatever kept it from opening. */
int crypt_tell(const struct applet_call *call, const char *name,
    enum ag_status status, const struct ag_error *err);

#endif
