/*
 * Bytes as text: hexadecimal and base64 (RFC 4648), and text by lines.
 *
 * For public bytes only; secrets use libsodium's constant-time versions.
 */
#ifndef AEGIS_CODEC_TEXT_H
#define AEGIS_CODEC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

enum base64_variant {
	BASE64_STANDARD, /* with padding */
	BASE64_UNPADDED, /* as fingerprints show it */
	BASE64_URL,      /* without padding */
};

/* Bytes text_hex() and text_base64() need, the NUL included. */
#define TEXT_HEX_BYTES(len) ((len)*2 + 1)
#define TEXT_BASE64_BYTES(len) (((len) + 2) / 3 * 4 + 1)

void text_hex(char *out, size_t cap, struct bytes data);

/* Exactly len bytes from 2 * len digits. */
enum ag_status text_hex_decode(uint8_t *out, size_t len,
    struct bytes text) AG_MUST_USE;

void text_base64(char *out, size_t cap, struct bytes data,
    enum base64_variant variant);

/* Strict: no white space, no stray bits.  *len is what was written. */
enum ag_status text_base64_decode(uint8_t *out, size_t cap, size_t *len,
    struct bytes text, enum base64_variant variant) AG_MUST_USE;

/*
 * How many brackets, commas and colons JSON has outside of its strings: a
 * parser turns each into memory, so that who reads from strangers looks first.
 */
size_t text_json_parts(struct bytes text);

/* Take the next line off text, without its LF or CR LF; false at the end. */
bool text_next_line(struct bytes *text, struct bytes *line);

#endif
