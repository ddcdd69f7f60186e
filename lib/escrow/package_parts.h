/*
 * What reading and making packages share.
 */
#ifndef AEGIS_ESCROW_PACKAGE_PARTS_H
#define AEGIS_ESCROW_PACKAGE_PARTS_H

#include "escrow/package.h"

#define PACKAGE_MAGIC "aegis-escrow-package"
#define PACKAGE_VERSION 1

/* A set of the first so many. */
uint32_t package_parts_first(uint32_t count);

/* Digests that proofs and the payload are bound to, of the raw parts. */
void package_parts_bind(struct package *package);
void package_parts_bind_next(struct digest *out, const struct digest *before,
    struct bytes part);

/* Of the payload, which tells of damage. */
void package_parts_checksum(struct digest *out, const struct package *package,
    const uint8_t commitment[static SEAL_KEY_BYTES], struct bytes sealed);

#endif
