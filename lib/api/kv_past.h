/*
 * Reads of the past: at a sequence, for kv.c.
 */
#ifndef AEGIS_API_KV_PAST_H
#define AEGIS_API_KV_PAST_H

#include "api/exchange.h"

/* Take the argument at, if it was given.  False: answered. */
bool kv_past_take_at(struct exchange *x);

/* Have the keys asked for a history?  False: answered. */
bool kv_past_admit(struct exchange *x);

/* Of a read at a sequence: why there is no answer. */
void kv_past_refuse(struct exchange *x, enum ag_status status,
    const struct node_page *page);

#endif
