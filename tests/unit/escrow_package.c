/*
 * Packages: what they say is verified, and nothing of them can be changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "codec/encoder.h"
#include "escrow/package.h"
#include "fixture/escrow.h"

static struct escrow_people people;

static int
make_people(void **state)
{
	(void)state;
	escrow_people_init(&people, 5);
	return 0;
}

static int
forget_people(void **state)
{
	(void)state;
	escrow_people_fini(&people);
	return 0;
}

/* The secret point from the shares of these custodians' places. */
static struct point
recovered(const struct package *p, const uint32_t *places, size_t count)
{
	struct point points[PVSS_CUSTODIANS_MAX], out;
	uint32_t numbers[PVSS_CUSTODIANS_MAX];

	for (size_t i = 0; i < count; i++) {
		numbers[i] = places[i] + 1;
		points[i] = escrow_open(&people, p, places[i]);
	}
	assert_true(pvss_interpolate(&out, 0, numbers, points, count));
	return out;
}

static enum ag_status
opens(const struct package *p, const uint32_t *places, size_t count)
{
	struct point secret = recovered(p, places, count);
	struct secret *payload;
	enum ag_status status = package_open(&payload, p, &secret, NULL);

	if (status == AG_OK)
		assert_true(bytes_equal(secret_bytes(payload),
		    bytes_from_text(ESCROW_SECRET)));
	else
		assert_null(payload);
	secret_free(payload);
	return status;
}

static void
what_is_dealt_is_read_back_with_all_it_says(void **state)
{
	const uint32_t places[] = { 4, 0, 2 };
	struct package *p;
	struct buf file;

	(void)state;
	escrow_deal(&file, &people, 3);
	p = escrow_read(buf_bytes(&file));
	assert_int_equal(p->threshold, 3);
	assert_int_equal(p->count, 5);
	assert_int_equal(p->delay_ms, 5000);
	assert_int_equal(package_member_count(p), 5);
	assert_string_equal(p->custodians[4].name, "e");
	assert_int_equal(package_find_name(p, "c"), 2);
	assert_int_equal(package_find_name(p, "f"), -1);
	assert_int_equal(package_find_key(p, &people.publics[3].point), 3);
	assert_false(p->is_rehearsal);
	assert_int_equal(opens(p, places, 3), AG_OK);
	package_free(p);
	buf_fini(&file);
}

static void
fewer_shares_than_k_open_nothing(void **state)
{
	const uint32_t places[] = { 1, 3 };
	struct package *p;
	struct buf file;

	(void)state;
	escrow_deal(&file, &people, 3);
	p = escrow_read(buf_bytes(&file));
	assert_int_equal(opens(p, places, 2), AG_EFORGED);
	package_free(p);
	buf_fini(&file);
}

static void
shares_of_one_package_do_not_open_another(void **state)
{
	const uint32_t places[] = { 0, 1, 2 };
	struct package *first, *second;
	struct secret *payload;
	struct buf files[2];
	struct point secret;

	(void)state;
	escrow_deal(&files[0], &people, 3);
	escrow_deal(&files[1], &people, 3);
	first = escrow_read(buf_bytes(&files[0]));
	second = escrow_read(buf_bytes(&files[1]));
	secret = recovered(first, places, 3);
	assert_int_equal(package_open(&payload, second, &secret, NULL),
	    AG_EFORGED);
	package_free(second);
	package_free(first);
	buf_fini(&files[1]);
	buf_fini(&files[0]);
}

static void
every_changed_byte_is_noticed_without_any_key(void **state)
{
	struct package *bad = package_new();
	struct buf file;

	(void)state;
	escrow_deal(&file, &people, 2);
	for (size_t i = 0; i < file.len; i += 1 + i % 3) {
		file.data[i] ^= 1;
		assert_int_not_equal(package_decode(bad, buf_bytes(&file),
					 NULL),
		    AG_OK);
		file.data[i] ^= 1;
	}
	package_free(bad);
	buf_fini(&file);
}

/* Whoever changes it and makes the checksum fit is noticed when it is opened;
 * here, by another package's payload. */
static void
a_payload_that_was_exchanged_does_not_open(void **state)
{
	const uint32_t places[] = { 0, 1 };
	struct package *first, *second;
	struct point secret;
	struct secret *payload;
	struct buf files[2];

	(void)state;
	escrow_deal(&files[0], &people, 2);
	escrow_deal(&files[1], &people, 2);
	first = escrow_read(buf_bytes(&files[0]));
	second = escrow_read(buf_bytes(&files[1]));
	secret = recovered(first, places, 2);
	first->sealed = second->sealed;
	assert_int_equal(package_open(&payload, first, &secret, NULL),
	    AG_EFORGED);
	package_free(second);
	package_free(first);
	buf_fini(&files[1]);
	buf_fini(&files[0]);
}

static void
a_package_cut_anywhere_or_with_more_behind_it_is_refused(void **state)
{
	struct package *bad = package_new();
	struct buf file;

	(void)state;
	escrow_deal(&file, &people, 2);
	for (size_t len = 0; len < file.len; len++)
		assert_int_equal(package_decode(bad, bytes_of(file.data, len),
				     NULL),
		    AG_ECORRUPT);
	assert_int_equal(buf_append(&file, "", 1), AG_OK);
	assert_int_equal(package_decode(bad, buf_bytes(&file), NULL),
	    AG_ECORRUPT);
	package_free(bad);
	buf_fini(&file);
}

static void
who_is_wrong_is_told_by_name(void **state)
{
	struct package *p, *bad = package_new();
	struct ag_error err;
	struct buf file;

	(void)state;
	escrow_deal(&file, &people, 3);
	p = escrow_read(buf_bytes(&file));
	/* The deal ends with the last custodian's proof. */
	file.data[(size_t)(p->deal_raw.data - file.data) + p->deal_raw.len -
	    40] ^= 1;
	assert_int_equal(package_decode(bad, buf_bytes(&file), &err),
	    AG_EFORGED);
	assert_non_null(strstr(err.text, "the share of e"));
	package_free(bad);
	package_free(p);
	buf_fini(&file);
}

static void
a_key_whose_possession_is_not_proved_is_told_by_name(void **state)
{
	struct package *head = escrow_head(&people, 2), *bad = package_new();
	struct secret *payload = secret_copy(bytes_from_text("s"));
	struct ag_error err;
	struct buf file;

	(void)state;
	head->custodians[1].key.possession[3] ^= 1;
	buf_init(&file, PACKAGE_BYTES_MAX);
	/* Whoever makes one reads it again, and writes nothing. */
	assert_int_equal(package_deal(head, payload, &file, &err),
	    AG_EINTERNAL);
	assert_int_equal(file.len, 0);
	head->custodians[1].key = people.publics[1];
	assert_int_equal(package_deal(head, payload, &file, &err), AG_OK);
	for (size_t i = 0; i + SCHNORR_BYTES < file.len; i++)
		if (memcmp(file.data + i, people.publics[1].possession,
			SCHNORR_BYTES) == 0)
			file.data[i] ^= 1;
	assert_int_equal(package_decode(bad, buf_bytes(&file), &err),
	    AG_EFORGED);
	assert_non_null(strstr(err.text, "nothing proves that b"));
	buf_fini(&file);
	secret_free(payload);
	package_free(bad);
	package_free(head);
}

static void
nobody_is_custodian_twice(void **state)
{
	struct package *head = escrow_head(&people, 2);
	struct ag_error err;

	(void)state;
	assert_int_equal(package_add_custodian(head, "another",
			     &people.publics[2], &err),
	    AG_EEXIST);
	assert_non_null(strstr(err.text, "another has the key of c"));
	head->count--;
	assert_int_equal(package_add_custodian(head, "a", &people.publics[4],
			     &err),
	    AG_EINVAL);
	assert_int_equal(package_add_custodian(head, "", &people.publics[4],
			     &err),
	    AG_EINVAL);
	assert_int_equal(package_add_custodian(head, "a\nb", &people.publics[4],
			     &err),
	    AG_EINVAL);
	package_free(head);
}

static void
k_is_two_at_least_and_n_at_most(void **state)
{
	struct secret *payload = secret_copy(bytes_from_text("s"));
	struct ag_error err;
	struct buf file;

	(void)state;
	buf_init(&file, PACKAGE_BYTES_MAX);
	for (uint32_t k = 0; k < 8; k++) {
		struct package *head = escrow_head(&people, k);

		assert_int_equal(package_deal(head, payload, &file, &err),
		    k < 2 || k > 5 ? AG_EINVAL : AG_OK);
		package_free(head);
		buf_clear(&file);
	}
	secret_free(payload);
	buf_fini(&file);
}

static void
the_longest_payload_fits_with_the_most_custodians_and_refreshes(void **state)
{
	struct secret *payload = secret_random(PACKAGE_PAYLOAD_BYTES_MAX);
	static struct escrow_people many;
	struct package *head, *p;
	struct ag_error err;
	struct buf file, next;

	(void)state;
	escrow_people_init(&many, PVSS_CUSTODIANS_MAX);
	head = escrow_head(&many, 2);
	buf_init(&file, PACKAGE_BYTES_MAX);
	buf_init(&next, PACKAGE_BYTES_MAX);
	assert_int_equal(package_deal(head, payload, &file, &err), AG_OK);
	p = package_new();
	for (int i = 0; i <= PACKAGE_REFRESHES_MAX; i++) {
		assert_int_equal(package_decode(p, buf_bytes(&file), &err),
		    AG_OK);
		buf_clear(&next);
		assert_int_equal(package_refresh(p, p->members, 1, &next, &err),
		    i < PACKAGE_REFRESHES_MAX ? AG_OK : AG_ELIMIT);
		if (i == PACKAGE_REFRESHES_MAX)
			break;
		buf_clear(&file);
		assert_int_equal(buf_append(&file, next.data, next.len), AG_OK);
	}
	package_free(p);
	package_free(head);
	escrow_people_fini(&many);
	buf_fini(&next);
	buf_fini(&file);
	secret_free(payload);
}

/* A package after a refresh among members. */
static struct package *
refreshed(struct buf *out, const struct package *p, uint32_t members)
{
	struct ag_error err;

	buf_init(out, PACKAGE_BYTES_MAX);
	if (package_refresh(p, members, 2000, out, &err) != AG_OK)
		fail_msg("%s", err.text);
	return escrow_read(buf_bytes(out));
}

static void
a_refresh_keeps_the_secret_and_changes_every_share(void **state)
{
	const uint32_t places[] = { 1, 2, 4 };
	struct package *old, *new, *newer;
	struct buf files[3];

	(void)state;
	escrow_deal(&files[0], &people, 3);
	old = escrow_read(buf_bytes(&files[0]));
	new = refreshed(&files[1], old, 31);
	newer = refreshed(&files[2], new, 31);
	assert_int_equal(newer->refresh_count, 2);
	assert_false(digest_equal(&old->id, &new->id));
	for (uint32_t i = 0; i < 5; i++)
		assert_false(point_equal(&old->shares[i], &new->shares[i]));
	assert_int_equal(opens(new, places, 3), AG_OK);
	assert_int_equal(opens(newer, places, 3), AG_OK);
	package_free(newer);
	package_free(new);
	package_free(old);
	for (int i = 0; i < 3; i++)
		buf_fini(&files[i]);
}

static void
old_and_new_shares_do_not_open_together(void **state)
{
	const uint32_t numbers[] = { 1, 2, 3 };
	struct package *old, *new;
	struct point points[3], secret;
	struct secret *payload;
	struct buf files[2];

	(void)state;
	escrow_deal(&files[0], &people, 3);
	old = escrow_read(buf_bytes(&files[0]));
	new = refreshed(&files[1], old, 31);
	points[0] = escrow_open(&people, new, 0);
	points[1] = escrow_open(&people, new, 1);
	points[2] = escrow_open(&people, old, 2);
	assert_true(pvss_interpolate(&secret, 0, numbers, points, 3));
	assert_int_equal(package_open(&payload, new, &secret, NULL),
	    AG_EFORGED);
	assert_int_equal(package_open(&payload, old, &secret, NULL),
	    AG_EFORGED);
	package_free(new);
	package_free(old);
	buf_fini(&files[1]);
	buf_fini(&files[0]);
}

static void
who_was_removed_is_no_custodian_and_does_not_come_back(void **state)
{
	const uint32_t with[] = { 0, 1, 4 }, without[] = { 0, 1, 3 };
	struct package *old, *new;
	struct ag_error err;
	struct buf files[2], out;

	(void)state;
	escrow_deal(&files[0], &people, 3);
	old = escrow_read(buf_bytes(&files[0]));
	new = refreshed(&files[1], old, 15); /* without e */
	assert_int_equal(package_member_count(new), 4);
	assert_int_equal(package_find_name(new, "e"), -1);
	assert_int_equal(package_find_key(new, &people.publics[4].point), -1);
	assert_int_equal(opens(new, without, 3), AG_OK);
	assert_int_equal(opens(new, with, 3), AG_EFORGED);
	buf_init(&out, PACKAGE_BYTES_MAX);
	assert_int_equal(package_refresh(new, 31, 0, &out, &err), AG_EINVAL);
	assert_int_equal(package_refresh(new, 3, 0, &out, &err), AG_EINVAL);
	assert_non_null(strstr(err.text, "2 custodians would be left"));
	assert_int_equal(out.len, 0);
	buf_fini(&out);
	package_free(new);
	package_free(old);
	buf_fini(&files[1]);
	buf_fini(&files[0]);
}

/* Two files from one: what refreshed the one does not refresh the other. */
static void
a_refresh_of_another_package_is_refused(void **state)
{
	struct package *other, *second, *bad = package_new();
	struct buf files[3], mixed;

	(void)state;
	escrow_deal(&files[0], &people, 3);
	escrow_deal(&files[1], &people, 3);
	other = escrow_read(buf_bytes(&files[1]));
	second = refreshed(&files[2], other, 31);
	buf_init(&mixed, PACKAGE_BYTES_MAX);
	/* All but the empty array of refreshes, then the other's. */
	assert_int_equal(buf_append(&mixed, files[0].data, files[0].len - 1),
	    AG_OK);
	assert_int_equal(buf_append(&mixed, "\x81", 1), AG_OK);
	assert_int_equal(buf_append(&mixed, second->refreshes[0].raw.data,
			     second->refreshes[0].raw.len),
	    AG_OK);
	assert_int_equal(package_decode(bad, buf_bytes(&mixed), NULL),
	    AG_EFORGED);
	package_free(bad);
	package_free(second);
	package_free(other);
	buf_fini(&mixed);
	for (int i = 0; i < 3; i++)
		buf_fini(&files[i]);
}

static void
a_later_format_is_told_apart_from_damage(void **state)
{
	struct package *bad = package_new();
	struct buf file;

	(void)state;
	escrow_deal(&file, &people, 2);
	file.data[22] = 2; /* behind the array's head and the magic */
	assert_int_equal(package_decode(bad, buf_bytes(&file), NULL),
	    AG_EVERSION);
	package_free(bad);
	buf_fini(&file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_dealt_is_read_back_with_all_it_says),
		cmocka_unit_test(fewer_shares_than_k_open_nothing),
		cmocka_unit_test(shares_of_one_package_do_not_open_another),
		cmocka_unit_test(every_changed_byte_is_noticed_without_any_key),
		cmocka_unit_test(a_payload_that_was_exchanged_does_not_open),
		cmocka_unit_test(
		    a_package_cut_anywhere_or_with_more_behind_it_is_refused),
		cmocka_unit_test(who_is_wrong_is_told_by_name),
		cmocka_unit_test(
		    a_key_whose_possession_is_not_proved_is_told_by_name),
		cmocka_unit_test(nobody_is_custodian_twice),
		cmocka_unit_test(k_is_two_at_least_and_n_at_most),
		cmocka_unit_test(
		    the_longest_payload_fits_with_the_most_custodians_and_refreshes),
		cmocka_unit_test(
		    a_refresh_keeps_the_secret_and_changes_every_share),
		cmocka_unit_test(old_and_new_shares_do_not_open_together),
		cmocka_unit_test(
		    who_was_removed_is_no_custodian_and_does_not_come_back),
		cmocka_unit_test(a_refresh_of_another_package_is_refused),
		cmocka_unit_test(a_later_format_is_told_apart_from_damage),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, make_people, forget_people);
}
