/*
 * Proofs of presence and absence, against a tree made the plain way.
 */
#include "trust/proof.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEYS 300

struct leaf {
	struct digest key, value;
};

static struct leaf leaves[KEYS];
static struct digest root;

static struct bytes
key_text(char out[static 16], unsigned i)
{
	(void)snprintf(out, 16, "key/%u", i);
	return bytes_from_text(out);
}

static struct bytes
entry_text(char out[static 16], unsigned i)
{
	(void)snprintf(out, 16, "entry/%u", i);
	return bytes_from_text(out);
}

static int
by_key(const void *a, const void *b)
{
	return memcmp(a, b, DIGEST_BYTES);
}

static bool
bit_at(const struct digest *key, uint32_t bit)
{
	return (key->data[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

static void
pair(struct digest *out, uint8_t tag, const struct digest *a,
    const struct digest *b)
{
	uint8_t input[1 + 2 * DIGEST_BYTES];

	input[0] = tag;
	memcpy(input + 1, a, DIGEST_BYTES);
	memcpy(input + 1 + DIGEST_BYTES, b, DIGEST_BYTES);
	digest_of(out, bytes_of(input, sizeof(input)));
}

/* The definition, word by word; proof (or NULL) gets target's siblings. */
static void
subtree(struct digest *out, const struct leaf *at, size_t count, uint32_t bit,
    const struct digest *target, struct proof *proof)
{
	struct digest left, right;
	size_t split = 0;
	bool goes_right;

	if (count == 0) {
		memset(out, 0, sizeof(*out));
		if (proof != NULL)
			proof->end = PROOF_EMPTY;
		return;
	}
	if (count == 1) {
		pair(out, 0, &at->key, &at->value);
		if (proof != NULL && digest_equal(&at->key, target)) {
			proof->end = PROOF_PRESENT;
		} else if (proof != NULL) {
			proof->end = PROOF_OTHER;
			proof->other_key = at->key;
			proof->other_value = at->value;
		}
		return;
	}
	while (split < count && !bit_at(&at[split].key, bit))
		split++;
	goes_right = target != NULL && bit_at(target, bit);
	if (proof != NULL)
		proof->step_count = bit + 1;
	subtree(&left, at, split, bit + 1, target, goes_right ? NULL : proof);
	subtree(&right, at + split, count - split, bit + 1, target,
	    goes_right ? proof : NULL);
	if (proof != NULL)
		proof->siblings[bit] = goes_right ? left : right;
	pair(out, 1, &left, &right);
}

static int
make_tree(void **state)
{
	char text[16];
	unsigned i;

	(void)state;
	for (i = 0; i < KEYS; i++) {
		digest_of(&leaves[i].key, key_text(text, i));
		digest_of(&leaves[i].value, entry_text(text, i));
	}
	qsort(leaves, KEYS, sizeof(leaves[0]), by_key);
	subtree(&root, leaves, KEYS, 0, NULL, NULL);
	return 0;
}

static void
proof_of(struct proof *proof, struct bytes key)
{
	struct digest target, again;

	memset(proof, 0, sizeof(*proof));
	digest_of(&target, key);
	subtree(&again, leaves, KEYS, 0, &target, proof);
	assert_true(digest_equal(&again, &root));
}

static void
a_changed_entry_or_key_is_not_proved(void **state)
{
	static struct proof proof;
	char key[16], other[16], entry[16];
	struct ag_error err;

	(void)state;
	proof_of(&proof, key_text(key, 7));
	assert_int_equal(proof_verify(&proof, key_text(key, 7),
			     entry_text(entry, 8), &root, &err),
	    AG_EFORGED);
	assert_int_equal(proof_verify(&proof, key_text(other, 8),
			     entry_text(entry, 7), &root, &err),
	    AG_EFORGED);
	assert_int_equal(proof_verify(&proof, key_text(key, 7),
			     entry_text(entry, 7), &leaves[0].key, &err),
	    AG_EFORGED);
}

static void
a_present_key_can_not_be_proved_absent(void **state)
{
	static struct proof proof;
	char key[16];
	struct ag_error err;
	uint32_t steps;

	(void)state;
	proof_of(&proof, key_text(key, 7));
	assert_int_equal(proof_verify(&proof, key_text(key, 7),
			     bytes_of(NULL, 0), &root, &err),
	    AG_EFORGED);
	assert_string_equal(err.text, "the proof is one of presence");
	/* Nor by saying that its leaf is another's, or that it is empty. */
	proof.end = PROOF_OTHER;
	digest_of(&proof.other_key, key_text(key, 7));
	assert_int_equal(proof_verify(&proof, key_text(key, 7),
			     bytes_of(NULL, 0), &root, &err),
	    AG_EFORGED);
	proof.end = PROOF_EMPTY;
	for (steps = 0; steps <= 16; steps++) {
		proof.step_count = steps;
		assert_int_equal(proof_verify(&proof, key_text(key, 7),
				     bytes_of(NULL, 0), &root, &err),
		    AG_EFORGED);
	}
}

static void
every_key_of_the_tree_is_proved_present(void **state)
{
	static struct proof proof;
	char key[16], entry[16];
	struct ag_error err;
	unsigned i;

	(void)state;
	for (i = 0; i < KEYS; i++) {
		proof_of(&proof, key_text(key, i));
		assert_int_equal(proof.end, PROOF_PRESENT);
		assert_int_equal(proof_verify(&proof, key_text(key, i),
				     entry_text(entry, i), &root, &err),
		    AG_OK);
	}
}

static void
other_keys_are_proved_absent_in_both_ways(void **state)
{
	static struct proof proof;
	unsigned i, by_nothing = 0, by_another = 0;
	struct ag_error err;
	char key[16];

	(void)state;
	for (i = KEYS; i < KEYS + 300; i++) {
		proof_of(&proof, key_text(key, i));
		by_nothing += proof.end == PROOF_EMPTY;
		by_another += proof.end == PROOF_OTHER;
		assert_int_equal(proof_verify(&proof, key_text(key, i),
				     bytes_of(NULL, 0), &root, &err),
		    AG_OK);
	}
	assert_true(by_nothing > 0);
	assert_true(by_another > 0);
}

static void
any_changed_sibling_is_found_out(void **state)
{
	static struct proof proof;
	char key[16], entry[16];
	struct ag_error err;
	uint32_t i;

	(void)state;
	proof_of(&proof, key_text(key, 3));
	for (i = 0; i < proof.step_count; i++) {
		proof.siblings[i].data[31] ^= 1;
		assert_int_equal(proof_verify(&proof, key_text(key, 3),
				     entry_text(entry, 3), &root, &err),
		    AG_EFORGED);
		proof.siblings[i].data[31] ^= 1;
	}
}

static void
an_empty_store_proves_every_key_absent(void **state)
{
	static struct proof proof;
	const struct digest nothing = { { 0 } };
	struct ag_error err;

	(void)state;
	memset(&proof, 0, sizeof(proof));
	proof.end = PROOF_EMPTY;
	assert_int_equal(proof_verify(&proof, bytes_from_text("k"),
			     bytes_of(NULL, 0), &nothing, &err),
	    AG_OK);
}

static void
an_encoding_decodes_to_the_same_proof_and_its_cuts_to_none(void **state)
{
	static uint8_t out[PROOF_BYTES_MAX];
	static struct proof proof, back;
	struct encoder e;
	struct decoder d;
	struct bytes all;
	char key[16];
	unsigned i;
	size_t len;

	(void)state;
	for (i = 0; i < KEYS + 50; i++) {
		proof_of(&proof, key_text(key, i));
		encoder_init(&e, out, sizeof(out));
		proof_encode(&e, &proof);
		assert_int_equal(encoder_finish(&e, &all), AG_OK);
		decoder_init(&d, all);
		proof_decode(&d, &back);
		assert_int_equal(decoder_finish(&d, NULL), AG_OK);
		assert_memory_equal(&proof, &back, sizeof(proof));
	}
	for (len = 0; len < all.len; len++) {
		decoder_init(&d, bytes_of(all.data, len));
		proof_decode(&d, &back);
		assert_true(decoder_failed(&d));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_changed_entry_or_key_is_not_proved),
		cmocka_unit_test(a_present_key_can_not_be_proved_absent),
		cmocka_unit_test(every_key_of_the_tree_is_proved_present),
		cmocka_unit_test(other_keys_are_proved_absent_in_both_ways),
		cmocka_unit_test(any_changed_sibling_is_found_out),
		cmocka_unit_test(an_empty_store_proves_every_key_absent),
		cmocka_unit_test(
		    an_encoding_decodes_to_the_same_proof_and_its_cuts_to_none),
	};

	return cmocka_run_group_tests(tests, make_tree, NULL);
}
