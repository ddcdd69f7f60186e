/*
 * The JSON emitter.
 *
 * RULES    1. Commas follow from one flag: set after a value, cleared after
 *             whatever opens or names one.
 *          2. emit_text() is for our own and peers' short texts: what is not
 *             UTF-8 in them leaves as U+FFFD, so the document always is.
 *          3. emit_data() is for stored bytes and loses nothing.
 */
#include "api/emit.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "codec/decoder.h"
#include "codec/text.h"

#define NUMBER_BYTES 24

void
emit_init(struct emitter *e, struct buf *out)
{
	*e = (struct emitter){ .out = out };
}

static void
put(struct emitter *e, const char *text, size_t len)
{
	if (e->status == AG_OK)
		e->status = buf_append(e->out, text, len);
}

static void
put_value(struct emitter *e, const char *text, size_t len)
{
	if (e->needs_comma)
		put(e, ",", 1);
	put(e, text, len);
	e->needs_comma = true;
}

static void
begin(struct emitter *e, const char *bracket)
{
	put_value(e, bracket, 1);
	e->needs_comma = false;
}

static void
end(struct emitter *e, const char *bracket)
{
	put(e, bracket, 1);
	e->needs_comma = true;
}

void
emit_object_begin(struct emitter *e)
{
	begin(e, "{");
}

void
emit_object_end(struct emitter *e)
{
	end(e, "}");
}

void
emit_array_begin(struct emitter *e)
{
	begin(e, "[");
}

void
emit_array_end(struct emitter *e)
{
	end(e, "]");
}

void
emit_key(struct emitter *e, const char *name)
{
	put_value(e, "\"", 1);
	put(e, name, strlen(name));
	put(e, "\":", 2);
	e->needs_comma = false;
}

/* The escape of one byte, or NULL when it goes as it is. */
static const char *
escape_of(uint8_t byte, char scratch[static 8])
{
	if (byte == '"')
		return "\\\"";
	if (byte == '\\')
		return "\\\\";
	if (byte >= 0x20)
		return NULL;
	(void)snprintf(scratch, 8, "\\u%04x", byte);
	return scratch;
}

static void
put_escaped(struct emitter *e, struct bytes text)
{
	const char *escape;
	char scratch[8];
	size_t i, from = 0;

	for (i = 0; i < text.len; i++) {
		escape = escape_of(text.data[i], scratch);
		if (escape == NULL)
			continue;
		put(e, (const char *)text.data + from, i - from);
		put(e, escape, strlen(escape));
		from = i + 1;
	}
	put(e, (const char *)text.data + from, text.len - from);
}

static void
put_ascii_only(struct emitter *e, struct bytes text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.data[i] < 0x80)
			put_escaped(e, bytes_of(text.data + i, 1));
		else
			put(e, "\\ufffd", 6);
}

void
emit_text(struct emitter *e, const char *text)
{
	const struct bytes bytes = bytes_from_text(text);

	put_value(e, "\"", 1);
	if (utf8_valid(bytes))
		put_escaped(e, bytes);
	else
		put_ascii_only(e, bytes);
	put(e, "\"", 1);
}

void
emit_u64(struct emitter *e, uint64_t value)
{
	char text[NUMBER_BYTES];
	int len = snprintf(text, sizeof(text), "\"%" PRIu64 "\"", value);

	put_value(e, text, (size_t)len);
}

void
emit_number(struct emitter *e, int64_t value)
{
	char text[NUMBER_BYTES];
	int len = snprintf(text, sizeof(text), "%" PRId64, value);

	put_value(e, text, (size_t)len);
}

void
emit_bool(struct emitter *e, bool value)
{
	put_value(e, value ? "true" : "false", value ? 4 : 5);
}

void
emit_null(struct emitter *e)
{
	put_value(e, "null", 4);
}

/* UTF-8 without C0 and C1 control characters and DEL. */
static bool
is_plain_text(struct bytes data)
{
	size_t i;

	for (i = 0; i < data.len; i++) {
		if (data.data[i] < 0x20 || data.data[i] == 0x7f)
			return false;
		if (data.data[i] == 0xc2 && i + 1 < data.len &&
		    data.data[i + 1] < 0xa0)
			return false;
	}
	return utf8_valid(data);
}

static void
put_base64(struct emitter *e, struct bytes data)
{
	const size_t cap = TEXT_BASE64_BYTES(data.len);

	if (e->status == AG_OK)
		e->status = buf_reserve(e->out, cap);
	if (e->status != AG_OK)
		return;
	text_base64((char *)e->out->data + e->out->len, cap, data,
	    BASE64_STANDARD);
	e->out->len += cap - 1;
}

void
emit_data(struct emitter *e, struct bytes data)
{
	if (is_plain_text(data)) {
		put_value(e, "\"", 1);
		put_escaped(e, data);
		put(e, "\"", 1);
		return;
	}
	put_value(e, "{\"b64\":\"", 8);
	put_base64(e, data);
	put(e, "\"}", 2);
}

void
emit_hex(struct emitter *e, struct bytes data)
{
	const size_t cap = TEXT_HEX_BYTES(data.len);

	put_value(e, "\"", 1);
	if (e->status == AG_OK)
		e->status = buf_reserve(e->out, cap);
	if (e->status != AG_OK)
		return;
	text_hex((char *)e->out->data + e->out->len, cap, data);
	e->out->len += cap - 1;
	put(e, "\"", 1);
}

void
emit_time_ms(struct emitter *e, uint64_t wall_ms)
{
	char text[CLOCK_TEXT_BYTES];

	clock_format_ms(wall_ms, text);
	emit_text(e, text);
}

void
emit_raw(struct emitter *e, struct bytes json)
{
	if (json.len > 0)
		put_value(e, (const char *)json.data, json.len);
}

void
emit_text_member(struct emitter *e, const char *name, const char *text)
{
	emit_key(e, name);
	emit_text(e, text);
}

void
emit_u64_member(struct emitter *e, const char *name, uint64_t value)
{
	emit_key(e, name);
	emit_u64(e, value);
}

void
emit_number_member(struct emitter *e, const char *name, int64_t value)
{
	emit_key(e, name);
	emit_number(e, value);
}

void
emit_bool_member(struct emitter *e, const char *name, bool value)
{
	emit_key(e, name);
	emit_bool(e, value);
}

void
emit_data_member(struct emitter *e, const char *name, struct bytes data)
{
	emit_key(e, name);
	emit_data(e, data);
}

void
emit_hex_member(struct emitter *e, const char *name, struct bytes data)
{
	emit_key(e, name);
	emit_hex(e, data);
}

void
emit_time_member(struct emitter *e, const char *name, uint64_t wall_ms)
{
	emit_key(e, name);
	emit_time_ms(e, wall_ms);
}

void
emit_text_or_null(struct emitter *e, const char *name, const char *text)
{
	emit_key(e, name);
	if (text == NULL)
		emit_null(e);
	else
		emit_text(e, text);
}

void
emit_u64_or_null(struct emitter *e, const char *name, bool is_known,
    uint64_t value)
{
	emit_key(e, name);
	if (is_known)
		emit_u64(e, value);
	else
		emit_null(e);
}

void
emit_time_or_null(struct emitter *e, const char *name, uint64_t wall_ms)
{
	emit_key(e, name);
	if (wall_ms == 0)
		emit_null(e);
	else
		emit_time_ms(e, wall_ms);
}
