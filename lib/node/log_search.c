/*
 * Looking for a request in the log.
 *
 * RULES    1. The whole log is read, oldest first: a request may have been
 *             proposed in several views, and only the end tells which batch
 *             was decided.
 *          2. The log is cut while it is read; what is gone is not there.
 *
 * NOT HERE What memory knows without reading (round_log.c, requests.c).
 */
#include "node/log_search.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/batch.h"
#include "consensus/record.h"
#include "event/loop.h"
#include "store/wal.h"

struct log_search {
	struct loop *loop;
	char log_dir[PATH_MAX];
	struct node_request_id id;
	log_search_fn *done; /* NULL: nobody waits */
	void *arg;
	struct keyring *keyring;
	bool is_working, is_freed;
	atomic_bool is_given_up;

	/* The pool's, while it works. */
	struct certificate certificate;
	struct log_found found; /* seq 0: nothing */
	enum ag_status status;
	struct ag_error err;
};

/* --- on the pool --- */

static void
take_batch(struct log_search *s, const struct record *r)
{
	struct batch batch;
	struct digest digest;

	if (s->found.is_committed ||
	    !batch_holds(r->batch, s->id.principal, s->id.number) ||
	    batch_decode(&batch, r->batch, NULL) != AG_OK)
		return;
	digest_of(&digest, r->batch);
	s->found = (struct log_found){
		.seq = r->seq,
		.view = r->view,
		.digest = digest,
		.time_ms = batch.time_ms,
		.requests = (uint32_t)batch.envelope_count,
		.bytes = (uint32_t)r->batch.len,
	};
}

static void
take_decision(struct log_search *s, const struct record *r)
{
	if (r->seq != s->found.seq)
		return;
	if (!digest_equal(&r->digest, &s->found.digest)) {
		/* It lost its place, and may be proposed for another. */
		s->found = (struct log_found){ 0 };
		return;
	}
	s->found.is_committed = true;
	s->found.view = r->view;
}

static enum ag_status
take_record(struct log_search *s, struct bytes bytes)
{
	struct record r;

	if (record_decode(&r, &s->certificate, bytes, &s->err) != AG_OK)
		return s->err.status;
	if (r.batch.len > 0)
		take_batch(s, &r);
	else if (r.kind == RECORD_COMMITTED && r.seq != 0)
		take_decision(s, &r);
	return AG_OK;
}

static void
search_read(void *arg)
{
	struct log_search *s = arg;
	struct wal_cursor *cursor = NULL;
	struct bytes record;
	uint64_t number;

	s->status =
	    wal_cursor_open_sealed(&cursor, s->log_dir, 0, s->keyring, &s->err);
	while (s->status == AG_OK && !atomic_load(&s->is_given_up)) {
		s->status = wal_cursor_next(cursor, &number, &record, &s->err);
		if (s->status == AG_OK)
			s->status = take_record(s, record);
	}
	wal_cursor_close(cursor);
	if (s->status == AG_ENOENT && s->found.seq != 0)
		s->status = AG_OK;
}

/* --- on the loop --- */

static void
search_done(void *arg)
{
	struct log_search *s = arg;
	log_search_fn *done = s->done;

	s->is_working = false;
	if (s->is_freed) {
		free(s);
		return;
	}
	s->done = NULL;
	done(s->arg, s->status, &s->found, &s->err);
}

enum ag_status
log_search_start(struct log_search *s, const struct node_request_id *id,
    log_search_fn *done, void *arg, struct ag_error *err)
{
	if (s->is_working)
		return ag_fail(err, AG_EBUSY,
		    "search log: another request is being looked for; ask "
		    "again in a moment");
	s->id = *id;
	s->found = (struct log_found){ 0 };
	s->err = (struct ag_error){ 0 };
	s->done = done;
	s->arg = arg;
	if (loop_work(s->loop, search_read, search_done, s) != AG_OK)
		return ag_fail(err, AG_ENOMEM, "search log: out of memory");
	s->is_working = true;
	return AG_OK;
}

struct log_search *
log_search_new(struct loop *loop, const char *log_dir, struct keyring *keyring)
{
	struct log_search *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->loop = loop;
	s->keyring = keyring;
	(void)snprintf(s->log_dir, sizeof(s->log_dir), "%s", log_dir);
	return s;
}

void
log_search_free(struct log_search *s)
{
	struct ag_error err;

	if (s == NULL)
		return;
	if (!s->is_working) {
		free(s);
		return;
	}
	s->is_freed = true;
	atomic_store(&s->is_given_up, true);
	(void)ag_fail(&err, AG_EUNREACH, "search log: the node stops");
	s->done(s->arg, AG_EUNREACH, &s->found, &err);
}
