/*
 * Lines of check files, as sha256sum and b2sum write and read them.
 *
 * FORMAT   plain   digest in hex, SP, SP or * (binary), name
 *          tagged  ALGORITHM SP "(" name ") = " digest; the way openssl dgst
 *                  writes it, without the first and third blank, is read too
 *          A line that begins with a backslash has a name in which \\, \n
 *          and \r stand for a backslash, a newline and a carriage return.
 *
 * Threads    no shared state.
 */
#ifndef AEGIS_CRYPTO_CHECKSUM_H
#define AEGIS_CRYPTO_CHECKSUM_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/hash.h"

/* A hash with a length: BLAKE2b is one algorithm here, whatever its length. */
struct checksum_kind {
	enum hash_algorithm algorithm;
	size_t digest_bytes; /* 0 in what is expected: any */
};

/* By the registry's name; a BLAKE2b of no stated length is of 512 bits. */
enum ag_status checksum_find(struct checksum_kind *kind, const char *name,
    struct ag_error *err) AG_MUST_USE;

/* "sha-256", or "blake2b-384" for what the registry has no name of. */
#define CHECKSUM_NAME_BYTES 24
void checksum_name(char out[static CHECKSUM_NAME_BYTES],
    struct checksum_kind kind);

enum ag_status checksum_open(struct hash **out, struct checksum_kind kind,
    enum algorithm_provider provider, struct ag_error *err) AG_MUST_USE;

struct checksum_style {
	bool is_tagged;
	bool is_binary;
	bool ends_with_nul; /* and then names are as they are */
};

/* Append a whole line. */
enum ag_status checksum_format(struct buf *out, struct checksum_kind kind,
    const uint8_t *digest, const char *name,
    struct checksum_style style) AG_MUST_USE;

struct checksum_line {
	struct checksum_kind kind;
	uint8_t digest[HASH_BYTES_MAX];
	char name[PATH_MAX];
};

/* How a file's plain lines are spaced, which its first one decides. */
enum checksum_spacing {
	CHECKSUM_UNDECIDED,
	CHECKSUM_TWO, /* a blank, and a blank or star */
	CHECKSUM_ONE, /* as BSD does */
};

struct checksum_reader {
	struct checksum_kind plain; /* of lines without a tag */
	bool is_strict;             /* tags must say the same */
	enum checksum_spacing spacing;
};

/* Parse one line, without its newline.  AG_EINVAL with the reason. */
enum ag_status checksum_parse(struct checksum_line *line,
    struct checksum_reader *reader, struct bytes text,
    struct ag_error *err) AG_MUST_USE;

#endif
