/*
 * Authenticated encryption of streams of any length in constant memory: the
 * payloads of age files.
 *
 * FORMAT  salt (16), then chunks: 64 KiB of plain text (the last one
 *         shorter, and empty only when the whole stream is), each followed
 *         by its tag (16).
 *         key    HKDF-SHA256 of the file key and the salt, for "payload"
 *         chunk  ChaCha20-Poly1305 (RFC 8439), nonce 000000 | u64 number
 *                from 0, big-endian | 01 for the last chunk, else 00
 *
 * Chunks can not be changed, moved, dropped, or cut off at the end without
 * being found out.
 *
 * Ownership  _open() hands out, _close() takes back and wipes.
 * Threads    one at a time per stream.
 */
#ifndef AEGIS_CRYPTO_STREAM_H
#define AEGIS_CRYPTO_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/secret.h"

#define STREAM_SALT_BYTES 16
#define STREAM_CHUNK_BYTES 65536
#define STREAM_TAG_BYTES 16
#define STREAM_SEALED_BYTES (STREAM_CHUNK_BYTES + STREAM_TAG_BYTES)

struct stream_writer;
struct stream_reader;

/* Takes bytes, in order.  What it fails with is passed on. */
typedef enum ag_status stream_sink_fn(void *arg, struct bytes data,
    struct ag_error *err);

/* Gives up to cap bytes; *len 0 only at the end. */
typedef enum ag_status stream_source_fn(void *arg, uint8_t *out, size_t cap,
    size_t *len, struct ag_error *err);

/*
 * salt must not have served the file key before, but for the same plain
 * text, which comes out the same; NULL: a new one.
 */
enum ag_status stream_writer_open(struct stream_writer **out,
    const struct secret *file_key, const uint8_t *salt, stream_sink_fn *sink,
    void *arg, struct ag_error *err) AG_MUST_USE;
enum ag_status stream_writer_put(struct stream_writer *writer,
    struct bytes plain, struct ag_error *err) AG_MUST_USE;

/* Write the last chunk.  Without it the stream reads as cut short. */
enum ag_status stream_writer_finish(struct stream_writer *writer,
    struct ag_error *err) AG_MUST_USE;
void stream_writer_close(struct stream_writer *writer);

/* Reads the salt.  AG_ECORRUPT: there is not all of it. */
enum ag_status stream_reader_open(struct stream_reader **out,
    const struct secret *file_key, stream_source_fn *source, void *arg,
    struct ag_error *err) AG_MUST_USE;

/* Borrowed, of STREAM_SALT_BYTES. */
const uint8_t *stream_reader_salt(const struct stream_reader *reader);

/*
 * The next chunk's plain bytes, verified, and borrowed until the next call.
 * They are empty only at the end, which is verified, too: nothing follows
 * and nothing is missing.
 * AG_EFORGED   wrong key, or damaged, or cut short
 */
enum ag_status stream_reader_next(struct stream_reader *reader,
    struct bytes *plain, struct ag_error *err) AG_MUST_USE;

/*
 * What source gives from here on begins with chunk number.  What is in front
 * of it is not verified; where the stream ends is, by whoever reads the end.
 */
void stream_reader_seek(struct stream_reader *reader, uint64_t number);
void stream_reader_close(struct stream_reader *reader);

/* How many bytes a stream of so many plain bytes takes. */
uint64_t stream_sealed_len(uint64_t plain_len);

/* The other way round; false when no stream is as long. */
bool stream_plain_len(uint64_t *plain_len, uint64_t sealed_len);

#endif
