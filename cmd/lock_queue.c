/*
 * Waiting for a lock.
 *
 * STATES   join   our key is put, if it is not there
 *          look   which key is before ours
 *          watch  until that one is gone; then look again, for it may have
 *                 been another that waited
 *          take   nobody is before us: our key is put once more
 *
 * RULES    1. What is not answered, or by no quorum, is asked again, for as
 *             long as the owner lets us: the owner knows how long the lease
 *             lives.  Each step can be done twice.
 *          2. A watch begins behind the sequence that was looked at, so that
 *             nothing is missed between.
 */
#include "cmd/lock_queue.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cmd/kv_ask.h"

#define RETRY_MS 500
#define PAGE_ENTRIES 1000
#define SCRATCH_BYTES_MAX (64U << 10)
#define VALUE_BYTES 128

struct place {
	uint64_t created; /* 0: none */
	char key[KEY_BYTES_MAX + 1];
};

struct lock_queue {
	struct lock_queue_config config;
	struct kv_ask ask;
	int fd, stop_fd;
	pthread_t thread;
	bool is_running;
	size_t prefix_len; /* of key, with the slash behind the name */
	struct place own, before;
	char value[VALUE_BYTES]; /* who we are */
	uint64_t seq;            /* that was looked at */
	atomic_bool is_behind;   /* somebody, whom it watches */
	atomic_bool may_not_wait;
	enum ag_status status;
	uint64_t revision;
};

/* --- asking --- */

static struct client_request
request_of(const struct lock_queue *q, const char *method,
    const struct target *target)
{
	return (struct client_request){
		.method = method,
		.target = target,
		.timeout_ms = q->config.timeout_ms,
	};
}

/* Put our key, if it has this version.  *seq is of the put. */
static enum ag_status
put_own(struct lock_queue *q, uint64_t version, uint64_t *seq)
{
	struct client_request request;
	struct target target;
	enum ag_status status;
	json_t *root;

	target_init(&target, "/v1/kv");
	target_add_bytes(&target, "key", bytes_from_text(q->own.key));
	target_add_number(&target, "if_version", version);
	target_add_number(&target, "lease", q->config.lease);
	request = request_of(q, "PUT", &target);
	request.body = bytes_from_text(q->value);
	request.has_body = true;
	status =
	    client_call(q->ask.client, &request, &q->ask.answer, &q->ask.err);
	if (status != AG_OK)
		return status;
	root = kv_ask_json(&q->ask);
	*seq = kv_ask_u64(root, "seq");
	json_decref(root);
	return root == NULL ? AG_EPROTO : AG_OK;
}

static enum ag_status
lost(struct lock_queue *q)
{
	return ag_fail(&q->ask.err, AG_ENOENT,
	    "the key that stands for us in the queue is gone");
}

static enum ag_status
join(struct lock_queue *q)
{
	uint64_t seq;
	enum ag_status status = put_own(q, 0, &seq);

	/* Only we put it: an answer to an earlier attempt was lost. */
	return status == AG_ECONFLICT ? AG_OK : status;
}

/* What a put that was not answered has come to, if it is ours. */
static enum ag_status
find_taken(struct lock_queue *q)
{
	struct client_request request;
	struct target target;
	enum ag_status status;
	json_t *root;

	target_init(&target, "/v1/kv");
	target_add_bytes(&target, "key", bytes_from_text(q->own.key));
	request = request_of(q, NULL, &target);
	status =
	    client_call(q->ask.client, &request, &q->ask.answer, &q->ask.err);
	if (status != AG_OK)
		return status;
	root = kv_ask_json(&q->ask);
	q->revision = kv_ask_u64(root, "modified");
	if (root != NULL && kv_ask_u64(root, "version") != 2)
		status = lost(q);
	json_decref(root);
	return root == NULL ? AG_EPROTO : status;
}

static enum ag_status
take(struct lock_queue *q)
{
	enum ag_status status = put_own(q, 1, &q->revision);

	return status == AG_ECONFLICT ? find_taken(q) : status;
}

/* --- looking --- */

/* Is it a place in this queue, and not in that of a name below ours? */
static bool
is_place(const struct lock_queue *q, struct bytes key)
{
	size_t i;

	if (key.len != q->prefix_len + LOCK_DIGITS)
		return false;
	for (i = q->prefix_len; i < key.len; i++)
		if (strchr("0123456789abcdef", key.data[i]) == NULL ||
		    key.data[i] == '\0')
			return false;
	return true;
}

static bool
is_earlier(uint64_t created, struct bytes key, const struct place *than)
{
	if (created != than->created)
		return created < than->created;
	return bytes_compare(key, bytes_from_text(than->key)) < 0;
}

/* Take a key of the queue into account, once our own is known. */
static void
consider(struct lock_queue *q, uint64_t created, struct bytes key)
{
	struct place *before = &q->before;

	if (!is_earlier(created, key, &q->own) ||
	    (before->created != 0 && is_earlier(created, key, before)))
		return;
	before->created = created;
	memcpy(before->key, key.data, key.len);
	before->key[key.len] = '\0';
}

static enum ag_status
read_page(struct lock_queue *q, const json_t *root, bool looks_for_own)
{
	const json_t *entries = json_object_get(root, "entries");
	enum ag_status status = AG_OK;
	struct buf scratch;
	struct bytes key;
	size_t i;

	buf_init(&scratch, SCRATCH_BYTES_MAX);
	for (i = 0; status == AG_OK && i < json_array_size(entries); i++) {
		const json_t *entry = json_array_get(entries, i);
		const uint64_t created = kv_ask_u64(entry, "created");

		status = kv_ask_data(json_object_get(entry, "key"), &scratch,
		    &key, &q->ask.err);
		if (status != AG_OK || !is_place(q, key))
			continue;
		if (!looks_for_own)
			consider(q, created, key);
		else if (bytes_equal(key, bytes_from_text(q->own.key)))
			q->own.created = created;
	}
	buf_fini(&scratch);
	return status;
}

/* Read all keys of the queue, of which *cursor says where to go on. */
static enum ag_status
fetch_page(struct lock_queue *q, char *cursor, size_t cap, bool looks_for_own)
{
	struct client_request request;
	struct target target;
	enum ag_status status;
	const char *next;
	json_t *root;

	target_init(&target, "/v1/kv");
	target_add_bytes(&target, "prefix",
	    bytes_of(q->own.key, q->prefix_len));
	target_add_number(&target, "limit", PAGE_ENTRIES);
	target_add_number(&target, "keys_only", 1);
	if (cursor[0] != '\0')
		target_add_text(&target, "cursor", cursor);
	request = request_of(q, NULL, &target);
	status =
	    client_call(q->ask.client, &request, &q->ask.answer, &q->ask.err);
	if (status != AG_OK)
		return status;
	root = kv_ask_json(&q->ask);
	if (root == NULL)
		return AG_EPROTO;
	if (q->seq == 0)
		q->seq = kv_ask_u64(root, "seq");
	status = read_page(q, root, looks_for_own);
	next = json_string_value(json_object_get(root, "cursor"));
	(void)snprintf(cursor, cap, "%s", next != NULL ? next : "");
	json_decref(root);
	return status;
}

static enum ag_status
fetch_all(struct lock_queue *q, bool looks_for_own)
{
	char cursor[2 * KEY_BYTES_MAX] = "";
	enum ag_status status;

	/* The watch begins behind the first page: pages differ in age. */
	q->seq = 0;
	do {
		status = fetch_page(q, cursor, sizeof(cursor), looks_for_own);
	} while (status == AG_OK && cursor[0] != '\0');
	return status;
}

/* Nobody comes before us who is not there once our key is. */
static enum ag_status
look(struct lock_queue *q)
{
	enum ag_status status = AG_OK;

	if (q->own.created == 0)
		status = fetch_all(q, true);
	if (status == AG_OK && q->own.created == 0)
		return lost(q);
	q->before.created = 0;
	return status == AG_OK ? fetch_all(q, false) : status;
}

/* --- watching --- */

/* False when the key is gone, or changes were lost: then we look again. */
static bool
on_event(void *arg, const struct sse_event *event)
{
	const struct lock_queue *q = arg;
	struct bytes key = bytes_of(NULL, 0);
	struct buf scratch;
	bool is_gone;
	json_t *data;

	if (strcmp(event->name, "delete") != 0 &&
	    strcmp(event->name, "cut") != 0)
		return true;
	data = json_loadb((const char *)event->data.data, event->data.len,
	    JSON_ALLOW_NUL, NULL);
	buf_init(&scratch, SCRATCH_BYTES_MAX);
	is_gone = strcmp(event->name, "cut") == 0 ||
	    (kv_ask_data(json_object_get(data, "key"), &scratch, &key, NULL) ==
		    AG_OK &&
		bytes_equal(key, bytes_from_text(q->before.key)));
	buf_fini(&scratch);
	json_decref(data);
	return !is_gone;
}

static enum ag_status
watch_before(struct lock_queue *q)
{
	struct target target;
	const struct client_watch watch = {
		.target = &target,
		.event = on_event,
		.arg = q,
	};

	target_init(&target, "/v1/watch");
	target_add_bytes(&target, "prefix", bytes_from_text(q->before.key));
	target_add_number(&target, "from", q->seq + 1);
	return client_watch(q->ask.client, &watch, &q->ask.err);
}

/* --- the thread --- */

static bool
waits_for_stop(const struct lock_queue *q, int ms)
{
	struct pollfd stop = { .fd = q->stop_fd, .events = POLLIN };

	return poll(&stop, 1, ms) > 0;
}

static bool
is_passing(enum ag_status status)
{
	return status == AG_EUNREACH || status == AG_ETIMEOUT ||
	    status == AG_EBUSY || status == AG_ENOQUORUM ||
	    status == AG_EUNKNOWN;
}

/* Do a step until it is done, refused, or not wanted any more. */
static enum ag_status
insist(struct lock_queue *q, enum ag_status (*step)(struct lock_queue *q))
{
	enum ag_status status = step(q);

	while (is_passing(status)) {
		if (waits_for_stop(q, RETRY_MS))
			return AG_EAGAIN;
		status = step(q);
	}
	return status;
}

/* Whoever gives up sees that we wait, or we see that we are not to. */
static enum ag_status
watch_if_wanted(struct lock_queue *q)
{
	enum ag_status status = AG_ETIMEOUT;

	atomic_store(&q->is_behind, true);
	if (!atomic_load(&q->may_not_wait))
		status = watch_before(q);
	atomic_store(&q->is_behind, false);
	return status;
}

static enum ag_status
wait_in_line(struct lock_queue *q)
{
	enum ag_status status = insist(q, look);

	while (status == AG_OK && q->before.created != 0) {
		status = watch_if_wanted(q);
		if (atomic_load(&q->may_not_wait))
			return AG_ETIMEOUT;
		/* What happened meanwhile is no longer known. */
		if (status == AG_ENOENT || is_passing(status))
			status = waits_for_stop(q, 0) ? AG_EAGAIN : AG_OK;
		if (status == AG_OK)
			status = insist(q, look);
	}
	return status;
}

static void *
queue_main(void *arg)
{
	struct lock_queue *q = arg;

	q->status = insist(q, join);
	if (q->status == AG_OK)
		q->status = wait_in_line(q);
	if (q->status == AG_OK)
		q->status = insist(q, take);
	(void)eventfd_write(q->fd, 1);
	return NULL;
}

/* --- the owner's --- */

static void
name_places(struct lock_queue *q)
{
	char host[64];

	(void)snprintf(q->own.key, sizeof(q->own.key), "%s%s/", LOCK_PREFIX,
	    q->config.name);
	q->prefix_len = strlen(q->own.key);
	(void)snprintf(q->own.key + q->prefix_len,
	    sizeof(q->own.key) - q->prefix_len, "%016" PRIx64, q->config.lease);
	if (gethostname(host, sizeof(host)) != 0)
		host[0] = '\0';
	host[sizeof(host) - 1] = '\0';
	(void)snprintf(q->value, sizeof(q->value), "%s:%ld", host,
	    (long)getpid());
}

/* Signals are the owner's. */
static enum ag_status
start_thread(struct lock_queue *q, struct ag_error *err)
{
	sigset_t all, before;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	q->is_running = pthread_create(&q->thread, NULL, queue_main, q) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return q->is_running
	    ? AG_OK
	    : ag_fail(err, AG_ESYS, "start a thread that waits for the lock");
}

enum ag_status
lock_queue_start(struct lock_queue **out,
    const struct lock_queue_config *config, struct ag_error *err)
{
	struct lock_queue *q = calloc(1, sizeof(*q));
	enum ag_status status;

	*out = NULL;
	if (q == NULL)
		return ag_fail(err, AG_ENOMEM,
		    "wait for a lock: out of memory");
	AG_ASSERT(strlen(config->name) <= LOCK_NAME_BYTES_MAX);
	q->config = *config;
	name_places(q);
	client_answer_init(&q->ask.answer);
	q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	status = q->fd == -1 || q->stop_fd == -1
	    ? ag_fail_sys(err, "make an event descriptor")
	    : client_new(&q->ask.client, config->socket_path, err);
	if (status == AG_OK)
		status = start_thread(q, err);
	if (status != AG_OK) {
		lock_queue_stop(q);
		return status;
	}
	*out = q;
	return AG_OK;
}

void
lock_queue_stop(struct lock_queue *q)
{
	if (q == NULL)
		return;
	if (q->is_running) {
		(void)eventfd_write(q->stop_fd, 1);
		client_interrupt(q->ask.client);
		(void)pthread_join(q->thread, NULL);
	}
	client_answer_fini(&q->ask.answer);
	client_free(q->ask.client);
	if (q->fd != -1)
		(void)close(q->fd);
	if (q->stop_fd != -1)
		(void)close(q->stop_fd);
	free(q);
}

int
lock_queue_fd(const struct lock_queue *q)
{
	return q->fd;
}

bool
lock_queue_give_up(struct lock_queue *q)
{
	atomic_store(&q->may_not_wait, true);
	return atomic_load(&q->is_behind);
}

enum ag_status
lock_queue_result(struct lock_queue *q, uint64_t *revision,
    struct ag_error *err)
{
	(void)pthread_join(q->thread, NULL);
	q->is_running = false;
	*revision = q->revision;
	*err = q->ask.err;
	return q->status;
}

const char *
lock_queue_key(const struct lock_queue *q)
{
	return q->own.key;
}
