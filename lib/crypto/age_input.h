/*
 * An age file that is read: armored or not, its header, and what follows.
 *
 *	status = age_input_open(&in, source, arg, err);
 *	status = age_wrap_open(&file_key, age_input_header(in), key, err);
 *	status = age_input_check(in, file_key, err);
 *	status = stream_reader_open(&reader, file_key, age_input_get, in, err);
 *
 * Ownership  _open() hands out, _close() takes back.
 * Threads    one at a time per input.
 */
#ifndef AEGIS_CRYPTO_AGE_INPUT_H
#define AEGIS_CRYPTO_AGE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/age_header.h"
#include "crypto/stream.h"

struct age_input;

/* Reads the header.  What it fails with is said of "it", the file. */
enum ag_status age_input_open(struct age_input **out, stream_source_fn *source,
    void *arg, struct ag_error *err) AG_MUST_USE;
void age_input_close(struct age_input *in);

bool age_input_is_armored(const struct age_input *in);
const struct age_header *age_input_header(const struct age_input *in);
size_t age_input_header_len(const struct age_input *in);

/* AG_EFORGED: the header is not as whoever had the file key wrote it. */
enum ag_status age_input_check(const struct age_input *in,
    const struct secret *file_key, struct ag_error *err) AG_MUST_USE;

/* A stream_source_fn of an input: what follows the header. */
enum ag_status age_input_get(void *in, uint8_t *out, size_t cap, size_t *len,
    struct ag_error *err) AG_MUST_USE;

/*
 * The source was moved to another place: what was read ahead is dropped.  Not
 * for armored ones.
 */
void age_input_restart(struct age_input *in);

#endif
