/*
 * Evidence: what convicts, what never does, and how it is kept.
 */
#include "trust/evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "fixture/directory.h"
#include "fixture/forging.h"
#include "fixture/members.h"
#include "store/evidence_store.h"

#define CULPRIT 3
#define SEQ 17
#define VIEW 7 /* whose primary is the culprit */
#define FOUND UINT64_C(1790000000000)

static struct members m;
static struct ag_error err;
static struct evidence evidence, again;
static struct certificate certificate;
static uint8_t messages[4][8192];
static uint8_t encoded[EVIDENCE_BYTES_MAX];
static char dir[DIRECTORY_PATH_BYTES];

static int
set_up(void **state)
{
	(void)state;
	members_open(&m);
	return directory_make(dir);
}

static int
tear_down(void **state)
{
	(void)state;
	members_close(&m);
	return directory_remove(dir);
}

static void
assert_says(const char *why)
{
	if (strstr(err.text, why) == NULL)
		fail_msg("'%s' does not say '%s'", err.text, why);
}

/* The member's vote in the middle of a bundle of three. */
static void
sign_vote(struct evidence_statement *s, uint32_t member, uint64_t view,
    enum vote_phase phase, uint64_t seq, uint8_t what)
{
	struct vote votes[3] = { { VOTE_COMMIT, 90, { { what } } },
		{ phase, seq, { { what } } }, { VOTE_COMMIT, 91, { { 1 } } } };
	struct vote_proof proofs[3];
	struct identity identity;

	assert_int_equal(identity_init_key(&identity, &m.roster, m.keys[member],
			     &err),
	    AG_OK);
	vote_bundle_sign(proofs, votes, 3, &identity.scope, member, view,
	    &identity_authority, &identity);
	s->digest = votes[1].digest;
	s->proof = proofs[1];
}

static void
sign_new_view(struct evidence_statement *s, uint32_t member, uint64_t view,
    uint8_t what)
{
	struct signing input;

	*s = (struct evidence_statement){ .digest = { { what } },
		.proof = { .member = member, .view = view, .bundle_size = 1 } };
	signing_begin(&input, PURPOSE_NEW_VIEW);
	signing_put(&input, m.roster.cluster_id, CLUSTER_ID_BYTES);
	signing_put_u64(&input, m.roster.epoch);
	signing_put_u64(&input, member);
	signing_put_u64(&input, view);
	signing_put(&input, s->digest.data, DIGEST_BYTES);
	sign_message(s->proof.signature, m.keys[member], signing_bytes(&input));
}

static struct bytes
encode(const struct evidence *e)
{
	struct encoder out;
	struct bytes bytes;

	encoder_init(&out, encoded, sizeof(encoded));
	evidence_encode(&out, e);
	assert_int_equal(encoder_finish(&out, &bytes), AG_OK);
	return bytes;
}

static void
put_together(enum evidence_kind kind, uint64_t seq,
    const struct evidence_statement *one,
    const struct evidence_statement *other)
{
	struct trust_scope scope;

	roster_scope(&m.roster, &scope);
	evidence_make(&evidence, &scope, kind, seq, FOUND, one, other);
}

static struct identity
identity_of(uint32_t member)
{
	struct identity identity;

	assert_int_equal(identity_init_key(&identity, &m.roster, m.keys[member],
			     &err),
	    AG_OK);
	return identity;
}

/* A view change to VIEW that shows one certificate, or none. */
static struct bytes
change_by(uint32_t member, const struct certificate *stable, uint8_t *out,
    size_t cap)
{
	struct identity identity = identity_of(member);
	const struct forging f = { &identity.scope, &identity_authority,
		&identity, member };

	return forging_view_change(&f, VIEW, stable, NULL, 0, out, cap);
}

static struct bytes
beginning_by(uint32_t member, const struct bytes *changes, size_t count,
    uint8_t *out, size_t cap)
{
	struct identity identity = identity_of(member);
	const struct forging f = { &identity.scope, &identity_authority,
		&identity, member };

	return forging_new_view(&f, VIEW, changes, count, out, cap);
}

/* The checkpoint's certificate, in which one signature may be wrong. */
static void
certify(bool is_forged)
{
	const struct digest digest = { { 5 } };

	members_certify(&m, 0x7, SEQ, &digest, &certificate);
	if (is_forged)
		certificate.proofs[1].signature[9] ^= 1;
}

/* A view change by the culprit; or its new view, with that in it. */
static struct bytes
message_with(enum evidence_kind kind)
{
	struct bytes changes[3];
	uint32_t i;

	changes[0] =
	    change_by(CULPRIT, &certificate, messages[0], sizeof(messages[0]));
	if (kind == EVIDENCE_FORGED_CHANGE)
		return changes[0];
	for (i = 1; i < 3; i++)
		changes[i] =
		    change_by(i, NULL, messages[i], sizeof(messages[i]));
	return beginning_by(CULPRIT, changes, 3, messages[3],
	    sizeof(messages[3]));
}

static struct bytes
accuse(enum evidence_kind kind, uint32_t member, struct bytes message)
{
	struct trust_scope scope;

	roster_scope(&m.roster, &scope);
	evidence_make_message(&evidence, &scope, kind, member, VIEW, 0, FOUND,
	    message);
	return encode(&evidence);
}

/* The culprit's evidence of a kind, for one sequence. */
static struct bytes
made_at(enum evidence_kind kind, uint64_t seq)
{
	struct evidence_statement one, other;

	if (evidence_is_message(kind)) {
		certify(true);
		return accuse(kind, CULPRIT, message_with(kind));
	}
	if (kind == EVIDENCE_NEW_VIEW) {
		sign_new_view(&one, CULPRIT, VIEW, 9);
		sign_new_view(&other, CULPRIT, VIEW, 4);
		seq = 0;
	} else {
		sign_vote(&one, CULPRIT, VIEW, (enum vote_phase)kind, seq, 9);
		sign_vote(&other, CULPRIT,
		    kind == EVIDENCE_CHECKPOINT ? VIEW + 2 : VIEW,
		    (enum vote_phase)kind, seq, 4);
	}
	put_together(kind, seq, &one, &other);
	return encode(&evidence);
}

static struct bytes
made(enum evidence_kind kind)
{
	return made_at(kind, SEQ);
}

static enum ag_status
judge(struct bytes file)
{
	enum ag_status status = evidence_decode(&again, file, &err);

	return status == AG_OK ? evidence_verify(&again, &m.roster, &err)
			       : status;
}

/* --- what convicts --- */

static void
what_no_correct_member_signs_convicts_who_signed_it(void **state)
{
	static const char *const words[] = {
		[EVIDENCE_PREPARE] = "n4 signed two different prepare votes "
				     "for sequence 17 in view 7",
		[EVIDENCE_COMMIT] = "n4 signed two different commit votes for "
				    "sequence 17 in view 7",
		[EVIDENCE_CHECKPOINT] = "n4 signed two different states after "
					"sequence 17",
		[EVIDENCE_NEW_VIEW] = "n4 signed two different beginnings of "
				      "view 7",
		[EVIDENCE_FORGED_CHANGE] =
		    "n4 signed a view change to view 7 with a forged "
		    "certificate in it",
		[EVIDENCE_FORGED_NEW_VIEW] =
		    "n4 signed a beginning of view 7 with forged view changes",
	};
	char text[EVIDENCE_TEXT_BYTES];
	unsigned kind;

	(void)state;
	for (kind = EVIDENCE_PREPARE; kind <= EVIDENCE_FORGED_NEW_VIEW;
	     kind++) {
		if (judge(made((enum evidence_kind)kind)) != AG_OK)
			fail_msg("kind %u: %s", kind, err.text);
		assert_int_equal(again.member, CULPRIT);
		assert_int_equal(again.found_ms, FOUND);
		evidence_say(text, &again, m.roster.members[again.member].name);
		assert_string_equal(text, words[kind]);
	}
}

static void
the_order_of_finding_does_not_show(void **state)
{
	struct evidence_statement one, other;
	uint8_t first[EVIDENCE_STATEMENTS_BYTES_MAX];
	struct bytes file;
	size_t len;

	(void)state;
	sign_vote(&one, 1, 0, VOTE_COMMIT, SEQ, 9);
	sign_vote(&other, 1, 0, VOTE_COMMIT, SEQ, 4);
	put_together(EVIDENCE_COMMIT, SEQ, &one, &other);
	file = encode(&evidence);
	len = file.len;
	memcpy(first, file.data, len);
	put_together(EVIDENCE_COMMIT, SEQ, &other, &one);
	file = encode(&evidence);
	assert_int_equal(file.len, len);
	assert_memory_equal(file.data, first, len);
}

static void
the_largest_there_can_be_fits(void **state)
{
	struct evidence_statement one = { .digest = { { 1 } } };
	struct evidence_statement other;
	struct bytes file;

	(void)state;
	one.proof = (struct vote_proof){
		.member = 31,
		.view = UINT64_MAX,
		.position = 24,
		.bundle_size = 64,
		.path_len = VOTE_PATH_MAX,
	};
	other = one;
	other.digest.data[0] = 2;
	put_together(EVIDENCE_CHECKPOINT, UINT64_MAX, &one, &other);
	evidence.scope.epoch = evidence.found_ms = UINT64_MAX;
	file = encode(&evidence);
	assert_true(file.len <= EVIDENCE_STATEMENTS_BYTES_MAX);
	assert_int_equal(evidence_decode(&again, file, &err), AG_OK);
}

/* As long as the wire allows. */
static void
the_longest_message_fits(void **state)
{
	static uint8_t message[FRAME_CONTROL_BYTES_MAX], rest[sizeof(message)];
	uint8_t signature[SIGNATURE_BYTES] = { 0 };
	struct encoder e;
	struct bytes raw;

	(void)state;
	encoder_init(&e, message, sizeof(message));
	encoder_put_array(&e, 8);
	encoder_put_uint(&e, MESSAGE_VIEW_CHANGE);
	encoder_put_uint(&e, CULPRIT);
	encoder_put_uint(&e, VIEW);
	encoder_put_uint(&e, 0);
	encoder_put_null(&e);
	encoder_put_array(&e, 1);
	encoder_put_bytes(&e,
	    bytes_of(rest,
		sizeof(message) - e.len - 5 - 1 - 2 - SIGNATURE_BYTES));
	encoder_put_array(&e, 0);
	encoder_put_bytes(&e, bytes_of(signature, SIGNATURE_BYTES));
	assert_int_equal(encoder_finish(&e, &raw), AG_OK);
	assert_int_equal(raw.len, FRAME_CONTROL_BYTES_MAX);
	(void)accuse(EVIDENCE_FORGED_CHANGE, CULPRIT, raw);
	evidence.scope.epoch = evidence.found_ms = UINT64_MAX;
	assert_int_equal(evidence_decode(&again, encode(&evidence), &err),
	    AG_OK);
	assert_int_equal(again.message.len, raw.len);
}

/* --- what does not --- */

static void
a_file_changed_anywhere_never_convinces(void **state)
{
	unsigned kind, bit;
	size_t at;

	(void)state;
	for (kind = EVIDENCE_PREPARE; kind <= EVIDENCE_FORGED_NEW_VIEW;
	     kind++) {
		struct bytes file = made((enum evidence_kind)kind);

		for (at = 0; at < file.len; at++) {
			for (bit = 0; bit < 8; bit++) {
				encoded[at] ^= (uint8_t)(1U << bit);
				assert_int_not_equal(judge(file), AG_OK);
				encoded[at] ^= (uint8_t)(1U << bit);
			}
			assert_int_equal(judge(bytes_of(encoded, at)),
			    AG_ECORRUPT);
			assert_says("cut short");
		}
		assert_int_equal(judge(file), AG_OK);
	}
}

/* A forger makes the check right: the signatures still decide. */
static void
a_forged_check_convicts_nobody(void **state)
{
	(void)state;
	(void)made(EVIDENCE_COMMIT);
	evidence.seq++;
	assert_int_equal(judge(encode(&evidence)), AG_EFORGED);
	assert_says("n4 signed neither of the two statements");
	(void)made(EVIDENCE_COMMIT);
	evidence.statements[1].digest.data[1] ^= 1;
	assert_int_equal(judge(encode(&evidence)), AG_EFORGED);
	assert_says("n4 signed only one of the two statements");
	(void)made(EVIDENCE_COMMIT);
	evidence.statements[0].proof.member = 0;
	evidence.statements[1].proof.member = 0;
	assert_int_equal(judge(encode(&evidence)), AG_EFORGED);
	assert_says("n1 signed neither");
	(void)made(EVIDENCE_COMMIT);
	evidence.kind = EVIDENCE_PREPARE;
	assert_int_equal(judge(encode(&evidence)), AG_EFORGED);
}

/* In whatever hands: their certificates are right, or they are not its own. */
static void
a_message_without_a_forgery_convicts_nobody(void **state)
{
	unsigned kind;

	(void)state;
	for (kind = EVIDENCE_FORGED_CHANGE; kind <= EVIDENCE_FORGED_NEW_VIEW;
	     kind++) {
		struct bytes message;

		certify(false);
		message = message_with((enum evidence_kind)kind);
		assert_int_equal(judge(accuse((enum evidence_kind)kind, CULPRIT,
				     message)),
		    AG_EFORGED);
		assert_says("nothing in the message is forged: it proves "
			    "nothing against n4");
	}
	/* Whoever puts a forgery into it afterwards has not its signature. */
	(void)accuse(EVIDENCE_FORGED_CHANGE, CULPRIT,
	    change_by(CULPRIT, &certificate, messages[1], sizeof(messages[1])));
	messages[1][200] ^= 1;
	assert_int_equal(judge(encode(&evidence)), AG_EFORGED);
	assert_says("n4 did not sign the message");
}

/* A view begins with those view changes only that its primary verified. */
static void
a_new_view_of_too_few_or_unsigned_view_changes_convicts(void **state)
{
	struct bytes changes[3];
	struct bytes message;
	uint32_t i;

	(void)state;
	for (i = 0; i < 3; i++)
		changes[i] =
		    change_by(i, NULL, messages[i], sizeof(messages[i]));
	message =
	    beginning_by(CULPRIT, changes, 3, messages[3], sizeof(messages[3]));
	assert_int_equal(judge(accuse(EVIDENCE_FORGED_NEW_VIEW, CULPRIT,
			     message)),
	    AG_EFORGED);
	message =
	    beginning_by(CULPRIT, changes, 2, messages[3], sizeof(messages[3]));
	assert_int_equal(judge(accuse(EVIDENCE_FORGED_NEW_VIEW, CULPRIT,
			     message)),
	    AG_OK);
	messages[2][changes[2].len - 1] ^= 1;
	message =
	    beginning_by(CULPRIT, changes, 3, messages[3], sizeof(messages[3]));
	assert_int_equal(judge(accuse(EVIDENCE_FORGED_NEW_VIEW, CULPRIT,
			     message)),
	    AG_OK);
	/* That is its word against whose view change it seems to be. */
	assert_int_equal(judge(accuse(EVIDENCE_FORGED_CHANGE, 2, changes[2])),
	    AG_EFORGED);
	assert_says("n3 did not sign the message");
	/* Nor does it fall to anybody else to begin that view. */
	message = beginning_by(0, changes, 2, messages[3], sizeof(messages[3]));
	assert_int_equal(judge(accuse(EVIDENCE_FORGED_NEW_VIEW, 0, message)),
	    AG_EFORGED);
	assert_says("n1 is not the primary of view 7");
}

/* The members of another epoch may well have signed it. */
static void
a_message_is_judged_by_the_members_of_its_signers_epoch(void **state)
{
	struct bytes file;

	(void)state;
	m.roster.epoch = 2;
	certify(false);
	m.roster.epoch = 1;
	/* What holds in epoch 2 is shown in a message of epoch 1: forged. */
	file = accuse(EVIDENCE_FORGED_CHANGE, CULPRIT,
	    change_by(CULPRIT, &certificate, messages[0], sizeof(messages[0])));
	assert_int_equal(judge(file), AG_OK);
	m.roster.epoch = 2;
	assert_int_equal(judge(file), AG_EFORGED);
	assert_says("of another epoch");
	evidence.scope.epoch = 2;
	assert_int_equal(judge(encode(&evidence)), AG_EFORGED);
	assert_says("n4 did not sign the message");
	m.roster.epoch = 1;
}

static void
seal(struct bytes file)
{
	struct digest check;

	digest_of(&check, bytes_of(encoded, file.len - DIGEST_BYTES - 2));
	memcpy(encoded + file.len - DIGEST_BYTES, check.data, DIGEST_BYTES);
}

static bool
accuses_of_the_same(const struct evidence *a, const struct evidence *b)
{
	return a->kind == b->kind && a->member == b->member &&
	    a->view == b->view && a->seq == b->seq &&
	    bytes_equal(a->message, b->message) &&
	    digest_equal(&a->statements[0].digest, &b->statements[0].digest) &&
	    digest_equal(&a->statements[1].digest, &b->statements[1].digest);
}

static void
no_forgery_accuses_of_anything_else(void **state)
{
	unsigned kind;
	size_t at;

	(void)state;
	for (kind = EVIDENCE_PREPARE; kind <= EVIDENCE_FORGED_NEW_VIEW;
	     kind++) {
		struct bytes file = made((enum evidence_kind)kind);

		for (at = 0; at < file.len - DIGEST_BYTES; at++) {
			encoded[at] ^= (uint8_t)(1U << at % 8);
			seal(file);
			if (judge(file) == AG_OK)
				assert_true(
				    accuses_of_the_same(&again, &evidence));
			encoded[at] ^= (uint8_t)(1U << at % 8);
		}
	}
}

/* Whatever is left of a vote of another view is not of this one. */
static void
votes_of_two_views_convict_nobody(void **state)
{
	struct evidence_statement one, other;

	(void)state;
	sign_vote(&one, 1, 0, VOTE_COMMIT, SEQ, 9);
	sign_vote(&other, 1, 1, VOTE_COMMIT, SEQ, 4);
	put_together(EVIDENCE_COMMIT, SEQ, &one, &other);
	assert_int_equal(judge(encode(&evidence)), AG_ECORRUPT);
	assert_says("of two views");
	/* And said to be of one, it is forged. */
	evidence.statements[0].proof.view = 0;
	evidence.statements[1].proof.view = 0;
	assert_int_equal(judge(encode(&evidence)), AG_EFORGED);
	assert_says("only one");
}

static void
votes_of_two_members_convict_nobody(void **state)
{
	struct evidence_statement one, other;

	(void)state;
	sign_vote(&one, 1, 0, VOTE_CHECKPOINT, SEQ, 9);
	sign_vote(&other, 2, 0, VOTE_CHECKPOINT, SEQ, 4);
	(void)made(EVIDENCE_CHECKPOINT);
	evidence.statements[0] = other;
	evidence.statements[1] = one;
	assert_int_equal(judge(encode(&evidence)), AG_ECORRUPT);
	assert_says("of two members");
}

static void
one_statement_twice_convicts_nobody(void **state)
{
	(void)state;
	(void)made(EVIDENCE_PREPARE);
	evidence.statements[1] = evidence.statements[0];
	assert_int_equal(judge(encode(&evidence)), AG_ECORRUPT);
	assert_says("the same");
}

static void
a_backup_can_not_begin_a_view(void **state)
{
	struct evidence_statement one, other;

	(void)state;
	sign_new_view(&one, 1, VIEW, 9);
	sign_new_view(&other, 1, VIEW, 4);
	put_together(EVIDENCE_NEW_VIEW, 0, &one, &other);
	assert_int_equal(judge(encode(&evidence)), AG_EFORGED);
	assert_says("n2 is not the primary of view 7");
}

static void
another_cluster_epoch_or_member_is_named(void **state)
{
	struct bytes file = made(EVIDENCE_COMMIT);

	(void)state;
	m.roster.epoch++;
	assert_int_equal(judge(file), AG_EFORGED);
	assert_says("of another epoch: 1, and the roster's is 2");
	m.roster.epoch--;
	m.roster.cluster_id[0] ^= 1;
	assert_int_equal(judge(file), AG_EFORGED);
	assert_says("of another cluster");
	m.roster.cluster_id[0] ^= 1;
	m.roster.member_count = CULPRIT;
	assert_int_equal(judge(file), AG_EFORGED);
	assert_says("it accuses member 3, and the roster has 3");
	m.roster.member_count = MEMBERS;
}

static void
what_is_no_evidence_is_said_to_be_none(void **state)
{
	(void)state;
	assert_int_equal(judge(bytes_from_text("cluster demo\n")), AG_ECORRUPT);
	assert_says("not exported evidence");
	assert_int_equal(judge(bytes_of("\x8a\x6e"
					"aegis-evidence\x02",
			     17)),
	    AG_EVERSION);
	assert_says("evidence of format 2, this program reads 1");
}

/* --- what is kept --- */

struct told {
	unsigned count;
	char last[AG_ERROR_TEXT_BYTES];
};

static void
on_bad(void *arg, const struct ag_error *why)
{
	struct told *told = arg;

	told->count++;
	(void)snprintf(told->last, sizeof(told->last), "%s", why->text);
}

static struct evidence_store *
store_open(struct told *told)
{
	struct evidence_store *store;

	memset(told, 0, sizeof(*told));
	assert_int_equal(evidence_store_open(&store, dir, &m.roster, on_bad,
			     told, &err),
	    AG_OK);
	return store;
}

static void
path_of(char *out, size_t cap, const char *name)
{
	assert_int_equal(fs_join(out, cap, dir, name, &err), AG_OK);
}

static void
what_was_kept_is_there_after_a_restart(void **state)
{
	const struct evidence_item *item;
	struct evidence_store *store;
	struct told told;
	struct bytes file;

	(void)state;
	store = store_open(&told);
	assert_int_equal(evidence_store_count(store), 0);
	file = made(EVIDENCE_COMMIT);
	assert_int_equal(evidence_store_add(store, &m.roster, file, &item,
			     &err),
	    AG_OK);
	assert_string_equal(item->id, "n4-commit-v7-s17");
	/* A second proof of the same, from elsewhere, adds nothing. */
	evidence.found_ms++;
	assert_int_equal(evidence_store_add(store, &m.roster, encode(&evidence),
			     &item, &err),
	    AG_EEXIST);
	assert_null(item);
	evidence_store_close(store);

	store = store_open(&told);
	assert_int_equal(told.count, 0);
	assert_int_equal(evidence_store_count(store), 1);
	item = evidence_store_find(store, bytes_from_text("n4-commit-v7-s17"));
	assert_non_null(item);
	file = made(EVIDENCE_COMMIT);
	assert_int_equal(item->len, file.len);
	assert_memory_equal(item->file, file.data, file.len);
	assert_null(evidence_store_find(store, bytes_from_text("n4")));
	assert_int_equal(evidence_store_add(store, &m.roster, file, &item,
			     &err),
	    AG_EEXIST);
	evidence_store_close(store);
}

static void
of_whole_messages_the_first_of_a_kind_is_kept(void **state)
{
	const struct evidence_item *item;
	struct evidence_store *store;
	struct told told;
	unsigned i;

	(void)state;
	store = store_open(&told);
	for (i = 0; i < 2; i++) {
		struct bytes file = made(EVIDENCE_FORGED_CHANGE);

		assert_int_equal(evidence_store_add(store, &m.roster, file,
				     &item, &err),
		    i == 0 ? AG_OK : AG_EEXIST);
	}
	assert_int_equal(evidence_store_add(store, &m.roster,
			     made(EVIDENCE_FORGED_NEW_VIEW), &item, &err),
	    AG_OK);
	assert_string_equal(item->id, "n4-forged-new-view-v7-s0");
	evidence_store_close(store);
	memset(encoded, 0, sizeof(encoded));
	store = store_open(&told);
	assert_int_equal(told.count, 0);
	assert_int_equal(evidence_store_count(store), 2);
	/* What is kept holds by itself. */
	for (i = 0; i < 2; i++)
		assert_int_equal(evidence_verify(&evidence_store_item(store, i)
						      ->evidence,
				     &m.roster, &err),
		    AG_OK);
	evidence_store_close(store);
}

static void
the_oldest_stay_when_a_member_lies_on(void **state)
{
	const struct evidence_item *item;
	struct evidence_store *store;
	struct told told;
	uint64_t seq;

	(void)state;
	store = store_open(&told);
	for (seq = 1; seq <= EVIDENCE_MEMBER_ITEMS_MAX; seq++)
		assert_int_equal(evidence_store_add(store, &m.roster,
				     made_at(EVIDENCE_PREPARE, seq), &item,
				     &err),
		    AG_OK);
	assert_int_equal(evidence_store_add(store, &m.roster,
			     made_at(EVIDENCE_PREPARE, seq), &item, &err),
	    AG_ELIMIT);
	assert_says("the oldest stay");
	assert_int_equal(evidence_store_item(store, 0)->evidence.seq, 1);
	assert_int_equal(evidence_store_count_of(store, CULPRIT),
	    EVIDENCE_MEMBER_ITEMS_MAX);
	assert_int_equal(evidence_store_count_of(store, 0), 0);
	evidence_store_close(store);
}

static void
what_proves_nothing_is_not_kept(void **state)
{
	const struct evidence_item *item;
	struct evidence_store *store;
	struct told told;

	(void)state;
	store = store_open(&told);
	(void)made(EVIDENCE_COMMIT);
	evidence.seq++;
	assert_int_equal(evidence_store_add(store, &m.roster, encode(&evidence),
			     &item, &err),
	    AG_EFORGED);
	assert_null(item);
	assert_int_equal(evidence_store_count(store), 0);
	evidence_store_close(store);
}

static void
damaged_files_are_told_of_and_left_where_they_are(void **state)
{
	const struct evidence_item *item;
	struct evidence_store *store;
	char path[PATH_MAX];
	struct told told;

	(void)state;
	store = store_open(&told);
	assert_int_equal(evidence_store_add(store, &m.roster,
			     made(EVIDENCE_COMMIT), &item, &err),
	    AG_OK);
	evidence_store_close(store);
	path_of(path, sizeof(path), "damaged.evidence");
	assert_int_equal(fs_write_file(path, 0600, bytes_from_text("damaged"),
			     &err),
	    AG_OK);
	path_of(path, sizeof(path), "README");
	assert_int_equal(fs_write_file(path, 0600, bytes_from_text("damaged"),
			     &err),
	    AG_OK);
	store = store_open(&told);
	assert_int_equal(told.count, 1);
	assert_non_null(
	    strstr(told.last, "damaged.evidence: it is not exported evidence"));
	assert_int_equal(evidence_store_count(store), 1);
	evidence_store_close(store);
	path_of(path, sizeof(path), "damaged.evidence");
	assert_true(fs_exists(path));
}

/* What the only record there is called when it is in a file of that name. */
static void
assert_called(const char *id, const char *name, const struct roster *roster)
{
	struct evidence_store *store;
	struct told told = { 0 };
	char path[PATH_MAX];

	path_of(path, sizeof(path), name);
	assert_int_equal(fs_write_file(path, 0600, made(EVIDENCE_COMMIT), &err),
	    AG_OK);
	assert_int_equal(evidence_store_open(&store, dir, roster, on_bad, &told,
			     &err),
	    AG_OK);
	assert_int_equal(told.count, 0);
	assert_int_equal(evidence_store_count(store), 1);
	assert_string_equal(evidence_store_item(store, 0)->id, id);
	evidence_store_close(store);
	assert_int_equal(unlink(path), 0);
}

static void
the_name_of_its_file_accuses_nobody(void **state)
{
	static const char own[] = "n4-commit-v7-s17";
	static const char *const others[] = { "n1-commit-v7-s17.evidence",
		"n4-prepare-v7-s17.evidence", "n4-commit-v7-s18.evidence",
		"\033[31m-commit-v7-s17.evidence",
		"\xff-commit-v7-s17.evidence", "-commit-v7-s17.evidence",
		"x.evidence" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_called(own, others[i], &m.roster);
		/* The first could be right, for all that is known. */
		if (i > 0)
			assert_called("#3-commit-v7-s17", others[i], NULL);
	}
	assert_called(own, "n4-commit-v7-s17.evidence", NULL);
}

static void
a_directory_that_can_not_be_read_is_told_of(void **state)
{
	struct evidence_store *store;
	struct told told = { 0 };

	(void)state;
	assert_int_equal(evidence_store_open(&store, "/nowhere/evidence",
			     &m.roster, on_bad, &told, &err),
	    AG_OK);
	assert_int_equal(told.count, 1);
	assert_non_null(strstr(told.last, "/nowhere/evidence: No such file"));
	assert_int_equal(evidence_store_count(store), 0);
	evidence_store_close(store);
}

static void
what_can_not_be_written_is_known_until_the_end(void **state)
{
	const struct evidence_item *item;
	struct evidence_store *store;
	struct told told = { 0 };

	(void)state;
	assert_int_equal(evidence_store_open(&store, "/nowhere/evidence",
			     &m.roster, on_bad, &told, &err),
	    AG_OK);
	assert_int_not_equal(evidence_store_add(store, &m.roster,
				 made(EVIDENCE_COMMIT), &item, &err),
	    AG_OK);
	assert_says("/nowhere/evidence/n4-commit-v7-s17.evidence");
	assert_non_null(item);
	assert_int_equal(evidence_store_count(store), 1);
	evidence_store_close(store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_no_correct_member_signs_convicts_who_signed_it),
		TEST(the_order_of_finding_does_not_show),
		TEST(the_largest_there_can_be_fits),
		TEST(the_longest_message_fits),
		TEST(a_file_changed_anywhere_never_convinces),
		TEST(a_forged_check_convicts_nobody),
		TEST(a_message_without_a_forgery_convicts_nobody),
		TEST(a_new_view_of_too_few_or_unsigned_view_changes_convicts),
		TEST(a_message_is_judged_by_the_members_of_its_signers_epoch),
		TEST(no_forgery_accuses_of_anything_else),
		TEST(votes_of_two_views_convict_nobody),
		TEST(votes_of_two_members_convict_nobody),
		TEST(one_statement_twice_convicts_nobody),
		TEST(a_backup_can_not_begin_a_view),
		TEST(another_cluster_epoch_or_member_is_named),
		TEST(what_is_no_evidence_is_said_to_be_none),
		TEST(what_was_kept_is_there_after_a_restart),
		TEST(of_whole_messages_the_first_of_a_kind_is_kept),
		TEST(the_oldest_stay_when_a_member_lies_on),
		TEST(what_proves_nothing_is_not_kept),
		TEST(damaged_files_are_told_of_and_left_where_they_are),
		TEST(the_name_of_its_file_accuses_nobody),
		TEST(a_directory_that_can_not_be_read_is_told_of),
		TEST(what_can_not_be_written_is_known_until_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
