/*
 * What correct members have signed: nothing that contradicts itself.
 */
#ifndef AEGIS_SIM_LEDGER_H
#define AEGIS_SIM_LEDGER_H

#include "sim/world.h"

/* A message of a correct member leaves. */
void ledger_leave(struct world *w, struct replica *r, struct bytes body);

#endif
