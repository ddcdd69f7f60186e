/*
 * Private keys from one format or passphrase to another.
 */
#ifndef AEGIS_CMD_KEYGEN_CONVERT_H
#define AEGIS_CMD_KEYGEN_CONVERT_H

#include "cmd/applet.h"
#include "crypto/key_format.h"

/*
 * Write a key to path and its public half to path.pub, or the key alone to
 * standard output ("-").  AG_EEXIST unless --force.
 */
enum ag_status keygen_convert_put(const struct applet_call *call,
    const struct private_key *key, enum key_format format,
    const struct secret *passphrase, enum work_level work, const char *path,
    struct ag_error *err) AG_MUST_USE;

/* Commands. */
int keygen_convert(struct applet_call *call);
int keygen_convert_passphrase(struct applet_call *call);

extern const struct applet_option keygen_convert_options[];

#endif
