/*
 * What must hold, looked at after every event.
 */
#ifndef AEGIS_SIM_INVARIANT_H
#define AEGIS_SIM_INVARIANT_H

#include "sim/world.h"

void invariant_persist(struct world *w, struct replica *r,
    const struct effect *effect);
void invariant_send(struct world *w, struct replica *r,
    const struct effect *effect);

/* A message leaves now: what it promises must be on disk. */
void invariant_leave(struct world *w, struct replica *r, struct bytes body);
void invariant_deliver(struct world *w, struct replica *r,
    const struct effect *effect);
void invariant_stable(struct world *w, struct replica *r,
    const struct effect *effect);
void invariant_evidence(struct world *w, struct replica *r,
    const struct effect *effect);
void invariant_step(struct world *w, struct replica *r,
    const struct event *event);

/* A message of this node, of our epoch, in which a signature was none. */
void invariant_doubt(struct world *w, struct replica *r, uint32_t from,
    struct bytes body);
void invariant_start(struct world *w, struct replica *r);
void invariant_applied(struct world *w, struct replica *r);

void invariant_vouched(struct world *w, struct replica *r,
    const struct effect *effect);

/* May this certificate have somebody take the state? */
bool invariant_convinces(struct world *w, struct membership *m,
    struct bytes certificate, uint64_t seq, const struct digest *digest);

/* A client is answered: it must be true, and durable. */
void invariant_answer(struct world *w, struct replica *r,
    struct operation_history *op, const struct result *result);

#endif
