/*
 * Hostile members: forged, mutated and contradicting messages.
 */
#include "consensus_fixture.h"

/* A proposal signed by a member, whoever it is. */
static struct bytes
proposal_make_as(struct cluster *c, uint32_t signer, uint64_t view,
    uint64_t seq, struct bytes batch, const struct digest *digest, uint8_t *out,
    size_t cap)
{
	struct vote vote = { VOTE_PREPARE, seq, *digest };
	struct vote_proof proof;
	struct encoder e;
	struct bytes raw;

	vote_bundle_sign(&proof, &vote, 1, &c->scope, signer, view,
	    &fake_anybody, &signer);
	encoder_init(&e, out, cap);
	encoder_put_array(&e, 6);
	encoder_put_uint(&e, MESSAGE_PRE_PREPARE);
	encoder_put_uint(&e, view);
	encoder_put_uint(&e, seq);
	encoder_put_bytes(&e, bytes_of(digest->data, DIGEST_BYTES));
	encoder_put_bytes(&e, batch);
	vote_proof_encode(&e, &proof);
	assert_int_equal(encoder_finish(&e, &raw), AG_OK);
	return raw;
}

static struct bytes
votes_make(struct cluster *c, uint32_t signer, uint64_t view,
    enum vote_phase phase, uint64_t seq, const struct digest *digest,
    uint8_t *out, size_t cap)
{
	struct vote vote = { phase, seq, *digest };
	struct vote_proof proof;
	struct encoder e;
	struct bytes raw;

	vote_bundle_sign(&proof, &vote, 1, &c->scope, signer, view,
	    &fake_anybody, &signer);
	encoder_init(&e, out, cap);
	encoder_put_array(&e, 4);
	encoder_put_uint(&e, MESSAGE_VOTES);
	encoder_put_uint(&e, view);
	encoder_put_array(&e, 1);
	encoder_put_array(&e, 3);
	encoder_put_uint(&e, phase);
	encoder_put_uint(&e, seq);
	encoder_put_bytes(&e, bytes_of(digest->data, DIGEST_BYTES));
	encoder_put_bytes(&e, bytes_of(proof.signature, SIGNATURE_BYTES));
	assert_int_equal(encoder_finish(&e, &raw), AG_OK);
	return raw;
}

/* A batch of one flag and a time that anybody accepts. */
static struct bytes
batch_make(struct cluster *c, uint64_t offset_ms, struct digest *digest,
    uint8_t *out, size_t cap)
{
	struct encoder e;
	struct bytes raw;

	encoder_init(&e, out, cap);
	batch_encode_head(&e, c->wall_ms + offset_ms, BATCH_FLAG_CHECKPOINT, 0);
	assert_int_equal(encoder_finish(&e, &raw), AG_OK);
	digest_of(digest, raw);
	return raw;
}

static uint32_t
prepares_at(const struct cluster *c, uint32_t at, uint64_t seq)
{
	struct engine_round round;

	if (strategy_pbft.round(c->nodes[at].engine, seq, &round) != AG_OK)
		return 0;
	return round.prepares;
}

static uint32_t
commits_at(const struct cluster *c, uint32_t at, uint64_t seq)
{
	struct engine_round round;

	if (strategy_pbft.round(c->nodes[at].engine, seq, &round) != AG_OK)
		return 0;
	return round.commits;
}

static void
only_the_primary_can_propose(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t raw[1024], inner[64];
	struct digest digest;
	struct bytes batch;

	(void)state;
	batch = batch_make(c, 0, &digest, inner, sizeof(inner));
	post(c, 2, 1,
	    proposal_make_as(c, 2, 0, 1, batch, &digest, raw, sizeof(raw)));
	assert_int_equal(status_of(c, 1).proposed, 0);
	post(c, 2, 1,
	    proposal_make_as(c, 0, 0, 1, batch, &digest, raw, sizeof(raw)));
	assert_int_equal(status_of(c, 1).proposed, 1);
	cluster_free(c);
}

static void
a_proposal_whose_batch_is_another_is_refused(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t raw[1024], inner[64], other[64];
	struct digest digest, unused;
	struct bytes batch;

	(void)state;
	(void)batch_make(c, 0, &digest, inner, sizeof(inner));
	batch = batch_make(c, 1, &unused, other, sizeof(other));
	post(c, 0, 1,
	    proposal_make_as(c, 0, 0, 1, batch, &digest, raw, sizeof(raw)));
	assert_int_equal(status_of(c, 1).proposed, 0);
	cluster_free(c);
}

static void
a_proposal_outside_of_the_window_or_the_view_is_refused(void **state)
{
	const uint64_t seqs[] = { 0, 17, UINT64_MAX };
	struct cluster *c = cluster_of(4);
	uint8_t raw[1024], inner[64];
	struct digest digest;
	struct bytes batch;
	size_t i;

	(void)state;
	batch = batch_make(c, 0, &digest, inner, sizeof(inner));
	for (i = 0; i < 3; i++)
		post(c, 0, 1,
		    proposal_make_as(c, 0, 0, seqs[i], batch, &digest, raw,
			sizeof(raw)));
	post(c, 0, 1,
	    proposal_make_as(c, 0, 4, 1, batch, &digest, raw, sizeof(raw)));
	assert_int_equal(status_of(c, 1).proposed, 0);
	/* The last of the window is inside of it. */
	post(c, 0, 1,
	    proposal_make_as(c, 0, 0, 16, batch, &digest, raw, sizeof(raw)));
	assert_int_equal(status_of(c, 1).proposed, 16);
	cluster_free(c);
}

static void
a_batch_with_a_forged_request_is_refused(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t raw[2048], inner[1024], request[512];
	struct bytes envelope, batch;
	struct digest digest;
	struct encoder e;

	(void)state;
	envelope = request_make(c, 2, request, sizeof(request), 20);
	request[envelope.len - 1] ^= 1;
	encoder_init(&e, inner, sizeof(inner));
	batch_encode_head(&e, c->wall_ms, 0, 1);
	encoder_put_raw(&e, envelope);
	assert_int_equal(encoder_finish(&e, &batch), AG_OK);
	digest_of(&digest, batch);
	post(c, 0, 1,
	    proposal_make_as(c, 0, 0, 1, batch, &digest, raw, sizeof(raw)));
	assert_int_equal(status_of(c, 1).proposed, 0);
	cluster_free(c);
}

/* All votes for one sequence are lost. */
static bool
votes_are_lost(struct cluster *c, uint32_t from, uint32_t to, struct bytes body)
{
	uint64_t type = message_type_of(body);

	(void)c;
	(void)from;
	(void)to;
	return type != MESSAGE_VOTES && type != MESSAGE_VOTE_PROOFS &&
	    type != MESSAGE_PRE_PREPARE;
}

static void
a_second_proposal_with_a_forged_vote_counts_for_nothing(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t raw[4096];
	struct engine_round round;
	struct bytes body;
	unsigned i;

	(void)state;
	/* A slot that a new view chose has no vote of its primary yet. */
	c->passes = votes_are_lost;
	agree(c, 0, 1);
	c->passes = NULL;
	agree(c, 0, 1);
	assert_int_equal(c->nodes[1].applied, 0);
	assert_int_equal(prepares_at(c, 1, 2) & 1, 1);
	assert_int_equal(strategy_pbft.round(c->nodes[1].engine, 2, &round),
	    AG_OK);
	/* The same slot, another digest, no valid signature: no evidence. */
	round.digest.data[0] ^= 1;
	body = proposal_make_as(c, 0, 0, 2, bytes_of("x", 1), &round.digest,
	    raw, sizeof(raw));
	for (i = 0; i < SIGNATURE_BYTES; i++)
		raw[body.len - 1 - i] ^= 1;
	post(c, 3, 1, body);
	assert_int_equal(c->nodes[1].evidence, 0);
	cluster_free(c);
}

static bool
only_new_views_pass_from_the_second(struct cluster *c, uint32_t from,
    uint32_t to, struct bytes body)
{
	struct engine_round round;
	uint64_t type = message_type_of(body);

	/* In the first view nobody has all PREPAREs, and no COMMIT arrives. */
	if (status_of(c, from).view == 0)
		return (type != MESSAGE_VOTES && type != MESSAGE_VOTE_PROOFS) ||
		    (from != 3 && to != 3 &&
			(strategy_pbft.round(c->nodes[from].engine, 1,
			     &round) != AG_OK ||
			    round.phase < ROUND_PREPARED));
	return from != 1 ||
	    (type != MESSAGE_VOTES && type != MESSAGE_VOTE_PROOFS &&
		type != MESSAGE_PRE_PREPARE && type != MESSAGE_COMMITTED);
}

static void
a_forged_vote_of_the_new_primary_does_not_count(void **state)
{
	struct cluster *c = cluster_of(4);
	struct engine_round round;
	uint8_t raw[4096];
	struct bytes body;

	(void)state;
	agree(c, 0, 0);
	/* Everybody prepares the first, nobody sees a commit. */
	c->passes = only_new_views_pass_from_the_second;
	agree(c, 0, 1);
	c->nodes[0].is_down = true;
	submit(c, 2);
	cluster_advance(c, 1700 * MS);
	if (status_of(c, 3).view == 1 &&
	    strategy_pbft.round(c->nodes[3].engine, 1, &round) == AG_OK &&
	    round.view == 1) {
		assert_int_equal(round.prepares & 2, 0);
		body = proposal_make_as(c, 1, 1, 1, bytes_of("x", 1),
		    &round.digest, raw, sizeof(raw));
		raw[body.len - 1] ^= 1;
		post(c, 2, 3, body);
		assert_int_equal(prepares_at(c, 3, 1) & 2, 0);
		raw[body.len - 1] ^= 1;
		post(c, 2, 3, body);
		assert_int_equal(prepares_at(c, 3, 1) & 2, 2);
	} else {
		fail_msg("the new view did not begin");
	}
	cluster_free(c);
}

static void
a_primary_that_proposes_two_batches_is_convicted_once(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t raw[1024], inner[64];
	struct digest first, second;
	struct bytes batch;
	unsigned i;

	(void)state;
	batch = batch_make(c, 0, &first, inner, sizeof(inner));
	post(c, 0, 1,
	    proposal_make_as(c, 0, 0, 1, batch, &first, raw, sizeof(raw)));
	batch = batch_make(c, 1, &second, inner, sizeof(inner));
	for (i = 0; i < 5; i++)
		post(c, 0, 1,
		    proposal_make_as(c, 0, 0, 1, batch, &second, raw,
			sizeof(raw)));
	assert_int_equal(c->nodes[1].evidence, 1);
	assert_int_equal(c->nodes[1].culprit, 0);
	cluster_free(c);
}

static void
a_member_that_votes_twice_is_convicted_and_counted_once(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t raw[1024], inner[64];
	struct digest first, second;
	struct bytes batch;
	unsigned i;

	(void)state;
	batch = batch_make(c, 0, &first, inner, sizeof(inner));
	memset(&second, 9, sizeof(second));
	post(c, 0, 1,
	    proposal_make_as(c, 0, 0, 1, batch, &first, raw, sizeof(raw)));
	for (i = 0; i < 3; i++) {
		post(c, 3, 1,
		    votes_make(c, 3, 0, VOTE_COMMIT, 1, &first, raw,
			sizeof(raw)));
		post(c, 3, 1,
		    votes_make(c, 3, 0, VOTE_COMMIT, 1, &second, raw,
			sizeof(raw)));
	}
	assert_int_equal(c->nodes[1].evidence, 1);
	assert_int_equal(c->nodes[1].culprit, 3);
	assert_int_equal(commits_at(c, 1, 1), 1U << 3);
	cluster_free(c);
}

/* A view may have to go on with another batch than the one before it. */
static void
votes_of_two_views_convict_nobody_however_they_come(void **state)
{
	static const enum vote_phase phases[] = { VOTE_PREPARE, VOTE_COMMIT };
	/* As re-sent, late, out of order; what counts is the view of each. */
	static const uint64_t views[] = { 0, 1, 0, 2, 1, 2, 0 };
	struct digest digests[3];
	uint8_t raw[1024];
	size_t phase, i;

	(void)state;
	for (i = 0; i < 3; i++)
		memset(&digests[i], (int)i + 1, sizeof(digests[i]));
	for (phase = 0; phase < 2; phase++) {
		struct cluster *c = cluster_of(4);

		for (i = 0; i < sizeof(views) / sizeof(views[0]); i++)
			post(c, 3, 1,
			    votes_make(c, 3, views[i], phases[phase], 1,
				&digests[views[i]], raw, sizeof(raw)));
		assert_int_equal(c->nodes[1].evidence, 0);
		/* In one view it would have been proof. */
		post(c, 3, 1,
		    votes_make(c, 3, 2, phases[phase], 1, &digests[1], raw,
			sizeof(raw)));
		assert_int_equal(c->nodes[1].evidence, 1);
		assert_int_equal(c->nodes[1].culprit, 3);
		cluster_free(c);
	}
}

/* The state after a sequence is the same in every view. */
static void
a_member_that_signs_two_states_is_convicted_and_counted_once(void **state)
{
	const uint64_t seq = 8;
	struct cluster *c = cluster_of(4);
	struct digest first, second;
	uint8_t raw[1024];
	unsigned i;

	(void)state;
	memset(&first, 4, sizeof(first));
	memset(&second, 9, sizeof(second));
	for (i = 0; i < 3; i++) {
		post(c, 3, 1,
		    votes_make(c, 3, i, VOTE_CHECKPOINT, seq, &first, raw,
			sizeof(raw)));
		assert_int_equal(c->nodes[1].evidence, i > 0);
		post(c, 3, 1,
		    votes_make(c, 3, i + 5, VOTE_CHECKPOINT, seq, &second, raw,
			sizeof(raw)));
		assert_int_equal(c->nodes[1].evidence, 1);
	}
	assert_int_equal(c->nodes[1].culprit, 3);
	assert_int_equal(c->nodes[1].culpable, EVIDENCE_CHECKPOINT);
	/* Another member's different state convicts nobody. */
	post(c, 2, 1,
	    votes_make(c, 2, 0, VOTE_CHECKPOINT, seq, &second, raw,
		sizeof(raw)));
	assert_int_equal(c->nodes[1].evidence, 1);
	assert_int_equal(c->nodes[1].stable, 0);
	cluster_free(c);
}

static void
a_vote_counts_for_its_signer_only(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t raw[1024], inner[64];
	struct digest digest;
	struct bytes batch;

	(void)state;
	batch = batch_make(c, 0, &digest, inner, sizeof(inner));
	post(c, 0, 1,
	    proposal_make_as(c, 0, 0, 1, batch, &digest, raw, sizeof(raw)));
	/* Signed by 3, sent by 2; and of another view. */
	post(c, 2, 1,
	    votes_make(c, 3, 0, VOTE_PREPARE, 1, &digest, raw, sizeof(raw)));
	post(c, 3, 1,
	    votes_make(c, 3, 1, VOTE_PREPARE, 1, &digest, raw, sizeof(raw)));
	assert_int_equal(prepares_at(c, 1, 1), 1);
	cluster_free(c);
}

static void
who_forges_votes_is_soon_not_verified_for_a_while(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t raw[1024], inner[64];
	struct digest digest;
	struct bytes batch;
	unsigned before, i;

	(void)state;
	batch = batch_make(c, 0, &digest, inner, sizeof(inner));
	post(c, 0, 1,
	    proposal_make_as(c, 0, 0, 1, batch, &digest, raw, sizeof(raw)));
	before = c->nodes[1].verifications;
	for (i = 0; i < 1000; i++)
		post(c, 3, 1,
		    votes_make(c, 2, 0, VOTE_PREPARE, 1, &digest, raw,
			sizeof(raw)));
	assert_in_range(c->nodes[1].verifications - before, 1, 64);
	post(c, 3, 1,
	    votes_make(c, 3, 0, VOTE_PREPARE, 1, &digest, raw, sizeof(raw)));
	assert_int_equal(prepares_at(c, 1, 1) & 8, 0);
	/* Nobody else is the worse for it, nor it for long. */
	post(c, 2, 1,
	    votes_make(c, 2, 0, VOTE_PREPARE, 1, &digest, raw, sizeof(raw)));
	assert_int_equal(prepares_at(c, 1, 1) & 4, 4);
	c->now_us += 100 * MS;
	post(c, 3, 1,
	    votes_make(c, 3, 0, VOTE_PREPARE, 1, &digest, raw, sizeof(raw)));
	assert_int_equal(prepares_at(c, 1, 1) & 8, 8);
	cluster_free(c);
}

static void
votes_of_ever_later_views_are_soon_not_verified_for_a_while(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t raw[1024], inner[64];
	struct digest digest;
	struct bytes batch;
	unsigned before;
	uint64_t view;

	(void)state;
	batch = batch_make(c, 0, &digest, inner, sizeof(inner));
	before = c->nodes[1].verifications;
	for (view = 1; view < 1000; view++)
		post(c, 3, 1,
		    votes_make(c, 3, view, VOTE_COMMIT, 1, &digest, raw,
			sizeof(raw)));
	assert_in_range(c->nodes[1].verifications - before, 1, 64);
	/* The others go on without it, and with it a little later. */
	post(c, 0, 1,
	    proposal_make_as(c, 0, 0, 1, batch, &digest, raw, sizeof(raw)));
	post(c, 2, 1,
	    votes_make(c, 2, 0, VOTE_PREPARE, 1, &digest, raw, sizeof(raw)));
	assert_int_equal(prepares_at(c, 1, 1) & 4, 4);
	c->now_us += 100 * MS;
	post(c, 3, 1,
	    votes_make(c, 3, 0, VOTE_PREPARE, 1, &digest, raw, sizeof(raw)));
	assert_int_equal(prepares_at(c, 1, 1) & 8, 8);
	cluster_free(c);
}

static void
a_vote_for_another_cluster_or_epoch_does_not_count(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t raw[1024], inner[64];
	struct digest digest;
	struct bytes batch;

	(void)state;
	batch = batch_make(c, 0, &digest, inner, sizeof(inner));
	post(c, 0, 1,
	    proposal_make_as(c, 0, 0, 1, batch, &digest, raw, sizeof(raw)));
	c->scope.epoch++;
	post(c, 3, 1,
	    votes_make(c, 3, 0, VOTE_PREPARE, 1, &digest, raw, sizeof(raw)));
	c->scope.epoch--;
	c->scope.cluster_id[5] ^= 1;
	post(c, 3, 1,
	    votes_make(c, 3, 0, VOTE_PREPARE, 1, &digest, raw, sizeof(raw)));
	assert_int_equal(prepares_at(c, 1, 1), 1);
	cluster_free(c);
}

static void
a_vote_beyond_the_quorum_is_not_even_verified(void **state)
{
	struct cluster *c = cluster_of(7);
	uint8_t raw[1024], inner[64];
	struct digest digest;
	struct bytes batch;
	unsigned before;
	uint32_t i;

	(void)state;
	batch = batch_make(c, 0, &digest, inner, sizeof(inner));
	post(c, 0, 1,
	    proposal_make_as(c, 0, 0, 1, batch, &digest, raw, sizeof(raw)));
	for (i = 2; i < 6; i++)
		post(c, i, 1,
		    votes_make(c, i, 0, VOTE_COMMIT, 1, &digest, raw,
			sizeof(raw)));
	/* With the primary's it is a quorum of COMMITs. */
	post(c, 0, 1,
	    votes_make(c, 0, 0, VOTE_COMMIT, 1, &digest, raw, sizeof(raw)));
	before = c->nodes[1].verifications;
	post(c, 6, 1,
	    votes_make(c, 6, 0, VOTE_COMMIT, 1, &digest, raw, sizeof(raw)));
	assert_int_equal(c->nodes[1].verifications, before);
	cluster_free(c);
}

static void
a_prepare_is_verified_until_all_members_have_prepared(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t raw[1024], inner[64];
	struct digest digest;
	struct bytes batch;
	uint32_t i;

	(void)state;
	batch = batch_make(c, 0, &digest, inner, sizeof(inner));
	post(c, 0, 1,
	    proposal_make_as(c, 0, 0, 1, batch, &digest, raw, sizeof(raw)));
	for (i = 2; i < 4; i++) {
		unsigned before = c->nodes[1].verifications;

		post(c, i, 1,
		    votes_make(c, i, 0, VOTE_PREPARE, 1, &digest, raw,
			sizeof(raw)));
		assert_int_equal(c->nodes[1].verifications, before + 1);
	}
	cluster_free(c);
}

static void
a_proposals_time_must_not_fall(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t raw[1024], inner[64];
	struct digest digest;
	struct bytes batch;

	(void)state;
	batch = batch_make(c, 100, &digest, inner, sizeof(inner));
	post(c, 0, 1,
	    proposal_make_as(c, 0, 0, 1, batch, &digest, raw, sizeof(raw)));
	batch = batch_make(c, 99, &digest, inner, sizeof(inner));
	post(c, 0, 1,
	    proposal_make_as(c, 0, 0, 2, batch, &digest, raw, sizeof(raw)));
	assert_int_equal(status_of(c, 1).proposed, 1);
	batch = batch_make(c, 100, &digest, inner, sizeof(inner));
	post(c, 0, 1,
	    proposal_make_as(c, 0, 0, 2, batch, &digest, raw, sizeof(raw)));
	assert_int_equal(status_of(c, 1).proposed, 2);
	cluster_free(c);
}

static void
a_forged_checkpoint_is_not_chased(void **state)
{
	struct cluster *c = cluster_of(4);
	static struct certificate certificate;
	static uint8_t raw[16384];
	struct encoder e;
	struct bytes body;
	unsigned i;

	(void)state;
	for (i = 0; i < 2; i++) {
		certificate_make(c, VOTE_CHECKPOINT, 0, 800, 4, 3,
		    &certificate);
		if (i == 0)
			certificate.proofs[2].signature[0] ^= 1;
		encoder_init(&e, raw, sizeof(raw));
		encoder_put_array(&e, 2);
		encoder_put_uint(&e, MESSAGE_CHECKPOINT);
		certificate_encode(&e, &certificate);
		assert_int_equal(encoder_finish(&e, &body), AG_OK);
		post(c, 3, 1, body);
		cluster_advance(c, 1000 * MS);
		assert_int_equal(c->nodes[1].fetches, i);
	}
	assert_int_equal(c->nodes[1].fetch_seq, 800);
	cluster_free(c);
}

static void
messages_of_nobody_and_of_ourselves_are_ignored(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t raw[1024], inner[64];
	struct digest digest;
	struct bytes batch;

	(void)state;
	batch = batch_make(c, 0, &digest, inner, sizeof(inner));
	post(c, 1, 1,
	    proposal_make_as(c, 0, 0, 1, batch, &digest, raw, sizeof(raw)));
	post(c, 77, 1, bytes_of(raw, sizeof(raw)));
	post(c, UINT32_MAX, 1, bytes_of(raw, sizeof(raw)));
	assert_int_equal(status_of(c, 1).proposed, 0);
	cluster_free(c);
}

/* A small generator of our own: the same mutations in every run. */
static uint64_t
next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static uint64_t dice = 88172645463325252U;

/* Each message also arrives damaged, from everybody and at everybody. */
static bool
damaged_copies_come_too(struct cluster *c, uint32_t from, uint32_t to,
    struct bytes body)
{
	uint8_t *copy;
	size_t len = body.len;
	uint32_t i;

	(void)to;
	if (body.len > 65536 || c->knob == 0)
		return true;
	copy = malloc(body.len + 8);
	assert_non_null(copy);
	memcpy(copy, body.data, body.len);
	switch (next(&dice) % 4) {
	case 0:
		len = (size_t)(next(&dice) % (body.len + 1));
		break;
	case 1:
		copy[next(&dice) % body.len] ^=
		    (uint8_t)(1U << next(&dice) % 8);
		break;
	case 2:
		copy[next(&dice) % body.len] = (uint8_t)next(&dice);
		copy[next(&dice) % body.len] = (uint8_t)next(&dice);
		break;
	default:
		copy[len++] = 0;
		break;
	}
	for (i = 0; i < c->n; i++)
		if (!c->nodes[i].is_down && i != from &&
		    c->nodes[i].inbox.count < 4000)
			items_add(&c->nodes[i].inbox, bytes_of(copy, len))
			    ->from = from;
	free(copy);
	return true;
}

static void
damaged_messages_change_nothing(void **state)
{
	struct cluster *c = cluster_of(4);
	unsigned i;

	(void)state;
	c->has_transfer = true;
	c->passes = damaged_copies_come_too;
	c->knob = 1;
	for (i = 0; i < 6; i++) {
		uint32_t primary = status_of(c, (i + 1) % 4).primary;
		uint32_t other = (primary + 1) % 4;

		agree(c, other, 9);
		node_crash(&c->nodes[primary]);
		submit(c, other);
		cluster_advance(c, 5000 * MS);
		node_start(&c->nodes[primary]);
		cluster_advance(c, 3000 * MS);
		assert_healthy(c);
	}
	c->knob = 0;
	cluster_advance(c, 3000 * MS);
	assert_true(requests_up_to(c, c->nodes[0].applied) >= 60);
	assert_applied(c, c->nodes[0].applied);
	for (i = 0; i < 4; i++)
		assert_int_equal(c->nodes[i].evidence, 0);
	cluster_free(c);
}

static void
every_truncation_of_every_message_is_refused(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t raw[1024], inner[64];
	struct digest digest;
	struct bytes batch, whole;
	size_t len;

	(void)state;
	batch = batch_make(c, 0, &digest, inner, sizeof(inner));
	whole = proposal_make_as(c, 0, 0, 1, batch, &digest, raw, sizeof(raw));
	for (len = 0; len < whole.len; len++)
		post(c, 0, 1, bytes_of(raw, len));
	assert_int_equal(status_of(c, 1).proposed, 0);
	post(c, 0, 1, whole);
	whole = votes_make(c, 3, 0, VOTE_PREPARE, 1, &digest, raw, sizeof(raw));
	for (len = 0; len < whole.len; len++)
		post(c, 3, 1, bytes_of(raw, len));
	assert_int_equal(prepares_at(c, 1, 1), 1);
	post(c, 3, 1, whole);
	assert_int_equal(prepares_at(c, 1, 1), 9);
	cluster_free(c);
}

static void
one_member_cannot_fill_the_room_for_requests(void **state)
{
	struct cluster *c = cluster_of(4);
	uint8_t request[512], raw[600];
	unsigned i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		struct bytes envelope, body;
		struct encoder e;

		envelope = request_make(c, 3, request, sizeof(request), 100);
		encoder_init(&e, raw, sizeof(raw));
		encoder_put_array(&e, 2);
		encoder_put_uint(&e, MESSAGE_REQUEST);
		encoder_put_bytes(&e, envelope);
		assert_int_equal(encoder_finish(&e, &body), AG_OK);
		post(c, 3, 0, body);
	}
	assert_true(
	    status_of(c, 0).pending_bytes <= c->config.pending_bytes_max / 2);
	submit(c, 0);
	assert_int_equal(c->nodes[0].refused, 0);
	cluster_free(c);
}

static void
a_forged_certificate_commits_nothing(void **state)
{
	struct cluster *c = cluster_of(4);
	static struct certificate forged;
	static uint8_t raw[16384];
	uint8_t inner[64];
	struct vote vote = { VOTE_COMMIT, 1, { { 0 } } };
	struct bytes batch, body;
	struct encoder e;
	uint32_t i, signer = 3;

	(void)state;
	batch = batch_make(c, 0, &vote.digest, inner, sizeof(inner));
	forged = (struct certificate){ .phase = VOTE_COMMIT,
		.seq = 1,
		.digest = vote.digest,
		.proof_count = 3 };
	/* One member signs for three. */
	for (i = 0; i < 3; i++) {
		vote_bundle_sign(&forged.proofs[i], &vote, 1, &c->scope, signer,
		    0, &fake_anybody, &signer);
		forged.proofs[i].member = i;
	}
	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 3);
	encoder_put_uint(&e, MESSAGE_COMMITTED);
	certificate_encode(&e, &forged);
	encoder_put_bytes(&e, batch);
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	post(c, 3, 1, body);
	assert_int_equal(c->nodes[1].applied, 0);
	cluster_free(c);
}

/* Shown these PREPAREs, one a member, does the second execute the batch? */
static bool
prepares_decide(uint32_t count, const uint64_t views[4],
    const uint32_t signers[4])
{
	struct cluster *c = cluster_of(4);
	static struct certificate shown;
	static uint8_t raw[16384];
	uint8_t inner[64];
	struct vote vote = { VOTE_PREPARE, 1, { { 0 } } };
	struct bytes batch, body;
	struct encoder e;
	bool is_executed;
	uint32_t i;

	batch = batch_make(c, 0, &vote.digest, inner, sizeof(inner));
	shown = (struct certificate){ .phase = VOTE_PREPARE,
		.seq = 1,
		.digest = vote.digest,
		.proof_count = count };
	for (i = 0; i < count; i++) {
		uint32_t signer = signers[i];

		vote_bundle_sign(&shown.proofs[i], &vote, 1, &c->scope, signer,
		    views[i], &fake_anybody, &signer);
	}
	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 3);
	encoder_put_uint(&e, MESSAGE_COMMITTED);
	certificate_encode(&e, &shown);
	encoder_put_bytes(&e, batch);
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	post(c, 3, 1, body);
	is_executed = c->nodes[1].applied == 1;
	cluster_free(c);
	return is_executed;
}

static void
prepares_decide_when_they_are_all_members_and_of_one_view(void **state)
{
	const uint64_t one_view[4] = { 0, 0, 0, 0 }, two[4] = { 0, 0, 0, 1 };
	const uint32_t all[4] = { 0, 1, 2, 3 }, twice[4] = { 0, 1, 2, 2 };
	const uint32_t stranger[4] = { 0, 1, 2, 4 };

	(void)state;
	assert_true(prepares_decide(4, one_view, all));
	assert_false(prepares_decide(3, one_view, all));
	assert_false(prepares_decide(4, two, all));
	assert_false(prepares_decide(4, one_view, twice));
	assert_false(prepares_decide(4, one_view, stranger));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_primary_can_propose),
		cmocka_unit_test(a_proposal_whose_batch_is_another_is_refused),
		cmocka_unit_test(
		    a_proposal_outside_of_the_window_or_the_view_is_refused),
		cmocka_unit_test(a_batch_with_a_forged_request_is_refused),
		cmocka_unit_test(
		    a_second_proposal_with_a_forged_vote_counts_for_nothing),
		cmocka_unit_test(
		    a_forged_vote_of_the_new_primary_does_not_count),
		cmocka_unit_test(
		    a_primary_that_proposes_two_batches_is_convicted_once),
		cmocka_unit_test(
		    a_member_that_votes_twice_is_convicted_and_counted_once),
		cmocka_unit_test(
		    votes_of_two_views_convict_nobody_however_they_come),
		cmocka_unit_test(
		    a_member_that_signs_two_states_is_convicted_and_counted_once),
		cmocka_unit_test(a_vote_counts_for_its_signer_only),
		cmocka_unit_test(
		    who_forges_votes_is_soon_not_verified_for_a_while),
		cmocka_unit_test(
		    votes_of_ever_later_views_are_soon_not_verified_for_a_while),
		cmocka_unit_test(
		    a_vote_for_another_cluster_or_epoch_does_not_count),
		cmocka_unit_test(a_vote_beyond_the_quorum_is_not_even_verified),
		cmocka_unit_test(
		    a_prepare_is_verified_until_all_members_have_prepared),
		cmocka_unit_test(a_proposals_time_must_not_fall),
		cmocka_unit_test(a_forged_checkpoint_is_not_chased),
		cmocka_unit_test(
		    messages_of_nobody_and_of_ourselves_are_ignored),
		cmocka_unit_test(damaged_messages_change_nothing),
		cmocka_unit_test(every_truncation_of_every_message_is_refused),
		cmocka_unit_test(one_member_cannot_fill_the_room_for_requests),
		cmocka_unit_test(a_forged_certificate_commits_nothing),
		cmocka_unit_test(
		    prepares_decide_when_they_are_all_members_and_of_one_view),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
