/*
 * Byzantine members that make messages of their own.
 *
 * EQUIVOCATE  the null batch is proposed to half of the members, and voted
 *             for; the others get what the engine made.  After a new view
 *             also for what it chose
 * BOGUS       a batch with a byte changed, a digest without its batch, or a
 *             batch under another's digest, also where somebody asked for it
 * FUZZ        one small mutation (mutate.c), made consistent again
 * SPAM        view changes to the next view, to a far one, to the last, that
 *             claim checkpoints without proof
 * FORGE       certificates of one's own signature, as often as it takes, in
 *             view changes too; or of all culprits', when they are too many
 * CENSOR      a client's requests are not seen, whoever forwards them
 * LAST        they are, when nobody else's wait
 */
#include "sim/attack.h"

#include "codec/batch.h"
#include "codec/encoder.h"
#include "codec/message.h"
#include "sim/mutate.h"
#include "sim/network.h"

#define CENSORED_CLIENT 0
#define FORGED_BYTES 8192

static const uint8_t null_batch[] = { 0x83, 0x00, 0x00, 0x80 };

/* Where fields stand in a PRE_PREPARE. */
enum {
	PROPOSAL_VIEW = 1,
	PROPOSAL_DIGEST = 3,
	PROPOSAL_BATCH = 4,
	PROPOSAL_PROOF = 5,
	ANSWER_BATCH = 2, /* of a COMMITTED or BATCH */
	CHANGE_PREPARED = 5,
};

static struct bytes
put_bytes(struct world *w, struct bytes value)
{
	size_t cap = value.len + 9;
	struct bytes out;
	struct encoder e;

	encoder_init(&e, arena_take(&w->arena, cap), cap);
	encoder_put_bytes(&e, value);
	AG_ASSERT(encoder_finish(&e, &out) == AG_OK);
	return out;
}

static struct bytes
put_digest(struct world *w, struct bytes batch)
{
	struct digest digest;

	digest_of(&digest, batch);
	return put_bytes(w, bytes_of(digest.data, DIGEST_BYTES));
}

/* --- another proposal --- */

static struct bytes
propose_null(struct world *w, struct bytes body)
{
	struct bytes null = bytes_of(null_batch, sizeof(null_batch));

	body = mutate_replace(&w->arena, body, PROPOSAL_DIGEST,
	    put_digest(w, null));
	return mutate_replace(&w->arena, body, PROPOSAL_BATCH,
	    put_bytes(w, null));
}

/* All votes of the bundle, but those for checkpoints, for the null batch. */
static struct bytes
vote_null(struct world *w, struct bytes body)
{
	struct bytes votes = mutate_field(body, 2), vote;
	struct bytes digest =
	    put_digest(w, bytes_of(null_batch, sizeof(null_batch)));
	size_t i;

	for (i = 0; (vote = mutate_field(votes, i)).len > 0; i++)
		if (vote.data[1] != VOTE_CHECKPOINT)
			votes = mutate_replace(&w->arena, votes, i,
			    mutate_replace(&w->arena, vote, 2, digest));
	return mutate_replace(&w->arena, body, 2, votes);
}

static struct bytes
equivocate(struct world *w, struct replica *r, uint32_t to, struct bytes body)
{
	uint64_t type = message_type_of(body);

	if ((r->fooled >> to & 1) == 0 ||
	    (type != MESSAGE_PRE_PREPARE && type != MESSAGE_VOTES) ||
	    !world_strikes(w, COUNT_BYZ_EQUIVOCATE))
		return body;
	return type == MESSAGE_VOTES ? vote_null(w, body)
				     : propose_null(w, body);
}

/* --- a digest without its batch --- */

/* The digest is the batch's again, and the vote of the proposal's view. */
static struct bytes
mend_proposal(struct world *w, struct bytes body)
{
	struct bytes batch = mutate_field(body, PROPOSAL_BATCH);
	struct bytes proof = mutate_field(body, PROPOSAL_PROOF);
	struct decoder d;

	decoder_init(&d, batch);
	batch = decoder_get_bytes(&d);
	if (decoder_failed(&d))
		return body;
	body = mutate_replace(&w->arena, body, PROPOSAL_DIGEST,
	    put_digest(w, batch));
	proof = mutate_replace(&w->arena, proof, 1,
	    mutate_field(body, PROPOSAL_VIEW));
	return mutate_replace(&w->arena, body, PROPOSAL_PROOF, proof);
}

/* What no client signed. */
static struct bytes
change_batch(struct world *w, struct bytes body)
{
	struct bytes item = mutate_field(body, PROPOSAL_BATCH), batch;
	uint8_t *copy = arena_take(&w->arena, item.len);
	struct decoder d;

	memcpy(copy, item.data, item.len);
	decoder_init(&d, bytes_of(copy, item.len));
	batch = decoder_get_bytes(&d);
	if (batch.len == 0)
		return body;
	copy[item.len - 1 - dice_below(&w->byzantine_dice, batch.len)] ^= 1;
	return mend_proposal(w,
	    mutate_replace(&w->arena, body, PROPOSAL_BATCH,
		bytes_of(copy, item.len)));
}

static struct bytes
bogus(struct world *w, struct bytes body)
{
	struct bytes null = bytes_of(null_batch, sizeof(null_batch));
	struct dice *d = &w->byzantine_dice;
	uint64_t kind = dice_below(d, 3), type = message_type_of(body);

	if ((type != MESSAGE_PRE_PREPARE && type != MESSAGE_COMMITTED &&
		type != MESSAGE_BATCH) ||
	    !dice_chance(d, 500) || !world_strikes(w, COUNT_BYZ_BOGUS))
		return body;
	if (type != MESSAGE_PRE_PREPARE)
		return mutate_replace(&w->arena, body, ANSWER_BATCH,
		    put_bytes(w, null));
	if (kind == 0)
		return change_batch(w, body);
	return kind == 1 ? mutate_replace(&w->arena, body, PROPOSAL_BATCH,
			       put_bytes(w, null))
			 : mutate_replace(&w->arena, body, PROPOSAL_DIGEST,
			       put_digest(w, body));
}

/* --- small mutations --- */

static struct bytes
old_of_type(struct world *w, uint64_t type)
{
	uint64_t known = w->old_count < WORLD_OLD_MESSAGES ? w->old_count
							   : WORLD_OLD_MESSAGES;
	uint64_t tries = 8;

	while (known > 0 && tries-- > 0) {
		struct bytes old =
		    w->old[dice_below(&w->byzantine_dice, known)];

		if (message_type_of(old) == type)
			return old;
	}
	return bytes_of(NULL, 0);
}

static struct bytes
fuzz(struct world *w, struct bytes body)
{
	struct dice *d = &w->byzantine_dice;
	uint64_t type = message_type_of(body);
	struct bytes changed;

	if (type == MESSAGE_PROGRESS || !dice_chance(d, 250))
		return body;
	changed = mutate_message(&w->arena, d, body, old_of_type(w, type));
	if (message_type_of(changed) == MESSAGE_PRE_PREPARE &&
	    dice_chance(d, 700))
		changed = mend_proposal(w, changed);
	return world_strikes(w, COUNT_BYZ_FUZZ) ? changed : body;
}

/* --- views nobody needs --- */

static void
universal_signature(struct world *w, uint32_t node,
    uint8_t signature[static SIGNATURE_BYTES])
{
	keyring_authority.sign(&w->memberships[0].signers[node],
	    bytes_of(NULL, 0), signature);
}

static void
spam(struct world *w, struct replica *r, uint32_t to)
{
	uint8_t signature[SIGNATURE_BYTES], room[128];
	struct dice *d = &w->byzantine_dice;
	const uint64_t views[] = { r->status.view + 1,
		r->status.view + dice_range(d, 2, 80), UINT64_MAX / 2 - 1,
		UINT64_MAX };
	struct bytes body;
	struct encoder e;

	universal_signature(w, r->member, signature);
	encoder_init(&e, room, sizeof(room));
	encoder_put_array(&e, 8);
	encoder_put_uint(&e, MESSAGE_VIEW_CHANGE);
	encoder_put_uint(&e, r->self);
	encoder_put_uint(&e, views[dice_below(d, 4)]);
	encoder_put_uint(&e,
	    dice_chance(d, 500)
		? 0
		: r->status.stable + dice_range(d, 0, w->profile.window));
	encoder_put_null(&e);
	encoder_put_array(&e, 0);
	encoder_put_array(&e, 0);
	encoder_put_bytes(&e, bytes_of(signature, SIGNATURE_BYTES));
	AG_ASSERT(encoder_finish(&e, &body) == AG_OK);
	if (world_strikes(w, COUNT_BYZ_SPAM))
		network_send(w, r, to, arena_copy(&w->arena, body), 0);
}

/* --- certificates of too few --- */

/* Too many culprits lend each other their signatures. */
static void
conspire(struct world *w, struct certificate *c)
{
	uint32_t i, count = 0;

	for (i = 0; i < w->profile.member_count && count < c->proof_count; i++)
		if (w->profile.byzantine[i] != 0) {
			c->proofs[count].member = i;
			universal_signature(w, i, c->proofs[count++].signature);
		}
}

/* A quorum of proofs, all its own or each said to be another's. */
static void
forge_certificate(struct world *w, struct replica *r, enum vote_phase phase,
    struct certificate *c)
{
	uint32_t i,
	    quorum = trust_quorum(FAULTS_BYZANTINE,
		membership_of(w, r)->member_count);
	bool repeats = dice_chance(&w->byzantine_dice, 500);

	memset(c, 0, sizeof(*c));
	c->phase = phase;
	c->view = phase == VOTE_CHECKPOINT                ? 0
	    : phase == VOTE_PREPARE && r->status.view > 0 ? r->status.view - 1
							  : r->status.view;
	c->seq = r->status.stable +
	    dice_range(&w->byzantine_dice, 1, w->profile.window);
	digest_of(&c->digest, bytes_of(null_batch, sizeof(null_batch)));
	c->proof_count = quorum;
	for (i = 0; i < quorum; i++) {
		c->proofs[i].member = repeats ? r->self : i;
		c->proofs[i].view = c->view;
		c->proofs[i].bundle_size = 1;
		universal_signature(w, r->member, c->proofs[i].signature);
	}
	if (w->profile.is_beyond_faults)
		conspire(w, c);
}

/* A view change that shows the null batch prepared for some sequence. */
static struct bytes
forge_prepared(struct world *w, struct replica *r, struct bytes body)
{
	uint8_t *room = arena_take(&w->arena, FORGED_BYTES);
	struct bytes prepared;
	struct encoder e;

	forge_certificate(w, r, VOTE_PREPARE, &w->certificate);
	encoder_init(&e, room, FORGED_BYTES);
	encoder_put_array(&e, 1);
	certificate_encode(&e, &w->certificate);
	AG_ASSERT(encoder_finish(&e, &prepared) == AG_OK);
	if (!world_strikes(w, COUNT_BYZ_FORGE))
		return body;
	return mutate_replace(&w->arena, body, CHANGE_PREPARED, prepared);
}

static void
forge(struct world *w, struct replica *r, uint32_t to)
{
	bool is_checkpoint = dice_chance(&w->byzantine_dice, 500);
	uint8_t *room = arena_take(&w->arena, FORGED_BYTES);
	struct bytes body;
	struct encoder e;

	forge_certificate(w, r, is_checkpoint ? VOTE_CHECKPOINT : VOTE_COMMIT,
	    &w->certificate);
	encoder_init(&e, room, FORGED_BYTES);
	encoder_put_array(&e, is_checkpoint ? 2 : 3);
	encoder_put_uint(&e,
	    is_checkpoint ? MESSAGE_CHECKPOINT : MESSAGE_COMMITTED);
	certificate_encode(&e, &w->certificate);
	if (!is_checkpoint)
		encoder_put_bytes(&e, bytes_of(null_batch, sizeof(null_batch)));
	AG_ASSERT(encoder_finish(&e, &body) == AG_OK);
	if (world_strikes(w, COUNT_BYZ_FORGE))
		network_send(w, r, to, body, 0);
}

static struct bytes
change(struct world *w, struct replica *r, uint32_t to, struct bytes body)
{
	uint32_t kinds = w->profile.byzantine[r->member];

	if ((kinds & BYZ_EQUIVOCATE) != 0)
		body = equivocate(w, r, to, body);
	if ((kinds & BYZ_BOGUS) != 0)
		body = bogus(w, body);
	if ((kinds & BYZ_FUZZ) != 0)
		body = fuzz(w, body);
	if ((kinds & BYZ_FORGE) != 0 &&
	    message_type_of(body) == MESSAGE_VIEW_CHANGE &&
	    dice_chance(&w->byzantine_dice, 500))
		body = forge_prepared(w, r, body);
	return body;
}

/* To all who get the same message the lie is the same, or to each its own. */
struct bytes
attack_change(struct world *w, struct replica *r, uint32_t to,
    struct bytes body)
{
	if (!r->is_consistent)
		return change(w, r, to, body);
	if (r->truth.data != body.data) {
		r->truth = body;
		r->lie = change(w, r, to, body);
	}
	return r->lie;
}

/*
 * After a new view: other proposals for what it chose, as if there had been
 * nothing to go on with.
 */
static void
preempt(struct world *w, struct replica *r, uint32_t to)
{
	struct bytes null = bytes_of(null_batch, sizeof(null_batch));
	struct vote_proof proof = {
		.member = r->self,
		.view = r->status.view,
		.bundle_size = 1,
	};
	uint64_t low = r->status.stable > w->profile.window
	    ? r->status.stable - w->profile.window
	    : 0;
	uint64_t seq = low +
	    dice_range(&w->byzantine_dice, 1, 2 * (uint64_t)w->profile.window);
	uint8_t *room = arena_take(&w->arena, 512);
	struct bytes body;
	struct encoder e;

	universal_signature(w, r->member, proof.signature);
	encoder_init(&e, room, 512);
	encoder_put_array(&e, 6);
	encoder_put_uint(&e, MESSAGE_PRE_PREPARE);
	encoder_put_uint(&e, proof.view);
	encoder_put_uint(&e, seq);
	encoder_put_raw(&e, put_digest(w, null));
	encoder_put_bytes(&e, null);
	vote_proof_encode(&e, &proof);
	AG_ASSERT(encoder_finish(&e, &body) == AG_OK);
	if (world_strikes(w, COUNT_BYZ_PREEMPT))
		network_send(w, r, to, body, w->profile.view_timeout_us / 4);
}

void
attack_add(struct world *w, struct replica *r, uint32_t to, struct bytes body)
{
	uint32_t kinds = w->profile.byzantine[r->member];

	if ((kinds & BYZ_EQUIVOCATE) != 0 &&
	    message_type_of(body) == MESSAGE_NEW_VIEW)
		preempt(w, r, to);
	if ((kinds & BYZ_SPAM) != 0 && dice_chance(&w->byzantine_dice, 50))
		spam(w, r, to);
	if ((kinds & BYZ_FORGE) != 0 && dice_chance(&w->byzantine_dice, 50))
		forge(w, r, to);
}

/* --- requests not seen --- */

/* A NEW_VIEW that a twin signed gives neither of them away. */
static bool
is_of_twin(struct world *w, const struct replica *r, struct bytes body)
{
	struct decoder d;

	if ((w->profile.byzantine[r->member] & BYZ_TWIN) == 0 ||
	    message_type_of(body) != MESSAGE_NEW_VIEW)
		return false;
	decoder_init(&d, body);
	(void)decoder_get_array_max(&d, 5);
	(void)decoder_get_uint(&d);
	return decoder_get_uint(&d) % membership_of(w, r)->member_count ==
	    r->self;
}

/* Whoever asks for it, does it serve this client now? */
static bool
refuses(struct world *w, const struct replica *r)
{
	uint32_t kinds = w->profile.byzantine[r->member];

	return ((kinds & BYZ_LAST) != 0 && r->status.pending_requests > 0) ||
	    ((kinds & BYZ_CENSOR) != 0 && world_strikes(w, COUNT_BYZ_CENSOR));
}

bool
attack_ignores(struct world *w, struct replica *r, struct bytes body)
{
	struct envelope envelope;
	struct decoder d;

	if (is_of_twin(w, r, body))
		return true;
	if ((w->profile.byzantine[r->member] & (BYZ_CENSOR | BYZ_LAST)) == 0 ||
	    message_type_of(body) != MESSAGE_REQUEST)
		return false;
	decoder_init(&d, mutate_field(body, 1));
	return envelope_decode(&envelope, decoder_get_bytes(&d), NULL) ==
	    AG_OK &&
	    machine_client_of(envelope.principal) == CENSORED_CLIENT &&
	    refuses(w, r);
}

bool
attack_refuses(struct world *w, const struct replica *r, uint32_t client)
{
	return client == CENSORED_CLIENT && refuses(w, r);
}
