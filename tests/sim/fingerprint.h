/*
 * What a state is told by: of two with the same fingerprint one is enough.
 */
#ifndef AEGIS_SIM_FINGERPRINT_H
#define AEGIS_SIM_FINGERPRINT_H

#include <stdint.h>

#include "sim/world.h"

/* Of one replica: its engine, its disk, and what its driver waits for. */
uint64_t fingerprint_replica(const struct replica *r);

/* Of all that the replicas share: what is in flight, clients, judges. */
uint64_t fingerprint_rest(const struct world *w);

#endif
