/*
 * Accepting connections.
 *
 * The socket is ours, not libssh's: what is refused never becomes a session.
 *
 * RULES    1. Every connection is judged by limits.c before any byte of it
 *             is read.
 *          2. Refusals are counted always and logged at a bounded rate.
 *          3. A connection that can not be taken stays in the backlog, where
 *             poll() would tell of it for ever: it is not asked for a while.
 */
#include "net/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sodium.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/late_ssh.h"
#include "net/transport.h"

#define BACKLOG 128
#define REST_US 100000

static enum ag_status
server_listen(struct server *server, const char *listen_on,
    struct ag_error *err)
{
	struct address address = { .len = 0 };
	const int yes = 1;
	enum ag_status status;

	status = address_resolve(&address, listen_on, true, err);
	if (status != AG_OK)
		return status;
	server->fd = socket(address.storage.ss_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->fd == -1)
		return ag_fail_sys(err, "listen on %s", listen_on);
	(void)setsockopt(server->fd, SOL_SOCKET, SO_REUSEADDR, &yes,
	    sizeof(yes));
	if (bind(server->fd, (const struct sockaddr *)&address.storage,
		address.len) != 0 ||
	    listen(server->fd, BACKLOG) != 0)
		return ag_fail_sys(err, "listen on %s", listen_on);
	return AG_OK;
}

enum ag_status
server_open(struct server *server, const char *listen_on,
    const struct secret *link_key, const struct link_certificate *certificate,
    struct metric_set *metrics, struct ag_error *err)
{
	uint64_t now_us = clock_mono_us();
	enum ag_status status;

	*server = (struct server){ .fd = -1 };
	limits_init(&server->limits, now_us);
	bucket_init(&server->log_lines, 1, 8, now_us);
	server->accepted = metric_new(metrics, METRIC_COUNTER,
	    "aegis_net_accepted_connections_total",
	    "Connections that were let in to authenticate", NULL);
	server->refused = metric_new(metrics, METRIC_COUNTER,
	    "aegis_net_rejected_connections_total",
	    "Connections closed at once because of a limit", NULL);
	status = transport_bind_open(&server->bind, link_key, certificate, err);
	if (status == AG_OK)
		status = server_listen(server, listen_on, err);
	if (status != AG_OK)
		server_close(server);
	return status;
}

void
server_change_key(struct server *server, ssh_bind bind)
{
	/* Sessions that it accepted have copies of its key. */
	ssh_bind_free(server->bind);
	server->bind = bind;
}

void
server_close(struct server *server)
{
	if (server->fd != -1)
		(void)close(server->fd);
	server->fd = -1;
	if (server->bind != NULL)
		ssh_bind_free(server->bind);
	server->bind = NULL;
}

static size_t
server_count_members(const struct server_view *view, const struct address *from)
{
	size_t count = 0;
	uint32_t i;

	for (i = 0; i < view->peer_count; i++)
		if (view->peers[i].address.len > 0 &&
		    address_same_host(&view->peers[i].address, from))
			count++;
	return count;
}

/* Sessions that have not proved anything: all, and those from here. */
static void
server_count_waiting(const struct server_view *view, struct limits_asker *asker)
{
	const struct link *link;

	for (link = view->links; link != NULL; link = link->next) {
		if (link->is_dialled || link->phase >= LINK_PROVEN)
			continue;
		asker->waiting++;
		if (address_same_host(&link->from, asker->from))
			asker->waiting_here++;
	}
}

static bool
server_admits(struct server *server, const struct server_view *view,
    const struct address *from, uint64_t now_us)
{
	struct limits_asker asker = {
		.from = from,
		.members = server_count_members(view, from),
		.random = randombytes_random(),
	};

	server_count_waiting(view, &asker);
	return limits_admit(&server->limits, &asker, now_us);
}

static void
server_log_refusal(struct server *server, const struct address *from,
    uint64_t now_us)
{
	char text[ADDRESS_TEXT_BYTES];

	server->refused_unlogged++;
	if (!bucket_take(&server->log_lines, 1, now_us))
		return;
	address_format(text, from);
	log_warn("net", "connection refused by limits", LOG_TEXT("from", text),
	    LOG_U64("count", server->refused_unlogged));
	server->refused_unlogged = 0;
}

bool
server_rests(const struct server *server, uint64_t now_us)
{
	return now_us < server->rest_until_us;
}

/* Why was nothing accepted? */
static void
server_consider_rest(struct server *server, int code, uint64_t now_us)
{
	struct ag_error err;

	if (code != EMFILE && code != ENFILE && code != ENOBUFS &&
	    code != ENOMEM)
		return;
	server->rest_until_us = now_us + REST_US;
	errno = code;
	(void)ag_fail_sys(&err, "accept a connection");
	if (bucket_take(&server->log_lines, 1, now_us))
		log_warn("net", "connections wait",
		    LOG_TEXT("error", err.text));
}

struct link *
server_accept(struct server *server, const struct server_view *view,
    bool *has_more, uint64_t now_us)
{
	struct address from = { .len = sizeof(from.storage) };
	struct link *link = NULL;
	struct ag_error err;
	int fd;

	fd = accept4(server->fd, (struct sockaddr *)&from.storage, &from.len,
	    SOCK_CLOEXEC | SOCK_NONBLOCK);
	*has_more = fd != -1;
	if (fd == -1) {
		server_consider_rest(server, errno, now_us);
		return NULL;
	}
	if (!server_admits(server, view, &from, now_us)) {
		metric_add(server->refused, 1);
		server_log_refusal(server, &from, now_us);
		(void)close(fd);
		return NULL;
	}
	metric_add(server->accepted, 1);
	if (link_accept(&link, view->context, server->bind, fd, &from, now_us,
		&err) != AG_OK &&
	    bucket_take(&server->log_lines, 1, now_us))
		log_warn("net", "connection not accepted",
		    LOG_TEXT("error", err.text));
	return link;
}
