/*
 * Limits before authentication.
 *
 * A limit that all share lets whoever is loudest use it up.  So each host of
 * a member has a rate and slots of its own, and strangers share theirs, where
 * they are also limited by network.
 *
 * RULES    1. Refusing costs one close(2): no bytes, no state.
 *          2. Strangers are refused at random once LIMITS_PREAUTH_SOFT wait,
 *             from 30 % then to all at the end: one who tries again gets
 *             through while a flood lasts.
 *          3. A member's host has as many slots as it has members, times
 *             LIMITS_PREAUTH_MEMBER.  There is room for all of them at once,
 *             so that a member in hostile hands, or someone beside it, keeps
 *             nobody else out.
 *          4. The table of networks is fixed; the one unused longest gives
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

struct limits_rate {
	uint32_t rate;
	uint32_t burst;
};

void
limits_init(struct limits *limits, uint64_t now_us)
{
	*limits = (struct limits){ .networks = { { .network = 0 } } };
	bucket_init(&limits->strangers, STRANGER_RATE, STRANGER_BURST, now_us);
}

/* The bucket of a network or host; the one unused longest is made anew. */
static struct bucket *
limits_bucket(struct limits_network *slots, size_t count, uint64_t network,
    const struct limits_rate *rate, uint64_t now_us)
{
	struct limits_network *oldest = &slots[0], *slot;
	size_t i;

	for (i = 0; i < count; i++) {
		slot = &slots[i];
		if (slot->used_us != 0 && slot->network == network) {
			slot->used_us = now_us;
			return &slot->bucket;
		}
		if (slot->used_us < oldest->used_us)
			oldest = slot;
	}
	oldest->network = network;
	oldest->used_us = now_us;
	bucket_init(&oldest->bucket, rate->rate, rate->burst, now_us);
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

static bool
limits_admit_member(struct limits *limits, const struct limits_asker *asker,
    uint64_t now_us)
{
	static const struct limits_rate rate = { MEMBER_RATE, MEMBER_BURST };
	struct bucket *host;

	if (asker->waiting_here >= asker->members * LIMITS_PREAUTH_MEMBER)
		return false;
	host = limits_bucket(limits->hosts, TRUST_MEMBERS_MAX,
	    address_host_key(asker->from), &rate, now_us);
	return bucket_take(host, 1, now_us);
}

bool
limits_admit(struct limits *limits, const struct limits_asker *asker,
    uint64_t now_us)
{
	static const struct limits_rate rate = { NETWORK_RATE, NETWORK_BURST };
	struct bucket *network;

	if (asker->waiting >= LIMITS_PREAUTH_MAX)
		return false;
	if (asker->members > 0)
		return limits_admit_member(limits, asker, now_us);
	if (limits_drop_early(asker->waiting, asker->random))
		return false;
	network = limits_bucket(limits->networks, LIMITS_NETWORKS,
	    address_network(asker->from), &rate, now_us);
	return bucket_take(network, 1, now_us) &&
	    bucket_take(&limits->strangers, 1, now_us);
}
