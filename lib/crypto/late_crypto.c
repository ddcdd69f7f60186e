/*
 * OpenSSL's libcrypto, loaded when it is first used (base/late.h).
 *
 * LATE_SONAME is what the linker would have named: the Makefile looks.
 */
#include "crypto/late_crypto.h"

#include "crypto/self_test.h"

_Static_assert(sizeof(LATE_SONAME) > 1, "the library has a name");

struct late_crypto_functions late_crypto_call;

static struct late_library library = {
	.soname = LATE_SONAME,
	.package = "libssl3",
	.names = LATE_CRYPTO(LATE_NAME),
	.slots = &late_crypto_call,
	.slots_size = sizeof(late_crypto_call),
	.check = self_test_crypto,
};

enum ag_status
late_crypto_load(struct ag_error *err)
{
	return late_load(&library, err);
}
