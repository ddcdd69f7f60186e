/*
 * An epoch's end in the state, and what it proves to whoever has the roster
 * before it.
 */
#include "trust/epoch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/fs.h"
#include "fixture/batches.h"
#include "fixture/directory.h"
#include "fixture/people.h"
#include "store/store.h"
#include "trust/chain.h"
#include "trust/state.h"
#include "trust/succession.h"

struct fixture {
	char root[DIRECTORY_PATH_BYTES], dir[DIRECTORY_PATH_BYTES + 16];
	struct people people;
	struct roster roster, next, again;
	struct store *store;
	struct batch_maker maker;
	struct buf text, chain;
	struct result results[8];
	size_t result_count;
	struct epoch epoch, decoded;
	struct ag_error err;
	uint8_t encoded[EPOCH_BYTES_MAX];
};

static void
must(struct fixture *f, enum ag_status status)
{
	if (status != AG_OK)
		fail_msg("%s", f->err.text);
}

static void
open_store(struct fixture *f)
{
	must(f,
	    store_open(&f->store, f->dir, f->roster.cluster_id, NULL, &f->err));
	must(f, store_begin_epoch(f->store, &f->roster, &f->err));
}

static int
make_fixture(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	directory_make(f->root);
	(void)snprintf(f->dir, sizeof(f->dir), "%s/state", f->root);
	people_open(&f->people);
	buf_init(&f->text, ROSTER_FILE_BYTES_MAX);
	buf_init(&f->chain, CHAIN_BYTES_MAX);
	people_found(&f->people, &f->roster, 4, 0);
	open_store(f);
	*state = f;
	return 0;
}

static int
remove_fixture(void **state)
{
	struct fixture *f = *state;
	int status;

	store_close(f->store);
	people_close(&f->people);
	buf_fini(&f->text);
	buf_fini(&f->chain);
	status = directory_remove(f->root);
	free(f);
	return status;
}

/* A successor that lets one more in, signed by the first so many members. */
static void
plan(struct fixture *f, uint32_t newcomer, uint32_t signers)
{
	uint32_t i;

	must(f,
	    succession_add(&f->next, &f->roster, &f->people.members[newcomer],
		&f->err));
	for (i = 0; i < signers; i++)
		must(f,
		    people_sign(&f->next, &f->roster, f->people.keys[i],
			&f->err));
	must(f,
	    people_sign(&f->next, &f->roster, f->people.keys[newcomer],
		&f->err));
	buf_clear(&f->text);
	must(f, roster_format(&f->next, &f->text));
}

static void
batch_membership(struct fixture *f)
{
	f->maker.op.kind = OPERATION_MEMBERSHIP;
	f->maker.op.roster = buf_bytes(&f->text);
	batch_add(&f->maker);
}

static void
on_outcome(void *arg, const struct store_outcome *outcome)
{
	struct fixture *f = arg;

	f->results[f->result_count++] = outcome->result;
}

static void
apply(struct fixture *f)
{
	const struct store_observer observer = { f, on_outcome, NULL };

	f->result_count = 0;
	must(f,
	    store_apply(f->store, store_applied(f->store) + 1,
		batch_end(&f->maker), &observer, &f->err));
	must(f, store_commit(f->store, &f->err));
}

/* One batch with that successor in it and nothing else. */
static enum result_code
submit(struct fixture *f)
{
	static uint64_t number;

	batch_begin(&f->maker, 1, ++number, 5);
	batch_membership(f);
	apply(f);
	return f->results[0].code;
}

/* The epoch that the store can prove, certified by these members. */
static void
prove(struct fixture *f, uint32_t signers)
{
	struct certificate *c = &f->epoch.certificate;
	struct vote vote = { .phase = VOTE_CHECKPOINT };
	struct identity identity;
	uint32_t i;

	must(f, store_prove_epoch(f->store, &f->epoch, &f->text, &f->err));
	must(f, store_digest(f->store, &vote.digest, &f->err));
	vote.seq = f->epoch.seq;
	*c = (struct certificate){
		.phase = VOTE_CHECKPOINT,
		.seq = vote.seq,
		.digest = vote.digest,
		.proof_count = signers,
	};
	for (i = 0; i < signers; i++) {
		must(f,
		    identity_init_key(&identity, &f->roster, f->people.keys[i],
			&f->err));
		vote_bundle_sign(&c->proofs[i], &vote, 1, &identity.scope,
		    identity.self, 0, &identity_authority, &identity);
	}
}

static struct bytes
encode(struct fixture *f)
{
	struct bytes out;
	struct encoder e;

	encoder_init(&e, f->encoded, sizeof(f->encoded));
	epoch_encode(&e, &f->epoch);
	assert_int_equal(encoder_finish(&e, &out), AG_OK);
	return out;
}

static void
refused(struct fixture *f, enum ag_status status, const char *words)
{
	assert_int_not_equal(status, AG_OK);
	if (strstr(f->err.text, words) == NULL)
		fail_msg("'%s' lacks '%s'", f->err.text, words);
}

static void
an_accepted_successor_is_the_last_of_its_epoch(void **state)
{
	struct fixture *f = *state;

	plan(f, 4, 3);
	batch_begin(&f->maker, 1, 100, 5);
	batch_put(&f->maker, "before", "x");
	batch_membership(f);
	batch_put(&f->maker, "after", "in the same batch");
	batch_membership(f);
	apply(f);
	assert_int_equal(f->results[0].code, RESULT_DONE);
	assert_int_equal(f->results[1].code, RESULT_DONE);
	assert_int_equal(f->results[1].version, 1);
	assert_int_equal(f->results[2].code, RESULT_DONE);
	assert_int_equal(f->results[3].code, RESULT_CONFLICT);
	assert_true(store_is_last(f->store));
	/* Also for who opens it anew, until the next epoch begins. */
	store_close(f->store);
	open_store(f);
	assert_true(store_is_last(f->store));
	must(f, store_begin_epoch(f->store, &f->next, &f->err));
	assert_false(store_is_last(f->store));
}

static void
what_may_not_follow_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct digest before, after;

	plan(f, 4, 2);
	assert_int_equal(submit(f), RESULT_INVALID);
	must(f, buf_append(&f->text, "junk", 4));
	assert_int_equal(submit(f), RESULT_INVALID);
	/* Of the epoch after the next. */
	plan(f, 4, 3);
	f->again = f->roster;
	f->roster = f->next;
	plan(f, 5, 4);
	f->roster = f->again;
	assert_int_equal(submit(f), RESULT_CONFLICT);
	assert_false(store_is_last(f->store));
	batch_begin(&f->maker, 1, 200, 5);
	apply(f);
	must(f, store_digest(f->store, &before, &f->err));
	store_close(f->store);
	open_store(f);
	must(f, store_digest(f->store, &after, &f->err));
	assert_true(digest_equal(&before, &after));
}

static bool
is_k(void *arg, const struct store_entry *entry)
{
	(void)arg;
	assert_true(bytes_equal(entry->key, bytes_from_text("k")));
	return true;
}

static void
only_a_membership_writes_the_cluster_s_own_keys(void **state)
{
	struct fixture *f = *state;
	struct store_reader *reader;
	struct store_entry entry;
	bool more;

	batch_begin(&f->maker, 1, 1, 5);
	batch_put(&f->maker, "k", "v");
	f->maker.op.change.key = operation_roster_key();
	batch_add(&f->maker);
	apply(f);
	assert_int_equal(f->results[0].code, RESULT_DONE);
	assert_int_equal(f->results[1].code, RESULT_INVALID);
	plan(f, 4, 3);
	assert_int_equal(submit(f), RESULT_DONE);
	must(f, store_reader_open(&reader, f->store, &f->err));
	must(f, store_get(reader, operation_roster_key(), &entry, &f->err));
	assert_true(bytes_equal(entry.value, buf_bytes(&f->text)));
	assert_int_equal(entry.version, 1);
	assert_int_equal(entry.created, store_applied(f->store));
	/* Who asks for everything asks for what users put there. */
	must(f,
	    store_range(reader, bytes_of(NULL, 0), bytes_of(NULL, 0), 1, true,
		is_k, NULL, &more, NULL, &f->err));
	assert_false(more);
	store_reader_close(reader);
}

static void
a_quorum_of_the_epoch_before_proves_the_next(void **state)
{
	struct fixture *f = *state;
	struct digest digest;

	plan(f, 4, 3);
	assert_int_equal(submit(f), RESULT_DONE);
	prove(f, 3);
	epoch_state(&f->epoch, &digest);
	assert_true(digest_equal(&digest, &f->epoch.certificate.digest));
	must(f, epoch_verify(&f->epoch, &f->roster, &f->again, &f->err));
	assert_int_equal(f->again.epoch, 1);
	assert_true(roster_is_complete(&f->again));
	prove(f, 2);
	refused(f, epoch_verify(&f->epoch, &f->roster, &f->again, &f->err),
	    "too few signers");
	assert_false(roster_is_complete(&f->again));
}

static void
a_successor_that_was_not_agreed_on_is_no_epoch(void **state)
{
	struct fixture *f = *state;

	/* Signed by all, but p4's was executed. */
	plan(f, 4, 3);
	assert_int_equal(submit(f), RESULT_DONE);
	prove(f, 3);
	plan(f, 5, 4);
	f->epoch.roster = buf_bytes(&f->text);
	refused(f, epoch_verify(&f->epoch, &f->roster, &f->again, &f->err),
	    "another root");
}

static void
every_byte_of_an_epoch_counts(void **state)
{
	struct fixture *f = *state;
	struct bytes encoded;
	size_t i;

	plan(f, 4, 3);
	assert_int_equal(submit(f), RESULT_DONE);
	prove(f, 3);
	encoded = encode(f);
	for (i = 0; i < encoded.len; i++) {
		f->encoded[i] ^= 1;
		if (epoch_decode(&f->decoded, encoded, &f->err) == AG_OK &&
		    epoch_verify(&f->decoded, &f->roster, &f->again, &f->err) ==
			AG_OK)
			fail_msg("byte %zu does not count", i);
		f->encoded[i] ^= 1;
		assert_int_not_equal(epoch_decode(&f->decoded,
					 bytes_of(f->encoded, i), &f->err),
		    AG_OK);
	}
	assert_int_equal(epoch_decode(&f->decoded, encoded, &f->err), AG_OK);
	must(f, epoch_verify(&f->decoded, &f->roster, &f->again, &f->err));
}

/* A chain of the first roster and so many epochs. */
static void
make_chain(struct fixture *f, uint32_t epochs)
{
	uint32_t i;

	buf_clear(&f->text);
	must(f, roster_format(&f->roster, &f->text));
	must(f, chain_begin(&f->chain, buf_bytes(&f->text), &f->err));
	for (i = 0; i < epochs; i++) {
		uint32_t quorum = roster_quorum(&f->roster);

		plan(f, 4 + i, quorum);
		assert_int_equal(submit(f), RESULT_DONE);
		prove(f, quorum);
		must(f, chain_append(&f->chain, encode(f), &f->err));
		f->roster = f->next;
		must(f, store_begin_epoch(f->store, &f->roster, &f->err));
	}
}

static void
a_chain_leads_from_the_first_roster_to_each(void **state)
{
	struct fixture *f = *state;
	struct chain_start start;
	struct bytes chain;
	uint32_t i;

	make_chain(f, 3);
	chain = buf_bytes(&f->chain);
	for (i = 0; i <= 3; i++) {
		must(f, chain_parse(&f->again, &start, chain, i, "c", &f->err));
		assert_int_equal(f->again.epoch, i);
		assert_int_equal(f->again.member_count, 4 + i);
		assert_int_equal(start.seq, i);
		assert_int_equal(chain_after(chain, i).len > 0, i < 3);
	}
	must(f,
	    chain_parse(&f->again, &start, chain, CHAIN_NEWEST, "c", &f->err));
	assert_int_equal(f->again.epoch, 3);
	must(f, epoch_decode(&f->epoch, chain_after(chain, 2), &f->err));
	assert_int_equal(f->epoch.seq, 3);
	refused(f, chain_parse(&f->again, &start, chain, 4, "c", &f->err),
	    "c: there is no roster of epoch 4 in it; the newest is of 3");
}

/* The chain tells of two that came; by a roster without them they are gone. */
static void
who_is_in_the_chain_and_not_in_the_roster_was_a_node_once(void **state)
{
	static struct chain_formers formers;
	struct fixture *f = *state;
	struct bytes chain;

	make_chain(f, 2);
	chain = buf_bytes(&f->chain);
	must(f, chain_find_formers(&formers, chain, &f->roster, &f->err));
	assert_int_equal(formers.count, 0);
	must(f, chain_parse(&f->again, NULL, chain, 0, "c", &f->err));
	must(f, chain_find_formers(&formers, chain, &f->again, &f->err));
	assert_int_equal(formers.count, 2);
	assert_memory_equal(formers.link_keys[0], f->roster.members[4].link_key,
	    PUBLIC_KEY_BYTES);
	assert_memory_equal(formers.link_keys[1], f->roster.members[5].link_key,
	    PUBLIC_KEY_BYTES);
	assert_memory_equal(formers.node_keys[1], f->roster.members[5].node_key,
	    PUBLIC_KEY_BYTES);
	/* A text alone tells of nobody. */
	buf_clear(&f->text);
	must(f, roster_format(&f->again, &f->text));
	must(f,
	    chain_find_formers(&formers, buf_bytes(&f->text), &f->again,
		&f->err));
	assert_int_equal(formers.count, 0);
}

static void
a_chain_with_a_link_missing_or_cut_leads_nowhere(void **state)
{
	struct fixture *f = *state;
	struct bytes second;
	size_t head, len;

	make_chain(f, 2);
	second = chain_after(buf_bytes(&f->chain), 1);
	head = f->chain.len - second.len -
	    chain_after(buf_bytes(&f->chain), 0).len;
	refused(f,
	    chain_parse(&f->again, NULL,
		bytes_of(f->chain.data, f->chain.len - 1), CHAIN_NEWEST, "c",
		&f->err),
	    "c: the chain is damaged");
	len = second.len;
	memmove(f->chain.data + head, second.data, len);
	refused(f,
	    chain_parse(&f->again, NULL, bytes_of(f->chain.data, head + len),
		CHAIN_NEWEST, "c", &f->err),
	    "follows another than the present one");
}

static void
a_successor_s_text_alone_is_not_believed(void **state)
{
	struct fixture *f = *state;

	plan(f, 4, 3);
	refused(f,
	    chain_parse(&f->again, NULL, buf_bytes(&f->text), CHAIN_NEWEST, "c",
		&f->err),
	    "a successor alone proves nothing");
}

int
main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, make_fixture, remove_fixture)
	const struct CMUnitTest tests[] = {
		TEST(an_accepted_successor_is_the_last_of_its_epoch),
		TEST(what_may_not_follow_changes_nothing),
		TEST(only_a_membership_writes_the_cluster_s_own_keys),
		TEST(a_quorum_of_the_epoch_before_proves_the_next),
		TEST(a_successor_that_was_not_agreed_on_is_no_epoch),
		TEST(every_byte_of_an_epoch_counts),
		TEST(a_chain_leads_from_the_first_roster_to_each),
		TEST(who_is_in_the_chain_and_not_in_the_roster_was_a_node_once),
		TEST(a_chain_with_a_link_missing_or_cut_leads_nowhere),
		TEST(a_successor_s_text_alone_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
