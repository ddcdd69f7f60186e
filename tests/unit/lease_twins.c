/*
 * Two replicas of one agreed order: one is only fed; the other is shut and
 * opened, copied as a state transfer does, sealed, sealed again and keeps
 * history.  They are the same after every batch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "codec/lease.h"
#include "fixture/batches.h"
#include "fixture/directory.h"
#include "fixture/keyrings.h"
#include "store/snapshot.h"
#include "store/store.h"

#define KEYS 40
#define BATCHES 700
#define OUTCOMES_MAX 64
#define DELETED_MAX 8192

static const struct trust_scope scope = { .cluster_id = { 1 }, .epoch = 1 };

struct replica {
	char dir[DIRECTORY_PATH_BYTES + 16];
	struct keyring *keyring;
	struct store_retention retention;
	struct store *store;
	struct store_outcome outcomes[OUTCOMES_MAX];
	size_t outcome_count;
	char deleted[DELETED_MAX][8]; /* keys, in order */
	size_t deleted_count;
};

static char root[DIRECTORY_PATH_BYTES];
static struct replica plain, other;
static struct batch_maker maker;
static uint64_t numbers[4], now_ms, leases;
static unsigned int copies;
static uint32_t seed, epoch;
static struct ag_error err;

static void
must(enum ag_status status)
{
	if (status != AG_OK)
		fail_msg("%s", err.text);
}

static uint32_t
chance(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static void
reopen(struct replica *r)
{
	store_close(r->store);
	must(store_open_from(&r->store, r->dir, scope.cluster_id, NULL,
	    r->keyring, NULL, &err));
	store_retain(r->store, &r->retention);
}

static int
open_replicas(void **state)
{
	char path[DIRECTORY_PATH_BYTES + 16];
	size_t i;

	(void)state;
	(void)directory_make(root);
	(void)snprintf(plain.dir, sizeof(plain.dir), "%s/plain", root);
	(void)snprintf(other.dir, sizeof(other.dir), "%s/other", root);
	(void)snprintf(path, sizeof(path), "%s/keyring", root);
	other.keyring = keyrings_make(path);
	other.retention = (struct store_retention){ 60000, 1U << 16 };
	reopen(&plain);
	reopen(&other);
	for (i = 0; i < 4; i++)
		numbers[i] = 1;
	now_ms = 1000;
	leases = 0;
	epoch = 1;
	return 0;
}

static int
close_replicas(void **state)
{
	(void)state;
	store_close(plain.store);
	store_close(other.store);
	plain.store = other.store = NULL;
	keyring_close(other.keyring);
	return directory_remove(root);
}

/* --- batches --- */

static struct bytes
some_key(void)
{
	static char keys[KEYS][8];
	uint32_t i = chance(KEYS);

	(void)snprintf(keys[i], sizeof(keys[i]), "k%02u", (unsigned int)i);
	return bytes_from_text(keys[i]);
}

/* Mostly one of late; sometimes none, or one that never was. */
static uint64_t
some_lease(void)
{
	uint64_t back = chance(12);

	return back < leases ? leases - back : chance(3);
}

static struct change
some_change(void)
{
	const bool is_put = chance(4) != 0;

	return (struct change){
		.kind = is_put ? OPERATION_PUT : OPERATION_DELETE,
		.key = some_key(),
		.value = bytes_of("a value", is_put ? chance(8) : 0),
		.has_if_version = chance(6) == 0,
		.if_version = chance(3),
		.lease = is_put && chance(3) != 0 ? some_lease() : 0,
	};
}

static void
some_txn(struct operation *op)
{
	size_t list, i;

	op->kind = OPERATION_TXN;
	op->compare_count = chance(2);
	op->compares[0] = (struct compare){ .kind = COMPARE_EXISTS,
		.key = some_key(),
		.number = chance(2) };
	for (list = 0; list < 2; list++) {
		op->change_count[list] = chance(8);
		for (i = 0; i < op->change_count[list]; i++)
			op->changes[list][i] = some_change();
	}
}

static void
some_operation(void)
{
	struct operation *op = &maker.op;

	switch (chance(8)) {
	case 0:
		op->kind = OPERATION_GRANT;
		op->ttl_s = 1 + chance(20);
		break;
	case 1:
		op->kind =
		    chance(2) == 0 ? OPERATION_REVOKE : OPERATION_KEEP_ALIVE;
		op->lease = 1 + some_lease();
		break;
	case 2:
	case 3:
		some_txn(op);
		break;
	default:
		op->change = some_change();
		op->kind = op->change.kind;
		break;
	}
	batch_add(&maker);
}

static struct bytes
some_batch(void)
{
	const uint8_t principal = (uint8_t)chance(4);
	size_t count = chance(24), i;

	if (chance(40) == 0)
		return bytes_from_text("no batch");
	/* Time stands still, goes on, and jumps. */
	if (chance(3) != 0)
		now_ms += chance(16) == 0 ? 30000 : chance(1500);
	batch_begin(&maker, principal, numbers[principal],
	    chance(10) == 0 ? now_ms - 500 : now_ms);
	for (i = 0; i < count; i++)
		some_operation();
	numbers[principal] += count;
	return batch_end(&maker);
}

static void
on_outcome(void *arg, const struct store_outcome *outcome)
{
	struct replica *r = arg;

	assert_true(r->outcome_count < OUTCOMES_MAX);
	r->outcomes[r->outcome_count++] = *outcome;
	if (r == &plain && outcome->result.version > leases)
		leases = outcome->result.version;
}

static void
on_change(void *arg, const struct store_change *change)
{
	const struct bytes key = change->entry.key;
	struct replica *r = arg;

	if (!change->is_delete)
		return;
	assert_true(r->deleted_count < DELETED_MAX && key.len < 8);
	memcpy(r->deleted[r->deleted_count], key.data, key.len);
	r->deleted[r->deleted_count++][key.len] = '\0';
}

static void
feed(struct replica *r, struct bytes batch)
{
	const struct store_observer observer = { r, on_outcome, on_change };

	r->outcome_count = 0;
	r->deleted_count = 0;
	must(store_apply(r->store, store_applied(r->store) + 1, batch,
	    &observer, &err));
}

/* --- what the other goes through --- */

static void
copy_state(struct replica *from, const char *to)
{
	struct snapshot_info info;
	struct snapshot_reader *r;
	struct snapshot_writer *w;
	struct store_pin *pin;
	uint8_t piece[4096];
	size_t len;

	must(store_pin(from->store, &pin, &err));
	must(snapshot_writer_new(&w, pin, &scope, bytes_of(NULL, 0), &err));
	must(snapshot_reader_new(&r, to, &err));
	do {
		must(snapshot_writer_read(w, piece, sizeof(piece), &len, &err));
		must(snapshot_reader_feed(r, bytes_of(piece, len), &err));
	} while (len > 0);
	must(snapshot_reader_finish(r, &info, &err));
	snapshot_reader_free(r);
	snapshot_writer_free(w);
	store_unpin(pin);
}

/* With another key, once all is with the present one and older are gone. */
static void
seal_again(void)
{
	struct store_resealing progress = { .is_done = false };
	size_t bytes, steps;

	for (steps = chance(4); steps > 0 && !progress.is_done; steps--)
		must(store_reseal(other.store, &progress, &bytes, &err));
	if (!progress.is_done)
		return;
	if (epoch > 1)
		must(keyring_epoch_destroy(other.keyring, epoch - 1, &err));
	must(keyring_epoch_prepare(other.keyring, ++epoch, 0, &err));
	must(keyring_epoch_activate(other.keyring, epoch, &err));
}

static void
something_happens(void)
{
	bool is_done;

	switch (chance(12)) {
	case 0:
		must(store_commit(other.store, &err));
		reopen(&other);
		break;
	case 1:
		must(store_commit(other.store, &err));
		(void)snprintf(other.dir, sizeof(other.dir), "%s/%u", root,
		    copies++);
		copy_state(chance(2) == 0 ? &plain : &other, other.dir);
		reopen(&other);
		break;
	case 2:
		seal_again();
		break;
	case 3:
		must(store_compact(other.store, &is_done, &err));
		break;
	case 4:
		other.retention.bytes = chance(2) == 0 ? 0 : 1U << 16;
		store_retain(other.store, &other.retention);
		break;
	default:
		break;
	}
}

/* --- what holds --- */

static void
assert_same(void)
{
	struct digest a, b;
	size_t i;

	must(store_digest(plain.store, &a, &err));
	must(store_digest(other.store, &b, &err));
	assert_true(digest_equal(&a, &b));
	assert_int_equal(store_next_expiry_ms(plain.store),
	    store_next_expiry_ms(other.store));
	assert_int_equal(plain.outcome_count, other.outcome_count);
	for (i = 0; i < plain.outcome_count; i++) {
		const struct result *x = &plain.outcomes[i].result;
		const struct result *y = &other.outcomes[i].result;

		assert_int_equal(x->code, y->code);
		assert_int_equal(x->version, y->version);
		assert_int_equal(x->previous_version, y->previous_version);
	}
	assert_int_equal(plain.deleted_count, other.deleted_count);
	for (i = 0; i < plain.deleted_count; i++)
		assert_string_equal(plain.deleted[i], other.deleted[i]);
}

static size_t attached;

static bool
check_key(void *arg, const struct store_entry *entry)
{
	(void)arg;
	attached += entry->lease != 0 ? 1 : 0;
	return true;
}

/* Entries of leases to a reader of keys: who is said to be attached is. */
static bool
check_lease(void *arg, const struct store_entry *entry)
{
	static struct lease lease;
	struct store_entry held;
	uint64_t id;
	size_t i;

	must(lease_decode(&lease, entry->value, &err));
	assert_int_equal(lease_id_of_key(entry->key, &id), AG_OK);
	for (i = 0; i < lease.key_count; i++) {
		must(store_get(arg, lease.keys[i], &held, &err));
		assert_int_equal(held.lease, id);
	}
	attached -= lease.key_count;
	return true;
}

static void
assert_leases_are_whole(struct replica *r)
{
	struct store_reader *keys, *entries;
	bool more;

	must(store_reader_open(&keys, r->store, &err));
	must(store_reader_open(&entries, r->store, &err));
	attached = 0;
	must(store_range(keys, bytes_of(NULL, 0), bytes_of(NULL, 0), KEYS + 1,
	    true, check_key, NULL, &more, NULL, &err));
	must(store_range(entries, bytes_of(KEY_LEASES, sizeof(KEY_LEASES) - 1),
	    bytes_of(KEY_LEASES_END, sizeof(KEY_LEASES_END) - 1), LEASES_MAX,
	    false, check_lease, keys, &more, NULL, &err));
	assert_int_equal(attached, 0);
	store_reader_close(keys);
	store_reader_close(entries);
}

static void
what_one_replica_went_through_is_not_in_its_state(void **state)
{
	struct bytes batch;
	size_t i;

	(void)state;
	for (seed = 1; seed < 4; seed++) {
		const uint32_t begun = seed;

		for (i = 0; i < BATCHES / 3; i++) {
			batch = some_batch();
			feed(&plain, batch);
			feed(&other, batch);
			assert_same();
			if (i % 16 == 0) {
				assert_leases_are_whole(&plain);
				assert_leases_are_whole(&other);
			}
			something_happens();
		}
		seed = begun;
	}
	assert_true(leases > 100 && copies > 10 && epoch > 5);
}

int
main(void)
{
	const struct CMUnitTest specs[] = {
		cmocka_unit_test_setup_teardown(
		    what_one_replica_went_through_is_not_in_its_state,
		    open_replicas, close_replicas),
	};

	return cmocka_run_group_tests(specs, NULL, NULL);
}
