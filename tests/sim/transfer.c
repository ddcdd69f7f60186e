/*
 * State transfer.
 *
 * RULES    1. A state is taken only if its digest is the certified one; a
 *             liar serves states that are not, and is refused.
 *          2. The member asked is drawn anew each time, so that a liar can
 *             only delay.
 */
#include "sim/transfer.h"

#include <inttypes.h>

#include "sim/invariant.h"
#include "sim/replica.h"

#define TRANSFER_MEAN_US 5000
#define TRANSFER_AGAIN_US 20000

void
transfer_keep(struct replica *r)
{
	struct snapshot *s =
	    &r->snapshots[r->snapshot_count++ % REPLICA_SNAPSHOTS];

	s->machine = r->machine;
	machine_digest(&r->machine, &s->digest);
}

static void
try_at(struct world *w, const struct replica *r, uint64_t at)
{
	world_push(w,
	    (struct happening){
		.at = at,
		.kind = HAPPEN_TRANSFER,
		.replica = r->index,
		.incarnation = r->incarnation,
	    });
}

void
transfer_want(struct world *w, struct replica *r, const struct effect *effect)
{
	world_count(w, COUNT_REACHED_FETCH);
	world_trace(w, "replica %u wants state %" PRIu64, r->index,
	    effect->seq);
	r->transfer.seq = effect->seq;
	r->transfer.digest = effect->digest;
	r->transfer.members = effect->members;
	r->transfer.certificate = arena_copy(&w->arena, effect->body);
	if (r->transfer.is_wanted)
		return;
	r->transfer.is_wanted = true;
	try_at(w, r, w->now + dice_waiting(&w->network_dice, TRANSFER_MEAN_US));
}

/* A certified state at or above seq, if the replica keeps one. */
static const struct snapshot *
find_state(const struct replica *from, uint64_t seq)
{
	uint32_t i;

	for (i = 0; i < REPLICA_SNAPSHOTS && i < from->snapshot_count; i++)
		if (from->snapshots[i].machine.applied >= seq &&
		    from->snapshots[i].machine.applied == from->stable_seq)
			return &from->snapshots[i];
	return NULL;
}

bool
transfer_is_held(const struct world *w, uint64_t seq)
{
	uint32_t i;

	for (i = 0; i < w->replica_count; i++)
		if (w->replicas[i].is_honest &&
		    find_state(&w->replicas[i], seq) != NULL)
			return true;
	return false;
}

static void
install(struct world *w, struct replica *r, const struct replica *from,
    const struct machine *machine)
{
	world_count(w, COUNT_REACHED_INSTALL);
	world_trace(w, "replica %u installs %" PRIu64, r->index,
	    machine->applied);
	r->machine = *machine;
	r->safe = *machine;
	r->delivers.head = NULL;
	r->delivers.tail = &r->delivers.head;
	if (r->delivered < machine->applied)
		r->delivered = machine->applied;
	r->transfer.is_wanted = false;
	transfer_keep(r);
	replica_step(w, r,
	    (struct event){
		.kind = EVENT_INSTALLED,
		.seq = machine->applied,
		.digest = from->stable_digest,
		.body = from->stable_certificate,
	    });
}

/* Is the server asked a liar, and does it lie? */
static void
serve(struct world *w, const struct replica *from, struct machine *copy)
{
	if ((w->profile.byzantine[from->member] & BYZ_LIAR) == 0)
		return;
	world_count(w, COUNT_BYZ_LIAR);
	copy->sessions[0].count = 0;
	copy->sessions[0].floor = 0;
}

void
transfer_try(struct world *w, struct replica *r)
{
	struct replica *from =
	    &w->replicas[dice_below(&w->network_dice, w->replica_count)];
	const struct snapshot *state;
	struct digest digest;
	struct machine copy;

	if (!r->transfer.is_wanted)
		return;
	if (r->delivered >= r->transfer.seq) {
		r->transfer.is_wanted = false;
		return;
	}
	try_at(w, r, w->now + TRANSFER_AGAIN_US);
	if (!from->is_up || from == r ||
	    w->links[from->member][r->member].is_cut)
		return;
	state = find_state(from, r->transfer.seq);
	if (state == NULL) {
		replica_step(w, from,
		    (struct event){ .kind = EVENT_CHECKPOINT_WANTED });
		return;
	}
	copy = state->machine;
	serve(w, from, &copy);
	machine_digest(&copy, &digest);
	if (copy.applied > r->delivered &&
	    digest_equal(&digest, &from->stable_digest) &&
	    invariant_certified(w, from->stable_certificate, copy.applied,
		&digest))
		install(w, r, from, &copy);
}
