/*
 * A storm that no word of checkpoints gets through.
 *
 * Nothing is stable then, so windows fill up, and what a member knows of
 * checkpoints is its own.  When the storm is over all crash at once
 * (world.c): whatever takes a full window further has to come from disks.
 */
#include "sim/hush.h"

#include "codec/message.h"

void
hush_begin(struct world *w)
{
	w->is_hushed = w->profile.has_hush && world_strikes(w, COUNT_HUSHED);
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
hush_stops(const struct world *w, struct bytes body)
{
	struct decoder d;

	if (!w->is_hushed)
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
