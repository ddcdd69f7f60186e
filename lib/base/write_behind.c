/*
 * Writing behind: a ring of buffers, filled at one end and written at the
 * other.
 *
 * RULES    1. A buffer belongs to one side at a time: to the thread while it
 *             is among the full ones, else to the caller.
 *          2. After a write has failed nothing more is written, and every
 *             call says why.
 */
#include "base/write_behind.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/fs.h"

#define BUFFERS 4
#define BUFFER_BYTES ((size_t)256 << 10)

struct write_behind {
	int fd;
	const char *name;
	pthread_t thread;
	bool is_started;
	pthread_mutex_t lock;
	pthread_cond_t moved;
	/* Under the lock. */
	size_t first; /* full buffers begin here */
	size_t full;
	bool is_closing;
	enum ag_status status;
	struct ag_error error;
	/* Whoever a buffer belongs to. */
	size_t len[BUFFERS];
	uint8_t data[BUFFERS][BUFFER_BYTES];
};

static void *
write_main(void *arg)
{
	struct write_behind *w = arg;

	(void)pthread_setname_np(pthread_self(), "aegis-write");
	(void)pthread_mutex_lock(&w->lock);
	for (;;) {
		struct ag_error err = { 0 };
		enum ag_status status;

		while (w->full == 0 && !w->is_closing)
			(void)pthread_cond_wait(&w->moved, &w->lock);
		if (w->is_closing)
			break;
		(void)pthread_mutex_unlock(&w->lock);
		status = fs_write(w->fd, w->name,
		    bytes_of(w->data[w->first], w->len[w->first]), &err);
		(void)pthread_mutex_lock(&w->lock);
		if (status != AG_OK) {
			w->status = status;
			w->error = err;
			break;
		}
		w->len[w->first] = 0;
		w->first = (w->first + 1) % BUFFERS;
		w->full--;
		(void)pthread_cond_signal(&w->moved);
	}
	(void)pthread_cond_signal(&w->moved);
	(void)pthread_mutex_unlock(&w->lock);
	return NULL;
}

enum ag_status
write_behind_open(struct write_behind **out, int fd, const char *name,
    struct ag_error *err)
{
	struct write_behind *w = calloc(1, sizeof(*w));

	*out = NULL;
	if (w == NULL)
		return ag_fail(err, AG_ENOMEM, "write %s: out of memory", name);
	w->fd = fd;
	w->name = name;
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->moved, NULL);
	if (pthread_create(&w->thread, NULL, write_main, w) != 0) {
		write_behind_close(w);
		return ag_fail(err, AG_ENOMEM,
		    "write %s: no thread could be started", name);
	}
	w->is_started = true;
	*out = w;
	return AG_OK;
}

/* Wait until at most so many buffers are full.  Under the lock. */
static enum ag_status
wait_for(struct write_behind *w, size_t most, struct ag_error *err)
{
	while (w->full > most && w->status == AG_OK)
		(void)pthread_cond_wait(&w->moved, &w->lock);
	if (w->status != AG_OK && err != NULL)
		*err = w->error;
	return w->status;
}

/* Hand the buffer that is being filled over. */
static void
hand_over(struct write_behind *w)
{
	w->full++;
	(void)pthread_cond_signal(&w->moved);
}

enum ag_status
write_behind_put(struct write_behind *w, struct bytes data,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;

	while (status == AG_OK && data.len > 0) {
		size_t into, room, len;

		(void)pthread_mutex_lock(&w->lock);
		status = wait_for(w, BUFFERS - 1, err);
		into = (w->first + w->full) % BUFFERS;
		(void)pthread_mutex_unlock(&w->lock);
		if (status != AG_OK)
			break;
		room = BUFFER_BYTES - w->len[into];
		len = data.len < room ? data.len : room;
		memcpy(w->data[into] + w->len[into], data.data, len);
		w->len[into] += len;
		data = bytes_of(data.data + len, data.len - len);
		if (len < room)
			break;
		(void)pthread_mutex_lock(&w->lock);
		hand_over(w);
		(void)pthread_mutex_unlock(&w->lock);
	}
	return status;
}

enum ag_status
write_behind_flush(struct write_behind *w, struct ag_error *err)
{
	enum ag_status status;

	(void)pthread_mutex_lock(&w->lock);
	status = wait_for(w, BUFFERS - 1, err);
	if (status == AG_OK && w->len[(w->first + w->full) % BUFFERS] > 0)
		hand_over(w);
	status = wait_for(w, 0, err);
	(void)pthread_mutex_unlock(&w->lock);
	return status;
}

void
write_behind_close(struct write_behind *w)
{
	if (w == NULL)
		return;
	if (w->is_started) {
		(void)pthread_mutex_lock(&w->lock);
		w->is_closing = true;
		(void)pthread_cond_signal(&w->moved);
		(void)pthread_mutex_unlock(&w->lock);
		(void)pthread_join(w->thread, NULL);
	}
	(void)pthread_mutex_destroy(&w->lock);
	(void)pthread_cond_destroy(&w->moved);
	explicit_bzero(w->data, sizeof(w->data));
	free(w);
}
