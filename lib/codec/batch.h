/*
 * Requests in their envelopes, and batches of envelopes: what is agreed.
 *
 * FORMAT  envelope  [principal (32), first, expiry_ms, [operation…],
 *                    signature (64)]
 *         batch     [time_ms, flags, [envelope…]]
 *
 * Operations of an envelope are numbered first, first + 1, …; a principal
 * never uses a number twice.  expiry_ms is compared with the batch's agreed
 * time; 0 never expires.  A batch without envelopes is a null request.
 * The signature is trust/request.h's business.
 */
#ifndef AEGIS_CODEC_BATCH_H
#define AEGIS_CODEC_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/decoder.h"
#include "codec/encoder.h"

#define PRINCIPAL_BYTES 32
#define ENVELOPE_OPERATIONS_MAX 1024
#define BATCH_ENVELOPES_MAX 1024

/* Take a checkpoint after this batch, whatever its sequence. */
#define BATCH_FLAG_CHECKPOINT 1U

struct envelope {
	uint8_t principal[PRINCIPAL_BYTES];
	uint64_t first;
	uint64_t expiry_ms;
	size_t operation_count;
	struct bytes operations; /* the array's elements, one after another */
	struct bytes statement;  /* what the signature covers, see below */
	uint8_t signature[64];
	struct bytes raw; /* the whole envelope */
};

struct batch {
	uint64_t time_ms;
	uint32_t flags;
	size_t envelope_count;
	struct bytes envelopes; /* the array's elements */
};

/* Decode one envelope; statement is the encoding of its first four fields,
 * without the array head. */
enum ag_status envelope_decode(struct envelope *envelope, struct bytes input,
    struct ag_error *err) AG_MUST_USE;

/* Decode from the middle of a larger item; d fails when it is wrong. */
void envelope_decode_from(struct decoder *d, struct envelope *envelope);

enum ag_status batch_decode(struct batch *batch, struct bytes input,
    struct ag_error *err) AG_MUST_USE;

/*
 * Does an encoded batch hold this request?  No, when it is no batch.
 */
bool batch_holds(struct bytes input,
    const uint8_t principal[static PRINCIPAL_BYTES], uint64_t number);

/* Write a batch head; then count raw envelopes follow by encoder_put_raw. */
void batch_encode_head(struct encoder *e, uint64_t time_ms, uint32_t flags,
    size_t count);

/*
 * Walk a decoded batch: init a decoder on batch->envelopes and call
 * envelope_decode_from() envelope_count times.  Likewise each operation of
 * an envelope is one byte string in envelope->operations.
 */

#endif
