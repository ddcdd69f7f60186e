/*
 * A storm that no word of checkpoints gets through.
 *
 * Nothing is stable then, so windows fill up, and what a member knows of
 * checkpoints is its own.  When the storm is over all crash at once
 * (storm.c): whatever takes a full window further has to come from disks.
 *
 * Or nobody but one node hears of an epoch's last for a while.  It goes over
 * alone, and is parted from the others (succession.c), which have no reason to
 * think that their epoch is over.
 */
#include "sim/hush.h"

#include "codec/message.h"

void
hush_begin(struct world *w)
{
	w->is_hushed = w->profile.has_hush && world_strikes(w, COUNT_HUSHED);
}

void
hush_end(struct world *w)
{
	const struct membership *m = &w->memberships[w->epochs - 2];
	uint64_t spared = dice_below(&w->fault_dice, m->member_count);
	uint64_t timeouts = dice_range(&w->fault_dice, 2, 8);

	if (w->is_healed || !world_strikes(w, COUNT_PARTED))
		return;
	w->ending_until = w->now + timeouts * w->profile.view_timeout_us;
	w->ending_spares = m->nodes[spared];
}

/* Is one of its votes for a checkpoint?  Each begins with its phase. */
static bool
votes_for_checkpoint(struct decoder *d)
{
	size_t i, count = decoder_get_array_max(d, VOTE_BUNDLE_MAX);

	for (i = 0; i < count && !decoder_failed(d); i++) {
		struct decoder vote;

		decoder_init(&vote, decoder_get_raw(d));
		(void)decoder_get_array_max(&vote, 4);
		if (decoder_get_uint(&vote) == VOTE_CHECKPOINT)
			return true;
	}
	return false;
}

bool
hush_stops(const struct world *w, uint32_t to, struct bytes body)
{
	struct decoder d;

	if (!w->is_hushed &&
	    (w->now >= w->ending_until || to == w->ending_spares))
		return false;
	decoder_init(&d, body);
	(void)decoder_get_array_max(&d, 16);
	switch (decoder_get_uint(&d)) {
	case MESSAGE_CHECKPOINT:
		return true;
	case MESSAGE_VOTES:
		(void)decoder_get_uint(&d);
		return votes_for_checkpoint(&d);
	case MESSAGE_VOTE_PROOFS:
		return votes_for_checkpoint(&d);
	default:
		return false;
	}
}
