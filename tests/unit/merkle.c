/*
 * The Merkle tree: its definition, computed another way, and its economy.
 */
#include "store/merkle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>

#define LEAVES 200

static int
compare_leaves(const void *a, const void *b)
{
	return memcmp(a, b, DIGEST_BYTES);
}

/* Hash key hashes from numbers; crowd puts them all in a few buckets. */
static void
make_leaves(struct merkle_leaf *leaves, size_t count, bool crowd)
{
	struct digest digest;
	size_t i;

	for (i = 0; i < count; i++) {
		digest_of(&digest, bytes_of(&i, sizeof(i)));
		memcpy(leaves[i].key_hash, digest.data, DIGEST_BYTES);
		memset(leaves[i].value_hash, (int)i, DIGEST_BYTES);
		if (crowd) {
			leaves[i].key_hash[0] = 0x80;
			leaves[i].key_hash[1] = (uint8_t)(i % 3);
		}
	}
	qsort(leaves, count, sizeof(*leaves), compare_leaves);
}

static void
set_all(struct merkle *tree, const struct merkle_leaf *leaves, size_t count)
{
	size_t i, end;

	for (i = 0; i < count; i = end) {
		uint32_t bucket = merkle_bucket(leaves[i].key_hash);

		for (end = i + 1; end < count; end++)
			if (merkle_bucket(leaves[end].key_hash) != bucket)
				break;
		merkle_set(tree, bucket, leaves + i, end - i);
	}
}

static void
hash(struct digest *out, uint8_t tag, const void *left, const void *right)
{
	uint8_t input[65];

	input[0] = tag;
	memcpy(input + 1, left, 32);
	memcpy(input + 33, right, 32);
	digest_of(out, bytes_of(input, sizeof(input)));
}

/* The definition, word for word. */
static void
defined_root(struct digest *out, const struct merkle_leaf *leaves, size_t count,
    unsigned int depth)
{
	struct digest left, right;
	size_t split = 0;

	memset(out, 0, sizeof(*out));
	if (count == 0)
		return;
	if (count == 1) {
		hash(out, 0, leaves->key_hash, leaves->value_hash);
		return;
	}
	while (split < count &&
	    (leaves[split].key_hash[depth / 8] & (0x80 >> depth % 8)) == 0)
		split++;
	defined_root(&left, leaves, split, depth + 1);
	defined_root(&right, leaves + split, count - split, depth + 1);
	hash(out, 1, left.data, right.data);
}

static void
assert_root(struct merkle *tree, const struct merkle_leaf *leaves, size_t count)
{
	struct digest root, defined;

	merkle_root(tree, &root);
	defined_root(&defined, leaves, count, 0);
	assert_true(digest_equal(&root, &defined));
}

static void
the_root_is_as_defined(void **state)
{
	static struct merkle_leaf leaves[LEAVES];
	static const size_t counts[] = { 0, 1, 2, 3, 17, LEAVES };
	size_t i;

	(void)state;
	for (i = 0; i < 2 * sizeof(counts) / sizeof(counts[0]); i++) {
		size_t count = counts[i / 2];
		struct merkle *tree = merkle_new();

		make_leaves(leaves, count, i % 2 == 1);
		set_all(tree, leaves, count);
		assert_root(tree, leaves, count);
		merkle_free(tree);
	}
}

static void
changing_back_gives_the_same_root(void **state)
{
	static struct merkle_leaf leaves[LEAVES];
	struct merkle *tree = merkle_new();
	struct digest before, during, after;

	(void)state;
	make_leaves(leaves, LEAVES, false);
	set_all(tree, leaves, LEAVES);
	merkle_root(tree, &before);
	leaves[5].value_hash[0] ^= 1;
	set_all(tree, leaves, LEAVES);
	merkle_root(tree, &during);
	assert_false(digest_equal(&before, &during));
	leaves[5].value_hash[0] ^= 1;
	set_all(tree, leaves, LEAVES);
	merkle_root(tree, &after);
	assert_true(digest_equal(&before, &after));
	merkle_free(tree);
}

static void
an_emptied_tree_has_the_empty_root(void **state)
{
	static struct merkle_leaf leaves[LEAVES];
	struct merkle *tree = merkle_new();
	struct digest root;
	size_t i;

	(void)state;
	make_leaves(leaves, LEAVES, false);
	set_all(tree, leaves, LEAVES);
	merkle_root(tree, &root);
	for (i = 0; i < LEAVES; i++)
		merkle_set(tree, merkle_bucket(leaves[i].key_hash), NULL, 0);
	assert_root(tree, leaves, 0);
	merkle_free(tree);
}

static void
twins_in_all_but_the_last_bit_are_told_apart(void **state)
{
	struct merkle_leaf leaves[2];
	struct merkle *tree = merkle_new();

	(void)state;
	memset(leaves, 0, sizeof(leaves));
	leaves[1].key_hash[DIGEST_BYTES - 1] = 1;
	merkle_set(tree, 0, leaves, 2);
	assert_root(tree, leaves, 2);
	merkle_free(tree);
}

/* Leaves of the bucket that decides a key's proof. */
static size_t
deciding_leaves(struct merkle *tree, const uint8_t *key_hash,
    const struct merkle_leaf *leaves, size_t count,
    const struct merkle_leaf **first)
{
	uint32_t bucket = merkle_proof_bucket(tree, key_hash);
	size_t i, end;

	for (i = 0; i < count; i++)
		if (merkle_bucket(leaves[i].key_hash) == bucket)
			break;
	for (end = i; end < count; end++)
		if (merkle_bucket(leaves[end].key_hash) != bucket)
			break;
	*first = leaves + i;
	return end - i;
}

/* The verifier is written from the definition by itself (trust/proof.c). */
static void
every_key_present_or_absent_can_be_proved(void **state)
{
	static struct merkle_leaf leaves[LEAVES];
	static struct proof proof;
	static const size_t counts[] = { 0, 1, 2, 17, LEAVES };
	struct digest root, hash_of_key, value_hash;
	size_t i, c;

	(void)state;
	for (c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		struct merkle *tree = merkle_new();

		digest_of(&value_hash, bytes_from_text("entry"));
		make_leaves(leaves, counts[c], false);
		for (i = 0; i < counts[c]; i++)
			memcpy(leaves[i].value_hash, value_hash.data, 32);
		set_all(tree, leaves, counts[c]);
		merkle_root(tree, &root);
		for (i = 0; i < 2 * LEAVES; i++) {
			struct bytes key = bytes_of(&i, sizeof(i));
			const struct merkle_leaf *near;
			size_t count;

			digest_of(&hash_of_key, key);
			count = deciding_leaves(tree, hash_of_key.data, leaves,
			    counts[c], &near);
			merkle_prove(tree, hash_of_key.data, near, count,
			    &proof);
			assert_int_equal(proof.end == PROOF_PRESENT,
			    i < counts[c]);
			assert_int_equal(proof_verify(&proof, key,
					     i < counts[c]
						 ? bytes_from_text("entry")
						 : bytes_of(NULL, 0),
					     &root, NULL),
			    AG_OK);
		}
		merkle_free(tree);
	}
}

/* Enough keys to have a few in one bucket, where proofs go below the top. */
static void
keys_of_one_bucket_can_be_proved(void **state)
{
	static struct merkle_leaf leaves[16];
	static struct proof proof;
	struct merkle *tree = merkle_new();
	struct digest root, hash_of_key, value_hash;
	size_t numbers[16], count = 0, i;

	(void)state;
	digest_of(&value_hash, bytes_from_text("entry"));
	for (i = 0; count < 4; i++) {
		digest_of(&hash_of_key, bytes_of(&i, sizeof(i)));
		if (merkle_bucket(hash_of_key.data) != 7)
			continue;
		numbers[count] = i;
		memcpy(leaves[count].key_hash, hash_of_key.data, 32);
		memcpy(leaves[count].value_hash, value_hash.data, 32);
		count++;
	}
	/* The last one stays absent. */
	qsort(leaves, count - 1, sizeof(*leaves), compare_leaves);
	merkle_set(tree, 7, leaves, count - 1);
	merkle_root(tree, &root);
	for (i = 0; i < count; i++) {
		struct bytes key = bytes_of(&numbers[i], sizeof(numbers[i]));
		bool is_there = i < count - 1;

		digest_of(&hash_of_key, key);
		assert_int_equal(merkle_proof_bucket(tree, hash_of_key.data),
		    7);
		merkle_prove(tree, hash_of_key.data, leaves, count - 1, &proof);
		assert_int_equal(proof.end == PROOF_PRESENT, is_there);
		assert_true(proof.step_count > MERKLE_TOP_BITS);
		assert_int_equal(proof_verify(&proof, key,
				     is_there ? bytes_from_text("entry")
					      : bytes_of(NULL, 0),
				     &root, NULL),
		    AG_OK);
	}
	merkle_free(tree);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_root_is_as_defined),
		cmocka_unit_test(changing_back_gives_the_same_root),
		cmocka_unit_test(an_emptied_tree_has_the_empty_root),
		cmocka_unit_test(twins_in_all_but_the_last_bit_are_told_apart),
		cmocka_unit_test(every_key_present_or_absent_can_be_proved),
		cmocka_unit_test(keys_of_one_bucket_can_be_proved),
	};

	return cmocka_run_group_tests_name("merkle", tests, NULL, NULL);
}
