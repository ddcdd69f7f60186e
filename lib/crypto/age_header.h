/*
 * Headers of age files: to whom a file is encrypted (age-encryption.org/v1).
 *
 * FORMAT   "age-encryption.org/v1" LF, stanzas, "--- " MAC LF
 *          stanza  "-> " TYPE and arguments, one blank between two, LF,
 *                  the body in lines of 64 characters of base64, of which
 *                  the last is shorter, and empty if need be
 *          words   one or more of 0x21 to 0x7e
 *          base64  without padding, canonical
 *          MAC     base64 of HMAC-SHA256, keyed with HKDF-SHA256 of the file
 *                  key for "header", of all in front of its blank
 *
 *          type            arguments                  body
 *          X25519          share (32)                 32 bytes
 *          ssh-ed25519     tag of the key (4), share  32 bytes
 *          ssh-rsa         tag of the key (4)         as the modulus
 *          scrypt          salt (16), log2 N          32 bytes; stands alone
 *          mlkem768x25519  not done here
 *          any other       is left out of account
 *
 * Ownership  a header borrows from the text it was parsed from.
 * Threads    no shared state.
 */
#ifndef AEGIS_CRYPTO_AGE_HEADER_H
#define AEGIS_CRYPTO_AGE_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/secret.h"

#define AGE_HEADER_VERSION_LINE "age-encryption.org/v1\n"

/* Room for some thousands of recipients. */
#define AGE_HEADER_BYTES_MAX ((size_t)1 << 20)
#define AGE_HEADER_STANZAS_MAX 16384
#define AGE_HEADER_MAC_BYTES 32

#define AGE_FILE_KEY_BYTES 16
#define AGE_WRAPPED_BYTES (AGE_FILE_KEY_BYTES + 16)
#define AGE_SHARE_BYTES 32
#define AGE_TAG_BYTES 4
#define AGE_SALT_BYTES 16

/* 2^20 takes 1 GiB and some seconds; age writes 2^18. */
#define AGE_WORK_FACTOR_MAX 20

enum age_stanza_kind {
	AGE_STANZA_OTHER,
	AGE_STANZA_X25519,
	AGE_STANZA_SSH_ED25519,
	AGE_STANZA_SSH_RSA,
	AGE_STANZA_SCRYPT,
	AGE_STANZA_HYBRID,
};

struct age_stanza {
	enum age_stanza_kind kind;
	struct bytes type;
	struct bytes body;
	/* Of those kinds that have them. */
	uint8_t tag[AGE_TAG_BYTES];
	uint8_t share[AGE_SHARE_BYTES];
	uint8_t salt[AGE_SALT_BYTES];
	unsigned int work_factor;
};

struct age_header {
	struct age_stanza *stanzas;
	size_t count;
	uint8_t *bodies;
	struct bytes authentic; /* what the MAC is of */
	uint8_t mac[AGE_HEADER_MAC_BYTES];
};

/*
 * How long the header is that text begins with.
 * AG_EAGAIN    text ends before it does
 * AG_ECORRUPT  not an age file
 * AG_EVERSION  of another version
 * AG_ELIMIT    longer than AGE_HEADER_BYTES_MAX
 */
enum ag_status age_header_measure(size_t *len, struct bytes text,
    struct ag_error *err) AG_MUST_USE;

/*
 * Parse a whole one, which age_header_fini() returns, also after failure.
 * AG_ECORRUPT  not as the format says
 * AG_ELIMIT    too many stanzas, or a work factor out of bounds
 */
enum ag_status age_header_parse(struct age_header *header, struct bytes text,
    struct ag_error *err) AG_MUST_USE;
void age_header_fini(struct age_header *header);

bool age_header_is_authentic(const struct age_header *header,
    const struct secret *file_key);

/* "X25519", as the type says; of other kinds "". */
const char *age_header_kind_word(enum age_stanza_kind kind);

/* Write one: begin, a stanza for each recipient, finish.  AG_ENOMEM, AG_ELIMIT. */
enum ag_status age_header_begin(struct buf *out) AG_MUST_USE;
enum ag_status age_header_put(struct buf *out, const char *words,
    struct bytes body) AG_MUST_USE;
enum ag_status age_header_finish(struct buf *out,
    const struct secret *file_key) AG_MUST_USE;

#endif
