/*
 * The load of aegis bench: clients, each with a connection and one request
 * under way, on one thread.
 *
 * STATES   A client is down (to be dialled again after a pause), idle, or busy
 *          with a request.
 *
 * RULES    1. A closed loop begins a request when its client is idle.  An open
 *             one has a schedule, and a request that finds no idle client is
 *             begun late, but its latency counts from when it was due: a node
 *             that stalls delays all who would have come meanwhile, not one
 *             request a client (coordinated omission).
 *          2. What was due before the warm-up was over doesn't count.  What
 *             was due before the end is sent and awaited, for as long as a
 *             request may take; what then remains is told as not sent.
 *          3. A request that fails is counted by its kind and not repeated.
 *             Its time is no latency.
 *
 * NOT HERE Watching (bench_watch), keys there before and after
 *          (bench_prepare), what is shown at the end (bench_report).
 */
#include "cmd/bench_run.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/client_problem.h"
#include "client/connection.h"
#include "cmd/bench_watch.h"
#include "codec/operation.h"

#define EVENTS 256
#define RETRY_US UINT64_C(100000)
#define GRACE_US UINT64_C(1000000)
#define SECOND_US UINT64_C(1000000)
#define BODY_BYTES_MAX (3U << 20)

struct bench_client {
	struct connection connection;
	const char *path;
	enum workload_operation operation;
	bool is_busy;
	uint64_t due_us; /* of the request under way */
	uint64_t begun_us;
	uint64_t retry_us; /* when it may be dialled again */
};

struct bench_run {
	const struct bench_plan *plan;
	struct bench_result *result;
	struct workload load;
	struct bench_watch *watch;
	int poll;
	struct bench_client *clients;
	size_t busy;
	uint64_t start_us;
	uint64_t measured_us; /* what is due from here on counts */
	uint64_t end_us;      /* nothing is due from here on */
	uint64_t next;        /* of the schedule, or how many were begun */
	uint64_t counted;     /* of those that count */
	uint64_t last_us;     /* the newest answer */
	uint64_t checked_us;
	uint64_t told_us;
	struct histogram recent; /* since told_us */
	uint64_t recent_failed;
	char *value; /* with a NUL */
	struct buf key, other, body;
};

static volatile sig_atomic_t is_interrupted;

static void
on_interrupt(int signo)
{
	(void)signo;
	is_interrupted = 1;
}

void
bench_run_catch_interrupt(void)
{
	struct sigaction action = { .sa_handler = on_interrupt,
		.sa_flags = (int)SA_RESETHAND };

	(void)sigaction(SIGINT, &action, NULL);
}

bool
bench_run_is_interrupted(void)
{
	return is_interrupted != 0;
}

enum ag_status
bench_run_key(const struct bench_plan *plan, uint64_t number, struct buf *out)
{
	buf_clear(out);
	return buf_printf(out, "%s%010" PRIu64, plan->prefix, number);
}

void
bench_run_fill_value(char *value, size_t len, uint64_t seed)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
				     "nopqrstuvwxyz0123456789-_";
	uint64_t bits = 0;
	size_t i;

	for (i = 0; i < len; i++, bits >>= 6) {
		if (i % 10 == 0)
			bits = workload_random(&seed);
		value[i] = digits[bits & 63];
	}
}

/* --- what became of a request --- */

static void
count_failure(struct bench_run *run, const struct bench_client *c,
    const struct ag_error *err)
{
	struct bench_result *result = run->result;

	run->recent_failed++;
	if (c->due_us < run->measured_us)
		return;
	result->kinds[c->operation].failed[err->status]++;
	if (result->first.status == AG_OK)
		result->first = *err;
}

static void
count_answer(struct bench_run *run, const struct bench_client *c, uint64_t now)
{
	histogram_add(&run->recent, now - c->due_us);
	run->last_us = now;
	if (c->operation == WORKLOAD_PUT)
		bench_watch_expect(run->watch, 1);
	if (c->operation == WORKLOAD_TXN)
		bench_watch_expect(run->watch, 2);
	if (c->due_us >= run->measured_us)
		histogram_add(&run->result->kinds[c->operation].latency,
		    now - c->due_us);
}

static void
hang_up(struct bench_client *c, uint64_t now)
{
	connection_close(&c->connection);
	c->retry_us = now + RETRY_US;
}

static void
end_request(struct bench_run *run, struct bench_client *c)
{
	c->is_busy = false;
	run->busy--;
}

/* The connection failed: nothing is known of a change that was under way. */
static void
fail_request(struct bench_run *run, struct bench_client *c,
    struct ag_error *err)
{
	if (c->operation != WORKLOAD_GET && err->status == AG_EUNREACH)
		err->status = AG_EUNKNOWN;
	count_failure(run, c, err);
	end_request(run, c);
	hang_up(c, clock_mono_us());
}

static void
take_answer(struct bench_run *run, struct bench_client *c)
{
	struct client_answer answer = { .http = c->connection.http };
	const uint64_t now = clock_mono_us();
	struct ag_error err = { 0 };

	if (answer.http / 100 == 2)
		count_answer(run, c, now);
	else if (client_problem_read(connection_body(&c->connection), &answer,
		     &err) != AG_OK)
		count_failure(run, c, &err);
	end_request(run, c);
}

static void
serve_client(struct bench_run *run, struct bench_client *c)
{
	struct ag_error err = { 0 };
	enum ag_status status;

	/* Who is idle hears only that the node hangs up. */
	if (!c->is_busy) {
		connection_close(&c->connection);
		return;
	}
	status = connection_serve(&c->connection, &err);
	if (status == AG_OK)
		take_answer(run, c);
	else if (status != AG_EAGAIN)
		fail_request(run, c, &err);
}

/* --- asking --- */

/* Its value's first bytes say when the write was due. */
static void
stamp_value(struct bench_run *run, uint64_t due_us)
{
	char stamp[BENCH_STAMP_BYTES + 1];

	if (run->plan->value_bytes < BENCH_STAMP_BYTES)
		return;
	(void)snprintf(stamp, sizeof(stamp), "%016" PRIx64, due_us);
	memcpy(run->value, stamp, BENCH_STAMP_BYTES);
}

/* Two keys set when the first is there: one's part of a transfer. */
static enum ag_status
write_txn(struct bench_run *run, struct buf *body)
{
	enum ag_status status;

	status = bench_run_key(run->plan, workload_next_key(&run->load),
	    &run->other);
	buf_clear(body);
	if (status == AG_OK)
		status = buf_printf(body,
		    "{\"compare\":[{\"key\":\"%.*s\",\"exists\":true}],"
		    "\"then\":[{\"put\":\"%.*s\",\"value\":\"%s\"},"
		    "{\"put\":\"%.*s\",\"value\":\"%s\"}]}",
		    (int)run->key.len, (const char *)run->key.data,
		    (int)run->key.len, (const char *)run->key.data, run->value,
		    (int)run->other.len, (const char *)run->other.data,
		    run->value);
	return status;
}

static enum ag_status
ask(struct bench_run *run, struct bench_client *c, struct ag_error *err)
{
	struct client_request request = {
		.timeout_ms = (uint32_t)run->plan->call->timeout_ms
	};
	const char *level =
	    options_text(&run->plan->call->options, "consistency");
	enum ag_status status;
	struct target target;

	status =
	    bench_run_key(run->plan, workload_next_key(&run->load), &run->key);
	if (status != AG_OK)
		return ag_fail(err, status, "name a key: %s",
		    ag_status_text(status));
	stamp_value(run, c->due_us);
	target_init(&target,
	    c->operation == WORKLOAD_TXN ? "/v1/kv/txn" : "/v1/kv");
	request.target = &target;
	if (c->operation != WORKLOAD_TXN)
		target_add_bytes(&target, "key", buf_bytes(&run->key));
	if (c->operation == WORKLOAD_GET && level != NULL)
		target_add_text(&target, "consistency", level);
	if (c->operation == WORKLOAD_GET) {
		request.accept = "application/octet-stream";
		return connection_ask(&c->connection, &request, NULL, err);
	}
	request.has_body = true;
	request.method = c->operation == WORKLOAD_PUT ? "PUT" : "POST";
	request.body = bytes_of(run->value, run->plan->value_bytes);
	if (c->operation == WORKLOAD_TXN) {
		if (write_txn(run, &run->body) != AG_OK)
			return ag_fail(err, AG_ENOMEM, "out of memory");
		request.content_type = "application/json";
		request.body = buf_bytes(&run->body);
	}
	return connection_ask(&c->connection, &request, NULL, err);
}

static enum ag_status
open_client(struct bench_run *run, struct bench_client *c, struct ag_error *err)
{
	struct epoll_event event = { .events = EPOLLIN };
	enum ag_status status;

	status = connection_open(&c->connection, c->path, err);
	if (status != AG_OK)
		return status;
	event.data.ptr = c;
	if (epoll_ctl(run->poll, EPOLL_CTL_ADD, c->connection.fd, &event) == 0)
		return AG_OK;
	return ag_fail_sys(err, "wait for %s", c->path);
}

/* Have the poll say when there is room for the rest of a request. */
static void
want_write(struct bench_run *run, struct bench_client *c, bool wants)
{
	struct epoll_event event = { .events = EPOLLIN };

	event.data.ptr = c;
	if (wants)
		event.events |= EPOLLOUT;
	(void)epoll_ctl(run->poll, EPOLL_CTL_MOD, c->connection.fd, &event);
}

static void
begin(struct bench_run *run, struct bench_client *c, uint64_t due_us,
    uint64_t now)
{
	struct ag_error err = { 0 };
	enum ag_status status = AG_OK;

	run->next++;
	run->busy++;
	c->is_busy = true;
	c->due_us = due_us;
	c->begun_us = now;
	c->operation = workload_next_operation(&run->load);
	if (due_us >= run->measured_us)
		run->counted++;
	if (c->connection.fd == -1)
		status = open_client(run, c, &err);
	if (status != AG_OK) {
		count_failure(run, c, &err);
		end_request(run, c);
		hang_up(c, now);
		return;
	}
	if (ask(run, c, &err) != AG_OK)
		fail_request(run, c, &err);
	else if (connection_wants_write(&c->connection))
		want_write(run, c, true);
}

/* --- the schedule --- */

/* When the next request is due; UINT64_MAX: there is none. */
static uint64_t
next_due(const struct bench_run *run, uint64_t now)
{
	const struct bench_plan *plan = run->plan;
	uint64_t due = now;

	if (is_interrupted != 0 ||
	    (plan->requests > 0 && run->counted >= plan->requests))
		return UINT64_MAX;
	if (plan->rate > 0)
		due = run->start_us + run->next * SECOND_US / plan->rate;
	return due < run->end_us ? due : UINT64_MAX;
}

/* Begin what is due, as far as clients are idle. */
static void
begin_all(struct bench_run *run, uint64_t now)
{
	uint64_t due;
	size_t i;

	for (i = 0; i < run->plan->clients; i++) {
		struct bench_client *c = &run->clients[i];

		if (c->is_busy || (c->connection.fd == -1 && c->retry_us > now))
			continue;
		due = next_due(run, now);
		if (due > now)
			return;
		begin(run, c, due, now);
	}
}

/* Count what was due and had no turn; the load is over. */
static void
count_unsent(struct bench_run *run, uint64_t now)
{
	for (; next_due(run, now) < now && run->plan->rate > 0; run->next++)
		run->result->unsent++;
}

/* What has no answer long after the node should have given one. */
static void
give_up(struct bench_run *run, uint64_t now)
{
	const uint64_t patience = run->plan->call->timeout_ms * 1000 + GRACE_US;
	struct ag_error err;
	size_t i;

	if (now - run->checked_us < RETRY_US)
		return;
	run->checked_us = now;
	for (i = 0; i < run->plan->clients; i++) {
		struct bench_client *c = &run->clients[i];

		if (!c->is_busy || now - c->begun_us < patience)
			continue;
		err = (struct ag_error){ 0 };
		(void)ag_fail(&err,
		    c->operation == WORKLOAD_GET ? AG_ETIMEOUT : AG_EUNKNOWN,
		    "wait for an answer from %s: timed out", c->path);
		fail_request(run, c, &err);
	}
}

/* A line a second for who looks on. */
static void
tell(struct bench_run *run, uint64_t now)
{
	const struct applet_call *call = run->plan->call;
	const struct histogram *h = &run->recent;

	if (now - run->told_us < SECOND_US)
		return;
	if (!call->is_quiet && isatty(STDERR_FILENO) == 1)
		(void)fprintf(stderr,
		    "%4" PRIu64 "s %8.0f/s  p50 %.2f ms  p99 %.2f ms  %" PRIu64
		    " failed%s\n",
		    (now - run->start_us) / SECOND_US,
		    (double)h->count * 1e6 / (double)(now - run->told_us),
		    (double)histogram_quantile(h, 0.5) / 1e3,
		    (double)histogram_quantile(h, 0.99) / 1e3,
		    run->recent_failed,
		    now < run->measured_us ? "  (warming up)" : "");
	memset(&run->recent, 0, sizeof(run->recent));
	run->recent_failed = 0;
	run->told_us = now;
}

/* To the microsecond, as a schedule is; clients that are down come later. */
static int
wait_for_events(struct bench_run *run, struct epoll_event *events)
{
	const uint64_t now = clock_mono_us(), due = next_due(run, now);
	uint64_t us = RETRY_US;
	struct timespec patience;

	if (run->busy < run->plan->clients && due != UINT64_MAX)
		us = due > now + RETRY_US ? RETRY_US
		    : due > now           ? due - now
		    : run->plan->rate > 0 ? 1000
					  : RETRY_US / 10;
	patience = (struct timespec){ .tv_nsec = (long)us * 1000 };
	return epoll_pwait2(run->poll, events, EVENTS, &patience, NULL);
}

static void
serve_events(struct bench_run *run)
{
	struct epoll_event events[EVENTS];
	int count = wait_for_events(run, events), i;

	for (i = 0; i < count; i++) {
		struct bench_client *c = events[i].data.ptr;

		if (c == NULL) {
			bench_watch_serve(run->watch);
			continue;
		}
		/* It may have been closed on behalf of an earlier event. */
		if (c->connection.fd == -1)
			continue;
		serve_client(run, c);
		if ((events[i].events & EPOLLOUT) != 0 &&
		    c->connection.fd != -1 &&
		    !connection_wants_write(&c->connection))
			want_write(run, c, false);
	}
}

static void
run_load(struct bench_run *run)
{
	const uint64_t patience = run->plan->call->timeout_ms * 1000 + GRACE_US;
	uint64_t now, stop_us = 0;

	for (;;) {
		now = clock_mono_us();
		begin_all(run, now);
		if (next_due(run, now) == UINT64_MAX) {
			stop_us = stop_us == 0 ? now : stop_us;
			if (run->busy == 0)
				break;
		}
		if (now > run->end_us + patience)
			break;
		serve_events(run);
		give_up(run, clock_mono_us());
		tell(run, clock_mono_us());
	}
	count_unsent(run, now);
	bench_watch_drain(run->watch);
	stop_us = stop_us == 0 || stop_us > run->end_us ? run->end_us : stop_us;
	if (run->last_us > stop_us)
		stop_us = run->last_us;
	run->result->elapsed_us =
	    stop_us > run->measured_us ? stop_us - run->measured_us : 0;
	run->result->is_interrupted = is_interrupted != 0;
}

/* --- beginning and end --- */

static enum ag_status
open_clients(struct bench_run *run, struct ag_error *err)
{
	const struct bench_plan *plan = run->plan;
	enum ag_status status = AG_OK;
	size_t i;

	run->clients = calloc(plan->clients, sizeof(*run->clients));
	if (run->clients == NULL)
		return ag_fail(err, AG_ENOMEM, "make clients: out of memory");
	for (i = 0; i < plan->clients; i++) {
		connection_init(&run->clients[i].connection);
		run->clients[i].path = plan->sockets[i % plan->socket_count];
	}
	for (i = 0; i < plan->clients && status == AG_OK; i++)
		status = open_client(run, &run->clients[i], err);
	return status;
}

static void
close_clients(struct bench_run *run)
{
	size_t i;

	for (i = 0; run->clients != NULL && i < run->plan->clients; i++)
		connection_fini(&run->clients[i].connection);
	free(run->clients);
}

/* Each client is a descriptor. */
static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void
set_times(struct bench_run *run)
{
	const uint64_t now = clock_mono_us();

	run->start_us = run->told_us = run->checked_us = now;
	run->measured_us = now + run->plan->warmup_ms * 1000;
	run->end_us = run->measured_us + run->plan->seconds * SECOND_US;
}

static enum ag_status
open_run(struct bench_run *run, struct ag_error *err)
{
	const struct bench_plan *plan = run->plan;
	enum ag_status status;

	buf_init(&run->key, KEY_BYTES_MAX);
	buf_init(&run->other, KEY_BYTES_MAX);
	buf_init(&run->body, BODY_BYTES_MAX);
	raise_descriptors();
	status = workload_init(&run->load, &plan->load, err);
	if (status != AG_OK)
		return status;
	run->value = calloc(plan->value_bytes + 1, 1);
	if (run->value == NULL)
		return ag_fail(err, AG_ENOMEM, "make values: out of memory");
	bench_run_fill_value(run->value, plan->value_bytes, plan->load.seed);
	run->poll = epoll_create1(EPOLL_CLOEXEC);
	if (run->poll == -1)
		return ag_fail_sys(err, "wait for nodes");
	status = open_clients(run, err);
	if (status == AG_OK)
		status = bench_watch_open(&run->watch, plan, run->poll,
		    &run->result->kinds[BENCH_WATCH], err);
	return status;
}

enum ag_status
bench_run_load(const struct bench_plan *plan, struct bench_result *result,
    struct ag_error *err)
{
	struct bench_run *run = calloc(1, sizeof(*run));
	enum ag_status status;

	if (run == NULL)
		return ag_fail(err, AG_ENOMEM, "load: out of memory");
	run->plan = plan;
	run->result = result;
	run->poll = -1;
	status = open_run(run, err);
	if (status == AG_OK) {
		set_times(run);
		bench_watch_begin(run->watch, run->measured_us);
		run_load(run);
	}
	bench_watch_close(run->watch);
	close_clients(run);
	if (run->poll != -1)
		(void)close(run->poll);
	workload_fini(&run->load);
	buf_fini(&run->key);
	buf_fini(&run->other);
	buf_fini(&run->body);
	free(run->value);
	free(run);
	return status;
}
