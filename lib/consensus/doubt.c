/*
 * Doubt: how much is verified of a member that wastes it.
 *
 * A signature that is none costs as much as a good one, and a link brings
 * thousands a second.
 *
 * RULES    1. A verification that fails is charged to the member that sent
 *             what failed, together with those that held before it in the
 *             same message.  All members judge alike, and a correct one
 *             sends nothing on that it has not verified: so nobody can be
 *             made to pay for what another forged.
 *          2. Who has spent what a progress interval allows is not heard
 *             with anything that is signed until the next one.  A message
 *             that was begun is gone through, up to what fails first: what it
 *             costs beyond its allowance is owed to later intervals.  Of a
 *             list each item is a message.
 *          3. What holds, but decides nothing before we are in its view, is
 *             charged to its signer, up to half of the allowance.  So a
 *             member that is ahead for a good reason is still heard when it
 *             shows us the way.
 *          4. A member against which there is evidence gets a quarter.
 *          5. What is lost like this is asked for, or sent again, as what a
 *             link loses.
 *
 * NOT HERE Questions, which cost answers (progress.c); how many bytes a
 *          member may send (net/, node/inbox.c).
 */
#include "codec/message.h"
#include "consensus/pbft.h"

/* In one progress interval; a view change brings far fewer. */
#define DOUBTED_MAX 64

/* What evidence divides it by. */
#define CONVICTED_PART 4

static uint32_t
allowance(const struct peer *peer)
{
	return peer->doubt.is_convicted ? DOUBTED_MAX / CONVICTED_PART
					: DOUBTED_MAX;
}

static uint64_t
interval_now(const struct engine *e)
{
	return e->now_us / e->config.progress_interval_us;
}

/* What a member has spent, less what the intervals since have allowed it. */
static uint32_t
spent(struct engine *e, uint32_t member)
{
	struct peer *peer = &e->peers[member];
	uint32_t allowed;
	uint64_t passed;

	if (peer->doubt.spent == 0)
		return 0;
	allowed = allowance(peer);
	passed = interval_now(e) - peer->doubt.interval;
	peer->doubt.interval += passed;
	if (passed <= peer->doubt.spent / allowed)
		peer->doubt.spent -= (uint32_t)passed * allowed;
	else
		peer->doubt.spent = 0;
	return peer->doubt.spent;
}

/* --- what is charged --- */

static void
charge(struct engine *e, uint32_t member, uint32_t cost)
{
	struct peer *peer = &e->peers[member];

	if (spent(e, member) == 0)
		peer->doubt.interval = interval_now(e);
	peer->doubt.spent += cost;
	e->verified = 0;
}

void
doubt_early(struct engine *e, uint32_t signer, uint32_t cost)
{
	charge(e, signer, cost);
}

void
doubt_waste(struct engine *e)
{
	charge(e, e->event->member, e->verified);
}

void
doubt_convict(struct engine *e, uint32_t members)
{
	uint32_t i;

	for (i = 0; i < e->config.member_count; i++)
		if ((members >> i & 1) != 0)
			e->peers[i].doubt.is_convicted = true;
}

static bool
count(struct engine *e, bool holds)
{
	if (e->event->kind != EVENT_MESSAGE)
		return holds;
	e->verified++;
	if (!holds)
		doubt_waste(e);
	return holds;
}

/* --- whose is heard --- */

bool
doubt_hears(struct engine *e, uint32_t member)
{
	const bool is_heard = spent(e, member) < allowance(&e->peers[member]);

	if (!is_heard)
		REACHED(DOUBTED);
	return is_heard;
}

bool
doubt_hears_early(struct engine *e, uint32_t member)
{
	return spent(e, member) < allowance(&e->peers[member]) / 2;
}

bool
doubt_hears_message(struct engine *e, uint32_t from, uint64_t type)
{
	e->verified = 0;
	switch (type) {
	case MESSAGE_REQUEST:
	case MESSAGE_PRE_PREPARE:
	case MESSAGE_VOTES:
	case MESSAGE_VOTE_PROOFS:
	case MESSAGE_VIEW_CHANGE:
	case MESSAGE_NEW_VIEW:
	case MESSAGE_COMMITTED:
	case MESSAGE_CHECKPOINT:
	case MESSAGE_RECALLED:
	case MESSAGE_LOG_BASE:
		return doubt_hears(e, from);
	default:
		return true;
	}
}

/* --- the authority that counts --- */

static void
doubt_sign(void *ctx, struct bytes message,
    uint8_t signature[static SIGNATURE_BYTES])
{
	const struct engine *e = ctx;

	e->authority->sign(e->authority_ctx, message, signature);
}

static bool
doubt_verify(void *ctx, uint32_t member, struct bytes message,
    const uint8_t signature[static SIGNATURE_BYTES])
{
	struct engine *e = ctx;

	return count(e,
	    e->authority->verify(e->authority_ctx, member, message, signature));
}

static bool
doubt_verify_request(void *ctx,
    const uint8_t principal[static PUBLIC_KEY_BYTES], struct bytes message,
    const uint8_t signature[static SIGNATURE_BYTES])
{
	struct engine *e = ctx;

	return count(e,
	    e->authority->verify_request(e->authority_ctx, principal, message,
		signature));
}

static uint32_t
doubt_waits_at(void *ctx, const uint8_t principal[static PUBLIC_KEY_BYTES])
{
	const struct engine *e = ctx;

	return e->authority->waits_at == NULL
	    ? UINT32_MAX
	    : e->authority->waits_at(e->authority_ctx, principal);
}

static const struct authority counting = {
	.sign = doubt_sign,
	.verify = doubt_verify,
	.verify_request = doubt_verify_request,
	.waits_at = doubt_waits_at,
};

void
doubt_init(struct engine *e)
{
	e->authority = e->config.authority;
	e->authority_ctx = e->config.authority_ctx;
	e->config.authority = &counting;
	e->config.authority_ctx = e;
}
