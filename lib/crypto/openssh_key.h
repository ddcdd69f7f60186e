/*
 * Private keys in OpenSSH's own file format, readable by stock ssh-keygen
 * and readable here when it wrote them; above all Ed25519, which members and
 * operators have.
 *
 * Ownership  keys handed out are the caller's to secret_free().
 * Threads    no shared state.
 */
#ifndef AEGIS_CRYPTO_OPENSSH_KEY_H
#define AEGIS_CRYPTO_OPENSSH_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/public_key.h"
#include "crypto/secret.h"
#include "crypto/sign.h"

#define OPENSSH_KEY_FILE_BYTES_MAX 16384

/*
 * Parse a private key file's text; name is what errors call it.
 * passphrase may be NULL; it is not used when the key is not encrypted.
 * comment (which may be NULL) has PUBLIC_KEY_COMMENT_BYTES.
 *
 * AG_EDENIED   the key is encrypted and no or a wrong passphrase was given
 * AG_EVERSION  another kind of key than Ed25519
 * AG_EINVAL    not an OpenSSH private key, damaged or cut short
 */
enum ag_status openssh_key_parse(struct secret **key, char *comment,
    struct bytes text, const struct secret *passphrase, const char *name,
    struct ag_error *err) AG_MUST_USE;

/* As a file's text; encrypted when passphrase is not NULL. */
enum ag_status openssh_key_format(struct secret **text,
    const struct secret *key, const char *comment,
    const struct secret *passphrase, struct ag_error *err) AG_MUST_USE;

/* Read a key file.  AG_EDENIED also when its mode is not private. */
enum ag_status openssh_key_load(struct secret **key, char *comment,
    const char *path, const struct secret *passphrase,
    struct ag_error *err) AG_MUST_USE;

/* Does a parseable text need a passphrase? */
bool openssh_key_is_encrypted(struct bytes text);

/*
 * Of keys of any type.
 *
 * The public blob, as crypto/ssh_key.h parses it, at most cap bytes, for
 * which no passphrase is needed; and the private section, decrypted, which
 * crypto/openssh_container.h begins and ends to read.
 */
bool openssh_key_is_file(struct bytes text);
enum ag_status openssh_key_blob(uint8_t *blob, size_t cap, size_t *len,
    struct bytes text, const char *name, struct ag_error *err) AG_MUST_USE;
enum ag_status openssh_key_section(struct secret **section, struct bytes text,
    const struct secret *passphrase, const char *name,
    struct ag_error *err) AG_MUST_USE;

/* As a file's text: fields begin with the type. */
enum ag_status openssh_key_wrap(struct secret **text, struct bytes blob,
    struct bytes fields, const char *comment, const struct secret *passphrase,
    struct ag_error *err) AG_MUST_USE;

/*
 * Write the private half to path (0600) and the public one to path.pub.
 * Without overwrite, AG_EEXIST when either is there, and nothing is done.
 */
enum ag_status openssh_key_save(const struct secret *key, const char *path,
    const char *comment, const struct secret *passphrase, bool overwrite,
    struct ag_error *err) AG_MUST_USE;

#endif
