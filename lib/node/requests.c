/*
 * Requests of this node's callers.
 *
 * STATES   waiting   numbered when an envelope takes it
 *          sent      in an envelope, handed to the engine
 *          answered  executed (result), or given up on (AG_EUNKNOWN)
 *
 * RULES    1. A number is never used twice, or a request would be answered
 *             with what became of an older one.  Three things see to it: the
 *             file `request-number` is moved ahead, and synced, before the
 *             first number of a start is used; a start begins above what
 *             the state it opens knows, which may be a restored one; and,
 *             where a node lost both, no lower than the clock says.
 *          2. Numbers in flight span less than the replicated client table's
 *             window, or an old one could become STALE while it still may
 *             execute.
 *          3. Numbers rise also when they are sent anew in a later epoch:
 *             the client table is the same, and executes each once.
 *          4. Giving up on a request frees its caller, not its number: it
 *             stays in flight until it is executed.  A number that was
 *             refused before it reached the engine was never sent and only
 *             leaves a gap.
 *          5. What was given up on does not come to pass much later: no
 *             batch proposed after the expiry, in agreed time, executes it.
 *             One that was proposed before may be decided at any time.  An
 *             envelope expires with the most patient of its callers.  Agreed
 *             time is taken to pass as ours does since it was last seen, or
 *             a clock that is behind would have everything expire.
 */
#include "node/requests.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "codec/batch.h"
#include "codec/encoder.h"
#include "event/loop.h"
#include "trust/request.h"

/* Numbers in flight; the client table's window is 4096. */
#define REQUESTS_WINDOW 3072
#define REQUESTS_WAITING_MAX 16384
#define REQUESTS_WAITING_BYTES_MAX ((size_t)64 << 20)

/* Answered ones whose times are remembered. */
#define REQUESTS_RECENT 4096

/* Each start may use this many numbers. */
#define NUMBERS_PER_START ((uint64_t)1 << 32)

/*
 * Each millisecond since 2020 has this many, more than are used in one; until
 * 2089 they fit the signed integers they are stored as.
 */
#define NUMBERS_PER_MS ((uint64_t)1 << 22)
#define NUMBERS_EPOCH_MS UINT64_C(1577836800000)

struct request {
	struct request *next;
	uint64_t began_us;
	uint64_t sent_us; /* in an envelope */
	uint64_t deadline_us;
	node_done_fn *done; /* NULL once answered */
	void *arg;
	uint64_t number;
	size_t len;
	uint8_t operation[];
};

struct requests {
	struct loop *loop;
	struct loop_timer *timer;
	uint64_t timer_due_us; /* UINT64_MAX: not set */
	const struct request_signer *signer;
	size_t envelope_bytes_max;
	uint64_t patience_ms;
	uint64_t agreed_ms, agreed_at_us; /* agreed time, and when that was */
	struct metric *seconds;
	struct metric *answered[AG_STATUS_COUNT];

	/* Not yet in an envelope, in order of arrival. */
	struct request *waiting;
	struct request **waiting_last;
	size_t waiting_count, waiting_bytes;

	/* In flight, by number modulo the window. */
	struct request *sent[REQUESTS_WINDOW];
	uint64_t next_number; /* for the next to arrive */
	uint64_t sent_end;    /* no number from here on was sent */
	uint64_t oldest;      /* no number below this is in flight */

	struct request_trace recent[REQUESTS_RECENT]; /* answered, by number */

	size_t unanswered;
	void (*idle)(void *arg);
	void *idle_arg;
	struct buf envelope;
	struct bytes operations[ENVELOPE_OPERATIONS_MAX];
};

static void
requests_answer(struct requests *q, struct request *r, enum ag_status status,
    const struct result *result)
{
	node_done_fn *done = r->done;
	uint64_t now = clock_mono_us();

	if (done == NULL)
		return;
	r->done = NULL;
	q->unanswered--;
	q->recent[r->number % REQUESTS_RECENT] = (struct request_trace){
		.number = r->number,
		.received_us = r->began_us,
		.sent_us = r->sent_us,
		.answered_us = now,
		.answer = status,
	};
	metric_add(q->answered[status], 1);
	if (status == AG_OK)
		metric_observe_us(q->seconds, now - r->began_us);
	done(r->arg, status, result);
	if (q->unanswered == 0 && q->idle != NULL) {
		void (*idle)(void *arg) = q->idle;

		q->idle = NULL;
		idle(q->idle_arg);
	}
}

static void
requests_arm(struct requests *q, uint64_t due_us)
{
	uint64_t now = clock_mono_us();

	if (due_us >= q->timer_due_us)
		return;
	q->timer_due_us = due_us;
	loop_timer_set(q->timer, due_us <= now ? 1 : (due_us - now) / 1000 + 1);
}

/* Answer those whose time is over; find when the next one's is. */
static void
requests_on_timer(void *arg)
{
	struct requests *q = arg;
	uint64_t now = clock_mono_us(), next = UINT64_MAX;
	struct request **at = &q->waiting;
	uint64_t number;

	q->timer_due_us = UINT64_MAX;
	while (*at != NULL) {
		struct request *r = *at;

		if (r->deadline_us > now) {
			if (r->deadline_us < next)
				next = r->deadline_us;
			at = &r->next;
			continue;
		}
		/* It was never sent, so nothing happened. */
		*at = r->next;
		if (*at == NULL)
			q->waiting_last = at;
		q->waiting_count--;
		q->waiting_bytes -= r->len;
		requests_answer(q, r, AG_ENOQUORUM, NULL);
		free(r);
		/* The caller may have added another request. */
		at = &q->waiting;
	}
	for (number = q->oldest; number < q->sent_end; number++) {
		struct request *r = q->sent[number % REQUESTS_WINDOW];

		if (r == NULL || r->done == NULL)
			continue;
		if (r->deadline_us <= now)
			requests_answer(q, r, AG_EUNKNOWN, NULL);
		else if (r->deadline_us < next)
			next = r->deadline_us;
	}
	if (next != UINT64_MAX)
		requests_arm(q, next);
}

/* The first number of a start that begins now. */
static uint64_t
number_by_clock(void)
{
	uint64_t now_ms = clock_wall_ms();

	return now_ms <= NUMBERS_EPOCH_MS
	    ? 1
	    : (now_ms - NUMBERS_EPOCH_MS) * NUMBERS_PER_MS;
}

/* Read the next free number and move the file past this start's share. */
static enum ag_status
requests_reserve(struct requests *q, const char *dir, uint64_t least,
    struct ag_error *err)
{
	char path[PATH_MAX], text[32];
	enum ag_status status;
	struct buf held;
	uint64_t first = 1;

	status = fs_join(path, sizeof(path), dir, "request-number", err);
	if (status != AG_OK)
		return status;
	buf_init(&held, 64);
	if (fs_exists(path)) {
		char *end;

		status = fs_read_file(path, &held, err);
		if (status == AG_OK)
			status = buf_append(&held, "", 1);
		if (status == AG_OK) {
			first = strtoull((const char *)held.data, &end, 10);
			if (*end != '\n' || first == 0)
				status = ag_fail(err, AG_EINVAL,
				    "read %s: not a number; remove it, and "
				    "numbers go on where the clock says",
				    path);
		}
	}
	buf_fini(&held);
	if (status != AG_OK)
		return status;
	if (first < number_by_clock())
		first = number_by_clock();
	if (first < least)
		first = least;
	q->next_number = first;
	q->sent_end = first;
	q->oldest = first;
	(void)snprintf(text, sizeof(text), "%" PRIu64 "\n",
	    first + NUMBERS_PER_START);
	return fs_write_file(path, 0600, bytes_from_text(text), err);
}

static void
requests_register(struct requests *q, struct metric_set *metrics)
{
	size_t i;

	q->seconds = metric_new(metrics, METRIC_HISTOGRAM,
	    "aegis_request_duration_seconds",
	    "Time from accepting a request to its result", NULL);
	for (i = 0; i < AG_STATUS_COUNT; i++) {
		char labels[64];

		q->answered[i] = NULL;
		if (i != AG_OK && i != AG_ENOQUORUM && i != AG_EUNKNOWN &&
		    i != AG_EBUSY) {
			q->answered[i] =
			    metric_new(NULL, METRIC_COUNTER, "", "", NULL);
			continue;
		}
		(void)snprintf(labels, sizeof(labels), "status=\"%s\"",
		    ag_status_name((enum ag_status)i));
		q->answered[i] =
		    metric_new(metrics, METRIC_COUNTER, "aegis_requests_total",
			"Requests answered, by outcome", labels);
	}
}

enum ag_status
requests_open(struct requests **out, const char *dir, uint64_t least,
    struct loop *loop, const struct request_signer *signer,
    size_t batch_bytes_max, uint64_t patience_ms, struct metric_set *metrics,
    struct ag_error *err)
{
	enum ag_status status;
	struct requests *q;

	*out = NULL;
	q = calloc(1, sizeof(*q));
	if (q == NULL)
		return ag_fail(err, AG_ENOMEM,
		    "prepare requests: out of memory");
	q->loop = loop;
	q->signer = signer;
	q->waiting_last = &q->waiting;
	q->timer_due_us = UINT64_MAX;
	q->patience_ms = patience_ms;
	/* Leave room for the batch's own head. */
	q->envelope_bytes_max = batch_bytes_max - 64;
	buf_init(&q->envelope, batch_bytes_max);
	requests_register(q, metrics);
	status = buf_reserve(&q->envelope, 4096);
	if (status == AG_OK)
		status = loop_timer_new(&q->timer, loop, requests_on_timer, q);
	if (status != AG_OK)
		status =
		    ag_fail(err, status, "prepare requests: out of memory");
	if (status == AG_OK)
		status = requests_reserve(q, dir, least, err);
	if (status != AG_OK) {
		requests_close(q);
		return status;
	}
	*out = q;
	return AG_OK;
}

void
requests_close(struct requests *q)
{
	struct request *r;
	size_t i;

	if (q == NULL)
		return;
	while ((r = q->waiting) != NULL) {
		q->waiting = r->next;
		requests_answer(q, r, AG_ENOQUORUM, NULL);
		free(r);
	}
	for (i = 0; i < REQUESTS_WINDOW; i++) {
		if (q->sent[i] == NULL)
			continue;
		requests_answer(q, q->sent[i], AG_EUNKNOWN, NULL);
		free(q->sent[i]);
	}
	if (q->timer != NULL)
		loop_timer_close(q->timer);
	buf_fini(&q->envelope);
	free(q);
}

enum ag_status
requests_add(struct requests *q, struct bytes operation, uint32_t timeout_ms,
    node_done_fn *done, void *arg, struct node_request_id *id)
{
	struct request *r;

	if (q->waiting_count >= REQUESTS_WAITING_MAX ||
	    q->waiting_bytes + operation.len > REQUESTS_WAITING_BYTES_MAX)
		return AG_EBUSY;
	r = malloc(sizeof(*r) + operation.len);
	if (r == NULL)
		return AG_ENOMEM;
	*r = (struct request){
		.began_us = clock_mono_us(),
		.done = done,
		.arg = arg,
		.len = operation.len,
	};
	r->deadline_us = r->began_us + (uint64_t)timeout_ms * 1000;
	memcpy(r->operation, operation.data, operation.len);
	r->number = q->next_number++;
	memcpy(id->principal, q->signer->principal, sizeof(id->principal));
	id->number = r->number;
	*q->waiting_last = r;
	q->waiting_last = &r->next;
	q->waiting_count++;
	q->waiting_bytes += r->len;
	q->unanswered++;
	requests_arm(q, r->deadline_us);
	return AG_OK;
}

/*
 * How many of those that wait fit one envelope, and their encoded size.
 * An envelope's numbers are consecutive; one that was given up on while
 * waiting leaves a gap, and the envelope ends there.
 */
static size_t
requests_fit(const struct requests *q, size_t *bytes)
{
	const struct request *r;
	size_t count = 0;

	*bytes = 256;
	for (r = q->waiting; r != NULL; r = r->next) {
		size_t need = r->len + 9;

		if (r->number - q->oldest >= REQUESTS_WINDOW ||
		    r->number != q->waiting->number + count ||
		    count == ENVELOPE_OPERATIONS_MAX ||
		    (count > 0 && *bytes + need > q->envelope_bytes_max))
			break;
		*bytes += need;
		count++;
	}
	return count;
}

void
requests_set_time(struct requests *q, uint64_t agreed_ms)
{
	q->agreed_ms = agreed_ms;
	q->agreed_at_us = clock_mono_us();
}

/* When the first count of those that wait are of no use to anybody (rule 5). */
static uint64_t
requests_expiry_ms(const struct requests *q, size_t count, uint64_t now_us)
{
	uint64_t wall_ms = clock_wall_ms(), latest_us = now_us;
	uint64_t agreed_ms = q->agreed_ms + (now_us - q->agreed_at_us) / 1000;
	const struct request *r = q->waiting;

	for (; count > 0; r = r->next, count--)
		if (r->deadline_us > latest_us)
			latest_us = r->deadline_us;
	return (wall_ms > agreed_ms ? wall_ms : agreed_ms) +
	    (latest_us - now_us) / 1000 + q->patience_ms;
}

enum ag_status
requests_envelope(struct requests *q, struct bytes *envelope)
{
	const uint64_t now = clock_mono_us();
	struct encoder e;
	size_t count, bytes, i;
	const struct request *r;

	if (q->oldest == q->sent_end && q->waiting != NULL) {
		/* Nothing is in flight: a gap may be skipped. */
		q->oldest = q->waiting->number;
		q->sent_end = q->oldest;
	}
	count = requests_fit(q, &bytes);
	if (count == 0)
		return AG_EAGAIN;
	buf_clear(&q->envelope);
	if (buf_reserve(&q->envelope, bytes) != AG_OK)
		return AG_EAGAIN;
	for (r = q->waiting, i = 0; i < count; r = r->next, i++)
		q->operations[i] = bytes_of(r->operation, r->len);
	encoder_init(&e, q->envelope.data, q->envelope.cap);
	request_encode(&e, q->signer, q->waiting->number,
	    requests_expiry_ms(q, count, now), q->operations, count);
	AG_ASSERT(encoder_finish(&e, envelope) == AG_OK);

	for (i = 0; i < count; i++) {
		struct request *sent = q->waiting;

		q->waiting = sent->next;
		q->waiting_count--;
		q->waiting_bytes -= sent->len;
		sent->sent_us = now;
		q->sent[sent->number % REQUESTS_WINDOW] = sent;
		q->sent_end = sent->number + 1;
	}
	if (q->waiting == NULL)
		q->waiting_last = &q->waiting;
	return AG_OK;
}

static void
requests_advance(struct requests *q)
{
	while (q->oldest < q->sent_end &&
	    q->sent[q->oldest % REQUESTS_WINDOW] == NULL)
		q->oldest++;
}

static struct request *
requests_take(struct requests *q, uint64_t number)
{
	struct request *r;

	if (number < q->oldest || number >= q->sent_end)
		return NULL;
	r = q->sent[number % REQUESTS_WINDOW];
	q->sent[number % REQUESTS_WINDOW] = NULL;
	return r;
}

void
requests_refuse(struct requests *q, struct bytes raw)
{
	struct envelope envelope;
	struct ag_error err;
	size_t i;

	if (envelope_decode(&envelope, raw, &err) != AG_OK)
		return;
	for (i = 0; i < envelope.operation_count; i++) {
		struct request *r = requests_take(q, envelope.first + i);

		if (r == NULL)
			continue;
		requests_answer(q, r, AG_EBUSY, NULL);
		free(r);
	}
	requests_advance(q);
}

void
requests_applied(struct requests *q, const struct store_outcome *outcomes,
    size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		struct request *r = requests_take(q, outcomes[i].number);

		if (r == NULL)
			continue;
		requests_answer(q, r, AG_OK, &outcomes[i].result);
		free(r);
	}
	requests_advance(q);
}

void
requests_recheck(struct requests *q, struct applier *applier)
{
	uint64_t number, least = applier_next_number(applier);

	for (number = q->oldest; number < q->sent_end; number++) {
		struct store_outcome outcome = { .number = number };

		if (q->sent[number % REQUESTS_WINDOW] != NULL &&
		    applier_find_request(applier, q->signer->principal, number,
			&outcome.result) == AG_OK)
			requests_applied(q, &outcome, 1);
	}
	if (q->next_number < least)
		q->next_number = least;
}

/* One that is not answered; NULL when there is none of this number. */
static const struct request *
requests_open_one(const struct requests *q, uint64_t number)
{
	const struct request *r = NULL;

	if (number >= q->oldest && number < q->sent_end)
		r = q->sent[number % REQUESTS_WINDOW];
	else
		for (r = q->waiting; r != NULL && r->number != number;)
			r = r->next;
	return r;
}

bool
requests_trace(const struct requests *q, uint64_t number,
    struct request_trace *out)
{
	const struct request *r;

	*out = q->recent[number % REQUESTS_RECENT];
	if (out->number == number && out->answered_us != 0)
		return true;
	r = requests_open_one(q, number);
	if (r == NULL)
		return false;
	*out = (struct request_trace){
		.number = number,
		.received_us = r->began_us,
		.sent_us = r->sent_us,
	};
	return true;
}

void
requests_renew(struct requests *q)
{
	struct request *first = NULL, **last = &first;
	uint64_t number;

	for (number = q->oldest; number < q->sent_end; number++) {
		struct request *r = requests_take(q, number);

		/* Who was told that it may yet happen is told no more. */
		if (r != NULL && r->done == NULL) {
			free(r);
			continue;
		}
		if (r == NULL)
			continue;
		*last = r;
		last = &r->next;
		q->waiting_count++;
		q->waiting_bytes += r->len;
	}
	q->oldest = q->sent_end;
	if (first == NULL)
		return;
	q->oldest = first->number;
	q->sent_end = first->number;
	*last = q->waiting;
	if (q->waiting == NULL)
		q->waiting_last = last;
	q->waiting = first;
}

void
requests_abandon(struct requests *q)
{
	struct request *r;

	requests_renew(q);
	while ((r = q->waiting) != NULL) {
		q->waiting = r->next;
		if (q->waiting == NULL)
			q->waiting_last = &q->waiting;
		q->waiting_count--;
		q->waiting_bytes -= r->len;
		requests_answer(q, r, AG_ENOQUORUM, NULL);
		free(r);
	}
}

size_t
requests_waiting(const struct requests *q)
{
	return q->unanswered;
}

uint64_t
requests_quantile_us(const struct requests *q, double quantile)
{
	return metric_quantile_us(q->seconds, quantile);
}

void
requests_on_idle(struct requests *q, void (*done)(void *arg), void *arg)
{
	if (q->unanswered == 0) {
		done(arg);
		return;
	}
	q->idle = done;
	q->idle_arg = arg;
}
