/*
 * Canonical CBOR in, one head at a time through libcbor's stream decoder.
 *
 * cbor_load() builds a tree and allocates what a length claims, so it is not
 * used: cbor_stream_decode() reads one item head, allocates nothing and
 * calls back with the value.
 *
 * RULES    1. Heads must be the shortest possible (canonical form): after a
 *             head is read, its size is compared with the size the value
 *             needs.
 *          2. libcbor reports a string only when it is whole in the input,
 *             and a string is borrowed, never copied.
 *          3. Nesting is bounded by the formats themselves; only
 *             decoder_get_raw() meets unknown nesting, and stops at
 *             DECODER_DEPTH_MAX.
 *          4. Heads of one byte or two, which most are, are read here: a
 *             call and its callback take longer than the rest of reading
 *             them.  Whatever is unusual about one is libcbor's to judge.
 */
#include "codec/decoder.h"

#include <string.h>

#include <cbor.h>

#define DECODER_DEPTH_MAX 16

enum item_kind {
	ITEM_NONE,
	ITEM_UINT,
	ITEM_BYTES,
	ITEM_TEXT,
	ITEM_ARRAY,
	ITEM_MAP,
	ITEM_BOOL,
	ITEM_NULL,
};

struct item {
	enum item_kind kind;
	uint64_t value; /* the integer, the count, the truth */
	struct bytes data;
};

static void
on_uint8(void *ctx, uint8_t value)
{
	*(struct item *)ctx = (struct item){ ITEM_UINT, value, { 0 } };
}

static void
on_uint16(void *ctx, uint16_t value)
{
	*(struct item *)ctx = (struct item){ ITEM_UINT, value, { 0 } };
}

static void
on_uint32(void *ctx, uint32_t value)
{
	*(struct item *)ctx = (struct item){ ITEM_UINT, value, { 0 } };
}

static void
on_uint64(void *ctx, uint64_t value)
{
	*(struct item *)ctx = (struct item){ ITEM_UINT, value, { 0 } };
}

static void
on_bytes(void *ctx, cbor_data data, size_t len)
{
	*(struct item *)ctx =
	    (struct item){ ITEM_BYTES, len, bytes_of(data, len) };
}

static void
on_text(void *ctx, cbor_data data, size_t len)
{
	*(struct item *)ctx =
	    (struct item){ ITEM_TEXT, len, bytes_of(data, len) };
}

static void
on_array(void *ctx, size_t count)
{
	*(struct item *)ctx = (struct item){ ITEM_ARRAY, count, { 0 } };
}

static void
on_map(void *ctx, size_t count)
{
	*(struct item *)ctx = (struct item){ ITEM_MAP, count, { 0 } };
}

static void
on_bool(void *ctx, bool value)
{
	*(struct item *)ctx = (struct item){ ITEM_BOOL, value, { 0 } };
}

static void
on_null(void *ctx)
{
	*(struct item *)ctx = (struct item){ ITEM_NULL, 0, { 0 } };
}

/* What no format has keeps the item ITEM_NONE and so fails. */
static const struct cbor_callbacks item_callbacks = {
	.uint8 = on_uint8,
	.uint16 = on_uint16,
	.uint32 = on_uint32,
	.uint64 = on_uint64,
	.byte_string = on_bytes,
	.string = on_text,
	.array_start = on_array,
	.map_start = on_map,
	.boolean = on_bool,
	.null = on_null,
	.negint8 = cbor_null_negint8_callback,
	.negint16 = cbor_null_negint16_callback,
	.negint32 = cbor_null_negint32_callback,
	.negint64 = cbor_null_negint64_callback,
	.byte_string_start = cbor_null_byte_string_start_callback,
	.string_start = cbor_null_string_start_callback,
	.indef_array_start = cbor_null_indef_array_start_callback,
	.indef_map_start = cbor_null_indef_map_start_callback,
	.tag = cbor_null_tag_callback,
	.float2 = cbor_null_float2_callback,
	.float4 = cbor_null_float4_callback,
	.float8 = cbor_null_float8_callback,
	.undefined = cbor_null_undefined_callback,
	.indef_break = cbor_null_indef_break_callback,
};

static const uint8_t nothing;

static size_t
head_size(uint64_t value)
{
	if (value < 24)
		return 1;
	if (value <= UINT8_MAX)
		return 2;
	if (value <= UINT16_MAX)
		return 3;
	return value <= UINT32_MAX ? 5 : 9;
}

void
decoder_init(struct decoder *d, struct bytes input)
{
	/* Of nothing, too, it begins somewhere. */
	const uint8_t *start = input.len == 0 ? &nothing : input.data;

	*d = (struct decoder){
		.at = start,
		.end = start + input.len,
		.start = start,
	};
}

void
decoder_fail(struct decoder *d, const char *why)
{
	if (d->why == NULL)
		d->why = why;
}

/*
 * The kinds whose heads are a value alone, by CBOR's major type; the others'
 * heads go to libcbor.
 */
static const enum item_kind major_kinds[8] = {
	[0] = ITEM_UINT,
	[2] = ITEM_BYTES,
	[3] = ITEM_TEXT,
	[4] = ITEM_ARRAY,
	[5] = ITEM_MAP,
};

/*
 * An item whose head is one byte or two, as short as it can be, and whose
 * string is whole; 0: it is something else.
 */
static size_t
peek_short(const uint8_t *at, size_t remain, struct item *item)
{
	enum item_kind kind = major_kinds[at[0] >> 5];
	size_t value = at[0] & 31, len = 1, string_len = 0;

	if (value == 24 && remain > 1 && at[1] >= 24)
		value = at[len++];
	else if (value >= 24)
		return 0;
	if (kind == ITEM_NONE)
		return 0;
	if (kind == ITEM_BYTES || kind == ITEM_TEXT)
		string_len = value;
	if (remain - len < string_len)
		return 0;
	*item = (struct item){ kind, value, bytes_of(at + len, string_len) };
	return len + string_len;
}

/* Whatever is there: libcbor reads it. */
static size_t
peek_any(struct decoder *d, struct item *item)
{
	struct cbor_decoder_result result;
	size_t len;

	*item = (struct item){ ITEM_NONE, 0, { 0 } };
	if (d->why != NULL)
		return 0;
	if (d->at == d->end) {
		d->is_short = true;
		decoder_fail(d, "ends too early");
		return 0;
	}
	result = cbor_stream_decode(d->at, (size_t)(d->end - d->at),
	    &item_callbacks, item);
	if (result.status == CBOR_DECODER_NEDATA) {
		d->is_short = true;
		decoder_fail(d, "length runs past the end");
		return 0;
	}
	if (result.status != CBOR_DECODER_FINISHED || item->kind == ITEM_NONE) {
		decoder_fail(d, "unsupported item");
		return 0;
	}
	len = item->kind == ITEM_BOOL || item->kind == ITEM_NULL
	    ? 1
	    : head_size(item->value);
	if (result.read != len + item->data.len) {
		decoder_fail(d, "not in canonical form");
		return 0;
	}
	return result.read;
}

/* Read the next item's head (and string), without moving on. */
static size_t
decoder_peek(struct decoder *d, struct item *item)
{
	size_t len = 0;

	if (d->why == NULL && d->at != d->end)
		len = peek_short(d->at, (size_t)(d->end - d->at), item);
	return len > 0 ? len : peek_any(d, item);
}

static struct item
decoder_take(struct decoder *d, enum item_kind kind, const char *why)
{
	struct item item;
	size_t len = decoder_peek(d, &item);

	if (len == 0 || item.kind != kind) {
		decoder_fail(d, why);
		return (struct item){ ITEM_NONE, 0, { 0 } };
	}
	d->at += len;
	return item;
}

uint64_t
decoder_get_uint(struct decoder *d)
{
	return decoder_take(d, ITEM_UINT, "expected an unsigned integer").value;
}

uint64_t
decoder_get_uint_max(struct decoder *d, uint64_t max)
{
	uint64_t value = decoder_get_uint(d);

	if (value > max) {
		decoder_fail(d, "integer out of range");
		return 0;
	}
	return value;
}

bool
decoder_get_bool(struct decoder *d)
{
	return decoder_take(d, ITEM_BOOL, "expected true or false").value != 0;
}

bool
decoder_get_null(struct decoder *d)
{
	struct item item;
	size_t len = decoder_peek(d, &item);

	if (len == 0 || item.kind != ITEM_NULL)
		return false;
	d->at += len;
	return true;
}

struct bytes
decoder_get_bytes(struct decoder *d)
{
	return decoder_take(d, ITEM_BYTES, "expected a byte string").data;
}

struct bytes
decoder_get_bytes_max(struct decoder *d, size_t max)
{
	struct bytes value = decoder_get_bytes(d);

	if (value.len > max) {
		decoder_fail(d, "byte string too long");
		return bytes_of(NULL, 0);
	}
	return value;
}

void
decoder_get_fixed(struct decoder *d, uint8_t *out, size_t len)
{
	struct bytes value = decoder_get_bytes(d);

	if (value.len != len) {
		decoder_fail(d, "byte string of the wrong length");
		memset(out, 0, len);
		return;
	}
	if (len > 0)
		memcpy(out, value.data, len);
}

struct bytes
decoder_get_text_max(struct decoder *d, size_t max)
{
	struct bytes value =
	    decoder_take(d, ITEM_TEXT, "expected a text string").data;

	if (value.len > max) {
		decoder_fail(d, "text string too long");
		return bytes_of(NULL, 0);
	}
	if (!utf8_valid(value)) {
		decoder_fail(d, "text string is not UTF-8");
		return bytes_of(NULL, 0);
	}
	return value;
}

/* Every element takes a byte at least, so more than remain is a lie. */
static size_t
decoder_count(struct decoder *d, enum item_kind kind, size_t max,
    const char *why)
{
	uint64_t count = decoder_take(d, kind, why).value;

	if (count > max) {
		decoder_fail(d, "too many elements");
		return 0;
	}
	if (count > (uint64_t)(d->end - d->at)) {
		d->is_short = true;
		decoder_fail(d, "elements run past the end");
		return 0;
	}
	return (size_t)count;
}

size_t
decoder_get_array_max(struct decoder *d, size_t max)
{
	return decoder_count(d, ITEM_ARRAY, max, "expected an array");
}

void
decoder_expect_array(struct decoder *d, size_t count)
{
	if (decoder_get_array_max(d, count) != count)
		decoder_fail(d, "array of the wrong length");
}

size_t
decoder_get_map_max(struct decoder *d, size_t max)
{
	return decoder_count(d, ITEM_MAP, max, "expected a map");
}

struct bytes
decoder_get_raw(struct decoder *d)
{
	uint64_t left[DECODER_DEPTH_MAX] = { 1 };
	const uint8_t *start = d->at;
	size_t depth = 0;

	for (;;) {
		struct item item;
		size_t len = decoder_peek(d, &item);

		if (len == 0)
			return bytes_of(NULL, 0);
		d->at += len;
		left[depth]--;
		if ((item.kind == ITEM_ARRAY || item.kind == ITEM_MAP) &&
		    item.value > 0) {
			if (depth + 1 == DECODER_DEPTH_MAX ||
			    item.value > (uint64_t)(d->end - d->at)) {
				decoder_fail(d, "nested too deep or too wide");
				return bytes_of(NULL, 0);
			}
			left[++depth] =
			    item.kind == ITEM_MAP ? item.value * 2 : item.value;
		}
		while (left[depth] == 0) {
			if (depth == 0)
				return bytes_of(start, (size_t)(d->at - start));
			depth--;
		}
	}
}

enum ag_status
decoder_finish(const struct decoder *d, struct ag_error *err)
{
	if (d->why != NULL)
		return ag_fail(err, AG_EPROTO, "byte %zu: %s",
		    decoder_offset(d), d->why);
	if (d->at != d->end)
		return ag_fail(err, AG_EPROTO, "byte %zu: %zu bytes too many",
		    decoder_offset(d), (size_t)(d->end - d->at));
	return AG_OK;
}

/* Bytes that follow a lead byte, and the least code point they may make. */
static size_t
utf8_tail(uint8_t lead, uint32_t *min)
{
	if (lead < 0x80) {
		*min = 0;
		return 0;
	}
	if ((lead & 0xe0) == 0xc0) {
		*min = 0x80;
		return 1;
	}
	if ((lead & 0xf0) == 0xe0) {
		*min = 0x800;
		return 2;
	}
	*min = 0x10000;
	return (lead & 0xf8) == 0xf0 ? 3 : SIZE_MAX;
}

bool
utf8_valid(struct bytes data)
{
	size_t i = 0;

	while (i < data.len) {
		uint32_t min, point;
		size_t tail = utf8_tail(data.data[i], &min);
		size_t k;

		if (tail == SIZE_MAX || tail >= data.len - i)
			return false;
		point =
		    tail == 0 ? data.data[i] : data.data[i] & (0x3fU >> tail);
		for (k = 1; k <= tail; k++) {
			if ((data.data[i + k] & 0xc0) != 0x80)
				return false;
			point = point << 6 | (data.data[i + k] & 0x3fU);
		}
		if (point < min || point > 0x10ffff ||
		    (point >= 0xd800 && point <= 0xdfff))
			return false;
		i += tail + 1;
	}
	return true;
}
