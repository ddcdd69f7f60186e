/*
 * Messages on their way that do not arrive by themselves: whoever holds them
 * says which does next.  Time stands still meanwhile, and whatever else a
 * replica has to do it does at once.
 */
#ifndef AEGIS_SIM_FLIGHT_H
#define AEGIS_SIM_FLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/schedule.h"

#define FLIGHT_MAX 512
#define FLIGHT_LOST UINT64_MAX

struct world;

struct flight {
	bool is_held;
	uint32_t count;
	struct happening list[FLIGHT_MAX]; /* as they were sent */
};

/* From here on what is on its way, or sent, is held. */
void flight_hold(struct world *w);

/* One of them arrives, and its receiver does all that it then has to. */
void flight_arrive(struct world *w, uint32_t which);

/* All of them arrive so much later, or are lost, and time goes on. */
void flight_let_go(struct world *w, uint64_t after_us);

/* For world_push(): does it wait here? */
bool flight_takes(struct world *w, struct happening *h);

#endif
