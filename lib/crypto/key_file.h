/*
 * Key pairs as two files: the private half, and the public one beside it.
 */
#ifndef AEGIS_CRYPTO_KEY_FILE_H
#define AEGIS_CRYPTO_KEY_FILE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/status.h"

/*
 * Write the private half to path (0600) and the public one to path.pub.
 * Without overwrite, AG_EEXIST when either is there, and nothing is done.
 */
enum ag_status key_file_save(struct bytes private_text,
    struct bytes public_text, const char *path, bool overwrite,
    struct ag_error *err) AG_MUST_USE;

#endif
