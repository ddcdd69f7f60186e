/*
 * /v1/leases: leases that are, granted, kept alive and revoked.
 *
 * FORMAT   a lease   "lease": "5", "ttl_s": 30, "granted": T, "expires": T,
 *                    "principal": hex, "keys": [K, …]
 *          a body    {"ttl_s": 30} to grant one, {"lease": "5"} for others
 *
 * RULES    1. Reading is reading the cluster's own entries: a page is of one
 *             sequence, and its cursor the last lease that it shows.
 *          2. Times are agreed ones, as the state has them.
 */
#include "api/handlers.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "api/argument.h"
#include "api/server.h"
#include "codec/lease.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000

/* A page is full when it holds this much, if it holds a lease. */
#define PAGE_BYTES (4U << 20)

/* --- reading --- */

static void
emit_lease(struct emitter *e, const struct lease *lease)
{
	size_t i;

	emit_u64_member(e, "lease", lease->id);
	emit_number_member(e, "ttl_s", lease->ttl_s);
	emit_time_member(e, "granted", lease->granted_ms);
	emit_time_member(e, "expires", lease->expiry_ms);
	emit_hex_member(e, "principal",
	    bytes_of(lease->principal, PRINCIPAL_BYTES));
	emit_key(e, "keys");
	emit_array_begin(e);
	for (i = 0; i < lease->key_count; i++)
		emit_data(e, lease->keys[i]);
	emit_array_end(e);
}

static enum ag_status
take_entry(const struct node_entry *entry, struct lease *lease,
    struct ag_error *err)
{
	enum ag_status status = lease_decode(lease, entry->value, err);

	if (status == AG_OK && lease_id_of_key(entry->key, &lease->id) != AG_OK)
		status = ag_fail(err, AG_ECORRUPT, "a lease has no number");
	return status;
}

static void
reply_one(struct exchange *x, const struct node_page *page)
{
	struct ag_error err;
	struct emitter *e;
	struct lease lease;

	if (page->count == 0) {
		exchange_problem(x, PROBLEM_ABSENT, "there is no such lease");
	} else if (take_entry(&page->entries[0], &lease, &err) != AG_OK) {
		exchange_problem(x, PROBLEM_INTERNAL, err.text);
	} else {
		e = exchange_json_begin(x);
		emit_lease(e, &lease);
		emit_u64_member(e, "seq", page->seq);
		exchange_json_end(x, MHD_HTTP_OK);
	}
}

static void
reply_page(struct exchange *x, const struct node_page *page)
{
	struct emitter *e = exchange_json_begin(x);
	struct lease lease = { .id = 0 };
	struct ag_error err;
	size_t i;

	emit_key(e, "leases");
	emit_array_begin(e);
	for (i = 0; i < page->count; i++) {
		if (i > 0 && e->out->len > PAGE_BYTES)
			break;
		if (take_entry(&page->entries[i], &lease, &err) != AG_OK) {
			exchange_problem(x, PROBLEM_INTERNAL, err.text);
			return;
		}
		emit_object_begin(e);
		emit_lease(e, &lease);
		emit_object_end(e);
	}
	emit_array_end(e);
	emit_u64_or_null(e, "cursor", i > 0 && (i < page->count || page->more),
	    lease.id);
	emit_u64_member(e, "seq", page->seq);
	exchange_json_end(x, MHD_HTTP_OK);
}

static void
read_done(void *arg, enum ag_status status, const struct node_page *page)
{
	struct exchange *x = arg;

	if (!exchange_wake(x))
		return;
	/* A read changes nothing: what is unknown about it is only late. */
	if (status == AG_EUNKNOWN)
		status = AG_ENOQUORUM;
	if (status != AG_OK)
		exchange_fail(x, status, NULL);
	else if (x->is_single)
		reply_one(x, page);
	else
		reply_page(x, page);
}

/* The lease that is asked for, or those behind the cursor.  False: answered. */
static bool
take_range(struct exchange *x)
{
	uint64_t id = 0, cursor = 0, limit = LIMIT_DEFAULT;
	struct key_range *range = &x->range;

	if (!argument_u64(x, "lease", 1, INT64_MAX, &id) ||
	    !argument_u64(x, "cursor", 1, INT64_MAX - 1, &cursor) ||
	    !argument_u64(x, "limit", 1, LIMIT_MAX, &limit))
		return false;
	if (id != 0 && cursor != 0) {
		exchange_problem(x, PROBLEM_BAD_REQUEST,
		    "lease and cursor are two questions: give one of them");
		return false;
	}
	x->is_single = id != 0;
	x->limit = x->is_single ? 1 : (size_t)limit;
	range->first_len =
	    lease_key(x->is_single ? id : cursor + 1, range->first).len;
	range->last_len = sizeof(KEY_LEASES_END) - 1;
	memcpy(range->last, KEY_LEASES_END, range->last_len);
	if (x->is_single)
		range->last_len = lease_key(id + 1, range->last).len;
	return true;
}

void
leases_get(struct exchange *x)
{
	enum node_consistency consistency;
	struct ag_error err = { 0 };
	enum ag_status status;

	if (!argument_consistency(x, &consistency) || !take_range(x))
		return;
	exchange_wait(x);
	status = node_read(x->api->node, consistency,
	    bytes_of(x->range.first, x->range.first_len),
	    bytes_of(x->range.last, x->range.last_len), x->limit, false,
	    x->timeout_ms, read_done, x, &err);
	if (status == AG_OK)
		return;
	exchange_unwait(x);
	exchange_fail(x, status, &err);
}

/* --- changing --- */

/* The one member of the body, a number or its digits.  False: answered. */
static bool
take_number(struct exchange *x, const char *name, uint64_t least, uint64_t most,
    uint64_t *out)
{
	const struct buf *body = &x->body;
	const json_t *value;
	char detail[128];
	bool is_right = false;
	json_t *root = NULL;

	if (body->len > 0)
		root = json_loadb((const char *)body->data, body->len,
		    JSON_REJECT_DUPLICATES, NULL);
	value = json_object_get(root, name);
	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		*out = (uint64_t)json_integer_value(value);
		is_right = true;
	} else if (json_is_string(value)) {
		is_right = argument_parse_u64(bytes_from_text(
						  json_string_value(value)),
		    out);
	}
	is_right = is_right && json_object_size(root) == 1 && *out >= least &&
	    *out <= most;
	json_decref(root);
	if (is_right)
		return true;
	(void)snprintf(detail, sizeof(detail),
	    "the body is {\"%s\": N}, and N is from %llu to %llu", name,
	    (unsigned long long)least, (unsigned long long)most);
	exchange_problem(x, PROBLEM_BAD_REQUEST, detail);
	return false;
}

static void
lease_done(void *arg, enum ag_status status, const struct result *result)
{
	char id[REQUEST_ID_TEXT_BYTES];
	struct exchange *x = arg;
	struct emitter *e;

	if (!exchange_wake(x))
		return;
	if (status != AG_OK) {
		write_fail(x, status);
	} else if (result->code != RESULT_DONE) {
		write_refuse(x, result);
	} else {
		e = exchange_json_begin(x);
		exchange_request_id(&x->id, id);
		emit_u64_member(e, "lease", result->version);
		emit_time_member(e, "expires", result->previous_version);
		emit_u64_member(e, "seq", result->seq);
		emit_text_member(e, "request", id);
		exchange_json_end(x, MHD_HTTP_OK);
	}
}

void
leases_grant(struct exchange *x)
{
	struct operation *op = &x->api->operation;
	uint64_t ttl_s;

	if (!take_number(x, "ttl_s", LEASE_TTL_S_MIN, LEASE_TTL_S_MAX, &ttl_s))
		return;
	op->kind = OPERATION_GRANT;
	op->ttl_s = (uint32_t)ttl_s;
	write_submit(x, op, lease_done);
}

static void
submit_about(struct exchange *x, enum operation_kind kind)
{
	struct operation *op = &x->api->operation;

	if (!take_number(x, "lease", 1, INT64_MAX, &op->lease))
		return;
	op->kind = kind;
	write_submit(x, op, lease_done);
}

void
leases_keep_alive(struct exchange *x)
{
	submit_about(x, OPERATION_KEEP_ALIVE);
}

void
leases_revoke(struct exchange *x)
{
	submit_about(x, OPERATION_REVOKE);
}
