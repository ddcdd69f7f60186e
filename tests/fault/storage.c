/*
 * Storage under failing disks and killed processes.
 *
 * SWEEP    A small life of a node's storage (open, log, apply, commit,
 *          checkpoint, cutting the log, restart, snapshot, restore in place
 *          of what was there) is run again and again; run n fails its n-th
 *          write, sync, open, rename, truncation or removal, once or from
 *          then on, and then everything is opened without faults.  The
 *          sweep ends with the first run that meets no fault.
 * POWER    The same, but at the n-th call the power fails: all calls from
 *          there on fail, and every file goes back to its last sync.
 * CRASH    A child does the same as fast as it can and tells what it was
 *          promised; it is killed without warning, many times over one
 *          directory.
 * ORACLE   Every acknowledged record is in the log with its bytes, or in the
 *          state; the state opens, is that of some sequence, and replaying
 *          the log from there gives the digest that a store without faults
 *          has.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "fault/disk.h"
#include "fault/vfs.h"
#include "fixture/batches.h"
#include "fixture/directory.h"
#include "fixture/keyrings.h"
#include "node/state_dir.h"
#include "store/snapshot.h"
#include "store/store.h"
#include "store/wal.h"

#define SEQ_MAX 24
#define CRASHES 20

static const struct trust_scope scope = { .cluster_id = { 1 } };
static struct batch_maker maker;

/* Log and state are sealed; the reference is not, and has the same digests. */
static struct keyring *keyring;
static char keyring_path[DIRECTORY_PATH_BYTES + 16];

/* digests[seq]: of the state after seq, from a store without faults. */
static struct digest digests[SEQ_MAX + 1];

static struct {
	uint64_t at;   /* fail this call, counted from 1; 0: none */
	bool stays;    /* and all after it */
	bool is_power; /* what was not synced is lost then */
	int error;
	uint64_t count;
} fault;

struct place {
	char root[DIRECTORY_PATH_BYTES];
	char log[DIRECTORY_PATH_BYTES + 16];
	char state[DIRECTORY_PATH_BYTES + 16];
	char copy[DIRECTORY_PATH_BYTES + 16];
};

static int
on_call(void *arg, enum fs_op op, const char *path)
{
	(void)arg;
	if (op == FS_READ)
		return 0;
	fault.count++;
	if (fault.at != 0 && fault.count >= fault.at &&
	    (fault.stays || fault.count == fault.at))
		return fault.error;
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
die(const char *what, uint64_t seq, const struct ag_error *err)
{
	(void)fprintf(stderr,
	    "storage: %s at sequence %" PRIu64 ": %s "
	    "(fault at call %" PRIu64 "%s, errno %d)\n",
	    what, seq, err == NULL ? "" : err->text, fault.at,
	    fault.stays ? " and on" : "", fault.error);
	exit(1);
}

/* Each fourth batch grants a lease, which has a key and expires soon. */
static void
add_lease(uint64_t seq)
{
	maker.op.kind = OPERATION_GRANT;
	maker.op.ttl_s = 3;
	batch_add(&maker);
	batch_put(&maker, "leased", "v");
	maker.op.change.lease = seq / 4;
	batch_add(&maker);
}

static struct bytes
batch_of(uint64_t seq)
{
	char key[16];
	int i;

	batch_begin(&maker, (uint8_t)(seq % 2), seq * 8, 1000 * seq);
	if (seq % 4 == 0)
		add_lease(seq);
	for (i = 0; i < 4; i++) {
		(void)snprintf(key, sizeof(key), "k%" PRIu64,
		    (seq * 5 + (uint64_t)i) % 17);
		if (seq % 3 == 2)
			batch_delete(&maker, key);
		else
			batch_put(&maker, key, key);
	}
	return batch_end(&maker);
}

static void
place_make(struct place *p)
{
	if (directory_make(p->root) == -1)
		die("make directory", 0, NULL);
	(void)snprintf(p->log, sizeof(p->log), "%s/log", p->root);
	(void)snprintf(p->state, sizeof(p->state), "%s/state", p->root);
	(void)snprintf(p->copy, sizeof(p->copy), "%s/copy", p->root);
}

static void
reference_make(void)
{
	struct place p;
	struct ag_error err;
	struct store *store;
	uint64_t seq;

	place_make(&p);
	if (store_open(&store, p.state, scope.cluster_id, NULL, &err) != AG_OK)
		die("reference", 0, &err);
	for (seq = 0; seq <= SEQ_MAX; seq++) {
		if (seq > 0 &&
		    store_apply(store, seq, batch_of(seq), NULL, &err) != AG_OK)
			die("reference", seq, &err);
		if (store_digest(store, &digests[seq], &err) != AG_OK)
			die("reference", seq, &err);
	}
	store_close(store);
	(void)directory_remove(p.root);
}

/* The state is durable up to seq: the log before it may go. */
static enum ag_status
checkpoint(struct wal *wal, struct store *store, uint64_t seq,
    struct ag_error *err)
{
	enum ag_status status = store_sync(store, err);

	if (status == AG_OK)
		status = wal_truncate(wal, seq, 0, err);
	return status;
}

/* Log and apply the sequences up to last; *acked follows what is durable. */
static enum ag_status
live(struct place *p, uint64_t last, uint64_t *acked, struct ag_error *err)
{
	struct store *store = NULL;
	struct wal *wal = NULL;
	enum ag_status status;
	uint64_t seq, number;

	status =
	    wal_open_sealed(&wal, p->log, scope.cluster_id, keyring, NULL, err);
	if (status == AG_OK)
		status = store_open_from(&store, p->state, scope.cluster_id,
		    NULL, keyring, NULL, err);
	for (seq = *acked + 1; status == AG_OK && seq <= last; seq++) {
		struct bytes batch = batch_of(seq);

		status = wal_append(wal, batch, &number, err);
		if (status == AG_OK)
			status = wal_sync(wal, acked, err);
		if (status == AG_OK)
			status = store_apply(store, seq, batch, NULL, err);
		if (status == AG_OK && seq % 2 == 0)
			status = store_commit(store, err);
		if (status == AG_OK && seq % 5 == 0)
			status = checkpoint(wal, store, seq, err);
	}
	if (status == AG_OK)
		status = store_commit(store, err);
	store_close(store);
	wal_close(wal);
	return status;
}

/* Stream a pinned state into copy. */
static enum ag_status
copy_state(struct place *p, struct ag_error *err)
{
	struct snapshot_writer *writer = NULL;
	struct snapshot_reader *reader = NULL;
	static struct snapshot_info info; /* too big for a stack */
	struct store_pin *pin = NULL;
	struct store *store = NULL;
	uint8_t piece[4096];
	enum ag_status status;
	size_t len = 1;

	status = store_open_from(&store, p->state, scope.cluster_id, NULL,
	    keyring, NULL, err);
	if (status == AG_OK)
		status = store_pin(store, &pin, err);
	if (status == AG_OK)
		status = snapshot_writer_new(&writer, pin, &scope,
		    bytes_of(NULL, 0), err);
	if (status == AG_OK)
		status = snapshot_reader_new(&reader, p->copy, err);
	while (status == AG_OK && len > 0) {
		status = snapshot_writer_read(writer, piece, sizeof(piece),
		    &len, err);
		if (status == AG_OK)
			status = snapshot_reader_feed(reader,
			    bytes_of(piece, len), err);
	}
	if (status == AG_OK)
		status = snapshot_reader_finish(reader, &info, err);
	snapshot_reader_free(reader);
	snapshot_writer_free(writer);
	store_unpin(pin);
	store_close(store);
	return status;
}

static enum ag_status
life(struct place *p, uint64_t *acked, struct ag_error *err)
{
	enum ag_status status = live(p, SEQ_MAX / 2, acked, err);

	if (status == AG_OK)
		status = live(p, SEQ_MAX, acked, err);
	if (status == AG_OK)
		status = copy_state(p, err);
	if (status == AG_OK)
		status = state_dir_swap(p->state, p->copy, err);
	return status;
}

static void
check_digest(struct store *store, const char *what)
{
	uint64_t seq = store_applied(store);
	struct ag_error err;
	struct digest digest;

	if (seq > SEQ_MAX)
		die(what, seq, NULL);
	if (store_digest(store, &digest, &err) != AG_OK)
		die(what, seq, &err);
	if (!digest_equal(&digest, &digests[seq]))
		die("the state is wrong", seq, NULL);
}

/* Replay the log's records into the store. */
static void
replay(struct place *p, struct store *store, uint64_t acked)
{
	struct wal_cursor *cursor;
	struct bytes record;
	struct ag_error err;
	uint64_t number, last = 0;
	enum ag_status status;

	status = wal_cursor_open_sealed(&cursor, p->log, 0, keyring, &err);
	if (status != AG_OK)
		die("read the log", 0, &err);
	while ((status = wal_cursor_next(cursor, &number, &record, &err)) ==
	    AG_OK) {
		if (last == 0 && number > store_applied(store) + 1)
			die("the log is cut above the state", number, NULL);
		last = number;
		if (!bytes_equal(record, batch_of(number)))
			die("a record is wrong", number, NULL);
		if (number == store_applied(store) + 1 &&
		    store_apply(store, number, record, NULL, &err) != AG_OK)
			die("apply", number, &err);
	}
	if (status != AG_ENOENT)
		die("read the log", last, &err);
	if (last < acked)
		die("an acknowledged record is lost", acked, NULL);
	wal_cursor_close(cursor);
}

/* After the faults: all acknowledged is there, and nothing is wrong. */
static uint64_t
check_place(struct place *p, uint64_t acked)
{
	struct ag_error err;
	struct store *store;
	struct wal *wal;
	uint64_t last;

	if (wal_open_sealed(&wal, p->log, scope.cluster_id, keyring, NULL,
		&err) != AG_OK)
		die("open the log again", acked, &err);
	last = wal_last(wal);
	wal_close(wal);
	if (state_dir_recover(p->state, &err) != AG_OK ||
	    store_open_from(&store, p->state, scope.cluster_id, NULL, keyring,
		NULL, &err) != AG_OK)
		die("open the state again", acked, &err);
	check_digest(store, "digest");
	replay(p, store, acked);
	check_digest(store, "digest after replay");
	store_close(store);
	return last;
}

/* A restored copy is whole or absent. */
static void
check_copy(struct place *p)
{
	char path[DIRECTORY_PATH_BYTES + 32];
	struct ag_error err;
	struct store *store;

	(void)snprintf(path, sizeof(path), "%s/state.db", p->copy);
	if (!fs_exists(path))
		return;
	if (store_open_from(&store, p->copy, scope.cluster_id, NULL, keyring,
		NULL, &err) != AG_OK)
		die("open the copy", 0, &err);
	if (store_applied(store) != SEQ_MAX)
		die("the copy is another state", store_applied(store), NULL);
	check_digest(store, "digest of the copy");
	store_close(store);
}

/* Fail every step-th call in turn; returns how many lives that took. */
static uint64_t
sweep(int error, bool stays, bool is_power, uint64_t step)
{
	uint64_t n;

	for (n = 1;; n += step) {
		struct ag_error err = { .text = "" };
		uint64_t acked = 0;
		enum ag_status status;
		struct place p;

		place_make(&p);
		fault.at = n;
		fault.stays = stays;
		fault.is_power = is_power;
		fault.error = error;
		fault.count = 0;
		fs_fault_set(on_call, NULL);
		status = life(&p, &acked, &err);
		fs_fault_set(NULL, NULL);
		if (is_power && fault.count >= n)
			disk_cut_power(p.root);
		disk_forget();
		if (status != AG_OK && err.text[0] == '\0')
			die("a failure without a word", acked, NULL);
		(void)check_place(&p, acked);
		check_copy(&p);
		(void)directory_remove(p.root);
		if (fault.count < n)
			return n / step;
	}
}

/* The child: start from what is there, and write each acknowledgement. */
static void
crash_child(struct place *p, int out)
{
	struct ag_error err;
	struct store *store = NULL;
	struct wal *wal;
	uint64_t seq, number;

	keyring = keyrings_again(keyring_path);
	if (wal_open_sealed(&wal, p->log, scope.cluster_id, keyring, NULL,
		&err) != AG_OK ||
	    store_open_from(&store, p->state, scope.cluster_id, NULL, keyring,
		NULL, &err) != AG_OK)
		die("child", 0, &err);
	replay(p, store, wal_last(wal));
	for (seq = wal_last(wal) + 1; seq <= SEQ_MAX; seq++) {
		if (wal_append(wal, batch_of(seq), &number, &err) != AG_OK ||
		    wal_sync(wal, &number, &err) != AG_OK)
			die("child", seq, &err);
		if (write(out, &number, sizeof(number)) !=
		    (ssize_t)sizeof(number))
			_exit(1);
		if (store_apply(store, seq, batch_of(seq), NULL, &err) !=
			AG_OK ||
		    store_commit(store, &err) != AG_OK ||
		    (seq % 5 == 0 && store_sync(store, &err) != AG_OK))
			die("child", seq, &err);
	}
	for (;;)
		(void)pause();
}

/* Run a child until it acknowledged a few, then kill it in its next step. */
static uint64_t
crash_once(struct place *p, unsigned int reads, uint64_t acked)
{
	int pipe_fds[2];
	uint64_t number;
	pid_t child;

	if (pipe(pipe_fds) == -1)
		die("pipe", 0, NULL);
	child = fork();
	if (child == -1)
		die("fork", 0, NULL);
	if (child == 0) {
		(void)close(pipe_fds[0]);
		crash_child(p, pipe_fds[1]);
	}
	(void)close(pipe_fds[1]);
	while (acked < SEQ_MAX && reads-- > 0 &&
	    read(pipe_fds[0], &number, sizeof(number)) ==
		(ssize_t)sizeof(number))
		acked = number;
	(void)kill(child, SIGKILL);
	while (read(pipe_fds[0], &number, sizeof(number)) ==
	    (ssize_t)sizeof(number))
		acked = number;
	(void)close(pipe_fds[0]);
	(void)waitpid(child, NULL, 0);
	return acked;
}

static unsigned int
crash_all(void)
{
	unsigned int i;

	for (i = 0; i < CRASHES; i++) {
		uint64_t acked = 0;
		struct place p;

		place_make(&p);
		while (acked < SEQ_MAX) {
			acked = crash_once(&p, 1 + i % 7, acked);
			acked = check_place(&p, acked);
		}
		(void)directory_remove(p.root);
	}
	return i;
}

int
main(void)
{
	char root[DIRECTORY_PATH_BYTES];

	log_sink_set(ignore_line, NULL);
	if (directory_make(root) == -1)
		die("make directory", 0, NULL);
	(void)snprintf(keyring_path, sizeof(keyring_path), "%s/keyring", root);
	keyring = keyrings_make(keyring_path);
	vfs_install();
	reference_make();
	(void)printf("crash: %u lives, killed every few records\n",
	    crash_all());
	(void)printf("sweep: %" PRIu64 " calls, each failing once (EIO)\n",
	    sweep(EIO, false, false, 1));
	(void)printf("sweep: %" PRIu64 " calls, failing from there on (EIO)\n",
	    sweep(EIO, true, false, 1));
	(void)printf("sweep: %" PRIu64 " calls, disk full from there on\n",
	    sweep(ENOSPC, true, false, 1));
	(void)printf("power: %" PRIu64 " calls, the last before a power cut\n",
	    sweep(EIO, true, true, 1));
	keyring_close(keyring);
	(void)directory_remove(root);
	return 0;
}
