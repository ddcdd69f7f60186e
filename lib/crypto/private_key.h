/*
 * Private keys of every type.
 *
 * Ed25519, X25519 and ristretto255 keys stay in locked memory and are
 * libsodium's; ECDSA and RSA keys are libcrypto's, which wipes them when they are freed.
 *
 * Ownership  private_key_generate() and the _take_ functions hand out,
 *            private_key_free() wipes.
 * Threads    one at a time per key.
 */
#ifndef AEGIS_CRYPTO_PRIVATE_KEY_H
#define AEGIS_CRYPTO_PRIVATE_KEY_H

#include "base/status.h"
#include "crypto/algorithm.h"
#include "crypto/key_public.h"
#include "crypto/public_key.h"
#include "crypto/secret.h"

struct private_key;
struct evp_pkey_st;

/* A new key, of a row of the registry's keys that is allowed. */
enum ag_status private_key_generate(struct private_key **out,
    const struct algorithm *algorithm, struct ag_error *err) AG_MUST_USE;

/*
 * Of libsodium's 64 bytes that are sound, of X25519's 32, of a valid scalar,
 * and of a key of libcrypto: taken over, also when that fails.  AG_EVERSION, AG_EREFUSED as
 * key_evp_public() has them.
 */
enum ag_status private_key_take_ed25519(struct private_key **out,
    struct secret *key, struct ag_error *err) AG_MUST_USE;
enum ag_status private_key_take_x25519(struct private_key **out,
    struct secret *key, struct ag_error *err) AG_MUST_USE;
enum ag_status private_key_take_ristretto(struct private_key **out,
    struct secret *key, struct ag_error *err) AG_MUST_USE;
enum ag_status private_key_take_evp(struct private_key **out,
    struct evp_pkey_st *pkey, struct ag_error *err) AG_MUST_USE;
void private_key_free(struct private_key *key);

/* All of these are borrowed; secret is NULL for a key of libcrypto. */
const struct key_public *private_key_public(const struct private_key *key);
const struct secret *private_key_secret(const struct private_key *key);
struct evp_pkey_st *private_key_evp(const struct private_key *key);

/*
 * "" until it is set.  What a file says may be anything but longer than
 * PUBLIC_KEY_COMMENT_BYTES; whether it can be written is asked when it is.
 */
const char *private_key_comment(const struct private_key *key);
void private_key_set_comment(struct private_key *key, const char *comment);

/*
 * Both halves, and that they belong together; key_evp_check() says how long
 * it takes.  AG_EREFUSED with what is wrong, as a clause.
 */
enum ag_status private_key_check(const struct private_key *key,
    struct ag_error *err) AG_MUST_USE;

#endif
