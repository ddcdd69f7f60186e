/*
 * The table of everything that is derived, so that no two purposes can come
 * to share a key.
 *
 * RULES    1. A context never changes and is never used again: what was
 *             sealed with its keys is on disks.
 */
#include "crypto/kdf.h"

#include <sodium.h>

#include "base/status.h"

_Static_assert(crypto_kdf_CONTEXTBYTES == 8, "contexts have eight bytes");
_Static_assert(crypto_kdf_KEYBYTES == KDF_KEY_BYTES, "keys have 32 bytes");

static const char *const contexts[KDF_COUNT] = {
	[KDF_KEYRING_COMMITMENT] = "aegcmt__",
	[KDF_KEYRING_MAC] = "aegmac__",
	[KDF_KEYRING_WRAP] = "aegwrap_",
	[KDF_KEYRING_SLOT] = "aegslot_",
	[KDF_VALUES] = "aegval__",
	[KDF_LOG] = "aegwal__",
};

const char *
kdf_context(enum kdf_purpose purpose)
{
	AG_ASSERT(purpose < KDF_COUNT);
	return contexts[purpose];
}

void
kdf_derive(uint8_t out[static KDF_KEY_BYTES],
    const uint8_t key[static KDF_KEY_BYTES], enum kdf_purpose purpose,
    uint64_t number)
{
	(void)crypto_kdf_derive_from_key(out, KDF_KEY_BYTES, number,
	    kdf_context(purpose), key);
}
