/*
 * A key epoch from its decision to the end of the last one's key, under
 * failing disks and power cuts.
 *
 * SWEEP    A small life of a node (keyring, log and state; then epoch 2 is
 *          prepared, activated and sealed with, values are sealed again, the
 *          log is cut and key 1 destroyed) is run again and again; run n
 *          fails its n-th call, once or from then on, and ends there as a
 *          crash would.  Then it is gone on with, without faults, to its end.
 * POWER    The same, but at the n-th call the power fails: all calls from
 *          there on fail, and every file goes back to its last sync.
 * ORACLE   At each start the keyring, the log and the state open, every value
 *          and every record that was acknowledged is read, and in the end
 *          nothing is sealed with a key that is gone.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "fault/disk.h"
#include "fault/vfs.h"
#include "fixture/batches.h"
#include "fixture/directory.h"
#include "fixture/keyrings.h"
#include "store/store.h"
#include "store/wal.h"

#define KEYS 70  /* more than one step passes */
#define FIRST 12 /* batches before the epoch, */
#define LAST 18  /* and with those that come after */

static const uint8_t cluster[CLUSTER_ID_BYTES] = { 1 };
static struct batch_maker maker;

static struct {
	uint64_t at;   /* fail this call, counted from 1 */
	bool stays;    /* and all after it */
	bool is_power; /* what was not synced is lost then */
	uint64_t count;
} fault;

struct life {
	char root[DIRECTORY_PATH_BYTES];
	char log[DIRECTORY_PATH_BYTES + 16], state[DIRECTORY_PATH_BYTES + 16];
	char path[DIRECTORY_PATH_BYTES + 16];
	struct keyring *keyring;
	struct store *store;
	struct wal *wal;
	uint64_t acked; /* records that were said to be durable */
};

static int
on_call(void *arg, enum fs_op op, const char *path)
{
	(void)arg;
	if (op == FS_READ)
		return 0;
	fault.count++;
	if (fault.count >= fault.at && (fault.stays || fault.count == fault.at))
		return EIO;
	if (op == FS_SYNC && fault.is_power)
		disk_synced(path);
	if (op == FS_UNLINK && fault.is_power)
		disk_removed(path);
	return 0;
}

static void
ignore_line(void *arg, const struct log_line *line)
{
	(void)arg;
	(void)line;
}

static void
die(const char *what, const struct ag_error *err)
{
	(void)fprintf(stderr,
	    "rotation: %s: %s (fault at call %" PRIu64 "%s)\n", what,
	    err == NULL ? "" : err->text, fault.at,
	    fault.stays ? " and on" : "");
	exit(1);
}

static struct bytes
batch_of(uint64_t seq)
{
	char key[16];

	batch_begin(&maker, 1, seq * 8, 1000 + seq);
	for (uint64_t i = 0; i < 7; i++) {
		(void)snprintf(key, sizeof(key), "k%" PRIu64,
		    (seq * 7 + i) % KEYS);
		batch_put(&maker, key, key);
	}
	return batch_end(&maker);
}

/* --- a life --- */

static enum ag_status
wake(struct life *l, struct ag_error *err)
{
	static const uint8_t key[KEYRING_KEY_BYTES] = { 7 };
	struct secret *secret = secret_copy(bytes_of(key, sizeof(key)));
	const struct keyring_opener opener = { .kind = KEYRING_FILE,
		.secret = secret };
	enum ag_status status =
	    keyring_open(&l->keyring, l->path, &opener, true, err);

	secret_free(secret);
	if (status == AG_OK)
		status = wal_open_sealed(&l->wal, l->log, cluster, l->keyring,
		    NULL, err);
	if (status == AG_OK)
		status = store_open_from(&l->store, l->state, cluster, NULL,
		    l->keyring, NULL, err);
	return status;
}

static void
sleep_again(struct life *l)
{
	store_close(l->store);
	wal_close(l->wal);
	keyring_close(l->keyring);
	l->store = NULL;
	l->wal = NULL;
	l->keyring = NULL;
}

/* Execute from the log what the state does not have. */
static enum ag_status
replay(struct life *l, struct ag_error *err)
{
	struct wal_cursor *cursor;
	enum ag_status status;
	struct bytes record;
	uint64_t number;

	if (wal_last(l->wal) == 0)
		return AG_OK;
	status = wal_cursor_open_sealed(&cursor, l->log, 0, l->keyring, err);
	if (status != AG_OK)
		return status;
	while ((status = wal_cursor_next(cursor, &number, &record, err)) ==
	    AG_OK) {
		if (!bytes_equal(record, batch_of(number)))
			die("a record is wrong", NULL);
		if (number != store_applied(l->store) + 1)
			continue;
		status = store_apply(l->store, number, record, NULL, err);
		if (status != AG_OK)
			break;
	}
	wal_cursor_close(cursor);
	return status == AG_ENOENT ? AG_OK : status;
}

static enum ag_status
live_up_to(struct life *l, uint64_t last, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	uint64_t number;

	for (uint64_t seq = wal_last(l->wal) + 1;
	     status == AG_OK && seq <= last; seq++) {
		struct bytes batch = batch_of(seq);

		status = wal_append(l->wal, batch, &number, err);
		if (status == AG_OK)
			status = wal_sync(l->wal, &l->acked, err);
		if (status == AG_OK)
			status = store_apply(l->store, seq, batch, NULL, err);
		if (status == AG_OK && seq % 4 == 0)
			status = store_commit(l->store, err);
	}
	return status;
}

/* As the applier does, and the log behind it. */
static enum ag_status
reseal(struct life *l, struct ag_error *err)
{
	struct store_resealing progress = { .is_settled = false };
	enum ag_status status = AG_OK;
	size_t bytes;

	while (status == AG_OK && !progress.is_settled) {
		status = store_reseal(l->store, &progress, &bytes, err);
		if (status == AG_OK)
			status = store_commit(l->store, err);
	}
	if (status == AG_OK)
		status = store_sync(l->store, err);
	if (status == AG_OK)
		status = wal_truncate(l->wal, store_applied(l->store), 0, err);
	return status;
}

/* What is done already is not done again, whatever came in between. */
static enum ag_status
rotate(struct life *l, struct ag_error *err)
{
	enum ag_status status = AG_OK;

	if (keyring_epoch(l->keyring) == 1) {
		status = keyring_epoch_prepare(l->keyring, 2, 0, err);
		if (status == AG_OK)
			status = keyring_epoch_activate(l->keyring, 2, err);
	}
	if (status == AG_OK)
		status = live_up_to(l, LAST, err);
	if (status == AG_OK)
		status = reseal(l, err);
	if (status != AG_OK)
		return status;
	if (wal_oldest_epoch(l->wal) != 2)
		die("the log was cut and still needs the old key", NULL);
	return keyring_epoch_destroy(l->keyring, 1, err);
}

static enum ag_status
live(struct life *l, struct ag_error *err)
{
	enum ag_status status = wake(l, err);

	if (status == AG_OK)
		status = replay(l, err);
	if (status == AG_OK && wal_last(l->wal) < FIRST)
		status = live_up_to(l, FIRST, err);
	if (status == AG_OK)
		status = rotate(l, err);
	sleep_again(l);
	return status;
}

/* --- what must be so --- */

static void
check_values(struct life *l)
{
	struct store_reader *reader;
	struct store_entry entry;
	struct ag_error err;
	char key[16];
	enum ag_status status;

	if (store_reader_open(&reader, l->store, &err) != AG_OK)
		die("read the state", &err);
	for (unsigned int i = 0; i < KEYS; i++) {
		(void)snprintf(key, sizeof(key), "k%u", i);
		status = store_get(reader, bytes_from_text(key), &entry, &err);
		if (status != AG_OK && status != AG_ENOENT)
			die("a value does not open", &err);
		if (status == AG_OK &&
		    !bytes_equal(entry.value, bytes_from_text(key)))
			die("a value is wrong", NULL);
		if (status == AG_ENOENT && store_applied(l->store) >= FIRST)
			die("a value is lost", NULL);
	}
	store_reader_close(reader);
}

static void
check(struct life *l)
{
	struct ag_error err;

	if (wake(l, &err) != AG_OK)
		die("open it again", &err);
	check_values(l);
	if (replay(l, &err) != AG_OK)
		die("replay the log", &err);
	if (store_commit(l->store, &err) != AG_OK)
		die("commit", &err);
	if (store_applied(l->store) < l->acked)
		die("an acknowledged record is lost", NULL);
	check_values(l);
	sleep_again(l);
}

/* Without faults, to the end. */
static void
go_on(struct life *l)
{
	struct keyring_look look;
	struct ag_error err;

	if (live(l, &err) != AG_OK)
		die("go on", &err);
	check(l);
	if (keyring_look_at(&look, l->path, &err) != AG_OK)
		die("look at the keyring", &err);
	if (look.epoch_count != 2 ||
	    look.epochs[0].state != KEYRING_DESTROYED ||
	    look.epochs[1].state != KEYRING_ACTIVE)
		die("the end is another", NULL);
}

static void
life_begin(struct life *l)
{
	memset(l, 0, sizeof(*l));
	if (directory_make(l->root) == -1)
		die("make a directory", NULL);
	(void)snprintf(l->log, sizeof(l->log), "%s/log", l->root);
	(void)snprintf(l->state, sizeof(l->state), "%s/state", l->root);
	(void)snprintf(l->path, sizeof(l->path), "%s/keyring", l->root);
}

/* Fail every call in turn; returns how many lives that took. */
static uint64_t
sweep(bool stays, bool is_power)
{
	for (uint64_t n = 1;; n++) {
		struct ag_error err = { .text = "" };
		struct life l;

		life_begin(&l);
		/* A keyring is made and closed before there is anything. */
		fault.is_power = is_power;
		fault.at = UINT64_MAX;
		fault.stays = stays;
		fs_fault_set(on_call, NULL);
		keyring_close(keyrings_make(l.path));
		fault.at = n;
		fault.count = 0;
		if (live(&l, &err) != AG_OK && err.text[0] == '\0')
			die("a failure without a word", NULL);
		fs_fault_set(NULL, NULL);
		if (is_power && fault.count >= n)
			disk_cut_power(l.root);
		disk_forget();
		check(&l);
		go_on(&l);
		(void)directory_remove(l.root);
		if (fault.count < n)
			return n;
	}
}

int
main(void)
{
	log_sink_set(ignore_line, NULL);
	vfs_install();
	(void)printf("rotation: %" PRIu64 " calls, each failing once\n",
	    sweep(false, false));
	(void)printf("rotation: %" PRIu64 " calls, failing from there on\n",
	    sweep(true, false));
	(void)printf("rotation: %" PRIu64
		     " calls, the last before a power cut\n",
	    sweep(true, true));
	return 0;
}
