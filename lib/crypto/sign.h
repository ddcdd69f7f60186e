/*
 * Ed25519 signatures (RFC 8032), by libsodium and nothing else.
 *
 * Libraries differ in which malformed signatures they accept.  Two verifiers
 * in one cluster could be made to disagree by a crafted one, so whatever
 * votes goes through this file.
 *
 * Threads    no shared state.
 */
#ifndef AEGIS_CRYPTO_SIGN_H
#define AEGIS_CRYPTO_SIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/secret.h"

#define SIGN_PUBLIC_BYTES 32
#define SIGN_SECRET_BYTES 64 /* seed (32), public key (32) */
#define SIGN_SEED_BYTES 32
#define SIGN_SIGNATURE_BYTES 64

/* A new key from the system's random generator. */
enum ag_status sign_keypair(struct secret **key,
    struct ag_error *err) AG_MUST_USE;

/* The key whose seed this is. */
enum ag_status sign_key_from_seed(struct secret **key,
    const uint8_t seed[static SIGN_SEED_BYTES],
    struct ag_error *err) AG_MUST_USE;

void sign_public(uint8_t public_key[static SIGN_PUBLIC_BYTES],
    const struct secret *key);

/* Is the key's public half the one its seed makes? */
bool sign_key_is_sound(const struct secret *key);

void sign_message(uint8_t signature[static SIGN_SIGNATURE_BYTES],
    const struct secret *key, struct bytes message);

bool sign_verify(const uint8_t public_key[static SIGN_PUBLIC_BYTES],
    struct bytes message, const uint8_t signature[static SIGN_SIGNATURE_BYTES]);

#endif
