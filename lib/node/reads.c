/*
 * Reads, and the barriers or indexes they share.
 *
 * STATES   gathering  for the next question, a barrier put to agreement or an
 *                     index asked of it, which is put when the one in flight
 *                     has come back (or at once)
 *          behind     the question in flight
 *          indexed    for our state to be executed up to an index
 *          reported   of a state that is executed and not yet committed: for
 *                     the applier's next commit, which they share
 *
 * RULES    1. A read joins the next question, never the one in flight: that
 *             one may have been answered before a write the reader knows of.
 *          2. A read sees what was executed, as reported, before it began.
 *          3. A barrier ends by itself, as every request does; reads that
 *             wait for an index are given up on one by one.
 *          4. An index that takes an epoch's last state answers nothing: the
 *             next epoch may have begun elsewhere, and gone on.  It is asked
 *             for again there.
 *          5. A barrier in flight is answered by requests.h when it ends, and
 *             that may be when we are gone: then nobody is told.
 */
#include "node/reads.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "codec/operation.h"
#include "event/loop.h"

#define READS_MAX 16384

struct read {
	struct read *next;
	node_read_fn *done;
	void *arg;
	struct read_query query; /* its bytes are in range */
	uint32_t timeout_ms;
	uint64_t deadline_us; /* by index */
	uint64_t seq;         /* indexed, reported: what it must see */
	uint8_t range[];
};

/* What is answered when a barrier is, and may be so after we are gone. */
struct barrier {
	struct reads *reads; /* NULL: it is answered to nobody */
};

struct reads {
	struct requests *requests;
	struct applier *applier;
	struct read *gathering;
	struct read *behind;
	struct read *indexed;
	struct read *reported;
	struct barrier *barrier; /* in flight; or NULL */
	bool by_index;
	bool is_asked; /* an index, for what is behind */
	struct loop_timer *timer;
	uint64_t timer_due_us; /* UINT64_MAX: not set */
	bool is_commit_asked;
	size_t count;
	void (*idle)(void *arg);
	void *idle_arg;
};

/* Answer; r is freed. */
static void
read_end(struct reads *rs, struct read *r, enum ag_status status,
    const struct node_page *page)
{
	rs->count--;
	r->done(r->arg, status, page);
	free(r);
	if (rs->count == 0 && rs->idle != NULL) {
		void (*idle)(void *arg) = rs->idle;

		rs->idle = NULL;
		idle(rs->idle_arg);
	}
}

/* Read and answer: with a page also when the sequence was refused. */
static void
read_answer(struct reads *rs, struct read *r)
{
	struct read_page page;
	enum ag_status status;

	r->query.first = bytes_of(r->range, r->query.first.len);
	r->query.last =
	    bytes_of(r->range + r->query.first.len, r->query.last.len);
	status = read_page_read(&page, applier_reader(rs->applier), &r->query);
	read_end(rs, r, status,
	    status == AG_OK || r->query.is_at ? &page.page : NULL);
	read_page_fini(&page);
}

/* Read once what was reported is committed: at once, if it is. */
static void
read_settle(struct reads *rs, struct read *r)
{
	r->seq = applier_seq(rs->applier);
	if (applier_committed(rs->applier) >= r->seq) {
		read_answer(rs, r);
		return;
	}
	if (!rs->is_commit_asked && applier_commit(rs->applier) != AG_OK) {
		read_end(rs, r, AG_ENOMEM, NULL);
		return;
	}
	rs->is_commit_asked = true;
	r->next = rs->reported;
	rs->reported = r;
}

static void
reads_on_committed(void *arg)
{
	struct reads *rs = arg;
	uint64_t seq = applier_committed(rs->applier);
	struct read **at = &rs->reported, *r;

	if (seq >= applier_seq(rs->applier))
		rs->is_commit_asked = false;
	while ((r = *at) != NULL) {
		if (r->seq > seq) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		read_answer(rs, r);
	}
}

static void reads_send_barrier(struct reads *rs);

/* The barrier came to this: answer what is behind it, and send the next. */
static void
reads_end_barrier(struct reads *rs, enum ag_status status)
{
	struct read *r = rs->behind, *next;

	rs->behind = NULL;
	for (; r != NULL; r = next) {
		next = r->next;
		if (status == AG_OK) {
			read_settle(rs, r);
			continue;
		}
		/* A read that did not happen is never "unknown". */
		read_end(rs, r, status == AG_EUNKNOWN ? AG_ENOQUORUM : status,
		    NULL);
	}
	if (rs->behind == NULL)
		reads_send_barrier(rs);
}

static void
reads_on_barrier(void *arg, enum ag_status status, const struct result *result)
{
	struct barrier *barrier = arg;
	struct reads *rs = barrier->reads;

	(void)result;
	free(barrier);
	if (rs == NULL)
		return;
	rs->barrier = NULL;
	reads_end_barrier(rs, status);
}

static enum ag_status
barrier_put(struct reads *rs, uint32_t timeout_ms)
{
	const struct operation op = { .kind = OPERATION_BARRIER };
	struct barrier *barrier = malloc(sizeof(*barrier));
	struct node_request_id id;
	enum ag_status status;
	struct bytes encoded;
	struct encoder e;
	uint8_t bytes[16];

	if (barrier == NULL)
		return AG_ENOMEM;
	barrier->reads = rs;
	encoder_init(&e, bytes, sizeof(bytes));
	operation_encode(&e, &op);
	AG_ASSERT(encoder_finish(&e, &encoded) == AG_OK);
	status = requests_add(rs->requests, encoded, timeout_ms,
	    reads_on_barrier, barrier, &id);
	if (status == AG_OK)
		rs->barrier = barrier;
	else
		free(barrier);
	return status;
}

static void
reads_send_barrier(struct reads *rs)
{
	enum ag_status status;
	uint32_t timeout_ms = 0;
	struct read *r;

	if (rs->gathering == NULL)
		return;
	for (r = rs->gathering; r != NULL; r = r->next)
		if (r->timeout_ms > timeout_ms)
			timeout_ms = r->timeout_ms;
	rs->behind = rs->gathering;
	rs->gathering = NULL;
	status = barrier_put(rs, timeout_ms);
	if (status != AG_OK)
		reads_end_barrier(rs, status);
}

/* --- indexes --- */

bool
reads_ask(struct reads *rs)
{
	if (!rs->by_index || rs->is_asked || rs->gathering == NULL)
		return false;
	rs->behind = rs->gathering;
	rs->gathering = NULL;
	rs->is_asked = true;
	return true;
}

void
reads_indexed(struct reads *rs, uint64_t seq, uint64_t last)
{
	struct read *r;

	rs->is_asked = false;
	while ((r = rs->behind) != NULL) {
		rs->behind = r->next;
		r->seq = seq;
		r->next = rs->indexed;
		rs->indexed = r;
	}
	reads_applied(rs, last);
}

void
reads_applied(struct reads *rs, uint64_t last)
{
	uint64_t seq = applier_seq(rs->applier);
	struct read **at = &rs->indexed, *r;

	while ((r = *at) != NULL) {
		if (r->seq > seq || (last != 0 && r->seq >= last)) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		read_settle(rs, r);
	}
}

static void
reads_gather_again(struct reads *rs, struct read **list)
{
	struct read *r;

	while ((r = *list) != NULL) {
		*list = r->next;
		r->next = rs->gathering;
		rs->gathering = r;
	}
}

void
reads_renew(struct reads *rs)
{
	if (!rs->by_index)
		return;
	rs->is_asked = false;
	reads_gather_again(rs, &rs->behind);
	reads_gather_again(rs, &rs->indexed);
}

void
reads_on_idle(struct reads *rs, void (*done)(void *arg), void *arg)
{
	if (rs->count == 0) {
		done(arg);
		return;
	}
	rs->idle = done;
	rs->idle_arg = arg;
}

static void
reads_arm(struct reads *rs, uint64_t due_us)
{
	uint64_t now = clock_mono_us();

	if (due_us >= rs->timer_due_us)
		return;
	rs->timer_due_us = due_us;
	loop_timer_set(rs->timer,
	    due_us <= now ? 1 : (due_us - now) / 1000 + 1);
}

/* Give up on those whose time is over; when the next one's is. */
static uint64_t
reads_expire(struct reads *rs, struct read **list, uint64_t now)
{
	struct read **at = list, *over = NULL, *r;
	uint64_t next = UINT64_MAX;

	while ((r = *at) != NULL) {
		if (r->deadline_us > now) {
			if (r->deadline_us < next)
				next = r->deadline_us;
			at = &r->next;
			continue;
		}
		*at = r->next;
		r->next = over;
		over = r;
	}
	while ((r = over) != NULL) {
		over = r->next;
		read_end(rs, r, AG_ENOQUORUM, NULL);
	}
	return next;
}

static void
reads_on_timer(void *arg)
{
	struct reads *rs = arg;
	struct read **const lists[] = { &rs->gathering, &rs->behind,
		&rs->indexed };
	uint64_t now = clock_mono_us(), next = UINT64_MAX;
	size_t i;

	rs->timer_due_us = UINT64_MAX;
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		uint64_t due = reads_expire(rs, lists[i], now);

		if (due < next)
			next = due;
	}
	/* Nobody waits for that answer: ask for who comes next. */
	if (rs->behind == NULL)
		rs->is_asked = false;
	if (next != UINT64_MAX)
		reads_arm(rs, next);
}

struct reads *
reads_new(struct requests *requests, struct applier *applier, struct loop *loop,
    bool by_index)
{
	struct reads *rs = calloc(1, sizeof(*rs));

	if (rs == NULL)
		return NULL;
	if (loop_timer_new(&rs->timer, loop, reads_on_timer, rs) != AG_OK) {
		free(rs);
		return NULL;
	}
	rs->requests = requests;
	rs->applier = applier;
	rs->by_index = by_index;
	rs->timer_due_us = UINT64_MAX;
	applier_on_committed(applier, reads_on_committed, rs);
	return rs;
}

static void
reads_drop(struct reads *rs, struct read **list)
{
	struct read *r;

	while ((r = *list) != NULL) {
		*list = r->next;
		read_end(rs, r, AG_EUNREACH, NULL);
	}
}

void
reads_free(struct reads *rs)
{
	if (rs == NULL)
		return;
	rs->idle = NULL;
	if (rs->barrier != NULL)
		rs->barrier->reads = NULL;
	reads_drop(rs, &rs->gathering);
	reads_drop(rs, &rs->behind);
	reads_drop(rs, &rs->indexed);
	reads_drop(rs, &rs->reported);
	loop_timer_close(rs->timer);
	applier_on_committed(rs->applier, NULL, NULL);
	free(rs);
}

enum ag_status
reads_add(struct reads *rs, enum node_consistency consistency,
    const struct read_query *query, uint32_t timeout_ms, node_read_fn *done,
    void *arg, struct ag_error *err)
{
	const struct bytes first = query->first, last = query->last;
	struct read *r;

	if (rs->count >= READS_MAX)
		return ag_fail(err, AG_EBUSY, "read: too many reads wait");
	r = malloc(sizeof(*r) + first.len + last.len);
	if (r == NULL)
		return ag_fail(err, AG_ENOMEM, "read: out of memory");
	*r = (struct read){
		.done = done,
		.arg = arg,
		.query = *query,
		.timeout_ms = timeout_ms,
	};
	if (first.len > 0)
		memcpy(r->range, first.data, first.len);
	if (last.len > 0)
		memcpy(r->range + first.len, last.data, last.len);
	rs->count++;
	if (consistency == NODE_LOCAL) {
		read_settle(rs, r);
		return AG_OK;
	}
	r->next = rs->gathering;
	rs->gathering = r;
	if (rs->by_index) {
		r->deadline_us =
		    clock_mono_us() + (uint64_t)timeout_ms * UINT64_C(1000);
		reads_arm(rs, r->deadline_us);
	} else if (rs->behind == NULL) {
		reads_send_barrier(rs);
	}
	return AG_OK;
}
