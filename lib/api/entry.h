/*
 * Stored entries as JSON, the same wherever the API shows one.
 */
#ifndef AEGIS_API_ENTRY_H
#define AEGIS_API_ENTRY_H

#include "api/emit.h"
#include "api/exchange.h"
#include "node/node.h"

/* The members of an entry's object, without its braces. */
void entry_emit(struct emitter *e, const struct node_entry *entry,
    bool with_value);

/* The range that holds exactly key, or every key that begins with it. */
void entry_range_of_key(struct key_range *range);
void entry_range_of_prefix(struct key_range *range);

#endif
