/*
 * Watchers, on a poll of their own that can be waited for as one.
 *
 * RULES    1. A change's latency is from the moment its write was due, which
 *             its value begins with, until it is read here: the way through
 *             agreement, and from the node to us.
 *          2. A stream that ends is counted once as a failure and not taken up
 *             again: what it would have shown is not known.
 */
#include "cmd/bench_watch.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/connection.h"

#define EVENTS 64
#define EVENT_BYTES_MAX (8U << 20)

struct watcher {
	struct bench_watch *all;
	struct connection connection;
	struct sse_parser events;
	bool is_up; /* an event came: nothing from then on is missed */
	uint64_t seen;
	enum ag_status cut; /* why the node ended the stream, or AG_OK */
};

struct bench_watch {
	const struct bench_plan *plan;
	int poll;
	struct watcher *watchers;
	uint64_t measured_us;
	struct bench_tally *tally;
	uint64_t expected;
};

/* When the write of an event's value was due; 0: it does not say. */
static uint64_t
read_stamp(struct bytes data)
{
	static const char name[] = "\"value\":\"";
	const uint8_t *at = memmem(data.data, data.len, name, sizeof(name) - 1);
	char text[BENCH_STAMP_BYTES + 1];

	if (at == NULL)
		return 0;
	at += sizeof(name) - 1;
	if ((size_t)(data.data + data.len - at) < BENCH_STAMP_BYTES)
		return 0;
	memcpy(text, at, BENCH_STAMP_BYTES);
	text[BENCH_STAMP_BYTES] = '\0';
	if (strspn(text, "0123456789abcdef") != BENCH_STAMP_BYTES)
		return 0;
	return strtoull(text, NULL, 16);
}

static bool
on_event(void *arg, const struct sse_event *event)
{
	struct watcher *w = arg;
	const uint64_t now = clock_mono_us();
	uint64_t due;

	w->is_up = true;
	if (strcmp(event->name, "cut") == 0) {
		w->cut = AG_EBUSY;
		return false;
	}
	if (strcmp(event->name, "put") != 0)
		return true;
	w->seen++;
	due = read_stamp(event->data);
	if (due >= w->all->measured_us && due <= now)
		histogram_add(&w->all->tally->latency, now - due);
	return true;
}

static enum ag_status
open_watcher(struct bench_watch *all, size_t at, struct ag_error *err)
{
	const struct bench_plan *plan = all->plan;
	struct epoll_event event = { .events = EPOLLIN };
	struct client_request request = { .accept = "text/event-stream" };
	struct watcher *w = &all->watchers[at];
	enum ag_status status;
	struct target target;

	status = connection_open(&w->connection,
	    plan->sockets[at % plan->socket_count], err);
	if (status != AG_OK)
		return status;
	target_init(&target, "/v1/watch");
	target_add_bytes(&target, "prefix", bytes_from_text(plan->prefix));
	request.target = &target;
	event.data.ptr = w;
	if (epoll_ctl(all->poll, EPOLL_CTL_ADD, w->connection.fd, &event) != 0)
		return ag_fail_sys(err, "wait for changes");
	return connection_ask(&w->connection, &request, &w->events, err);
}

static void
serve_watcher(struct watcher *w)
{
	struct ag_error err = { 0 };
	enum ag_status status = connection_serve(&w->connection, &err);

	if (status == AG_EAGAIN && w->cut == AG_OK)
		return;
	if (w->cut != AG_OK)
		status = w->cut;
	/* An answer that ends is a refusal. */
	w->all->tally->failed[status != AG_OK ? status : AG_EREFUSED]++;
	connection_close(&w->connection);
}

/* Serve those with something to read, or wait for them for wait_ms. */
static void
serve_for(struct bench_watch *w, int wait_ms)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(w->poll, events, EVENTS, wait_ms), i;

	for (i = 0; i < count; i++)
		serve_watcher(events[i].data.ptr);
}

/* Each stream begins with a ping. */
static enum ag_status
wait_until_up(struct bench_watch *w, struct ag_error *err)
{
	const uint64_t end_us =
	    clock_mono_us() + w->plan->call->timeout_ms * 1000;
	size_t up = 0;

	while (up < w->plan->watchers) {
		if (w->watchers[up].is_up) {
			up++;
			continue;
		}
		if (w->watchers[up].connection.fd == -1)
			return ag_fail(err, AG_EUNREACH,
			    "watch: the node ends the stream");
		if (clock_mono_us() > end_us)
			return ag_fail(err, AG_ETIMEOUT,
			    "watch: no stream begins in time");
		serve_for(w, 100);
	}
	return AG_OK;
}

static enum ag_status
open_all(struct bench_watch *w, int poll, struct ag_error *err)
{
	struct epoll_event event = { .events = EPOLLIN };
	enum ag_status status = AG_OK;
	size_t i;

	w->watchers = calloc(w->plan->watchers, sizeof(*w->watchers));
	if (w->watchers == NULL)
		return ag_fail(err, AG_ENOMEM, "watch: out of memory");
	for (i = 0; i < w->plan->watchers; i++) {
		w->watchers[i].all = w;
		connection_init(&w->watchers[i].connection);
		sse_init(&w->watchers[i].events, EVENT_BYTES_MAX, on_event,
		    &w->watchers[i]);
	}
	w->poll = epoll_create1(EPOLL_CLOEXEC);
	if (w->poll == -1 || epoll_ctl(poll, EPOLL_CTL_ADD, w->poll, &event))
		return ag_fail_sys(err, "wait for changes");
	for (i = 0; i < w->plan->watchers && status == AG_OK; i++)
		status = open_watcher(w, i, err);
	return status == AG_OK ? wait_until_up(w, err) : status;
}

enum ag_status
bench_watch_open(struct bench_watch **out, const struct bench_plan *plan,
    int poll, struct bench_tally *tally, struct ag_error *err)
{
	struct bench_watch *w;

	*out = NULL;
	if (plan->watchers == 0)
		return AG_OK;
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return ag_fail(err, AG_ENOMEM, "watch: out of memory");
	w->plan = plan;
	w->tally = tally;
	w->poll = -1;
	w->measured_us = UINT64_MAX;
	*out = w;
	return open_all(w, poll, err);
}

void
bench_watch_close(struct bench_watch *w)
{
	size_t i;

	if (w == NULL)
		return;
	for (i = 0; w->watchers != NULL && i < w->plan->watchers; i++) {
		connection_fini(&w->watchers[i].connection);
		sse_fini(&w->watchers[i].events);
	}
	if (w->poll != -1)
		(void)close(w->poll);
	free(w->watchers);
	free(w);
}

void
bench_watch_begin(struct bench_watch *w, uint64_t measured_us)
{
	if (w != NULL)
		w->measured_us = measured_us;
}

void
bench_watch_expect(struct bench_watch *w, uint64_t changes)
{
	if (w != NULL)
		w->expected += changes;
}

void
bench_watch_serve(struct bench_watch *w)
{
	serve_for(w, 0);
}

static bool
is_level(const struct bench_watch *w)
{
	size_t i;

	for (i = 0; i < w->plan->watchers; i++)
		if (w->watchers[i].connection.fd != -1 &&
		    w->watchers[i].seen < w->expected)
			return false;
	return true;
}

void
bench_watch_drain(struct bench_watch *w)
{
	uint64_t end_us;

	if (w == NULL)
		return;
	end_us = clock_mono_us() + w->plan->call->timeout_ms * 1000;
	while (!is_level(w) && clock_mono_us() < end_us)
		serve_for(w, 100);
}
