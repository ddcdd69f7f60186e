/*
 * A lease kept alive.
 *
 * RULES    1. It is kept alive at each third of its TTL, so that one attempt
 *             may fail, or take long.
 *          2. A lease lives for its TTL from when it was kept alive; that is
 *             not before the call was sent, which is what is counted from.
 *          3. When the node says that there is no such lease, it is lost at
 *             once; other failures are tried again until it may be.
 */
#include "cmd/lease_keeper.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/client.h"
#include "cmd/lease_call.h"

#define RETRY_US_MOST UINT64_C(1000000)
#define TIMEOUT_MS_LEAST 100

struct lease_keeper {
	struct lease_keeper_config config;
	struct client *client;
	struct client_answer answer;
	int fd;
	pthread_t thread;
	bool is_running;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_stopping;
	uint64_t alive_us; /* the thread's own */
	struct ag_error why;
};

/* When the lease is given up. */
static uint64_t
end_us(const struct lease_keeper *k)
{
	return k->alive_us + 1000 * (k->config.ttl_ms - k->config.spare_ms);
}

/* False: it is to stop. */
static bool
wait_until(struct lease_keeper *k, uint64_t until_us)
{
	const struct timespec end = {
		.tv_sec = (time_t)(until_us / 1000000),
		.tv_nsec = (long)(until_us % 1000000) * 1000,
	};
	bool is_stopping;

	(void)pthread_mutex_lock(&k->lock);
	while (!k->is_stopping && clock_mono_us() < until_us)
		(void)pthread_cond_timedwait(&k->wake, &k->lock, &end);
	is_stopping = k->is_stopping;
	(void)pthread_mutex_unlock(&k->lock);
	return !is_stopping;
}

/* One attempt, which has until the lease is given up, but no third more. */
static enum ag_status
keep_alive(struct lease_keeper *k)
{
	const uint64_t sent_us = clock_mono_us(), end = end_us(k);
	uint64_t timeout_ms = k->config.ttl_ms / 3;
	enum ag_status status;

	if (end < sent_us + 1000 * timeout_ms)
		timeout_ms = end > sent_us ? (end - sent_us) / 1000 : 0;
	if (timeout_ms < TIMEOUT_MS_LEAST)
		timeout_ms = TIMEOUT_MS_LEAST;
	if (timeout_ms > CLIENT_TIMEOUT_MS)
		timeout_ms = CLIENT_TIMEOUT_MS;
	status = lease_call_keep_alive(k->client, k->config.id,
	    (uint32_t)timeout_ms, &k->answer, &k->why);
	if (status == AG_OK)
		k->alive_us = sent_us;
	return status;
}

/* Until it is lost.  False: it is to stop. */
static bool
keep(struct lease_keeper *k)
{
	const uint64_t third_us = 1000 * k->config.ttl_ms / 3;
	const uint64_t retry_us = k->config.ttl_ms * 100 < RETRY_US_MOST
	    ? k->config.ttl_ms * 100
	    : RETRY_US_MOST;
	uint64_t next_us = k->alive_us + third_us;
	enum ag_status status;

	for (;;) {
		if (!wait_until(k, next_us < end_us(k) ? next_us : end_us(k)))
			return false;
		if (clock_mono_us() >= end_us(k)) {
			ag_error_prefix(&k->why,
			    "the lease was not kept alive in time");
			return true;
		}
		status = keep_alive(k);
		if (status == AG_ENOENT)
			return true;
		next_us = status == AG_OK ? k->alive_us + third_us
					  : clock_mono_us() + retry_us;
	}
}

static void *
keeper_main(void *arg)
{
	struct lease_keeper *k = arg;

	if (keep(k))
		(void)eventfd_write(k->fd, 1);
	return NULL;
}

/* Signals are the owner's. */
static enum ag_status
start_thread(struct lease_keeper *k, struct ag_error *err)
{
	sigset_t all, before;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	k->is_running = pthread_create(&k->thread, NULL, keeper_main, k) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return k->is_running
	    ? AG_OK
	    : ag_fail(err, AG_ESYS, "start a thread for the lease");
}

enum ag_status
lease_keeper_start(struct lease_keeper **out,
    const struct lease_keeper_config *config, struct ag_error *err)
{
	struct lease_keeper *k = calloc(1, sizeof(*k));
	pthread_condattr_t monotonic;
	enum ag_status status;

	*out = NULL;
	if (k == NULL)
		return ag_fail(err, AG_ENOMEM, "keep a lease: out of memory");
	k->config = *config;
	k->alive_us = config->alive_us;
	(void)ag_fail(&k->why, AG_ETIMEOUT, "the time is over");
	(void)pthread_mutex_init(&k->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&k->wake, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	client_answer_init(&k->answer);
	k->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	status = k->fd == -1 ? ag_fail_sys(err, "make an event descriptor")
			     : client_new(&k->client, config->socket_path, err);
	if (status == AG_OK)
		status = start_thread(k, err);
	if (status != AG_OK) {
		lease_keeper_stop(k);
		return status;
	}
	*out = k;
	return AG_OK;
}

void
lease_keeper_stop(struct lease_keeper *k)
{
	if (k == NULL)
		return;
	if (k->is_running) {
		(void)pthread_mutex_lock(&k->lock);
		k->is_stopping = true;
		(void)pthread_cond_signal(&k->wake);
		(void)pthread_mutex_unlock(&k->lock);
		client_interrupt(k->client);
		(void)pthread_join(k->thread, NULL);
	}
	client_answer_fini(&k->answer);
	client_free(k->client);
	if (k->fd != -1)
		(void)close(k->fd);
	(void)pthread_cond_destroy(&k->wake);
	(void)pthread_mutex_destroy(&k->lock);
	free(k);
}

int
lease_keeper_fd(const struct lease_keeper *k)
{
	return k->fd;
}

/* The thread has ended when it can be asked for. */
void
lease_keeper_why(struct lease_keeper *k, struct ag_error *err)
{
	(void)pthread_join(k->thread, NULL);
	k->is_running = false;
	*err = k->why;
}
