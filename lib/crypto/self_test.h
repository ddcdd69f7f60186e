/*
 * Known answers: whether the libraries compute what they ought to, here.
 *
 * A processor or a build that gets arithmetic wrong would give keys away one
 * signature at a time.  Whatever handles private keys asks once, before it
 * does: libsodium by this, and libcrypto as it is loaded.
 *
 * Threads    any.
 */
#ifndef AEGIS_CRYPTO_SELF_TEST_H
#define AEGIS_CRYPTO_SELF_TEST_H

#include "base/status.h"

/* AG_EINTERNAL with the algorithm that is wrong. */
enum ag_status self_test_sodium(struct ag_error *err) AG_MUST_USE;

/* Of what crypto/late_crypto.h calls; for its load alone, which it is part of. */
enum ag_status self_test_crypto(struct ag_error *err) AG_MUST_USE;

#endif
