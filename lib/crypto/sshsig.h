/*
 * Signatures on files as `ssh-keygen -Y sign` makes them.
 *
 * FORMAT   file   "-----BEGIN SSH SIGNATURE-----", base64 of the blob in
 *                 lines of 70, "-----END SSH SIGNATURE-----"
 *          blob   "SSHSIG" | u32 1 | string public key | string namespace |
 *                 string reserved (empty) | string hash | string signature
 *          signed "SSHSIG" | string namespace | string reserved | string
 *                 hash | string digest of the file
 *
 * A namespace says what a signature is for: one made for a file can not be
 * shown as one on mail.  Keys and signatures are as in crypto/ssh_key.h.
 *
 * Threads    no shared state.
 */
#ifndef AEGIS_CRYPTO_SSHSIG_H
#define AEGIS_CRYPTO_SSHSIG_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/hash.h"
#include "crypto/ssh_key.h"
#include "crypto/ssh_signer.h"

#define SSHSIG_FILE_BYTES_MAX 16384
#define SSHSIG_NAMESPACE_BYTES_MAX 255

struct sshsig {
	struct ssh_key key;
	enum hash_algorithm algorithm; /* of the file's digest */
	char namespace[SSHSIG_NAMESPACE_BYTES_MAX + 1];
	uint8_t signature[SSH_KEY_SIGNATURE_BYTES_MAX];
	size_t signature_len;
};

/* Does text begin as such a file does? */
bool sshsig_is_armoured(struct bytes text);

/*
 * Parse a file's text.  Nothing is verified by that.
 * AG_ECORRUPT  damaged, cut short, or not such a file
 * AG_EVERSION  another version, or a kind of key that is not done here
 * AG_EREFUSED  a key or a hash that is refused
 */
enum ag_status sshsig_parse(struct sshsig *sig, struct bytes text,
    struct ag_error *err) AG_MUST_USE;

/*
 * Does the signature's own key sign this digest for this namespace?  Whose
 * key it is, is another question (crypto/allowed_signers.h).
 * AG_EFORGED   no, or it was made for another namespace
 */
enum ag_status sshsig_verify(const struct sshsig *sig, const char *namespace,
    const uint8_t *digest, struct ag_error *err) AG_MUST_USE;

/* AG_EINVAL when it is empty, too long, or not printable. */
enum ag_status sshsig_check_namespace(const char *namespace,
    struct ag_error *err) AG_MUST_USE;

/* Append a signature file's text: digest is SHA-512 of what is signed. */
enum ag_status sshsig_sign(struct buf *text, const struct ssh_signer *signer,
    const char *namespace, const uint8_t digest[static HASH_BYTES_MAX],
    struct ag_error *err) AG_MUST_USE;

#endif
