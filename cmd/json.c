/*
 * The JSON writer.
 *
 * RULES    1. Well-formed by construction: commas and depth are kept here,
 *             and unbalanced calls are our own fault (AG_ASSERT).
 *          2. Controls and DEL are escaped, also the separators that
 *             JavaScript takes for line ends.
 *          3. Write errors stay in the stream; who closes it asks ferror().
 */
#include "cmd/json.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cmd/display.h"
#include "codec/text.h"

void
json_init(struct json *json, FILE *stream)
{
	*json = (struct json){ .stream = stream };
}

/* What goes before any value: a comma unless it is the first. */
static void
json_before(struct json *json)
{
	if (json->after_key) {
		json->after_key = false;
		return;
	}
	if (json->has_items[json->depth])
		(void)fputc(',', json->stream);
	json->has_items[json->depth] = true;
}

static void
json_open(struct json *json, char bracket)
{
	json_before(json);
	(void)fputc(bracket, json->stream);
	AG_ASSERT(json->depth + 1 < JSON_DEPTH_MAX);
	json->has_items[++json->depth] = false;
}

static void
json_close(struct json *json, char bracket)
{
	AG_ASSERT(json->depth > 0);
	AG_ASSERT(!json->after_key);
	json->depth--;
	(void)fputc(bracket, json->stream);
}

void
json_object_begin(struct json *json)
{
	json_open(json, '{');
}

void
json_object_end(struct json *json)
{
	json_close(json, '}');
}

void
json_array_begin(struct json *json)
{
	json_open(json, '[');
}

void
json_array_end(struct json *json)
{
	json_close(json, ']');
}

static void
json_escaped(FILE *stream, struct bytes text)
{
	(void)fputc('"', stream);
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.data[i];

		if (byte == '"' || byte == '\\')
			(void)fprintf(stream, "\\%c", byte);
		else if (byte == '\n')
			(void)fputs("\\n", stream);
		else if (byte < 0x20 || byte == 0x7f)
			(void)fprintf(stream, "\\u%04x", byte);
		else if (byte == 0xe2 && i + 2 < text.len &&
		    text.data[i + 1] == 0x80 && text.data[i + 2] >= 0xa8 &&
		    text.data[i + 2] <= 0xae) {
			(void)fprintf(stream, "\\u20%02x",
			    text.data[i + 2] - 0x80U);
			i += 2;
		} else
			(void)fputc(byte, stream);
	}
	(void)fputc('"', stream);
}

static bool
json_is_utf8(struct bytes text)
{
	while (text.len > 0) {
		uint32_t code;
		size_t len = display_decode(text, &code);

		if (len == 0)
			return false;
		text = bytes_of(text.data + len, text.len - len);
	}
	return true;
}

static void
json_base64(struct json *json, struct bytes data)
{
	size_t cap = TEXT_BASE64_BYTES(data.len);
	char *text = malloc(cap);

	json_object_begin(json);
	json_key(json, "b64");
	if (text == NULL) {
		json_null(json);
	} else {
		text_base64(text, cap, data, BASE64_STANDARD);
		json_text(json, text);
	}
	json_object_end(json);
	free(text);
}

void
json_bytes(struct json *json, struct bytes text)
{
	if (!json_is_utf8(text)) {
		json_base64(json, text);
		return;
	}
	json_before(json);
	json_escaped(json->stream, text);
}

void
json_key(struct json *json, const char *key)
{
	AG_ASSERT(!json->after_key);
	json_before(json);
	json_escaped(json->stream, bytes_from_text(key));
	(void)fputc(':', json->stream);
	json->after_key = true;
}

void
json_text(struct json *json, const char *text)
{
	if (text == NULL)
		json_null(json);
	else
		json_bytes(json, bytes_from_text(text));
}

void
json_u64(struct json *json, uint64_t value)
{
	json_before(json);
	(void)fprintf(json->stream, "\"%" PRIu64 "\"", value);
}

void
json_number(struct json *json, int value)
{
	json_before(json);
	(void)fprintf(json->stream, "%d", value);
}

void
json_bool(struct json *json, bool value)
{
	json_before(json);
	(void)fputs(value ? "true" : "false", json->stream);
}

void
json_null(struct json *json)
{
	json_before(json);
	(void)fputs("null", json->stream);
}

void
json_line_end(struct json *json)
{
	AG_ASSERT(json->depth == 0);
	(void)fputc('\n', json->stream);
	json->has_items[0] = false;
}
