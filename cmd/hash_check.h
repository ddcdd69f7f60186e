/*
 * aegis hash -c: are files still what a check file says?
 */
#ifndef AEGIS_CMD_HASH_CHECK_H
#define AEGIS_CMD_HASH_CHECK_H

#include "cmd/applet.h"
#include "crypto/checksum.h"

/*
 * Check what the operands (or standard input) list.  Lines without a tag
 * are of kind; is_strict: tagged ones must be, too.
 */
int hash_check(const struct applet_call *call, struct checksum_kind kind,
    bool is_strict);

#define HASH_STANDARD_INPUT "standard input"

/* Hash one file, "-" being standard input. */
enum ag_status hash_file(const char *path, struct checksum_kind kind,
    enum algorithm_provider provider, uint8_t digest[static HASH_BYTES_MAX],
    uint64_t *len, struct ag_error *err) AG_MUST_USE;

#endif
