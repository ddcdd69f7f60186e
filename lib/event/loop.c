/*
 * The event loop, on libuv.
 *
 * libuv owns the waiting; this file gives its handles the lifetimes the rest
 * of AEGIS wants: a close is a single call, memory goes away when libuv is
 * done with it, and no callback comes after.
 *
 * RULES    1. Every callback that reaches a caller marks the turn, so that
 *             the after-turn function runs exactly when something happened:
 *             before the poll for timers, after it for the rest.
 *          2. The handles of the loop itself are unreferenced: they never
 *             keep it running.  Posts that arrive while it is about to end
 *             are still run.
 *          3. libuv fails these calls only for lack of memory or for misuse;
 *             misuse is asserted.
 *          4. Posts wake the loop by an eventfd of our own, written after
 *             the lock is let go and only by the first of a burst.  uv_async
 *             would have the loop, woken before the poster is done, spin
 *             and then give up its slice.  loop_free() waits for posters
 *             that are about to write.
 *
 * NOT HERE What to do about anything; time of day (base/clock).
 */
#include "event/loop.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <uv.h>

struct loop_posted {
	loop_fn *fn;
	void *arg;
	struct loop_posted *next;
};

struct loop {
	uv_loop_t uv;
	uv_poll_t wake;
	int wake_fd;
	atomic_uint waking; /* posters that may still write to wake_fd */
	uv_prepare_t before_poll;
	uv_check_t after_poll;
	uv_mutex_t lock; /* guards the two below */
	struct loop_posted *posted;
	struct loop_posted **posted_end;
	struct loop_posted *running; /* taken to be run in this turn */
	loop_fn *after;
	void *after_arg;
	bool had_event;
	bool is_stopping;
};

struct loop_timer {
	uv_timer_t uv;
	struct loop *loop;
	loop_fn *fn;
	void *arg;
};

struct loop_fd {
	uv_poll_t uv;
	struct loop *loop;
	loop_fd_fn *fn;
	void *arg;
};

struct loop_signal {
	uv_signal_t uv;
	struct loop *loop;
	loop_signal_fn *fn;
	void *arg;
};

struct loop_job {
	uv_work_t uv;
	struct loop *loop;
	loop_fn *work;
	loop_fn *done;
	void *arg;
};

static enum ag_status
loop_fail_uv(struct ag_error *err, int code, const char *what)
{
	if (code == UV_ENOMEM)
		return ag_fail(err, AG_ENOMEM, "%s: out of memory", what);
	return ag_fail(err, AG_ESYS, "%s: %s", what, uv_strerror(code));
}

static void
loop_end_turn(struct loop *loop)
{
	if (!loop->had_event)
		return;
	loop->had_event = false;
	if (loop->after != NULL)
		loop->after(loop->after_arg);
}

static void
loop_before_poll(uv_prepare_t *uv)
{
	loop_end_turn(uv->data);
}

static void
loop_after_poll(uv_check_t *uv)
{
	loop_end_turn(uv->data);
}

/* Take all that is posted by now; what it posts in turn waits for later. */
static struct loop_posted *
loop_take_posted(struct loop *loop)
{
	struct loop_posted *first;

	uv_mutex_lock(&loop->lock);
	first = loop->posted;
	loop->posted = NULL;
	loop->posted_end = &loop->posted;
	uv_mutex_unlock(&loop->lock);
	return first;
}

/* Returns whether there was anything to run. */
static bool
loop_run_posted(struct loop *loop)
{
	struct loop_posted *post;
	bool ran;

	AG_ASSERT(loop->running == NULL);
	loop->running = loop_take_posted(loop);
	ran = loop->running != NULL;
	while ((post = loop->running) != NULL) {
		loop_fn *fn = post->fn;
		void *arg = post->arg;

		loop->running = post->next;
		free(post);
		loop->had_event = true;
		fn(arg);
	}
	return ran;
}

/* Drop those of a list that are for arg; where its end is now. */
static struct loop_posted **
drop_posted(struct loop_posted **at, const void *arg)
{
	while (*at != NULL) {
		struct loop_posted *post = *at;

		if (post->arg != arg) {
			at = &post->next;
			continue;
		}
		*at = post->next;
		free(post);
	}
	return at;
}

void
loop_unpost(struct loop *loop, const void *arg)
{
	(void)drop_posted(&loop->running, arg);
	uv_mutex_lock(&loop->lock);
	loop->posted_end = drop_posted(&loop->posted, arg);
	uv_mutex_unlock(&loop->lock);
}

static void
loop_woken(uv_poll_t *uv, int code, int events)
{
	struct loop *loop = uv->data;
	uint64_t count;

	(void)code;
	(void)events;
	AG_ASSERT(
	    read(loop->wake_fd, &count, sizeof(count)) > 0 || errno == EAGAIN);
	(void)loop_run_posted(loop);
}

static void
loop_wake(struct loop *loop)
{
	const uint64_t one = 1;

	AG_ASSERT(
	    write(loop->wake_fd, &one, sizeof(one)) > 0 || errno == EAGAIN);
}

/* The loop's own handles; each is unreferenced (rule 2). */
static void
loop_init_hooks(struct loop *loop)
{
	AG_ASSERT(uv_prepare_init(&loop->uv, &loop->before_poll) == 0);
	AG_ASSERT(uv_check_init(&loop->uv, &loop->after_poll) == 0);
	AG_ASSERT(uv_poll_start(&loop->wake, UV_READABLE, loop_woken) == 0);
	loop->wake.data = loop;
	loop->before_poll.data = loop;
	loop->after_poll.data = loop;
	AG_ASSERT(uv_prepare_start(&loop->before_poll, loop_before_poll) == 0);
	AG_ASSERT(uv_check_start(&loop->after_poll, loop_after_poll) == 0);
	uv_unref((uv_handle_t *)&loop->wake);
	uv_unref((uv_handle_t *)&loop->before_poll);
	uv_unref((uv_handle_t *)&loop->after_poll);
}

enum ag_status
loop_new(struct loop **out, struct ag_error *err)
{
	struct loop *loop;
	int code;

	*out = NULL;
	loop = calloc(1, sizeof(*loop));
	if (loop == NULL)
		return loop_fail_uv(err, UV_ENOMEM, "start event loop");
	loop->posted_end = &loop->posted;
	code = uv_loop_init(&loop->uv);
	if (code != 0)
		goto fail;
	code = uv_mutex_init(&loop->lock);
	if (code != 0)
		goto fail_loop;
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->wake_fd == -1) {
		code = uv_translate_sys_error(errno);
		goto fail_lock;
	}
	code = uv_poll_init(&loop->uv, &loop->wake, loop->wake_fd);
	if (code != 0)
		goto fail_wake;
	loop_init_hooks(loop);
	*out = loop;
	return AG_OK;

fail_wake:
	(void)close(loop->wake_fd);
fail_lock:
	uv_mutex_destroy(&loop->lock);
fail_loop:
	(void)uv_loop_close(&loop->uv);
fail:
	free(loop);
	return loop_fail_uv(err, code, "start event loop");
}

void
loop_free(struct loop *loop)
{
	struct loop_posted *post;

	if (loop == NULL)
		return;
	loop->after = NULL;
	while (atomic_load(&loop->waking) != 0)
		(void)sched_yield();
	uv_close((uv_handle_t *)&loop->wake, NULL);
	uv_close((uv_handle_t *)&loop->before_poll, NULL);
	uv_close((uv_handle_t *)&loop->after_poll, NULL);
	/* If it was stopped when it had ended already, that ends the first. */
	if (uv_run(&loop->uv, UV_RUN_DEFAULT) != 0)
		(void)uv_run(&loop->uv, UV_RUN_DEFAULT);
	AG_ASSERT(uv_loop_close(&loop->uv) == 0);
	(void)close(loop->wake_fd);
	for (post = loop_take_posted(loop); post != NULL;) {
		struct loop_posted *next = post->next;

		free(post);
		post = next;
	}
	uv_mutex_destroy(&loop->lock);
	free(loop);
}

void
loop_run(struct loop *loop)
{
	loop->is_stopping = false;
	do {
		(void)uv_run(&loop->uv, UV_RUN_DEFAULT);
		loop_end_turn(loop);
	} while (!loop->is_stopping && loop_run_posted(loop));
	loop_end_turn(loop);
}

void
loop_stop(struct loop *loop)
{
	loop->is_stopping = true;
	uv_stop(&loop->uv);
}

enum ag_status
loop_post(struct loop *loop, loop_fn *fn, void *arg)
{
	struct loop_posted *post = malloc(sizeof(*post));
	bool must_wake;

	if (post == NULL)
		return AG_ENOMEM;
	*post = (struct loop_posted){ .fn = fn, .arg = arg };
	uv_mutex_lock(&loop->lock);
	must_wake = loop->posted == NULL;
	*loop->posted_end = post;
	loop->posted_end = &post->next;
	/* Counted under the lock: who sees the post sees this too. */
	if (must_wake)
		atomic_fetch_add(&loop->waking, 1);
	uv_mutex_unlock(&loop->lock);
	if (must_wake) {
		loop_wake(loop);
		atomic_fetch_sub(&loop->waking, 1);
	}
	return AG_OK;
}

bool
loop_is_idle(struct loop *loop)
{
	bool is_idle;

	uv_mutex_lock(&loop->lock);
	is_idle = loop->posted == NULL;
	uv_mutex_unlock(&loop->lock);
	return is_idle;
}

void
loop_after_turn(struct loop *loop, loop_fn *fn, void *arg)
{
	loop->after = fn;
	loop->after_arg = arg;
}

static void
loop_closed(uv_handle_t *uv)
{
	free(uv->data);
}

static void
loop_timer_fired(uv_timer_t *uv)
{
	struct loop_timer *timer = uv->data;

	timer->loop->had_event = true;
	timer->fn(timer->arg);
}

enum ag_status
loop_timer_new(struct loop_timer **out, struct loop *loop, loop_fn *fn,
    void *arg)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));

	*out = timer;
	if (timer == NULL)
		return AG_ENOMEM;
	timer->loop = loop;
	timer->fn = fn;
	timer->arg = arg;
	AG_ASSERT(uv_timer_init(&loop->uv, &timer->uv) == 0);
	timer->uv.data = timer;
	return AG_OK;
}

void
loop_timer_set(struct loop_timer *timer, uint64_t delay_ms)
{
	/* libuv counts from the turn's start; a long turn would make the
	 * timer early without this. */
	uv_update_time(&timer->loop->uv);
	AG_ASSERT(
	    uv_timer_start(&timer->uv, loop_timer_fired, delay_ms, 0) == 0);
}

void
loop_timer_cancel(struct loop_timer *timer)
{
	(void)uv_timer_stop(&timer->uv);
}

void
loop_timer_close(struct loop_timer *timer)
{
	if (timer != NULL)
		uv_close((uv_handle_t *)&timer->uv, loop_closed);
}

static void
loop_fd_ready(uv_poll_t *uv, int code, int events)
{
	struct loop_fd *watch = uv->data;

	watch->loop->had_event = true;
	/* An error on the descriptor is for the owner's next read or write
	 * to find. */
	if (code < 0)
		events = UV_READABLE | UV_WRITABLE;
	watch->fn(watch->arg, (events & UV_READABLE) != 0,
	    (events & UV_WRITABLE) != 0);
}

enum ag_status
loop_fd_new(struct loop_fd **out, struct loop *loop, int fd, loop_fd_fn *fn,
    void *arg, struct ag_error *err)
{
	struct loop_fd *watch = calloc(1, sizeof(*watch));
	int code;

	*out = NULL;
	if (watch == NULL)
		return loop_fail_uv(err, UV_ENOMEM, "watch descriptor");
	watch->loop = loop;
	watch->fn = fn;
	watch->arg = arg;
	code = uv_poll_init(&loop->uv, &watch->uv, fd);
	if (code != 0) {
		free(watch);
		return loop_fail_uv(err, code, "watch descriptor");
	}
	watch->uv.data = watch;
	*out = watch;
	return AG_OK;
}

void
loop_fd_want(struct loop_fd *watch, bool readable, bool writable)
{
	int events =
	    (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);

	if (events == 0)
		(void)uv_poll_stop(&watch->uv);
	else
		AG_ASSERT(
		    uv_poll_start(&watch->uv, events, loop_fd_ready) == 0);
}

void
loop_fd_close(struct loop_fd *watch)
{
	if (watch != NULL)
		uv_close((uv_handle_t *)&watch->uv, loop_closed);
}

static void
loop_signal_came(uv_signal_t *uv, int signo)
{
	struct loop_signal *watch = uv->data;

	watch->loop->had_event = true;
	watch->fn(watch->arg, signo);
}

enum ag_status
loop_signal_new(struct loop_signal **out, struct loop *loop, int signo,
    loop_signal_fn *fn, void *arg, struct ag_error *err)
{
	struct loop_signal *watch = calloc(1, sizeof(*watch));
	int code;

	*out = NULL;
	if (watch == NULL)
		return loop_fail_uv(err, UV_ENOMEM, "watch signal");
	watch->loop = loop;
	watch->fn = fn;
	watch->arg = arg;
	code = uv_signal_init(&loop->uv, &watch->uv);
	if (code != 0) {
		free(watch);
		return loop_fail_uv(err, code, "watch signal");
	}
	watch->uv.data = watch;
	code = uv_signal_start(&watch->uv, loop_signal_came, signo);
	if (code != 0) {
		loop_signal_close(watch);
		return loop_fail_uv(err, code, "watch signal");
	}
	*out = watch;
	return AG_OK;
}

void
loop_signal_close(struct loop_signal *watch)
{
	if (watch != NULL)
		uv_close((uv_handle_t *)&watch->uv, loop_closed);
}

static void
loop_job_work(uv_work_t *uv)
{
	struct loop_job *job = uv->data;

	job->work(job->arg);
}

static void
loop_job_done(uv_work_t *uv, int code)
{
	struct loop_job *job = uv->data;
	loop_fn *done = job->done;
	void *arg = job->arg;

	AG_ASSERT(code == 0);
	job->loop->had_event = true;
	free(job);
	done(arg);
}

enum ag_status
loop_work(struct loop *loop, loop_fn *work, loop_fn *done, void *arg)
{
	struct loop_job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		return AG_ENOMEM;
	job->loop = loop;
	job->work = work;
	job->done = done;
	job->arg = arg;
	job->uv.data = job;
	AG_ASSERT(uv_queue_work(&loop->uv, &job->uv, loop_job_work,
		      loop_job_done) == 0);
	return AG_OK;
}
