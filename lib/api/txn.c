/*
 * Transactions as JSON.
 *
 * FORMAT   {"compare": [{"key": K, "version": "3"} |
 *                       {"key": K, "value": V} |
 *                       {"key": K, "exists": true}, …],
 *           "then": [{"put": K, "value": V} | {"delete": K} |
 *                    {"put": K, "value": V, "lease": "5"}, …],
 *           "else": […]}
 *          K and V are a string or {"b64": standard base64}.  Each list may
 *          be left out.
 *
 * RULES    1. The body is scanned before it is parsed: more structure than
 *             the largest transaction has is refused, because a parser turns
 *             each bracket into memory.
 *          2. Unknown and repeated members are refused: a misspelled "value"
 *             must not become another transaction.
 *          3. What was decoded is never longer than the body it came from,
 *             so one arena of that size holds all and never moves.
 */
#include "api/txn.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "codec/text.h"

/* Commas, colons and brackets of 64 comparisons and 128 changes. */
#define STRUCTURE_MAX 4096

struct reader {
	struct buf *arena;
	struct ag_error *err;
};

static enum ag_status
check_structure(struct bytes body, struct ag_error *err)
{
	if (text_json_parts(body) > STRUCTURE_MAX)
		return ag_fail(err, AG_ELIMIT,
		    "the transaction has more parts than %d comparisons and "
		    "twice %d changes need",
		    TXN_COMPARES_MAX, TXN_OPERATIONS_MAX);
	return AG_OK;
}

static struct bytes
put_in_arena(struct reader *r, size_t len)
{
	const struct bytes out = bytes_of(r->arena->data + r->arena->len, len);

	r->arena->len += len;
	return out;
}

static enum ag_status
read_base64(struct reader *r, const json_t *text, const char *where,
    struct bytes *out)
{
	const struct bytes encoded =
	    bytes_of(json_string_value(text), json_string_length(text));
	size_t len = 0;

	if (text_base64_decode(r->arena->data + r->arena->len,
		r->arena->cap - r->arena->len, &len, encoded,
		BASE64_STANDARD) != AG_OK)
		return ag_fail(r->err, AG_EINVAL,
		    "%s: b64 takes base64 with padding", where);
	*out = put_in_arena(r, len);
	return AG_OK;
}

/* A string, or {"b64": string}. */
static enum ag_status
read_data(struct reader *r, const json_t *value, const char *where,
    struct bytes *out)
{
	const json_t *text;

	if (json_is_string(value)) {
		const size_t len = json_string_length(value);

		AG_ASSERT(len <= r->arena->cap - r->arena->len);
		*out = put_in_arena(r, len);
		memcpy(r->arena->data + r->arena->len - len,
		    json_string_value(value), len);
		return AG_OK;
	}
	text = json_object_get(value, "b64");
	if (!json_is_string(text) || json_object_size(value) != 1)
		return ag_fail(r->err, AG_EINVAL,
		    "%s takes a string or {\"b64\": string}", where);
	return read_base64(r, text, where, out);
}

static enum ag_status
read_key(struct reader *r, const json_t *value, const char *where,
    struct bytes *out)
{
	enum ag_status status = read_data(r, value, where, out);

	if (status != AG_OK)
		return status;
	if (out->len == 0 || out->len > KEY_BYTES_MAX)
		return ag_fail(r->err, AG_EINVAL, "%s: a key has 1 to %d bytes",
		    where, KEY_BYTES_MAX);
	return AG_OK;
}

static enum ag_status
read_value(struct reader *r, const json_t *value, const char *where,
    struct bytes *out)
{
	enum ag_status status = read_data(r, value, where, out);

	if (status != AG_OK)
		return status;
	if (out->len > VALUE_BYTES_MAX)
		return ag_fail(r->err, AG_ELIMIT,
		    "%s: a value has at most %u bytes", where, VALUE_BYTES_MAX);
	return AG_OK;
}

static enum ag_status
read_number(struct reader *r, const json_t *value, const char *where,
    const char *what, uint64_t *out)
{
	const char *text = json_string_value(value);
	char *end;

	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		*out = (uint64_t)json_integer_value(value);
		return AG_OK;
	}
	if (text == NULL || text[0] == '\0' ||
	    strlen(text) != strspn(text, "0123456789") || strlen(text) > 19)
		return ag_fail(r->err, AG_EINVAL,
		    "%s takes a %s as a string of digits", where, what);
	*out = strtoull(text, &end, 10);
	return AG_OK;
}

static enum ag_status
read_lease(struct reader *r, const json_t *value, const char *where,
    uint64_t *out)
{
	enum ag_status status = read_number(r, value, where, "lease", out);

	if (status == AG_OK && (*out == 0 || *out > INT64_MAX))
		return ag_fail(r->err, AG_EINVAL, "%s: no lease is %llu", where,
		    (unsigned long long)*out);
	return status;
}

static enum ag_status
read_compare(struct reader *r, const json_t *value, size_t index,
    struct compare *out)
{
	const json_t *version = json_object_get(value, "version");
	const json_t *expected = json_object_get(value, "value");
	const json_t *exists = json_object_get(value, "exists");
	enum ag_status status;
	char where[48];

	(void)snprintf(where, sizeof(where), "compare[%zu]", index);
	*out = (struct compare){ 0 };
	if (json_object_size(value) != 2)
		return ag_fail(r->err, AG_EINVAL,
		    "%s takes \"key\" and one of \"version\", \"value\", "
		    "\"exists\"",
		    where);
	status = read_key(r, json_object_get(value, "key"), where, &out->key);
	if (status != AG_OK)
		return status;
	if (version != NULL) {
		out->kind = COMPARE_VERSION;
		return read_number(r, version, where, "version", &out->number);
	}
	if (expected != NULL) {
		out->kind = COMPARE_VALUE;
		return read_value(r, expected, where, &out->value);
	}
	out->kind = COMPARE_EXISTS;
	out->number = json_is_true(exists) ? 1 : 0;
	if (!json_is_boolean(exists))
		return ag_fail(r->err, AG_EINVAL,
		    "%s: exists takes true or false", where);
	return AG_OK;
}

static enum ag_status
read_change(struct reader *r, const json_t *value, const char *list,
    size_t index, struct change *out)
{
	const json_t *put = json_object_get(value, "put");
	const json_t *delete = json_object_get(value, "delete");
	enum ag_status status;
	const json_t *lease = json_object_get(value, "lease");
	char where[48];

	(void)snprintf(where, sizeof(where), "%s[%zu]", list, index);
	*out = (struct change){ 0 };
	if (put != NULL && json_object_size(value) == (lease != NULL ? 3 : 2)) {
		out->kind = OPERATION_PUT;
		status = read_key(r, put, where, &out->key);
		if (status == AG_OK && lease != NULL)
			status = read_lease(r, lease, where, &out->lease);
		if (status != AG_OK)
			return status;
		return read_value(r, json_object_get(value, "value"), where,
		    &out->value);
	}
	if (delete != NULL && json_object_size(value) == 1) {
		out->kind = OPERATION_DELETE;
		return read_key(r, delete, where, &out->key);
	}
	return ag_fail(r->err, AG_EINVAL,
	    "%s takes \"put\", \"value\" and perhaps \"lease\", or "
	    "\"delete\"",
	    where);
}

/* A list that may be absent; AG_ELIMIT when it is longer than most. */
static enum ag_status
check_list(struct reader *r, const json_t *list, const char *name, size_t most)
{
	if (list != NULL && !json_is_array(list))
		return ag_fail(r->err, AG_EINVAL, "%s takes a list", name);
	if (json_array_size(list) > most)
		return ag_fail(r->err, AG_ELIMIT,
		    "%s has more than %zu entries", name, most);
	return AG_OK;
}

static enum ag_status
read_compares(struct reader *r, const json_t *list, struct operation *op)
{
	enum ag_status status =
	    check_list(r, list, "compare", TXN_COMPARES_MAX);
	size_t i;

	op->compare_count = json_array_size(list);
	for (i = 0; i < json_array_size(list) && status == AG_OK; i++)
		status = read_compare(r, json_array_get(list, i), i,
		    &op->compares[i]);
	return status;
}

static enum ag_status
read_changes(struct reader *r, const json_t *list, const char *name,
    struct operation *op, size_t branch)
{
	enum ag_status status = check_list(r, list, name, TXN_OPERATIONS_MAX);
	size_t i;

	op->change_count[branch] = json_array_size(list);
	for (i = 0; i < json_array_size(list) && status == AG_OK; i++)
		status = read_change(r, json_array_get(list, i), name, i,
		    &op->changes[branch][i]);
	return status;
}

static enum ag_status
check_names(struct reader *r, json_t *root)
{
	const char *name;
	json_t *value;

	if (!json_is_object(root))
		return ag_fail(r->err, AG_EINVAL,
		    "a transaction is a JSON object");
	json_object_foreach(root, name,
	    value) if (strcmp(name, "compare") != 0 &&
	    strcmp(name, "then") != 0 &&
	    strcmp(name, "else") != 0) return ag_fail(r->err, AG_EINVAL,
	    "a transaction has \"compare\", \"then\" and "
	    "\"else\", not \"%.40s\"",
	    name);
	return AG_OK;
}

static enum ag_status
read_all(struct reader *r, json_t *root, struct operation *op)
{
	enum ag_status status = check_names(r, root);

	op->kind = OPERATION_TXN;
	if (status == AG_OK)
		status = read_compares(r, json_object_get(root, "compare"), op);
	if (status == AG_OK)
		status = read_changes(r, json_object_get(root, "then"), "then",
		    op, 0);
	if (status == AG_OK)
		status = read_changes(r, json_object_get(root, "else"), "else",
		    op, 1);
	return status;
}

enum ag_status
txn_parse(struct operation *op, struct buf *arena, struct bytes body,
    struct ag_error *err)
{
	struct reader r = { .arena = arena, .err = err };
	enum ag_status status;
	json_error_t where;
	json_t *root;

	buf_init(arena, body.len + 1);
	if (body.len == 0)
		return ag_fail(err, AG_EINVAL,
		    "the transaction is empty; it is a JSON object");
	status = check_structure(body, err);
	if (status != AG_OK)
		return status;
	if (buf_reserve(arena, body.len + 1) != AG_OK)
		return ag_fail(err, AG_ENOMEM, "out of memory");
	root = json_loadb((const char *)body.data, body.len,
	    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &where);
	if (root == NULL)
		return ag_fail(err, AG_EINVAL, "line %d, column %d: %s",
		    where.line, where.column, where.text);
	status = read_all(&r, root, op);
	json_decref(root);
	return status;
}
