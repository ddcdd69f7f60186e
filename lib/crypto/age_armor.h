/*
 * Armor: age files as text, for mail and terminals.
 *
 * FORMAT   "-----BEGIN AGE ENCRYPTED FILE-----" LF
 *          base64 with padding, canonical, in lines of 64 characters of
 *          which the last may be shorter
 *          "-----END AGE ENCRYPTED FILE-----" LF
 *          Lines may end with CR LF instead, the last one with nothing; some
 *          blanks may stand around it all.
 *
 * Sinks and sources are those of crypto/stream.h.
 *
 * Ownership  _open() hands out, _close() takes back.
 * Threads    one at a time per armor.
 */
#ifndef AEGIS_CRYPTO_AGE_ARMOR_H
#define AEGIS_CRYPTO_AGE_ARMOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/stream.h"

/* As many bytes may stand in front, and as many behind. */
#define AGE_ARMOR_BLANKS_MAX 1024

/* How many bytes of a file tell whether it is armored, or ought to be. */
#define AGE_ARMOR_PEEK_BYTES (AGE_ARMOR_BLANKS_MAX + 16)

struct age_armor_writer;
struct age_armor_reader;

bool age_armor_begins(struct bytes text);

enum ag_status age_armor_writer_open(struct age_armor_writer **out,
    stream_sink_fn *sink, void *arg, struct ag_error *err) AG_MUST_USE;

/* A stream_sink_fn of a writer. */
enum ag_status age_armor_put(void *writer, struct bytes data,
    struct ag_error *err) AG_MUST_USE;
enum ag_status age_armor_finish(struct age_armor_writer *writer,
    struct ag_error *err) AG_MUST_USE;
void age_armor_writer_close(struct age_armor_writer *writer);

enum ag_status age_armor_reader_open(struct age_armor_reader **out,
    stream_source_fn *source, void *arg, struct ag_error *err) AG_MUST_USE;

/* A stream_source_fn of a reader.  AG_ECORRUPT: not as the format says. */
enum ag_status age_armor_get(void *reader, uint8_t *out, size_t cap,
    size_t *len, struct ag_error *err) AG_MUST_USE;
void age_armor_reader_close(struct age_armor_reader *reader);

#endif
