/*
 * State transfer among members that lie, stall, forget or ask for too much:
 * one end of it, in virtual time.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/fs.h"
#include "codec/encoder.h"
#include "fixture/transfer.h"
#include "store/part_evidence.h"
#include "store/store.h"

#define SEQ 24 /* of all states */
#define KEYS 300
#define VALUE_BYTES 20000 /* so that there are more parts than are asked */
#define ALL 0xfU
#define OTHERS 0xeU
#define QUORUM 0x6U

struct scene {
	struct transfer t;
	struct transfer_state state;
	size_t spoil_at; /* the liar's answer from which on it lies */
	uint32_t liar;
	size_t answers;
	uint32_t seen; /* members that answered */
};

static int
open_scene(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	transfer_open(&s->t);
	transfer_state_open(&s->t, &s->state, KEYS, VALUE_BYTES, QUORUM);
	*state = s;
	return 0;
}

static int
close_scene(void **state)
{
	struct scene *s = *state;

	transfer_close(&s->t);
	transfer_state_close(&s->state);
	free(s);
	return 0;
}

/* --- fetching --- */

/* The transfer that member was asked an offer for. */
static uint64_t
opened(struct scene *s, uint32_t member)
{
	const struct transfer_sent *sent =
	    transfer_find(&s->t, member, MESSAGE_SYNC_REQUEST, SYNC_OPEN);

	assert_non_null(sent);
	return sent->transfer;
}

/* The part that member was asked for last. */
static struct transfer_sent
asked(struct scene *s, uint32_t member)
{
	const struct transfer_sent *sent =
	    transfer_find(&s->t, member, MESSAGE_SYNC_REQUEST, SYNC_PART);

	assert_non_null(sent);
	return *sent;
}

static void
offer(struct scene *s, uint32_t member)
{
	transfer_offer(&s->t, member, opened(s, member), &s->state.offer);
}

static void
serve_all(struct scene *s, uint32_t members)
{
	while (transfer_serve(&s->t, members, &s->state, NULL, NULL) > 0)
		;
}

static void
assert_fetched(struct scene *s)
{
	struct digest digest;
	struct store *store;

	assert_int_equal(s->t.ready_count, 1);
	assert_int_equal(s->t.ready_seq, SEQ);
	assert_true(digest_equal(&s->t.ready_digest,
	    &s->state.offer.certificate.digest));
	assert_false(sync_is_fetching(s->t.sync));
	assert_int_equal(store_open(&store, s->t.dir,
			     s->t.members.roster.cluster_id, NULL, NULL),
	    AG_OK);
	assert_int_equal(store_digest(store, &digest, NULL), AG_OK);
	assert_true(digest_equal(&digest, &s->t.ready_digest));
	store_close(store);
}

/* Time passes, and whoever of the members is asked answers. */
static void
serve_for(struct scene *s, uint32_t members, unsigned seconds)
{
	for (; seconds > 0 && s->t.ready_count == 0; seconds--) {
		serve_all(s, members);
		virtual_loop_pass(s->t.loop, 1000);
		transfer_settle(&s->t);
	}
	serve_all(s, members);
}

static bool
note_answer(void *arg, uint32_t member, struct buf *contents)
{
	struct scene *s = arg;

	(void)contents;
	s->answers++;
	s->seen |= 1U << member;
	return true;
}

static void
a_state_is_fetched_from_several_members_at_once(void **state)
{
	struct scene *s = *state;

	sync_fetch(s->t.sync, SEQ, ALL);
	assert_true(sync_is_fetching(s->t.sync));
	while (transfer_serve(&s->t, ALL, &s->state, note_answer, s) > 0)
		;
	assert_fetched(s);
	assert_int_equal(s->seen, OTHERS);
	/* Each part was asked of one member, once. */
	assert_int_equal(transfer_count(&s->t, MESSAGE_SYNC_REQUEST, SYNC_PART),
	    s->answers);
	/* And they need not hold the state fast any more. */
	assert_int_equal(transfer_count(&s->t, MESSAGE_SYNC_REQUEST, SYNC_DONE),
	    3);
}

/* Its first so-and-so-many answers, and no more. */
static bool
keep_back_later(void *arg, uint32_t member, struct buf *contents)
{
	struct scene *s = arg;

	(void)member;
	(void)contents;
	return s->answers++ < s->spoil_at;
}

static void
so_many_parts_are_asked_of_a_member_at_once(void **state)
{
	struct scene *s = *state;
	size_t before;

	sync_fetch(s->t.sync, SEQ, 1U << 2);
	/* The offer, the list and the root, which is split. */
	s->spoil_at = 2;
	assert_int_equal(transfer_serve(&s->t, ALL, &s->state, keep_back_later,
			     s),
	    3);
	before = transfer_count(&s->t, MESSAGE_SYNC_REQUEST, SYNC_PART);
	assert_int_equal(before, 2 + SYNC_ASKED_MAX);
	virtual_loop_pass(s->t.loop, 3000);
	assert_int_equal(transfer_count(&s->t, MESSAGE_SYNC_REQUEST, SYNC_PART),
	    before);
}

/* From its so-and-so-manieth answer on, one member changes a byte. */
static bool
spoil(void *arg, uint32_t member, struct buf *contents)
{
	struct scene *s = arg;

	if (member != s->liar || s->answers++ < s->spoil_at)
		return true;
	contents->data[contents->len / 2] ^= 1;
	return true;
}

static void
a_member_that_lies_is_left_and_what_was_right_is_kept(void **state)
{
	struct scene *s = *state;
	size_t parts, honest;

	sync_fetch(s->t.sync, SEQ, ALL);
	serve_all(s, ALL);
	honest = transfer_count(&s->t, MESSAGE_SYNC_REQUEST, SYNC_PART);
	assert_fetched(s);
	transfer_restart(&s->t);
	assert_int_equal(directory_remove(s->t.dir), 0);
	s->t.ready_count = 0;

	s->liar = 2;
	for (s->spoil_at = 0; s->spoil_at < 6; s->spoil_at += 5) {
		s->answers = 0;
		sync_fetch(s->t.sync, SEQ, ALL);
		while (transfer_serve(&s->t, ALL, &s->state, spoil, s) > 0)
			;
		assert_fetched(s);
		assert_int_equal(transfer_refused(&s->t, 2), 1);
		assert_int_equal(transfer_refused(&s->t, 1), 0);
		parts = transfer_count(&s->t, MESSAGE_SYNC_REQUEST, SYNC_PART);
		assert_true(parts <= honest + SYNC_ASKED_MAX);
		transfer_restart(&s->t);
		assert_int_equal(directory_remove(s->t.dir), 0);
		s->t.ready_count = 0;
	}
}

/* --- evidence --- */

static enum ag_status
judge(struct scene *s, struct bytes file)
{
	struct evidence evidence;
	struct ag_error why;
	enum ag_status status = evidence_decode(&evidence, file, &why);

	return status == AG_OK
	    ? part_evidence_verify(&evidence, &s->t.members.roster, &why)
	    : status;
}

/* Fetch with a liar that lies from its so-and-so-manieth answer on. */
static void
fetch_from_liar(struct scene *s, size_t spoil_at)
{
	s->liar = 2;
	s->answers = 0;
	s->spoil_at = spoil_at;
	sync_fetch(s->t.sync, SEQ, ALL);
	while (transfer_serve(&s->t, ALL, &s->state, spoil, s) > 0)
		;
	assert_fetched(s);
	assert_int_equal(transfer_refused(&s->t, 2), 1);
	transfer_restart(&s->t);
	assert_int_equal(directory_remove(s->t.dir), 0);
	s->t.ready_count = 0;
}

/* The client table, the root itself, or what is under its split. */
static void
who_signs_for_a_part_the_state_does_not_have_is_convicted(void **state)
{
	struct scene *s = *state;
	struct evidence evidence;
	size_t at, told = 0;

	for (at = 0; at < 6; at++) {
		fetch_from_liar(s, at);
		assert_int_equal(s->t.evidence_count, ++told);
		assert_int_equal(s->t.culprit, 2);
		assert_int_equal(judge(s, buf_bytes(&s->t.evidence)), AG_OK);
		assert_int_equal(evidence_decode(&evidence,
				     buf_bytes(&s->t.evidence), NULL),
		    AG_OK);
		assert_int_equal(evidence.kind, EVIDENCE_PART);
		assert_int_equal(evidence.member, 2);
		assert_int_equal(evidence.seq, SEQ);
	}
}

static void
who_does_not_sign_for_what_it_sends_is_refused_and_not_convicted(void **state)
{
	struct scene *s = *state;
	struct transfer_sent part;

	s->t.signs_wrongly = true;
	fetch_from_liar(s, 3);
	assert_int_equal(s->t.evidence_count, 0);
	sync_fetch(s->t.sync, SEQ, ALL);
	offer(s, 1);
	part = asked(s, 1);
	transfer_piece(&s->t, 1, part.transfer, part.number, 0,
	    bytes_from_text("x"), true);
	transfer_settle(&s->t);
	assert_int_equal(transfer_refused(&s->t, 1), 1);
	assert_int_equal(s->t.evidence_count, 0);
}

/* Who has a part that is right, with whatever signature, has no proof. */
static void
a_part_that_is_right_or_not_signed_for_accuses_nobody(void **state)
{
	static const struct part_name names[] = { { .kind = PART_NODE },
		{ .kind = PART_LIST } };
	struct scene *s = *state;
	struct trust_scope scope;
	size_t i, k;

	roster_scope(&s->t.members.roster, &scope);
	for (i = 0; i < 2; i++)
		for (k = 0; k < 3; k++) {
			static uint8_t message[PART_BYTES_MAX],
			    file[PART_BYTES_MAX];
			struct identity identity;
			struct evidence evidence;
			struct receipt receipt;
			uint8_t signature[SIGNATURE_BYTES];
			struct encoder e;
			struct bytes raw;

			assert_int_equal(identity_init_key(&identity,
					     &s->t.members.roster,
					     s->t.members.keys[1], NULL),
			    AG_OK);
			assert_int_equal(part_maker_make(s->state.maker,
					     &names[i], &s->state.contents,
					     NULL),
			    AG_OK);
			/* Right; wrong and not signed for; wrong and signed. */
			part_evidence_receipt(&receipt,
			    &s->state.offer.certificate.digest, &names[i],
			    buf_bytes(&s->state.contents));
			if (k > 0)
				s->state.contents
				    .data[s->state.contents.len / 2] ^= 1;
			if (k == 2)
				part_evidence_receipt(&receipt,
				    &s->state.offer.certificate.digest,
				    &names[i], buf_bytes(&s->state.contents));
			receipt_sign(&receipt, &scope, 1, &identity_authority,
			    &identity, signature);
			encoder_init(&e, message, sizeof(message));
			part_evidence_begin(&e, &s->state.offer, 1);
			part_evidence_put(&e, &names[i],
			    buf_bytes(&s->state.contents));
			part_evidence_end(&e, signature);
			assert_int_equal(encoder_finish(&e, &raw), AG_OK);
			evidence_make_message(&evidence, &scope, EVIDENCE_PART,
			    1, 0, SEQ, 1, raw);
			encoder_init(&e, file, sizeof(file));
			evidence_encode(&e, &evidence);
			assert_int_equal(encoder_finish(&e, &raw), AG_OK);
			assert_int_equal(judge(s, raw),
			    k == 2 ? AG_OK : AG_EFORGED);
			/* Nor can another be accused by it. */
			evidence.member = 3;
			encoder_init(&e, file, sizeof(file));
			evidence_encode(&e, &evidence);
			assert_int_equal(encoder_finish(&e, &raw), AG_OK);
			assert_int_equal(judge(s, raw), AG_EFORGED);
		}
}

static void
evidence_of_a_part_that_is_changed_anywhere_never_convinces(void **state)
{
	struct scene *s = *state;
	struct bytes file;
	size_t at;

	fetch_from_liar(s, 3);
	file = buf_bytes(&s->t.evidence);
	for (at = 0; at < file.len; at += at < 600 ? 1 : 997) {
		struct digest check;
		uint8_t *data = s->t.evidence.data;

		data[at] ^= 4;
		assert_int_not_equal(judge(s, file), AG_OK);
		digest_of(&check, bytes_of(data, file.len - DIGEST_BYTES - 2));
		memcpy(data + file.len - DIGEST_BYTES, check.data,
		    DIGEST_BYTES);
		if (judge(s, file) == AG_OK) {
			struct evidence evidence;

			/* When it was found is nobody's signature. */
			assert_int_equal(evidence_decode(&evidence, file, NULL),
			    AG_OK);
			assert_int_equal(evidence.member, 2);
			assert_int_equal(evidence.seq, SEQ);
		}
		data[at] ^= 4;
	}
	digest_of((struct digest *)(void *)(s->t.evidence.data + file.len -
		      DIGEST_BYTES),
	    bytes_of(file.data, file.len - DIGEST_BYTES - 2));
	assert_int_equal(judge(s, file), AG_OK);
}

static void
a_member_that_lied_is_asked_again_when_it_is_the_only_one(void **state)
{
	struct scene *s = *state;

	s->liar = 2;
	sync_fetch(s->t.sync, SEQ, 1U << 2);
	while (transfer_serve(&s->t, ALL, &s->state, spoil, s) > 0)
		;
	assert_int_equal(s->t.ready_count, 0);
	serve_for(s, ALL, 15);
	assert_fetched(s);
	assert_int_equal(transfer_refused(&s->t, 2), 1);
}

static void
assert_offer_refused(struct scene *s, struct transfer_state *bad,
    uint64_t refused)
{
	sync_fetch(s->t.sync, SEQ, ALL);
	transfer_offer(&s->t, 2, opened(s, 2), &bad->offer);
	assert_int_equal(transfer_refused(&s->t, 2), refused);
	assert_int_equal(transfer_count(&s->t, MESSAGE_SYNC_REQUEST, SYNC_PART),
	    0);
	serve_all(s, 0xa);
	assert_fetched(s);
}

static void
a_state_that_one_member_vouches_for_is_refused(void **state)
{
	struct scene *s = *state;
	struct transfer_state bad;

	transfer_state_open(&s->t, &bad, 3, 8, 1U << 1);
	assert_offer_refused(s, &bad, 1);
	transfer_state_close(&bad);
}

static void
a_state_that_nobody_signed_is_taken_when_the_epoch_begins_with_it(void **state)
{
	struct scene *s = *state;
	struct transfer_state unsigned_one;

	transfer_state_open(&s->t, &unsigned_one, 3, 8, 0);
	s->t.start.seq = SEQ;
	s->t.start.state = s->state.offer.certificate.digest;
	assert_offer_refused(s, &unsigned_one, 1);
	transfer_restart(&s->t);
	assert_int_equal(directory_remove(s->t.dir), 0);
	s->t.ready_count = 0;

	s->t.start.state = unsigned_one.offer.certificate.digest;
	sync_fetch(s->t.sync, SEQ, ALL);
	while (transfer_serve(&s->t, ALL, &unsigned_one, NULL, NULL) > 0)
		;
	assert_int_equal(s->t.ready_count, 1);
	assert_true(digest_equal(&s->t.ready_digest, &s->t.start.state));
	transfer_state_close(&unsigned_one);
}

static void
a_state_of_another_cluster_is_refused(void **state)
{
	struct scene *s = *state;
	struct transfer_state bad;

	s->t.members.roster.cluster_id[0] ^= 1;
	transfer_state_open(&s->t, &bad, 3, 8, QUORUM);
	s->t.members.roster.cluster_id[0] ^= 1;
	assert_offer_refused(s, &bad, 1);
	transfer_state_close(&bad);
}

static void
an_offer_of_other_contents_than_were_signed_is_refused(void **state)
{
	struct scene *s = *state;
	struct transfer_state bad;

	transfer_state_open(&s->t, &bad, 3, 8, QUORUM);
	bad.offer.root.data[0] ^= 1;
	assert_offer_refused(s, &bad, 1);
	transfer_state_close(&bad);
}

static void
a_state_that_is_too_old_is_passed_over(void **state)
{
	struct scene *s = *state;

	sync_fetch(s->t.sync, SEQ + 1, ALL);
	serve_all(s, ALL);
	assert_int_equal(s->t.ready_count, 0);
	assert_int_equal(transfer_count(&s->t, MESSAGE_SYNC_REQUEST, SYNC_PART),
	    0);
	assert_int_equal(transfer_refused(&s->t, 1), 0);
}

static void
a_member_that_is_silent_is_made_up_for_by_the_others(void **state)
{
	struct scene *s = *state;

	sync_fetch(s->t.sync, SEQ, ALL);
	serve_all(s, 0xa);
	assert_fetched(s);
	assert_int_equal(transfer_refused(&s->t, 2), 0);
}

static void
a_member_that_stops_midway_is_made_up_for_by_the_others(void **state)
{
	struct scene *s = *state;

	sync_fetch(s->t.sync, SEQ, ALL);
	offer(s, 1);
	offer(s, 2);
	serve_all(s, 1U << 1); /* 2 was asked for parts and brings none */
	assert_int_equal(s->t.ready_count, 0);
	serve_for(s, 1U << 1, 4);
	assert_fetched(s);
	assert_int_equal(transfer_refused(&s->t, 2), 0);
}

static void
the_only_member_is_asked_again_after_ten_seconds_of_silence(void **state)
{
	struct scene *s = *state;
	uint64_t transfer;

	sync_fetch(s->t.sync, SEQ, 1U << 3);
	offer(s, 3);
	transfer = opened(s, 3);
	serve_for(s, 0, 9);
	assert_int_equal(opened(s, 3), transfer);
	serve_for(s, 0, 15);
	assert_int_not_equal(opened(s, 3), transfer);
	/* It is asked for the state that is half gathered. */
	assert_true(transfer_find(&s->t, 3, MESSAGE_SYNC_REQUEST, SYNC_OPEN)
			->has_digest);
	serve_all(s, ALL);
	assert_fetched(s);
}

static void
busy_members_are_asked_again(void **state)
{
	struct scene *s = *state;
	uint32_t i;

	sync_fetch(s->t.sync, SEQ, ALL);
	for (i = 1; i < MEMBERS; i++)
		transfer_refuse(&s->t, i, opened(s, i), SYNC_BUSY);
	assert_int_equal(transfer_count(&s->t, MESSAGE_SYNC_REQUEST, SYNC_OPEN),
	    3);
	virtual_loop_pass(s->t.loop, 2000);
	assert_int_equal(transfer_count(&s->t, MESSAGE_SYNC_REQUEST, SYNC_OPEN),
	    6);
	serve_all(s, ALL);
	assert_fetched(s);
}

static void
a_part_in_pieces_of_another_size_is_refused(void **state)
{
	struct scene *s = *state;
	struct transfer_sent part;

	sync_fetch(s->t.sync, SEQ, ALL);
	offer(s, 1);
	part = asked(s, 1);
	transfer_piece(&s->t, 1, part.transfer, part.number, 0,
	    bytes_of("x", 1), false);
	assert_int_equal(transfer_refused(&s->t, 1), 1);
	serve_all(s, 0xc);
	assert_fetched(s);
}

static void
a_part_without_an_end_is_refused_where_parts_end(void **state)
{
	static uint8_t zeros[SYNC_PIECE_BYTES];
	struct scene *s = *state;
	struct transfer_sent part;
	uint64_t i;

	sync_fetch(s->t.sync, SEQ, ALL);
	offer(s, 1);
	part = asked(s, 1);
	for (i = 0; i <= PART_BYTES_MAX / SYNC_PIECE_BYTES; i++)
		transfer_piece(&s->t, 1, part.transfer, part.number, i,
		    bytes_of(zeros, sizeof(zeros)), false);
	assert_int_equal(transfer_refused(&s->t, 1), 1);
	serve_all(s, 0xc);
	assert_fetched(s);
}

/* A link that was down and is up again has lost some: that is no lie. */
static void
a_missing_piece_has_the_member_asked_again(void **state)
{
	static uint8_t zeros[SYNC_PIECE_BYTES];
	struct scene *s = *state;
	struct transfer_sent part;

	sync_fetch(s->t.sync, SEQ, 1U << 1);
	offer(s, 1);
	part = asked(s, 1);
	transfer_piece(&s->t, 1, part.transfer, part.number, 1,
	    bytes_of(zeros, sizeof(zeros)), false);
	assert_int_equal(transfer_refused(&s->t, 1), 0);
	serve_for(s, ALL, 3);
	assert_fetched(s);
}

static void
other_transfers_and_other_members_change_nothing(void **state)
{
	struct scene *s = *state;
	struct transfer_sent part;
	struct bytes some = bytes_from_text("some");
	uint64_t first;

	sync_fetch(s->t.sync, SEQ, 1U << 1);
	transfer_offer(&s->t, 2, opened(s, 1), &s->state.offer);
	transfer_offer(&s->t, 1, opened(s, 1) + 1, &s->state.offer);
	assert_int_equal(transfer_count(&s->t, MESSAGE_SYNC_REQUEST, SYNC_PART),
	    0);
	offer(s, 1);
	part = asked(s, 1);
	first = part.number;
	transfer_part(&s->t, 2, part.transfer, first, some);
	transfer_part(&s->t, 1, part.transfer + 1, first, some);
	transfer_part(&s->t, 1, part.transfer, first + 100, some);
	transfer_refuse(&s->t, 2, part.transfer, SYNC_BUSY);
	transfer_settle(&s->t);
	serve_all(s, ALL);
	assert_fetched(s);
	assert_int_equal(transfer_refused(&s->t, 1), 0);
	assert_int_equal(transfer_refused(&s->t, 2), 0);
	assert_int_equal(transfer_count(&s->t, MESSAGE_SYNC_REQUEST, SYNC_OPEN),
	    1);
}

static void
a_member_that_is_named_later_is_asked_too(void **state)
{
	struct scene *s = *state;

	sync_fetch(s->t.sync, SEQ, 1U << 2);
	assert_null(transfer_find(&s->t, 3, MESSAGE_SYNC_REQUEST, SYNC_OPEN));
	sync_fetch(s->t.sync, SEQ, 1U << 3);
	assert_non_null(
	    transfer_find(&s->t, 3, MESSAGE_SYNC_REQUEST, SYNC_OPEN));
}

static void
a_newer_target_is_what_members_are_asked_for_later(void **state)
{
	struct scene *s = *state;

	sync_fetch(s->t.sync, SEQ - 4, 1U << 1);
	sync_fetch(s->t.sync, SEQ, 1U << 2);
	sync_fetch(s->t.sync, SEQ - 2, 1U << 3);
	assert_int_equal(transfer_find(&s->t, 1, MESSAGE_SYNC_REQUEST,
			     SYNC_OPEN)
			     ->number,
	    SEQ - 4);
	assert_int_equal(transfer_find(&s->t, 3, MESSAGE_SYNC_REQUEST,
			     SYNC_OPEN)
			     ->number,
	    SEQ);
}

static void
what_was_fetched_before_a_restart_is_not_asked_for_again(void **state)
{
	struct scene *s = *state;
	struct sync_progress progress;
	size_t whole;

	sync_fetch(s->t.sync, SEQ, ALL);
	while (transfer_serve(&s->t, ALL, &s->state, note_answer, s) > 0)
		;
	whole = s->answers;
	transfer_restart(&s->t);
	assert_int_equal(directory_remove(s->t.dir), 0);
	s->t.ready_count = 0;

	s->answers = 0;
	s->spoil_at = whole / 2;
	sync_fetch(s->t.sync, SEQ, ALL);
	while (transfer_serve(&s->t, ALL, &s->state, keep_back_later, s) > 0)
		;
	sync_progress(s->t.sync, &progress);
	assert_int_equal(progress.seq, SEQ);
	assert_true(progress.bytes > progress.total / 4);
	assert_int_equal(progress.members, OTHERS);
	transfer_restart(&s->t);

	/* It says what it has, though it needs a newer one by now. */
	sync_fetch(s->t.sync, SEQ + 1, ALL);
	assert_true(transfer_find(&s->t, 1, MESSAGE_SYNC_REQUEST, SYNC_OPEN)
			->has_digest);
	serve_all(s, ALL);
	assert_fetched(s);
	assert_in_range(transfer_count(&s->t, MESSAGE_SYNC_REQUEST, SYNC_PART),
	    1, whole - whole / 2);
}

static void
another_state_is_taken_when_nobody_has_the_first_any_more(void **state)
{
	struct scene *s = *state;
	struct transfer_state other;

	transfer_state_open(&s->t, &other, 3, 8, QUORUM);
	sync_fetch(s->t.sync, SEQ, ALL);
	transfer_offer(&s->t, 1, opened(s, 1), &other.offer);
	/* While somebody has it, who has another is asked for no more than its
	 * root, to see what both have in common: here nothing. */
	offer(s, 2);
	serve_all(s, 1U << 2);
	assert_int_equal(transfer_refused(&s->t, 2), 0);
	assert_int_equal(asked(s, 2).name.number, 0);
	transfer_refuse(&s->t, 1, opened(s, 1), SYNC_GONE);
	serve_for(s, 0xc, 12);
	assert_fetched(s);
	transfer_state_close(&other);
}

/* Members 1 and 2 stand at a state, 3 at a later one. */
static void
open_kin(struct scene *s, struct transfer_state *other)
{
	transfer_state_open(&s->t, other, KEYS, VALUE_BYTES, QUORUM);
	transfer_state_change(&s->t, other, QUORUM);
	sync_fetch(s->t.sync, SEQ, 0xa);
	offer(s, 1);
	transfer_offer(&s->t, 3, opened(s, 3), &other->offer);
}

static void
who_has_a_later_state_brings_what_both_have_in_common(void **state)
{
	struct scene *s = *state;
	struct transfer_state other;
	size_t whole;

	open_kin(s, &other);
	while (transfer_serve(&s->t, 1U << 3, &other, note_answer, s) +
		transfer_serve(&s->t, 1U << 1, &s->state, note_answer, s) >
	    0)
		;
	assert_fetched(s);
	assert_int_equal(s->seen, 0xa);
	assert_int_equal(transfer_refused(&s->t, 3), 0);
	/* None was asked for twice, but for the other's root. */
	whole = transfer_count(&s->t, MESSAGE_SYNC_REQUEST, SYNC_PART);
	transfer_restart(&s->t);
	assert_int_equal(directory_remove(s->t.dir), 0);
	s->t.ready_count = 0;
	sync_fetch(s->t.sync, SEQ, 1U << 1);
	serve_all(s, 1U << 1);
	assert_fetched(s);
	assert_int_equal(transfer_count(&s->t, MESSAGE_SYNC_REQUEST, SYNC_PART),
	    whole - 1);
	transfer_state_close(&other);
}

static void
who_has_a_later_state_and_lies_of_what_is_in_common_is_left(void **state)
{
	struct scene *s = *state;
	struct transfer_state other;

	for (s->spoil_at = 0; s->spoil_at < 6; s->spoil_at += 5) {
		s->liar = 3;
		s->answers = 0;
		open_kin(s, &other);
		while (transfer_serve(&s->t, 1U << 3, &other, spoil, s) +
			transfer_serve(&s->t, 1U << 1, &s->state, NULL, NULL) >
		    0)
			;
		assert_fetched(s);
		assert_int_equal(transfer_refused(&s->t, 3), 1);
		assert_int_equal(transfer_refused(&s->t, 1), 0);
		transfer_state_close(&other);
		transfer_restart(&s->t);
		assert_int_equal(directory_remove(s->t.dir), 0);
		s->t.ready_count = 0;
	}
}

static void
who_has_a_later_state_gives_all_of_it_when_nobody_has_the_first(void **state)
{
	struct scene *s = *state;
	struct transfer_state other;

	open_kin(s, &other);
	serve_all(s, 0);
	transfer_refuse(&s->t, 1, opened(s, 1), SYNC_GONE);
	while (transfer_serve(&s->t, 1U << 3, &other, NULL, NULL) > 0)
		;
	assert_int_equal(s->t.ready_count, 1);
	assert_int_equal(s->t.ready_seq, SEQ + 1);
	transfer_state_close(&other);
}

static void
nothing_is_taken_of_a_fetch_that_was_cancelled(void **state)
{
	struct scene *s = *state;
	size_t sent;

	sync_fetch(s->t.sync, SEQ, ALL);
	offer(s, 1);
	sync_cancel(s->t.sync);
	assert_false(sync_is_fetching(s->t.sync));
	sent = s->t.sent_count;
	serve_all(s, ALL);
	virtual_loop_pass(s->t.loop, 30000);
	assert_int_equal(s->t.sent_count, sent);
	assert_int_equal(s->t.ready_count, 0);
	assert_false(fs_exists(s->t.dir));
}

/* What is being judged when a fetch is cancelled belongs to that one. */
static void
a_fetch_begun_again_while_a_part_is_judged_begins_anew(void **state)
{
	struct scene *s = *state;
	struct transfer_sent part;

	sync_fetch(s->t.sync, SEQ, 1U << 1);
	offer(s, 1);
	part = asked(s, 1);
	assert_int_equal(part_maker_make(s->state.maker, &part.name,
			     &s->state.contents, NULL),
	    AG_OK);
	transfer_part(&s->t, 1, part.transfer, part.number,
	    buf_bytes(&s->state.contents));
	sync_cancel(s->t.sync);
	sync_fetch(s->t.sync, SEQ, 1U << 1);
	transfer_settle(&s->t);
	assert_int_not_equal(opened(s, 1), part.transfer);
	serve_all(s, ALL);
	assert_fetched(s);
}

static void
a_directory_that_can_not_be_made_is_tried_again(void **state)
{
	struct scene *s = *state;

	assert_int_equal(fs_write_file(s->t.dir, 0600, bytes_of("x", 1), NULL),
	    AG_OK);
	sync_fetch(s->t.sync, SEQ, ALL);
	assert_int_equal(s->t.sent_count, 0);
	assert_int_equal(fs_unlink(s->t.dir, NULL), AG_OK);
	serve_for(s, ALL, 8);
	assert_fetched(s);
}

/* No file grows past that: writing fails as on a disk that is full. */
static void
limit_files(rlim_t bytes)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct rlimit limit;

	assert_int_equal(sigaction(SIGXFSZ, &ignore, NULL), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A fetch for which there is no room at first. */
static void
fetch_without_room(struct scene *s, rlim_t bytes)
{
	sync_fetch(s->t.sync, SEQ, ALL);
	limit_files(bytes);
	serve_for(s, ALL, 12);
	limit_files(RLIM_INFINITY);
	assert_int_equal(s->t.ready_count, 0);
	assert_true(sync_is_fetching(s->t.sync));
	assert_int_equal(transfer_refused(&s->t, 1), 0);
}

static void
a_full_disk_is_waited_for_and_what_came_is_kept(void **state)
{
	struct scene *s = *state;
	struct sync_progress progress;

	fetch_without_room(s, 2U << 20);
	sync_progress(s->t.sync, &progress);
	assert_in_range(progress.bytes, 1U << 20, 2U << 20);
	serve_for(s, ALL, 12);
	assert_fetched(s);
	/* A part was lost whenever it was tried. */
	assert_in_range(transfer_count(&s->t, MESSAGE_SYNC_REQUEST, SYNC_PART),
	    19, 19 + 4);
}

static void
a_disk_with_room_for_the_parts_alone_is_waited_for_too(void **state)
{
	struct scene *s = *state;
	char parts[DIRECTORY_PATH_BYTES + 32];
	struct stat had;

	fetch_without_room(s, (KEYS + 4) * (rlim_t)VALUE_BYTES);
	(void)snprintf(parts, sizeof(parts), "%s/parts", s->t.dir);
	assert_int_equal(stat(parts, &had), 0);
	assert_true(had.st_size > KEYS * VALUE_BYTES);
	serve_for(s, 0, 6);
	assert_fetched(s);
	assert_int_equal(transfer_count(&s->t, MESSAGE_SYNC_REQUEST, SYNC_PART),
	    19);
}

static void
frames_of_another_shape_are_ignored(void **state)
{
	static const uint8_t types[] = { MESSAGE_SYNC_REQUEST,
		MESSAGE_SYNC_RESPONSE, MESSAGE_DATA_CHUNK, MESSAGE_DATA_ACK };
	struct scene *s = *state;
	uint8_t out[32];
	struct encoder e;
	struct bytes body;
	size_t i, count, k;

	sync_fetch(s->t.sync, SEQ, ALL);
	for (i = 0; i < sizeof(types); i++)
		for (count = 0; count < 8; count++) {
			encoder_init(&e, out, sizeof(out));
			encoder_put_array(&e, count + 1);
			encoder_put_uint(&e, types[i]);
			for (k = 0; k < count; k++)
				encoder_put_uint(&e, 9);
			assert_int_equal(encoder_finish(&e, &body), AG_OK);
			sync_frame(s->t.sync, 1, body);
		}
	assert_int_equal(transfer_waiting(&s->t), 0);
	serve_all(s, ALL);
	assert_fetched(s);
}

/* --- serving --- */

static const struct part_name root_name = { .kind = PART_NODE };
static const struct part_name list_name = { .kind = PART_LIST };

/* Member has asked for our state, and it is held fast for it. */
static void
open_serving(struct scene *s, uint32_t member, uint64_t transfer)
{
	transfer_request(&s->t, member, transfer, NULL);
	transfer_answer(&s->t, &s->state);
	assert_non_null(
	    transfer_find(&s->t, member, MESSAGE_SYNC_RESPONSE, SYNC_OFFERED));
}

static size_t
count_pieces(const struct scene *s)
{
	return transfer_count(&s->t, MESSAGE_DATA_CHUNK, 0);
}

static void
who_asks_is_offered_the_state_and_sent_its_parts(void **state)
{
	struct scene *s = *state;
	struct transfer_sent *piece;

	open_serving(s, 1, 7);
	transfer_ask(&s->t, 1, 7, 100, &list_name);
	transfer_ask(&s->t, 1, 7, 101, &root_name);
	transfer_settle(&s->t);
	assert_int_equal(count_pieces(s), 2);
	piece = transfer_find(&s->t, 1, MESSAGE_DATA_CHUNK, 0);
	assert_int_equal(piece->transfer, 7);
	assert_int_equal(piece->number, 101);
	assert_int_equal(piece->piece, 0);
	assert_true(piece->is_last);
}

/* Its word, on which it can be held. */
static void
what_is_sent_is_signed_for(void **state)
{
	struct scene *s = *state;
	struct transfer_sent *piece;
	struct trust_scope scope;
	struct receipt receipt;

	roster_scope(&s->t.members.roster, &scope);
	open_serving(s, 1, 7);
	transfer_ask(&s->t, 1, 7, 100, &root_name);
	transfer_settle(&s->t);
	piece = transfer_find(&s->t, 1, MESSAGE_DATA_CHUNK, 0);
	assert_true(piece->is_last);
	assert_int_equal(part_maker_make(s->state.maker, &root_name,
			     &s->state.contents, NULL),
	    AG_OK);
	part_evidence_receipt(&receipt, &s->state.offer.certificate.digest,
	    &root_name, buf_bytes(&s->state.contents));
	assert_true(receipt_is_signed(&receipt, &scope, 0, piece->signature,
	    &roster_authority, &s->t.members.roster));
	receipt.contents.data[0] ^= 1;
	assert_false(receipt_is_signed(&receipt, &scope, 0, piece->signature,
	    &roster_authority, &s->t.members.roster));
}

static void
where_nobody_lies_nobody_signs_for_it(void **state)
{
	struct roster *roster;
	struct scene *s = *state;

	roster = &s->t.members.roster;
	(void)snprintf(roster->strategy, sizeof(roster->strategy), "raft");
	open_serving(s, 1, 7);
	transfer_ask(&s->t, 1, 7, 100, &root_name);
	transfer_settle(&s->t);
	assert_int_equal(transfer_find(&s->t, 1, MESSAGE_DATA_CHUNK, 0)
			     ->signature_len,
	    0);
}

/* Some node below the root that is a part of several pieces. */
static const struct part_name node_name = { .kind = PART_NODE, .number = 4 };

static void
ask_many(struct scene *s, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		transfer_ask(&s->t, 1, 7, i, &node_name);
	transfer_settle(&s->t);
}

static void
a_window_of_pieces_is_on_the_way_and_no_more(void **state)
{
	struct scene *s = *state;
	size_t i, all;

	open_serving(s, 1, 7);
	assert_int_equal(part_maker_make(s->state.maker, &node_name,
			     &s->state.contents, NULL),
	    AG_OK);
	all = (s->state.contents.len + SYNC_PIECE_BYTES - 1) /
	    SYNC_PIECE_BYTES * 6;
	ask_many(s, 6);
	if (all <= SYNC_WINDOW)
		all = SYNC_WINDOW;
	for (i = 0; count_pieces(s) < all && i < all; i++) {
		assert_true(count_pieces(s) <= SYNC_WINDOW + i);
		transfer_ack(&s->t, 1, 7, 0, 0);
		transfer_settle(&s->t);
	}
}

static void
parts_past_those_one_may_ask_for_are_not_sent(void **state)
{
	struct scene *s = *state;
	size_t i;

	open_serving(s, 1, 7);
	ask_many(s, 0);
	for (i = 0; i < 5 * SYNC_ASKED_MAX; i++)
		transfer_ask(&s->t, 1, 7, i, &list_name);
	transfer_settle(&s->t);
	assert_in_range(count_pieces(s), 1, SYNC_ASKED_MAX);
}

static void
answers_to_what_was_not_sent_move_nothing(void **state)
{
	struct scene *s = *state;

	transfer_ack(&s->t, 1, 7, 0, 0);
	open_serving(s, 1, 7);
	transfer_ack(&s->t, 1, 7, 0, 0);
	transfer_ack(&s->t, 1, 8, 0, 0);
	transfer_ack(&s->t, 2, 7, 0, 0);
	transfer_ask(&s->t, 1, 7, 1, &list_name);
	transfer_settle(&s->t);
	assert_int_equal(count_pieces(s), 1);
}

static void
who_comes_back_finds_the_state_held_fast(void **state)
{
	struct scene *s = *state;

	open_serving(s, 1, 7);
	virtual_loop_pass(s->t.loop, 50000);
	transfer_request(&s->t, 1, 8, &s->state.offer.certificate.digest);
	assert_int_equal(transfer_waiting(&s->t), 0);
	assert_int_equal(transfer_find(&s->t, 1, MESSAGE_SYNC_RESPONSE,
			     SYNC_OFFERED)
			     ->transfer,
	    8);
	transfer_ask(&s->t, 1, 7, 1, &list_name); /* of before */
	transfer_ask(&s->t, 1, 8, 2, &list_name);
	transfer_settle(&s->t);
	assert_int_equal(count_pieces(s), 1);
	assert_int_equal(transfer_find(&s->t, 1, MESSAGE_DATA_CHUNK, 0)->number,
	    2);
}

static void
a_state_is_let_go_after_a_minute_of_silence(void **state)
{
	struct scene *s = *state;

	open_serving(s, 1, 7);
	virtual_loop_pass(s->t.loop, 59000);
	assert_int_equal(transfer_holding(&s->t), 1);
	virtual_loop_pass(s->t.loop, 3000);
	assert_int_equal(transfer_holding(&s->t), 0);
	transfer_ask(&s->t, 1, 7, 1, &list_name);
	assert_non_null(
	    transfer_find(&s->t, 1, MESSAGE_SYNC_RESPONSE, SYNC_GONE));
}

static void
a_state_is_let_go_when_it_is_not_needed_any_more(void **state)
{
	struct scene *s = *state;

	open_serving(s, 1, 7);
	transfer_done(&s->t, 1, 6);
	transfer_done(&s->t, 2, 7);
	assert_int_equal(transfer_holding(&s->t), 1);
	transfer_done(&s->t, 1, 7);
	assert_int_equal(transfer_holding(&s->t), 0);
}

static void
a_request_for_another_state_ends_the_one_before(void **state)
{
	static const struct digest other = { { 1 } };
	struct scene *s = *state;

	open_serving(s, 1, 7);
	transfer_request(&s->t, 1, 8, &other);
	assert_int_equal(transfer_holding(&s->t), 0);
	assert_int_equal(transfer_waiting(&s->t), 1);
	transfer_answer(&s->t, &s->state);
	assert_int_equal(transfer_holding(&s->t), 1);
}

static void
requests_while_one_is_prepared_are_answered_busy(void **state)
{
	struct scene *s = *state;

	transfer_request(&s->t, 1, 7, NULL);
	transfer_request(&s->t, 1, 8, NULL);
	assert_int_equal(transfer_waiting(&s->t), 1);
	assert_int_equal(transfer_find(&s->t, 1, MESSAGE_SYNC_RESPONSE,
			     SYNC_BUSY)
			     ->transfer,
	    8);
	transfer_answer(&s->t, &s->state);
	assert_int_equal(transfer_holding(&s->t), 0);
}

static void
without_a_snapshot_the_answer_is_busy(void **state)
{
	struct scene *s = *state;

	transfer_request(&s->t, 1, 7, NULL);
	transfer_answer(&s->t, NULL);
	assert_int_equal(transfer_find(&s->t, 1, MESSAGE_SYNC_RESPONSE,
			     SYNC_BUSY)
			     ->transfer,
	    7);
}

static void
a_part_there_is_not_ends_its_transfer(void **state)
{
	static const struct part_name none = { .kind = PART_CLIENTS_FROM,
		.number = 1000 };
	struct scene *s = *state;

	open_serving(s, 1, 7);
	transfer_ask(&s->t, 1, 7, 1, &none);
	transfer_settle(&s->t);
	assert_non_null(
	    transfer_find(&s->t, 1, MESSAGE_SYNC_RESPONSE, SYNC_GONE));
	assert_int_equal(transfer_holding(&s->t), 0);
}

static void
what_a_full_link_does_not_take_is_sent_later(void **state)
{
	struct scene *s = *state;

	open_serving(s, 1, 7);
	s->t.is_full = true;
	transfer_ask(&s->t, 1, 7, 1, &list_name);
	transfer_settle(&s->t);
	s->t.is_full = false;
	assert_int_equal(count_pieces(s), 0);
	virtual_loop_pass(s->t.loop, 1000);
	assert_int_equal(count_pieces(s), 1);
}

static void
each_member_is_served_by_itself(void **state)
{
	struct scene *s = *state;

	open_serving(s, 1, 7);
	open_serving(s, 2, 7);
	assert_int_equal(transfer_holding(&s->t), 2);
	transfer_ask(&s->t, 2, 7, 1, &list_name);
	transfer_settle(&s->t);
	assert_int_equal(transfer_find(&s->t, 2, MESSAGE_DATA_CHUNK, 0)->member,
	    2);
	transfer_done(&s->t, 1, 7);
	assert_int_equal(transfer_holding(&s->t), 1);
}

/* What is left is judged by the fixture's close, and by the sanitizers. */
static void
closing_while_all_is_under_way_leaves_nothing(void **state)
{
	struct scene *s = *state;
	struct transfer_sent part;

	sync_fetch(s->t.sync, SEQ, ALL);
	offer(s, 1);
	part = asked(s, 1);
	assert_int_equal(part_maker_make(s->state.maker, &part.name,
			     &s->state.contents, NULL),
	    AG_OK);
	transfer_part(&s->t, 1, part.transfer, part.number,
	    buf_bytes(&s->state.contents));
	open_serving(s, 1, 7);
	transfer_ask(&s->t, 1, 7, 1, &node_name);
	transfer_request(&s->t, 2, 7, NULL);
	assert_int_equal(transfer_holding(&s->t), 1);
	assert_int_equal(transfer_waiting(&s->t), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define SPEC(name) \
	cmocka_unit_test_setup_teardown(name, open_scene, close_scene)
		SPEC(a_state_is_fetched_from_several_members_at_once),
		SPEC(so_many_parts_are_asked_of_a_member_at_once),
		SPEC(a_member_that_lies_is_left_and_what_was_right_is_kept),
		SPEC(who_signs_for_a_part_the_state_does_not_have_is_convicted),
		SPEC(
		    who_does_not_sign_for_what_it_sends_is_refused_and_not_convicted),
		SPEC(a_part_that_is_right_or_not_signed_for_accuses_nobody),
		SPEC(
		    evidence_of_a_part_that_is_changed_anywhere_never_convinces),
		SPEC(a_member_that_lied_is_asked_again_when_it_is_the_only_one),
		SPEC(a_state_that_one_member_vouches_for_is_refused),
		SPEC(
		    a_state_that_nobody_signed_is_taken_when_the_epoch_begins_with_it),
		SPEC(a_state_of_another_cluster_is_refused),
		SPEC(an_offer_of_other_contents_than_were_signed_is_refused),
		SPEC(a_state_that_is_too_old_is_passed_over),
		SPEC(a_member_that_is_silent_is_made_up_for_by_the_others),
		SPEC(a_member_that_stops_midway_is_made_up_for_by_the_others),
		SPEC(
		    the_only_member_is_asked_again_after_ten_seconds_of_silence),
		SPEC(busy_members_are_asked_again),
		SPEC(a_part_in_pieces_of_another_size_is_refused),
		SPEC(a_part_without_an_end_is_refused_where_parts_end),
		SPEC(a_missing_piece_has_the_member_asked_again),
		SPEC(other_transfers_and_other_members_change_nothing),
		SPEC(a_member_that_is_named_later_is_asked_too),
		SPEC(a_newer_target_is_what_members_are_asked_for_later),
		SPEC(what_was_fetched_before_a_restart_is_not_asked_for_again),
		SPEC(another_state_is_taken_when_nobody_has_the_first_any_more),
		SPEC(who_has_a_later_state_brings_what_both_have_in_common),
		SPEC(
		    who_has_a_later_state_and_lies_of_what_is_in_common_is_left),
		SPEC(
		    who_has_a_later_state_gives_all_of_it_when_nobody_has_the_first),
		SPEC(nothing_is_taken_of_a_fetch_that_was_cancelled),
		SPEC(a_fetch_begun_again_while_a_part_is_judged_begins_anew),
		SPEC(a_directory_that_can_not_be_made_is_tried_again),
		SPEC(a_full_disk_is_waited_for_and_what_came_is_kept),
		SPEC(a_disk_with_room_for_the_parts_alone_is_waited_for_too),
		SPEC(frames_of_another_shape_are_ignored),
		SPEC(who_asks_is_offered_the_state_and_sent_its_parts),
		SPEC(what_is_sent_is_signed_for),
		SPEC(where_nobody_lies_nobody_signs_for_it),
		SPEC(a_window_of_pieces_is_on_the_way_and_no_more),
		SPEC(parts_past_those_one_may_ask_for_are_not_sent),
		SPEC(answers_to_what_was_not_sent_move_nothing),
		SPEC(who_comes_back_finds_the_state_held_fast),
		SPEC(a_state_is_let_go_after_a_minute_of_silence),
		SPEC(a_state_is_let_go_when_it_is_not_needed_any_more),
		SPEC(a_request_for_another_state_ends_the_one_before),
		SPEC(requests_while_one_is_prepared_are_answered_busy),
		SPEC(without_a_snapshot_the_answer_is_busy),
		SPEC(a_part_there_is_not_ends_its_transfer),
		SPEC(what_a_full_link_does_not_take_is_sent_later),
		SPEC(each_member_is_served_by_itself),
		SPEC(closing_while_all_is_under_way_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
