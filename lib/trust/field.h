/*
 * Words and values of the line-oriented trust files (roster, member).
 *
 * A file is lines of words separated by blanks; leading blanks only indent;
 * a line that begins with # is a comment.  Errors say file:line:column.
 *
 * Ownership  words borrow from the text.
 * Threads    no shared state.
 */
#ifndef AEGIS_TRUST_FIELD_H
#define AEGIS_TRUST_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "trust/certificate.h"

#define FIELD_WORDS_MAX 6

struct field_reader {
	const char *name; /* of the file, for errors */
	struct bytes rest;
	uint32_t line; /* of the words below */
	struct bytes words[FIELD_WORDS_MAX];
	uint32_t columns[FIELD_WORDS_MAX];
	size_t count;
};

void field_reader_init(struct field_reader *r, struct bytes text,
    const char *name);

/*
 * Move to the next line that has words.  AG_ENOENT after the last one,
 * AG_EINVAL for control characters or too many words.
 */
enum ag_status field_reader_next(struct field_reader *r,
    struct ag_error *err) AG_MUST_USE;

/* Fail at a word of the current line: "file:line:column: why". */
enum ag_status field_fail(const struct field_reader *r, size_t word,
    enum ag_status status, struct ag_error *err, const char *fmt, ...)
    AG_PRINTF(5, 6);

bool field_is(struct bytes word, const char *text);

/* Decimal without sign or leading zeros. */
bool field_parse_u64(uint64_t *value, struct bytes word);

/* RFC 3339 as clock_format_ms() writes it. */
bool field_parse_time(uint64_t *wall_ms, struct bytes word);

/* 1 to 32 of a-z, 0-9 and -; into out with its NUL. */
bool field_parse_name(char *out, size_t cap, struct bytes word);

/* host:port or [v6]:port, port 1..65535; into out with its NUL. */
bool field_parse_address(char *out, size_t cap, struct bytes word);

bool field_parse_signature(uint8_t out[static SIGNATURE_BYTES],
    struct bytes word);

/* The same for values that come from a command line. */
enum ag_status field_check_name(const char *what, const char *text,
    struct ag_error *err) AG_MUST_USE;
enum ag_status field_check_address(const char *text,
    struct ag_error *err) AG_MUST_USE;

#endif
