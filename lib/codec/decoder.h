/*
 * Read canonical CBOR from hostile bytes.
 *
 * The reader asks for what its format says comes next.  Whatever else is
 * there (another type, a longer head than needed, an indefinite length, a
 * length past the end, trailing bytes) makes the decoder failed, and it
 * stays so: read everything, then ask decoder_finish() once.  Failed reads
 * give zero values, never garbage.
 *
 * Nothing is allocated; byte and text strings are borrowed from the input.
 * A count is only believed up to the bytes that remain, so a claimed length
 * costs nothing.
 */
#ifndef AEGIS_CODEC_DECODER_H
#define AEGIS_CODEC_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

struct decoder {
	const uint8_t *at;
	const uint8_t *end;
	const uint8_t *start;
	const char *why; /* NULL while all is well */
	bool is_short;   /* failed because the input ends too early */
};

void decoder_init(struct decoder *d, struct bytes input);

uint64_t decoder_get_uint(struct decoder *d);

/* An unsigned integer of at most max, else the decoder has failed. */
uint64_t decoder_get_uint_max(struct decoder *d, uint64_t max);
bool decoder_get_bool(struct decoder *d);

/* Consume a null and return true, or leave what is there and return false. */
bool decoder_get_null(struct decoder *d);

struct bytes decoder_get_bytes(struct decoder *d);
struct bytes decoder_get_bytes_max(struct decoder *d, size_t max);

/* Exactly len bytes, copied to out; zeroes when failed. */
void decoder_get_fixed(struct decoder *d, uint8_t *out, size_t len);

/* Valid UTF-8 of at most max bytes, without a terminator. */
struct bytes decoder_get_text_max(struct decoder *d, size_t max);

/* The count of an array of at most max elements; 0 when failed. */
size_t decoder_get_array_max(struct decoder *d, size_t max);
void decoder_expect_array(struct decoder *d, size_t count);
size_t decoder_get_map_max(struct decoder *d, size_t max);

/* Skip one item of any supported shape, and return its encoding. */
struct bytes decoder_get_raw(struct decoder *d);

static inline bool
decoder_failed(const struct decoder *d)
{
	return d->why != NULL;
}

/* Mark the input as wrong for a reason the format knows. */
void decoder_fail(struct decoder *d, const char *why);

/* AG_OK when everything was read, nothing is left and nothing failed. */
enum ag_status decoder_finish(const struct decoder *d,
    struct ag_error *err) AG_MUST_USE;

/* How many bytes have been read. */
static inline size_t
decoder_offset(const struct decoder *d)
{
	return (size_t)(d->at - d->start);
}

/* True when data is well-formed UTF-8 (RFC 3629). */
bool utf8_valid(struct bytes data);

#endif
