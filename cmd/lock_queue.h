/*
 * Waiting for a lock: by a thread and a client of its own.
 *
 * Who wants the lock puts a key below lock/NAME/, attached to its lease.  Of
 * those keys the one that was created first has the lock, and among keys of
 * one batch the one with the least name; who waits watches the one before its
 * own alone.  Who comes first then puts its key once more: the sequence
 * number of that is greater than that of anybody who had the lock before.
 *
 * Ownership  lock_queue_start() hands out, lock_queue_stop() takes back; what
 *            the configuration points to is borrowed until then.
 * Threads    the caller's; the queue has its own.
 */
#ifndef AEGIS_CMD_LOCK_QUEUE_H
#define AEGIS_CMD_LOCK_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "codec/operation.h"

#define LOCK_PREFIX "lock/"

/* Behind the lock's name in a key: a slash, and its lease in digits. */
#define LOCK_DIGITS 16
#define LOCK_NAME_BYTES_MAX \
	(KEY_BYTES_MAX - (sizeof(LOCK_PREFIX) - 1) - 1 - LOCK_DIGITS)

struct lock_queue;

struct lock_queue_config {
	const char *socket_path; /* the node's */
	const char *name;        /* 1 to LOCK_NAME_BYTES_MAX bytes */
	uint64_t lease;
	uint32_t timeout_ms; /* of each question */
};

enum ag_status lock_queue_start(struct lock_queue **out,
    const struct lock_queue_config *config, struct ag_error *err) AG_MUST_USE;
void lock_queue_stop(struct lock_queue *queue);

/* Can be read from when waiting is over: poll it. */
int lock_queue_fd(const struct lock_queue *queue);

/*
 * Wait no more for others.  True: it waits for one now, and that will not be
 * over; false: it does not know of any, and ends by itself.
 */
bool lock_queue_give_up(struct lock_queue *queue);

/*
 * How it ended, once the descriptor can be read from.
 * AG_OK        the lock is had, as of *revision
 * AG_ENOENT    the lease is lost, and the place with it
 * AG_ETIMEOUT  it was not to be waited for
 */
enum ag_status lock_queue_result(struct lock_queue *queue, uint64_t *revision,
    struct ag_error *err) AG_MUST_USE;

/* The key that stands for who has the lock. */
const char *lock_queue_key(const struct lock_queue *queue);

#endif
