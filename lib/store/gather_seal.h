/*
 * Parts as they are kept in the file: the values of entries sealed, as the
 * tables that are made of them have them.
 *
 * FORMAT   Of a part that is entries, with a keyring: its first byte, then for
 *          each entry [key, version, created, modified, length, stored] with
 *          what store/sealed_value.h makes of the value.  What part_check()
 *          judges comes out of it again, byte for byte.  Other parts, and all
 *          without a keyring, are kept as they are.
 */
#ifndef AEGIS_STORE_GATHER_SEAL_H
#define AEGIS_STORE_GATHER_SEAL_H

#include "store/gather_parts.h"

/* No part becomes longer than so many times what it was at most. */
#define GATHER_SEAL_BYTES_MAX (PART_BYTES_MAX * 8)

/* What to write of contents that are right, borrowed from them or gather. */
enum ag_status gather_seal(struct gather *gather, struct bytes contents,
    struct bytes *stored, struct ag_error *err) AG_MUST_USE;

/*
 * What was read into gather->stored, as it was, into gather->contents.
 * AG_ECORRUPT  it is damaged, or of another keyring
 */
enum ag_status gather_unseal(struct gather *gather,
    struct ag_error *err) AG_MUST_USE;

/* The next entry of such a part: its value is as stored, of len bytes. */
void gather_seal_take(struct decoder *d, struct store_entry *entry,
    uint64_t *len);

#endif
