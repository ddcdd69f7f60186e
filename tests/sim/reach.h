/*
 * Which places in the engine were reached, and how often.
 */
#ifndef AEGIS_SIM_REACH_H
#define AEGIS_SIM_REACH_H

#include <stdint.h>

#include "consensus/reach.h"

/* Counted up by the engine, as it was built for the simulator. */
extern uint64_t reach_counts[REACH_COUNT];

const char *reach_text(enum reach reach);
enum reach_often reach_often(enum reach reach);

#endif
