/*
 * What clients saw of a schedule, written down for another judge.
 */
#ifndef AEGIS_SIM_HISTORY_H
#define AEGIS_SIM_HISTORY_H

#include "sim/world.h"

/* A file of a line for each operation, in the order in which they were made;
 * false: it can't be written, as errno says. */
bool history_write(const struct world *w, const char *path);

#endif
