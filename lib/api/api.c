/*
 * The API's server: libmicrohttpd, polled by our loop.
 *
 * libmicrohttpd runs without threads: its epoll descriptor is one more
 * descriptor of the loop, its next timeout one more timer.
 *
 * RULES    1. The error logger is the first option: without it the library
 *             writes to stderr while it starts and when clients vanish.
 *          2. After every run the timeout is asked for again; zero means
 *             there is work left that the descriptor will not announce.
 *             Resuming announces nothing either: it asks for a run itself.
 *          3. Everything suspended is resumed before the daemon is stopped:
 *             it does not close what sleeps.
 *          4. Paths are decoded by us: %00 and %2F stay as they are, so that
 *             no path can pass for another.
 *
 * NOT HERE What is answered (handlers), a request's life (exchange).
 */
#include "api/api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/handlers.h"
#include "api/late_http.h"
#include "api/open_requests.h"
#include "api/server.h"
#include "api/snapshot.h"
#include "api/watch.h"
#include "base/log.h"
#include "monitor/log_sink.h"

#define CONNECTIONS_DEFAULT 4096
#define TIMEOUT_MS_DEFAULT 5000
#define IDLE_S_DEFAULT 75
#define PING_MS 15000

/* Headers and what is read at once: a key of 1 KiB in a query, and more. */
#define CONNECTION_BYTES (16U << 10)

static const char live_body[] = "{\"v\":1,\"live\":true}";

static void on_library_log(void *cls, const char *fmt, va_list ap)
    AG_PRINTF(2, 0);

static void
on_library_log(void *cls, const char *fmt, va_list ap)
{
	char text[256];

	(void)cls;
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\r\n")] = '\0';
	log_debug("api", "http", LOG_TEXT("text", text));
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decode in place; returns the new length. */
static size_t
on_unescape(void *cls, struct MHD_Connection *connection, char *text)
{
	const char *from = text;
	char *to = text;
	int high, low, byte;

	(void)cls;
	(void)connection;
	while (*from != '\0') {
		high = *from == '%' ? hex_digit(from[1]) : -1;
		low = high >= 0 ? hex_digit(from[2]) : -1;
		byte = low >= 0 ? high * 16 + low : 0;
		if (byte == 0 || byte == '/') {
			*to++ = *from++;
			continue;
		}
		*to++ = (char)byte;
		from += 3;
	}
	*to = '\0';
	return (size_t)(to - text);
}

/* The socket's context is non-NULL for those who may speak to us. */
static void
on_connection(void *cls, struct MHD_Connection *connection, void **context,
    enum MHD_ConnectionNotificationCode code)
{
	struct api *api = cls;
	const union MHD_ConnectionInfo *info;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		metric_add(api->connections, -1);
		return;
	}
	metric_add(api->connections, 1);
	info = MHD_get_connection_info(connection,
	    MHD_CONNECTION_INFO_CONNECTION_FD);
	*context = NULL;
	if (info != NULL &&
	    listener_admits(info->connect_fd, api->config.has_group,
		api->config.group))
		*context = api;
	else
		log_warn("api", "refused a user without the right to connect");
}

static void
run(struct api *api)
{
	MHD_UNSIGNED_LONG_LONG timeout = 0;

	api->wants_run = false;
	(void)MHD_run(api->daemon);
	if (api->wants_run || MHD_get_timeout(api->daemon, &timeout) == MHD_YES)
		loop_timer_set(api->timeout, timeout);
	else
		loop_timer_cancel(api->timeout);
}

void
api_resume(struct api *api, struct MHD_Connection *connection)
{
	MHD_resume_connection(connection);
	if (api->wants_run || api->timeout == NULL)
		return;
	api->wants_run = true;
	loop_timer_set(api->timeout, 0);
}

static void
on_poll(void *arg, bool readable, bool writable)
{
	(void)readable;
	(void)writable;
	run(arg);
}

static void
on_timeout(void *arg)
{
	run(arg);
}

static void
on_ping(void *arg)
{
	struct api *api = arg;

	watch_ping_all(api);
	cluster_judge_alerts(api);
	if (api->config.log != NULL)
		log_sink_flush(api->config.log);
	loop_timer_set(api->ping, PING_MS);
}

static enum ag_status
register_metrics(struct api *api)
{
	struct metric_set *set = node_metrics(api->node);
	char labels[96];
	size_t i;

	api->route_seconds = calloc(route_count, sizeof(struct metric *));
	if (api->route_seconds == NULL)
		return AG_ENOMEM;
	for (i = 0; i < route_count; i++) {
		(void)snprintf(labels, sizeof(labels),
		    "method=\"%s\",route=\"%s\"", route_table[i].method,
		    route_table[i].path);
		api->route_seconds[i] = metric_new(set, METRIC_HISTOGRAM,
		    "aegis_api_answer_seconds",
		    "From a request's headers to its answer", labels);
	}
	for (i = 0; i < 6; i++) {
		(void)snprintf(labels, sizeof(labels), "class=\"%zuxx\"", i);
		api->answers[i] = metric_new(i > 1 ? set : NULL, METRIC_COUNTER,
		    "aegis_api_answers_total", "Answers by class of status",
		    labels);
	}
	api->connections = metric_new(set, METRIC_GAUGE,
	    "aegis_api_connections", "Connections open", NULL);
	api->watching = metric_new(set, METRIC_GAUGE, "aegis_api_watchers",
	    "Watches open", NULL);
	api->cut = metric_new(set, METRIC_COUNTER,
	    "aegis_api_watchers_cut_total", "Watches ended by the node", NULL);
	return AG_OK;
}

static enum ag_status
start_daemon(struct api *api, struct ag_error *err)
{
	const struct api_config *c = &api->config;

	api->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG |
		MHD_ALLOW_SUSPEND_RESUME | MHD_USE_SUPPRESS_DATE_NO_CLOCK,
	    0, NULL, NULL, exchange_handle, api, MHD_OPTION_EXTERNAL_LOGGER,
	    on_library_log, NULL, MHD_OPTION_LISTEN_SOCKET, api->listener.fd,
	    MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned int)(c->connections_max > 0 ? c->connections_max
						  : CONNECTIONS_DEFAULT),
	    MHD_OPTION_CONNECTION_TIMEOUT,
	    (unsigned int)(c->idle_s > 0 ? c->idle_s : IDLE_S_DEFAULT),
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK,
	    on_unescape, NULL, MHD_OPTION_NOTIFY_COMPLETED, exchange_completed,
	    api, MHD_OPTION_NOTIFY_CONNECTION, on_connection, api,
	    MHD_OPTION_END);
	if (api->daemon == NULL)
		return ag_fail_sys(err, "start HTTP server on %s",
		    api->listener.path);
	return AG_OK;
}

static enum ag_status
join_loop(struct api *api, struct ag_error *err)
{
	const union MHD_DaemonInfo *info;
	enum ag_status status;

	info = MHD_get_daemon_info(api->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL)
		return ag_fail(err, AG_EINTERNAL,
		    "start HTTP server: it has no epoll descriptor");
	status = loop_timer_new(&api->timeout, api->loop, on_timeout, api);
	if (status == AG_OK)
		status = loop_timer_new(&api->ping, api->loop, on_ping, api);
	if (status != AG_OK)
		return ag_fail(err, status, "start HTTP server: out of memory");
	status = loop_fd_new(&api->poll, api->loop, info->listen_fd, on_poll,
	    api, err);
	if (status != AG_OK)
		return status;
	loop_fd_want(api->poll, true, false);
	loop_timer_set(api->ping, PING_MS);
	return AG_OK;
}

static enum ag_status
prepare(struct api *api, struct ag_error *err)
{
	char *body = NULL;

	buf_init(&api->out, API_ANSWER_MAX);
	buf_init(&api->encoded, OPERATION_BYTES_MAX);
	if (register_metrics(api) != AG_OK)
		return ag_fail(err, AG_ENOMEM, "start API: out of memory");
	body = strdup(live_body);
	if (body == NULL)
		return ag_fail(err, AG_ENOMEM, "start API: out of memory");
	api->live = MHD_create_response_from_buffer(sizeof(live_body) - 1, body,
	    MHD_RESPMEM_MUST_FREE);
	if (api->live == NULL) {
		free(body);
		return ag_fail(err, AG_ENOMEM, "start API: out of memory");
	}
	(void)MHD_add_response_header(api->live, MHD_HTTP_HEADER_CONTENT_TYPE,
	    "application/json");
	return AG_OK;
}

enum ag_status
api_start(struct api **out, struct loop *loop, struct node *node,
    const struct api_config *config, struct ag_error *err)
{
	enum ag_status status;
	struct api *api;

	*out = NULL;
	api = calloc(1, sizeof(*api));
	if (api == NULL)
		return ag_fail(err, AG_ENOMEM, "start API: out of memory");
	api->loop = loop;
	api->node = node;
	api->config = *config;
	api->listener.fd = -1;
	if (api->config.timeout_ms == 0)
		api->config.timeout_ms = TIMEOUT_MS_DEFAULT;
	status = late_http_load(err);
	if (status == AG_OK)
		status = prepare(api, err);
	if (status == AG_OK)
		status = listener_open(&api->listener, config, err);
	if (status == AG_OK)
		status = start_daemon(api, err);
	if (status == AG_OK)
		status = join_loop(api, err);
	if (status != AG_OK) {
		api_stop(api);
		return status;
	}
	*out = api;
	return AG_OK;
}

static void
leave_loop(struct api *api)
{
	if (api->poll != NULL)
		loop_fd_close(api->poll);
	if (api->timeout != NULL)
		loop_timer_close(api->timeout);
	api->timeout = NULL;
	if (api->ping != NULL)
		loop_timer_close(api->ping);
}

/* Wake all that sleeps, let the farewells out, and cut what is left. */
static void
stop_daemon(struct api *api)
{
	const MHD_socket fd = MHD_quiesce_daemon(api->daemon);

	if (fd != MHD_INVALID_SOCKET)
		(void)close(fd);
	api->is_stopping = true;
	watch_cut_all(api);
	snapshot_cut_all(api);
	exchange_resume_all(api);
	/* One run resumes, the next sends what sockets take. */
	(void)MHD_run(api->daemon);
	(void)MHD_run(api->daemon);
	MHD_stop_daemon(api->daemon);
}

void
api_stop(struct api *api)
{
	if (api == NULL)
		return;
	if (api->listener.fd != -1)
		listener_remove(&api->listener);
	leave_loop(api);
	if (api->daemon != NULL)
		stop_daemon(api);
	else if (api->listener.fd != -1)
		(void)close(api->listener.fd);
	exchange_orphan_all(api);
	exchange_free_spares(api);
	open_requests_forget(api);
	if (api->live != NULL)
		MHD_destroy_response(api->live);
	buf_fini(&api->out);
	buf_fini(&api->encoded);
	free(api->route_seconds);
	free(api);
}
