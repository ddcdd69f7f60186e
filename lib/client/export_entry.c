/*
 * Entries outside of the store.
 *
 * FORMAT   JSON lines: {"v":1,"key":K,"value":V,"version":"N",
 *          "created":"SEQ","modified":"SEQ"}, where K and V are a string or,
 *          when they are not UTF-8, {"b64": standard base64}.  Only key and
 *          value must be there; "lease", which lists have, is read over.
 *          CBOR sequence (RFC 8742) of canonical arrays: [key, value, version,
 *          created, modified], the first two as byte strings.
 *
 * RULES    1. Members that are unknown or repeated are refused: a misspelled
 *             "value" must not become an empty one.
 *          2. Keys of the cluster itself are refused; no write may name one.
 */
#include "client/export_entry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "codec/decoder.h"
#include "codec/encoder.h"
#include "codec/operation.h"
#include "codec/text.h"

/* Brackets, commas and colons of the longest entry: 2 of them are objects. */
#define PARTS_MAX 32

/* Heads and numbers around key and value. */
#define CBOR_OVERHEAD_BYTES 64

static enum ag_status
check(const struct export_entry *entry, struct ag_error *err)
{
	if (entry->key.len == 0 || entry->key.len > KEY_BYTES_MAX)
		return ag_fail(err, AG_EINVAL, "a key has 1 to %d bytes",
		    KEY_BYTES_MAX);
	if (operation_key_is_reserved(entry->key))
		return ag_fail(err, AG_EINVAL,
		    "the key is the cluster's own and not to be written");
	if (entry->value.len > VALUE_BYTES_MAX)
		return ag_fail(err, AG_EINVAL, "a value has at most %u bytes",
		    VALUE_BYTES_MAX);
	return AG_OK;
}

/* --- JSON --- */

static json_t *
data_of(struct bytes data)
{
	json_t *text, *out = NULL;
	char *encoded;

	text = json_stringn((const char *)data.data, data.len);
	if (text != NULL || utf8_valid(data))
		return text;
	encoded = malloc(TEXT_BASE64_BYTES(data.len));
	if (encoded == NULL)
		return NULL;
	text_base64(encoded, TEXT_BASE64_BYTES(data.len), data,
	    BASE64_STANDARD);
	out = json_pack("{s:s}", "b64", encoded);
	free(encoded);
	return out;
}

static json_t *
number_of(uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return json_string(text);
}

static int
append(const char *text, size_t len, void *arg)
{
	return buf_append(arg, text, len) == AG_OK ? 0 : -1;
}

enum ag_status
export_entry_write_json(const struct export_entry *entry, struct buf *out)
{
	json_t *root = json_pack("{s:i,s:o,s:o,s:o,s:o,s:o}", "v", 1, "key",
	    data_of(entry->key), "value", data_of(entry->value), "version",
	    number_of(entry->version), "created", number_of(entry->created),
	    "modified", number_of(entry->modified));
	int failed;

	if (root == NULL)
		return AG_ENOMEM;
	failed = json_dump_callback(root, append, out, JSON_COMPACT);
	json_decref(root);
	return failed != 0 ? AG_ENOMEM : buf_append(out, "\n", 1);
}

/* A string, or {"b64": string}, into the arena. */
static enum ag_status
read_data(const json_t *value, struct buf *arena, struct bytes *out)
{
	const json_t *encoded = json_object_get(value, "b64");
	const size_t at = arena->len;
	size_t len = 0;

	if (json_is_string(value)) {
		if (buf_append(arena, json_string_value(value),
			json_string_length(value)) != AG_OK)
			return AG_ENOMEM;
		*out = bytes_of(arena->data + at, arena->len - at);
		return AG_OK;
	}
	if (!json_is_string(encoded) || json_object_size(value) != 1)
		return AG_EINVAL;
	if (text_base64_decode(arena->data + at, arena->cap - at, &len,
		bytes_of(json_string_value(encoded),
		    json_string_length(encoded)),
		BASE64_STANDARD) != AG_OK)
		return AG_EINVAL;
	arena->len += len;
	*out = bytes_of(arena->data + at, len);
	return AG_OK;
}

static bool
read_number(const json_t *value, uint64_t *out)
{
	const char *text = json_string_value(value);

	*out = 0;
	if (value == NULL)
		return true;
	if (text == NULL || text[0] == '\0' || strlen(text) > 19 ||
	    strspn(text, "0123456789") != strlen(text))
		return false;
	*out = strtoull(text, NULL, 10);
	return true;
}

static enum ag_status
check_members(json_t *root, struct ag_error *err)
{
	static const char *const names[] = { "v", "key", "value", "version",
		"created", "modified", "lease" };
	const json_t *v = json_object_get(root, "v");
	void *at;
	size_t i;

	for (at = json_object_iter(root); at != NULL;
	     at = json_object_iter_next(root, at)) {
		for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (strcmp(json_object_iter_key(at), names[i]) == 0)
				break;
		if (i == sizeof(names) / sizeof(names[0]))
			return ag_fail(err, AG_EINVAL,
			    "an entry has no \"%.40s\"",
			    json_object_iter_key(at));
	}
	if (v != NULL && json_integer_value(v) != 1)
		return ag_fail(err, AG_EINVAL,
		    "this program reads \"v\":1 alone");
	return AG_OK;
}

static enum ag_status
read_object(struct export_entry *entry, struct buf *arena, json_t *root,
    struct ag_error *err)
{
	enum ag_status status = check_members(root, err);

	if (status != AG_OK)
		return status;
	if (read_data(json_object_get(root, "key"), arena, &entry->key) !=
	    AG_OK)
		return ag_fail(err, AG_EINVAL,
		    "\"key\" takes a string or {\"b64\": base64}");
	if (read_data(json_object_get(root, "value"), arena, &entry->value) !=
	    AG_OK)
		return ag_fail(err, AG_EINVAL,
		    "\"value\" takes a string or {\"b64\": base64}");
	if (!read_number(json_object_get(root, "version"), &entry->version) ||
	    !read_number(json_object_get(root, "created"), &entry->created) ||
	    !read_number(json_object_get(root, "modified"), &entry->modified))
		return ag_fail(err, AG_EINVAL,
		    "versions and sequence numbers are strings of digits");
	return check(entry, err);
}

enum ag_status
export_entry_read_json(struct export_entry *entry, struct buf *arena,
    struct bytes line, struct ag_error *err)
{
	enum ag_status status;
	json_error_t where;
	json_t *root;

	*entry = (struct export_entry){ 0 };
	buf_clear(arena);
	if (line.len == 0)
		return ag_fail(err, AG_EINVAL, "the line is empty");
	if (line.len > EXPORT_ENTRY_BYTES_MAX)
		return ag_fail(err, AG_EINVAL, "longer than %u bytes",
		    EXPORT_ENTRY_BYTES_MAX);
	if (text_json_parts(line) > PARTS_MAX)
		return ag_fail(err, AG_EINVAL, "more than an entry has");
	if (buf_reserve(arena, line.len) != AG_OK)
		return ag_fail(err, AG_ENOMEM, "out of memory");
	root = json_loadb((const char *)line.data, line.len,
	    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &where);
	if (root == NULL)
		return ag_fail(err, AG_EINVAL, "column %d: %s", where.column,
		    where.text);
	status = json_is_object(root)
	    ? read_object(entry, arena, root, err)
	    : ag_fail(err, AG_EINVAL, "an entry is a JSON object");
	json_decref(root);
	return status;
}

/* --- CBOR --- */

enum ag_status
export_entry_write_cbor(const struct export_entry *entry, struct buf *out)
{
	const size_t most =
	    entry->key.len + entry->value.len + CBOR_OVERHEAD_BYTES;
	enum ag_status status = buf_reserve(out, most);
	struct encoder e;
	struct bytes done;

	if (status != AG_OK)
		return status;
	encoder_init(&e, out->data + out->len, most);
	encoder_put_array(&e, 5);
	encoder_put_bytes(&e, entry->key);
	encoder_put_bytes(&e, entry->value);
	encoder_put_uint(&e, entry->version);
	encoder_put_uint(&e, entry->created);
	encoder_put_uint(&e, entry->modified);
	status = encoder_finish(&e, &done);
	if (status == AG_OK)
		out->len += done.len;
	return status;
}

enum ag_status
export_entry_read_cbor(struct export_entry *entry, size_t *used,
    struct bytes input, struct ag_error *err)
{
	struct decoder d;

	*entry = (struct export_entry){ 0 };
	*used = 0;
	decoder_init(&d, input);
	decoder_expect_array(&d, 5);
	entry->key = decoder_get_bytes_max(&d, KEY_BYTES_MAX);
	entry->value = decoder_get_bytes_max(&d, VALUE_BYTES_MAX);
	entry->version = decoder_get_uint(&d);
	entry->created = decoder_get_uint(&d);
	entry->modified = decoder_get_uint(&d);
	if (decoder_failed(&d) && d.is_short)
		return AG_EAGAIN;
	if (decoder_failed(&d))
		return ag_fail(err, AG_EINVAL, "%s", d.why);
	*used = decoder_offset(&d);
	return check(entry, err);
}
