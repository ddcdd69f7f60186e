/*
 * Limits before authentication.
 *
 * A limit that all share lets whoever is loudest use it up.  So strangers
 * and hosts of members have separate rates, strangers are also limited by
 * network, and the last slots are for hosts of members.
 *
 * RULES    1. Refusing costs one close(2): no bytes, no state.
 *          2. Strangers are refused at random once LIMITS_PREAUTH_SOFT wait,
 *             from 30 % then to all at the end: one who tries again gets
 *             through while a flood lasts.
 *          3. The table of networks is fixed; the one unused longest gives
 *             way, which gives a flood from many networks no more than the
 *             shared rate.
 */
#include "net/limits.h"

#define STRANGER_RATE 50
#define STRANGER_BURST 50
#define MEMBER_RATE 100
#define MEMBER_BURST 128
#define NETWORK_RATE 5
#define NETWORK_BURST 10
#define REFUSE_FIRST_PERCENT 30U

void
limits_init(struct limits *limits, uint64_t now_us)
{
	*limits = (struct limits){ .networks = { { .network = 0 } } };
	bucket_init(&limits->strangers, STRANGER_RATE, STRANGER_BURST, now_us);
	bucket_init(&limits->members, MEMBER_RATE, MEMBER_BURST, now_us);
}

static struct bucket *
limits_bucket(struct limits *limits, uint64_t network, uint64_t now_us)
{
	struct limits_network *oldest = &limits->networks[0], *slot;
	size_t i;

	for (i = 0; i < LIMITS_NETWORKS; i++) {
		slot = &limits->networks[i];
		if (slot->used_us != 0 && slot->network == network) {
			slot->used_us = now_us;
			return &slot->bucket;
		}
		if (slot->used_us < oldest->used_us)
			oldest = slot;
	}
	oldest->network = network;
	oldest->used_us = now_us;
	bucket_init(&oldest->bucket, NETWORK_RATE, NETWORK_BURST, now_us);
	return &oldest->bucket;
}

/* Early drop: true when chance says so. */
static bool
limits_drop_early(size_t waiting, uint32_t random)
{
	const size_t full = LIMITS_PREAUTH_MAX - LIMITS_PREAUTH_RESERVED;
	size_t percent;

	if (waiting < LIMITS_PREAUTH_SOFT)
		return false;
	if (waiting >= full)
		return true;
	percent = REFUSE_FIRST_PERCENT +
	    (100 - REFUSE_FIRST_PERCENT) * (waiting - LIMITS_PREAUTH_SOFT) /
		(full - LIMITS_PREAUTH_SOFT);
	return random % 100 < percent;
}

bool
limits_admit(struct limits *limits, const struct address *from, bool is_member,
    size_t waiting, uint32_t random, uint64_t now_us)
{
	struct bucket *network;

	if (waiting >= LIMITS_PREAUTH_MAX)
		return false;
	if (is_member)
		return bucket_take(&limits->members, 1, now_us);
	if (limits_drop_early(waiting, random))
		return false;
	network = limits_bucket(limits, address_network(from), now_us);
	return bucket_take(network, 1, now_us) &&
	    bucket_take(&limits->strangers, 1, now_us);
}
