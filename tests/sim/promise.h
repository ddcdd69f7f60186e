/*
 * What a correct member promises is on its disk, and it stands by it.
 */
#ifndef AEGIS_SIM_PROMISE_H
#define AEGIS_SIM_PROMISE_H

#include "sim/world.h"

/* A vote of its own leaves. */
void promise_vote(struct world *w, const struct replica *r,
    enum vote_phase phase, uint64_t view, uint64_t seq,
    const struct digest *digest);

/* A view change of its own leaves: it must say all that was promised. */
void promise_view_change(struct world *w, const struct replica *r,
    struct bytes body);

/* Records of its log are safe: what they say of views is promised. */
void promise_keep(struct replica *r);

/* The log is another than it was: go by what is there. */
void promise_recollect(struct replica *r);

/* It can show what it shows to be prepared. */
void promise_batches(struct world *w, struct replica *r);

/* It has started again, in the view that it left. */
void promise_start(struct world *w, const struct replica *r);

/* A certificate decides something: the votes of correct members in it. */
void promise_certificate(struct world *w, const struct membership *m,
    const struct certificate *c);

#endif
