/*
 * Reading a dead node's files.
 *
 * FORMAT   DIR/log    records, consensus/record.h in store/segment.h
 *          DIR/state  the state, or DIR/state.old in the middle of a swap
 *          DIR/lock   locked while a node runs
 *          DIR/keys/node.pub  whose directory it is
 *
 * RULES    1. Nothing on the disk is made, changed or removed, whatever is
 *             found there.
 *          2. A directory in use is refused: a log that is being cut and
 *             written proves nothing about itself.
 *          3. What is kept is bounded by the log's own size, whatever its
 *             records claim: one entry a sequence, at most one a record.
 *
 * NOT HERE Judging what was read (inspect_check.c).
 */
#include "cmd/inspect_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <sodium.h>

#include "base/fs.h"
#include "cmd/inspect_keyring.h"
#include "codec/batch.h"
#include "consensus/record.h"
#include "crypto/public_key.h"
#include "keyring/keyring.h"
#include "store/wal.h"
#include "trust/setup.h"

#define HASH_ENTRIES_FIRST 1024

/* Ask for the lock and let go at once: a node starting now may have it. */
enum ag_status
inspect_log_check_dead(const char *dir, struct ag_error *err)
{
	char path[PATH_MAX];
	enum ag_status status;
	bool is_taken;
	int fd;

	status = fs_join(path, sizeof(path), dir, "lock", err);
	if (status == AG_OK)
		status = fs_open(&fd, path, O_RDONLY | O_NONBLOCK, 0, err);
	if (status == AG_ENOENT)
		return AG_OK; /* a copy, or never run */
	if (status != AG_OK)
		return status;
	is_taken = flock(fd, LOCK_SH | LOCK_NB) == -1;
	(void)close(fd);
	if (is_taken)
		return ag_fail(err, AG_EBUSY,
		    "inspect %s: a running node uses it; ask the node instead, "
		    "without --data, or stop it first",
		    dir);
	return AG_OK;
}

enum ag_status
inspect_log_still_dead(const struct inspect_log *log, struct ag_error *err)
{
	return inspect_log_check_dead(log->dir, err);
}

/* --- entries, hashed by their sequence while records come --- */

/* The salt is random: who writes a log cannot make its sequences collide. */
static struct inspect_entry *
hash_place(struct inspect_entry *hash, size_t cap, uint64_t salt, uint64_t seq)
{
	size_t i = (size_t)((seq * salt) >> 24);

	for (i &= cap - 1; hash[i].seq != 0 && hash[i].seq != seq;)
		i = (i + 1) & (cap - 1);
	return &hash[i];
}

static enum ag_status
hash_grow(struct inspect_log *log)
{
	size_t i,
	    cap = log->hash_cap == 0 ? HASH_ENTRIES_FIRST : log->hash_cap * 2;
	struct inspect_entry *grown = calloc(cap, sizeof(*grown));

	if (grown == NULL)
		return AG_ENOMEM;
	for (i = 0; i < log->hash_cap; i++)
		if (log->hash[i].seq != 0)
			*hash_place(grown, cap, log->salt, log->hash[i].seq) =
			    log->hash[i];
	free(log->hash);
	log->hash = grown;
	log->hash_cap = cap;
	return AG_OK;
}

/* The entry of a sequence, which is made if need be; NULL without memory. */
static struct inspect_entry *
entry_of(struct inspect_log *log, uint64_t seq)
{
	struct inspect_entry *entry;

	if (log->entry_count * 4 >= log->hash_cap * 3 &&
	    hash_grow(log) != AG_OK)
		return NULL;
	entry = hash_place(log->hash, log->hash_cap, log->salt, seq);
	if (entry->seq == 0) {
		entry->seq = seq;
		log->entry_count++;
	}
	return entry;
}

static int
compare_entries(const void *a, const void *b)
{
	uint64_t x = ((const struct inspect_entry *)a)->seq;
	uint64_t y = ((const struct inspect_entry *)b)->seq;

	return (x > y) - (x < y);
}

/* Close the hash's gaps and put what is left in order. */
static void
entries_settle(struct inspect_log *log)
{
	size_t i, count = 0;

	for (i = 0; i < log->hash_cap; i++)
		if (log->hash[i].seq != 0)
			log->hash[count++] = log->hash[i];
	log->entries = log->hash;
	log->hash = NULL;
	if (count > 1)
		qsort(log->entries, count, sizeof(*log->entries),
		    compare_entries);
}

const struct inspect_entry *
inspect_log_find(const struct inspect_log *log, uint64_t seq)
{
	struct inspect_entry key = { .seq = seq };

	if (log->entry_count == 0)
		return NULL;
	return bsearch(&key, log->entries, log->entry_count, sizeof(key),
	    compare_entries);
}

/* --- records --- */

/* A batch of a later time than all before: service goes on. */
static void
take_time(struct inspect_log *log, uint64_t time_ms)
{
	struct inspect_view_record *v =
	    log->view_count > 0 ? &log->views[log->view_count - 1] : NULL;

	if (time_ms <= log->time_ms)
		return;
	log->time_ms = time_ms;
	if (v != NULL && !v->is_changing && v->before_ms != 0 &&
	    v->stopped_ms == 0)
		v->stopped_ms = time_ms - v->before_ms;
}

static void
take_batch(struct inspect_log *log, struct inspect_entry *entry,
    struct bytes encoded)
{
	struct batch batch;

	digest_of(&entry->batches[entry->batch_count++ % INSPECT_BATCHES_KEPT],
	    encoded);
	entry->bytes = encoded.len;
	entry->requests = 0;
	if (batch_decode(&batch, encoded, NULL) != AG_OK)
		return;
	entry->requests = batch.envelope_count;
	take_time(log, batch.time_ms);
}

static enum ag_status
take_view(struct inspect_log *log, const struct record *r, uint32_t askers,
    uint64_t number)
{
	struct inspect_view_record *last =
	    log->view_count > 0 ? &log->views[log->view_count - 1] : NULL;
	struct inspect_view_record *grown;

	log->view = r->view;
	log->is_changing = r->is_changing;
	/* Checkpoints repeat the view they are in, and a term its vote. */
	if (last != NULL && last->view == r->view &&
	    last->is_changing == r->is_changing) {
		last->askers |= askers;
		return AG_OK;
	}
	if ((log->view_count & (log->view_count - 1)) == 0) {
		grown = realloc(log->views,
		    (log->view_count == 0 ? 1 : log->view_count * 2) *
			sizeof(*grown));
		if (grown == NULL)
			return AG_ENOMEM;
		log->views = grown;
	}
	log->views[log->view_count++] = (struct inspect_view_record){
		.view = r->view,
		.is_changing = r->is_changing,
		.record = number,
		.askers = askers,
		.before_ms = log->time_ms,
	};
	return AG_OK;
}

/*
 * A term of Raft: from when it is known, and from its first entry on.  Who
 * asked for it is known of whom we voted for.
 */
static enum ag_status
take_term(struct inspect_log *log, const struct record *r, uint64_t number)
{
	const bool is_entry = r->kind == RECORD_ENTRY;
	uint32_t askers =
	    is_entry || r->vote == RECORD_NO_VOTE ? 0 : UINT32_C(1) << r->vote;
	struct record view = *r;

	/* An entry of an earlier term says nothing of this one. */
	if (is_entry && log->view_count > 0 && r->view < log->view)
		return AG_OK;
	view.is_changing = !is_entry && r->view > log->entry_view &&
	    !(r->kind == RECORD_BASE && r->base_term == r->view);
	if (!view.is_changing && r->view > log->entry_view)
		log->entry_view = r->view;
	return take_view(log, &view, askers, number);
}

static void
take_proposal(struct inspect_log *log, struct inspect_entry *entry,
    const struct record *r, uint64_t number)
{
	entry->proposal_record = number;
	entry->proposal_view = r->view;
	entry->proposed = r->digest;
	/* What is committed keeps the view it was committed in. */
	if (entry->committed_record == 0) {
		entry->view = r->view;
		entry->prepares = log->self >= 0 ? UINT32_C(1) << log->self : 0;
	}
	if (r->batch.len > 0)
		take_batch(log, entry, r->batch);
	if (r->seq > log->proposed)
		log->proposed = r->seq;
}

static void
take_certificate(struct inspect_log *log, struct inspect_entry *entry,
    const struct record *r, const struct certificate *c, uint64_t number)
{
	if (r->kind == RECORD_CHECKPOINT || r->kind == RECORD_BASE) {
		entry->checkpoint_record = number;
		entry->checkpoint = r->digest;
		if (r->seq >= log->stable) {
			log->stable = r->seq;
			log->stable_digest = r->digest;
		}
		return;
	}
	if (r->kind == RECORD_COMMITTED) {
		entry->committed_record = number;
		entry->committed = r->digest;
		/* A certificate of an earlier view may come last. */
		if (entry->view != c->view)
			entry->prepares = 0;
		if (c->phase == VOTE_PREPARE)
			entry->prepares = inspect_signers(c);
		else
			entry->commits = inspect_signers(c);
		entry->view = c->view;
		return;
	}
	entry->prepared_record = number;
	entry->prepared_view = c->view;
	entry->prepared = r->digest;
	if (entry->committed_record == 0) {
		entry->view = c->view;
		entry->prepares |= inspect_signers(c);
	}
}

static enum ag_status
take_record(struct inspect_log *log, const struct record *r,
    const struct certificate *c, uint64_t number)
{
	struct inspect_entry *entry;

	const bool is_term = r->kind == RECORD_ENTRY ||
	    r->kind == RECORD_TERM || r->kind == RECORD_BASE;
	enum ag_status status = AG_OK;

	log->is_raft = log->is_raft || is_term;
	/* A checkpoint's view is where the node stood. */
	if (is_term)
		status = take_term(log, r, number);
	else if (r->kind == RECORD_VIEW || r->kind == RECORD_CHECKPOINT)
		status = take_view(log, r, record_new_view_askers(r->new_view),
		    number);
	if (status != AG_OK || r->seq == 0 || r->kind == RECORD_VIEW ||
	    r->kind == RECORD_TERM)
		return status;
	entry = entry_of(log, r->seq);
	if (entry == NULL)
		return AG_ENOMEM;
	switch (r->kind) {
	case RECORD_PROPOSAL:
		take_proposal(log, entry, r, number);
		break;
	case RECORD_ENTRY:
		take_proposal(log, entry, r, number);
		/* Those above it are in the log no more. */
		log->proposed = r->seq;
		break;
	case RECORD_BATCH:
		take_batch(log, entry, r->batch);
		break;
	case RECORD_STATE:
		entry->state_record = number;
		entry->state = r->digest;
		break;
	case RECORD_PREPARED:
	case RECORD_COMMITTED:
	case RECORD_CHECKPOINT:
	case RECORD_VIEW:
	case RECORD_TERM:
	case RECORD_BASE:
	default:
		take_certificate(log, entry, r, c, number);
		break;
	}
	return AG_OK;
}

/* What is known of the record's sequence so far. */
static const struct inspect_entry *
known_of(const struct inspect_log *log, const struct record *r)
{
	static const struct inspect_entry nothing;

	if (log->hash_cap == 0 || r->kind == RECORD_VIEW ||
	    r->kind == RECORD_TERM || r->seq == 0)
		return &nothing;
	return hash_place(log->hash, log->hash_cap, log->salt, r->seq);
}

/* Take in one record; damage is noted and ends the reading with AG_ENOENT. */
static enum ag_status
read_record(struct inspect_log *log, uint64_t number, struct bytes bytes,
    inspect_record_fn *fn, void *arg, struct ag_error *err)
{
	static struct certificate certificate;
	struct record record;
	struct ag_error why;

	if (record_decode(&record, &certificate, bytes, &why) != AG_OK) {
		(void)ag_fail(&log->damage, AG_ECORRUPT,
		    "record %" PRIu64 " is whole, but not a record of "
		    "agreement: %s",
		    number, why.text);
		return AG_ENOENT;
	}
	if (log->first_record == 0)
		log->first_record = number;
	log->last_record = number;
	if (fn != NULL)
		fn(arg, log, number, &record, &certificate,
		    known_of(log, &record));
	if (take_record(log, &record, &certificate, number) != AG_OK)
		return ag_fail(err, AG_ENOMEM, "inspect %s: out of memory",
		    log->dir);
	return AG_OK;
}

static enum ag_status
read_records(struct inspect_log *log, struct wal_cursor *cursor,
    inspect_record_fn *fn, void *arg, struct ag_error *err)
{
	enum ag_status status;
	struct bytes record;
	uint64_t number;

	for (;;) {
		status =
		    wal_cursor_next(cursor, &number, &record, &log->damage);
		if (status == AG_OK)
			status = read_record(log, number, record, fn, arg, err);
		else if (status == AG_ENOENT)
			log->damage = (struct ag_error){ .status = AG_OK };
		else if (status == AG_ECORRUPT)
			status = AG_ENOENT;
		else if (err != NULL)
			*err = log->damage;
		if (status != AG_OK)
			break;
	}
	entries_settle(log);
	return status == AG_ENOENT ? AG_OK : status;
}

static enum ag_status
check_cluster(const struct inspect_log *log, const uint8_t *cluster_id,
    const char *what, struct ag_error *err)
{
	if (log->roster == NULL ||
	    memcmp(cluster_id, log->roster->cluster_id, CLUSTER_ID_BYTES) == 0)
		return AG_OK;
	return ag_fail(err, AG_ECONFLICT,
	    "inspect %s: its %s belongs to another cluster than the roster's "
	    "%s",
	    log->dir, what, log->roster->cluster_name);
}

/* Another cluster's, or another epoch's of ours? */
static enum ag_status
check_log_owner(const struct inspect_log *log, struct ag_error *err)
{
	if (log->roster == NULL)
		return AG_OK;
	return ag_fail(err, AG_ECONFLICT,
	    "inspect %s: its log belongs to another cluster than the roster's "
	    "%s, or to another epoch than %" PRIu64,
	    log->dir, log->roster->cluster_name, log->roster->epoch);
}

static enum ag_status
read_log(struct inspect_log *log, inspect_record_fn *fn, void *arg,
    struct ag_error *err)
{
	struct wal_cursor *cursor;
	enum ag_status status;
	char path[PATH_MAX];

	status = fs_join(path, sizeof(path), log->dir, "log", err);
	if (status == AG_OK)
		status =
		    wal_cursor_open_sealed(&cursor, path, 0, log->keyring, err);
	if (status == AG_ECORRUPT) {
		log->damage = *err;
		return AG_OK;
	}
	if (status != AG_OK)
		return status;
	memcpy(log->cluster_id, wal_cursor_cluster_id(cursor),
	    CLUSTER_ID_BYTES);
	/* A log is of one roster; only of a first one is that the cluster. */
	if (log->roster != NULL &&
	    memcmp(log->cluster_id, log->roster->digest.data, DIGEST_BYTES) ==
		0)
		memcpy(log->cluster_id, log->roster->cluster_id,
		    CLUSTER_ID_BYTES);
	else
		status = check_log_owner(log, err);
	if (status == AG_OK)
		status = read_records(log, cursor, fn, arg, err);
	wal_cursor_close(cursor);
	return status;
}

/* --- what stands beside the log --- */

/* A state that cannot be read is said, and the log still shown. */
static enum ag_status
read_state(struct inspect_log *log, struct ag_error *err)
{
	char old[PATH_MAX];
	enum ag_status status;

	status = fs_join(log->state_dir, sizeof(log->state_dir), log->dir,
	    "state", err);
	if (status == AG_OK)
		status = fs_join(old, sizeof(old), log->dir, "state.old", err);
	if (status != AG_OK)
		return status;
	if (!fs_exists(log->state_dir) && fs_exists(old))
		memcpy(log->state_dir, old, sizeof(old));
	status = store_peek(&log->state, log->state_dir, &log->state_err);
	log->has_state = status == AG_OK;
	if (!log->has_state)
		return AG_OK;
	return check_cluster(log, log->state.cluster_id, "state", err);
}

/* Whose directory it is, as far as a roster and the key's half say so. */
static void
find_self(struct inspect_log *log)
{
	uint8_t key[PUBLIC_KEY_BYTES];
	char path[PATH_MAX];

	log->self = -1;
	if (log->roster != NULL &&
	    fs_join(path, sizeof(path), log->dir, SETUP_NODE_KEY ".pub",
		NULL) == AG_OK &&
	    public_key_load(key, NULL, path, NULL) == AG_OK)
		log->self = roster_find_node_key(log->roster, key);
}

enum ag_status
inspect_log_open(struct inspect_log **out, const struct applet_call *call,
    const char *dir, struct roster *roster, inspect_record_fn *fn, void *arg,
    struct ag_error *err)
{
	struct inspect_log *log = calloc(1, sizeof(*log));
	enum ag_status status = AG_OK;

	*out = NULL;
	if (log == NULL)
		return ag_fail(err, AG_ENOMEM, "inspect %s: out of memory",
		    dir);
	if ((size_t)snprintf(log->dir, sizeof(log->dir), "%s", dir) >=
	    sizeof(log->dir))
		status =
		    ag_fail(err, AG_ELIMIT, "inspect %s: path too long", dir);
	randombytes_buf(&log->salt, sizeof(log->salt));
	log->salt |= 1;
	log->roster = roster;
	if (roster != NULL)
		inspect_names_of_roster(&log->names, roster);
	if (status == AG_OK)
		status = inspect_log_check_dead(dir, err);
	if (status == AG_OK)
		status = inspect_keyring_open(&log->keyring, call, dir, err);
	if (status == AG_OK) {
		find_self(log);
		status = read_log(log, fn, arg, err);
	}
	if (status == AG_OK)
		status = read_state(log, err);
	if (status != AG_OK) {
		inspect_log_close(log);
		return status;
	}
	*out = log;
	return AG_OK;
}

void
inspect_log_close(struct inspect_log *log)
{
	if (log == NULL)
		return;
	keyring_close(log->keyring);
	free(log->entries);
	free(log->hash);
	free(log->views);
	free(log);
}

/* --- what follows from it --- */

uint64_t
inspect_log_committed(const struct inspect_log *log)
{
	uint64_t seq = log->stable;
	const struct inspect_entry *entry;
	size_t i = 0;

	/* Raft writes down nowhere what is committed, but has executed it. */
	if (log->is_raft)
		return log->has_state && log->state.seq > seq ? log->state.seq
							      : seq;
	/* Without a checkpoint a log begins with the cluster's history. */
	if (seq == 0 && log->entry_count > 0)
		seq = log->entries[0].seq - 1;
	for (; i < log->entry_count; i++) {
		entry = &log->entries[i];
		if (entry->seq <= seq)
			continue;
		if (entry->seq != seq + 1 || entry->committed_record == 0)
			break;
		seq++;
	}
	return seq;
}

static const char *
raft_phase(const struct inspect_log *log, const struct inspect_entry *entry)
{
	if (entry->proposal_record == 0 || entry->seq > log->proposed)
		return "";
	if (log->has_state && entry->seq <= log->state.seq)
		return "EXECUTED";
	return entry->seq <= log->stable ? "COMMITTED" : "PROPOSED";
}

const char *
inspect_log_phase(const struct inspect_log *log,
    const struct inspect_entry *entry)
{
	if (log->is_raft)
		return raft_phase(log, entry);
	if (entry->committed_record != 0)
		return log->has_state && entry->seq <= log->state.seq
		    ? "EXECUTED"
		    : "COMMITTED";
	if (entry->prepared_record != 0)
		return "PREPARED";
	return entry->proposal_record != 0 ? "PROPOSED" : "";
}

enum ag_status
inspect_log_certificate(const struct inspect_log *log, uint64_t number,
    struct certificate *out, struct ag_error *err)
{
	struct wal_cursor *cursor;
	enum ag_status status;
	struct record record;
	struct bytes bytes;
	char path[PATH_MAX];
	uint64_t found;

	status = fs_join(path, sizeof(path), log->dir, "log", err);
	if (status == AG_OK)
		status = wal_cursor_open_sealed(&cursor, path, number,
		    log->keyring, err);
	if (status != AG_OK)
		return status;
	status = wal_cursor_next(cursor, &found, &bytes, err);
	if (status == AG_OK)
		status = record_decode(&record, out, bytes, err);
	wal_cursor_close(cursor);
	return status;
}
