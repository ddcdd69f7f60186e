/*
 * How OpenSSH encrypts private keys with a passphrase.
 *
 * Part of crypto/openssh_container.h, which is what callers want.
 */
#ifndef AEGIS_CRYPTO_OPENSSH_CIPHER_H
#define AEGIS_CRYPTO_OPENSSH_CIPHER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/secret.h"

/* What is written: ssh-keygen's cipher, and twice its rounds. */
#define OPENSSH_CIPHER "aes256-ctr"
#define OPENSSH_ROUNDS 32
#define OPENSSH_SALT_BYTES 16

/* ssh-keygen -a 1024 is 64 times its default, and takes seconds. */
#define OPENSSH_ROUNDS_MAX 1024

struct openssh_cipher {
	struct bytes name;
	struct bytes salt;
	uint32_t rounds;
};

/* How many bytes a cipher's text is a multiple of; 0: it is not known. */
size_t openssh_cipher_block(struct bytes name);

/* Of its tag, which follows the text; most have none. */
size_t openssh_cipher_tag_bytes(struct bytes name);

/*
 * Into out, which has input.len bytes; a cipher with a tag is for opening
 * alone.  The cipher is known and its salt and rounds are within bounds.
 *
 * AG_EDENIED  a tag that does not match
 * AG_ENOMEM, AG_ESYS, AG_EINTERNAL
 */
enum ag_status openssh_cipher_seal(const struct openssh_cipher *cipher,
    const struct secret *passphrase, struct bytes input, uint8_t *out,
    struct ag_error *err) AG_MUST_USE;
enum ag_status openssh_cipher_open(const struct openssh_cipher *cipher,
    const struct secret *passphrase, struct bytes input, struct bytes tag,
    uint8_t *out, struct ag_error *err) AG_MUST_USE;

#endif
