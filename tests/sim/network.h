/*
 * Links between members: late, lossy, and sometimes cut.
 */
#ifndef AEGIS_SIM_NETWORK_H
#define AEGIS_SIM_NETWORK_H

#include "sim/world.h"

/*
 * A replica's message to another member, as the sender meant it; the body
 * must live in the world's arena.  It leaves after extra_us.
 */
void network_send(struct world *w, const struct replica *from, uint32_t to,
    struct bytes body, uint64_t extra_us);

/* Draw a new set of cut links; it holds until the next. */
/* The leader hears nobody, and nobody it. */
void network_depose(struct world *w, uint32_t leader);
/* Nor do the nodes of one side, a bit each, and all others one another. */
void network_part(struct world *w, uint32_t side);
void network_partition(struct world *w);
void network_mend(struct world *w);

/* The next round: other links cut, and twins apart. */
void network_round(struct world *w);

/* A link between two members goes up and down for a while. */
void network_flap(struct world *w);
void network_flap_again(struct world *w, const struct happening *h);

/* After the storm: what a broken member keeps of its links. */
void network_break(struct world *w);

/* Hold back a random link, or silence a kind of message, for a while. */
void network_clog(struct world *w);
void network_silence(struct world *w);

#endif
