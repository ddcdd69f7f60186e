/*
 * Known answers to what is slow, or is used by few commands: asked for once,
 * before it is first used with a secret.
 *
 * crypto/self_test.h has those that every start can pay for.
 *
 * Threads    any.
 */
#ifndef AEGIS_CRYPTO_KNOWN_ANSWER_H
#define AEGIS_CRYPTO_KNOWN_ANSWER_H

#include "base/status.h"
#include "crypto/ssh_key.h"

enum known_answer {
	KNOWN_ANSWER_ECDSA_P256,
	KNOWN_ANSWER_ECDSA_P384,
	KNOWN_ANSWER_RSA,
	KNOWN_ANSWER_RSA_OAEP,
	KNOWN_ANSWER_ARGON2ID,
	KNOWN_ANSWER_SCRYPT,
	KNOWN_ANSWER_PBKDF2,
	KNOWN_ANSWER_COUNT
};

/*
 * AG_EINTERNAL  it is computed wrong on this machine
 * AG_ESYS       libcrypto can not be loaded, where it computes it
 */
enum ag_status known_answer_check(enum known_answer what,
    struct ag_error *err) AG_MUST_USE;

/* Of signatures by a type of key; Ed25519 is asked for at every start. */
enum ag_status known_answer_check_signature(enum ssh_key_type type,
    struct ag_error *err) AG_MUST_USE;

/* The same, each time it is called. */
enum ag_status known_answer_compute(enum known_answer what,
    struct ag_error *err) AG_MUST_USE;

#endif
