/*
 * State transfer.
 *
 * RULES    1. A state is taken only if its digest is one that a quorum
 *             certified or f + 1 members vouch for, or the epoch begins with;
 *             a liar serves states that are not, and is refused.
 *          2. The member asked is drawn anew each time, so that a liar can
 *             only delay.
 *          3. A state is fetched from who is in the same epoch.
 *          4. Nobody keeps states unasked: a member that is asked has the one
 *             it stands at, if its digest is known, or that of its next
 *             checkpoint.  A crash loses them.
 */
#include "sim/transfer.h"

#include <inttypes.h>

#include "sim/client.h"
#include "sim/invariant.h"
#include "sim/replica.h"
#include "sim/succession.h"

#define TRANSFER_MEAN_US 5000
#define TRANSFER_AGAIN_US 20000

/* What a replica can show for its state of seq; empty: nothing yet. */
static struct bytes
proof_of(struct world *w, const struct replica *r, uint64_t seq)
{
	const struct membership *m = membership_of(w, r);

	if (seq == m->first_seq)
		return m->first_proof;
	if (seq == r->stable_seq)
		return r->stable_certificate;
	if (seq == r->vouched_seq)
		return r->vouched_certificate;
	return bytes_of(NULL, 0);
}

void
transfer_keep(struct world *w, struct replica *r)
{
	struct snapshot *s =
	    &r->snapshots[r->snapshot_count++ % REPLICA_SNAPSHOTS];

	s->machine = r->machine;
	s->proof = proof_of(w, r, r->machine.applied);
	r->is_pin_asked = false;
}

void
transfer_prove(struct world *w, struct replica *r, uint64_t seq)
{
	uint32_t i;

	for (i = 0; i < REPLICA_SNAPSHOTS && i < r->snapshot_count; i++)
		if (r->snapshots[i].machine.applied == seq)
			r->snapshots[i].proof = proof_of(w, r, seq);
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
	/* A newer one is asked for when this one is there. */
	if (r->transfer.is_wanted)
		return;
	r->transfer.seq = effect->seq;
	r->transfer.is_wanted = true;
	try_at(w, r, w->now + dice_waiting(&w->network_dice, TRANSFER_MEAN_US));
}

/* A state at or above seq that the replica keeps and can prove. */
static const struct snapshot *
find_state(const struct replica *from, uint64_t seq)
{
	uint32_t i;

	for (i = 0; i < REPLICA_SNAPSHOTS && i < from->snapshot_count; i++)
		if (from->snapshots[i].machine.applied >= seq &&
		    from->snapshots[i].proof.len > 0)
			return &from->snapshots[i];
	return NULL;
}

/* Have a replica keep a state that it can prove, now or soon. */
static void
ask_for_state(struct world *w, struct replica *from, uint64_t seq)
{
	if (from->has_digest)
		transfer_keep(w, from);
	else
		from->is_pin_asked = true;
	if (find_state(from, seq) == NULL)
		replica_step(w, from,
		    (struct event){ .kind = EVENT_CHECKPOINT_WANTED });
}

static void
install(struct world *w, struct replica *r, const struct machine *machine,
    const struct digest *digest, struct bytes certificate)
{
	world_count(w, COUNT_REACHED_INSTALL);
	world_trace(w, "replica %u installs %" PRIu64, r->index,
	    machine->applied);
	r->machine = *machine;
	r->safe = *machine;
	r->has_digest = true;
	r->delivers.head = NULL;
	r->delivers.tail = &r->delivers.head;
	if (r->delivered < machine->applied)
		r->delivered = machine->applied;
	r->transfer.is_wanted = false;
	invariant_applied(w, r);
	client_read(w, r);
	replica_step(w, r,
	    (struct event){
		.kind = EVENT_INSTALLED,
		.seq = machine->applied,
		.is_last = machine_is_last(machine, r->epoch),
		.digest = *digest,
		.body = certificate,
	    });
	succession_consider(w, r);
}

/* Is the server asked a liar, and does it lie? */
static void
serve(struct world *w, const struct replica *from, struct machine *copy)
{
	if ((w->profile.byzantine[from->member] & BYZ_LIAR) == 0)
		return;
	if (!world_strikes(w, COUNT_BYZ_LIAR))
		return;
	copy->sessions[0].count = 0;
	copy->sessions[0].floor = 0;
}

/* What an epoch begins with is known to be right from its beginning. */
static bool
is_right(struct world *w, const struct replica *r,
    const struct machine *machine, const struct digest *digest,
    struct bytes proof)
{
	struct membership *m = membership_of(w, r);

	return (machine->applied == m->first_seq &&
		   digest_equal(digest, &m->first_digest)) ||
	    invariant_convinces(w, m, proof, machine->applied, digest);
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
	if (!from->is_up || from == r || (from->cut >> r->index & 1) != 0 ||
	    from->epoch != r->epoch || membership_observes(w, from))
		return;
	state = find_state(from, r->transfer.seq);
	if (state == NULL) {
		ask_for_state(w, from, r->transfer.seq);
		return;
	}
	copy = state->machine;
	serve(w, from, &copy);
	machine_digest(&copy, &digest);
	if (copy.applied > r->delivered &&
	    is_right(w, r, &copy, &digest, state->proof))
		install(w, r, &copy, &digest, state->proof);
}
