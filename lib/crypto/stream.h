/*
 * Authenticated encryption of streams of any length in constant memory.
 *
 * FORMAT  salt (32), then chunks: 64 KiB of plain text (the last one
 *         shorter, and empty only when the whole stream is), each followed
 *         by its tag (16).
 *         key    BLAKE2b-256 keyed with the file key over
 *                "aegis/stream/v1" NUL | salt | BLAKE2b-256 of the header
 *         chunk  ChaCha20-Poly1305 (RFC 8439), nonce u64 number from 0,
 *                big-endian | 000000 | 01 for the last chunk, else 00
 *
 * The header is what the caller writes in front (or knows): it is not in the
 * stream, and nothing opens unless it is the same bytes.  Chunks can not be
 * changed, moved, dropped, or cut off at the end without being found out.
 *
 * Ownership  _open() hands out, _close() takes back and wipes.
 * Threads    one at a time per stream.
 */
#ifndef AEGIS_CRYPTO_STREAM_H
#define AEGIS_CRYPTO_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/secret.h"

#define STREAM_KEY_BYTES 32
#define STREAM_SALT_BYTES 32
#define STREAM_CHUNK_BYTES 65536
#define STREAM_TAG_BYTES 16

struct stream_writer;
struct stream_reader;

/* Takes sealed bytes, in order.  What it fails with is passed on. */
typedef enum ag_status stream_sink_fn(void *arg, struct bytes data,
    struct ag_error *err);

/* Gives up to cap bytes; *len 0 only at the end. */
typedef enum ag_status stream_source_fn(void *arg, uint8_t *out, size_t cap,
    size_t *len, struct ag_error *err);

enum ag_status stream_writer_open(struct stream_writer **out,
    const struct secret *file_key, struct bytes header, stream_sink_fn *sink,
    void *arg, struct ag_error *err) AG_MUST_USE;
enum ag_status stream_writer_put(struct stream_writer *writer,
    struct bytes plain, struct ag_error *err) AG_MUST_USE;

/* Write the last chunk.  Without it the stream reads as cut short. */
enum ag_status stream_writer_finish(struct stream_writer *writer,
    struct ag_error *err) AG_MUST_USE;
void stream_writer_close(struct stream_writer *writer);

enum ag_status stream_reader_open(struct stream_reader **out,
    const struct secret *file_key, struct bytes header,
    stream_source_fn *source, void *arg, struct ag_error *err) AG_MUST_USE;

/*
 * Up to cap plain bytes, all of them verified.  *len is 0 only at the end,
 * which is verified, too: nothing follows and nothing is missing.
 * AG_EFORGED   wrong key or header, or damaged, or cut short
 */
enum ag_status stream_reader_get(struct stream_reader *reader, uint8_t *out,
    size_t cap, size_t *len, struct ag_error *err) AG_MUST_USE;
void stream_reader_close(struct stream_reader *reader);

/* How many bytes a stream of so many plain bytes takes. */
uint64_t stream_sealed_len(uint64_t plain_len);

#endif
