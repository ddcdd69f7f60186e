/*
 * pkcs11: URIs, by a table of the attributes that are known here.
 *
 * RULES    1. Whatever is not understood is refused.  A URI names a key to
 *             sign with, and one of which a part was passed over could name
 *             another.
 *          2. No PIN is taken from a URI: URIs stand in arguments, files and
 *             logs.
 *          3. A value has no NUL, is not empty and fits what it is compared
 *             with.
 */
#include "token/token_uri.h"

#include <stddef.h>
#include <string.h>

#define SCHEME "pkcs11:"
#define FILE_SCHEME "file:"
#define FILE_LEN (sizeof(FILE_SCHEME) - 1)

enum kind {
	KIND_TEXT,
	KIND_ID,
	KIND_CLASS,
	KIND_PATH, /* absolute */
	KIND_PIN,  /* a file's path */
};

static const struct attribute {
	const char *name;
	enum kind kind;
	bool is_query;
	size_t offset;
	size_t cap;
} attributes[] = {
#define TEXT(field)                        \
	offsetof(struct token_uri, field), \
	    sizeof(((struct token_uri *)NULL)->field)
	{ "token", KIND_TEXT, false, TEXT(token) },
	{ "manufacturer", KIND_TEXT, false, TEXT(manufacturer) },
	{ "model", KIND_TEXT, false, TEXT(model) },
	{ "serial", KIND_TEXT, false, TEXT(serial) },
	{ "object", KIND_TEXT, false, TEXT(object) },
	{ "id", KIND_ID, false, TEXT(id) },
	{ "type", KIND_CLASS, false, 0, 16 },
	{ "module-name", KIND_TEXT, true, TEXT(module_name) },
	{ "module-path", KIND_PATH, true, TEXT(module_path) },
	{ "pin-source", KIND_PIN, true, TEXT(pin_source) },
#undef TEXT
};

#define ATTRIBUTE_COUNT (sizeof(attributes) / sizeof(attributes[0]))

static const char *const classes[] = {
	[TOKEN_CLASS_ANY] = "",
	[TOKEN_CLASS_PUBLIC] = "public",
	[TOKEN_CLASS_PRIVATE] = "private",
	[TOKEN_CLASS_SECRET] = "secret-key",
};

const char *token_uri_class_name(enum token_class class)
{
	return classes[class];
}

bool
token_uri_is_one(const char *text)
{
	return strncmp(text, SCHEME, strlen(SCHEME)) == 0;
}

/* RFC 7512, 2.3: what stands for itself in a value. */
static bool
is_plain(uint8_t c, bool is_query)
{
	if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z'))
		return true;
	if (c == '\0')
		return false;
	return strchr(is_query ? "-._~:[]@!$'()*+,=/?|" : "-._~:[]@!$'()*+,=&",
		   c) != NULL;
}

static int
hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One byte off a value; -1 when it is none. */
static int
take_byte(struct bytes *value, bool is_query)
{
	uint8_t c = value->data[0];
	int high, low;

	if (c != '%') {
		*value = bytes_of(value->data + 1, value->len - 1);
		return is_plain(c, is_query) ? c : -1;
	}
	if (value->len < 3)
		return -1;
	high = hex_digit(value->data[1]);
	low = hex_digit(value->data[2]);
	*value = bytes_of(value->data + 3, value->len - 3);
	return high == -1 || low == -1 ? -1 : high << 4 | low;
}

static enum ag_status
too_long(const struct attribute *a, size_t most, struct ag_error *err)
{
	return ag_fail(err, AG_EINVAL,
	    "pkcs11: URI: %s is longer than %zu bytes", a->name, most);
}

static enum ag_status
decode(uint8_t *out, size_t cap, size_t *len, const struct attribute *a,
    struct bytes value, struct ag_error *err)
{
	*len = 0;
	while (value.len > 0) {
		int c = take_byte(&value, a->is_query);

		if (c == -1 || (c == 0 && a->kind != KIND_ID))
			return ag_fail(err, AG_EINVAL,
			    "pkcs11: URI: the value of %s has a character "
			    "that must be written as %%XX",
			    a->name);
		if (*len == cap)
			return too_long(a, cap, err);
		out[(*len)++] = (uint8_t)c;
	}
	if (*len == 0)
		return ag_fail(err, AG_EINVAL, "pkcs11: URI: %s has no value",
		    a->name);
	return AG_OK;
}

static enum ag_status
take_class(struct token_uri *uri, const char *text, struct ag_error *err)
{
	for (size_t i = TOKEN_CLASS_PUBLIC; i <= TOKEN_CLASS_SECRET; i++) {
		if (strcmp(text, classes[i]) == 0) {
			uri->class = (enum token_class)i;
			return AG_OK;
		}
	}
	return ag_fail(err, AG_EINVAL,
	    "pkcs11: URI: type is not one of public, private, secret-key");
}

/* A path must begin at the root: who runs us may be anywhere. */
static enum ag_status
take_path(char *out, const struct attribute *a, char *text,
    struct ag_error *err)
{
	if (a->kind == KIND_PIN && strncmp(text, FILE_SCHEME, FILE_LEN) == 0)
		text += FILE_LEN;
	if (text[0] != '/')
		return ag_fail(err, AG_EINVAL,
		    "pkcs11: URI: %s is not a file's absolute path", a->name);
	if (strlen(text) >= a->cap)
		return too_long(a, a->cap - 1, err);
	memcpy(out, text, strlen(text) + 1);
	return AG_OK;
}

/* The most a value may have; texts end with a NUL. */
static size_t
value_cap(const struct attribute *a)
{
	if (a->kind == KIND_ID)
		return a->cap;
	return a->kind == KIND_PIN ? a->cap + FILE_LEN - 1 : a->cap - 1;
}

static enum ag_status
take_value(struct token_uri *uri, const struct attribute *a, struct bytes value,
    struct ag_error *err)
{
	uint8_t text[TOKEN_PATH_BYTES + FILE_LEN];
	char *out = (char *)uri + a->offset;
	enum ag_status status;
	size_t len;

	status = decode(text, value_cap(a), &len, a, value, err);
	if (status != AG_OK)
		return status;
	if (a->kind == KIND_ID) {
		memcpy(uri->id, text, len);
		uri->id_len = len;
		return AG_OK;
	}
	text[len] = '\0';
	if (a->kind == KIND_CLASS)
		return take_class(uri, (const char *)text, err);
	if (a->kind != KIND_TEXT)
		return take_path(out, a, (char *)text, err);
	memcpy(out, text, len + 1);
	return AG_OK;
}

static const struct attribute *
find_attribute(struct bytes name, bool is_query)
{
	for (size_t i = 0; i < ATTRIBUTE_COUNT; i++)
		if (attributes[i].is_query == is_query &&
		    bytes_equal(name, bytes_from_text(attributes[i].name)))
			return &attributes[i];
	return NULL;
}

/* "name=value"; seen has a bit for each that was there. */
static enum ag_status
take_attribute(struct token_uri *uri, uint32_t *seen, struct bytes text,
    bool is_query, struct ag_error *err)
{
	const uint8_t *equals =
	    text.len > 0 ? memchr(text.data, '=', text.len) : NULL;
	const struct attribute *a;
	struct bytes name;
	uint32_t bit;

	if (equals == NULL)
		return ag_fail(err, AG_EINVAL,
		    "pkcs11: URI: it is made of NAME=VALUE, ';' between them, "
		    "then '?' and NAME=VALUE with '&' between them");
	name = bytes_of(text.data, (size_t)(equals - text.data));
	if (is_query && bytes_equal(name, bytes_from_text("pin-value")))
		return ag_fail(err, AG_EREFUSED,
		    "pkcs11: URI: no PIN is taken from pin-value; use "
		    "pin-source, --pin-file or --pin-fd");
	a = find_attribute(name, is_query);
	if (a == NULL)
		return ag_fail(err, AG_EINVAL,
		    "pkcs11: URI: attribute '%.*s' is not known %s",
		    (int)(name.len < 40 ? name.len : 40),
		    (const char *)name.data,
		    is_query ? "behind the '?'" : "before a '?'");
	bit = UINT32_C(1) << (a - attributes);
	if ((*seen & bit) != 0)
		return ag_fail(err, AG_EINVAL, "pkcs11: URI: %s is given twice",
		    a->name);
	*seen |= bit;
	return take_value(uri, a,
	    bytes_of(equals + 1, text.len - (size_t)(equals + 1 - text.data)),
	    err);
}

static enum ag_status
take_part(struct token_uri *uri, uint32_t *seen, struct bytes part,
    bool is_query, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	const uint8_t *end;

	while (status == AG_OK) {
		end = memchr(part.data, is_query ? '&' : ';', part.len);
		if (end == NULL)
			return take_attribute(uri, seen, part, is_query, err);
		status = take_attribute(uri, seen,
		    bytes_of(part.data, (size_t)(end - part.data)), is_query,
		    err);
		part =
		    bytes_of(end + 1, part.len - (size_t)(end + 1 - part.data));
	}
	return status;
}

static enum ag_status
check_whole(const struct token_uri *uri, struct ag_error *err)
{
	if (uri->module_name[0] != '\0' && uri->module_path[0] != '\0')
		return ag_fail(err, AG_EINVAL,
		    "pkcs11: URI: module-name and module-path exclude each "
		    "other");
	if (strchr(uri->module_name, '/') != NULL)
		return ag_fail(err, AG_EINVAL,
		    "pkcs11: URI: module-name has a '/'; a path is "
		    "module-path");
	return AG_OK;
}

enum ag_status
token_uri_parse(struct token_uri *uri, const char *text, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	const uint8_t *query;
	uint32_t seen = 0;
	struct bytes rest;

	*uri = (struct token_uri){ 0 };
	if (!token_uri_is_one(text))
		return ag_fail(err, AG_EINVAL, "not a pkcs11: URI");
	rest = bytes_from_text(text + strlen(SCHEME));
	if (rest.len > TOKEN_URI_BYTES_MAX)
		return ag_fail(err, AG_EINVAL,
		    "pkcs11: URI: longer than %d bytes", TOKEN_URI_BYTES_MAX);
	query = memchr(rest.data, '?', rest.len);
	if (query != NULL)
		status = take_part(uri, &seen,
		    bytes_of(query + 1,
			rest.len - (size_t)(query + 1 - rest.data)),
		    true, err);
	if (query != NULL)
		rest.len = (size_t)(query - rest.data);
	if (status == AG_OK && rest.len > 0)
		status = take_part(uri, &seen, rest, false, err);
	return status == AG_OK ? check_whole(uri, err) : status;
}

static enum ag_status
put_value(struct buf *out, const struct attribute *a, struct bytes value)
{
	enum ag_status status = AG_OK;

	for (size_t i = 0; i < value.len && status == AG_OK; i++)
		status =
		    a->kind != KIND_ID && is_plain(value.data[i], a->is_query)
		    ? buf_append(out, &value.data[i], 1)
		    : buf_printf(out, "%%%02X", (unsigned int)value.data[i]);
	return status;
}

static struct bytes
value_of(const struct token_uri *uri, const struct attribute *a)
{
	if (a->kind == KIND_ID)
		return bytes_of(uri->id, uri->id_len);
	if (a->kind == KIND_CLASS)
		return bytes_from_text(classes[uri->class]);
	return bytes_from_text((const char *)uri + a->offset);
}

enum ag_status
token_uri_format(struct buf *out, const struct token_uri *uri)
{
	enum ag_status status = buf_printf(out, SCHEME);
	bool is_first[] = { true, true };

	for (size_t i = 0; i < ATTRIBUTE_COUNT && status == AG_OK; i++) {
		const struct attribute *a = &attributes[i];
		struct bytes value = value_of(uri, a);
		const char *before = a->is_query ? "&" : ";";

		if (value.len == 0)
			continue;
		if (is_first[a->is_query])
			before = a->is_query ? "?" : "";
		is_first[a->is_query] = false;
		status = buf_printf(out, "%s%s=%s", before, a->name,
		    a->kind == KIND_PIN ? FILE_SCHEME : "");
		if (status == AG_OK)
			status = put_value(out, a, value);
	}
	return status;
}
