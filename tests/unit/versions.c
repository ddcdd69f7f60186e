/*
 * Superseded versions: every state that is retained can be read as it was,
 * whatever happened in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture/batches.h"
#include "fixture/directory.h"
#include "fixture/keyrings.h"
#include "store/store.h"
#include "store/versions_read.h"

#define KEYS 12
#define BATCHES 120
#define CHANGES_MAX 2048

static const uint8_t cluster[CLUSTER_ID_BYTES] = { 1 };

static char root[DIRECTORY_PATH_BYTES];
static char dir[DIRECTORY_PATH_BYTES + 16];
static struct keyring *keyring;
static struct store *store;
static struct store_reader *reader;
static struct store_retention retention;
static struct batch_maker maker;
static uint64_t number;
static struct ag_error err;

/* What each key was after each sequence; version 0: absent. */
struct modelled {
	uint64_t version, created, modified;
	char value[24];
};
static struct modelled model[BATCHES + 1][KEYS];

/* All changes in their order. */
static struct {
	uint64_t seq;
	unsigned int key;
	bool is_delete;
	uint64_t version;
	char value[24];
} changes[CHANGES_MAX];
static size_t change_count;

static void
must(enum ag_status status)
{
	if (status != AG_OK)
		fail_msg("%s", err.text);
}

static void
open_store(void)
{
	must(store_open_from(&store, dir, cluster, NULL, keyring, NULL, &err));
	store_retain(store, &retention);
	must(store_reader_open(&reader, store, &err));
}

static void
close_store(void)
{
	store_reader_close(reader);
	store_close(store);
}

static int
setup(void **state)
{
	(void)state;
	(void)directory_make(root);
	(void)snprintf(dir, sizeof(dir), "%s/state", root);
	retention =
	    (struct store_retention){ UINT64_C(1) << 40, UINT64_C(1) << 30 };
	number = 0;
	change_count = 0;
	memset(model, 0, sizeof(model));
	open_store();
	return 0;
}

static int
setup_sealed(void **state)
{
	char path[DIRECTORY_PATH_BYTES + 16];

	(void)setup(state);
	close_store();
	(void)directory_remove(root);
	(void)directory_make(root);
	(void)snprintf(dir, sizeof(dir), "%s/state", root);
	(void)snprintf(path, sizeof(path), "%s/keyring", root);
	keyring = keyrings_make(path);
	open_store();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	close_store();
	if (keyring != NULL)
		keyring_close(keyring);
	keyring = NULL;
	return directory_remove(root);
}

static const char *
key_of(unsigned int key)
{
	static char text[16];

	(void)snprintf(text, sizeof(text), "k%02u", key);
	return text;
}

/* --- the model --- */

static uint32_t seed;

static uint32_t
chance(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static void
note(uint64_t seq, unsigned int key, bool is_delete)
{
	assert_true(change_count < CHANGES_MAX);
	changes[change_count].seq = seq;
	changes[change_count].key = key;
	changes[change_count].is_delete = is_delete;
	changes[change_count].version = model[seq][key].version;
	memcpy(changes[change_count++].value, model[seq][key].value,
	    sizeof(model[seq][key].value));
}

static void
model_put(uint64_t seq, unsigned int key, const char *value)
{
	struct modelled *m = &model[seq][key];

	if (m->version++ == 0)
		m->created = seq;
	m->modified = seq;
	(void)snprintf(m->value, sizeof(m->value), "%s", value);
	note(seq, key, false);
}

static void
model_delete(uint64_t seq, unsigned int key)
{
	if (model[seq][key].version == 0)
		return;
	model[seq][key] = (struct modelled){ 0 };
	note(seq, key, true);
}

static void
put(uint64_t seq, unsigned int key, const char *value)
{
	batch_put(&maker, key_of(key), value);
	model_put(seq, key, value);
}

static void delete (uint64_t seq, unsigned int key)
{
	batch_delete(&maker, key_of(key));
	model_delete(seq, key);
}

/* A transaction that puts one key and deletes another. */
static void
transact(uint64_t seq, unsigned int key, unsigned int other, const char *value)
{
	static char names[2][16];

	memset(&maker.op, 0, sizeof(maker.op));
	(void)snprintf(names[0], sizeof(names[0]), "%s", key_of(key));
	(void)snprintf(names[1], sizeof(names[1]), "%s", key_of(other));
	maker.op.kind = OPERATION_TXN;
	maker.op.change_count[0] = 2;
	maker.op.changes[0][0] = (struct change){ .kind = OPERATION_PUT,
		.key = bytes_from_text(names[0]),
		.value = bytes_from_text(value) };
	maker.op.changes[0][1] = (struct change){ .kind = OPERATION_DELETE,
		.key = bytes_from_text(names[1]) };
	batch_add(&maker);
	model_put(seq, key, value);
	model_delete(seq, other);
}

static void
begin(uint64_t seq)
{
	if (seq <= BATCHES)
		memcpy(model[seq], model[seq - 1], sizeof(model[seq]));
	batch_begin(&maker, 1, number + 1, 1000 * seq);
}

/* Only the model's part is done. */
static bool is_rehearsal;

static void
apply(void)
{
	number += maker.count;
	if (is_rehearsal)
		return;
	must(store_apply(store, store_applied(store) + 1, batch_end(&maker),
	    NULL, &err));
}

static void
random_batch(uint64_t seq)
{
	const uint32_t count = chance(7);
	char value[24];
	uint32_t i;

	begin(seq);
	for (i = 0; i < count; i++) {
		(void)snprintf(value, sizeof(value), "v%llu.%u",
		    (unsigned long long)seq, i);
		switch (chance(4)) {
		case 0:
			delete (seq, chance(KEYS));
			break;
		case 1:
			transact(seq, chance(KEYS), chance(KEYS), value);
			break;
		default:
			put(seq, chance(KEYS), value);
			break;
		}
	}
	apply();
}

static void
random_batches(unsigned int count)
{
	while (count-- > 0) {
		random_batch(store_applied(store) + 1);
		if (chance(3) == 0)
			must(store_commit(store, &err));
	}
	must(store_commit(store, &err));
}

/* --- against the store --- */

struct expected {
	uint64_t seq;
	unsigned int next; /* key */
	bool keys_only;
};

static void
skip_absent(struct expected *e)
{
	while (e->next < KEYS && model[e->seq][e->next].version == 0)
		e->next++;
}

static bool
on_entry(void *arg, const struct store_entry *entry)
{
	struct expected *e = arg;
	const struct modelled *m;

	skip_absent(e);
	assert_true(e->next < KEYS);
	m = &model[e->seq][e->next];
	assert_true(bytes_equal(entry->key, bytes_from_text(key_of(e->next))));
	assert_int_equal(entry->version, m->version);
	assert_int_equal(entry->created, m->created);
	assert_int_equal(entry->modified, m->modified);
	if (!e->keys_only)
		assert_true(
		    bytes_equal(entry->value, bytes_from_text(m->value)));
	e->next++;
	return true;
}

/* All keys as they were at seq, in pages of so many. */
static void
assert_state_at(uint64_t seq, size_t limit, bool keys_only)
{
	struct expected e = { .seq = seq, .keys_only = keys_only };
	struct versions_page page = { .more = true };
	uint8_t first[KEY_BYTES_MAX + 1];
	size_t len = 0;

	while (page.more) {
		must(versions_read_range(reader, seq, bytes_of(first, len),
		    bytes_of(NULL, 0), limit, keys_only, on_entry, &e, &page,
		    &err));
		len = page.next_len;
		memcpy(first, page.next, len);
	}
	skip_absent(&e);
	assert_int_equal(e.next, KEYS);
}

static void
assert_states(uint64_t oldest)
{
	uint64_t seq;

	for (seq = oldest; seq <= store_applied(store); seq++)
		assert_state_at(seq, 1 + seq % 5, seq % 2 == 0);
}

static enum ag_status
read_at(uint64_t seq, struct versions_page *page)
{
	struct expected e = { .seq = 0, .next = KEYS };

	return versions_read_range(reader, seq, bytes_from_text("a"),
	    bytes_from_text("b"), 1, true, on_entry, &e, page, &err);
}

static bool
wants_all(void *arg, struct bytes key)
{
	(void)arg;
	(void)key;
	return true;
}

static bool
on_change(void *arg, const struct store_change *change)
{
	size_t *at = arg;
	const char *key;

	assert_true(*at < change_count);
	key = key_of(changes[*at].key);
	assert_int_equal(change->seq, changes[*at].seq);
	assert_true(bytes_equal(change->entry.key, bytes_from_text(key)));
	assert_int_equal(change->is_delete, changes[*at].is_delete);
	assert_int_equal(change->entry.version, changes[*at].version);
	assert_int_equal(change->entry.modified, change->seq);
	assert_true(bytes_equal(change->entry.value,
	    bytes_from_text(changes[*at].value)));
	++*at;
	return true;
}

/* Every change from there on, in slices. */
static void
assert_changes_from(uint64_t from)
{
	struct versions_page page;
	uint64_t next = from;
	size_t at = 0;
	const struct versions_feed feed = { .arg = &at,
		.wants = wants_all,
		.change = on_change,
		.most_bytes = 40 };

	while (at < change_count && changes[at].seq < from)
		at++;
	do {
		from = next;
		must(versions_read_changes(reader, from, &feed, &next, &page,
		    &err));
	} while (next <= page.seq);
	assert_int_equal(at, change_count);
	assert_int_equal(next, store_applied(store) + 1);
}

static uint64_t
oldest(void)
{
	struct store_past past;

	store_look_past(store, &past);
	return past.oldest;
}

static void
compact(void)
{
	bool is_done = false;
	unsigned int steps = 0;

	while (!is_done && steps++ < 10000)
		must(store_compact(store, &is_done, &err));
	assert_true(is_done);
	must(store_commit(store, &err));
}

static int64_t
sql_number(const char *sql)
{
	char path[DIRECTORY_PATH_BYTES + 32];
	sqlite3_stmt *stmt;
	sqlite3 *db;
	int64_t value;

	(void)snprintf(path, sizeof(path), "%s/state.db", dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	value = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(db);
	return value;
}

/* --- specifications --- */

static void
every_key_reads_as_it_was_at_every_sequence(void **state)
{
	(void)state;
	for (seed = 1; seed < 1000; seed += 300) {
		random_batches(BATCHES);
		assert_states(0);
		(void)teardown(state);
		(void)setup(state);
	}
}

static void
changes_come_from_any_sequence_on_in_their_order(void **state)
{
	uint64_t from;

	(void)state;
	seed = 7;
	random_batches(BATCHES);
	for (from = 1; from <= BATCHES + 1; from++)
		assert_changes_from(from);
}

static void
a_sequence_not_executed_is_no_answer_yet(void **state)
{
	struct versions_page page;

	(void)state;
	seed = 1;
	random_batches(3);
	assert_int_equal(read_at(4, &page), AG_EUNREACH);
	assert_int_equal(read_at(UINT64_MAX, &page), AG_EUNREACH);
	assert_non_null(strstr(err.text, "this node is at 3"));
	assert_int_equal(read_at(3, &page), AG_OK);
}

static void
history_and_state_are_the_same_after_a_restart(void **state)
{
	(void)state;
	seed = 3;
	random_batches(BATCHES / 2);
	close_store();
	open_store();
	random_batches(BATCHES / 2);
	assert_states(0);
	assert_changes_from(1);
}

/* Execute batches, commit after some of them, and die. */
static void
die_after(unsigned int batches, unsigned int committed)
{
	open_store();
	while (batches-- > 0) {
		random_batch(store_applied(store) + 1);
		if (--committed == 0)
			must(store_commit(store, &err));
	}
	_exit(0);
}

static void
a_kill_never_parts_history_from_state(void **state)
{
	unsigned int kills;
	uint64_t seq;
	int status;
	pid_t pid;

	(void)state;
	seed = 11;
	for (kills = 0; kills < 8; kills++) {
		seq = store_applied(store);
		close_store();
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			die_after(6, 1 + kills % 7);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		open_store();
		assert_int_equal(store_applied(store),
		    seq + (kills % 7 == 6 ? 0 : 1 + kills % 7));
		/* What it did, for the model to know. */
		is_rehearsal = true;
		while (seq < store_applied(store))
			random_batch(++seq);
		is_rehearsal = false;
		assert_states(0);
		assert_changes_from(1);
	}
}

static void
compaction_by_age_drops_what_is_older_and_nothing_else(void **state)
{
	struct versions_page page;

	(void)state;
	seed = 5;
	retention.age_ms = 20500; /* of a batch each second */
	store_retain(store, &retention);
	random_batches(BATCHES);
	compact();
	assert_in_range(oldest(), BATCHES - 22, BATCHES - 20);
	assert_states(oldest());
	assert_changes_from(oldest() + 1);
	assert_int_equal(read_at(oldest() - 1, &page), AG_EREFUSED);
	assert_int_equal(page.oldest, oldest());
	assert_int_equal(sql_number("SELECT count(*) FROM superseded "
				    "WHERE seq <= (SELECT oldest "
				    "FROM retention)"),
	    0);
	close_store();
	open_store();
	assert_int_equal(read_at(oldest() - 1, &page), AG_EREFUSED);
	assert_states(oldest());
}

static void
compaction_by_bytes_keeps_the_newest(void **state)
{
	struct store_past past;

	(void)state;
	seed = 9;
	retention.bytes = 4000;
	store_retain(store, &retention);
	random_batches(BATCHES);
	compact();
	store_look_past(store, &past);
	assert_true(past.bytes <= 4000 && past.bytes > 3000);
	assert_true(past.oldest > 0 && past.oldest < BATCHES);
	assert_int_equal(sql_number("SELECT count(*) FROM superseded"),
	    past.versions);
	assert_int_equal(sql_number("SELECT sum(bytes) FROM changes"),
	    past.bytes);
	assert_states(past.oldest);
	assert_changes_from(past.oldest + 1);
}

/* A batch of more versions than one step drops. */
static void
many_keys(uint64_t seq)
{
	static char keys[500][16];
	unsigned int i;

	begin(seq);
	for (i = 0; i < 500; i++) {
		(void)snprintf(keys[i], sizeof(keys[i]), "m%03u", i);
		batch_put(&maker, keys[i], "value");
	}
	apply();
	must(store_commit(store, &err));
}

static void
a_step_of_compaction_is_short_and_a_crash_in_it_costs_nothing(void **state)
{
	struct versions_page page;
	struct store_past past;
	bool is_done = true;

	(void)state;
	many_keys(1);
	many_keys(2);
	many_keys(3);
	close_store();
	retention.bytes = 1;
	open_store();
	must(store_compact(store, &is_done, &err));
	assert_false(is_done);
	must(store_commit(store, &err));
	must(store_compact(store, &is_done, &err));
	must(store_commit(store, &err));
	assert_false(is_done);
	store_look_past(store, &past);
	assert_in_range(past.versions, 1000 - 2 * 64, 999);
	assert_int_equal(past.oldest, 2);
	assert_int_equal(read_at(1, &page), AG_EREFUSED);
	must(store_compact(store, &is_done, &err));
	close_store(); /* not committed: it is as before that step */
	open_store();
	assert_int_equal(read_at(2, &page), AG_OK);
	compact();
	store_look_past(store, &past);
	assert_int_equal(past.versions, 0);
	assert_int_equal(past.bytes, 0);
	assert_int_equal(past.oldest, 3);
}

static void
the_bound_on_bytes_holds_while_writes_go_on(void **state)
{
	struct store_past past;
	bool is_done;
	int64_t pages = 0;
	uint64_t seq;

	(void)state;
	retention.bytes = 100000;
	store_retain(store, &retention);
	for (seq = 1; seq <= 80; seq++) {
		many_keys(seq);
		must(store_compact(store, &is_done, &err));
		must(store_commit(store, &err));
		store_look_past(store, &past);
		assert_true(past.bytes < 200000);
		if (seq == 20)
			pages = sql_number("PRAGMA page_count");
	}
	/* Space that was given up is used again. */
	assert_true(sql_number("PRAGMA page_count") <= pages + pages / 10);
}

static void
large_values_take_the_place_of_many_small_ones(void **state)
{
	static uint8_t value[100000];
	struct store_past past;
	bool is_done;
	uint64_t seq;

	(void)state;
	retention.bytes = 1000000;
	store_retain(store, &retention);
	for (seq = 1; seq <= 30; seq++)
		many_keys(seq);
	for (; seq <= 90; seq++) {
		begin(seq);
		maker.op.kind = OPERATION_PUT;
		maker.op.change = (struct change){ .kind = OPERATION_PUT,
			.key = bytes_from_text("large"),
			.value = bytes_of(value, sizeof(value)) };
		batch_add(&maker);
		apply();
		must(store_compact(store, &is_done, &err));
		must(store_commit(store, &err));
		store_look_past(store, &past);
		assert_true(past.bytes < 1200000);
	}
}

static void
nothing_is_kept_when_nothing_is_to_be(void **state)
{
	struct versions_page page;

	(void)state;
	seed = 13;
	random_batches(10);
	retention.bytes = 0;
	store_retain(store, &retention);
	random_batches(10);
	assert_int_equal(oldest(), 20);
	assert_int_equal(read_at(19, &page), AG_EREFUSED);
	assert_state_at(20, 3, false);
	compact();
	assert_int_equal(sql_number("SELECT count(*) FROM superseded"), 0);
	close_store();
	retention.bytes = 100000;
	open_store();
	random_batches(10);
	assert_int_equal(oldest(), 20);
	assert_states(20);
	assert_changes_from(21);
}

static void
an_insert_keeps_no_version(void **state)
{
	struct store_past past;

	(void)state;
	many_keys(1);
	store_look_past(store, &past);
	assert_int_equal(past.versions, 0);
	assert_int_equal(sql_number("SELECT count(*) FROM superseded"), 0);
}

static void
history_is_in_no_digest(void **state)
{
	struct digest with, without;

	(void)state;
	seed = 17;
	random_batches(40);
	must(store_digest(store, &with, &err));
	(void)teardown(state);
	(void)setup(state);
	retention.bytes = 0;
	store_retain(store, &retention);
	seed = 17;
	random_batches(40);
	must(store_digest(store, &without, &err));
	assert_true(digest_equal(&with, &without));
}

/* --- the versions of a key --- */

struct told {
	char text[512];
	struct versions_end last;
	size_t most;
};

static bool
on_version(void *arg, const struct versions_version *version)
{
	struct told *t = arg;
	const size_t len = strlen(t->text);

	if (t->most-- == 0)
		return false;
	(void)snprintf(t->text + len, sizeof(t->text) - len, "%llu:%.*s%s ",
	    (unsigned long long)version->entry.version,
	    (int)version->entry.value.len,
	    (const char *)version->entry.value.data,
	    version->end.seq == UINT64_MAX ? ""
		: version->is_deleted      ? "-"
					   : "+");
	t->last = version->end;
	return true;
}

static bool
tell(struct told *t, struct versions_end after, bool is_reverse, size_t limit)
{
	struct versions_page page;

	*t = (struct told){ .most = SIZE_MAX };
	must(versions_read_key(reader, bytes_from_text("k00"), &after,
	    is_reverse, limit, on_version, t, &page, &err));
	return page.more;
}

static void
a_key_s_versions_are_told_in_both_directions_and_in_pages(void **state)
{
	const struct versions_end first = { 0, 0 }, last = { UINT64_MAX, 0 };
	struct told t;

	(void)state;
	begin(1);
	put(1, 0, "a");
	put(1, 0, "b");
	delete (1, 0);
	put(1, 0, "c");
	apply();
	begin(2);
	put(2, 0, "d");
	apply();
	begin(3);
	delete (3, 0);
	apply();
	begin(4);
	put(4, 0, "e");
	apply();
	must(store_commit(store, &err));
	assert_false(tell(&t, first, false, 9));
	assert_string_equal(t.text, "1:a+ 2:b- 1:c+ 2:d- 1:e ");
	assert_false(tell(&t, last, true, 9));
	assert_string_equal(t.text, "1:e 2:d- 1:c+ 2:b- 1:a+ ");
	assert_true(tell(&t, first, false, 2));
	assert_string_equal(t.text, "1:a+ 2:b- ");
	assert_true(tell(&t, t.last, false, 2));
	assert_string_equal(t.text, "1:c+ 2:d- ");
	assert_false(tell(&t, t.last, false, 2));
	assert_string_equal(t.text, "1:e ");
	assert_true(tell(&t, last, true, 4));
	assert_false(tell(&t, t.last, true, 4));
	assert_string_equal(t.text, "1:a+ ");
	assert_false(tell(&t, last, false, 4));
	assert_string_equal(t.text, "");
	retention.age_ms = 1500;
	store_retain(store, &retention);
	compact();
	assert_int_equal(oldest(), 2);
	assert_false(tell(&t, first, false, 9));
	assert_string_equal(t.text, "2:d- 1:e ");
	assert_false(tell(&t, last, true, 9));
	assert_string_equal(t.text, "1:e 2:d- ");
}

/* --- the links between versions --- */

#define LINKED 20000

static struct {
	uint32_t prev, jump, seq;
} linked[LINKED + 1];

static void
load_links(void)
{
	char path[DIRECTORY_PATH_BYTES + 32];
	sqlite3_stmt *stmt;
	sqlite3 *db;

	(void)snprintf(path, sizeof(path), "%s/state.db", dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
			     "SELECT id, prev, jump, seq FROM superseded", -1,
			     &stmt, NULL),
	    SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		const int id = sqlite3_column_int(stmt, 0);

		assert_in_range(id, 1, LINKED);
		linked[id].prev = (uint32_t)sqlite3_column_int(stmt, 1);
		linked[id].jump = (uint32_t)sqlite3_column_int(stmt, 2);
		linked[id].seq = (uint32_t)sqlite3_column_int(stmt, 3);
	}
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(db);
}

static void
any_of_many_versions_is_a_few_links_away(void **state)
{
	uint32_t target, at, next;
	unsigned int i, steps;

	(void)state;
	while (store_applied(store) < LINKED / 500 + 1) {
		begin(store_applied(store) + 1);
		i = store_applied(store) == LINKED / 500 ? 499 : 0;
		for (; i < 500; i++)
			batch_put(&maker, "k", "v");
		apply();
	}
	must(store_commit(store, &err));
	load_links();
	for (target = 1; target <= LINKED; target += 7) {
		for (at = LINKED, steps = 0; at > target; at = next) {
			next = linked[at].jump >= target ? linked[at].jump
							 : linked[at].prev;
			assert_true(next < at && ++steps <= 64);
		}
		assert_int_equal(at, target);
	}
}

/* --- damage --- */

static void
sql_do(const char *sql)
{
	char path[DIRECTORY_PATH_BYTES + 32];
	sqlite3 *db;

	(void)snprintf(path, sizeof(path), "%s/state.db", dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(db);
}

static enum ag_status
feed_all(void)
{
	struct versions_page page;
	uint64_t next = 1;
	size_t at = 0;
	const struct versions_feed feed = { .arg = &at,
		.wants = wants_all,
		.change = on_change,
		.most_bytes = SIZE_MAX };

	return versions_read_changes(reader, 1, &feed, &next, &page, &err);
}

static void
damaged_history_is_said_to_be_and_never_made_up(void **state)
{
	static const char *const damage[] = {
		"UPDATE changes SET notes = substr(notes, 1, 4)",
		"UPDATE changes SET notes = x'ffff006b'",
		"UPDATE changes SET notes = x'000000'",
		"UPDATE changes SET notes = x'0300006b303001'",
		"UPDATE changes SET notes = x'0300016b3030'",
		"DELETE FROM superseded; DELETE FROM kv",
	};
	bool is_done = false;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		begin(1);
		put(1, 0, "a");
		apply();
		begin(2);
		put(2, 0, "b");
		apply();
		must(store_commit(store, &err));
		assert_int_equal(feed_all(), AG_OK);
		close_store();
		sql_do(damage[i]);
		open_store();
		assert_int_equal(feed_all(), AG_ECORRUPT);
		/* Nor does it keep compaction from its end. */
		retention.bytes = 1;
		store_retain(store, &retention);
		while (!is_done)
			must(store_compact(store, &is_done, &err));
		(void)teardown(state);
		(void)setup(state);
	}
}

/* --- sealed --- */

static int64_t
count_of_epoch(uint32_t epoch)
{
	char sql[192];

	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM (SELECT value FROM kv UNION ALL "
	    "SELECT value FROM superseded) "
	    "WHERE substr(value, 1, 4) = x'%02x000000'",
	    epoch);
	return sql_number(sql);
}

static void
a_kept_value_is_sealed_again_before_its_key_is_given_up(void **state)
{
	struct store_resealing progress = { .is_done = false };
	unsigned int steps = 0;
	size_t bytes;

	(void)state;
	seed = 21;
	random_batches(BATCHES / 2);
	must(keyring_epoch_prepare(keyring, 2, 0, &err));
	must(keyring_epoch_activate(keyring, 2, &err));
	assert_true(count_of_epoch(1) > 100);
	while (!progress.is_done && steps++ < 1000) {
		must(store_reseal(store, &progress, &bytes, &err));
		must(store_commit(store, &err));
		if (steps % 2 == 0 && store_applied(store) < BATCHES)
			random_batches(1);
		if (steps == 3) {
			close_store();
			open_store();
		}
	}
	assert_true(progress.is_done);
	assert_int_equal(count_of_epoch(1), 0);
	must(keyring_epoch_destroy(keyring, 1, &err));
	assert_states(0);
	assert_changes_from(1);
}

int
main(void)
{
#define SPEC(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest specs[] = {
		SPEC(every_key_reads_as_it_was_at_every_sequence),
		SPEC(changes_come_from_any_sequence_on_in_their_order),
		SPEC(a_sequence_not_executed_is_no_answer_yet),
		SPEC(history_and_state_are_the_same_after_a_restart),
		SPEC(a_kill_never_parts_history_from_state),
		SPEC(compaction_by_age_drops_what_is_older_and_nothing_else),
		SPEC(compaction_by_bytes_keeps_the_newest),
		SPEC(
		    a_step_of_compaction_is_short_and_a_crash_in_it_costs_nothing),
		SPEC(the_bound_on_bytes_holds_while_writes_go_on),
		SPEC(large_values_take_the_place_of_many_small_ones),
		SPEC(nothing_is_kept_when_nothing_is_to_be),
		SPEC(an_insert_keeps_no_version),
		SPEC(history_is_in_no_digest),
		SPEC(a_key_s_versions_are_told_in_both_directions_and_in_pages),
		SPEC(any_of_many_versions_is_a_few_links_away),
		SPEC(damaged_history_is_said_to_be_and_never_made_up),
		cmocka_unit_test_setup_teardown(
		    a_kept_value_is_sealed_again_before_its_key_is_given_up,
		    setup_sealed, teardown),
	};

	return cmocka_run_group_tests(specs, NULL, NULL);
}
