/*
 * The dial pool.
 *
 * RULES    1. A thread of the pool is the only one to touch a session until
 *             it has put the dial on the finished list.
 *          2. libssh's own time-outs do not cover every wait, and bytes that
 *             drip reset them.  The I/O thread therefore shuts the socket of
 *             a dial down at its deadline, which ends every wait on it.
 *          3. What is shut down is a second descriptor of the socket, which
 *             only this file closes: libssh closes its own when it likes, and
 *             the number may by then be somebody else's.
 *          4. The host key must be the newest that we know of for the member
 *             dialled, or one newer still that comes with its certificate:
 *             no other key, no first use.
 */
#include "net/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "crypto/late_ssh.h"
#include "crypto/secret.h"
#include "net/transport.h"

#define DIAL_THREADS 4
#define CONNECT_MS 3000
#define DIAL_US UINT64_C(10000000)
#define HANDSHAKE_S 8U

struct dial_pool {
	pthread_mutex_t lock;
	pthread_cond_t asked;
	struct dial *waiting;
	struct dial *running[DIAL_THREADS];
	struct dial *finished;
	bool is_closing;
	int wake_fd;
	uint8_t node_key[PUBLIC_KEY_BYTES];
	ssh_key key;
	struct link_certificate ours;
	struct transport_rekey rekey;
	pthread_t threads[DIAL_THREADS];
	unsigned thread_count;
};

/*
 * Publish a second descriptor of the socket, which stays open whatever
 * libssh does with the first.  False when the pool is closing.
 */
static bool
dial_publish(struct dial_pool *pool, struct dial *dial, int fd)
{
	bool is_open;

	(void)pthread_mutex_lock(&pool->lock);
	is_open = !pool->is_closing;
	if (is_open)
		dial->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	(void)pthread_mutex_unlock(&pool->lock);
	return is_open;
}

static void
dial_withdraw(struct dial_pool *pool, struct dial *dial)
{
	(void)pthread_mutex_lock(&pool->lock);
	if (dial->fd != -1)
		(void)close(dial->fd);
	dial->fd = -1;
	(void)pthread_mutex_unlock(&pool->lock);
}

/* Wait until a started connect(2) ends; 0 or an errno. */
static int
connect_wait(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int code = 0, rc;

	do
		rc = poll(&p, 1, CONNECT_MS);
	while (rc == -1 && errno == EINTR);
	if (rc == 0)
		return ETIMEDOUT;
	if (rc == -1 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) != 0)
		return errno;
	return code;
}

static enum ag_status
dial_connect(struct dial_pool *pool, struct dial *dial, int *out)
{
	const struct address *to = &dial->address;
	int fd, code = 0;

	*out = -1;
	fd = socket(to->storage.ss_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return ag_fail_sys(&dial->err, "open socket");
	if (!dial_publish(pool, dial, fd)) {
		(void)close(fd);
		return ag_fail(&dial->err, AG_EAGAIN, "node is stopping");
	}
	if (connect(fd, (const struct sockaddr *)&to->storage, to->len) != 0)
		code = errno == EINPROGRESS ? connect_wait(fd) : errno;
	if (code != 0) {
		dial_withdraw(pool, dial);
		(void)close(fd);
		errno = code;
		(void)ag_fail_sys(&dial->err, "connect to %s",
		    dial->target->address);
		return dial->err.status = AG_EUNREACH;
	}
	*out = fd;
	return AG_OK;
}

/* The host key that was shown: is it known, or known by its certificate? */
static bool
dial_accepts(struct dial *dial, ssh_key key)
{
	const struct link_holder holder =
	    link_certificate_holder(dial->roster, dial->member);
	struct link_certificate *theirs = &dial->theirs;

	(void)transport_banner_parse(dial->session, theirs);
	if (!transport_key_public(theirs->link_key, key))
		return false;
	if (memcmp(theirs->link_key, dial->known.link_key, PUBLIC_KEY_BYTES) ==
	    0) {
		*theirs = dial->known;
		return true;
	}
	return theirs->serial > dial->known.serial &&
	    link_certificate_is_valid(theirs, &holder);
}

static enum ag_status
dial_check_host(struct dial *dial)
{
	ssh_key key = NULL;
	bool is_pinned;

	if (ssh_get_server_publickey(dial->session, &key) != SSH_OK)
		return ag_fail(&dial->err, AG_EDENIED,
		    "%s at %s showed no host key", dial->target->name,
		    dial->target->address);
	is_pinned = dial_accepts(dial, key);
	ssh_key_free(key);
	if (!is_pinned)
		return ag_fail(&dial->err, AG_EDENIED,
		    "host key at %s is not the one %s has for %s",
		    dial->target->address,
		    dial->known.serial == 0 ? "the roster" : "its certificate",
		    dial->target->name);
	return AG_OK;
}

static enum ag_status
dial_authenticate(struct dial *dial, const uint8_t *node_key)
{
	char user[TRANSPORT_USER_BYTES];
	int rc = SSH_AUTH_ERROR;

	transport_user(user, node_key, &dial->ours);
	if (dial->key != NULL)
		rc = ssh_userauth_publickey(dial->session, user, dial->key);
	if (rc == SSH_AUTH_SUCCESS)
		return AG_OK;
	if (rc == SSH_AUTH_DENIED || rc == SSH_AUTH_PARTIAL)
		return ag_fail(&dial->err, AG_EDENIED,
		    "%s at %s does not accept our link key; compare rosters, "
		    "or replace the key if this directory is an old copy",
		    dial->target->name, dial->target->address);
	return ag_fail(&dial->err, AG_EUNREACH, "authenticate to %s at %s: %s",
	    dial->target->name, dial->target->address,
	    ssh_get_error(dial->session));
}

static enum ag_status
dial_open_channel(struct dial *dial)
{
	dial->channel = ssh_channel_new(dial->session);
	if (dial->channel != NULL &&
	    ssh_channel_open_session(dial->channel) == SSH_OK &&
	    ssh_channel_request_subsystem(dial->channel,
		transport_subsystem(dial->kind)) == SSH_OK)
		return AG_OK;
	return ag_fail(&dial->err, AG_EUNREACH, "open %s on %s at %s: %s",
	    transport_subsystem(dial->kind), dial->target->name,
	    dial->target->address, ssh_get_error(dial->session));
}

static enum ag_status
dial_run(struct dial_pool *pool, struct dial *dial)
{
	enum ag_status status;
	int fd;

	status = address_resolve(&dial->address, dial->target->address, false,
	    &dial->err);
	if (status != AG_OK)
		return status;
	status = dial_connect(pool, dial, &fd);
	if (status != AG_OK)
		return status;
	status = transport_client_open(&dial->session, fd, HANDSHAKE_S,
	    &pool->rekey, &dial->err);
	if (status != AG_OK) {
		dial_withdraw(pool, dial);
		(void)close(fd);
		return status;
	}
	status = transport_client_connect(dial->session, &dial->err);
	if (status != AG_OK)
		ag_error_prefix(&dial->err, "SSH with %s at %s",
		    dial->target->name, dial->target->address);
	if (status == AG_OK)
		status = dial_check_host(dial);
	if (status == AG_OK)
		status = dial_authenticate(dial, pool->node_key);
	if (status == AG_OK)
		status = dial_open_channel(dial);
	dial_withdraw(pool, dial);
	if (status != AG_OK)
		return status;
	ssh_set_blocking(dial->session, 0);
	transport_tune(fd, dial->kind);
	return AG_OK;
}

static void
dial_drop_session(struct dial *dial)
{
	if (dial->session == NULL)
		return;
	ssh_disconnect(dial->session);
	ssh_free(dial->session);
	dial->session = NULL;
	dial->channel = NULL;
}

/* The next dial to run, in thread slot; NULL when the pool closes. */
static struct dial *
dial_take(struct dial_pool *pool, unsigned slot)
{
	struct dial *dial;

	(void)pthread_mutex_lock(&pool->lock);
	while (pool->waiting == NULL && !pool->is_closing)
		(void)pthread_cond_wait(&pool->asked, &pool->lock);
	dial = pool->is_closing ? NULL : pool->waiting;
	if (dial != NULL) {
		pool->waiting = dial->next;
		dial->next = NULL;
		dial->deadline_us = clock_mono_us() + DIAL_US;
		dial->key = ssh_key_dup(pool->key);
		dial->ours = pool->ours;
		pool->running[slot] = dial;
	}
	(void)pthread_mutex_unlock(&pool->lock);
	return dial;
}

static void
dial_give_back(struct dial_pool *pool, unsigned slot, struct dial *dial)
{
	const uint64_t one = 1;

	(void)pthread_mutex_lock(&pool->lock);
	pool->running[slot] = NULL;
	dial->next = pool->finished;
	pool->finished = dial;
	(void)pthread_mutex_unlock(&pool->lock);
	/* A full eventfd is already readable: nothing is lost. */
	if (write(pool->wake_fd, &one, sizeof(one)) < 0)
		return;
}

struct dial_thread {
	struct dial_pool *pool;
	unsigned slot;
};

static void *
dial_main(void *arg)
{
	struct dial_thread self = *(struct dial_thread *)arg;
	struct dial *dial;

	free(arg);
	while ((dial = dial_take(self.pool, self.slot)) != NULL) {
		dial->status = dial_run(self.pool, dial);
		if (dial->status != AG_OK)
			dial_drop_session(dial);
		dial_give_back(self.pool, self.slot, dial);
	}
	return NULL;
}

static enum ag_status
pool_spawn(struct dial_pool *pool, struct ag_error *err)
{
	struct dial_thread *thread = malloc(sizeof(*thread));
	int code;

	if (thread == NULL)
		return ag_fail(err, AG_ENOMEM, "start dial pool: no memory");
	thread->pool = pool;
	thread->slot = pool->thread_count;
	code = pthread_create(&pool->threads[thread->slot], NULL, dial_main,
	    thread);
	if (code != 0) {
		free(thread);
		errno = code;
		return ag_fail_sys(err, "start dial thread");
	}
	pool->thread_count++;
	return AG_OK;
}

enum ag_status
dial_pool_open(struct dial_pool **out, const struct dial_self *self,
    int wake_fd, struct ag_error *err)
{
	struct dial_pool *pool = calloc(1, sizeof(*pool));
	enum ag_status status;
	unsigned i;

	*out = NULL;
	if (pool == NULL)
		return ag_fail(err, AG_ENOMEM, "start dial pool: no memory");
	pool->wake_fd = wake_fd;
	pool->ours = *self->certificate;
	pool->rekey = *self->rekey;
	memcpy(pool->node_key, self->node_key, sizeof(pool->node_key));
	(void)pthread_mutex_init(&pool->lock, NULL);
	(void)pthread_cond_init(&pool->asked, NULL);
	status = transport_key_import(&pool->key, self->link_key, err);
	for (i = 0; status == AG_OK && i < DIAL_THREADS; i++)
		status = pool_spawn(pool, err);
	if (status != AG_OK) {
		dial_pool_close(pool);
		return status;
	}
	*out = pool;
	return AG_OK;
}

void
dial_pool_change_key(struct dial_pool *pool, ssh_key key,
    const struct link_certificate *certificate)
{
	ssh_key old;

	(void)pthread_mutex_lock(&pool->lock);
	old = pool->key;
	pool->key = key;
	pool->ours = *certificate;
	(void)pthread_mutex_unlock(&pool->lock);
	ssh_key_free(old);
}

static void
dial_list_free(struct dial *dial)
{
	struct dial *next;

	for (; dial != NULL; dial = next) {
		next = dial->next;
		dial_free(dial);
	}
}

void
dial_pool_close(struct dial_pool *pool)
{
	unsigned i;

	if (pool == NULL)
		return;
	(void)pthread_mutex_lock(&pool->lock);
	pool->is_closing = true;
	for (i = 0; i < DIAL_THREADS; i++)
		if (pool->running[i] != NULL && pool->running[i]->fd != -1)
			(void)shutdown(pool->running[i]->fd, SHUT_RDWR);
	(void)pthread_cond_broadcast(&pool->asked);
	(void)pthread_mutex_unlock(&pool->lock);
	for (i = 0; i < pool->thread_count; i++)
		(void)pthread_join(pool->threads[i], NULL);
	dial_list_free(pool->waiting);
	dial_list_free(pool->finished);
	if (pool->key != NULL)
		ssh_key_free(pool->key);
	(void)pthread_cond_destroy(&pool->asked);
	(void)pthread_mutex_destroy(&pool->lock);
	free(pool);
}

struct dial *
dial_start(struct dial_pool *pool, uint32_t member, enum link_kind kind,
    const struct roster *roster, const struct link_certificate *known)
{
	struct dial *dial = calloc(1, sizeof(*dial)), **at;

	if (dial == NULL)
		return NULL;
	dial->member = member;
	dial->kind = kind;
	dial->roster = roster;
	dial->target = &roster->members[member];
	dial->known = *known;
	dial->fd = -1;
	(void)pthread_mutex_lock(&pool->lock);
	for (at = &pool->waiting; *at != NULL; at = &(*at)->next)
		continue;
	*at = dial;
	(void)pthread_cond_signal(&pool->asked);
	(void)pthread_mutex_unlock(&pool->lock);
	return dial;
}

struct dial *
dial_finished(struct dial_pool *pool)
{
	struct dial *dial;

	(void)pthread_mutex_lock(&pool->lock);
	dial = pool->finished;
	if (dial != NULL)
		pool->finished = dial->next;
	(void)pthread_mutex_unlock(&pool->lock);
	return dial;
}

void
dial_free(struct dial *dial)
{
	dial_drop_session(dial);
	if (dial->key != NULL)
		ssh_key_free(dial->key);
	free(dial);
}

uint64_t
dial_pool_expire(struct dial_pool *pool, uint64_t now_us)
{
	uint64_t next = UINT64_MAX;
	struct dial *dial;
	unsigned i;

	(void)pthread_mutex_lock(&pool->lock);
	for (i = 0; i < DIAL_THREADS; i++) {
		dial = pool->running[i];
		if (dial == NULL || dial->fd == -1)
			continue;
		if (dial->deadline_us <= now_us) {
			(void)shutdown(dial->fd, SHUT_RDWR);
			dial->deadline_us = UINT64_MAX;
		}
		if (dial->deadline_us < next)
			next = dial->deadline_us;
	}
	(void)pthread_mutex_unlock(&pool->lock);
	return next;
}
