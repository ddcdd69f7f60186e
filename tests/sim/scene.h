/*
 * Scenes: small worlds, each up to a moment from which on it matters what
 * arrives in which order.
 */
#ifndef AEGIS_SIM_SCENE_H
#define AEGIS_SIM_SCENE_H

#include <stdint.h>

#include "sim/world.h"

#define SCENE_COUNT_MAX 32

uint32_t scene_count(void);
const char *scene_name(uint32_t scene);

/* Live up to that moment, and hold what is in flight then. */
void scene_begin(struct world *w, uint32_t scene, uint64_t *counters);

#endif
