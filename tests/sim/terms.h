/*
 * What must hold of Raft's terms, leaders and logs, looked at as it happens.
 */
#ifndef AEGIS_SIM_TERMS_H
#define AEGIS_SIM_TERMS_H

#include "sim/world.h"

/* A message leaves now for these members. */
void terms_leave(struct world *w, struct replica *r, uint32_t members,
    struct bytes body);

/* A record is written. */
void terms_persist(struct world *w, struct replica *r, struct bytes record);

/* A batch is executed for the first time. */
void terms_commit(struct world *w, struct replica *r,
    const struct effect *effect);

/* A replica says who leads. */
void terms_view(struct world *w, struct replica *r,
    const struct effect *effect);

#endif
