/*
 * The registry: every algorithm that can be named, and where it stands.
 *
 * Threads    a constant table.
 */
#ifndef AEGIS_CRYPTO_ALGORITHM_H
#define AEGIS_CRYPTO_ALGORITHM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

enum algorithm_family {
	ALGORITHM_KEY,
	ALGORITHM_CIPHER,
	ALGORITHM_HASH,
	ALGORITHM_SIGNATURE,
	ALGORITHM_KDF, /* keys from passphrases and from other keys */
	ALGORITHM_FAMILY_COUNT
};

enum algorithm_standing {
	ALGORITHM_ALLOWED,
	ALGORITHM_VERIFY_ONLY, /* old ones serve, new ones are not made */
	ALGORITHM_REFUSED,     /* known, and not done: note says why */
};

enum algorithm_provider {
	ALGORITHM_BY_ANY, /* the preferred one; in a row: none */
	ALGORITHM_BY_LIBSODIUM,
	ALGORITHM_BY_LIBCRYPTO,
	ALGORITHM_BY_AEGIS, /* neither has it */
};

/* Keys have SSH's types (crypto/ssh_key.h) for ids, and these. */
#define ALGORITHM_KEY_X25519 100
#define ALGORITHM_KEY_RISTRETTO255 101

enum algorithm_cipher {
	ALGORITHM_CIPHER_XCHACHA20,
	ALGORITHM_CIPHER_CHACHA20,
	ALGORITHM_CIPHER_AES_GCM,
	ALGORITHM_CIPHER_RSA_OAEP,
};

enum algorithm_kdf {
	ALGORITHM_KDF_ARGON2ID,
	ALGORITHM_KDF_SCRYPT,
	ALGORITHM_KDF_PBKDF2,
	ALGORITHM_KDF_BCRYPT,
	ALGORITHM_KDF_HKDF,
};

struct algorithm {
	const char *name;
	const char *aliases; /* words, in lower case; "" for none */
	enum algorithm_family family;
	enum algorithm_provider providers[2]; /* the preferred one first */
	enum algorithm_standing standing;
	const char *note;  /* why it is refused, or what limits it; or "" */
	int id;            /* what its family's module calls it */
	unsigned int bits; /* of keys, and of digests; 0: several */
};

extern const struct algorithm algorithm_table[];
extern const size_t algorithm_count;

/*
 * By name or alias, in any case.
 * AG_EINVAL    unknown: the nearest name or all of them in err
 * AG_EREFUSED  known and refused: why, in err
 */
enum ag_status algorithm_find(const struct algorithm **out,
    enum algorithm_family family, const char *name,
    struct ag_error *err) AG_MUST_USE;

/* The row of a family's id. */
const struct algorithm *algorithm_get(enum algorithm_family family, int id);

/*
 * The row that says where a key of so many bits stands: RSA of other lengths
 * stands as the next shorter one that is listed.  NULL: shorter than any.
 */
const struct algorithm *algorithm_get_key(int id, unsigned int bits);

/* "libsodium", "libcrypto".  AG_EINVAL when it is neither. */
enum ag_status algorithm_find_provider(enum algorithm_provider *out,
    const char *name, struct ag_error *err) AG_MUST_USE;
bool algorithm_has_provider(const struct algorithm *row,
    enum algorithm_provider provider);
const char *algorithm_provider_name(enum algorithm_provider provider);

/* "key", "cipher", "hash", "signature", "kdf". */
const char *algorithm_family_name(enum algorithm_family family);

/* "allowed", "verify-only", "refused". */
const char *algorithm_standing_name(enum algorithm_standing standing);

#endif
