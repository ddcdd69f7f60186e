/*
 * When a schedule may end, and when it must have.
 */
#ifndef AEGIS_SIM_CALM_H
#define AEGIS_SIM_CALM_H

#include "sim/world.h"

/* The storm is over, and it is time to look: all may be at rest, which ends the
 * schedule, or have had time enough, which breaks a rule. */
void calm_look(struct world *w);

#endif
