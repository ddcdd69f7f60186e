/*
 * ristretto255, transcripts, and the two proofs made of them.  The answers
 * that stand here were computed by tests/cli/escrow_check.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "codec/text.h"
#include "crypto/dleq.h"
#include "crypto/schnorr.h"
#include "crypto/transcript.h"
#include "fixture/vectors.h"

#define PURPOSE "aegis/test"

/* The group's order, little-endian. */
static const struct scalar order = { { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12,
    0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0x10 } };

static void
assert_hex(const void *data, size_t len, const char *hex)
{
	char text[TEXT_HEX_BYTES(64)];

	text_hex(text, sizeof(text), bytes_of(data, len));
	assert_string_equal(text, hex);
}

static struct scalar
number(uint32_t value)
{
	struct scalar scalar;

	scalar_of_number(&scalar, value);
	return scalar;
}

static struct point
multiple(uint32_t value)
{
	struct scalar scalar = number(value);
	struct point base, out;

	point_generator(&base);
	assert_true(point_multiply(&out, &scalar, &base));
	return out;
}

static void
encodings_that_rfc_9496_refuses_are_refused(void **state)
{
	json_t *all = vectors_json("rfc9496/ristretto255.json"), *bad, *row;
	json_t *good =
	    json_object_get(all, "small_multiples_of_generator_0_to_15");
	struct point point, again;
	size_t i;

	(void)state;
	bad = json_object_get(all, "bad_encodings");
	assert_int_not_equal(json_array_size(bad), 0);
	json_array_foreach(bad, i, row)
	{
		const char *hex = json_string_value(row);

		assert_int_equal(text_hex_decode(point.data, 32,
				     bytes_from_text(hex)),
		    AG_OK);
		assert_false(point_is_valid(&point));
	}
	for (i = 1; i < 16; i++) {
		const char *hex = json_string_value(json_array_get(good, i));

		assert_int_equal(text_hex_decode(point.data, 32,
				     bytes_from_text(hex)),
		    AG_OK);
		assert_true(point_is_valid(&point));
		again = multiple((uint32_t)i);
		assert_true(point_equal(&again, &point));
	}
	json_decref(all);
}

static void
the_identity_is_no_point_and_comes_from_no_sum(void **state)
{
	struct point identity = { { 0 } }, five = multiple(5), out;
	struct scalar zero = { { 0 } }, two = number(2);

	(void)state;
	assert_false(point_is_valid(&identity));
	assert_false(point_subtract(&out, &five, &five));
	assert_false(point_multiply(&out, &zero, &five));
	assert_false(point_multiply(&out, &two, &identity));
	assert_true(point_add(&out, &five, &identity));
	assert_true(point_equal(&out, &five));
}

static void
a_scalar_has_one_encoding(void **state)
{
	struct scalar scalar = order;

	(void)state;
	assert_false(scalar_is_valid(&scalar));
	scalar.data[0]++;
	assert_false(scalar_is_valid(&scalar));
	scalar.data[0] -= 2;
	assert_true(scalar_is_valid(&scalar));
	memset(scalar.data, 0xff, sizeof(scalar.data));
	assert_false(scalar_is_valid(&scalar));
	memset(scalar.data, 0, sizeof(scalar.data));
	assert_false(scalar_is_valid(&scalar));
	scalar.data[0] = 1;
	assert_true(scalar_is_valid(&scalar));
}

static void
points_of_labels_are_as_they_were(void **state)
{
	struct point point;

	(void)state;
	point_of_label(&point, "aegis/escrow/generator/v1");
	assert_hex(point.data, 32,
	    "008f81dbf17e1712cfebe118a837667cda6ed5e138b2783248cebf3e17d43454");
}

static void
fields_that_are_cut_elsewhere_hash_to_something_else(void **state)
{
	struct transcript a, b;
	struct scalar first, second;

	(void)state;
	transcript_begin(&a, PURPOSE);
	transcript_put(&a, bytes_from_text("ab"));
	transcript_put(&a, bytes_from_text("c"));
	transcript_begin(&b, PURPOSE);
	transcript_put(&b, bytes_from_text("a"));
	transcript_put(&b, bytes_from_text("bc"));
	transcript_challenge(&a, &first);
	transcript_challenge(&b, &second);
	assert_memory_not_equal(first.data, second.data, 32);
	transcript_put(&a, bytes_of(NULL, 0));
	transcript_challenge(&a, &second);
	assert_memory_not_equal(first.data, second.data, 32);
}

static void
signatures_are_as_they_were(void **state)
{
	struct scalar key = number(5);
	struct point public = multiple(5);
	uint8_t signature[SCHNORR_BYTES];

	(void)state;
	schnorr_sign(signature, &key, &public, PURPOSE, bytes_from_text("abc"),
	    NULL);
	assert_hex(signature, sizeof(signature),
	    "acd823f343a78ce53e0b44a8451454ecc6de67bfdd31809d65ab4d91f4082a01"
	    "ef486ccc8afb2be3d5160e12a1257980dd0a7c3346483e338840392f5e783c0a");
}

static void
a_signature_is_of_its_key_purpose_and_message_alone(void **state)
{
	const struct bytes message = bytes_from_text("abc");
	uint8_t signature[SCHNORR_BYTES], other[SCHNORR_BYTES];
	uint8_t entropy[TRANSCRIPT_ENTROPY_BYTES] = { 1 };
	struct point public = multiple(5), another = multiple(6);
	struct scalar key = number(5);

	(void)state;
	schnorr_sign(signature, &key, &public, PURPOSE, message, entropy);
	assert_true(schnorr_verify(signature, &public, PURPOSE, message));
	assert_false(schnorr_verify(signature, &another, PURPOSE, message));
	assert_false(schnorr_verify(signature, &public, "aegis/tes", message));
	assert_false(schnorr_verify(signature, &public, PURPOSE,
	    bytes_from_text("abd")));
	for (size_t i = 0; i < sizeof(signature); i++) {
		memcpy(other, signature, sizeof(other));
		other[i] ^= 1;
		assert_false(schnorr_verify(other, &public, PURPOSE, message));
	}
	entropy[0]++;
	schnorr_sign(other, &key, &public, PURPOSE, message, entropy);
	assert_memory_not_equal(other, signature, sizeof(other));
}

/* value + the order, which computes the same. */
static void
unreduce(uint8_t value[static 32])
{
	unsigned int carry = 0;

	for (int i = 0; i < 32; i++) {
		carry += (unsigned int)value[i] + order.data[i];
		value[i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_int_equal(carry, 0);
}

static void
proofs_with_scalars_that_are_not_reduced_are_refused(void **state)
{
	struct point public = multiple(5);
	uint8_t signature[SCHNORR_BYTES];
	struct scalar key = number(5);

	(void)state;
	for (int half = 0; half < 2; half++) {
		schnorr_sign(signature, &key, &public, PURPOSE,
		    bytes_from_text("abc"), NULL);
		unreduce(signature + half * 32);
		assert_false(schnorr_verify(signature, &public, PURPOSE,
		    bytes_from_text("abc")));
	}
}

static struct dleq
statement_of(const struct scalar *secret)
{
	struct dleq s = { .purpose = PURPOSE,
		.context = bytes_from_text("context"),
		.g2 = multiple(77) };

	point_of_label(&s.g1, "aegis/escrow/generator/v1");
	assert_true(point_multiply(&s.h1, secret, &s.g1));
	assert_true(point_multiply(&s.h2, secret, &s.g2));
	return s;
}

static void
equalities_are_proved_as_they_were(void **state)
{
	struct scalar secret = number(123456789);
	struct dleq s = statement_of(&secret);
	uint8_t proof[DLEQ_BYTES];

	(void)state;
	dleq_prove(proof, &s, &secret, NULL);
	assert_hex(proof, sizeof(proof),
	    "08c894d00687f48eab8a419ecb789ab38d3ee7119f3962aa7e16652f10d48b00"
	    "0ec3e873a1d810ee764ed6c9bb0df1961c6924c0fb6f442dacc6f8d625d62003");
	assert_true(dleq_verify(proof, &s));
}

static void
an_equality_is_proved_of_its_points_purpose_and_context_alone(void **state)
{
	const struct point zero = { { 0 } };
	struct scalar secret = number(31337), other = number(31338);
	struct dleq good = statement_of(&secret), bad;
	uint8_t proof[DLEQ_BYTES];

	(void)state;
	dleq_prove(proof, &good, &secret, NULL);
	assert_true(dleq_verify(proof, &good));
	for (size_t i = 0; i < sizeof(proof); i++) {
		proof[i] ^= 1;
		assert_false(dleq_verify(proof, &good));
		proof[i] ^= 1;
	}
	for (int i = 0; i < 4; i++) {
		struct point *const points[] = { &bad.g1, &bad.h1, &bad.g2,
			&bad.h2 };

		bad = good;
		*points[i] = multiple(3);
		assert_false(dleq_verify(proof, &bad));
		*points[i] = zero;
		assert_false(dleq_verify(proof, &bad));
	}
	bad = good;
	bad.purpose = "aegis/tests";
	assert_false(dleq_verify(proof, &bad));
	bad = good;
	bad.context = bytes_from_text("contexts");
	assert_false(dleq_verify(proof, &bad));
	/* Who has two different logarithms proves nothing with either. */
	bad = good;
	assert_true(point_multiply(&bad.h2, &other, &bad.g2));
	dleq_prove(proof, &bad, &secret, NULL);
	assert_false(dleq_verify(proof, &bad));
	dleq_prove(proof, &bad, &other, NULL);
	assert_false(dleq_verify(proof, &bad));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encodings_that_rfc_9496_refuses_are_refused),
		cmocka_unit_test(
		    the_identity_is_no_point_and_comes_from_no_sum),
		cmocka_unit_test(a_scalar_has_one_encoding),
		cmocka_unit_test(points_of_labels_are_as_they_were),
		cmocka_unit_test(
		    fields_that_are_cut_elsewhere_hash_to_something_else),
		cmocka_unit_test(signatures_are_as_they_were),
		cmocka_unit_test(
		    a_signature_is_of_its_key_purpose_and_message_alone),
		cmocka_unit_test(
		    proofs_with_scalars_that_are_not_reduced_are_refused),
		cmocka_unit_test(equalities_are_proved_as_they_were),
		cmocka_unit_test(
		    an_equality_is_proved_of_its_points_purpose_and_context_alone),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
