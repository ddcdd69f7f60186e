/*
 * Token buckets in integers.
 *
 * RULES    1. A level never passes its burst, however long nobody asked.
 *          2. Time that seems to go back adds nothing and takes nothing.
 *          3. A refused request takes nothing: a caller that is over its
 *             rate is not pushed further back by asking.
 */
#include "resource/bucket.h"

#include "base/status.h"

#define TOKEN 1000000U

/* Past this the product of time and rate could wrap. */
#define BUCKET_MAX (UINT64_MAX / TOKEN / 1000000U)

void
bucket_init(struct bucket *b, uint64_t rate, uint64_t burst, uint64_t now_us)
{
	AG_ASSERT(burst > 0 && burst <= BUCKET_MAX);
	AG_ASSERT(rate <= BUCKET_MAX);
	*b = (struct bucket){
		.rate = rate,
		.burst = burst,
		.level = burst * TOKEN,
		.at_us = now_us,
	};
}

static void
bucket_refill(struct bucket *b, uint64_t now_us)
{
	uint64_t room = b->burst * TOKEN - b->level, passed;

	if (now_us <= b->at_us)
		return;
	passed = now_us - b->at_us;
	b->at_us = now_us;
	if (b->rate == 0)
		return;
	if (passed > room / b->rate)
		b->level += room;
	else
		b->level += passed * b->rate;
}

bool
bucket_take(struct bucket *b, uint64_t count, uint64_t now_us)
{
	bucket_refill(b, now_us);
	if (count > b->burst || b->level < count * TOKEN)
		return false;
	b->level -= count * TOKEN;
	return true;
}
