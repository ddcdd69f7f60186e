/*
 * The journal: group commit between the loop and the disk.
 *
 * RULES    1. A token is durable when its record and all before it are.
 *          2. After the log has failed once, nothing is appended and no
 *             token becomes durable: the node stops (base/fs.h says why a
 *             sync is never retried).
 *          3. What replay needs is kept: the newest stable checkpoint's
 *             record, and every record of a sequence above it, also those of
 *             before this start.
 *          4. One thread syncs at a time: the journal's own, or the loop's
 *             when it would only wait.  A disk that takes longer than two
 *             thread switches must not hold the loop up.
 *          5. A horizon is synced before the log is: a record that is
 *             durable never speaks of votes beyond it.
 *
 * NOT HERE What records mean (consensus/record.h) and the file format
 *          (store/wal.c).
 */
#include "node/journal.h"

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "event/loop.h"
#include "store/wal.h"

/*
 * Records whose sequence may still be above the stable checkpoint.  The
 * engine's window bounds sequences; views may repeat them, so this is an
 * upper bound for dropping early, not a correctness limit: of those pushed
 * out of the ring the first is the floor, until a checkpoint covers them all.
 */
#define JOURNAL_RING 4096

/* Recent syncs took this long at most: one may be done on the loop. */
#define SYNC_HERE_US 400

/*
 * Marks say where sequences begin in the log, one each `stride` of them:
 * when a mark is made, no record of a sequence above its own was written.
 * With all marks used every second is dropped and the stride doubles.
 */
#define JOURNAL_MARKS 4096
#define JOURNAL_STRIDE 32

struct journal_mark {
	uint64_t seq;
	uint64_t number;
};

struct journal_entry {
	uint64_t number;
	uint64_t seq;
};

struct journal {
	struct wal *wal;
	struct horizon_file *horizon_file;
	struct horizon horizon; /* as it was found; then as it is wanted */
	struct loop *loop;
	struct journal_callbacks callbacks;
	struct keyring *keyring; /* or NULL */
	struct metric *sync_seconds;
	char dir[PATH_MAX];

	struct journal_entry *ring;
	size_t ring_first, ring_count;
	uint64_t lowest_dropped; /* number of the oldest entry pushed out, */
	uint64_t dropped_seq;    /* and the highest sequence of any; or 0 */

	struct journal_mark *marks;
	size_t mark_count;
	uint64_t stride;

	uint64_t token_base; /* token of record number_base */
	uint64_t number_base;
	uint64_t appended_token;
	uint64_t durable_token; /* loop's view */

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_running;
	bool is_stopping;
	bool has_failed;
	bool report_posted;
	bool is_syncing;
	bool has_horizon;   /* that is to be written */
	uint64_t recent_us; /* of syncs, smoothed */
	uint64_t wanted;    /* number */
	uint64_t durable;   /* number, as the thread reports it */
	struct ag_error failure;
};

/* On the loop: tell the driver how far the disk has come. */
static void
journal_report(void *arg)
{
	struct journal *j = arg;
	struct ag_error failure;
	uint64_t durable, token;
	bool failed;

	(void)pthread_mutex_lock(&j->lock);
	j->report_posted = false;
	durable = j->durable;
	failed = j->has_failed;
	failure = j->failure;
	(void)pthread_mutex_unlock(&j->lock);

	if (durable >= j->number_base && j->number_base != 0) {
		token = j->token_base + (durable - j->number_base);
		if (token > j->durable_token) {
			j->durable_token = token;
			j->callbacks.durable(j->callbacks.arg, token);
		}
	}
	if (failed)
		j->callbacks.failed(j->callbacks.arg, &failure);
}

/*
 * With the lock held; it is let go meanwhile, or the loop would wake only to
 * wait for it.
 */
static void
journal_post_report(struct journal *j)
{
	enum ag_status status;

	if (j->report_posted)
		return;
	j->report_posted = true;
	(void)pthread_mutex_unlock(&j->lock);
	status = loop_post(j->loop, journal_report, j);
	(void)pthread_mutex_lock(&j->lock);
	if (status != AG_OK) {
		/* Without memory for a post the driver can't go on. */
		j->report_posted = false;
		j->has_failed = true;
	}
}

/* With the lock held, which is let go meanwhile. */
static void
journal_sync(struct journal *j)
{
	const struct horizon horizon = j->horizon;
	const bool has_horizon = j->has_horizon;
	uint64_t durable = j->durable, began, took;
	enum ag_status status = AG_OK;
	struct ag_error err;

	j->is_syncing = true;
	j->has_horizon = false;
	(void)pthread_mutex_unlock(&j->lock);
	began = clock_mono_us();
	if (has_horizon)
		status =
		    horizon_write(j->horizon_file, &horizon, durable, &err);
	if (status == AG_OK)
		status = wal_sync(j->wal, &durable, &err);
	took = clock_mono_us() - began;
	metric_observe_us(j->sync_seconds, took);
	(void)pthread_mutex_lock(&j->lock);
	j->is_syncing = false;
	j->recent_us = (j->recent_us * 7 + took) / 8;
	if (status == AG_OK) {
		j->durable = durable;
	} else {
		j->has_failed = true;
		j->failure = err;
	}
}

static void *
journal_main(void *arg)
{
	struct journal *j = arg;

	(void)pthread_setname_np(pthread_self(), "aegis-log");
	(void)pthread_mutex_lock(&j->lock);
	for (;;) {
		while ((j->wanted <= j->durable || j->is_syncing) &&
		    !j->is_stopping)
			(void)pthread_cond_wait(&j->wake, &j->lock);
		if (j->has_failed || j->wanted <= j->durable)
			break;
		journal_sync(j);
		journal_post_report(j);
		if (j->has_failed)
			break;
	}
	(void)pthread_mutex_unlock(&j->lock);
	return NULL;
}

enum ag_status
journal_open(struct journal **out, const struct recollect_config *config,
    struct loop *loop, const struct journal_callbacks *callbacks,
    struct ag_error *err)
{
	const char *dir = config->log_dir;
	struct recollection found;
	enum ag_status status;
	struct journal *j;

	*out = NULL;
	j = calloc(1, sizeof(*j));
	if (j == NULL)
		return ag_fail(err, AG_ENOMEM, "open log %s: out of memory",
		    dir);
	j->loop = loop;
	j->callbacks = *callbacks;
	j->keyring = config->keyring;
	(void)snprintf(j->dir, sizeof(j->dir), "%s", dir);
	j->sync_seconds = metric_new(config->metrics, METRIC_HISTOGRAM,
	    "aegis_log_sync_duration_seconds",
	    "Time to write and sync one group of log records", NULL);
	(void)pthread_mutex_init(&j->lock, NULL);
	(void)pthread_cond_init(&j->wake, NULL);
	j->ring = calloc(JOURNAL_RING, sizeof(*j->ring));
	j->marks = calloc(JOURNAL_MARKS, sizeof(*j->marks));
	j->stride = JOURNAL_STRIDE;
	j->recent_us = 4 * SYNC_HERE_US; /* until it is known */
	if (j->ring == NULL || j->marks == NULL) {
		status =
		    ag_fail(err, AG_ENOMEM, "open log %s: out of memory", dir);
		goto fail;
	}
	status = recollect_open(&found, config, err);
	if (status != AG_OK)
		goto fail;
	j->wal = found.wal;
	j->horizon_file = found.file;
	j->horizon = found.horizon;
	j->durable = wal_last(j->wal);
	j->wanted = j->durable;
	if (pthread_create(&j->thread, NULL, journal_main, j) != 0) {
		status = ag_fail(err, AG_ESYS, "start the log's thread");
		goto fail;
	}
	j->is_running = true;
	*out = j;
	return AG_OK;

fail:
	journal_close(j);
	return status;
}

void
journal_close(struct journal *j)
{
	if (j == NULL)
		return;
	if (j->is_running) {
		journal_kick(j);
		(void)pthread_mutex_lock(&j->lock);
		j->is_stopping = true;
		(void)pthread_cond_signal(&j->wake);
		(void)pthread_mutex_unlock(&j->lock);
		(void)pthread_join(j->thread, NULL);
	}
	loop_unpost(j->loop, j);
	wal_close(j->wal);
	horizon_close(j->horizon_file);
	(void)pthread_cond_destroy(&j->wake);
	(void)pthread_mutex_destroy(&j->lock);
	free(j->ring);
	free(j->marks);
	free(j);
}

const struct horizon *
journal_horizon(const struct journal *j)
{
	return &j->horizon;
}

void
journal_put_horizon(struct journal *j, const struct horizon *horizon)
{
	(void)pthread_mutex_lock(&j->lock);
	j->horizon = *horizon;
	j->has_horizon = true;
	(void)pthread_mutex_unlock(&j->lock);
}

static void
journal_thin_marks(struct journal *j)
{
	size_t i;

	for (i = 0; 2 * i < j->mark_count; i++)
		j->marks[i] = j->marks[2 * i];
	j->mark_count = i;
	j->stride *= 2;
}

/* A record of seq was written, or is read again. */
static void
journal_note(struct journal *j, uint64_t seq, uint64_t number)
{
	const struct journal_mark *last =
	    j->mark_count == 0 ? NULL : &j->marks[j->mark_count - 1];

	/* Records of no sequence say nothing, but for the very first. */
	if (last != NULL ? seq < last->seq + j->stride
			 : seq == 0 && number != 1)
		return;
	if (j->mark_count == JOURNAL_MARKS)
		journal_thin_marks(j);
	/* A log from its beginning has everything. */
	j->marks[j->mark_count++] = (struct journal_mark){
		.seq = number == 1 ? 0 : seq,
		.number = number,
	};
}

uint64_t
journal_find(const struct journal *j, uint64_t seq)
{
	size_t low = 0, high = j->mark_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (j->marks[middle].seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || j->marks[low - 1].number < wal_first(j->wal))
		return 0;
	return j->marks[low - 1].number;
}

static void
journal_forget_first(struct journal *j)
{
	j->ring_first = (j->ring_first + 1) % JOURNAL_RING;
	j->ring_count--;
}

static void
journal_remember(struct journal *j, uint64_t seq, uint64_t number)
{
	const struct journal_entry *first = &j->ring[j->ring_first];

	if (j->ring_count == JOURNAL_RING) {
		if (j->lowest_dropped == 0)
			j->lowest_dropped = first->number;
		if (first->seq > j->dropped_seq)
			j->dropped_seq = first->seq;
		journal_forget_first(j);
	}
	j->ring[(j->ring_first + j->ring_count++) % JOURNAL_RING] =
	    (struct journal_entry){ number, seq };
}

enum ag_status
journal_replay(struct journal *j,
    uint64_t (*visit)(void *arg, struct bytes record), void *arg,
    struct ag_error *err)
{
	struct wal_cursor *cursor = NULL;
	enum ag_status status;
	struct bytes record;
	uint64_t number;

	if (wal_last(j->wal) == 0)
		return AG_OK;
	status = wal_cursor_open_sealed(&cursor, j->dir, 0, j->keyring, err);
	if (status != AG_OK)
		return status;
	while ((status = wal_cursor_next(cursor, &number, &record, err)) ==
	    AG_OK) {
		uint64_t seq = visit(arg, record);

		journal_remember(j, seq, number);
		journal_note(j, seq, number);
	}
	wal_cursor_close(cursor);
	return status == AG_ENOENT ? AG_OK : status;
}

enum ag_status
journal_append(struct journal *j, uint64_t token, uint64_t seq,
    struct bytes record, struct ag_error *err)
{
	enum ag_status status;
	uint64_t number;

	status = wal_append(j->wal, record, &number, err);
	if (status != AG_OK)
		return status;
	if (j->number_base == 0) {
		j->number_base = number;
		j->token_base = token;
		j->durable_token = token - 1;
	}
	AG_ASSERT(token - j->token_base == number - j->number_base);
	j->appended_token = token;
	journal_remember(j, seq, number);
	journal_note(j, seq, number);
	return AG_OK;
}

void
journal_kick(struct journal *j)
{
	uint64_t last = wal_last(j->wal);
	bool has_more;

	(void)pthread_mutex_lock(&j->lock);
	has_more = j->wanted < last;
	if (has_more)
		j->wanted = last;
	(void)pthread_mutex_unlock(&j->lock);
	if (has_more)
		(void)pthread_cond_signal(&j->wake);
}

bool
journal_sync_here(struct journal *j)
{
	bool is_ours;

	(void)pthread_mutex_lock(&j->lock);
	is_ours = !j->is_syncing && j->wanted <= j->durable && !j->has_failed &&
	    !j->is_stopping && j->recent_us <= SYNC_HERE_US;
	if (is_ours)
		journal_sync(j);
	(void)pthread_mutex_unlock(&j->lock);
	if (is_ours)
		journal_report(j);
	return is_ours;
}

/* The number of the first record that replay needs, as journal_release(). */
static uint64_t
journal_floor(struct journal *j, uint64_t seq, uint64_t token)
{
	uint64_t keep = j->number_base + (token - j->token_base);
	size_t i;

	for (i = 0; i < j->ring_count; i++) {
		const struct journal_entry *e =
		    &j->ring[(j->ring_first + i) % JOURNAL_RING];

		if (e->number >= keep)
			break;
		if (e->seq > seq)
			keep = e->number;
	}
	/* Sequences may interleave, so forget only the entries before it. */
	while (j->ring_count > 0 && j->ring[j->ring_first].number < keep)
		journal_forget_first(j);
	if (j->dropped_seq <= seq) {
		j->lowest_dropped = 0;
		j->dropped_seq = 0;
	} else if (j->lowest_dropped < keep) {
		keep = j->lowest_dropped;
	}
	return keep;
}

void
journal_release(struct journal *j, uint64_t seq, uint64_t token,
    uint64_t retain_bytes)
{
	struct ag_error err;
	uint64_t keep;

	AG_ASSERT(j->number_base != 0 && token >= j->token_base);
	keep = journal_floor(j, seq, token);
	if (wal_truncate(j->wal, keep, retain_bytes, &err) != AG_OK) {
		(void)pthread_mutex_lock(&j->lock);
		j->has_failed = true;
		j->failure = err;
		journal_post_report(j);
		(void)pthread_mutex_unlock(&j->lock);
	}
}

uint32_t
journal_oldest_epoch(const struct journal *j)
{
	return wal_oldest_epoch(j->wal);
}

uint64_t
journal_bytes(const struct journal *j)
{
	return wal_bytes(j->wal);
}

uint64_t
journal_sync_p99_us(const struct journal *j)
{
	return metric_quantile_us(j->sync_seconds, 0.99);
}
