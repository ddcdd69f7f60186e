/*
 * Messages that no engine makes, made by a Byzantine member with intent.
 */
#ifndef AEGIS_SIM_ATTACK_H
#define AEGIS_SIM_ATTACK_H

#include "sim/world.h"

/*
 * What goes to this member in the place of body: another proposal or vote
 * than the others get, a digest without its batch, a small mutation.
 */
struct bytes attack_change(struct world *w, struct replica *r, uint32_t to,
    struct bytes body);

/* What goes besides: views nobody needs, certificates of too few. */
void attack_add(struct world *w, struct replica *r, uint32_t to,
    struct bytes body);

/* Does it pretend not to have got this message? */
bool attack_ignores(struct world *w, struct replica *r, struct bytes body);

/* Or what a client asks of it? */
bool attack_refuses(struct world *w, const struct replica *r, uint32_t client);

#endif
