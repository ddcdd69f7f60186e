/*
 * Private keys in whatever format their file has.
 *
 * Ownership  what is handed out is the caller's to free.
 * Threads    no shared state.
 */
#ifndef AEGIS_CRYPTO_KEY_FORMAT_H
#define AEGIS_CRYPTO_KEY_FORMAT_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/private_key.h"
#include "crypto/work.h"

enum key_format {
	KEY_FORMAT_OPENSSH, /* crypto/openssh_key.h */
	KEY_FORMAT_PKCS8,   /* crypto/pkcs8.h */
	KEY_FORMAT_AGE,     /* crypto/age_key.h */
	KEY_FORMAT_SEALED,  /* crypto/sealed_key.h */
	KEY_FORMAT_BACKUP,  /* crypto/recipient.h */
	KEY_FORMAT_COUNT
};

#define KEY_FORMAT_FILE_BYTES_MAX 16384

/* "openssh", "pkcs8", "age", "sealed", "backup". */
const char *key_format_name(enum key_format format);

/* AG_EINVAL for another name, with those there are. */
enum ag_status key_format_find(enum key_format *out, const char *name,
    struct ag_error *err) AG_MUST_USE;

/* False when text begins like none of them. */
bool key_format_detect(enum key_format *out, struct bytes text);
bool key_format_is_encrypted(struct bytes text);

/*
 * Parse a private key file's text; name is what errors call it.
 * AG_EDENIED   encrypted, and no or a wrong passphrase was given
 * AG_EVERSION  a type, cipher or version that is not done here
 * AG_EREFUSED  too short, or made in a way that is refused
 * AG_EINVAL    no private key, damaged, or its halves do not agree
 */
enum ag_status key_format_parse(struct private_key **out, struct bytes text,
    const struct secret *passphrase, const char *name,
    struct ag_error *err) AG_MUST_USE;

/*
 * The public half, without a passphrase.  AG_EDENIED when it takes one: PKCS#8
 * and backup keys have none outside.  comment has PUBLIC_KEY_COMMENT_BYTES.
 */
enum ag_status key_format_public(struct key_public *out, char *comment,
    struct bytes text, const char *name, struct ag_error *err) AG_MUST_USE;

/* AG_EINVAL when the format does not go with the type or a passphrase. */
enum ag_status key_format_write(struct secret **text,
    const struct private_key *key, enum key_format format,
    const struct secret *passphrase, struct ag_error *err) AG_MUST_USE;

/* Sealed, the one format whose work factors can be chosen. */
enum ag_status key_format_write_sealed(struct secret **text,
    const struct private_key *key, const struct secret *passphrase,
    enum work_level work, struct ag_error *err) AG_MUST_USE;

#endif
