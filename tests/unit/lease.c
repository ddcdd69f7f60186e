/*
 * Leases in the replicated state: what is attached to one goes with it, at
 * one place of the agreed order, on every replica alike.
 */
#include "codec/lease.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "fixture/batches.h"
#include "fixture/directory.h"
#include "store/leases.h"
#include "store/snapshot.h"
#include "store/store.h"

#define CHANGES_KEPT 8192

static const struct trust_scope scope = { .cluster_id = { 1 }, .epoch = 1 };

/* A replica that watches. */
struct replica {
	char dir[DIRECTORY_PATH_BYTES + 16];
	struct store *store;
	struct store_outcome outcomes[1024];
	size_t outcome_count;
	char deleted[CHANGES_KEPT][16]; /* keys, in order */
	size_t deleted_count;
};

static char root[DIRECTORY_PATH_BYTES];
static struct replica replica, twin;
static struct batch_maker maker;
static uint64_t number; /* the next request's */

static void
on_outcome(void *arg, const struct store_outcome *outcome)
{
	struct replica *r = arg;

	assert_true(r->outcome_count < 1024);
	r->outcomes[r->outcome_count++] = *outcome;
}

static void
on_change(void *arg, const struct store_change *change)
{
	struct replica *r = arg;
	const struct bytes key = change->entry.key;

	if (!change->is_delete)
		return;
	assert_true(r->deleted_count < CHANGES_KEPT && key.len < 16);
	memcpy(r->deleted[r->deleted_count], key.data, key.len);
	r->deleted[r->deleted_count++][key.len] = '\0';
}

static void
reopen(struct replica *r)
{
	struct ag_error err;

	store_close(r->store);
	if (store_open(&r->store, r->dir, scope.cluster_id, NULL, &err) !=
	    AG_OK)
		fail_msg("%s", err.text);
}

static int
open_replicas(void **state)
{
	(void)state;
	(void)directory_make(root);
	(void)snprintf(replica.dir, sizeof(replica.dir), "%s/a", root);
	(void)snprintf(twin.dir, sizeof(twin.dir), "%s/b", root);
	reopen(&replica);
	reopen(&twin);
	number = 1;
	return 0;
}

static int
close_replicas(void **state)
{
	(void)state;
	store_close(replica.store);
	store_close(twin.store);
	replica.store = twin.store = NULL;
	return directory_remove(root);
}

/* --- batches --- */

static void
begin(uint64_t time_ms)
{
	batch_begin(&maker, 1, number, time_ms);
}

static void
grant(uint32_t ttl_s)
{
	maker.op.kind = OPERATION_GRANT;
	maker.op.ttl_s = ttl_s;
	batch_add(&maker);
}

static void
about(enum operation_kind kind, uint64_t lease)
{
	maker.op.kind = kind;
	maker.op.lease = lease;
	batch_add(&maker);
}

static void
put_with(const char *key, uint64_t lease)
{
	maker.op.kind = OPERATION_PUT;
	maker.op.change = (struct change){ .kind = OPERATION_PUT,
		.key = bytes_from_text(key),
		.value = bytes_from_text("v"),
		.lease = lease };
	batch_add(&maker);
}

static void
feed(struct replica *r, struct bytes batch)
{
	const struct store_observer observer = { r, on_outcome, on_change };
	struct ag_error err;

	r->outcome_count = 0;
	r->deleted_count = 0;
	if (store_apply(r->store, store_applied(r->store) + 1, batch, &observer,
		&err) != AG_OK ||
	    store_commit(r->store, &err) != AG_OK)
		fail_msg("%s", err.text);
}

static void
assert_same(void)
{
	struct digest a, b;

	assert_int_equal(store_digest(replica.store, &a, NULL), AG_OK);
	assert_int_equal(store_digest(twin.store, &b, NULL), AG_OK);
	assert_true(digest_equal(&a, &b));
}

/* Both replicas execute it, and come to the same. */
static void
end(void)
{
	struct bytes batch = batch_end(&maker);

	number += maker.count;
	feed(&replica, batch);
	feed(&twin, batch);
	assert_same();
}

/* A batch of nothing, at this time. */
static void
pass(uint64_t time_ms)
{
	begin(time_ms);
	end();
}

static enum result_code
code(size_t i)
{
	assert_true(i < replica.outcome_count);
	return replica.outcomes[i].result.code;
}

static void
assert_deleted(size_t count, ...)
{
	va_list keys;
	size_t i;

	assert_int_equal(replica.deleted_count, count);
	va_start(keys, count);
	for (i = 0; i < count; i++)
		assert_string_equal(replica.deleted[i],
		    va_arg(keys, const char *));
	va_end(keys);
}

/* What a reader sees of key's lease; UINT64_MAX: the key is absent. */
static uint64_t
lease_of(struct replica *r, const char *key)
{
	struct store_reader *reader;
	struct store_entry entry;
	uint64_t lease = UINT64_MAX;

	assert_int_equal(store_reader_open(&reader, r->store, NULL), AG_OK);
	if (store_get(reader, bytes_from_text(key), &entry, NULL) == AG_OK)
		lease = entry.lease;
	store_reader_close(reader);
	return lease;
}

/* The entry of a lease; false: there is none. */
static bool
entry_of(struct replica *r, uint64_t id, struct lease *lease)
{
	static uint8_t value[LEASE_BYTES_MAX];
	uint8_t key[LEASE_KEY_BYTES];
	struct store_reader *reader;
	struct store_entry entry;
	bool is_there;

	assert_int_equal(store_reader_open(&reader, r->store, NULL), AG_OK);
	is_there = store_get(reader, lease_key(id, key), &entry, NULL) == AG_OK;
	if (is_there) {
		memcpy(value, entry.value.data, entry.value.len);
		assert_int_equal(lease_decode(lease,
				     bytes_of(value, entry.value.len), NULL),
		    AG_OK);
	}
	store_reader_close(reader);
	return is_there;
}

/* --- grant, keep alive, revoke --- */

static void
the_state_gives_out_rising_numbers(void **state)
{
	struct lease lease;

	(void)state;
	begin(1000);
	grant(10);
	grant(20);
	about(OPERATION_REVOKE, 2);
	grant(30);
	end();
	assert_int_equal(replica.outcomes[0].result.version, 1);
	assert_int_equal(replica.outcomes[0].result.previous_version, 11000);
	assert_int_equal(replica.outcomes[1].result.version, 2);
	assert_int_equal(replica.outcomes[3].result.version, 3);
	assert_true(entry_of(&replica, 1, &lease));
	assert_int_equal(lease.ttl_s, 10);
	assert_int_equal(lease.granted_ms, 1000);
	assert_int_equal(lease.expiry_ms, 11000);
	assert_int_equal(lease.principal[0], 1);
	assert_false(entry_of(&replica, 2, &lease));
}

static void
a_key_goes_when_its_lease_is_revoked(void **state)
{
	struct lease lease;

	(void)state;
	begin(1000);
	grant(10);
	put_with("b", 1);
	put_with("a", 1);
	put_with("c", 0);
	end();
	assert_int_equal(lease_of(&replica, "a"), 1);
	assert_int_equal(lease_of(&replica, "c"), 0);
	assert_true(entry_of(&replica, 1, &lease));
	assert_int_equal(lease.key_count, 2);
	assert_true(bytes_equal(lease.keys[0], bytes_from_text("a")));

	begin(1001);
	about(OPERATION_REVOKE, 1);
	about(OPERATION_REVOKE, 1);
	end();
	assert_int_equal(code(0), RESULT_DONE);
	assert_int_equal(code(1), RESULT_NO_LEASE);
	assert_deleted(2, "a", "b");
	assert_int_equal(lease_of(&replica, "c"), 0);
	assert_int_equal(store_next_expiry_ms(replica.store), 0);
}

static void
who_is_kept_alive_lives_on_from_then(void **state)
{
	(void)state;
	begin(1000);
	grant(10);
	put_with("k", 1);
	end();
	begin(9000);
	about(OPERATION_KEEP_ALIVE, 1);
	end();
	assert_int_equal(replica.outcomes[0].result.previous_version, 19000);
	assert_int_equal(store_next_expiry_ms(replica.store), 19000);
	pass(19000);
	assert_deleted(0);
	pass(19001);
	assert_deleted(1, "k");
}

static void
an_unknown_lease_is_refused_and_changes_nothing(void **state)
{
	(void)state;
	begin(1000);
	put_with("k", 7);
	about(OPERATION_KEEP_ALIVE, 7);
	about(OPERATION_REVOKE, 7);
	end();
	assert_int_equal(code(0), RESULT_NO_LEASE);
	assert_int_equal(code(1), RESULT_NO_LEASE);
	assert_int_equal(code(2), RESULT_NO_LEASE);
	assert_int_equal(lease_of(&replica, "k"), UINT64_MAX);
}

static void
a_version_that_differs_is_told_before_the_lease(void **state)
{
	(void)state;
	begin(1000);
	put_with("k", 0);
	maker.op.change.lease = 7;
	maker.op.change.has_if_version = true;
	batch_add(&maker);
	end();
	assert_int_equal(code(1), RESULT_CONFLICT);
}

/* --- attaching --- */

static void
a_put_without_a_lease_detaches(void **state)
{
	struct lease lease;

	(void)state;
	begin(1000);
	grant(10);
	put_with("k", 1);
	put_with("k", 0);
	end();
	assert_int_equal(lease_of(&replica, "k"), 0);
	assert_true(entry_of(&replica, 1, &lease));
	assert_int_equal(lease.key_count, 0);
	pass(20000);
	assert_deleted(0);
	assert_int_equal(lease_of(&replica, "k"), 0);
}

static void
a_delete_detaches(void **state)
{
	(void)state;
	begin(1000);
	grant(10);
	put_with("k", 1);
	batch_delete(&maker, "k");
	batch_put(&maker, "k", "another");
	end();
	pass(20000);
	assert_deleted(0);
}

static void
a_key_has_the_lease_of_its_last_put(void **state)
{
	(void)state;
	begin(1000);
	grant(10);
	grant(20);
	put_with("k", 1);
	put_with("k", 2);
	end();
	pass(12000);
	assert_deleted(0);
	assert_int_equal(lease_of(&replica, "k"), 2);
	pass(22000);
	assert_deleted(1, "k");
}

static void
a_transaction_attaches_all_its_keys_or_none(void **state)
{
	struct operation *op = &maker.op;

	(void)state;
	begin(1000);
	grant(10);
	memset(op, 0, sizeof(*op));
	op->kind = OPERATION_TXN;
	op->change_count[0] = 2;
	op->changes[0][0] = (struct change){ .kind = OPERATION_PUT,
		.key = bytes_from_text("a"),
		.lease = 1 };
	op->changes[0][1] = (struct change){ .kind = OPERATION_PUT,
		.key = bytes_from_text("b"),
		.lease = 2 };
	batch_add(&maker);
	op->changes[0][1].lease = 1;
	batch_add(&maker);
	end();
	assert_int_equal(code(1), RESULT_NO_LEASE);
	assert_int_equal(code(2), RESULT_DONE);
	assert_int_equal(lease_of(&replica, "a"), 1);
	assert_int_equal(lease_of(&replica, "b"), 1);
}

/* --- bounds --- */

static void
a_lease_has_no_more_keys_than_a_transaction(void **state)
{
	static char keys[LEASE_KEYS_MAX + 1][8];
	struct operation *op = &maker.op;
	size_t i;

	(void)state;
	begin(1000);
	grant(10);
	for (i = 0; i <= LEASE_KEYS_MAX; i++) {
		(void)snprintf(keys[i], sizeof(keys[i]), "k%02zu", i);
		put_with(keys[i], 1);
	}
	put_with("k00", 1);
	end();
	assert_int_equal(code(LEASE_KEYS_MAX), RESULT_DONE);
	assert_int_equal(code(LEASE_KEYS_MAX + 1), RESULT_FULL);
	assert_int_equal(code(LEASE_KEYS_MAX + 2), RESULT_DONE);

	/* All that it has, once more. */
	begin(1000);
	memset(op, 0, sizeof(*op));
	op->kind = OPERATION_TXN;
	op->change_count[0] = LEASE_KEYS_MAX;
	for (i = 0; i < LEASE_KEYS_MAX; i++)
		op->changes[0][i] = (struct change){ .kind = OPERATION_PUT,
			.key = bytes_from_text(keys[i]),
			.lease = 1 };
	batch_add(&maker);
	/* One of them less, for another that comes: judged before. */
	op->changes[0][0].key = bytes_from_text("another");
	batch_add(&maker);
	end();
	assert_int_equal(code(0), RESULT_DONE);
	assert_int_equal(code(1), RESULT_FULL);
	assert_int_equal(lease_of(&replica, "another"), UINT64_MAX);
	pass(20000);
	assert_int_equal(replica.deleted_count, LEASE_KEYS_MAX);
}

static void
one_principal_does_not_use_up_all_leases(void **state)
{
	size_t i;

	(void)state;
	begin(1000);
	for (i = 0; i <= LEASES_OF_ONE_MAX; i++)
		grant(10);
	end();
	assert_int_equal(code(LEASES_OF_ONE_MAX - 1), RESULT_DONE);
	assert_int_equal(code(LEASES_OF_ONE_MAX), RESULT_FULL);
	batch_begin(&maker, 2, 1, 1000);
	grant(10);
	feed(&replica, batch_end(&maker));
	feed(&twin, batch_end(&maker));
	assert_int_equal(code(0), RESULT_DONE);
	assert_same();
}

/* The version of a lease's entry; 0: there is none. */
static uint64_t
version_of(uint64_t id)
{
	uint8_t key[LEASE_KEY_BYTES];
	struct store_reader *reader;
	struct store_entry entry;
	uint64_t version = 0;

	assert_int_equal(store_reader_open(&reader, replica.store, NULL),
	    AG_OK);
	if (store_get(reader, lease_key(id, key), &entry, NULL) == AG_OK)
		version = entry.version;
	store_reader_close(reader);
	return version;
}

static void
whatever_a_batch_does_to_a_lease_is_written_once(void **state)
{
	struct lease lease;

	(void)state;
	begin(1000);
	grant(10);
	put_with("a", 1);
	put_with("b", 1);
	about(OPERATION_KEEP_ALIVE, 1);
	grant(10);
	put_with("c", 2);
	about(OPERATION_REVOKE, 2);
	end();
	assert_int_equal(version_of(1), 1);
	assert_int_equal(version_of(2), 0);
	begin(2000);
	put_with("a", 0);
	put_with("a", 1);
	about(OPERATION_KEEP_ALIVE, 1);
	about(OPERATION_KEEP_ALIVE, 1);
	end();
	assert_int_equal(version_of(1), 2);
	assert_true(entry_of(&replica, 1, &lease));
	assert_int_equal(lease.key_count, 2);
	assert_int_equal(lease.expiry_ms, 12000);
	pass(3000);
	assert_int_equal(version_of(1), 2);
}

/* --- expiry --- */

static void
a_batch_begins_with_what_expires(void **state)
{
	(void)state;
	begin(1000);
	grant(10);
	put_with("k", 1);
	end();
	begin(11001);
	put_with("k", 0);
	about(OPERATION_KEEP_ALIVE, 1);
	end();
	assert_deleted(1, "k");
	assert_int_equal(replica.outcomes[0].result.previous_version, 0);
	assert_int_equal(code(1), RESULT_NO_LEASE);
}

static void
a_revoke_in_the_batch_of_its_expiry_comes_too_late(void **state)
{
	(void)state;
	begin(1000);
	grant(10);
	put_with("k", 1);
	end();
	begin(11001);
	about(OPERATION_REVOKE, 1);
	end();
	assert_deleted(1, "k");
	assert_int_equal(code(0), RESULT_NO_LEASE);
}

static void
the_first_to_expire_goes_first_and_of_one_moment_the_oldest(void **state)
{
	(void)state;
	begin(1000);
	grant(30);
	grant(10);
	grant(10);
	put_with("late", 1);
	put_with("z", 2);
	put_with("y", 3);
	put_with("x", 3);
	end();
	pass(60000);
	assert_deleted(4, "z", "x", "y", "late");
}

static void
many_of_one_moment_go_in_several_batches_and_live_in_none(void **state)
{
	const size_t count = 2 * LEASES_SWEEP_MAX + 1;
	char key[16];
	size_t i;

	(void)state;
	begin(1000);
	for (i = 1; i <= count; i++) {
		grant(10);
		(void)snprintf(key, sizeof(key), "k%03zu", i);
		put_with(key, i);
	}
	end();
	begin(12000);
	about(OPERATION_KEEP_ALIVE, count);
	put_with("more", count);
	end();
	assert_int_equal(replica.deleted_count, LEASES_SWEEP_MAX);
	assert_string_equal(replica.deleted[0], "k001");
	assert_int_equal(code(0), RESULT_NO_LEASE);
	assert_int_equal(code(1), RESULT_NO_LEASE);
	pass(12000);
	assert_int_equal(replica.deleted_count, LEASES_SWEEP_MAX);
	assert_int_equal(store_next_expiry_ms(replica.store), 11000);
	pass(12000);
	assert_deleted(1, "k129");
	assert_int_equal(store_next_expiry_ms(replica.store), 0);
}

/* 64 keys, in one transaction. */
static void
put_many_with(uint64_t lease)
{
	static char keys[LEASE_KEYS_MAX][16];
	struct operation *op = &maker.op;
	size_t i;

	op->kind = OPERATION_TXN;
	op->compare_count = 0;
	op->change_count[0] = LEASE_KEYS_MAX;
	op->change_count[1] = 0;
	for (i = 0; i < LEASE_KEYS_MAX; i++) {
		(void)snprintf(keys[i], sizeof(keys[i]), "%03u/%02zu",
		    (unsigned int)lease, i);
		op->changes[0][i] = (struct change){ .kind = OPERATION_PUT,
			.key = bytes_from_text(keys[i]),
			.value = bytes_from_text("v"),
			.lease = lease };
	}
	batch_add(&maker);
}

/* So many leases of 64 keys go in one batch. */
#define WHOLE (LEASES_SWEEP_KEYS_MAX / LEASE_KEYS_MAX)

static void
what_is_revoked_beyond_a_batchs_measure_goes_in_the_next(void **state)
{
	const uint64_t count = WHOLE + 1;
	uint64_t i;

	(void)state;
	begin(1000);
	for (i = 1; i <= count + 1; i++) {
		grant(10);
		put_many_with(i);
	}
	end();
	begin(2000);
	for (i = 1; i <= count; i++)
		about(OPERATION_REVOKE, i);
	about(OPERATION_KEEP_ALIVE, count);
	put_with("more", count);
	end();
	assert_int_equal(replica.deleted_count, LEASES_SWEEP_KEYS_MAX);
	assert_int_equal(code(count - 1), RESULT_DONE);
	assert_int_equal(code(count), RESULT_NO_LEASE);
	assert_int_equal(code(count + 1), RESULT_NO_LEASE);
	assert_int_equal(store_next_expiry_ms(replica.store), 1999);
	pass(2000);
	assert_int_equal(replica.deleted_count, LEASE_KEYS_MAX);
	assert_string_equal(replica.deleted[0], "017/00");
	assert_int_equal(store_next_expiry_ms(replica.store), 11000);
}

static void
leases_with_many_keys_expire_a_few_in_a_batch(void **state)
{
	uint64_t i;

	(void)state;
	begin(1000);
	for (i = 1; i <= WHOLE + 1; i++) {
		grant(10);
		put_many_with(i);
	}
	end();
	pass(20000);
	assert_int_equal(replica.deleted_count, LEASES_SWEEP_KEYS_MAX);
	pass(20000);
	assert_int_equal(replica.deleted_count, LEASE_KEYS_MAX);
}

static void
bytes_that_are_no_batch_let_nothing_expire(void **state)
{
	(void)state;
	begin(1000);
	grant(1);
	put_with("k", 1);
	end();
	feed(&replica, bytes_from_text("nonsense"));
	assert_deleted(0);
}

/* --- restarts, copies --- */

static void
a_restart_in_between_changes_nothing(void **state)
{
	struct bytes batch;

	(void)state;
	begin(1000);
	grant(10);
	grant(20);
	put_with("a", 1);
	put_with("b", 2);
	end();
	reopen(&replica);
	assert_same();
	assert_int_equal(store_next_expiry_ms(replica.store), 11000);
	assert_int_equal(lease_of(&replica, "b"), 2);
	begin(12000);
	put_with("c", 2);
	grant(5);
	batch = batch_end(&maker);
	number += 2;
	feed(&replica, batch);
	reopen(&replica);
	feed(&twin, batch);
	assert_same();
	assert_int_equal(twin.outcomes[1].result.version, 3);
	pass(60000);
	assert_deleted(2, "b", "c");
}

static void
copy_state(struct replica *from, const char *to)
{
	struct snapshot_info info;
	struct snapshot_reader *r;
	struct snapshot_writer *w;
	struct store_pin *pin;
	uint8_t piece[4096];
	size_t len;

	assert_int_equal(store_pin(from->store, &pin, NULL), AG_OK);
	assert_int_equal(snapshot_writer_new(&w, pin, &scope, bytes_of(NULL, 0),
			     NULL),
	    AG_OK);
	assert_int_equal(snapshot_reader_new(&r, to, NULL), AG_OK);
	do {
		assert_int_equal(snapshot_writer_read(w, piece, sizeof(piece),
				     &len, NULL),
		    AG_OK);
		assert_int_equal(snapshot_reader_feed(r, bytes_of(piece, len),
				     NULL),
		    AG_OK);
	} while (len > 0);
	assert_int_equal(snapshot_reader_finish(r, &info, NULL), AG_OK);
	snapshot_reader_free(r);
	snapshot_writer_free(w);
	store_unpin(pin);
}

static void
a_state_that_was_copied_knows_its_leases(void **state)
{
	char copy[DIRECTORY_PATH_BYTES + 16];

	(void)state;
	begin(1000);
	grant(10);
	put_with("a", 1);
	end();
	(void)snprintf(copy, sizeof(copy), "%s/copy", root);
	copy_state(&replica, copy);
	memcpy(twin.dir, copy, sizeof(copy));
	reopen(&twin);
	assert_same();
	assert_int_equal(lease_of(&twin, "a"), 1);
	assert_int_equal(store_next_expiry_ms(twin.store), 11000);
	begin(2000);
	put_with("a", 0);
	grant(7);
	put_with("b", 2);
	end();
	pass(60000);
	assert_deleted(1, "b");
}

static void
a_state_without_leases_has_no_entry_of_any(void **state)
{
	struct lease lease;

	(void)state;
	begin(1000);
	put_with("a", 0);
	end();
	assert_int_equal(store_next_expiry_ms(replica.store), 0);
	assert_false(entry_of(&replica, 1, &lease));
}

/* --- bytes --- */

static struct lease
sample(void)
{
	return (struct lease){
		.ttl_s = 10,
		.granted_ms = 1,
		.expiry_ms = 10001,
		.keys = { bytes_from_text("a"), bytes_from_text("b") },
		.key_count = 2,
	};
}

static void
a_lease_comes_back_from_its_bytes(void **state)
{
	static uint8_t out[LEASE_BYTES_MAX];
	struct lease lease = sample(), back;

	(void)state;
	lease.principal[31] = 7;
	assert_int_equal(lease_decode(&back, lease_encode(&lease, out), NULL),
	    AG_OK);
	assert_memory_equal(back.principal, lease.principal, PRINCIPAL_BYTES);
	assert_int_equal(back.ttl_s, 10);
	assert_int_equal(back.granted_ms, 1);
	assert_int_equal(back.expiry_ms, 10001);
	assert_int_equal(back.key_count, 2);
	assert_true(bytes_equal(back.keys[1], bytes_from_text("b")));
}

static void
the_largest_lease_has_room(void **state)
{
	static uint8_t out[LEASE_BYTES_MAX], key[LEASE_KEYS_MAX][KEY_BYTES_MAX];
	struct lease lease = { .ttl_s = LEASE_TTL_S_MAX,
		.granted_ms = INT64_MAX,
		.expiry_ms = INT64_MAX,
		.key_count = LEASE_KEYS_MAX };
	struct lease back;
	size_t i;

	(void)state;
	for (i = 0; i < LEASE_KEYS_MAX; i++) {
		key[i][0] = (uint8_t)(i + 1);
		lease.keys[i] = bytes_of(key[i], KEY_BYTES_MAX);
	}
	assert_int_equal(lease_decode(&back, lease_encode(&lease, out), NULL),
	    AG_OK);
}

static void
a_damaged_lease_is_refused(void **state)
{
	static uint8_t out[LEASE_BYTES_MAX];
	struct lease lease = sample(), back;
	struct ag_error err;

	(void)state;
	lease.keys[1] = lease.keys[0];
	assert_int_equal(lease_decode(&back, lease_encode(&lease, out), &err),
	    AG_ECORRUPT);
	assert_non_null(strstr(err.text, "do not rise"));
	lease = sample();
	lease.ttl_s = 0;
	assert_int_equal(lease_decode(&back, lease_encode(&lease, out), NULL),
	    AG_ECORRUPT);
	lease = sample();
	lease.keys[0] = operation_roster_key();
	assert_int_equal(lease_decode(&back, lease_encode(&lease, out), NULL),
	    AG_ECORRUPT);
	lease = sample();
	(void)lease_encode(&lease, out);
	out[1] = 2;
	assert_int_equal(lease_decode(&back, bytes_of(out, sizeof(out)), NULL),
	    AG_EVERSION);
}

static void
a_lease_is_found_by_its_entrys_key(void **state)
{
	uint8_t out[LEASE_KEY_BYTES];
	struct bytes key = lease_key(0x1234, out);
	uint64_t id;

	(void)state;
	assert_true(operation_key_is_reserved(key));
	assert_int_equal(lease_id_of_key(key, &id), AG_OK);
	assert_int_equal(id, 0x1234);
	assert_int_equal(lease_id_of_key(lease_key(0, out), &id), AG_EINVAL);
	assert_int_equal(lease_id_of_key(bytes_from_text("k"), &id), AG_EINVAL);
}

#define SPEC(name) \
	cmocka_unit_test_setup_teardown(name, open_replicas, close_replicas)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SPEC(the_state_gives_out_rising_numbers),
		SPEC(a_key_goes_when_its_lease_is_revoked),
		SPEC(who_is_kept_alive_lives_on_from_then),
		SPEC(an_unknown_lease_is_refused_and_changes_nothing),
		SPEC(a_version_that_differs_is_told_before_the_lease),
		SPEC(a_put_without_a_lease_detaches),
		SPEC(a_delete_detaches),
		SPEC(a_key_has_the_lease_of_its_last_put),
		SPEC(a_transaction_attaches_all_its_keys_or_none),
		SPEC(a_lease_has_no_more_keys_than_a_transaction),
		SPEC(one_principal_does_not_use_up_all_leases),
		SPEC(whatever_a_batch_does_to_a_lease_is_written_once),
		SPEC(a_batch_begins_with_what_expires),
		SPEC(a_revoke_in_the_batch_of_its_expiry_comes_too_late),
		SPEC(
		    the_first_to_expire_goes_first_and_of_one_moment_the_oldest),
		SPEC(many_of_one_moment_go_in_several_batches_and_live_in_none),
		SPEC(what_is_revoked_beyond_a_batchs_measure_goes_in_the_next),
		SPEC(leases_with_many_keys_expire_a_few_in_a_batch),
		SPEC(bytes_that_are_no_batch_let_nothing_expire),
		SPEC(a_restart_in_between_changes_nothing),
		SPEC(a_state_that_was_copied_knows_its_leases),
		SPEC(a_state_without_leases_has_no_entry_of_any),
		cmocka_unit_test(a_lease_comes_back_from_its_bytes),
		cmocka_unit_test(the_largest_lease_has_room),
		cmocka_unit_test(a_damaged_lease_is_refused),
		cmocka_unit_test(a_lease_is_found_by_its_entrys_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
