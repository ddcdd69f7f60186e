/*
 * Digits of pi, which Blowfish's tables are made of; of crypto/bcrypt.c.
 *
 * Threads    a constant table.
 */
#ifndef AEGIS_CRYPTO_BCRYPT_PI_H
#define AEGIS_CRYPTO_BCRYPT_PI_H

#include <stdint.h>

/* 18 subkeys, then four boxes of 256 words. */
#define BCRYPT_PI_WORDS (18 + 4 * 256)

extern const uint32_t bcrypt_pi_words[BCRYPT_PI_WORDS];

#endif
