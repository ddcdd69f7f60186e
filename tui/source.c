/*
 * Where the dashboard's data comes from: a thread that asks a node.
 *
 * STATES   asking -> waiting for the interval -> asking ...; after a failure
 *          waiting for the pause, which doubles from 1 s to 30 s with jitter
 *          and falls back at the first answer.
 *
 * RULES    1. The drawing thread never waits for the network: it takes what
 *             is there.  The lock is held for pointer moves only.
 *          2. Only the parts the visible screen needs are asked for.
 *          3. The first failure of a round ends it: a node that does not
 *             answer one question is not asked four.
 *
 * NOT HERE What the answers mean (model.c).
 */
#include "tui/source.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/client.h"

#define PAUSE_MIN_US 1000000U
#define PAUSE_MAX_US 30000000U
#define TIMEOUT_MS 2000

struct source {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	int wake_fd;
	struct client *client;
	/* Under the lock. */
	bool is_stopping;
	bool is_hurried;
	unsigned wanted;
	uint64_t interval_us;
	struct model inbox;
	struct scene_link link;
};

/* Routes carry at most one parameter, "limit"; targets are built from parts. */
static void
make_target(struct target *target, enum model_part part)
{
	char path[64];
	char *query = NULL;

	(void)snprintf(path, sizeof(path), "%s", model_part_route(part));
	query = strchr(path, '?');
	if (query != NULL)
		*query++ = '\0';
	target_init(target, path);
	if (query != NULL) {
		char *value = strchr(query, '=');

		AG_ASSERT(value != NULL);
		*value++ = '\0';
		target_add_text(target, query, value);
	}
}

static enum ag_status
fetch_part(struct client *client, enum model_part part, struct model *m,
    struct ag_error *err)
{
	struct client_answer answer;
	struct target target;
	struct client_request request = { .target = &target,
		.timeout_ms = TIMEOUT_MS };
	enum ag_status status = AG_OK;

	make_target(&target, part);
	client_answer_init(&answer);
	status = client_call(client, &request, &answer, err);
	if (status == AG_OK && answer.body.len > MODEL_ANSWER_BYTES_MAX)
		status = ag_fail(err, AG_ELIMIT, "%s: the answer is too long",
		    model_part_route(part));
	if (status == AG_OK) {
		status = model_parse(m, part, buf_bytes(&answer.body), err);
		if (status != AG_OK)
			ag_error_prefix(err, "%s", model_part_route(part));
	}
	client_answer_fini(&answer);
	if (status == AG_OK)
		m->at_us[part] = clock_mono_us();
	return status;
}

static enum ag_status
fetch_parts(struct client *client, unsigned parts, struct model *m,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;

	for (int i = 0; i < MODEL_PART_COUNT && status == AG_OK; i++)
		if ((parts & PANE_NEEDS(i)) != 0)
			status = fetch_part(client, (enum model_part)i, m, err);
	return status;
}

static void
notify(const struct source *source)
{
	uint64_t one = 1;
	ssize_t n = write(source->wake_fd, &one, sizeof(one));

	/* A full eventfd is as good as a written one. */
	AG_ASSERT(n == (ssize_t)sizeof(one) || errno == EAGAIN);
}

/* Three quarters to five quarters of pause, so that many do not march. */
static uint64_t
jitter(uint64_t pause_us)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(random))
		return pause_us;
	return pause_us * 3 / 4 + (uint64_t)random % (pause_us / 2);
}

/* Hand over a round's outcome; returns when the next one is due. */
static uint64_t
publish(struct source *source, struct model *fresh, enum ag_status status,
    const struct ag_error *err, uint64_t *pause_us)
{
	uint64_t now = clock_mono_us();
	uint64_t due = 0;

	(void)pthread_mutex_lock(&source->lock);
	model_take(&source->inbox, fresh);
	source->link.was_asked = true;
	source->link.is_up = status == AG_OK;
	if (status == AG_OK) {
		*pause_us = PAUSE_MIN_US;
		due = now + source->interval_us;
	} else {
		due = now + jitter(*pause_us);
		*pause_us =
		    *pause_us * 2 > PAUSE_MAX_US ? PAUSE_MAX_US : *pause_us * 2;
		(void)snprintf(source->link.error, sizeof(source->link.error),
		    "%.180s", err->text);
	}
	source->link.retry_us = due;
	(void)pthread_mutex_unlock(&source->lock);
	notify(source);
	return due;
}

/* Wait until due, or until hurried or stopped; false when stopped. */
static bool
wait_until(struct source *source, uint64_t due, unsigned *parts)
{
	struct timespec when = { .tv_sec = (time_t)(due / 1000000),
		.tv_nsec = (long)(due % 1000000) * 1000 };
	bool goes_on = false;
	int rc = 0;

	(void)pthread_mutex_lock(&source->lock);
	while (!source->is_stopping && !source->is_hurried && rc == 0)
		rc =
		    pthread_cond_timedwait(&source->wake, &source->lock, &when);
	source->is_hurried = false;
	*parts = source->wanted;
	goes_on = !source->is_stopping;
	(void)pthread_mutex_unlock(&source->lock);
	return goes_on;
}

static void *
run(void *arg)
{
	struct source *source = arg;
	uint64_t pause_us = PAUSE_MIN_US;
	uint64_t due = 0;
	unsigned parts = 0;

	while (wait_until(source, due, &parts)) {
		struct model fresh = { .status = NULL };
		struct ag_error err = { .status = AG_OK };
		enum ag_status status =
		    fetch_parts(source->client, parts, &fresh, &err);

		due = publish(source, &fresh, status, &err, &pause_us);
	}
	return NULL;
}

static void
init_locks(struct source *source)
{
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&source->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	(void)pthread_mutex_init(&source->lock, NULL);
}

enum ag_status
source_new(struct source **out, const char *socket_path, int wake_fd,
    struct ag_error *err)
{
	struct source *source = NULL;
	enum ag_status status = AG_OK;
	int rc = 0;

	*out = NULL;
	source = calloc(1, sizeof(*source));
	if (source == NULL)
		return ag_fail(err, AG_ENOMEM, "start the fetching thread");
	source->wake_fd = wake_fd;
	source->interval_us = VIEW_INTERVAL_MS * 1000;
	source->wanted = PANE_NEEDS(MODEL_STATUS);
	status = client_new(&source->client, socket_path, err);
	if (status != AG_OK) {
		free(source);
		return status;
	}
	init_locks(source);
	rc = pthread_create(&source->thread, NULL, run, source);
	if (rc != 0) {
		client_free(source->client);
		free(source);
		errno = rc;
		return ag_fail_sys(err, "start the fetching thread");
	}
	*out = source;
	return AG_OK;
}

void
source_free(struct source *source)
{
	if (source == NULL)
		return;
	(void)pthread_mutex_lock(&source->lock);
	source->is_stopping = true;
	(void)pthread_cond_signal(&source->wake);
	(void)pthread_mutex_unlock(&source->lock);
	client_interrupt(source->client);
	(void)pthread_join(source->thread, NULL);
	client_free(source->client);
	model_fini(&source->inbox);
	(void)pthread_cond_destroy(&source->wake);
	(void)pthread_mutex_destroy(&source->lock);
	free(source);
}

void
source_want(struct source *source, unsigned parts, uint64_t interval_ms)
{
	(void)pthread_mutex_lock(&source->lock);
	if ((parts & ~source->wanted) != 0 ||
	    interval_ms * 1000 < source->interval_us) {
		source->is_hurried = source->link.is_up;
		(void)pthread_cond_signal(&source->wake);
	}
	source->wanted = parts;
	source->interval_us = interval_ms * 1000;
	(void)pthread_mutex_unlock(&source->lock);
}

void
source_hurry(struct source *source)
{
	(void)pthread_mutex_lock(&source->lock);
	source->is_hurried = true;
	(void)pthread_cond_signal(&source->wake);
	(void)pthread_mutex_unlock(&source->lock);
}

void
source_take(struct source *source, struct model *m, struct scene_link *link)
{
	(void)pthread_mutex_lock(&source->lock);
	model_take(m, &source->inbox);
	*link = source->link;
	(void)pthread_mutex_unlock(&source->lock);
}

enum ag_status
source_fetch(const char *socket_path, unsigned parts, struct model *m,
    struct ag_error *err)
{
	struct client *client = NULL;
	enum ag_status status = client_new(&client, socket_path, err);

	if (status != AG_OK)
		return status;
	status = fetch_parts(client, parts, m, err);
	client_free(client);
	return status;
}
