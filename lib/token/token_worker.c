/*
 * A thread of its own for calls that may never come back.
 *
 * STATES   free  no call is there
 *          asked   a call waits for the thread, or runs
 *          late    whoever asked has gone: the thread frees the call when it
 *                  ends, and until then nobody else waits for it
 *
 * RULES    1. The state is touched by the thread alone, also at its end.
 *          2. A late call's answer is nobody's: it is wiped.
 *          3. A call can not be ended.  Where too many were left behind, no
 *             other is begun.
 */
#include "token/token_worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/secret.h"

/* To put what is open away in good order. */
#define END_MS 1000

struct call {
	token_worker_fn *fn;
	size_t in_bytes, out_bytes;
	enum ag_status status;
	struct ag_error err;
	bool is_done, is_late;
	uint8_t *in, *out;
};

struct token_worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t asked, done;
	struct call *call; /* NULL: free */
	bool is_ending, has_ended;
	bool is_left; /* nobody waits for the end any more */
	void (*fini)(void *state);
	void *state;
};

/* Workers that were freed and hang. */
static atomic_uint left;

static void
call_free(struct call *call)
{
	if (call == NULL)
		return;
	if (call->in != NULL)
		secret_wipe(call->in, call->in_bytes);
	if (call->out != NULL)
		secret_wipe(call->out, call->out_bytes);
	free(call->in);
	free(call->out);
	free(call);
}

static struct call *
call_new(token_worker_fn *fn, const void *in, size_t in_bytes, size_t out_bytes)
{
	struct call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		return NULL;
	call->fn = fn;
	call->in_bytes = in_bytes;
	call->out_bytes = out_bytes;
	call->in = malloc(in_bytes + 1);
	call->out = calloc(1, out_bytes + 1);
	if (call->in == NULL || call->out == NULL) {
		call_free(call);
		return NULL;
	}
	if (in_bytes > 0)
		memcpy(call->in, in, in_bytes);
	return call;
}

static void
worker_destroy(struct token_worker *w)
{
	(void)pthread_cond_destroy(&w->asked);
	(void)pthread_cond_destroy(&w->done);
	(void)pthread_mutex_destroy(&w->lock);
	free(w->state);
	free(w);
}

/* With the lock held, which is let go of while the call runs. */
static void
worker_serve(struct token_worker *w)
{
	struct call *call = w->call;
	enum ag_status status;

	(void)pthread_mutex_unlock(&w->lock);
	status = call->fn(w->state, call->in, call->out, &call->err);
	(void)pthread_mutex_lock(&w->lock);
	call->status = status;
	call->is_done = true;
	if (call->is_late) {
		call_free(call);
		w->call = NULL;
	}
	(void)pthread_cond_broadcast(&w->done);
}

static void *
worker_main(void *arg)
{
	struct token_worker *w = arg;
	bool is_left;

	(void)pthread_setname_np(pthread_self(), "aegis-token");
	(void)pthread_mutex_lock(&w->lock);
	for (;;) {
		while (!w->is_ending && (w->call == NULL || w->call->is_done))
			(void)pthread_cond_wait(&w->asked, &w->lock);
		if (w->is_ending)
			break;
		worker_serve(w);
	}
	(void)pthread_mutex_unlock(&w->lock);
	w->fini(w->state);
	(void)pthread_mutex_lock(&w->lock);
	w->has_ended = true;
	is_left = w->is_left;
	(void)pthread_cond_broadcast(&w->done);
	(void)pthread_mutex_unlock(&w->lock);
	if (is_left) {
		worker_destroy(w);
		atomic_fetch_sub(&left, 1);
	}
	return NULL;
}

static void
init_waits(struct token_worker *w)
{
	pthread_condattr_t attributes;

	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&w->asked, &attributes);
	(void)pthread_cond_init(&w->done, &attributes);
	(void)pthread_condattr_destroy(&attributes);
}

/* Signals are for the other threads. */
static int
start_thread(struct token_worker *w)
{
	sigset_t all, before;
	int code;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	code = pthread_create(&w->thread, NULL, worker_main, w);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (code == 0)
		(void)pthread_detach(w->thread);
	return code;
}

enum ag_status
token_worker_new(struct token_worker **out, size_t state_bytes,
    void (*fini)(void *state), struct ag_error *err)
{
	struct token_worker *w;

	*out = NULL;
	if (atomic_load(&left) >= TOKEN_WORKER_LEFT_MAX)
		return ag_fail(err, AG_ELIMIT,
		    "token: %d calls have never come back; see to the token "
		    "and its driver, and restart this program",
		    TOKEN_WORKER_LEFT_MAX);
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return ag_fail(err, AG_ENOMEM, "token: out of memory");
	init_waits(w);
	w->fini = fini;
	w->state = calloc(1, state_bytes);
	if (w->state == NULL || start_thread(w) != 0) {
		worker_destroy(w);
		return ag_fail(err, AG_ENOMEM, "token: no thread can be made");
	}
	*out = w;
	return AG_OK;
}

static struct timespec
moment_in(uint32_t ms)
{
	struct timespec at;

	(void)clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += (time_t)(ms / 1000);
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

/* With the lock held: wait until no call is there, or a late one is. */
static bool
worker_take_turn(struct token_worker *w, const struct timespec *until)
{
	int code = 0;

	while (w->call != NULL && !w->call->is_late && code == 0)
		code = pthread_cond_timedwait(&w->done, &w->lock, until);
	return w->call == NULL;
}

/* With the lock held. */
static bool
worker_await(struct token_worker *w, const struct call *call,
    const struct timespec *until)
{
	int code = 0;

	while (!call->is_done && code == 0)
		code = pthread_cond_timedwait(&w->done, &w->lock, until);
	return call->is_done;
}

static enum ag_status
call_end(struct call *call, void *out, struct ag_error *err)
{
	enum ag_status status = call->status;

	if (status == AG_OK && call->out_bytes > 0)
		memcpy(out, call->out, call->out_bytes);
	if (status != AG_OK && err != NULL)
		*err = call->err;
	call_free(call);
	return status;
}

enum ag_status
token_worker_run(struct token_worker *w, token_worker_fn *fn, const void *in,
    size_t in_bytes, void *out, size_t out_bytes, uint32_t deadline_ms,
    struct ag_error *err)
{
	const struct timespec until = moment_in(deadline_ms);
	struct call *call = call_new(fn, in, in_bytes, out_bytes);
	bool is_done = false;

	if (call == NULL)
		return ag_fail(err, AG_ENOMEM, "token: out of memory");
	(void)pthread_mutex_lock(&w->lock);
	if (!worker_take_turn(w, &until)) {
		(void)pthread_mutex_unlock(&w->lock);
		call_free(call);
		return ag_fail(err, AG_EBUSY,
		    "token: it has not answered what it was asked before");
	}
	w->call = call;
	(void)pthread_cond_signal(&w->asked);
	is_done = worker_await(w, call, &until);
	if (is_done)
		w->call = NULL;
	else
		call->is_late = true;
	(void)pthread_cond_broadcast(&w->done);
	(void)pthread_mutex_unlock(&w->lock);
	if (is_done)
		return call_end(call, out, err);
	return ag_fail(err, AG_ETIMEOUT, "token: no answer within %u ms",
	    deadline_ms);
}

void
token_worker_free(struct token_worker *w)
{
	const struct timespec until = moment_in(END_MS);
	int code = 0;
	bool has_ended;

	if (w == NULL)
		return;
	(void)pthread_mutex_lock(&w->lock);
	w->is_ending = true;
	(void)pthread_cond_signal(&w->asked);
	while (!w->has_ended && code == 0)
		code = pthread_cond_timedwait(&w->done, &w->lock, &until);
	has_ended = w->has_ended;
	w->is_left = !has_ended;
	if (!has_ended)
		atomic_fetch_add(&left, 1);
	(void)pthread_mutex_unlock(&w->lock);
	if (has_ended)
		worker_destroy(w);
}
