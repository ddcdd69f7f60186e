/*
 * What a view begins with: judged once more, from its NEW_VIEW alone.
 */
#ifndef AEGIS_SIM_BEGINNING_H
#define AEGIS_SIM_BEGINNING_H

#include "sim/world.h"

/* A correct replica writes a record down: if it begins a view, rightly? */
void beginning_judge(struct world *w, const struct replica *r,
    struct bytes record);

/* It says that it is in a view, perhaps again after a crash. */
void beginning_told(struct world *w, const struct replica *r,
    const struct effect *effect);

#endif
