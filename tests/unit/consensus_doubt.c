/*
 * Members that waste the others' verifications.
 *
 * The third forges towards the first, or towards whoever a specification
 * says; in a progress interval 64 failures are looked at, and no more.
 */
#include "consensus_fixture.h"
#include "trust/signing.h"

#define ALLOWED 64
#define CONVICTED_ALLOWED 16
#define INTERVAL (100 * MS)
#define FORGER 3U
#define MESSAGE_CAP 65536
/* What a forgery costs besides the verification that fails, at most. */
#define BESIDES 4

enum forgery {
	FORGED_REQUEST,
	FORGED_PRE_PREPARE,
	FORGED_VOTES,
	FORGED_VOTE_PROOFS,
	FORGED_VIEW_CHANGE,
	FORGED_NEW_VIEW,
	FORGED_COMMITTED,
	FORGED_CHECKPOINT,
	FORGED_RECALLED,
	FORGERIES,
};

static uint8_t room[MESSAGE_CAP];
static const uint8_t null_batch[] = { 0x83, 0x00, 0x00, 0x80 };

static struct bytes
finish(struct encoder *e)
{
	struct bytes body;

	assert_int_equal(encoder_finish(e, &body), AG_OK);
	return body;
}

static void
begin(struct encoder *e, size_t fields, uint64_t type)
{
	encoder_init(e, room, sizeof(room));
	encoder_put_array(e, fields);
	encoder_put_uint(e, type);
}

/* The signature that follows is of what was encoded since start. */
static void
put_signature(struct cluster *c, struct encoder *e, const char *purpose,
    uint32_t member, uint64_t view, size_t start)
{
	uint8_t signature[SIGNATURE_BYTES];
	struct digest digest;
	struct signing s;

	digest_of(&digest, bytes_of(e->out + start, e->len - start));
	signing_begin(&s, purpose);
	signing_put(&s, c->scope.cluster_id, CLUSTER_ID_BYTES);
	signing_put_u64(&s, c->scope.epoch);
	signing_put_u64(&s, member);
	signing_put_u64(&s, view);
	signing_put(&s, digest.data, DIGEST_BYTES);
	fake_signature(member, signing_bytes(&s), signature);
	encoder_put_bytes(e, bytes_of(signature, SIGNATURE_BYTES));
}

/* A batch of nothing, and all others' certificate of it for the second. */
static void
certify_null(struct cluster *c, enum vote_phase phase, uint64_t seq,
    struct certificate *out)
{
	static const uint32_t others[] = { 0, 2, 3 };
	struct vote vote = { .phase = phase, .seq = seq };
	uint32_t i;

	digest_of(&vote.digest, bytes_of(null_batch, sizeof(null_batch)));
	*out = (struct certificate){ .phase = phase,
		.seq = seq,
		.digest = vote.digest,
		.proof_count = 3 };
	for (i = 0; i < 3; i++) {
		uint32_t signer = others[i];

		vote_bundle_sign(&out->proofs[i], &vote, 1, &c->scope, signer,
		    0, &fake_anybody, &signer);
	}
}

/* Its last signature is none. */
static void
spoil(struct certificate *c)
{
	c->proofs[c->proof_count - 1].signature[0] ^= 1;
}

static void
put_view_change(struct cluster *c, struct encoder *e, uint32_t member,
    uint64_t view, size_t count, bool is_spoiled)
{
	static struct certificate certificate;
	size_t start, i;

	encoder_put_array(e, 8);
	encoder_put_uint(e, MESSAGE_VIEW_CHANGE);
	start = e->len;
	encoder_put_uint(e, member);
	encoder_put_uint(e, view);
	encoder_put_uint(e, 0);
	encoder_put_null(e);
	encoder_put_array(e, count);
	for (i = 0; i < count; i++) {
		certify_null(c, VOTE_PREPARE, i + 1, &certificate);
		if (is_spoiled && i + 1 == count)
			spoil(&certificate);
		certificate_encode(e, &certificate);
	}
	encoder_put_array(e, 0);
	put_signature(c, e, PURPOSE_VIEW_CHANGE, member, view, start);
}

/* With so many certificates, of which the last may not hold. */
static struct bytes
view_change(struct cluster *c, uint32_t member, uint64_t view, size_t count,
    bool is_spoiled)
{
	struct encoder e;

	encoder_init(&e, room, sizeof(room));
	put_view_change(c, &e, member, view, count, is_spoiled);
	return finish(&e);
}

/* Its own, with view changes of which one does not hold. */
static struct bytes
forged_new_view(struct cluster *c)
{
	struct encoder e;
	size_t start;

	begin(&e, 5, MESSAGE_NEW_VIEW);
	start = e.len;
	encoder_put_uint(&e, FORGER);
	encoder_put_array(&e, 1);
	put_view_change(c, &e, FORGER, FORGER, 1, true);
	encoder_put_array(&e, 0);
	put_signature(c, &e, PURPOSE_NEW_VIEW, FORGER, FORGER, start);
	return finish(&e);
}

static struct bytes
certificate_message(struct cluster *c, uint64_t type, enum vote_phase phase,
    bool is_spoiled)
{
	static struct certificate certificate;
	struct encoder e;

	certify_null(c, phase, 1, &certificate);
	if (is_spoiled)
		spoil(&certificate);
	begin(&e, type == MESSAGE_COMMITTED ? 3 : 2, type);
	certificate_encode(&e, &certificate);
	if (type == MESSAGE_COMMITTED)
		encoder_put_bytes(&e, bytes_of(null_batch, sizeof(null_batch)));
	return finish(&e);
}

static struct bytes
forged_recalled(struct cluster *c, uint32_t to)
{
	static struct certificate certificate;
	struct encoder e;

	certify_null(c, VOTE_CHECKPOINT, 8, &certificate);
	spoil(&certificate);
	begin(&e, 6, MESSAGE_RECALLED);
	encoder_put_uint(&e, c->nodes[to].starts);
	encoder_put_uint(&e, 0);
	encoder_put_bool(&e, true);
	certificate_encode(&e, &certificate);
	encoder_put_array(&e, 0);
	return finish(&e);
}

static struct vote
vote_of(enum vote_phase phase, uint64_t seq, uint8_t fill)
{
	return (struct vote){ phase, seq, { { fill } } };
}

/* A vote so many times, in a bundle or with a proof each. */
static struct bytes
vote_message(struct cluster *c, uint64_t type, uint32_t signer, uint64_t view,
    struct vote vote, size_t count, bool is_spoiled)
{
	struct vote_proof proof;
	struct encoder e;
	size_t i;

	vote_bundle_sign(&proof, &vote, 1, &c->scope, signer, view,
	    &fake_anybody, &signer);
	proof.signature[0] ^= is_spoiled;
	begin(&e, type == MESSAGE_VOTES ? 4 : 2, type);
	if (type == MESSAGE_VOTES)
		encoder_put_uint(&e, view);
	encoder_put_array(&e, count);
	for (i = 0; i < count; i++) {
		encoder_put_array(&e, type == MESSAGE_VOTES ? 3 : 4);
		encoder_put_uint(&e, vote.phase);
		encoder_put_uint(&e, vote.seq);
		encoder_put_bytes(&e, bytes_of(vote.digest.data, DIGEST_BYTES));
		if (type != MESSAGE_VOTES)
			vote_proof_encode(&e, &proof);
	}
	if (type == MESSAGE_VOTES)
		encoder_put_bytes(&e,
		    bytes_of(proof.signature, SIGNATURE_BYTES));
	return finish(&e);
}

static struct bytes
forged_proposal(void)
{
	struct vote_proof proof = { .bundle_size = 1 };
	struct digest digest;
	struct encoder e;

	digest_of(&digest, bytes_of(null_batch, sizeof(null_batch)));
	begin(&e, 6, MESSAGE_PRE_PREPARE);
	encoder_put_uint(&e, 0);
	encoder_put_uint(&e, 1);
	encoder_put_bytes(&e, bytes_of(digest.data, DIGEST_BYTES));
	encoder_put_bytes(&e, bytes_of(null_batch, sizeof(null_batch)));
	vote_proof_encode(&e, &proof);
	return finish(&e);
}

static struct bytes
forged_request(struct cluster *c)
{
	uint8_t raw[512];
	struct bytes envelope = request_make(c, FORGER, raw, sizeof(raw), 100);
	struct encoder e;

	raw[envelope.len - 1] ^= 1;
	begin(&e, 2, MESSAGE_REQUEST);
	encoder_put_bytes(&e, envelope);
	return finish(&e);
}

static struct bytes
forge(struct cluster *c, enum forgery kind, uint32_t to)
{
	switch (kind) {
	case FORGED_REQUEST:
		return forged_request(c);
	case FORGED_PRE_PREPARE:
		return forged_proposal();
	case FORGED_VOTES:
		return vote_message(c, MESSAGE_VOTES, FORGER, 0,
		    vote_of(VOTE_COMMIT, 1, 1), 1, true);
	case FORGED_VOTE_PROOFS:
		return vote_message(c, MESSAGE_VOTE_PROOFS, 2, 0,
		    vote_of(VOTE_COMMIT, 1, 1), VOTE_BUNDLE_MAX, true);
	case FORGED_VIEW_CHANGE:
		return view_change(c, 2, 1, 1, true);
	case FORGED_NEW_VIEW:
		return forged_new_view(c);
	case FORGED_COMMITTED:
		return certificate_message(c, MESSAGE_COMMITTED, VOTE_COMMIT,
		    true);
	case FORGED_CHECKPOINT:
		return certificate_message(c, MESSAGE_CHECKPOINT,
		    VOTE_CHECKPOINT, true);
	case FORGED_RECALLED:
	case FORGERIES:
	default:
		return forged_recalled(c, to);
	}
}

/* count forgeries of all kinds in turn; how many verifications that costs. */
static unsigned
flood(struct cluster *c, uint32_t from, uint32_t to, unsigned count)
{
	const unsigned before = c->nodes[to].verifications;
	unsigned i;

	for (i = 0; i < count; i++)
		post(c, from, to, forge(c, (enum forgery)(i % FORGERIES), to));
	return c->nodes[to].verifications - before;
}

/* Is a vote of it for this sequence looked at? */
static bool
is_heard(struct cluster *c, uint32_t from, uint32_t to, uint64_t seq)
{
	const unsigned before = c->nodes[to].verifications;

	post(c, from, to,
	    vote_message(c, MESSAGE_VOTES, from, 0,
		vote_of(VOTE_COMMIT, seq, 1), 1, false));
	return c->nodes[to].verifications > before;
}

static void
whatever_a_member_forges_is_soon_not_verified_for_a_while(void **state)
{
	unsigned kind, i;

	(void)state;
	for (kind = 0; kind < FORGERIES; kind++) {
		struct cluster *c = cluster_of(4);
		struct node *one = &c->nodes[1];
		const unsigned before = one->verifications;

		for (i = 0; i < 1000; i++)
			post(c, FORGER, 1, forge(c, (enum forgery)kind, 1));
		/* Less where what it forged under its name convicts it. */
		assert_in_range(one->verifications - before, CONVICTED_ALLOWED,
		    ALLOWED + BESIDES);
		cluster_free(c);
	}
}

static void
all_that_a_member_forges_is_paid_from_one_allowance(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	assert_in_range(flood(c, FORGER, 1, 1000), ALLOWED, ALLOWED + BESIDES);
	assert_false(is_heard(c, FORGER, 1, 1));
	/* Nobody else is the worse for it, nor it for long. */
	assert_true(is_heard(c, 2, 1, 2));
	c->now_us += INTERVAL;
	assert_true(is_heard(c, FORGER, 1, 1));
	assert_in_range(flood(c, FORGER, 1, 1000), ALLOWED - BESIDES,
	    ALLOWED + BESIDES);
	cluster_free(c);
}

/* One message may cost more than is allowed, which cannot be known before. */
static void
what_a_message_costs_beyond_the_allowance_is_owed(void **state)
{
	struct cluster *c = cluster_of(4);
	struct node *one = &c->nodes[1];
	const size_t window = c->config.window;
	const unsigned intervals = 100, before = one->verifications;
	const unsigned most = (unsigned)(1 + 3 * window);
	unsigned i;

	(void)state;
	for (i = 0; i < 10 * intervals; i++) {
		post(c, FORGER, 1, view_change(c, FORGER, 1 + i, window, true));
		c->now_us += INTERVAL / 10;
	}
	/* The first convicts it: a quarter of the allowance is left. */
	assert_in_range(one->verifications - before,
	    intervals * CONVICTED_ALLOWED / 2,
	    (intervals + 1) * CONVICTED_ALLOWED + 2 * most);
	cluster_free(c);
}

static void
who_was_convicted_is_doubted_sooner(void **state)
{
	struct cluster *c = cluster_of(4);

	(void)state;
	assert_true(is_heard(c, FORGER, 1, 1));
	post(c, FORGER, 1,
	    vote_message(c, MESSAGE_VOTES, FORGER, 0,
		vote_of(VOTE_COMMIT, 1, 2), 1, false));
	assert_int_equal(c->nodes[1].evidence, 1);
	assert_in_range(flood(c, FORGER, 1, 1000), CONVICTED_ALLOWED,
	    CONVICTED_ALLOWED + BESIDES);
	assert_in_range(flood(c, 2, 1, 1000), ALLOWED, ALLOWED + BESIDES);
	/* Also by who has found the evidence among what it keeps. */
	node_crash(&c->nodes[1]);
	node_start(&c->nodes[1]);
	assert_in_range(flood(c, FORGER, 1, 1000), CONVICTED_ALLOWED,
	    CONVICTED_ALLOWED + BESIDES);
	cluster_free(c);
}

static void
an_honest_relay_is_not_charged(void **state)
{
	struct cluster *c = cluster_of(4);
	uint64_t view;

	(void)state;
	/* As it keeps them, what a liar asks for, and others prove. */
	for (view = 1; view < 1000; view++)
		post(c, 2, 1, view_change(c, FORGER, view, 1, false));
	post(c, 2, 1,
	    certificate_message(c, MESSAGE_CHECKPOINT, VOTE_CHECKPOINT, false));
	post(c, 2, 1,
	    certificate_message(c, MESSAGE_COMMITTED, VOTE_COMMIT, false));
	assert_int_equal(c->nodes[1].applied, 1);
	assert_int_equal(c->nodes[1].failures, 0);
	/* It is charged for its own: what it forged has convicted it. */
	assert_in_range(flood(c, 2, 1, 1000), ALLOWED / 4, ALLOWED + BESIDES);
	cluster_free(c);
}

/* Whatever is forged towards one: nothing of it reaches another through it. */
static void
what_a_member_forges_nobody_sends_on(void **state)
{
	struct cluster *c = cluster_of(4);
	uint32_t i;
	unsigned k;

	(void)state;
	node_crash(&c->nodes[FORGER]);
	for (k = 0; k < 100; k++) {
		for (i = 1; i < FORGER; i++)
			(void)flood(c, FORGER, i, 10 * FORGERIES);
		submit(c, 1);
		/* View changes, too: the primary is there for some only. */
		c->nodes[0].is_disk_stuck = k % 20 < 15;
		cluster_advance(c, INTERVAL);
	}
	c->nodes[0].is_disk_stuck = false;
	cluster_advance(c, 20000 * MS);
	assert_true(status_of(c, 1).view > 0);
	assert_int_equal(c->nodes[0].failures, 0);
	assert_true(c->nodes[1].failures > 100);
	assert_int_equal(c->nodes[0].applied, c->nodes[1].applied);
	assert_int_equal(status_of(c, 1).pending_requests, 0);
	cluster_free(c);
}

static void
view_changes_of_ever_later_views_are_soon_not_verified(void **state)
{
	struct cluster *c = cluster_of(4);
	struct node *one = &c->nodes[1];
	const unsigned before = one->verifications;
	uint64_t view;

	(void)state;
	for (view = 1; view < 1000; view++)
		post(c, FORGER, 1, view_change(c, FORGER, view, 0, false));
	assert_in_range(one->verifications - before, 1, 8);
	/* It may be right: what it shows is looked at, and the view that it
	 * asks for a little later. */
	post(c, FORGER, 1,
	    certificate_message(c, MESSAGE_COMMITTED, VOTE_COMMIT, false));
	assert_int_equal(one->applied, 1);
	c->now_us += INTERVAL;
	post(c, FORGER, 1, view_change(c, FORGER, 1000, 0, false));
	post(c, 2, 1, view_change(c, 2, 1000, 0, false));
	assert_int_equal(status_of(c, 1).view, 1000);
	cluster_free(c);
}

static void
who_is_a_view_ahead_can_still_show_it(void **state)
{
	struct cluster *c = cluster_of(4);
	struct node *one = &c->nodes[1];
	const unsigned before = one->verifications;
	unsigned i;

	(void)state;
	for (i = 0; i < 1000; i++)
		post(c, 2, 1,
		    vote_message(c,
			i % 2 == 0 ? MESSAGE_VOTES : MESSAGE_VOTE_PROOFS, 2,
			1 + i, vote_of(VOTE_COMMIT, 1 + i % 8, 1), 1, false));
	assert_in_range(one->verifications - before, 1, ALLOWED / 2);
	post(c, 2, 1,
	    certificate_message(c, MESSAGE_COMMITTED, VOTE_COMMIT, false));
	assert_int_equal(one->applied, 1);
	cluster_free(c);
}

static void
votes_for_states_that_are_far_are_soon_not_verified(void **state)
{
	struct cluster *c = cluster_of(4);
	struct node *one = &c->nodes[1];
	unsigned i, before = one->verifications;

	(void)state;
	for (i = 0; i < 1000; i++)
		post(c, FORGER, 1,
		    vote_message(c, MESSAGE_VOTES, FORGER, 0,
			vote_of(VOTE_CHECKPOINT, 1000 + i, 1), 1, false));
	assert_in_range(one->verifications - before, 1, ALLOWED / 2);
	/* Nor what is below all that is kept of it, however near. */
	before = one->verifications;
	for (i = 0; i < 1000; i++)
		post(c, FORGER, 1,
		    vote_message(c, MESSAGE_VOTE_PROOFS, FORGER, 0,
			vote_of(VOTE_CHECKPOINT, 8, 1), 1, false));
	assert_int_equal(one->verifications, before);
	cluster_free(c);
}

static void
questions_of_who_is_not_believed_are_answered(void **state)
{
	struct cluster *c = cluster_of(4);
	struct encoder e;

	(void)state;
	agree(c, 0, 1);
	(void)flood(c, FORGER, 1, 1000);
	c->nodes[1].sent[MESSAGE_RECALLED] = 0;
	begin(&e, 2, MESSAGE_RECALL);
	encoder_put_uint(&e, 7);
	post(c, FORGER, 1, finish(&e));
	assert_int_equal(c->nodes[1].sent[MESSAGE_RECALLED], 1);
	cluster_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    whatever_a_member_forges_is_soon_not_verified_for_a_while),
		cmocka_unit_test(
		    all_that_a_member_forges_is_paid_from_one_allowance),
		cmocka_unit_test(
		    what_a_message_costs_beyond_the_allowance_is_owed),
		cmocka_unit_test(who_was_convicted_is_doubted_sooner),
		cmocka_unit_test(an_honest_relay_is_not_charged),
		cmocka_unit_test(what_a_member_forges_nobody_sends_on),
		cmocka_unit_test(
		    view_changes_of_ever_later_views_are_soon_not_verified),
		cmocka_unit_test(who_is_a_view_ahead_can_still_show_it),
		cmocka_unit_test(
		    votes_for_states_that_are_far_are_soon_not_verified),
		cmocka_unit_test(questions_of_who_is_not_believed_are_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
