/*
 * Proving a key of a pinned state to whoever was not there: everything of
 * trust/presence.h but scope and certificate, which the pin does not know.
 */
#ifndef AEGIS_STORE_STORE_PROOF_H
#define AEGIS_STORE_STORE_PROOF_H

#include "base/bytes.h"
#include "base/status.h"
#include "store/store.h"
#include "trust/presence.h"

/* The entry goes to entry, whose max is PRESENCE_ENTRY_BYTES_MAX, and is
 * borrowed from there; none when the key is absent. */
enum ag_status store_proof_make(struct presence *presence,
    struct store_pin *pin, struct bytes key, struct buf *entry,
    struct ag_error *err) AG_MUST_USE;

#endif
