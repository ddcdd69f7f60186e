/*
 * Reducing a failing schedule to what it takes.
 */
#ifndef AEGIS_SIM_SHRINK_H
#define AEGIS_SIM_SHRINK_H

#include "sim/world.h"

/*
 * The world has just broken a rule.  Find few choices and requests with
 * which the same rule is broken, and print the line that replays them.
 */
void shrink(struct world *w);

#endif
