/*
 * What the dashboard knows: the API's answers as plain structs.
 *
 * RULES    1. A field that is absent or of the wrong kind is empty or 0: a
 *             newer or older node must still be shown.  Only an answer that
 *             is not a JSON object with the expected list is refused.
 *          2. Lists are cut at their bound, never allocated by their length.
 *          3. Every string goes through clean_copy(); bytes that are not
 *             UTF-8 are escaped before parsing, so that one bad log line
 *             does not blank the screen.
 *
 * NOT HERE Fetching (source.c), rates (history.c).
 */
#include "tui/model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "tui/clean.h"

#define ERROR_SHOWN_BYTES 120

static const struct {
	const char *name;
	const char *route;
} parts[MODEL_PART_COUNT] = {
	[MODEL_STATUS] = { "status", "/v1/status" },
	[MODEL_ROUNDS] = { "rounds", "/v1/consensus/rounds?limit=64" },
	[MODEL_VIEWS] = { "views", "/v1/consensus/views" },
	[MODEL_ALERTS] = { "alerts", "/v1/alerts" },
	[MODEL_LOGS] = { "logs", "/v1/logs?limit=200" },
};

const char *
model_part_name(enum model_part part)
{
	return parts[part].name;
}

const char *
model_part_route(enum model_part part)
{
	return parts[part].route;
}

void
model_fini(struct model *m)
{
	free(m->status);
	free(m->rounds);
	free(m->views);
	free(m->alerts);
	free(m->logs);
	memset(m, 0, sizeof(*m));
}

static void
get_text(const json_t *object, const char *key, char *out, size_t cap)
{
	const json_t *value = json_object_get(object, key);

	out[0] = '\0';
	if (json_is_string(value))
		clean_copy(out, cap,
		    bytes_of(json_string_value(value),
			json_string_length(value)));
}

/* 64-bit integers come as strings, small ones as numbers. */
static uint64_t
get_u64(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	uint64_t out = 0;

	if (json_is_integer(value))
		return json_integer_value(value) < 0
		    ? 0
		    : (uint64_t)json_integer_value(value);
	if (!json_is_string(value))
		return 0;
	for (const char *p = json_string_value(value); *p != '\0'; p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		if (*p < '0' || *p > '9' || out > (UINT64_MAX - digit) / 10)
			return 0;
		out = out * 10 + digit;
	}
	return out;
}

static int64_t
get_i64(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : 0;
}

#define GET_TEXT(object, key, field) \
	get_text((object), (key), (field), sizeof(field))

static void
read_member(struct model_member *m, const json_t *o)
{
	GET_TEXT(o, "name", m->name);
	GET_TEXT(o, "address", m->address);
	GET_TEXT(o, "role", m->role);
	GET_TEXT(o, "state", m->state);
	GET_TEXT(o, "error", m->error);
	GET_TEXT(o, "node_fingerprint", m->node_fingerprint);
	GET_TEXT(o, "link_fingerprint", m->link_fingerprint);
	m->link_key_age_ms = get_u64(o, "link_key_age_ms");
	m->view = get_u64(o, "view");
	m->executed = get_u64(o, "executed");
	m->stable = get_u64(o, "stable");
	m->lag = get_u64(o, "lag");
	m->rtt_us = get_u64(o, "rtt_us");
	m->last_heard_ms = get_u64(o, "last_heard_ms");
	m->link_up_ms = get_u64(o, "link_up_ms");
	m->retry_ms = get_u64(o, "retry_ms");
	m->attempts = get_u64(o, "attempts");
	m->tx_bytes = get_u64(o, "tx_bytes");
	m->rx_bytes = get_u64(o, "rx_bytes");
	m->queued_bytes = get_u64(o, "queued_bytes");
	m->dropped = get_u64(o, "dropped");
	m->evidence = get_u64(o, "evidence");
}

/* Absent unless the node fetches a state. */
static void
read_transfer(struct model_status *s, const json_t *o)
{
	size_t i = 0;
	const json_t *item = NULL;

	s->transfer_seq = get_u64(o, "seq");
	s->transfer_bytes = get_u64(o, "bytes");
	s->transfer_total = get_u64(o, "total");
	json_array_foreach(json_object_get(o, "from"), i, item)
	{
		char name[MODEL_NAME_BYTES];
		size_t used = strlen(s->transfer_from);

		if (!json_is_string(item))
			continue;
		clean_copy(name, sizeof(name),
		    bytes_of(json_string_value(item),
			json_string_length(item)));
		(void)snprintf(s->transfer_from + used,
		    sizeof(s->transfer_from) - used, "%s%s",
		    used > 0 ? " " : "", name);
	}
}

static void
read_status(struct model_status *s, const json_t *o)
{
	const json_t *list = json_object_get(o, "members");
	size_t i = 0;
	const json_t *item = NULL;

	GET_TEXT(o, "version", s->version);
	GET_TEXT(o, "cluster", s->cluster);
	GET_TEXT(o, "node", s->node);
	GET_TEXT(o, "strategy", s->strategy);
	GET_TEXT(o, "health", s->health);
	GET_TEXT(o, "primary", s->primary);
	GET_TEXT(o, "stable_digest", s->stable_digest);
	GET_TEXT(o, "view_since", s->view_since);
	GET_TEXT(o, "time", s->time);
	s->changing_view = json_is_true(json_object_get(o, "changing_view"));
	s->rejoining = json_is_true(json_object_get(o, "rejoining"));
	s->rejoin_seq = get_u64(o, "rejoin_seq");
	s->n = get_u64(o, "n");
	s->f = get_u64(o, "f");
	s->quorum = get_u64(o, "quorum");
	s->missing = get_u64(o, "missing");
	s->margin = get_i64(o, "margin");
	s->epoch = get_u64(o, "epoch");
	s->view = get_u64(o, "view");
	s->view_changes = get_u64(o, "view_changes");
	s->executed = get_u64(o, "executed");
	s->stable = get_u64(o, "stable");
	s->proposed = get_u64(o, "proposed");
	s->keys = get_u64(o, "keys");
	s->bytes = get_u64(o, "bytes");
	s->pending = get_u64(o, "pending");
	s->uptime_ms = get_u64(o, "uptime_ms");
	s->commits = get_u64(o, "commits");
	s->commit_p50_us = get_u64(o, "commit_p50_us");
	s->commit_p99_us = get_u64(o, "commit_p99_us");
	s->sync_p99_us = get_u64(o, "sync_p99_us");
	s->rss_bytes = get_u64(o, "rss_bytes");
	read_transfer(s, json_object_get(o, "transfer"));
	json_array_foreach(list, i, item)
	{
		if (json_is_object(item) && s->member_count < MODEL_MEMBERS_MAX)
			read_member(&s->members[s->member_count++], item);
	}
}

/* The bit of a voter's name, added to the table when it is new. */
static uint64_t
voter_bit(struct model_rounds *r, const json_t *name)
{
	char text[MODEL_NAME_BYTES];
	size_t i = 0;

	if (!json_is_string(name))
		return 0;
	clean_copy(text, sizeof(text),
	    bytes_of(json_string_value(name), json_string_length(name)));
	while (i < r->voter_count && strcmp(r->voters[i], text) != 0)
		i++;
	if (i == MODEL_MEMBERS_MAX)
		return 0;
	if (i == r->voter_count)
		memcpy(r->voters[r->voter_count++], text, sizeof(text));
	return UINT64_C(1) << i;
}

static uint64_t
read_votes(struct model_rounds *r, const json_t *list)
{
	uint64_t bits = 0;
	size_t i = 0;
	const json_t *name = NULL;

	json_array_foreach(list, i, name)
	{
		bits |= voter_bit(r, name);
	}
	return bits;
}

static void
read_rounds(struct model_rounds *r, const json_t *list)
{
	size_t i = 0;
	const json_t *o = NULL;

	json_array_foreach(list, i, o)
	{
		struct model_round *round = &r->rounds[r->count];

		if (r->count == MODEL_ROUNDS_MAX)
			return;
		GET_TEXT(o, "phase", round->phase);
		GET_TEXT(o, "digest", round->digest);
		round->seq = get_u64(o, "seq");
		round->view = get_u64(o, "view");
		round->requests = get_u64(o, "requests");
		round->bytes = get_u64(o, "bytes");
		round->age_us = get_u64(o, "age_us");
		round->took_us = get_u64(o, "took_us");
		round->prepares = read_votes(r, json_object_get(o, "prepares"));
		round->commits = read_votes(r, json_object_get(o, "commits"));
		r->count++;
	}
}

static void
read_views(struct model_views *v, const json_t *list)
{
	size_t i = 0;
	const json_t *o = NULL;
	char state[16];

	json_array_foreach(list, i, o)
	{
		if (v->count == MODEL_VIEWS_MAX)
			return;
		/* Asked for, and never entered. */
		get_text(o, "state", state, sizeof(state));
		if (strcmp(state, "CHANGING") == 0)
			continue;
		v->views[v->count].view = get_u64(o, "view");
		GET_TEXT(o, "primary", v->views[v->count].primary);
		GET_TEXT(o, "began", v->views[v->count].began);
		v->count++;
	}
}

static void
read_alerts(struct model_alerts *a, const json_t *list)
{
	size_t i = 0;
	const json_t *o = NULL;

	json_array_foreach(list, i, o)
	{
		struct model_alert *alert = &a->alerts[a->count];

		if (a->count == MODEL_ALERTS_MAX)
			return;
		GET_TEXT(o, "severity", alert->severity);
		GET_TEXT(o, "name", alert->name);
		GET_TEXT(o, "node", alert->node);
		GET_TEXT(o, "since", alert->since);
		GET_TEXT(o, "text", alert->text);
		a->count++;
	}
}

/* One "key=value" of a log line; what does not fit is left out. */
static void
add_field(struct model_line *line, const char *key, const json_t *value)
{
	char number[24] = "";
	char clean[MODEL_TEXT_BYTES];
	size_t used = strlen(line->fields);
	const char *text = number;

	if (json_is_string(value))
		text = json_string_value(value);
	else if (json_is_integer(value))
		(void)snprintf(number, sizeof(number), "%" PRId64,
		    (int64_t)json_integer_value(value));
	else if (json_is_boolean(value))
		text = json_is_true(value) ? "true" : "false";
	clean_copy(clean, sizeof(clean), bytes_from_text(text));
	(void)snprintf(line->fields + used, sizeof(line->fields) - used,
	    "%s%s=%s", used > 0 ? " " : "", key, clean);
}

static void
read_line(struct model_line *line, json_t *o)
{
	const char *key = NULL;
	json_t *value = NULL;

	GET_TEXT(o, "ts", line->ts);
	GET_TEXT(o, "level", line->level);
	GET_TEXT(o, "comp", line->component);
	GET_TEXT(o, "msg", line->message);
	json_object_foreach(o, key, value)
	{
		char clean[MODEL_NAME_BYTES];

		if (strcmp(key, "ts") == 0 || strcmp(key, "level") == 0 ||
		    strcmp(key, "comp") == 0 || strcmp(key, "msg") == 0)
			continue;
		clean_copy(clean, sizeof(clean), bytes_from_text(key));
		add_field(line, clean, value);
	}
}

static void
read_logs(struct model_lines *l, const json_t *list)
{
	size_t i = 0;
	json_t *o = NULL;

	json_array_foreach(list, i, o)
	{
		if (l->count < MODEL_LINES_MAX)
			read_line(&l->lines[l->count++], o);
	}
}

/* The list an answer carries; AG_EPROTO when it is not there. */
static enum ag_status
find_list(const json_t *root, const char *key, const json_t **list,
    struct ag_error *err)
{
	*list = json_object_get(root, key);
	if (!json_is_array(*list))
		return ag_fail(err, AG_EPROTO,
		    "read the answer: it has no list \"%s\"", key);
	return AG_OK;
}

static enum ag_status
read_status_part(struct model *m, const json_t *root, struct ag_error *err)
{
	struct model_status *status = NULL;

	if (!json_is_array(json_object_get(root, "members")))
		return ag_fail(err, AG_EPROTO,
		    "read the answer: it has no list \"members\"");
	status = calloc(1, sizeof(*status));
	if (status == NULL)
		return ag_fail(err, AG_ENOMEM, "read the status");
	read_status(status, root);
	free(m->status);
	m->status = status;
	return AG_OK;
}

/* The four list parts differ only in type: allocate, read, replace. */
#define READ_LIST_PART(field, reader)                                      \
	do {                                                               \
		void *fresh = calloc(1, sizeof(*m->field));                \
		if (fresh == NULL)                                         \
			return ag_fail(err, AG_ENOMEM, "read the answer"); \
		reader(fresh, list);                                       \
		free(m->field);                                            \
		m->field = fresh;                                          \
	} while (0)

static enum ag_status
read_part(struct model *m, enum model_part part, const json_t *root,
    struct ag_error *err)
{
	static const char *const list_keys[MODEL_PART_COUNT] = {
		[MODEL_ROUNDS] = "rounds",
		[MODEL_VIEWS] = "views",
		[MODEL_ALERTS] = "alerts",
		[MODEL_LOGS] = "lines",
	};
	const json_t *list = NULL;
	enum ag_status status = AG_OK;

	if (part == MODEL_STATUS)
		return read_status_part(m, root, err);
	status = find_list(root, list_keys[part], &list, err);
	if (status != AG_OK)
		return status;
	if (part == MODEL_ROUNDS)
		READ_LIST_PART(rounds, read_rounds);
	else if (part == MODEL_VIEWS)
		READ_LIST_PART(views, read_views);
	else if (part == MODEL_ALERTS)
		READ_LIST_PART(alerts, read_alerts);
	else
		READ_LIST_PART(logs, read_logs);
	return AG_OK;
}

/*
 * JSON whose strings are not UTF-8 is not JSON; make it so by writing each
 * bad byte as the four characters of its escape.
 */
static enum ag_status
repair_utf8(struct bytes json, struct buf *out)
{
	for (size_t at = 0; at < json.len;) {
		struct bytes rest = bytes_of(json.data + at, json.len - at);
		struct clean_glyph glyph;
		size_t len = clean_next(rest, false, &glyph);
		enum ag_status status = AG_OK;

		if (len == 1 && rest.data[0] >= 0x80)
			status =
			    buf_printf(out, "\\\\x%02X", (unsigned)*rest.data);
		else
			status = buf_append(out, rest.data, len);
		if (status != AG_OK)
			return status;
		at += len;
	}
	return AG_OK;
}

static enum ag_status
parse(struct bytes json, json_t **root, struct ag_error *err)
{
	struct buf repaired;
	json_error_t why;
	enum ag_status status = AG_OK;

	buf_init(&repaired, 4 * (size_t)MODEL_ANSWER_BYTES_MAX);
	*root =
	    json_loadb((const char *)json.data, json.len, JSON_ALLOW_NUL, &why);
	if (*root == NULL && json_error_code(&why) == json_error_invalid_utf8) {
		status = repair_utf8(json, &repaired);
		if (status == AG_OK)
			*root = json_loadb((const char *)repaired.data,
			    repaired.len, JSON_ALLOW_NUL, &why);
	}
	buf_fini(&repaired);
	if (status != AG_OK)
		return ag_fail(err, status, "read the answer");
	if (json_is_object(*root))
		return AG_OK;
	if (*root == NULL) {
		char text[ERROR_SHOWN_BYTES];

		clean_copy(text, sizeof(text), bytes_from_text(why.text));
		return ag_fail(err, AG_EPROTO, "read JSON: line %d: %s",
		    why.line, text);
	}
	json_decref(*root);
	*root = NULL;
	return ag_fail(err, AG_EPROTO, "read JSON: it is not an object");
}

enum ag_status
model_parse(struct model *m, enum model_part part, struct bytes json,
    struct ag_error *err)
{
	json_t *root = NULL;
	enum ag_status status = parse(json, &root, err);

	if (status != AG_OK)
		return status;
	status = read_part(m, part, root, err);
	json_decref(root);
	return status;
}

static enum ag_status
read_fixture_status(struct model *m, const json_t *value, model_seen_fn *seen,
    void *arg, struct ag_error *err)
{
	size_t count = json_is_array(value) ? json_array_size(value) : 1;

	for (size_t i = 0; i < count; i++) {
		const json_t *one =
		    json_is_array(value) ? json_array_get(value, i) : value;
		enum ag_status status = read_status_part(m, one, err);

		if (status != AG_OK)
			return status;
		if (seen != NULL)
			seen(arg, m->status);
	}
	return AG_OK;
}

enum ag_status
model_parse_fixture(struct model *m, struct bytes json, model_seen_fn *seen,
    void *arg, struct ag_error *err)
{
	json_t *root = NULL;
	enum ag_status status = parse(json, &root, err);

	for (int i = 0; status == AG_OK && i < MODEL_PART_COUNT; i++) {
		enum model_part part = (enum model_part)i;
		const json_t *value = json_object_get(root, parts[i].name);

		if (value == NULL)
			continue;
		if (part == MODEL_STATUS)
			status = read_fixture_status(m, value, seen, arg, err);
		else
			status = read_part(m, part, value, err);
		if (status != AG_OK)
			ag_error_prefix(err, "fixture part %s", parts[i].name);
	}
	json_decref(root);
	return status;
}

#define TAKE(field, part)                                   \
	do {                                                \
		if (from->field != NULL) {                  \
			free(m->field);                     \
			m->field = from->field;             \
			m->at_us[part] = from->at_us[part]; \
			from->field = NULL;                 \
		}                                           \
	} while (0)

void
model_take(struct model *m, struct model *from)
{
	TAKE(status, MODEL_STATUS);
	TAKE(rounds, MODEL_ROUNDS);
	TAKE(views, MODEL_VIEWS);
	TAKE(alerts, MODEL_ALERTS);
	TAKE(logs, MODEL_LOGS);
}
