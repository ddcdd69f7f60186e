/*
 * Requests, approvals, waiting, and the shares that answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "escrow/recovery.h"
#include "escrow/share.h"
#include "fixture/presences.h"

#include "fixture/escrow.h"

#define DELAY_MS 5000 /* of the fixture's packages */

/* A package, somebody who asks for it, and a cluster. */
struct scene {
	struct escrow_people custodians;
	struct buf file;
	struct package *package;
	struct secret *key;
	uint8_t recipient[RECIPIENT_KEY_BYTES];
	struct recovery request, back;
	struct presences *cluster;
	struct buf text, first, latest;
	struct ag_error err;
};

static void
must(struct scene *s, enum ag_status status)
{
	if (status != AG_OK)
		fail_msg("%s", s->err.text);
}

static void
refused(struct scene *s, enum ag_status status, enum ag_status expected,
    const char *words)
{
	assert_int_equal(status, expected);
	if (strstr(s->err.text, words) == NULL)
		fail_msg("'%s' lacks '%s'", s->err.text, words);
}

static int
make_scene(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->cluster = presences_new(2);
	escrow_people_init(&s->custodians, 5);
	escrow_deal(&s->file, &s->custodians, 3);
	s->package = escrow_read(buf_bytes(&s->file));
	must(s, recipient_keypair(&s->key, &s->err));
	recipient_public(s->recipient, s->key);
	must(s,
	    recovery_begin(&s->request, s->package, buf_bytes(&s->file),
		"the machine burnt", s->recipient, DELAY_MS, 7000, false,
		&s->err));
	buf_init(&s->text, RECOVERY_BYTES_MAX);
	buf_init(&s->first, RECOVERY_PRESENCE_BYTES_MAX);
	buf_init(&s->latest, RECOVERY_PRESENCE_BYTES_MAX);
	*state = s;
	return 0;
}

static int
remove_scene(void **state)
{
	struct scene *s = *state;

	presences_free(s->cluster);
	escrow_people_fini(&s->custodians);
	package_free(s->package);
	secret_free(s->key);
	buf_fini(&s->file);
	buf_fini(&s->text);
	buf_fini(&s->first);
	buf_fini(&s->latest);
	free(s);
	return 0;
}

/* Through a file and back. */
static void
pass_on(struct scene *s)
{
	buf_clear(&s->text);
	must(s, recovery_encode(&s->request, &s->text, &s->err));
	must(s, recovery_decode(&s->back, buf_bytes(&s->text), &s->err));
}

static void
approve(struct scene *s, uint32_t operator)
{
	must(s,
	    recovery_approve(&s->request, &s->cluster->roster,
		s->cluster->people.operators[operator], &s->err));
}

static void
a_request_is_read_back_with_all_it_says(void **state)
{
	struct package *inside = package_new();
	struct scene *s = *state;

	approve(s, 0);
	pass_on(s);
	assert_string_equal(s->back.reason, "the machine burnt");
	assert_memory_equal(s->back.recipient, s->recipient, 32);
	assert_int_equal(s->back.delay_ms, DELAY_MS);
	assert_int_equal(s->back.created_ms, 7000);
	assert_int_equal(s->back.approval_count, 1);
	assert_true(digest_equal(&s->back.id, &s->request.id));
	must(s, recovery_open(inside, &s->back, &s->err));
	assert_true(digest_equal(&inside->id, &s->package->id));
	package_free(inside);
}

static void
two_requests_for_the_same_are_not_the_same(void **state)
{
	struct scene *s = *state;

	must(s,
	    recovery_begin(&s->back, s->package, buf_bytes(&s->file),
		"the machine burnt", s->recipient, DELAY_MS, 7000, false,
		&s->err));
	assert_false(digest_equal(&s->back.id, &s->request.id));
	refused(s, recovery_merge(&s->request, &s->back, &s->err), AG_ECONFLICT,
	    "another request");
}

static void
a_request_for_another_package_is_refused(void **state)
{
	struct package *inside = package_new();
	struct scene *s = *state;
	struct buf other;

	escrow_deal(&other, &s->custodians, 3);
	s->request.package = buf_bytes(&other);
	pass_on(s);
	refused(s, recovery_open(inside, &s->back, &s->err), AG_EFORGED,
	    "another package");
	package_free(inside);
	buf_fini(&other);
}

static void
no_request_waits_less_than_its_package_asks(void **state)
{
	struct scene *s = *state;

	refused(s,
	    recovery_begin(&s->back, s->package, buf_bytes(&s->file), "now",
		s->recipient, DELAY_MS - 1, 7000, false, &s->err),
	    AG_EREFUSED, "5 s at least");
}

static void
reasons_that_are_no_line_of_text_are_refused(void **state)
{
	char longest[RECOVERY_REASON_BYTES + 1];
	const char *const reasons[] = { "", "a\nb", "\x1b[2J", "\xff",
		longest };
	struct scene *s = *state;

	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		assert_int_equal(recovery_begin(&s->back, s->package,
				     buf_bytes(&s->file), reasons[i],
				     s->recipient, DELAY_MS, 7000, false,
				     &s->err),
		    AG_EINVAL);
	longest[sizeof(longest) - 2] = '\0';
	must(s,
	    recovery_begin(&s->request, s->package, buf_bytes(&s->file),
		longest, s->recipient, DELAY_MS, 7000, false, &s->err));
	pass_on(s);
	assert_string_equal(s->back.reason, longest);
}

static void
a_request_cut_anywhere_is_refused(void **state)
{
	struct scene *s = *state;

	approve(s, 0);
	pass_on(s);
	for (size_t i = 0; i < s->text.len; i++)
		assert_int_not_equal(recovery_decode(&s->back,
					 bytes_of(s->text.data, i), NULL),
		    AG_OK);
}

static void
operators_approve_as_the_policy_asks(void **state)
{
	struct recovery_tally tally;
	struct scene *s = *state;

	recovery_count(&tally, &s->request, &s->cluster->roster);
	assert_true(tally.by_operators);
	assert_int_equal(tally.needed, 2);
	assert_int_equal(tally.approved, 0);
	approve(s, 0);
	refused(s,
	    recovery_approve(&s->request, &s->cluster->roster,
		s->cluster->people.operators[0], &s->err),
	    AG_EEXIST, "already");
	refused(s,
	    recovery_approve(&s->request, &s->cluster->roster,
		s->cluster->people.keys[0], &s->err),
	    AG_ENOENT, "no operator's");
	approve(s, 2);
	recovery_count(&tally, &s->request, &s->cluster->roster);
	assert_int_equal(tally.approved, 2);
}

static void
without_a_policy_a_quorum_of_members_approves(void **state)
{
	struct presences *cluster = presences_new(0);
	struct recovery_tally tally;
	struct scene *s = *state;

	for (uint32_t i = 0; i < 3; i++)
		must(s,
		    recovery_approve(&s->request, &cluster->roster,
			cluster->people.keys[i], &s->err));
	recovery_count(&tally, &s->request, &cluster->roster);
	assert_false(tally.by_operators);
	assert_int_equal(tally.needed, 3);
	assert_int_equal(tally.approved, 3);
	/* To another cluster they are nothing. */
	recovery_count(&tally, &s->request, &s->cluster->roster);
	assert_int_equal(tally.approved, 0);
	presences_free(cluster);
}

static void
an_approval_is_of_one_request_alone(void **state)
{
	struct recovery_tally tally;
	struct scene *s = *state;

	approve(s, 0);
	must(s,
	    recovery_begin(&s->back, s->package, buf_bytes(&s->file),
		"the machine burnt", s->recipient, DELAY_MS, 7000, false,
		&s->err));
	s->back.approvals[0] = s->request.approvals[0];
	s->back.approval_count = 1;
	recovery_count(&tally, &s->back, &s->cluster->roster);
	assert_int_equal(tally.approved, 0);
	s->request.approvals[0].signature[3] ^= 1;
	recovery_count(&tally, &s->request, &s->cluster->roster);
	assert_int_equal(tally.approved, 0);
}

static void
copies_that_others_approved_are_joined(void **state)
{
	struct recovery_tally tally;
	struct scene *s = *state;

	s->back = s->request;
	approve(s, 0);
	must(s,
	    recovery_approve(&s->back, &s->cluster->roster,
		s->cluster->people.operators[1], &s->err));
	must(s, recovery_merge(&s->request, &s->back, &s->err));
	must(s, recovery_merge(&s->request, &s->back, &s->err));
	recovery_count(&tally, &s->request, &s->cluster->roster);
	assert_int_equal(tally.approved, 2);
	assert_int_equal(s->request.approval_count, 2);
}

/* --- waiting --- */

/* Put the request into the store, at an agreed time. */
static void
put(struct scene *s, uint64_t time_ms)
{
	char key[RECOVERY_KEY_BYTES];

	recovery_key(key, &s->request);
	presences_apply(s->cluster, time_ms, key,
	    bytes_of(s->request.body, s->request.body_len));
}

/* What the cluster shows of the request at an agreed time. */
static enum ag_status
see(struct scene *s, uint64_t time_ms, struct recovery_sight *sight)
{
	char key[RECOVERY_KEY_BYTES];

	recovery_key(key, &s->request);
	presences_apply(s->cluster, time_ms, NULL, bytes_of(NULL, 0));
	presences_prove(s->cluster, key, 3);
	return recovery_see(sight, &s->request, &s->cluster->presence,
	    &s->cluster->roster, &s->err);
}

static void
a_request_has_waited_when_agreed_time_has_passed(void **state)
{
	struct recovery_sight first, latest;
	struct scene *s = *state;

	put(s, 10000);
	must(s, see(s, 10500, &first));
	must(s, see(s, 15499, &latest));
	refused(s,
	    recovery_check_wait(&s->request, &first, &latest, 0, &s->err),
	    AG_EREFUSED, "still to wait 1 s");
	must(s, see(s, 15500, &latest));
	must(s, recovery_check_wait(&s->request, &first, &latest, 0, &s->err));
	refused(s,
	    recovery_check_wait(&s->request, &latest, &first, 0, &s->err),
	    AG_EREFUSED, "still to wait 5 s");
}

static void
a_request_that_was_cancelled_has_not_waited(void **state)
{
	struct recovery_sight first, latest;
	char key[RECOVERY_KEY_BYTES];
	struct scene *s = *state;

	recovery_key(key, &s->request);
	put(s, 10000);
	must(s, see(s, 10000, &first));
	presences_apply(s->cluster, 11000, key, bytes_of(NULL, 0));
	refused(s, see(s, 20000, &latest), AG_EREFUSED, "cancelled");
	/* Whoever puts it back starts anew. */
	put(s, 21000);
	must(s, see(s, 30000, &latest));
	refused(s,
	    recovery_check_wait(&s->request, &first, &latest, 0, &s->err),
	    AG_EREFUSED, "put back");
}

static void
a_request_that_was_changed_in_the_store_is_not_this_one(void **state)
{
	struct recovery_sight sight;
	char key[RECOVERY_KEY_BYTES];
	struct scene *s = *state;

	recovery_key(key, &s->request);
	put(s, 10000);
	presences_apply(s->cluster, 11000, key, bytes_from_text("else"));
	refused(s, see(s, 20000, &sight), AG_EREFUSED, "changed");
	put(s, 21000);
	refused(s, see(s, 22000, &sight), AG_EREFUSED, "changed");
}

static void
a_look_that_is_old_shows_nothing_of_today(void **state)
{
	struct recovery_sight first, latest;
	struct scene *s = *state;

	put(s, 10000);
	must(s, see(s, 10000, &first));
	must(s, see(s, 20000, &latest));
	must(s,
	    recovery_check_wait(&s->request, &first, &latest,
		20000 + RECOVERY_FRESH_MS, &s->err));
	refused(s,
	    recovery_check_wait(&s->request, &first, &latest,
		20001 + RECOVERY_FRESH_MS, &s->err),
	    AG_EREFUSED, "60 min old");
}

static void
the_later_of_two_looks_is_kept(void **state)
{
	struct recovery_sight sight;
	struct scene *s = *state;

	put(s, 10000);
	must(s, see(s, 10000, &sight));
	presences_encode(s->cluster, &s->first);
	must(s, see(s, 20000, &sight));
	presences_encode(s->cluster, &s->latest);
	s->back = s->request;
	s->request.first = buf_bytes(&s->first);
	s->request.latest = buf_bytes(&s->first);
	s->back.latest = buf_bytes(&s->latest);
	must(s, recovery_merge(&s->request, &s->back, &s->err));
	assert_ptr_equal(s->request.latest.data, s->latest.data);
	s->back.latest = buf_bytes(&s->first);
	must(s, recovery_merge(&s->request, &s->back, &s->err));
	assert_ptr_equal(s->request.latest.data, s->latest.data);
	pass_on(s);
	assert_true(bytes_equal(s->back.first, buf_bytes(&s->first)));
	assert_true(bytes_equal(s->back.latest, buf_bytes(&s->latest)));
}

static void
offline_the_custodian_s_clock_decides(void **state)
{
	struct scene *s = *state;

	refused(s,
	    recovery_check_wait_offline(&s->request, 7000 + DELAY_MS - 1,
		&s->err),
	    AG_EREFUSED, "still to wait 1 s");
	refused(s, recovery_check_wait_offline(&s->request, 0, &s->err),
	    AG_EREFUSED, "still to wait 5 s");
	must(s,
	    recovery_check_wait_offline(&s->request, 7000 + DELAY_MS, &s->err));
}

/* --- shares --- */

static void
submit(struct scene *s, struct share *share, uint32_t place)
{
	must(s,
	    share_make(share, &s->request, s->package, place,
		s->custodians.keys[place], &s->err));
}

static void
k_shares_that_were_submitted_open_the_package(void **state)
{
	const uint32_t places[] = { 4, 1, 2 };
	struct point points[3], secret;
	uint32_t numbers[3];
	struct secret *payload;
	struct scene *s = *state;
	struct share share;

	for (int i = 0; i < 3; i++) {
		submit(s, &share, places[i]);
		numbers[i] = share.number;
		buf_clear(&s->text);
		must(s, share_encode(&share, &s->text, &s->err));
		assert_true(s->text.len <= SHARE_BYTES_MAX);
		must(s, share_decode(&share, buf_bytes(&s->text), &s->err));
		must(s,
		    share_open(&points[i], &share, &s->request, s->package,
			s->key, &s->err));
	}
	assert_true(pvss_interpolate(&secret, 0, numbers, points, 3));
	must(s, package_open(&payload, s->package, &secret, &s->err));
	assert_true(
	    bytes_equal(secret_bytes(payload), bytes_from_text(ESCROW_SECRET)));
	secret_free(payload);
}

static void
a_share_is_for_its_request_s_key_alone(void **state)
{
	struct scene *s = *state;
	struct secret *other;
	struct point point;
	struct share share;

	submit(s, &share, 0);
	must(s, recipient_keypair(&other, &s->err));
	refused(s,
	    share_open(&point, &share, &s->request, s->package, other, &s->err),
	    AG_EFORGED, "the share of a does not open");
	secret_free(other);
}

static void
a_share_answers_one_request_and_no_other(void **state)
{
	struct scene *s = *state;
	struct point point;
	struct share share;

	submit(s, &share, 0);
	must(s,
	    recovery_begin(&s->back, s->package, buf_bytes(&s->file), "again",
		s->recipient, DELAY_MS, 7000, false, &s->err));
	refused(s,
	    share_open(&point, &share, &s->back, s->package, s->key, &s->err),
	    AG_ECONFLICT, "another request");
	/* Not even with the other's id written into it. */
	share.request_id = s->back.id;
	refused(s,
	    share_open(&point, &share, &s->back, s->package, s->key, &s->err),
	    AG_EFORGED, "who has not signed it");
}

static void
no_byte_of_a_share_can_be_changed(void **state)
{
	struct scene *s = *state;
	struct point point;
	struct share share;

	submit(s, &share, 3);
	buf_clear(&s->text);
	must(s, share_encode(&share, &s->text, &s->err));
	for (size_t i = 0; i < s->text.len; i++) {
		s->text.data[i] ^= 1;
		if (share_decode(&share, buf_bytes(&s->text), NULL) == AG_OK)
			assert_int_not_equal(share_open(&point, &share,
						 &s->request, s->package,
						 s->key, NULL),
			    AG_OK);
		s->text.data[i] ^= 1;
		assert_int_not_equal(share_decode(&share,
					 bytes_of(s->text.data, i), NULL),
		    AG_OK);
	}
}

static void
a_share_that_is_forged_is_told_from_one_that_is_wrong(void **state)
{
	struct scene *s = *state;
	struct point point;
	struct share share;
	struct package *wrong = escrow_read(buf_bytes(&s->file));

	/* By custodian a, in the name of b. */
	must(s,
	    share_make(&share, &s->request, s->package, 1,
		s->custodians.keys[0], &s->err));
	refused(s,
	    share_open(&point, &share, &s->request, s->package, s->key,
		&s->err),
	    AG_EFORGED, "said to be b's, who has not signed it");
	/* By b, of something else than b was given. */
	wrong->shares[1] = wrong->shares[2];
	must(s,
	    share_make(&share, &s->request, wrong, 1, s->custodians.keys[1],
		&s->err));
	refused(s,
	    share_open(&point, &share, &s->request, s->package, s->key,
		&s->err),
	    AG_EFORGED, "the share of b is wrong, and signed by b");
	package_free(wrong);
}

static void
who_was_removed_has_no_share_to_submit(void **state)
{
	struct scene *s = *state;
	struct package *next;
	struct buf file;
	struct share share;
	struct point point;

	buf_init(&file, PACKAGE_BYTES_MAX);
	must(s, package_refresh(s->package, 15, 1, &file, &s->err));
	next = escrow_read(buf_bytes(&file));
	must(s,
	    recovery_begin(&s->request, next, buf_bytes(&file), "later",
		s->recipient, DELAY_MS, 7000, false, &s->err));
	must(s,
	    share_make(&share, &s->request, s->package, 4,
		s->custodians.keys[4], &s->err));
	refused(s,
	    share_open(&point, &share, &s->request, next, s->key, &s->err),
	    AG_EFORGED, "custodian 5 has no share");
	/* Nor do those who stay have any use for their old ones. */
	must(s,
	    share_make(&share, &s->request, s->package, 1,
		s->custodians.keys[1], &s->err));
	refused(s,
	    share_open(&point, &share, &s->request, next, s->key, &s->err),
	    AG_EFORGED, "the share of b is wrong");
	package_free(next);
	buf_fini(&file);
}

#define SPEC(name) \
	cmocka_unit_test_setup_teardown(name, make_scene, remove_scene)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SPEC(a_request_is_read_back_with_all_it_says),
		SPEC(two_requests_for_the_same_are_not_the_same),
		SPEC(a_request_for_another_package_is_refused),
		SPEC(no_request_waits_less_than_its_package_asks),
		SPEC(reasons_that_are_no_line_of_text_are_refused),
		SPEC(a_request_cut_anywhere_is_refused),
		SPEC(operators_approve_as_the_policy_asks),
		SPEC(without_a_policy_a_quorum_of_members_approves),
		SPEC(an_approval_is_of_one_request_alone),
		SPEC(copies_that_others_approved_are_joined),
		SPEC(a_request_has_waited_when_agreed_time_has_passed),
		SPEC(a_request_that_was_cancelled_has_not_waited),
		SPEC(a_request_that_was_changed_in_the_store_is_not_this_one),
		SPEC(a_look_that_is_old_shows_nothing_of_today),
		SPEC(the_later_of_two_looks_is_kept),
		SPEC(offline_the_custodian_s_clock_decides),
		SPEC(k_shares_that_were_submitted_open_the_package),
		SPEC(a_share_is_for_its_request_s_key_alone),
		SPEC(a_share_answers_one_request_and_no_other),
		SPEC(no_byte_of_a_share_can_be_changed),
		SPEC(a_share_that_is_forged_is_told_from_one_that_is_wrong),
		SPEC(who_was_removed_has_no_share_to_submit),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
