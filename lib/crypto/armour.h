/*
 * Armour: binary keys as lines of text between BEGIN and END.
 *
 * FORMAT   "-----BEGIN " label "-----" newline | base64 in lines | "-----END "
 *          label "-----" newline; a CR may stand before each newline
 *
 * Ownership  what is handed out is the caller's to secret_free().
 * Threads    no shared state.
 */
#ifndef AEGIS_CRYPTO_ARMOUR_H
#define AEGIS_CRYPTO_ARMOUR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/secret.h"

/* Does text begin with that label's first line? */
bool armour_has(struct bytes text, const char *label);

/*
 * What is inside, which is not empty.  name is what errors call the key.
 * AG_EINVAL  another label, cut short, not base64, or something follows
 */
enum ag_status armour_take_off(struct secret **out, struct bytes text,
    const char *label, const char *name, struct ag_error *err) AG_MUST_USE;

/* In lines of so many columns.  NULL when memory is refused. */
struct secret *armour_put_on(struct bytes raw, const char *label,
    size_t columns);

#endif
