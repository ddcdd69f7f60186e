/*
 * The container inside an OpenSSH private key file, for plain Ed25519 keys.
 *
 * Part of crypto/openssh_key.h, which is what callers want.
 */
#ifndef AEGIS_CRYPTO_OPENSSH_CONTAINER_H
#define AEGIS_CRYPTO_OPENSSH_CONTAINER_H

#include <stdbool.h>

#include "base/status.h"
#include "crypto/public_key.h"
#include "crypto/secret.h"

/* Is it unencrypted?  AG_EINVAL when it is no container. */
enum ag_status openssh_container_is_plain(const struct secret *container,
    bool *is_plain) AG_MUST_USE;

/* ssh-keygen -a 1024 is 65 times its default, and takes seconds. */
#define OPENSSH_ROUNDS_MAX 1024

/* Is an encrypted one's key derivation known, and of bearable length? */
bool openssh_container_is_bearable(const struct secret *container);

/* The public key, which stands outside of what is encrypted. */
enum ag_status openssh_container_public(const struct secret *container,
    uint8_t key[static SIGN_PUBLIC_BYTES]) AG_MUST_USE;

/* The same for a key of any type: its blob, borrowed from the container. */
enum ag_status openssh_container_blob(const struct secret *container,
    struct bytes *blob) AG_MUST_USE;

/*
 * The private section of a plain container, borrowed from it.  AG_EINVAL
 * when it is damaged, encrypted, or not of a single key.
 */
enum ag_status openssh_container_section(const struct secret *container,
    struct bytes *blob, struct bytes *section) AG_MUST_USE;

/* Padding as it ends a section. */
bool openssh_container_is_padding(struct bytes padding);

/* AG_EINVAL damaged, AG_EVERSION not Ed25519; name is for errors. */
enum ag_status openssh_container_parse(struct secret **key, char *comment,
    const struct secret *container, const char *name,
    struct ag_error *err) AG_MUST_USE;

/* NULL when memory is refused.  The comment must be checked already. */
struct secret *openssh_container_make(const struct secret *key,
    const char *comment);

#endif
