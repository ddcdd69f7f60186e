/*
 * Clients, and what executing their requests must have looked like.
 */
#ifndef AEGIS_SIM_CLIENT_H
#define AEGIS_SIM_CLIENT_H

#include "sim/world.h"

/* Let every client think of its first request.  Behind them is one more: the
 * operators, who ask for changes of members. */
void client_begin(struct world *w);

/* THINK, RETRY and REPLY happenings. */
void client_happen(struct world *w, const struct happening *h);

/* A request reaches a replica, or the other body of one with two. */
void client_submit(struct world *w, struct replica *r, size_t index,
    bool is_other);

/* A replica executes an agreed batch. */
void client_execute(struct world *w, struct replica *r, uint64_t seq,
    struct bytes batch);

/* The reference executes it, once. */
void client_refer(struct world *w, uint64_t seq, struct bytes batch);

/* A read that waits here is right of a state of seq. */
void client_indexed(struct world *w, struct replica *r, uint64_t number,
    uint64_t seq);

/* The state has come on: answer the reads that waited for it. */
void client_read(struct world *w, struct replica *r);

/* An operation was answered: its client may go on. */
void client_answered(struct world *w, const struct operation_history *op);

bool client_all_answered(const struct world *w);

/* Are the answers linearizable?  By the agreed order, and by a search. */
void client_judge(struct world *w);

#endif
