/*
 * The Merkle tree's top, and hashing of buckets.
 *
 * STATES   Nodes are numbered as in a heap: 1 is the root, 2i and 2i + 1 the
 *          children of i, MERKLE_BUCKETS + b bucket b.  A node is clean, or
 *          stale together with all its ancestors.
 *
 * RULES    1. Whether a subtree is empty, one leaf or more is known beside
 *             its hash: an inner node over one leaf and nothing would
 *             otherwise be hashed again at each level.
 *          2. A bucket of hostile keys costs depth 256 at most.
 */
#include "store/merkle.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#define NODE_COUNT (2 * MERKLE_BUCKETS)

struct merkle {
	uint8_t is_stale[NODE_COUNT];
	uint8_t kinds[NODE_COUNT];
	struct digest digests[NODE_COUNT];
};

struct merkle *
merkle_new(void)
{
	return calloc(1, sizeof(struct merkle));
}

void
merkle_free(struct merkle *tree)
{
	free(tree);
}

struct merkle *
merkle_copy(const struct merkle *tree)
{
	struct merkle *copy = malloc(sizeof(*copy));

	if (copy != NULL)
		memcpy(copy, tree, sizeof(*copy));
	return copy;
}

uint32_t
merkle_bucket(const uint8_t key_hash[static DIGEST_BYTES])
{
	return (uint32_t)key_hash[0] << 8 | key_hash[1];
}

static void
hash_pair(struct digest *out, uint8_t tag, const uint8_t *left,
    const uint8_t *right)
{
	uint8_t input[1 + 2 * DIGEST_BYTES];

	input[0] = tag;
	memcpy(input + 1, left, DIGEST_BYTES);
	memcpy(input + 1 + DIGEST_BYTES, right, DIGEST_BYTES);
	(void)crypto_generichash(out->data, DIGEST_BYTES, input, sizeof(input),
	    NULL, 0);
}

void
merkle_combine(struct merkle_subtree *out, const struct merkle_subtree *left,
    const struct merkle_subtree *right)
{
	if (left->kind == MERKLE_EMPTY && right->kind != MERKLE_MANY) {
		*out = *right;
	} else if (right->kind == MERKLE_EMPTY && left->kind == MERKLE_ONE) {
		*out = *left;
	} else {
		out->kind = MERKLE_MANY;
		hash_pair(&out->digest, 1, left->digest.data,
		    right->digest.data);
	}
}

static bool
bit_of(const uint8_t *key_hash, unsigned int bit)
{
	return (key_hash[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

size_t
merkle_split(const struct merkle_leaf *leaves, size_t count, unsigned int bit)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (bit_of(leaves[middle].key_hash, bit))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Recurses once a bit: MERKLE_BITS deep at most. */
void
merkle_subtree_of(struct merkle_subtree *out, const struct merkle_leaf *leaves,
    size_t count, unsigned int bit)
{
	struct merkle_subtree left, right;
	size_t split;

	if (count == 0) {
		*out = (struct merkle_subtree){ .kind = MERKLE_EMPTY };
		return;
	}
	if (count == 1) {
		out->kind = MERKLE_ONE;
		hash_pair(&out->digest, 0, leaves->key_hash,
		    leaves->value_hash);
		return;
	}
	AG_ASSERT(bit < MERKLE_BITS);
	split = merkle_split(leaves, count, bit);
	merkle_subtree_of(&left, leaves, split, bit + 1);
	merkle_subtree_of(&right, leaves + split, count - split, bit + 1);
	merkle_combine(out, &left, &right);
}

static void
node_get(const struct merkle *tree, uint32_t node, struct merkle_subtree *out)
{
	out->kind = (enum merkle_kind)tree->kinds[node];
	out->digest = tree->digests[node];
}

static void
node_put(struct merkle *tree, uint32_t node,
    const struct merkle_subtree *subtree)
{
	tree->kinds[node] = (uint8_t)subtree->kind;
	tree->digests[node] = subtree->digest;
	tree->is_stale[node] = 0;
}

void
merkle_set(struct merkle *tree, uint32_t bucket,
    const struct merkle_leaf *leaves, size_t count)
{
	uint32_t node = MERKLE_BUCKETS + bucket;
	struct merkle_subtree subtree;

	AG_ASSERT(bucket < MERKLE_BUCKETS);
	merkle_subtree_of(&subtree, leaves, count, MERKLE_TOP_BITS);
	node_put(tree, node, &subtree);
	for (node /= 2; node > 0 && tree->is_stale[node] == 0; node /= 2)
		tree->is_stale[node] = 1;
}

/* Recurses MERKLE_TOP_BITS deep at most. */
static void
node_refresh(struct merkle *tree, uint32_t node)
{
	struct merkle_subtree left, right, both;

	if (tree->is_stale[node] == 0)
		return;
	node_refresh(tree, 2 * node);
	node_refresh(tree, 2 * node + 1);
	node_get(tree, 2 * node, &left);
	node_get(tree, 2 * node + 1, &right);
	merkle_combine(&both, &left, &right);
	node_put(tree, node, &both);
}

void
merkle_root(struct merkle *tree, struct digest *root)
{
	node_refresh(tree, 1);
	*root = tree->digests[1];
}

void
merkle_node(struct merkle *tree, unsigned int depth, uint32_t index,
    struct merkle_subtree *out)
{
	AG_ASSERT(depth <= MERKLE_TOP_BITS && index >> depth == 0);
	node_refresh(tree, 1);
	node_get(tree, (1U << depth) + index, out);
}

/* The child of node on key_hash's way; a stale tree has no ways. */
static uint32_t
child_of(uint32_t node, const uint8_t *key_hash, unsigned int bit)
{
	return 2 * node + (bit_of(key_hash, bit) ? 1 : 0);
}

uint32_t
merkle_proof_bucket(struct merkle *tree,
    const uint8_t key_hash[static DIGEST_BYTES])
{
	uint32_t node = 1;
	unsigned int bit;

	node_refresh(tree, 1);
	for (bit = 0; bit < MERKLE_TOP_BITS; bit++) {
		if (tree->kinds[node] != MERKLE_ONE)
			node = child_of(node, key_hash, bit);
		else
			node = 2 * node +
			    (tree->kinds[2 * node] == MERKLE_EMPTY ? 1 : 0);
	}
	return node - MERKLE_BUCKETS;
}

static void
proof_step(struct proof *proof, const struct digest *sibling)
{
	AG_ASSERT(proof->step_count < PROOF_STEPS_MAX);
	proof->siblings[proof->step_count++] = *sibling;
}

/* What is there instead of a further branch: one leaf, or nothing. */
static void
proof_end_at(struct proof *proof, const uint8_t *key_hash,
    const struct merkle_leaf *leaves, size_t count)
{
	if (count == 0) {
		proof->end = PROOF_EMPTY;
	} else if (memcmp(leaves->key_hash, key_hash, DIGEST_BYTES) == 0) {
		proof->end = PROOF_PRESENT;
	} else {
		proof->end = PROOF_OTHER;
		memcpy(proof->other_key.data, leaves->key_hash, DIGEST_BYTES);
		memcpy(proof->other_value.data, leaves->value_hash,
		    DIGEST_BYTES);
	}
}

void
merkle_prove(struct merkle *tree, const uint8_t key_hash[static DIGEST_BYTES],
    const struct merkle_leaf *leaves, size_t count, struct proof *proof)
{
	struct merkle_subtree sibling;
	unsigned int bit = 0;
	uint32_t node = 1;

	*proof = (struct proof){ .end = PROOF_EMPTY };
	node_refresh(tree, 1);
	for (; bit < MERKLE_TOP_BITS; bit++) {
		if (tree->kinds[node] == MERKLE_EMPTY)
			return;
		if (tree->kinds[node] == MERKLE_ONE)
			break;
		node = child_of(node, key_hash, bit);
		proof_step(proof, &tree->digests[node ^ 1]);
	}
	for (; count > 1; bit++) {
		size_t split = merkle_split(leaves, count, bit);

		if (bit_of(key_hash, bit)) {
			merkle_subtree_of(&sibling, leaves, split, bit + 1);
			leaves += split;
			count -= split;
		} else {
			merkle_subtree_of(&sibling, leaves + split,
			    count - split, bit + 1);
			count = split;
		}
		proof_step(proof, &sibling.digest);
	}
	proof_end_at(proof, key_hash, leaves, count);
}
