/*
 * How a world stands, for whoever stopped it to look.
 */
#ifndef AEGIS_SIM_SHOW_H
#define AEGIS_SIM_SHOW_H

#include "sim/world.h"

void show(const struct world *w);

#endif
