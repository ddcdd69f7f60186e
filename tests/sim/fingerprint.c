/*
 * Fingerprints of states, for the search of a small scope (exhaust.c).
 *
 * RULES    1. What came in another order and is the same set is the same:
 *             records on a disk, messages in flight; of an engine, see
 *             insight.c.
 *          2. What a judge remembers belongs to the state: what it would
 *             find against one way there it would find against the other.
 *          3. 64 bits: of a million states two are taken for one with a
 *             chance of 3 in 10^8.
 */
#include "sim/fingerprint.h"

#include "sim/insight.h"
#include "sim/mix.h"

static uint64_t
mix_disk(uint64_t hash, const struct disk *disk)
{
	uint64_t sum = 0;
	size_t i;

	for (i = disk->first; i < disk->count; i++)
		sum += mix_bytes(i < disk->synced, disk->records[i].body.data,
		    disk->records[i].body.len);
	return mix(hash, sum);
}

uint64_t
fingerprint_replica(const struct replica *r)
{
	uint64_t hash = mix(r->index, r->is_up);

	hash = mix_disk(hash, &r->disk);
	hash = mix(mix(hash, r->machine.applied), r->safe.applied);
	hash = mix(mix(hash, r->stable_safe), r->stable_seq);
	hash = mix(mix(hash, r->has_digest), r->transfer.is_wanted);
	hash = mix(mix(hash, r->transfer.seq), r->view_told);
	hash = mix(hash, r->timer_at);
	return r->is_up ? mix(hash, insight_fingerprint(r->engine)) : hash;
}

/* --- what they share --- */

static uint64_t
flight_sum(const struct flight *f)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < f->count; i++)
		sum += mix_bytes(mix(f->list[i].replica, f->list[i].from),
		    f->list[i].body.data, f->list[i].body.len);
	return sum;
}

/* What is to happen at some time, but for timers set anew since. */
static uint64_t
schedule_sum(const struct world *w)
{
	const struct schedule *s = &w->schedule;
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < s->count; i++) {
		const struct happening *h = schedule_at(s, i);

		if (h->kind != HAPPEN_TIMER)
			sum +=
			    mix(mix(mix(h->at, h->kind), h->replica), h->value);
	}
	return sum;
}

static uint64_t
mix_clients(uint64_t hash, const struct world *w)
{
	uint32_t i;

	for (i = 0; i < w->profile.client_count; i++) {
		hash = mix(hash, (uint64_t)w->clients[i].current);
		hash = mix(hash, w->clients[i].asked);
	}
	for (i = 0; i < w->history_count; i++) {
		hash = mix(hash, w->history[i].answered_at);
		hash = mix(hash, w->history[i].position);
	}
	return hash;
}

/* Whatever correct members have signed is a set. */
static uint64_t
ledger_sum(const struct world *w)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < w->ledger_count; i++) {
		const struct ledger_entry *entry =
		    &w->ledger[w->ledger_places[i]];

		sum += MIX_FIELDS_TO_END(0, entry, member);
	}
	return sum;
}

static uint64_t
mix_agreed(uint64_t hash, const struct world *w)
{
	uint64_t i;

	for (i = 1; i <= w->slots_used; i++) {
		const struct slot *slot = &w->slots[i];

		if (slot->is_agreed)
			hash = mix_bytes(mix(hash, slot->view),
			    slot->digest.data, DIGEST_BYTES);
		if (slot->is_opposed)
			hash = mix_bytes(mix(hash, slot->opposed_view),
			    slot->opposed.data, DIGEST_BYTES);
		hash = mix(hash, i);
	}
	return hash;
}

uint64_t
fingerprint_rest(const struct world *w)
{
	uint64_t hash = mix(flight_sum(&w->flight), schedule_sum(w));

	hash = mix(hash, ledger_sum(w));
	hash = mix_bytes(hash, w->asked, sizeof(w->asked));
	return mix_agreed(mix_clients(hash, w), w);
}
