/*
 * Write canonical CBOR (RFC 8949 section 4.2.1) into caller's memory.
 *
 * Only the shapes AEGIS uses: unsigned integers, booleans, null, byte and
 * text strings, arrays and maps of known length.  Formats of AEGIS are arrays
 * of fixed shape; where one needs a map, its keys are unsigned integers and
 * the caller writes them in rising order.
 *
 * An encoder never writes past its end and never allocates.  The first call
 * that does not fit makes it overflowed, and it stays so: encode everything,
 * then ask encoder_finish() once.
 *
 * Ownership  the memory is the caller's.
 * Threads    none of its own.
 */
#ifndef AEGIS_CODEC_ENCODER_H
#define AEGIS_CODEC_ENCODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

struct encoder {
	uint8_t *out;
	size_t len;
	size_t cap;
	bool overflowed;
};

void encoder_init(struct encoder *e, uint8_t *out, size_t cap);

void encoder_put_uint(struct encoder *e, uint64_t value);
void encoder_put_bool(struct encoder *e, bool value);
void encoder_put_null(struct encoder *e);
void encoder_put_bytes(struct encoder *e, struct bytes value);
void encoder_put_text(struct encoder *e, struct bytes value);
void encoder_put_array(struct encoder *e, size_t count);
void encoder_put_map(struct encoder *e, size_t count);

/* Append bytes that are already canonical CBOR. */
void encoder_put_raw(struct encoder *e, struct bytes value);

/*
 * Begin a byte string of exactly len bytes and hand out where they go, for
 * contents written in place.  NULL when it does not fit.
 */
uint8_t *encoder_put_bytes_inplace(struct encoder *e, size_t len);

/* The head of a byte string whose len bytes the caller lays behind it. */
void encoder_put_bytes_head(struct encoder *e, size_t len);

/* The encoding so far.  AG_ELIMIT when anything did not fit. */
enum ag_status encoder_finish(const struct encoder *e,
    struct bytes *out) AG_MUST_USE;

#endif
