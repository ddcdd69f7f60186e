/*
 * RSA moduli that were made badly.
 */
#ifndef AEGIS_CRYPTO_KEY_WEAK_H
#define AEGIS_CRYPTO_KEY_WEAK_H

#include "base/bytes.h"

/* What is wrong with a modulus, as a clause; NULL: nothing that shows. */
const char *key_weak_modulus(struct bytes modulus);

#endif
