/*
 * Canonical CBOR out, by libcbor's streaming encoders.
 *
 * They always choose the shortest head and write into memory we give them,
 * which is all that canonical form asks of us besides key order and definite
 * lengths.
 */
#include "codec/encoder.h"

#include <string.h>

#include <cbor.h>

void
encoder_init(struct encoder *e, uint8_t *out, size_t cap)
{
	*e = (struct encoder){ .out = out, .cap = cap };
}

/* libcbor's encoders return 0 when the head does not fit. */
static void
encoder_advance(struct encoder *e, size_t written)
{
	if (written == 0)
		e->overflowed = true;
	else
		e->len += written;
}

static uint8_t *
encoder_at(const struct encoder *e)
{
	return e->out + e->len;
}

static size_t
encoder_room(const struct encoder *e)
{
	return e->overflowed ? 0 : e->cap - e->len;
}

void
encoder_put_uint(struct encoder *e, uint64_t value)
{
	encoder_advance(e,
	    cbor_encode_uint(value, encoder_at(e), encoder_room(e)));
}

void
encoder_put_bool(struct encoder *e, bool value)
{
	encoder_advance(e,
	    cbor_encode_bool(value, encoder_at(e), encoder_room(e)));
}

void
encoder_put_null(struct encoder *e)
{
	encoder_advance(e, cbor_encode_null(encoder_at(e), encoder_room(e)));
}

void
encoder_put_raw(struct encoder *e, struct bytes value)
{
	if (value.len == 0)
		return;
	if (encoder_room(e) < value.len) {
		e->overflowed = true;
		return;
	}
	memcpy(encoder_at(e), value.data, value.len);
	e->len += value.len;
}

void
encoder_put_bytes_head(struct encoder *e, size_t len)
{
	encoder_advance(e,
	    cbor_encode_bytestring_start(len, encoder_at(e), encoder_room(e)));
}

void
encoder_put_bytes(struct encoder *e, struct bytes value)
{
	encoder_put_bytes_head(e, value.len);
	encoder_put_raw(e, value);
}

uint8_t *
encoder_put_bytes_inplace(struct encoder *e, size_t len)
{
	uint8_t *at;

	encoder_put_bytes_head(e, len);
	if (encoder_room(e) < len) {
		e->overflowed = true;
		return NULL;
	}
	at = encoder_at(e);
	e->len += len;
	return at;
}

void
encoder_put_text(struct encoder *e, struct bytes value)
{
	encoder_advance(e,
	    cbor_encode_string_start(value.len, encoder_at(e),
		encoder_room(e)));
	encoder_put_raw(e, value);
}

void
encoder_put_array(struct encoder *e, size_t count)
{
	encoder_advance(e,
	    cbor_encode_array_start(count, encoder_at(e), encoder_room(e)));
}

void
encoder_put_map(struct encoder *e, size_t count)
{
	encoder_advance(e,
	    cbor_encode_map_start(count, encoder_at(e), encoder_room(e)));
}

enum ag_status
encoder_finish(const struct encoder *e, struct bytes *out)
{
	*out = bytes_of(e->out, e->overflowed ? 0 : e->len);
	return e->overflowed ? AG_ELIMIT : AG_OK;
}
