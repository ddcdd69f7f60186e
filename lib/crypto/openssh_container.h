/*
 * The container inside an OpenSSH private key file, for keys of any type.
 *
 * Part of crypto/openssh_key.h, which is what callers want.
 *
 * FORMAT   "openssh-key-v1" NUL | string cipher | string kdf | string kdf
 *          options | u32 1 | string public blob | string private section
 *          [| tag, of a cipher that has one]
 *          kdf options of "bcrypt": string salt, u32 rounds; of "none": ""
 *          private section, once it is decrypted:
 *          u32 check | u32 the same | string type | the key's fields |
 *          string comment | padding 1, 2, 3, … to a multiple of the cipher's
 *          block, or of 8
 *          Integers big-endian; a string is a u32 length and its bytes.
 */
#ifndef AEGIS_CRYPTO_OPENSSH_CONTAINER_H
#define AEGIS_CRYPTO_OPENSSH_CONTAINER_H

#include <stdbool.h>

#include "base/status.h"
#include "crypto/openssh_cipher.h"
#include "crypto/secret.h"
#include "crypto/ssh_wire.h"

/* Borrowed from the bytes it was read from. */
struct openssh_container {
	struct openssh_cipher cipher; /* when it is not plain */
	bool is_plain;
	struct bytes blob; /* of the public key, outside of what is encrypted */
	struct bytes section;
	struct bytes tag;
};

/*
 * name is what errors call the key.
 * AG_EINVAL    damaged, cut short, not of a single key, or of more rounds
 *              than anybody should wait for
 * AG_EVERSION  a cipher or key derivation that is not done here
 */
enum ag_status openssh_container_read(struct openssh_container *container,
    struct bytes raw, const char *name, struct ag_error *err) AG_MUST_USE;

/*
 * The private section, decrypted.
 * AG_EDENIED   encrypted, and no or a wrong passphrase was given
 */
enum ag_status openssh_container_open(struct secret **section,
    const struct openssh_container *container, const struct secret *passphrase,
    const char *name, struct ag_error *err) AG_MUST_USE;

/* Past the check words and the type; false when that is another. */
bool openssh_container_start(struct ssh_wire_reader *r, struct bytes section,
    const char *type);

/*
 * Whether a section that was read up to its comment ends as it should.
 * comment, which may be NULL, has PUBLIC_KEY_COMMENT_BYTES; "" when it could
 * not be one that we write.
 */
bool openssh_container_end(struct ssh_wire_reader *r, char *comment);

/*
 * A whole container.  fields begin with the type; passphrase may be NULL.
 * The comment must be checked already.
 */
enum ag_status openssh_container_make(struct secret **out, struct bytes blob,
    struct bytes fields, const char *comment, const struct secret *passphrase,
    struct ag_error *err) AG_MUST_USE;

#endif
