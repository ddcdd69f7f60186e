/*
 * The applier: one thread between the agreed order and the state.
 *
 * It takes everything queued, executes it and reports once: under load many
 * batches share a report, and a lone request waits for nobody.  What was
 * executed gathers in one database transaction, since a commit writes every
 * page that was touched and the next batches touch many of them again.  The
 * log, not the database, is what makes a batch durable.
 *
 * RULES    1. Jobs are done in the order they were queued.
 *          2. A group ends at a checkpoint, so that its digest is of exactly
 *             that sequence.
 *          3. The database is committed at each checkpoint, when enough has
 *             gathered, when nothing comes for a while, and when a reader
 *             asks: a reader sees what was committed, and one that was told
 *             of a write must see it.
 *          4. A little is executed on the loop's thread when that would only
 *             wait: to wake another costs more.  Never a commit.
 *          5. What was executed before the state was replaced is not
 *             reported after it: the new state has all of it, and so have
 *             its sessions.  Nor is what was sealed again: the new state
 *             may be sealed with older keys.
 *          6. After the last batch of an epoch nothing more is executed: what
 *             was decided behind it is dropped, here as everywhere.
 *          7. Sealing values again is what can wait: between steps there is a
 *             pause, as long as its share of the time asks for.  What it
 *             wrote is committed with the rest.
 *          8. Versions that need not be kept are dropped in the same way, when
 *             batches have made others old: in a small share of the time, or
 *             with no pause while there are more of them than may be.
 *          9. After a failure nothing more is executed.  A replica whose
 *             disk fails must stop, not diverge.
 */
#include "node/applier.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "event/loop.h"
#include "node/applied.h"
#include "node/state_dir.h"

/* A group's batches stop here, so that the first waiter is not starved. */
#define GROUP_BATCHES_MAX 64

/* What may gather before a commit: bytes of batches, or a while of nothing. */
#define GATHERED_BYTES_MAX ((size_t)4 << 20)
#define GATHERED_IDLE_US UINT64_C(20000)

/* How soon it is asked again whether somebody reads an older state. */
#define SETTLE_US UINT64_C(500000)

/* Compaction: looked for so long after a batch, and its share of the time. */
#define COMPACT_LOOK_US UINT64_C(1000000)
#define COMPACT_PERCENT 10

/* What a step of it is taken to write. */
#define COMPACT_BYTES ((size_t)32 << 10)

/* Little: bytes of batches, and how long one took lately. */
#define HERE_BYTES_MAX ((size_t)16 << 10)
#define HERE_US 200

enum job_kind {
	JOB_DELIVER,
	JOB_COMMIT,
	JOB_SYNC,
	JOB_PIN,
};

struct job {
	struct job *next;
	enum job_kind kind;
	uint64_t seq;
	bool is_checkpoint;
	bool at_once;
	void *pin_arg;
	size_t len;
	uint8_t batch[];
};

struct job_list {
	struct job *first;
	struct job **last;
};

struct applier {
	struct store *store;
	struct store_reader *reader;
	struct loop *loop;
	struct metric_set *metrics;
	struct applier_callbacks callbacks;
	uint8_t cluster_id[32];
	bool has_origin;
	struct store_origin origin;
	struct keyring *keyring;
	uint8_t principal[32];
	const struct roster *roster; /* of the epoch; NULL: not said yet */
	char dir[PATH_MAX];
	uint64_t seq;                 /* as reported on the loop */
	uint64_t keys, bytes;         /* the same */
	struct key_epochs key_epochs; /* the same */
	uint64_t next_expiry_ms;      /* the same */
	uint64_t committed;           /* the same, of what readers see */
	applier_committed_fn *on_committed;
	void *on_committed_arg;
	uint64_t replaced_seq; /* of the last replacement; or 0 */
	unsigned int replaced; /* how often */
	uint64_t time_ms;
	struct digest opened; /* of the state as it was opened */

	pthread_t thread;
	pthread_mutex_t store_lock; /* held while the thread uses the store */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_running;
	bool is_stopping;
	bool is_working; /* the thread has taken jobs */
	bool has_failed;
	struct job_list queue;
	struct report *reports; /* for the loop, the oldest first */
	struct report **reports_end;
	unsigned int reseal_percent; /* 0: nothing is sealed again */
	uint64_t reseal_us;          /* the next step's time */
	struct store_resealing resealing;
	struct store_past past; /* on the loop, of the last commit */
	bool is_retaining;      /* it was said what is to be kept: */
	struct store_retention retention;

	/* With the store: waiting for a checkpoint, and whether we stand at one
	 * (or where we were opened: that digest was given out too). */
	struct job_list pins;
	bool is_at_checkpoint;
	uint64_t recent_us;           /* a batch takes */
	_Atomic size_t gathered;      /* bytes executed and not committed */
	_Atomic uint64_t gathered_us; /* when that was last added to */
	_Atomic uint64_t compact_us; /* the next step of it; UINT64_MAX: none */
};

/* A report on its way from the thread to the loop. */
struct report {
	struct report *next;
	struct applied_group *group; /* or NULL */
	uint64_t keys, bytes;        /* held after it */
	struct key_epochs key_epochs;
	uint64_t next_expiry_ms;
	bool is_committed; /* up to committed_seq, with the group */
	uint64_t committed_seq;
	struct store_past past; /* then */
	bool is_synced;
	uint64_t synced_seq;
	bool is_resealed;
	uint32_t resealed_epoch;
	unsigned int replaced; /* how often the state was before */
	struct job *pin_job;   /* or NULL */
	enum ag_status pin_status;
	struct store_pin *pin;
	bool has_failed;
	struct ag_error failure;
};

static void
job_list_init(struct job_list *list)
{
	list->first = NULL;
	list->last = &list->first;
}

static void
job_list_push(struct job_list *list, struct job *job)
{
	job->next = NULL;
	*list->last = job;
	list->last = &job->next;
}

static struct job *
job_list_pop(struct job_list *list)
{
	struct job *job = list->first;

	if (job == NULL)
		return NULL;
	list->first = job->next;
	if (list->first == NULL)
		list->last = &list->first;
	return job;
}

static void
job_list_clear(struct job_list *list)
{
	struct job *job;

	while ((job = job_list_pop(list)) != NULL)
		free(job);
}

static struct report *
reports_take(struct applier *a)
{
	struct report *first;

	(void)pthread_mutex_lock(&a->lock);
	first = a->reports;
	a->reports = NULL;
	a->reports_end = &a->reports;
	(void)pthread_mutex_unlock(&a->lock);
	return first;
}

static void
report_deliver(struct applier *a, struct report *r)
{
	if (r->group != NULL) {
		struct applied view;

		applied_group_view(r->group, &view);
		if (view.seq > a->replaced_seq) {
			a->seq = view.seq;
			a->time_ms = view.time_ms;
			a->keys = r->keys;
			a->bytes = r->bytes;
			a->key_epochs = r->key_epochs;
			a->next_expiry_ms = r->next_expiry_ms;
			a->callbacks.applied(a->callbacks.arg, &view);
		}
		applied_group_free(r->group);
	}
	if (r->is_committed) {
		if (r->committed_seq > a->committed)
			a->committed = r->committed_seq;
		if (r->replaced == a->replaced)
			a->past = r->past;
		if (a->on_committed != NULL)
			a->on_committed(a->on_committed_arg);
	}
	if (r->pin_job != NULL) {
		a->callbacks.pinned(a->callbacks.arg, r->pin_job->pin_arg,
		    r->pin_status, r->pin);
		free(r->pin_job);
	}
	if (r->is_synced)
		a->callbacks.synced(a->callbacks.arg, r->synced_seq);
	if (r->is_resealed && r->replaced == a->replaced)
		a->callbacks.resealed(a->callbacks.arg, r->resealed_epoch);
	if (r->has_failed)
		a->callbacks.failed(a->callbacks.arg, &r->failure);
}

/* On the loop. */
static void
reports_deliver(void *arg)
{
	struct applier *a = arg;
	struct report *r, *next;

	for (r = reports_take(a); r != NULL; r = next) {
		next = r->next;
		report_deliver(a, r);
		free(r);
	}
}

/* What nobody will hear of any more. */
static void
reports_drop(struct applier *a)
{
	struct report *r, *next;

	for (r = reports_take(a); r != NULL; r = next) {
		next = r->next;
		applied_group_free(r->group);
		free(r->pin_job);
		if (r->pin != NULL)
			store_unpin(r->pin);
		free(r);
	}
}

static void
report_post(struct applier *a, const struct report *what)
{
	struct report *r = malloc(sizeof(*r));
	bool is_first;

	/* A node without memory for a report stands still; better to die
	 * and be restarted than to hold a quorum up. */
	AG_ASSERT(r != NULL);
	*r = *what;
	r->next = NULL;
	(void)pthread_mutex_lock(&a->lock);
	is_first = a->reports == NULL;
	*a->reports_end = r;
	a->reports_end = &r->next;
	(void)pthread_mutex_unlock(&a->lock);
	if (is_first)
		AG_ASSERT(loop_post(a->loop, reports_deliver, a) == AG_OK);
}

static void
applier_fail(struct applier *a, const struct ag_error *err)
{
	struct report r = { .has_failed = true, .failure = *err };

	a->has_failed = true;
	report_post(a, &r);
}

/* Pin the state for everybody who waits, at a checkpoint just committed. */
static void
applier_take_pins(struct applier *a)
{
	struct job *job;

	while ((job = job_list_pop(&a->pins)) != NULL) {
		struct report r = { .pin_job = job };
		struct ag_error err;

		r.pin_status = store_pin(a->store, &r.pin, &err);
		report_post(a, &r);
	}
}

static enum ag_status
applier_commit_into(struct applier *a, struct report *r, struct ag_error *err)
{
	enum ag_status status = store_commit(a->store, err);

	if (status != AG_OK)
		return status;
	a->gathered = 0;
	r->is_committed = true;
	r->committed_seq = store_applied(a->store);
	r->replaced = a->replaced;
	store_look_past(a->store, &r->past);
	return AG_OK;
}

static bool
applier_keeps_too_much(const struct applier *a)
{
	struct store_past past;

	store_look_past(a->store, &past);
	return past.bytes > a->retention.bytes;
}

/* Batches make versions old: is there something to drop soon? */
static void
applier_expect_compaction(struct applier *a, uint64_t now_us)
{
	if (!a->is_retaining)
		return;
	if (applier_keeps_too_much(a))
		a->compact_us = now_us;
	else if (a->compact_us == UINT64_MAX)
		a->compact_us = now_us + COMPACT_LOOK_US;
}

/* What was decided after the end of the epoch. */
static void
applier_drop_deliveries(struct job_list *work)
{
	while (work->first != NULL && work->first->kind == JOB_DELIVER)
		free(job_list_pop(work));
}

/*
 * Execute deliver jobs from the front of work, up to a checkpoint, the
 * group's size or as much as may gather, and report them.
 */
static enum ag_status
applier_run_group(struct applier *a, struct job_list *work,
    struct ag_error *err)
{
	struct applied_group *group = applied_group_new(a->principal);
	struct report r = { .group = group };
	enum ag_status status = AG_OK;
	bool at_checkpoint = false;
	uint64_t began_us = clock_mono_us();
	struct digest digest;
	size_t batches = 0;

	if (group == NULL)
		return ag_fail(err, AG_ENOMEM, "apply batches: out of memory");
	while (status == AG_OK && !at_checkpoint && work->first != NULL &&
	    work->first->kind == JOB_DELIVER && batches < GROUP_BATCHES_MAX &&
	    a->gathered < GATHERED_BYTES_MAX) {
		struct job *job = job_list_pop(work);

		status = store_apply(a->store, job->seq,
		    bytes_of(job->batch, job->len),
		    applied_group_observer(group), err);
		applied_group_end_batch(group, job->seq,
		    store_time_ms(a->store));
		at_checkpoint = job->is_checkpoint || store_is_last(a->store);
		a->is_at_checkpoint = at_checkpoint;
		a->gathered += job->len + 1;
		batches++;
		free(job);
	}
	a->gathered_us = clock_mono_us();
	applier_expect_compaction(a, a->gathered_us);
	a->recent_us =
	    (7 * a->recent_us + (a->gathered_us - began_us) / batches) / 8;
	if (status == AG_OK && applied_group_is_short(group))
		status =
		    ag_fail(err, AG_ENOMEM, "apply batches: out of memory");
	if (status == AG_OK &&
	    (at_checkpoint || a->gathered >= GATHERED_BYTES_MAX))
		status = applier_commit_into(a, &r, err);
	if (status == AG_OK && at_checkpoint) {
		status = store_digest(a->store, &digest, err);
		applied_group_set_digest(group, &digest);
	}
	if (status != AG_OK) {
		applied_group_free(group);
		return status;
	}
	if (store_is_last(a->store))
		applied_group_set_last(group);
	store_size(a->store, &r.keys, &r.bytes);
	r.key_epochs = *store_key_epochs(a->store);
	r.next_expiry_ms = store_next_expiry_ms(a->store);
	report_post(a, &r);
	if (at_checkpoint)
		applier_take_pins(a);
	return AG_OK;
}

static enum ag_status
applier_run_commit(struct applier *a, struct ag_error *err)
{
	struct report r = { .group = NULL };
	enum ag_status status = applier_commit_into(a, &r, err);

	if (status == AG_OK)
		report_post(a, &r);
	return status;
}

static enum ag_status
applier_run_one(struct applier *a, struct job_list *work, struct ag_error *err)
{
	struct report r = { .is_synced = true };
	enum ag_status status;
	struct job *job;

	switch (work->first->kind) {
	case JOB_DELIVER:
		if (!store_is_last(a->store))
			return applier_run_group(a, work, err);
		applier_drop_deliveries(work);
		return AG_OK;
	case JOB_COMMIT:
		free(job_list_pop(work));
		return applier_run_commit(a, err);
	case JOB_PIN:
		job = job_list_pop(work);
		job_list_push(&a->pins, job);
		if (job->at_once && a->is_at_checkpoint)
			applier_take_pins(a);
		return AG_OK;
	case JOB_SYNC:
	default:
		job = job_list_pop(work);
		r.synced_seq = job->seq;
		free(job);
		if (store_applied(a->store) < r.synced_seq)
			return AG_OK;
		status = store_sync(a->store, err);
		if (status == AG_OK)
			report_post(a, &r);
		return status;
	}
}

static void
applier_wait_until(struct applier *a, uint64_t until_us)
{
	const struct timespec end = {
		.tv_sec = (time_t)(until_us / 1000000),
		.tv_nsec = (long)(until_us % 1000000) * 1000,
	};

	(void)pthread_cond_timedwait(&a->wake, &a->lock, &end);
}

/* When there is something to do without a job; UINT64_MAX: never. */
static uint64_t
applier_due_us(const struct applier *a)
{
	uint64_t due_us = UINT64_MAX;

	/* What failed does nothing more, of its own accord least of all. */
	if (a->has_failed)
		return due_us;
	if (a->gathered > 0)
		due_us = a->gathered_us + GATHERED_IDLE_US;
	if (a->reseal_percent > 0 && a->reseal_us < due_us)
		due_us = a->reseal_us;
	if (a->compact_us < due_us)
		due_us = a->compact_us;
	return due_us;
}

/* Wait for jobs, but with something gathered not for long.  Locked. */
static void
applier_wait(struct applier *a)
{
	while (a->queue.first == NULL && !a->is_stopping) {
		uint64_t due_us = applier_due_us(a);

		if (due_us == UINT64_MAX)
			(void)pthread_cond_wait(&a->wake, &a->lock);
		else if (clock_mono_us() < due_us)
			applier_wait_until(a, due_us);
		else
			return;
	}
}

/* What a step came to: when is the next? */
static void
applier_note_resealing(struct applier *a,
    const struct store_resealing *progress, uint64_t took_us)
{
	struct report r = { .is_resealed = true,
		.resealed_epoch = progress->epoch,
		.replaced = a->replaced };
	const uint64_t now_us = clock_mono_us();
	bool is_over;

	(void)pthread_mutex_lock(&a->lock);
	a->resealing = *progress;
	is_over = progress->is_settled && a->reseal_percent > 0;
	if (is_over)
		a->reseal_percent = 0;
	else if (progress->is_done)
		a->reseal_us = now_us + SETTLE_US;
	else if (a->reseal_percent > 0)
		a->reseal_us = now_us +
		    took_us * (100 - a->reseal_percent) / a->reseal_percent;
	(void)pthread_mutex_unlock(&a->lock);
	if (is_over)
		report_post(a, &r);
}

/* A step of sealing again, when it is time for one. */
static void
applier_run_reseal(struct applier *a)
{
	const uint64_t began_us = clock_mono_us();
	struct store_resealing progress;
	struct ag_error err;
	size_t bytes;
	bool is_due;

	(void)pthread_mutex_lock(&a->lock);
	is_due = a->reseal_percent > 0 && began_us >= a->reseal_us;
	(void)pthread_mutex_unlock(&a->lock);
	if (!is_due || a->has_failed)
		return;
	if (store_reseal(a->store, &progress, &bytes, &err) != AG_OK) {
		applier_fail(a, &err);
		return;
	}
	a->gathered_us = clock_mono_us();
	a->gathered += bytes + 1;
	if (a->gathered >= GATHERED_BYTES_MAX &&
	    applier_run_commit(a, &err) != AG_OK)
		applier_fail(a, &err);
	else
		applier_note_resealing(a, &progress, a->gathered_us - began_us);
}

/* A step of compaction, when it is time for one. */
static void
applier_run_compaction(struct applier *a)
{
	const uint64_t began_us = clock_mono_us();
	struct ag_error err;
	uint64_t now_us;
	bool is_done;

	if (began_us < a->compact_us || a->has_failed)
		return;
	if (store_compact(a->store, &is_done, &err) != AG_OK) {
		applier_fail(a, &err);
		return;
	}
	a->compact_us = UINT64_MAX;
	if (is_done)
		return;
	now_us = clock_mono_us();
	a->gathered += COMPACT_BYTES;
	a->gathered_us = now_us;
	a->compact_us = now_us;
	if (!applier_keeps_too_much(a))
		a->compact_us += (now_us - began_us) * (100 - COMPACT_PERCENT) /
		    COMPACT_PERCENT;
	if (a->gathered >= GATHERED_BYTES_MAX &&
	    applier_run_commit(a, &err) != AG_OK)
		applier_fail(a, &err);
}

/* Take what is queued.  Locked. */
static void
applier_take(struct applier *a, struct job_list *work)
{
	job_list_init(work);
	if (a->queue.first == NULL)
		return;
	*work = a->queue;
	job_list_init(&a->queue);
}

/* Do what was taken; with nothing taken, commit what has gathered. */
static void
applier_work(struct applier *a, struct job_list *work)
{
	struct ag_error err;

	if (work->first == NULL && a->gathered > 0 && !a->has_failed &&
	    clock_mono_us() >= a->gathered_us + GATHERED_IDLE_US &&
	    applier_run_commit(a, &err) != AG_OK)
		applier_fail(a, &err);
	while (work->first != NULL && !a->has_failed)
		if (applier_run_one(a, work, &err) != AG_OK)
			applier_fail(a, &err);
	if (a->has_failed)
		a->gathered = 0;
	job_list_clear(work);
}

static void *
applier_main(void *arg)
{
	struct applier *a = arg;
	struct job_list work;

	(void)pthread_setname_np(pthread_self(), "aegis-apply");
	(void)pthread_mutex_lock(&a->lock);
	while (!a->is_stopping || a->queue.first != NULL) {
		applier_wait(a);
		applier_take(a, &work);
		a->is_working = true;
		(void)pthread_mutex_unlock(&a->lock);
		(void)pthread_mutex_lock(&a->store_lock);
		applier_work(a, &work);
		applier_run_reseal(a);
		applier_run_compaction(a);
		(void)pthread_mutex_unlock(&a->store_lock);
		(void)pthread_mutex_lock(&a->lock);
		a->is_working = false;
	}
	(void)pthread_mutex_unlock(&a->lock);
	return NULL;
}

static enum ag_status
applier_open_store(struct applier *a, struct ag_error *err)
{
	enum ag_status status;

	status = state_dir_recover(a->dir, err);
	if (status != AG_OK)
		return status;
	status = store_open_from(&a->store, a->dir, a->cluster_id,
	    a->has_origin ? &a->origin : NULL, a->keyring, a->metrics, err);
	if (status == AG_OK && a->roster != NULL)
		status = store_begin_epoch(a->store, a->roster, err);
	if (status != AG_OK)
		return status;
	a->seq = store_applied(a->store);
	a->committed = a->seq;
	a->gathered = 0;
	a->time_ms = store_time_ms(a->store);
	store_size(a->store, &a->keys, &a->bytes);
	a->key_epochs = *store_key_epochs(a->store);
	a->next_expiry_ms = store_next_expiry_ms(a->store);
	a->reseal_us = 0;
	store_retain(a->store, &a->retention);
	store_look_past(a->store, &a->past);
	a->compact_us = a->is_retaining ? 0 : UINT64_MAX;
	status = store_digest(a->store, &a->opened, err);
	if (status != AG_OK)
		return status;
	a->is_at_checkpoint = true;
	return store_reader_open(&a->reader, a->store, err);
}

static enum ag_status
applier_start(struct applier *a, struct ag_error *err)
{
	a->is_stopping = false;
	if (pthread_create(&a->thread, NULL, applier_main, a) != 0)
		return ag_fail(err, AG_ESYS, "start the applier's thread");
	a->is_running = true;
	return AG_OK;
}

static void
applier_stop(struct applier *a)
{
	if (!a->is_running)
		return;
	(void)pthread_mutex_lock(&a->lock);
	a->is_stopping = true;
	(void)pthread_cond_signal(&a->wake);
	(void)pthread_mutex_unlock(&a->lock);
	(void)pthread_join(a->thread, NULL);
	a->is_running = false;
}

enum ag_status
applier_open(struct applier **out, const char *dir,
    const uint8_t cluster_id[static 32], const struct store_origin *origin,
    struct keyring *keyring, const uint8_t principal[static 32],
    struct loop *loop, const struct applier_callbacks *callbacks,
    struct metric_set *metrics, struct ag_error *err)
{
	pthread_condattr_t monotonic;
	enum ag_status status;
	struct applier *a;

	*out = NULL;
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return ag_fail(err, AG_ENOMEM, "open state %s: out of memory",
		    dir);
	a->loop = loop;
	a->callbacks = *callbacks;
	a->metrics = metrics;
	memcpy(a->cluster_id, cluster_id, sizeof(a->cluster_id));
	a->has_origin = origin != NULL;
	if (origin != NULL)
		a->origin = *origin;
	a->keyring = keyring;
	memcpy(a->principal, principal, sizeof(a->principal));
	(void)snprintf(a->dir, sizeof(a->dir), "%s", dir);
	(void)pthread_mutex_init(&a->store_lock, NULL);
	(void)pthread_mutex_init(&a->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&a->wake, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	job_list_init(&a->queue);
	job_list_init(&a->pins);
	a->reports_end = &a->reports;
	status = applier_open_store(a, err);
	if (status == AG_OK)
		status = applier_start(a, err);
	if (status != AG_OK) {
		applier_close(a);
		return status;
	}
	*out = a;
	return AG_OK;
}

void
applier_close(struct applier *a)
{
	struct ag_error err;

	if (a == NULL)
		return;
	applier_stop(a);
	/* What cannot be committed now is executed again from the log. */
	if (a->gathered > 0 && store_commit(a->store, &err) != AG_OK)
		log_warn("node", "state not committed at the end",
		    LOG_TEXT("error", err.text));
	job_list_clear(&a->queue);
	job_list_clear(&a->pins);
	reports_drop(a);
	store_reader_close(a->reader);
	store_close(a->store);
	(void)pthread_cond_destroy(&a->wake);
	(void)pthread_mutex_destroy(&a->lock);
	(void)pthread_mutex_destroy(&a->store_lock);
	free(a);
}

enum ag_status
applier_begin_epoch(struct applier *a, const struct roster *roster,
    struct ag_error *err)
{
	enum ag_status status;

	(void)pthread_mutex_lock(&a->store_lock);
	a->roster = roster;
	status = store_begin_epoch(a->store, roster, err);
	(void)pthread_mutex_unlock(&a->store_lock);
	return status;
}

bool
applier_is_last(struct applier *a)
{
	bool is_last;

	(void)pthread_mutex_lock(&a->store_lock);
	is_last = store_is_last(a->store);
	(void)pthread_mutex_unlock(&a->store_lock);
	return is_last;
}

enum ag_status
applier_prove_epoch(struct applier *a, struct epoch *epoch, struct buf *text,
    struct ag_error *err)
{
	enum ag_status status;

	(void)pthread_mutex_lock(&a->store_lock);
	status = store_prove_epoch(a->store, epoch, text, err);
	(void)pthread_mutex_unlock(&a->store_lock);
	return status;
}

static enum ag_status
applier_queue(struct applier *a, const struct job *what, struct bytes batch)
{
	struct job *job = malloc(sizeof(*job) + batch.len);

	if (job == NULL)
		return AG_ENOMEM;
	*job = *what;
	job->len = batch.len;
	if (batch.len > 0)
		memcpy(job->batch, batch.data, batch.len);
	(void)pthread_mutex_lock(&a->lock);
	job_list_push(&a->queue, job);
	if (what->kind != JOB_DELIVER)
		(void)pthread_cond_signal(&a->wake);
	(void)pthread_mutex_unlock(&a->lock);
	return AG_OK;
}

enum ag_status
applier_deliver(struct applier *a, uint64_t seq, bool is_checkpoint,
    struct bytes batch)
{
	const struct job job = {
		.kind = JOB_DELIVER,
		.seq = seq,
		.is_checkpoint = is_checkpoint,
	};

	return applier_queue(a, &job, batch);
}

/* Is what is queued so little that nobody need be woken for it? */
static bool
applier_has_little(const struct applier *a)
{
	const struct job *job;
	size_t bytes = 0;

	for (job = a->queue.first; job != NULL; job = job->next) {
		bytes += job->len + 1;
		if (job->kind != JOB_DELIVER || job->is_checkpoint ||
		    bytes > HERE_BYTES_MAX)
			return false;
	}
	return a->gathered + bytes < GATHERED_BYTES_MAX &&
	    a->recent_us <= HERE_US;
}

/* Take the queue and the store, if nobody else has work.  Locked. */
static bool
applier_take_here(struct applier *a, struct job_list *work)
{
	if (a->is_working || pthread_mutex_trylock(&a->store_lock) != 0)
		return false;
	if (!applier_has_little(a)) {
		(void)pthread_mutex_unlock(&a->store_lock);
		return false;
	}
	applier_take(a, work);
	return true;
}

void
applier_execute(struct applier *a, bool may_wait)
{
	bool was_empty = a->gathered == 0, is_here = false;
	struct job_list work;

	(void)pthread_mutex_lock(&a->lock);
	if (a->queue.first != NULL) {
		is_here = may_wait && applier_take_here(a, &work);
		if (!is_here)
			(void)pthread_cond_signal(&a->wake);
	}
	(void)pthread_mutex_unlock(&a->lock);
	if (!is_here)
		return;
	applier_work(a, &work);
	(void)pthread_mutex_unlock(&a->store_lock);
	if (!was_empty)
		return;
	/* The thread sees to it that what gathers is committed. */
	(void)pthread_mutex_lock(&a->lock);
	(void)pthread_cond_signal(&a->wake);
	(void)pthread_mutex_unlock(&a->lock);
}

enum ag_status
applier_sync(struct applier *a, uint64_t seq)
{
	const struct job job = { .kind = JOB_SYNC, .seq = seq };

	return applier_queue(a, &job, bytes_of(NULL, 0));
}

enum ag_status
applier_pin(struct applier *a, bool at_once, void *pin_arg)
{
	const struct job job = {
		.kind = JOB_PIN,
		.at_once = at_once,
		.pin_arg = pin_arg,
	};

	return applier_queue(a, &job, bytes_of(NULL, 0));
}

enum ag_status
applier_commit(struct applier *a)
{
	const struct job job = { .kind = JOB_COMMIT };

	return applier_queue(a, &job, bytes_of(NULL, 0));
}

void
applier_on_committed(struct applier *a, applier_committed_fn *fn, void *arg)
{
	a->on_committed = fn;
	a->on_committed_arg = arg;
}

uint64_t
applier_committed(const struct applier *a)
{
	return a->committed;
}

uint64_t
applier_seq(const struct applier *a)
{
	return a->seq;
}

uint64_t
applier_time_ms(const struct applier *a)
{
	return a->time_ms;
}

void
applier_opened_digest(const struct applier *a, struct digest *digest)
{
	*digest = a->opened;
}

void
applier_size(const struct applier *a, uint64_t *keys, uint64_t *bytes)
{
	*keys = a->keys;
	*bytes = a->bytes;
}

uint64_t
applier_next_expiry_ms(const struct applier *a)
{
	return a->next_expiry_ms;
}

const struct key_epochs *
applier_key_epochs(const struct applier *a)
{
	return &a->key_epochs;
}

void
applier_reseal(struct applier *a, unsigned int percent)
{
	(void)pthread_mutex_lock(&a->lock);
	if (a->reseal_percent != percent) {
		a->reseal_percent = percent;
		a->reseal_us = 0;
		(void)pthread_cond_signal(&a->wake);
	}
	(void)pthread_mutex_unlock(&a->lock);
}

void
applier_resealing(struct applier *a, struct store_resealing *progress)
{
	(void)pthread_mutex_lock(&a->lock);
	*progress = a->resealing;
	(void)pthread_mutex_unlock(&a->lock);
}

void
applier_retain(struct applier *a, const struct store_retention *retention)
{
	(void)pthread_mutex_lock(&a->store_lock);
	a->is_retaining = true;
	a->retention = *retention;
	store_retain(a->store, retention);
	a->compact_us = 0;
	(void)pthread_mutex_unlock(&a->store_lock);
	(void)pthread_mutex_lock(&a->lock);
	(void)pthread_cond_signal(&a->wake);
	(void)pthread_mutex_unlock(&a->lock);
}

void
applier_look_past(const struct applier *a, struct store_past *past)
{
	*past = a->past;
}

enum ag_status
applier_reader_open(struct applier *a, struct store_reader **out,
    struct ag_error *err)
{
	return store_reader_open(out, a->store, err);
}

enum ag_status
applier_digest(struct applier *a, uint64_t *seq, uint64_t *time_ms,
    struct digest *digest, struct ag_error *err)
{
	enum ag_status status;

	(void)pthread_mutex_lock(&a->store_lock);
	status = store_digest(a->store, digest, err);
	*seq = store_applied(a->store);
	*time_ms = store_time_ms(a->store);
	(void)pthread_mutex_unlock(&a->store_lock);
	return status;
}

enum ag_status
applier_find_request(struct applier *a, const uint8_t principal[static 32],
    uint64_t number, struct result *result)
{
	enum ag_status status;

	(void)pthread_mutex_lock(&a->store_lock);
	status = store_find_request(a->store, principal, number, result);
	(void)pthread_mutex_unlock(&a->store_lock);
	return status;
}

uint64_t
applier_next_number(struct applier *a)
{
	uint64_t number;

	(void)pthread_mutex_lock(&a->store_lock);
	number = store_next_number(a->store, a->principal);
	(void)pthread_mutex_unlock(&a->store_lock);
	return number;
}

struct store_reader *
applier_reader(struct applier *a)
{
	return a->reader;
}

enum ag_status
applier_replace(struct applier *a, const char *new_dir, uint64_t seq,
    struct ag_error *err)
{
	enum ag_status status;

	/* The thread ends when its queue is empty. */
	applier_stop(a);
	if (store_applied(a->store) >= seq) {
		status = applier_start(a, err);
		return status == AG_OK ? AG_EEXIST : status;
	}
	store_reader_close(a->reader);
	a->reader = NULL;
	store_close(a->store);
	a->store = NULL;
	status = state_dir_swap(a->dir, new_dir, err);
	if (status == AG_OK)
		status = applier_open_store(a, err);
	if (status == AG_OK) {
		a->replaced_seq = a->seq;
		a->replaced++;
		status = applier_start(a, err);
	}
	if (status == AG_OK && a->on_committed != NULL)
		a->on_committed(a->on_committed_arg);
	return status;
}
