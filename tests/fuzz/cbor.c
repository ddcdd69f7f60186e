/*
 * Any canonical item read by decoder_get_raw() is read again piece by piece
 * and written again: what was accepted has exactly one encoding.
 */
#include <stdint.h>

#include "codec/decoder.h"
#include "codec/encoder.h"

#define OUT_BYTES (1U << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Copy one item from d to e by its first byte's major type. */
static void
copy_item(struct decoder *d, struct encoder *e)
{
	size_t i, count;

	switch (*d->at >> 5) {
	case 0:
		encoder_put_uint(e, decoder_get_uint(d));
		return;
	case 2:
		encoder_put_bytes(e, decoder_get_bytes(d));
		return;
	case 3:
		encoder_put_raw(e, decoder_get_raw(d));
		return;
	case 4:
		count = decoder_get_array_max(d, SIZE_MAX);
		encoder_put_array(e, count);
		break;
	case 5:
		count = 2 * decoder_get_map_max(d, SIZE_MAX / 2);
		encoder_put_map(e, count / 2);
		break;
	default:
		if (decoder_get_null(d))
			encoder_put_null(e);
		else
			encoder_put_bool(e, decoder_get_bool(d));
		return;
	}
	for (i = 0; i < count && !decoder_failed(d); i++)
		copy_item(d, e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t out[OUT_BYTES];
	struct decoder d, again;
	struct encoder e;
	struct bytes raw, copy;

	decoder_init(&d, bytes_of(data, len));
	raw = decoder_get_raw(&d);
	if (decoder_failed(&d)) {
		AG_ASSERT(raw.len == 0);
		return 0;
	}
	AG_ASSERT(raw.data == data && raw.len <= len);
	if (raw.len > OUT_BYTES)
		return 0;
	decoder_init(&again, raw);
	encoder_init(&e, out, sizeof(out));
	copy_item(&again, &e);
	AG_ASSERT(decoder_finish(&again, NULL) == AG_OK);
	AG_ASSERT(encoder_finish(&e, &copy) == AG_OK);
	AG_ASSERT(bytes_equal(copy, raw));
	return 0;
}
