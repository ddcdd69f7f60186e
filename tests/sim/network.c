/*
 * Links between members.
 *
 * RULES    1. After the world has healed nothing is lost and delays are
 *             bounded; before, anything may happen to a message but a change
 *             of its bytes: links are authenticated.
 *             A broken member's links stay as they were.
 *          2. Twins share an identity: what is sent to a member reaches the
 *             twin that talks with the sender.
 */
#include "sim/network.h"

#include <inttypes.h>

#include "codec/message.h"
#include "sim/hush.h"
#include "sim/ladder.h"

#define CLOG_MEAN_US 60000
#define FLAP_MEAN_US 15000
#define BROKEN_LOSS 600
#define BACKLOG_US 2000000
#define BACKLOG_MESSAGES (SCHEDULE_MAX / 2)

static void
network_arrive(struct world *w, const struct replica *from, uint32_t to,
    uint64_t epoch, struct bytes body, uint64_t at)
{
	uint32_t i;

	for (i = 0; i < w->replica_count; i++) {
		const struct replica *r = &w->replicas[i];

		if (r->member != to || (r->faces >> from->member & 1) == 0 ||
		    (from->cut >> i & 1) != 0 || ladder_stops(w, i, body))
			continue;
		world_push(w,
		    (struct happening){
			.at = at + ladder_late_us(w, i, body),
			.kind = HAPPEN_ARRIVE,
			.replica = i,
			.from = from->member,
			.value = epoch,
			.body = body,
		    });
	}
}

/* A narrow link takes one message after another. */
static uint64_t
congestion_us(struct world *w, struct link *link, size_t len)
{
	uint32_t capacity = w->is_healed ? 0 : w->profile.capacity;

	if (capacity == 0)
		return 0;
	if (link->busy_until > w->now)
		world_count(w, COUNT_CONGESTED);
	else
		link->busy_until = w->now;
	link->busy_until += len * 1000 / capacity;
	return link->busy_until - w->now;
}

static uint64_t
arrival_time(struct world *w, struct link *link, size_t len, uint64_t extra_us)
{
	const struct profile *p = &w->profile;
	uint64_t at = w->now + extra_us + p->delay_floor_us +
	    dice_waiting(&w->network_dice, p->delay_mean_us);

	at += congestion_us(w, link, len);
	if (at < link->clogged_until)
		at = link->clogged_until;
	if (at < link->last_arrival && extra_us == 0) {
		if (p->is_ordered)
			at = link->last_arrival;
		else
			world_count(w, COUNT_OVERTAKEN);
	}
	if (at > link->last_arrival && extra_us == 0)
		link->last_arrival = at;
	return at;
}

/* Does nothing of it reach any replica of the member? */
static bool
is_cut_off(const struct world *w, const struct replica *from, uint32_t to)
{
	uint32_t i;

	for (i = 0; i < w->replica_count; i++)
		if (w->replicas[i].member == to && (from->cut >> i & 1) == 0)
			return false;
	return true;
}

static bool
is_lossy(const struct world *w, uint32_t from, uint32_t to)
{
	return w->profile.broken_how == BROKEN_LOSSY &&
	    (world_is_broken(w, from) || world_is_broken(w, to));
}

static bool
is_silenced(const struct world *w, uint32_t from, uint32_t to,
    struct bytes body)
{
	const struct silence *s = &w->silence;

	return w->now < s->until && (s->from >> from & 1) != 0 &&
	    (s->to >> to & 1) != 0 && message_type_of(body) == s->type;
}

static void
network_remember(struct world *w, const struct replica *from, uint32_t to,
    struct bytes body)
{
	size_t at = w->old_count++ % WORLD_OLD_MESSAGES;

	w->old[at] = body;
	w->old_from[at] = from->member;
	w->old_to[at] = to;
	w->old_epoch[at] = from->epoch;
}

/* Send again something this sender sent before. */
static void
network_replay(struct world *w, const struct replica *from, uint32_t to)
{
	uint64_t known = w->old_count < WORLD_OLD_MESSAGES ? w->old_count
							   : WORLD_OLD_MESSAGES;
	uint64_t at = dice_below(&w->network_dice, known);

	/* A link brings nothing that was sent to others, and Raft believes
	 * its links. */
	if (w->old_from[at] != from->member ||
	    (world_is_raft(w) && w->old_to[at] != to))
		return;
	if (!world_strikes(w, COUNT_REPLAYED))
		return;
	network_arrive(w, from, to, w->old_epoch[at], w->old[at],
	    w->now + w->profile.delay_floor_us);
}

void
network_send(struct world *w, const struct replica *from, uint32_t to,
    struct bytes body, uint64_t extra_us)
{
	const struct profile *p = &w->profile;
	struct link *link = &w->links[from->member][to];
	struct dice *d = &w->network_dice;

	if ((from->faces >> to & 1) == 0)
		return;
	world_trace(w, "send %" PRIu32 " -> %" PRIu32 " %s %zu bytes",
	    from->index, to, message_name(message_type_of(body)), body.len);
	network_remember(w, from, to, body);
	/* What a liar sends beyond its share of a link waits at the liar. */
	if (!from->is_honest &&
	    (link->last_arrival > w->now + BACKLOG_US ||
		w->schedule.count > BACKLOG_MESSAGES))
		return;
	if (is_cut_off(w, from, to))
		return;
	if (w->is_healed && is_lossy(w, from->member, to)) {
		if (dice_chance(d, BROKEN_LOSS))
			return;
	}
	if (w->is_healed) {
		network_arrive(w, from, to, from->epoch, body,
		    arrival_time(w, link, body.len, extra_us));
		return;
	}
	if (is_silenced(w, from->member, to, body) || hush_stops(w, to, body))
		return;
	if (dice_chance(d, p->loss) && world_strikes(w, COUNT_LOST))
		return;
	network_arrive(w, from, to, from->epoch, body,
	    arrival_time(w, link, body.len, extra_us));
	if (dice_chance(d, p->duplicate) && world_strikes(w, COUNT_DUPLICATED))
		network_arrive(w, from, to, from->epoch, body,
		    arrival_time(w, link, body.len, extra_us));
	if (dice_chance(d, p->replay))
		network_replay(w, from, to);
}

void
network_mend(struct world *w)
{
	uint32_t i;

	for (i = 0; i < w->replica_count; i++)
		w->replicas[i].cut = 0;
}

/* Cut or join all replicas of two members, one way. */
static void
set_cut(struct world *w, uint32_t from, uint32_t to, bool is_cut)
{
	uint32_t i, k;

	for (i = 0; i < w->replica_count; i++)
		for (k = 0; k < w->replica_count; k++) {
			if (w->replicas[i].member != from ||
			    w->replicas[k].member != to)
				continue;
			if (is_cut)
				w->replicas[i].cut |= 1U << k;
			else
				w->replicas[i].cut &= ~(1U << k);
		}
}

/* Halves that only one member joins; a ring, in which neighbours talk. */
static bool
is_bridged(uint32_t from, uint32_t to, uint64_t side, uint32_t bridge)
{
	return from == bridge || to == bridge ||
	    (side >> from & 1) == (side >> to & 1);
}

static bool
are_neighbours(uint32_t from, uint32_t to, uint32_t n)
{
	return (from + 1) % n == to || (to + 1) % n == from;
}

/* Nodes of one side, a bit each, and all others. */
static void
part(struct world *w, uint32_t side)
{
	uint32_t n = w->profile.node_count, i, k;

	for (i = 0; i < n; i++)
		for (k = 0; k < n; k++)
			set_cut(w, i, k, (side >> i & 1) != (side >> k & 1));
}

void
network_depose(struct world *w, uint32_t leader)
{
	if (!world_strikes(w, COUNT_DEPOSED))
		return;
	part(w, 1U << leader);
	world_trace(w, "leader %" PRIu32 " is cut off", leader);
}

void
network_part(struct world *w, uint32_t side)
{
	part(w, side);
	world_trace(w, "side 0x%" PRIx32 " is parted from the others", side);
}

void
network_partition(struct world *w)
{
	uint32_t n = w->profile.node_count;
	struct dice *d = &w->fault_dice;
	uint64_t shape = dice_below(d, w->profile.has_shapes ? 6 : 4);
	uint64_t side = shape == 0 ? 1U << dice_below(d, n)
				   : dice_next(d) & ((1U << n) - 1);
	bool strikes = world_strikes(w, COUNT_PARTITIONED);
	uint32_t i, j;

	for (i = 0; i < n; i++)
		for (j = 0; j < n; j++) {
			bool from_in = (side >> i & 1) != 0;
			bool to_in = (side >> j & 1) != 0;
			bool is_cut = shape < 2 ? from_in != to_in
			    : shape == 2        ? from_in && !to_in
			    : shape == 3        ? dice_chance(d, 400)
			    : shape == 4        ? !is_bridged(i, j, side, 0)
						: !are_neighbours(i, j, n);

			if (strikes)
				set_cut(w, i, j, is_cut);
		}
	world_trace(w, "partition shape %" PRIu64 " side 0x%" PRIx64, shape,
	    side);
}

/* What a replica may not reach this round, by the round's shape. */
static uint32_t
round_cut(struct world *w, uint64_t shape, uint32_t side, uint32_t self)
{
	uint32_t all = (1U << w->replica_count) - 1;
	bool is_in = (side >> self & 1) != 0;

	switch (shape) {
	case 0: /* all talk with all */
		return 0;
	case 1: /* one side, which may be one replica, and the other */
	case 2:
		return (is_in ? ~side : side) & all;
	case 3: /* one way */
		return is_in ? ~side & all : 0;
	default:
		return (uint32_t)dice_next(&w->fault_dice) &
		    (uint32_t)dice_next(&w->fault_dice) & all;
	}
}

void
network_round(struct world *w)
{
	struct dice *d = &w->fault_dice;
	uint64_t shape = dice_below(d, 5);
	uint32_t cuts[WORLD_REPLICAS_MAX], i, side;

	side = shape == 1 ? 1U << dice_below(d, w->replica_count)
			  : (uint32_t)dice_next(d);
	for (i = 0; i < w->replica_count; i++)
		cuts[i] = round_cut(w, shape, side, i);
	network_mend(w);
	if (shape == 0 || !world_strikes(w, COUNT_PARTITIONED))
		return;
	for (i = 0; i < w->replica_count; i++)
		w->replicas[i].cut = cuts[i];
	world_trace(w, "round of shape %" PRIu64 " side 0x%" PRIx32, shape,
	    side);
}

void
network_flap(struct world *w)
{
	uint32_t n = w->profile.node_count;
	struct dice *d = &w->fault_dice;
	uint32_t from = (uint32_t)dice_below(d, n);
	uint32_t to = (uint32_t)dice_below(d, n);
	uint64_t times = dice_range(d, 2, 12);

	if (!world_strikes(w, COUNT_FLAPPED))
		return;
	network_flap_again(w,
	    &(struct happening){
		.from = from,
		.replica = to,
		.value = times,
	    });
}

void
network_flap_again(struct world *w, const struct happening *h)
{
	struct happening next = *h;

	if (w->is_healed)
		return;
	set_cut(w, h->from, h->replica, h->value % 2 == 0);
	if (h->value == 0)
		return;
	next.kind = HAPPEN_FLAP;
	next.value--;
	next.at = w->now + dice_waiting(&w->fault_dice, FLAP_MEAN_US);
	world_push(w, next);
}

void
network_break(struct world *w)
{
	uint32_t i, member = w->profile.broken;

	for (i = 0; i < w->profile.node_count; i++) {
		if (w->profile.broken_how == BROKEN_DEAF)
			set_cut(w, i, member, i != member);
		else if (w->profile.broken_how == BROKEN_DUMB)
			set_cut(w, member, i, i != member);
	}
}

void
network_clog(struct world *w)
{
	uint32_t n = w->profile.node_count;
	struct dice *d = &w->fault_dice;
	uint32_t from = (uint32_t)dice_below(d, n);
	uint32_t to = (uint32_t)dice_below(d, n);
	uint64_t until = w->now + dice_waiting(d, CLOG_MEAN_US);

	if (!world_strikes(w, COUNT_CLOGGED))
		return;
	w->links[from][to].clogged_until = until;
	world_trace(w, "clog %" PRIu32 " -> %" PRIu32, from, to);
}

void
network_silence(struct world *w)
{
	static const uint64_t types[] = { MESSAGE_PRE_PREPARE, MESSAGE_VOTES,
		MESSAGE_VIEW_CHANGE, MESSAGE_NEW_VIEW, MESSAGE_PROGRESS,
		MESSAGE_BATCH, MESSAGE_COMMITTED, MESSAGE_VOTES, MESSAGE_FETCH,
		MESSAGE_CHECKPOINT };
	static const uint64_t raft_types[] = { MESSAGE_APPEND,
		MESSAGE_APPEND_ANSWER, MESSAGE_VOTE_REQUEST,
		MESSAGE_VOTE_ANSWER, MESSAGE_LOG_BASE, MESSAGE_VOTES,
		MESSAGE_PROGRESS, MESSAGE_CHECKPOINT, MESSAGE_TIMEOUT_NOW,
		MESSAGE_REQUEST, MESSAGE_CONFIRM, MESSAGE_READ_INDEX };
	const uint64_t *of = world_is_raft(w) ? raft_types : types;
	size_t count = world_is_raft(w)
	    ? sizeof(raft_types) / sizeof(raft_types[0])
	    : sizeof(types) / sizeof(types[0]);
	struct dice *d = &w->fault_dice;
	struct silence silence;

	silence.until = w->now + dice_waiting(d, CLOG_MEAN_US);
	silence.type = of[dice_below(d, count)];
	silence.from = (uint32_t)dice_next(d) | (uint32_t)dice_next(d);
	silence.to = (uint32_t)dice_next(d);
	if (!world_strikes(w, COUNT_SILENCED))
		return;
	w->silence = silence;
	world_trace(w, "silence %s", message_name(w->silence.type));
}
