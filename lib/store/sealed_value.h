/*
 * Values as they are stored: compressed where that helps, and sealed.
 *
 * FORMAT   A record of the keyring (keyring/keyring.h), for values, of the
 *          value or of its zstd frame, whichever is shorter: beside it stands
 *          how long the value is, and what is as long is the value itself.
 *          context  version (u64 little-endian) | length (u32) | key
 *
 *          So a value opens in its own place only: not another's, and not
 *          its own of before.  How long it is can be seen, and how well it
 *          can be compressed.
 *
 * Without a keyring, values are stored as they are.
 *
 * Ownership  sealed_value_new() hands out, sealed_value_free() takes back.
 * Threads    one at a time for each; as many as one likes for a keyring.
 */
#ifndef AEGIS_STORE_SEALED_VALUE_H
#define AEGIS_STORE_SEALED_VALUE_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

struct keyring;
struct sealed_value;

/* keyring is borrowed; NULL: none.  NULL when memory is refused. */
struct sealed_value *sealed_value_new(struct keyring *keyring);
void sealed_value_free(struct sealed_value *sealer);

/* What to store, borrowed until the next call. */
enum ag_status sealed_value_seal(struct sealed_value *sealer, struct bytes key,
    uint64_t version, struct bytes value, struct bytes *stored,
    struct ag_error *err) AG_MUST_USE;

/*
 * What to store in the place of stored, a value of len bytes, for it to be
 * sealed with the present epoch's key: the same content, borrowed likewise.
 * AG_ECORRUPT as below.
 */
enum ag_status sealed_value_renew(struct sealed_value *sealer, struct bytes key,
    uint64_t version, uint64_t len, struct bytes stored, struct bytes *renewed,
    struct ag_error *err) AG_MUST_USE;

/*
 * The value of len bytes that was stored, borrowed until the next call.
 * AG_ECORRUPT  it is not this key's of that version, or damaged
 */
enum ag_status sealed_value_open(struct sealed_value *sealer, struct bytes key,
    uint64_t version, uint64_t len, struct bytes stored, struct bytes *value,
    struct ag_error *err) AG_MUST_USE;

#endif
