/*
 * Private keys of every kind that SSH signatures are made with.
 *
 * Ownership  ssh_signer_parse() hands out, ssh_signer_free() wipes.
 * Threads    one at a time per signer.
 */
#ifndef AEGIS_CRYPTO_SSH_SIGNER_H
#define AEGIS_CRYPTO_SSH_SIGNER_H

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "crypto/ssh_key.h"

struct ssh_signer;

/*
 * Parse a private key file's text, in any format; name is what errors call
 * it.
 *
 * AG_EDENIED   it is encrypted, and no or a wrong passphrase was given
 * AG_EVERSION  a type that is not done here
 * AG_EREFUSED  too short to sign with
 * AG_EINVAL    not a private key, damaged, or its halves do not agree
 */
enum ag_status ssh_signer_parse(struct ssh_signer **out, struct bytes text,
    const struct secret *passphrase, const char *name,
    struct ag_error *err) AG_MUST_USE;

/*
 * A key that is elsewhere, whose function makes what ssh_signer_sign() hands
 * out; ctx is borrowed.
 */
typedef enum ag_status ssh_signer_fn(void *ctx, struct bytes message,
    uint8_t signature[static SSH_KEY_SIGNATURE_BYTES_MAX], size_t *len,
    struct ag_error *err);
enum ag_status ssh_signer_of(struct ssh_signer **out,
    const struct ssh_key *public_key, ssh_signer_fn *sign, void *ctx,
    struct ag_error *err) AG_MUST_USE;
void ssh_signer_free(struct ssh_signer *signer);

/* Borrowed. */
const struct ssh_key *ssh_signer_public(const struct ssh_signer *signer);

/*
 * Sign: algorithm and bytes, as ssh_key_verify() takes them, which it was
 * given to before it is returned.
 */
enum ag_status ssh_signer_sign(const struct ssh_signer *signer,
    struct bytes message, uint8_t signature[static SSH_KEY_SIGNATURE_BYTES_MAX],
    size_t *len, struct ag_error *err) AG_MUST_USE;

#endif
