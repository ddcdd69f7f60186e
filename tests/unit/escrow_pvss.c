/*
 * Publicly verifiable secret sharing.  The answers that stand here were
 * computed by a second implementation, with tests/cli/escrow_check.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "codec/text.h"
#include "escrow/pvss.h"

#define CONTEXT bytes_from_text("context")
#define ROUNDS 12

/* A sharing, and everything its makers know. */
struct scene {
	uint32_t count;
	struct scalar privates[PVSS_CUSTODIANS_MAX];
	struct point keys[PVSS_CUSTODIANS_MAX];
	struct secret *polynomial;
	struct pvss sharing;
	struct point secret;
};

static struct point
multiple(const struct scalar *scalar)
{
	struct point base, out;

	point_generator(&base);
	assert_true(point_multiply(&out, scalar, &base));
	return out;
}

static uint32_t
all_of(uint32_t count)
{
	return count == 32 ? UINT32_MAX : (UINT32_C(1) << count) - 1;
}

static void
deal(struct scene *s, uint32_t threshold, uint32_t count)
{
	uint8_t entropy[32];

	*s = (struct scene){ .count = count };
	for (uint32_t i = 0; i < count; i++) {
		scalar_random(&s->privates[i]);
		s->keys[i] = multiple(&s->privates[i]);
	}
	randombytes_buf(entropy, sizeof(entropy));
	s->polynomial = pvss_polynomial(threshold, false);
	assert_non_null(s->polynomial);
	s->sharing.threshold = threshold;
	s->sharing.members = all_of(count);
	assert_int_equal(pvss_deal(&s->sharing, s->polynomial, s->keys, CONTEXT,
			     entropy, NULL),
	    AG_OK);
	assert_int_equal(pvss_secret(&s->secret, s->polynomial, NULL), AG_OK);
}

static void
scene_fini(struct scene *s)
{
	secret_free(s->polynomial);
}

static enum ag_status
verify(const struct scene *s)
{
	uint32_t place;

	return pvss_verify(&s->sharing, s->keys, CONTEXT, &place, NULL);
}

/* So many different custodians, by chance. */
static void
choose(uint32_t *numbers, uint32_t some, uint32_t count)
{
	uint32_t all[PVSS_CUSTODIANS_MAX];

	for (uint32_t i = 0; i < count; i++)
		all[i] = i + 1;
	for (uint32_t i = 0; i < some; i++) {
		uint32_t other = i + randombytes_uniform(count - i);

		numbers[i] = all[other];
		all[other] = all[i];
	}
}

static void
open_some(const struct scene *s, struct point *points, const uint32_t *numbers,
    uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		assert_true(pvss_open(&points[i], &s->privates[numbers[i] - 1],
		    &s->sharing.shares[numbers[i] - 1]));
}

static void
any_k_of_n_recover_the_secret(void **state)
{
	struct point points[PVSS_CUSTODIANS_MAX], recovered;
	uint32_t numbers[PVSS_CUSTODIANS_MAX];

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t count = round == 0 ? 32 : 2 + randombytes_uniform(9);
		uint32_t threshold = 2 + randombytes_uniform(count - 1);
		struct scene s;

		deal(&s, threshold, count);
		assert_int_equal(verify(&s), AG_OK);
		for (int i = 0; i < 3; i++) {
			choose(numbers, threshold, count);
			open_some(&s, points, numbers, threshold);
			assert_true(pvss_interpolate(&recovered, 0, numbers,
			    points, threshold));
			assert_true(point_equal(&recovered, &s.secret));
		}
		scene_fini(&s);
	}
}

/*
 * k-1 shares and any secret at all are k points, through which there is one
 * polynomial, and it gives those shares again: they rule no secret out.
 */
static void
k_minus_1_shares_fit_every_secret_there_could_be(void **state)
{
	struct point points[PVSS_CUSTODIANS_MAX], first, again;
	uint32_t numbers[PVSS_CUSTODIANS_MAX], number;
	struct scalar guess;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t count = 3 + randombytes_uniform(6);
		uint32_t threshold = 2 + randombytes_uniform(count - 1);
		struct scene s;

		deal(&s, threshold, count);
		choose(numbers, threshold, count);
		open_some(&s, points, numbers, threshold - 1);
		scalar_random(&guess);
		points[threshold - 1] = multiple(&guess);
		numbers[threshold - 1] = 0;
		assert_false(point_equal(&points[threshold - 1], &s.secret));
		/* Its polynomial at 40; which stands for the first share, and
		 * gives that again. */
		first = points[0];
		number = numbers[0];
		assert_true(pvss_interpolate(&points[0], 40, numbers, points,
		    threshold));
		numbers[0] = 40;
		assert_true(pvss_interpolate(&again, number, numbers, points,
		    threshold));
		assert_true(point_equal(&again, &first));
		scene_fini(&s);
	}
}

static void
fewer_than_k_interpolate_to_another_point(void **state)
{
	struct point points[PVSS_CUSTODIANS_MAX], recovered;
	uint32_t numbers[PVSS_CUSTODIANS_MAX];
	struct scene s;

	(void)state;
	deal(&s, 4, 6);
	choose(numbers, 3, 6);
	open_some(&s, points, numbers, 3);
	assert_true(pvss_interpolate(&recovered, 0, numbers, points, 3));
	assert_false(point_equal(&recovered, &s.secret));
	scene_fini(&s);
}

static void
a_share_that_is_wrong_is_told_by_its_place(void **state)
{
	struct scalar other;
	uint32_t place;
	struct scene s;

	(void)state;
	deal(&s, 3, 5);
	scalar_random(&other);
	assert_true(point_multiply(&s.sharing.shares[3], &other, &s.keys[3]));
	assert_int_equal(pvss_verify(&s.sharing, s.keys, CONTEXT, &place, NULL),
	    AG_EFORGED);
	/* All proofs are bound to all shares, so the first one tells. */
	assert_int_equal(place, 0);
	scene_fini(&s);
	deal(&s, 3, 5);
	s.sharing.proofs[3][40] ^= 1;
	assert_int_equal(pvss_verify(&s.sharing, s.keys, CONTEXT, &place, NULL),
	    AG_EFORGED);
	assert_int_equal(place, 3);
	scene_fini(&s);
}

static void
no_part_of_a_sharing_can_be_changed(void **state)
{
	static struct scene s, other;
	uint32_t place;

	(void)state;
	deal(&s, 3, 4);
	deal(&other, 3, 4);
	assert_int_equal(pvss_verify(&s.sharing, s.keys,
			     bytes_from_text("contexts"), &place, NULL),
	    AG_EFORGED);
	for (uint32_t i = 0; i < 4; i++) {
		struct pvss kept = s.sharing;
		struct point key = s.keys[i];

		s.keys[i] = other.keys[i];
		assert_int_equal(verify(&s), AG_EFORGED);
		s.keys[i] = key;
		s.sharing.shares[i] = other.sharing.shares[i];
		assert_int_equal(verify(&s), AG_EFORGED);
		s.sharing = kept;
		s.sharing.shares[i] = (struct point){ { 0 } };
		assert_int_equal(verify(&s), AG_EFORGED);
		s.sharing = kept;
		if (i < 3) {
			s.sharing.commitments[i] = other.sharing.commitments[i];
			assert_int_equal(verify(&s), AG_EFORGED);
			s.sharing = kept;
			s.sharing.commitments[i] = (struct point){ { 0 } };
			assert_int_equal(verify(&s), AG_EFORGED);
			s.sharing = kept;
		}
		memcpy(s.sharing.proofs[i], s.sharing.proofs[(i + 1) % 4],
		    DLEQ_BYTES);
		assert_int_equal(verify(&s), AG_EFORGED);
		s.sharing = kept;
	}
	s.sharing.threshold = 2;
	assert_int_equal(verify(&s), AG_EFORGED);
	s.sharing.threshold = 3;
	s.sharing.members = 7;
	assert_int_equal(verify(&s), AG_EFORGED);
	s.sharing.members = 15;
	assert_int_equal(verify(&s), AG_OK);
	scene_fini(&other);
	scene_fini(&s);
}

/* Add a sharing of zero among members to what there is. */
static void
refresh(struct scene *s, uint32_t members)
{
	struct pvss zero = { .threshold = s->sharing.threshold,
		.members = members,
		.is_of_zero = true };
	struct secret *polynomial = pvss_polynomial(zero.threshold, true);
	uint32_t place;

	assert_int_equal(pvss_deal(&zero, polynomial, s->keys, CONTEXT, NULL,
			     NULL),
	    AG_OK);
	assert_int_equal(pvss_verify(&zero, s->keys, CONTEXT, &place, NULL),
	    AG_OK);
	for (uint32_t i = 0; i < s->count; i++)
		if ((members >> i & 1) != 0)
			assert_true(point_add(&s->sharing.shares[i],
			    &s->sharing.shares[i], &zero.shares[i]));
	secret_free(polynomial);
}

static void
after_a_refresh_new_shares_recover_and_mixed_ones_do_not(void **state)
{
	uint32_t numbers[PVSS_CUSTODIANS_MAX];
	struct point old[3], new[3], recovered;
	struct scene s;

	(void)state;
	deal(&s, 3, 5);
	choose(numbers, 3, 5);
	open_some(&s, old, numbers, 3);
	refresh(&s, 31);
	open_some(&s, new, numbers, 3);
	for (int i = 0; i < 3; i++)
		assert_false(point_equal(&old[i], &new[i]));
	assert_true(pvss_interpolate(&recovered, 0, numbers, new, 3));
	assert_true(point_equal(&recovered, &s.secret));
	for (int i = 0; i < 3; i++) {
		struct point mixed[3] = { new[0], new[1], new[2] };

		mixed[i] = old[i];
		assert_true(pvss_interpolate(&recovered, 0, numbers, mixed, 3));
		assert_false(point_equal(&recovered, &s.secret));
	}
	scene_fini(&s);
}

static void
who_is_left_out_of_a_refresh_has_a_share_of_nothing(void **state)
{
	const uint32_t numbers[] = { 1, 2, 5 };
	struct point points[3], recovered;
	struct scene s;

	(void)state;
	deal(&s, 3, 5);
	refresh(&s, 15); /* without the fifth */
	open_some(&s, points, numbers, 3);
	assert_true(pvss_interpolate(&recovered, 0, numbers, points, 3));
	assert_false(point_equal(&recovered, &s.secret));
	scene_fini(&s);
}

static void
a_sharing_of_something_passes_for_none_of_zero(void **state)
{
	struct pvss zero;
	uint32_t place;
	struct scene s;

	(void)state;
	deal(&s, 3, 5);
	zero = s.sharing;
	zero.is_of_zero = true;
	assert_int_equal(pvss_verify(&zero, s.keys, CONTEXT, &place, NULL),
	    AG_EFORGED);
	scene_fini(&s);
}

static void
numbers_that_are_alike_are_not_interpolated(void **state)
{
	const uint32_t twice[] = { 1, 2, 1 }, at[] = { 1, 2, 3 };
	struct point points[3], out;
	struct scene s;

	(void)state;
	deal(&s, 3, 5);
	open_some(&s, points, at, 3);
	assert_false(pvss_interpolate(&out, 0, twice, points, 3));
	assert_false(pvss_interpolate(&out, 2, at, points, 3));
	assert_false(pvss_interpolate(&out, 0, at, points, 0));
	scene_fini(&s);
}

static void
assert_hex(const void *data, size_t len, const char *hex)
{
	char text[TEXT_HEX_BYTES(64)];

	text_hex(text, sizeof(text), bytes_of(data, len));
	assert_string_equal(text, hex);
}

static struct secret *
polynomial_of(uint8_t a, uint8_t b, uint8_t c)
{
	struct secret *polynomial = secret_new((size_t)3 * RISTRETTO_BYTES);

	assert_non_null(polynomial);
	secret_data(polynomial)[0] = a;
	secret_data(polynomial)[32] = b;
	secret_data(polynomial)[64] = c;
	return polynomial;
}

static void
sharings_are_as_they_were(void **state)
{
	struct pvss s = { .threshold = 3, .members = 15 };
	struct secret *polynomial = polynomial_of(3, 141, 59);
	struct point keys[4];

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		struct scalar private;

		scalar_of_number(&private, 1001 + i);
		keys[i] = multiple(&private);
	}
	assert_int_equal(pvss_deal(&s, polynomial, keys, CONTEXT, NULL, NULL),
	    AG_OK);
	secret_free(polynomial);
	assert_hex(s.commitments[1].data, 32,
	    "b2d48bbaacc2ac86743dcf8d77416abd131ba7af15bd93ef1c2ad302362cd278");
	assert_hex(s.shares[1].data, 32,
	    "70665daca212d378f8ee8243093f255cc4dbc30f66f91b3e8a518d2ecee83317");
	assert_hex(s.proofs[3], DLEQ_BYTES,
	    "16b40f78784ba26b1264581e6090a137f697aa3b3c20f6e8b1b6f152392d4c00"
	    "82f4a05dce33ea0c52a9c5e7e55bb063f5661817124cecc1f3ffdac44d74d108");
	s = (struct pvss){ .threshold = 3, .members = 13, .is_of_zero = true };
	polynomial = polynomial_of(0, 26, 5);
	assert_int_equal(pvss_deal(&s, polynomial, keys,
			     bytes_from_text("refresh"), NULL, NULL),
	    AG_OK);
	secret_free(polynomial);
	assert_hex(s.commitments[2].data, 32,
	    "8ec383455a0e4f63f8d2dca75ef06b401bd8ea15b53f34cbf978169aba270339");
	assert_hex(s.shares[2].data, 32,
	    "66ae4f2bebeff1bd012f3a0a341157a4d845452eedc19651e9e2605159861e0b");
	assert_hex(s.proofs[3], DLEQ_BYTES,
	    "04aa7f25f1d9c38137504293ca2ebf46237a316484aeb01e716ef6f1c1badd09"
	    "40a65ca5692445c1a07307780d56a070e59678dd8743716845d99b0a3179a50e");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_k_of_n_recover_the_secret),
		cmocka_unit_test(
		    k_minus_1_shares_fit_every_secret_there_could_be),
		cmocka_unit_test(fewer_than_k_interpolate_to_another_point),
		cmocka_unit_test(a_share_that_is_wrong_is_told_by_its_place),
		cmocka_unit_test(no_part_of_a_sharing_can_be_changed),
		cmocka_unit_test(
		    after_a_refresh_new_shares_recover_and_mixed_ones_do_not),
		cmocka_unit_test(
		    who_is_left_out_of_a_refresh_has_a_share_of_nothing),
		cmocka_unit_test(
		    a_sharing_of_something_passes_for_none_of_zero),
		cmocka_unit_test(numbers_that_are_alike_are_not_interpolated),
		cmocka_unit_test(sharings_are_as_they_were),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
