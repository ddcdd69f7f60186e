/*
 * Logs, configuration, the link key, and the list of routes.
 */
#include "api/handlers.h"

#include <string.h>

#include "api/argument.h"
#include "api/server.h"
#include "base/version.h"
#include "monitor/log_sink.h"

#define LINES_DEFAULT 200
#define LINES_MAX 10000
#define RELOAD_LINES_MAX (64U << 10)

/* False: answered. */
static bool
take_level(struct exchange *x, enum log_level *level)
{
	const struct bytes text = argument_text(x, "level");
	int i;

	*level = LOG_LEVEL_DEBUG;
	if (text.data == NULL)
		return true;
	for (i = 0; i < LOG_LEVEL_COUNT; i++) {
		*level = (enum log_level)i;
		if (bytes_equal(text, bytes_from_text(log_level_name(*level))))
			return true;
	}
	exchange_problem(x, PROBLEM_BAD_REQUEST,
	    "level takes debug, info, warn or error");
	return false;
}

void
admin_logs(struct exchange *x)
{
	uint64_t limit = LINES_DEFAULT;
	enum log_level level;
	struct emitter *e;

	if (!take_level(x, &level) ||
	    !argument_u64(x, "limit", 1, LINES_MAX, &limit))
		return;
	e = exchange_json_begin(x);
	emit_key(e, "lines");
	emit_array_begin(e);
	if (x->api->config.log != NULL && e->status == AG_OK)
		e->status = log_sink_recent(x->api->config.log, level,
		    (size_t)limit, e->out);
	emit_array_end(e);
	exchange_json_end(x, MHD_HTTP_OK);
}

static void
emit_setting(void *to, const char *key, const char *value, const char *origin)
{
	struct emitter *e = to;

	emit_object_begin(e);
	emit_text_member(e, "key", key);
	emit_text_member(e, "value", value);
	emit_text_member(e, "origin", origin);
	emit_object_end(e);
}

void
admin_config(struct exchange *x)
{
	const struct api_config *config = &x->api->config;
	struct emitter *e = exchange_json_begin(x);

	emit_key(e, "settings");
	emit_array_begin(e);
	if (config->each_setting != NULL)
		config->each_setting(config->arg, emit_setting, e);
	emit_array_end(e);
	exchange_json_end(x, MHD_HTTP_OK);
}

/* The three lists a reload tells, each as the inside of a JSON array. */
struct reload_lines {
	struct buf buf[3];
	struct emitter emitter[3];
};

static void
take_reload_line(void *to, enum api_reload_kind kind, const char *text)
{
	struct reload_lines *lines = to;

	if ((unsigned)kind < 3)
		emit_text(&lines->emitter[kind], text);
}

static void
emit_list(struct emitter *e, const char *name, const struct buf *inside)
{
	emit_key(e, name);
	emit_array_begin(e);
	emit_raw(e, buf_bytes(inside));
	emit_array_end(e);
}

static void
reply_reload(struct exchange *x, enum ag_status status,
    const struct reload_lines *lines)
{
	struct emitter *e;

	if (status == AG_OK) {
		e = exchange_json_begin(x);
		emit_list(e, "applied", &lines->buf[API_RELOAD_APPLIED]);
		emit_list(e, "needs_restart",
		    &lines->buf[API_RELOAD_NEEDS_RESTART]);
		exchange_json_end(x, MHD_HTTP_OK);
		return;
	}
	exchange_problem_begin(x, PROBLEM_UNPROCESSABLE,
	    "the configuration was not taken; the old one stays in effect");
	e = &x->api->emitter;
	emit_list(e, "errors", &lines->buf[API_RELOAD_ERROR]);
	exchange_problem_end(x, PROBLEM_UNPROCESSABLE);
}

void
admin_reload(struct exchange *x)
{
	const struct api_config *config = &x->api->config;
	struct reload_lines lines;
	enum ag_status status;
	size_t i;

	if (config->reload == NULL) {
		exchange_problem(x, PROBLEM_ABSENT,
		    "this node has no configuration file to read anew");
		return;
	}
	for (i = 0; i < 3; i++) {
		buf_init(&lines.buf[i], RELOAD_LINES_MAX);
		emit_init(&lines.emitter[i], &lines.buf[i]);
	}
	status = config->reload(config->arg, take_reload_line, &lines);
	reply_reload(x, status, &lines);
	for (i = 0; i < 3; i++)
		buf_fini(&lines.buf[i]);
}

void
admin_link_key(struct exchange *x)
{
	struct node_status *s = &x->api->status;
	enum ag_status status;
	struct emitter *e;
	struct ag_error err;

	status = node_replace_link_key(x->api->node, &err);
	if (status == AG_EDENIED) {
		exchange_problem(x, PROBLEM_UNPROCESSABLE, err.text);
		return;
	}
	if (status != AG_OK) {
		exchange_fail(x, status, &err);
		return;
	}
	node_status(x->api->node, s);
	e = exchange_json_begin(x);
	emit_u64_member(e, "serial", s->members[s->self].link_serial);
	emit_text_member(e, "fingerprint",
	    s->members[s->self].link_fingerprint);
	exchange_json_end(x, MHD_HTTP_OK);
}

static void
emit_parameters(struct emitter *e, const struct route *route)
{
	size_t i;

	emit_key(e, "parameters");
	emit_array_begin(e);
	for (i = 0; i < ROUTE_ARGUMENTS_MAX && route->arguments[i] != NULL;
	     i++) {
		emit_object_begin(e);
		emit_text_member(e, "name", route->arguments[i]);
		emit_text_member(e, "in", "query");
		emit_key(e, "schema");
		emit_object_begin(e);
		emit_text_member(e, "type", "string");
		emit_object_end(e);
		emit_object_end(e);
	}
	emit_array_end(e);
}

static void
emit_operation(struct emitter *e, const struct route *route)
{
	char method[8] = { 0 };
	size_t i;

	for (i = 0; route->method[i] != '\0' && i < sizeof(method) - 1; i++)
		method[i] = (char)(route->method[i] | 0x20);
	emit_key(e, method);
	emit_object_begin(e);
	emit_text_member(e, "summary", route->summary);
	emit_parameters(e, route);
	if (route->body_max > 0) {
		emit_key(e, "requestBody");
		emit_raw(e,
		    bytes_from_text(
			"{\"required\":true,\"content\":{\"*/*\":{}}}"));
	}
	emit_key(e, "responses");
	emit_raw(e,
	    bytes_from_text("{\"200\":{\"description\":\"done\"},"
			    "\"default\":{\"description\":\"a problem "
			    "document (RFC 9457)\"}}"));
	emit_object_end(e);
}

/* Routes of one path adjoin in the table. */
static void
emit_paths(struct emitter *e)
{
	size_t i;

	emit_key(e, "paths");
	emit_object_begin(e);
	for (i = 0; i < route_count; i++) {
		const bool is_first = i == 0 ||
		    strcmp(route_table[i - 1].path, route_table[i].path) != 0;

		if (is_first && i > 0)
			emit_object_end(e);
		if (is_first) {
			emit_key(e, route_table[i].path);
			emit_object_begin(e);
		}
		emit_operation(e, &route_table[i]);
	}
	emit_object_end(e);
	emit_object_end(e);
}

void
admin_routes(struct exchange *x)
{
	struct emitter *e = exchange_json_begin(x);

	emit_text_member(e, "openapi", "3.1.0");
	emit_key(e, "info");
	emit_object_begin(e);
	emit_text_member(e, "title", "AEGIS node");
	emit_text_member(e, "version", version_text());
	emit_object_end(e);
	emit_paths(e);
	exchange_json_end(x, MHD_HTTP_OK);
}
