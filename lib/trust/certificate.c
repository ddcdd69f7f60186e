/*
 * Votes signed in bundles, and certificates made of their proofs.
 *
 * One Ed25519 signature costs as much as dozens of hashes, so a member signs
 * the root over all votes of a turn, and each vote travels with its path.
 *
 * FORMAT   certificate  [phase, view, seq, digest (32), [proof…]]
 *          proof        [member, view, position, bundle size,
 *                        path (32 bytes a step, one string), signature (64)]
 *
 * RULES    1. Position and bundle size alone say which steps the path has;
 *             a path that is longer or shorter is refused.
 *          2. Leaves and inner nodes hash under different first bytes, so
 *             an inner node can not be passed off as a vote.
 *          3. The view a bundle was signed in is inside the signature: a
 *             prepare or commit counts only in its certificate's own view.
 *             The state after a sequence is the same in every view, so
 *             checkpoint votes of different views add up.
 *          4. Every proof in a certificate must hold, not just a quorum of
 *             them: what nobody vouches for has no place in evidence.
 */
#include "trust/certificate.h"

#include <sodium.h>

#include "trust/signing.h"

uint32_t
trust_faults(enum fault_model model, uint32_t member_count)
{
	AG_ASSERT(member_count > 0);
	return (member_count - 1) / (model == FAULTS_CRASH ? 2 : 3);
}

uint32_t
trust_quorum(enum fault_model model, uint32_t member_count)
{
	if (model == FAULTS_CRASH)
		return member_count / 2 + 1;
	return member_count - trust_faults(model, member_count);
}

uint32_t
trust_vouchers(enum fault_model model, uint32_t member_count)
{
	return model == FAULTS_CRASH ? 1
				     : trust_faults(model, member_count) + 1;
}

bool
trust_outlives(enum fault_model model, uint32_t before, uint32_t gone,
    uint32_t after)
{
	return trust_quorum(model, before) > gone + trust_faults(model, after);
}

void
digest_of(struct digest *out, struct bytes data)
{
	(void)crypto_generichash(out->data, sizeof(out->data), data.data,
	    data.len, NULL, 0);
}

static void
vote_leaf(struct digest *leaf, const struct vote *vote)
{
	uint8_t input[1 + 1 + 8 + DIGEST_BYTES];
	size_t i;

	input[0] = 0x00;
	input[1] = (uint8_t)vote->phase;
	for (i = 0; i < 8; i++)
		input[2 + i] = (uint8_t)(vote->seq >> (56 - 8 * i));
	memcpy(input + 10, vote->digest.data, DIGEST_BYTES);
	digest_of(leaf, bytes_of(input, sizeof(input)));
}

static void
vote_inner(struct digest *parent, const struct digest *left,
    const struct digest *right)
{
	uint8_t input[1 + 2 * DIGEST_BYTES];

	input[0] = 0x01;
	memcpy(input + 1, left->data, DIGEST_BYTES);
	memcpy(input + 1 + DIGEST_BYTES, right->data, DIGEST_BYTES);
	digest_of(parent, bytes_of(input, sizeof(input)));
}

/* Replace a level of count nodes by the one above; its count. */
static size_t
level_up(struct digest *nodes, size_t count)
{
	size_t i;

	for (i = 0; i + 1 < count; i += 2)
		vote_inner(&nodes[i / 2], &nodes[i], &nodes[i + 1]);
	if (count % 2 == 1)
		nodes[count / 2] = nodes[count - 1];
	return (count + 1) / 2;
}

/* One step of each proof's path: the sibling on this level, if there is. */
static void
level_extend_paths(const struct digest *nodes, size_t count, unsigned level,
    struct vote_proof *proofs, size_t proof_count)
{
	size_t i;

	for (i = 0; i < proof_count; i++) {
		size_t sibling = (i >> level) ^ 1;

		if (sibling < count)
			proofs[i].path[proofs[i].path_len++] = nodes[sibling];
	}
}

/* The root; when proofs is not NULL also each vote's path to it. */
static void
bundle_fold(struct digest *root, const struct vote *votes, size_t count,
    struct vote_proof *proofs)
{
	struct digest nodes[VOTE_BUNDLE_MAX];
	size_t width = count;
	unsigned level = 0;
	size_t i;

	AG_ASSERT(count >= 1);
	AG_ASSERT(count <= VOTE_BUNDLE_MAX);
	for (i = 0; i < count; i++)
		vote_leaf(&nodes[i], &votes[i]);
	while (width > 1) {
		if (proofs != NULL)
			level_extend_paths(nodes, width, level, proofs, count);
		width = level_up(nodes, width);
		level++;
	}
	*root = nodes[0];
}

static void
bundle_signing_input(struct signing *s, const struct trust_scope *scope,
    uint32_t sender, uint64_t view, const struct digest *root)
{
	signing_begin(s, PURPOSE_VOTE);
	signing_put(s, scope->cluster_id, CLUSTER_ID_BYTES);
	signing_put_u64(s, scope->epoch);
	signing_put_u64(s, sender);
	signing_put_u64(s, view);
	signing_put(s, root->data, DIGEST_BYTES);
}

static void
bundle_place(struct vote_proof *proofs, size_t count, uint32_t member,
    uint64_t view)
{
	size_t i;

	for (i = 0; i < count; i++)
		proofs[i] = (struct vote_proof){
			.member = member,
			.view = view,
			.position = (uint32_t)i,
			.bundle_size = (uint32_t)count,
		};
}

void
vote_bundle_sign(struct vote_proof *proofs, const struct vote *votes,
    size_t count, const struct trust_scope *scope, uint32_t self, uint64_t view,
    const struct authority *authority, void *ctx)
{
	uint8_t signature[SIGNATURE_BYTES];
	struct digest root;
	struct signing s;
	size_t i;

	AG_ASSERT(count <= VOTE_BUNDLE_MAX);
	bundle_place(proofs, count, self, view);
	bundle_fold(&root, votes, count, proofs);
	bundle_signing_input(&s, scope, self, view, &root);
	authority->sign(ctx, signing_bytes(&s), signature);
	for (i = 0; i < count; i++)
		memcpy(proofs[i].signature, signature, SIGNATURE_BYTES);
}

/* Steps from a position to the root; 0 also for an impossible position. */
static uint32_t
path_steps(uint32_t position, uint32_t bundle_size)
{
	uint32_t steps = 0;

	while (bundle_size > 1) {
		if ((position ^ 1) < bundle_size)
			steps++;
		position /= 2;
		bundle_size = (bundle_size + 1) / 2;
	}
	return steps;
}

static bool
proof_has_shape(const struct vote_proof *proof)
{
	return proof->bundle_size >= 1 &&
	    proof->bundle_size <= VOTE_BUNDLE_MAX &&
	    proof->position < proof->bundle_size &&
	    proof->path_len == path_steps(proof->position, proof->bundle_size);
}

/* Climb from the leaf to the root along a path of the right shape. */
static void
proof_root(struct digest *root, const struct digest *leaf,
    const struct vote_proof *proof)
{
	uint32_t position = proof->position;
	uint32_t width = proof->bundle_size;
	const struct digest *step = proof->path;

	*root = *leaf;
	for (; width > 1; width = (width + 1) / 2, position /= 2) {
		if ((position ^ 1) >= width)
			continue;
		if (position % 2 == 0)
			vote_inner(root, root, step);
		else
			vote_inner(root, step, root);
		step++;
	}
}

/* Is it a signature over a bundle that has this leaf? */
static bool
proof_holds(const struct vote_proof *proof, const struct digest *leaf,
    const struct trust_scope *scope, const struct authority *authority,
    void *ctx)
{
	struct digest root;
	struct signing s;

	if (!proof_has_shape(proof))
		return false;
	proof_root(&root, leaf, proof);
	bundle_signing_input(&s, scope, proof->member, proof->view, &root);
	return authority->verify(ctx, proof->member, signing_bytes(&s),
	    proof->signature);
}

bool
vote_verify(const struct vote *vote, const struct vote_proof *proof,
    const struct trust_scope *scope, const struct authority *authority,
    void *ctx)
{
	struct digest leaf;

	vote_leaf(&leaf, vote);
	return proof_holds(proof, &leaf, scope, authority, ctx);
}

bool
vote_bundle_open(struct vote_proof *proofs, const struct vote *votes,
    size_t count, const struct trust_scope *scope, uint32_t member,
    uint64_t view, const uint8_t signature[static SIGNATURE_BYTES],
    const struct authority *authority, void *ctx)
{
	struct digest root;
	struct signing s;
	size_t i;

	if (count < 1 || count > VOTE_BUNDLE_MAX)
		return false;
	bundle_place(proofs, count, member, view);
	bundle_fold(&root, votes, count, proofs);
	bundle_signing_input(&s, scope, member, view, &root);
	if (!authority->verify(ctx, member, signing_bytes(&s), signature))
		return false;
	for (i = 0; i < count; i++)
		memcpy(proofs[i].signature, signature, SIGNATURE_BYTES);
	return true;
}

void
vote_proof_encode(struct encoder *e, const struct vote_proof *proof)
{
	encoder_put_array(e, 6);
	encoder_put_uint(e, proof->member);
	encoder_put_uint(e, proof->view);
	encoder_put_uint(e, proof->position);
	encoder_put_uint(e, proof->bundle_size);
	encoder_put_bytes(e,
	    bytes_of(proof->path, (size_t)proof->path_len * DIGEST_BYTES));
	encoder_put_bytes(e, bytes_of(proof->signature, SIGNATURE_BYTES));
}

void
vote_proof_decode(struct decoder *d, struct vote_proof *proof)
{
	struct bytes path;

	memset(proof, 0, sizeof(*proof));
	decoder_expect_array(d, 6);
	proof->member =
	    (uint32_t)decoder_get_uint_max(d, TRUST_MEMBERS_MAX - 1);
	proof->view = decoder_get_uint(d);
	proof->position =
	    (uint32_t)decoder_get_uint_max(d, VOTE_BUNDLE_MAX - 1);
	proof->bundle_size = (uint32_t)decoder_get_uint_max(d, VOTE_BUNDLE_MAX);
	path = decoder_get_bytes_max(d, sizeof(proof->path));
	if (path.len > 0)
		memcpy(proof->path, path.data, path.len);
	proof->path_len = (uint32_t)(path.len / DIGEST_BYTES);
	decoder_get_fixed(d, proof->signature, SIGNATURE_BYTES);
	if (path.len % DIGEST_BYTES != 0 || !proof_has_shape(proof))
		decoder_fail(d, "path does not fit its position");
}

void
certificate_encode(struct encoder *e, const struct certificate *c)
{
	uint32_t i;

	AG_ASSERT(c->proof_count <= TRUST_MEMBERS_MAX);
	encoder_put_array(e, 5);
	encoder_put_uint(e, (uint64_t)c->phase);
	encoder_put_uint(e, c->view);
	encoder_put_uint(e, c->seq);
	encoder_put_bytes(e, bytes_of(c->digest.data, DIGEST_BYTES));
	encoder_put_array(e, c->proof_count);
	for (i = 0; i < c->proof_count; i++)
		vote_proof_encode(e, &c->proofs[i]);
}

/* There are no proofs then; what is in their places does not matter. */
static void
certificate_clear(struct certificate *c)
{
	memset(c, 0, offsetof(struct certificate, proofs));
}

void
certificate_decode(struct decoder *d, struct certificate *c)
{
	uint64_t phase;
	uint32_t i;

	certificate_clear(c);
	decoder_expect_array(d, 5);
	phase = decoder_get_uint_max(d, VOTE_CHECKPOINT);
	if (phase < VOTE_PREPARE)
		decoder_fail(d, "unknown vote phase");
	c->phase = (enum vote_phase)phase;
	c->view = decoder_get_uint(d);
	if (c->phase == VOTE_CHECKPOINT && c->view != 0)
		decoder_fail(d, "checkpoint certificate with a view");
	c->seq = decoder_get_uint(d);
	decoder_get_fixed(d, c->digest.data, DIGEST_BYTES);
	c->proof_count = (uint32_t)decoder_get_array_max(d, TRUST_MEMBERS_MAX);
	for (i = 0; i < c->proof_count; i++)
		vote_proof_decode(d, &c->proofs[i]);
	if (decoder_failed(d))
		certificate_clear(c);
}

static enum ag_status
certificate_check_proof(const struct certificate *c,
    const struct vote_proof *proof, const struct digest *leaf,
    const struct trust_scope *scope, uint32_t member_count, uint64_t *seen,
    const struct authority *authority, void *ctx, struct ag_error *err)
{
	uint64_t bit;

	if (proof->member >= member_count)
		return ag_fail(err, AG_EFORGED,
		    "certificate for %llu: signer %u is not one of %u members",
		    (unsigned long long)c->seq, proof->member, member_count);
	bit = UINT64_C(1) << proof->member;
	if ((*seen & bit) != 0)
		return ag_fail(err, AG_EFORGED,
		    "certificate for %llu: member %u is counted twice",
		    (unsigned long long)c->seq, proof->member);
	*seen |= bit;
	if (c->phase != VOTE_CHECKPOINT && proof->view != c->view)
		return ag_fail(err, AG_EFORGED,
		    "certificate for %llu: member %u voted in another view",
		    (unsigned long long)c->seq, proof->member);
	if (!proof_holds(proof, leaf, scope, authority, ctx))
		return ag_fail(err, AG_EFORGED,
		    "certificate for %llu: signature of member %u is wrong",
		    (unsigned long long)c->seq, proof->member);
	return AG_OK;
}

/* Enough members, each once, and all of their signatures right. */
static enum ag_status
certificate_check(const struct certificate *c, uint32_t least,
    const struct trust_scope *scope, uint32_t member_count,
    const struct authority *authority, void *ctx, struct ag_error *err)
{
	const struct vote vote = { c->phase, c->seq, c->digest };
	struct digest leaf; /* the same in all their bundles */
	uint64_t seen = 0;
	uint32_t i;

	AG_ASSERT(member_count >= 1);
	AG_ASSERT(member_count <= TRUST_MEMBERS_MAX);
	if (c->phase < VOTE_PREPARE || c->phase > VOTE_CHECKPOINT)
		return ag_fail(err, AG_EFORGED,
		    "certificate for %llu: unknown vote phase",
		    (unsigned long long)c->seq);
	if (c->proof_count > TRUST_MEMBERS_MAX || c->proof_count < least)
		return ag_fail(err, AG_EFORGED,
		    "certificate for %llu: %u signatures, with %u members "
		    "it takes %u",
		    (unsigned long long)c->seq, c->proof_count, member_count,
		    least);
	vote_leaf(&leaf, &vote);
	for (i = 0; i < c->proof_count; i++) {
		enum ag_status status =
		    certificate_check_proof(c, &c->proofs[i], &leaf, scope,
			member_count, &seen, authority, ctx, err);

		if (status != AG_OK)
			return status;
	}
	return AG_OK;
}

enum ag_status
certificate_verify(const struct certificate *c, const struct trust_scope *scope,
    uint32_t member_count, const struct authority *authority, void *ctx,
    struct ag_error *err)
{
	return certificate_check(c, trust_quorum(scope->faults, member_count),
	    scope, member_count, authority, ctx, err);
}

enum ag_status
certificate_verify_vouched(const struct certificate *c,
    const struct trust_scope *scope, uint32_t member_count,
    const struct authority *authority, void *ctx, struct ag_error *err)
{
	return certificate_check(c, trust_vouchers(scope->faults, member_count),
	    scope, member_count, authority, ctx, err);
}

bool
certificate_is_commit(const struct certificate *c, uint32_t member_count)
{
	return c->phase == VOTE_COMMIT ||
	    (c->phase == VOTE_PREPARE && c->proof_count >= member_count);
}
