/*
 * The registry of algorithms: one table.
 *
 * Providers were chosen by measurement: libcrypto hashes two to four times
 * as fast as libsodium, but has BLAKE2b at its full length only.
 *
 * RULES    1. Ed25519 is libsodium's, here as wherever members vote:
 *             libraries differ in which malformed signatures they accept.
 *          2. What is refused stays in the table, so that asking for it is
 *             answered with the reason and not as a slip of the finger.
 *          3. Every id of a family but keys has exactly one row that is not
 *             refused; of keys, RSA has one for each of its lengths.
 *
 * NOT HERE The computing (crypto/hash.c, crypto/ssh_key.c,
 *          crypto/private_key.c).
 */
#include "crypto/algorithm.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/nearest.h"
#include "crypto/hash.h"
#include "crypto/ssh_key.h"

#define KNOWN_BYTES 256

#define SODIUM ALGORITHM_BY_LIBSODIUM
#define CRYPTO ALGORITHM_BY_LIBCRYPTO
#define AEGIS ALGORITHM_BY_AEGIS

#define ALLOWED(family, name, aliases, first, second, note, id, bits) \
	{                                                             \
		name, aliases, ALGORITHM_##family, { first, second }, \
		    ALGORITHM_ALLOWED, note, id, bits                 \
	}
#define REFUSED(family, name, aliases, note)                 \
	{                                                    \
		name, aliases, ALGORITHM_##family, { 0, 0 }, \
		    ALGORITHM_REFUSED, note, -1, 0           \
	}

const struct algorithm algorithm_table[] = {
	ALLOWED(KEY, "ed25519", "ssh-ed25519", SODIUM, 0, "", SSH_KEY_ED25519,
	    256),
	ALLOWED(KEY, "x25519", "age curve25519", SODIUM, 0,
	    "for encryption alone", ALGORITHM_KEY_X25519, 256),
	ALLOWED(KEY, "ristretto255", "aegis-ristretto255", SODIUM, 0,
	    "for custodians of escrowed secrets", ALGORITHM_KEY_RISTRETTO255,
	    256),
	ALLOWED(KEY, "ecdsa-p256",
	    "ecdsa ecdsa-sha2-nistp256 nistp256 prime256v1 secp256r1 p-256",
	    CRYPTO, 0, "", SSH_KEY_ECDSA_P256, 256),
	ALLOWED(KEY, "ecdsa-p384",
	    "ecdsa-sha2-nistp384 nistp384 secp384r1 p-384", CRYPTO, 0, "",
	    SSH_KEY_ECDSA_P384, 384),
	ALLOWED(KEY, "rsa-3072", "rsa rsa3072", CRYPTO, 0, "", SSH_KEY_RSA,
	    3072),
	ALLOWED(KEY, "rsa-4096", "rsa4096", CRYPTO, 0, "", SSH_KEY_RSA, 4096),
	{ "rsa-2048", "rsa2048", ALGORITHM_KEY, { CRYPTO, 0 },
	    ALGORITHM_VERIFY_ONLY, "new keys have 3072 bits or more",
	    SSH_KEY_RSA, 2048 },
	REFUSED(KEY, "rsa-1024", "rsa1024", "it can be factored"),
	REFUSED(KEY, "dsa", "ssh-dss",
	    "its keys are too short, and it is built on SHA-1"),
	REFUSED(KEY, "ecdsa-p521", "ecdsa-sha2-nistp521 nistp521 secp521r1",
	    "not done here: ecdsa-p384 is strong enough"),
	REFUSED(KEY, "secp256k1", "", "no SSH or TLS has it"),
	ALLOWED(CIPHER, "xchacha20-poly1305", "xchacha20", SODIUM, 0,
	    "seals keys", ALGORITHM_CIPHER_XCHACHA20, 256),
	ALLOWED(CIPHER, "chacha20-poly1305", "chacha20 chacha20-poly1305-ietf",
	    CRYPTO, SODIUM, "encrypts files; their keys by libsodium",
	    ALGORITHM_CIPHER_CHACHA20, 256),
	{ "aes-256-gcm", "aes256-gcm aes256-gcm@openssh.com", ALGORITHM_CIPHER,
	    { CRYPTO, 0 }, ALGORITHM_VERIFY_ONLY,
	    "in key files of OpenSSH alone", ALGORITHM_CIPHER_AES_GCM, 256 },
	ALLOWED(CIPHER, "rsa-oaep-sha256", "rsa-oaep oaep", CRYPTO, 0,
	    "encrypts files' keys to RSA keys", ALGORITHM_CIPHER_RSA_OAEP, 0),
	REFUSED(CIPHER, "rsa-pkcs1", "pkcs1",
	    "what is wrong with a text gives it away"),
	REFUSED(CIPHER, "aes-256-cbc", "aes256-cbc",
	    "not authenticated; in key files of PKCS#8 alone"),
	REFUSED(CIPHER, "aes-256-ctr", "aes256-ctr",
	    "not authenticated; in key files of OpenSSH alone"),
	REFUSED(CIPHER, "aes-256-ecb", "aes256-ecb ecb",
	    "equal blocks stay equal"),
	REFUSED(CIPHER, "3des", "des-ede3-cbc des3", "its blocks are short"),
	REFUSED(CIPHER, "rc4", "arcfour", "it is broken"),
	ALLOWED(HASH, "sha-256", "sha256 sha2-256", CRYPTO, SODIUM, "",
	    HASH_SHA_256, 256),
	ALLOWED(HASH, "sha-512", "sha512 sha2-512", CRYPTO, SODIUM, "",
	    HASH_SHA_512, 512),
	ALLOWED(HASH, "sha3-256", "", CRYPTO, 0, "", HASH_SHA3_256, 256),
	ALLOWED(HASH, "blake2b-512", "blake2b blake2b512", CRYPTO, SODIUM,
	    "8 to 512 bits by --length, below 512 by libsodium",
	    HASH_BLAKE2B_512, 512),
	ALLOWED(HASH, "blake2b-256", "blake2b256", SODIUM, 0, "",
	    HASH_BLAKE2B_256, 256),
	REFUSED(HASH, "sha-1", "sha1", "collisions are made of it"),
	REFUSED(HASH, "md5", "", "collisions are made of it in seconds"),
	ALLOWED(SIGNATURE, "ed25519", "ssh-ed25519", SODIUM, 0, "",
	    SSH_KEY_ED25519, 256),
	ALLOWED(SIGNATURE, "ecdsa-p256", "ecdsa-sha2-nistp256 nistp256", CRYPTO,
	    0, "with SHA-256", SSH_KEY_ECDSA_P256, 256),
	ALLOWED(SIGNATURE, "ecdsa-p384", "ecdsa-sha2-nistp384 nistp384", CRYPTO,
	    0, "with SHA-384", SSH_KEY_ECDSA_P384, 384),
	ALLOWED(SIGNATURE, "rsa", "rsa-sha2-512 rsa-sha2-256", CRYPTO, 0,
	    "signs with SHA-512 from 3072 bits on, verifies from 2048",
	    SSH_KEY_RSA, 0),
	REFUSED(SIGNATURE, "rsa-pss", "rsassa-pss pss",
	    "not done here: SSH has PKCS #1 v1.5"),
	REFUSED(SIGNATURE, "rsa-sha1", "ssh-rsa", "SHA-1 has collisions"),
	REFUSED(SIGNATURE, "dsa", "ssh-dss",
	    "its keys are too short, and it is built on SHA-1"),
	ALLOWED(KDF, "argon2id", "argon2", SODIUM, 0,
	    "of passphrases, for sealed keys", ALGORITHM_KDF_ARGON2ID, 0),
	ALLOWED(KDF, "scrypt", "", SODIUM, 0, "of passphrases, for files",
	    ALGORITHM_KDF_SCRYPT, 0),
	ALLOWED(KDF, "pbkdf2-sha256", "pbkdf2 pbkdf2-hmac-sha256", CRYPTO, 0,
	    "of passphrases, for PKCS #8", ALGORITHM_KDF_PBKDF2, 0),
	ALLOWED(KDF, "bcrypt-pbkdf", "bcrypt", AEGIS, 0,
	    "of passphrases, for OpenSSH's keys", ALGORITHM_KDF_BCRYPT, 0),
	ALLOWED(KDF, "hkdf-sha256", "hkdf", SODIUM, 0, "of other keys",
	    ALGORITHM_KDF_HKDF, 256),
	REFUSED(KDF, "md5-pem", "pem-md5",
	    "PEM's old encryption, one round of MD5"),
};

const size_t algorithm_count =
    sizeof(algorithm_table) / sizeof(algorithm_table[0]);

static bool
algorithm_is_called(const struct algorithm *algorithm, const char *name)
{
	const char *word = algorithm->aliases;
	size_t name_len = strlen(name);

	if (strcasecmp(algorithm->name, name) == 0)
		return true;
	while (*word != '\0') {
		size_t len = strcspn(word, " ");

		if (len == name_len && strncasecmp(word, name, len) == 0)
			return true;
		word += len;
		word += strspn(word, " ");
	}
	return false;
}

static enum ag_status
algorithm_unknown(enum algorithm_family family, const char *name,
    struct ag_error *err)
{
	char known[KNOWN_BYTES] = "";
	struct nearest search;
	size_t len = 0;

	nearest_init(&search, name);
	for (size_t i = 0; i < algorithm_count; i++) {
		const struct algorithm *row = &algorithm_table[i];

		if (row->family != family || row->standing != ALGORITHM_ALLOWED)
			continue;
		nearest_offer(&search, row->name);
		if (len < sizeof(known))
			len += (size_t)snprintf(known + len,
			    sizeof(known) - len, " %s", row->name);
	}
	if (search.best != NULL)
		return ag_fail(err, AG_EINVAL,
		    "unknown %s '%s'; did you mean %s?",
		    algorithm_family_name(family), name, search.best);
	return ag_fail(err, AG_EINVAL, "unknown %s '%s'; known:%s",
	    algorithm_family_name(family), name, known);
}

enum ag_status
algorithm_find(const struct algorithm **out, enum algorithm_family family,
    const char *name, struct ag_error *err)
{
	*out = NULL;
	for (size_t i = 0; i < algorithm_count; i++) {
		const struct algorithm *row = &algorithm_table[i];

		if (row->family != family || !algorithm_is_called(row, name))
			continue;
		if (row->standing == ALGORITHM_REFUSED)
			return ag_fail(err, AG_EREFUSED,
			    "%s '%s' is refused: %s",
			    algorithm_family_name(family), name, row->note);
		*out = row;
		return AG_OK;
	}
	return algorithm_unknown(family, name, err);
}

const struct algorithm *
algorithm_get(enum algorithm_family family, int id)
{
	for (size_t i = 0; i < algorithm_count; i++) {
		const struct algorithm *row = &algorithm_table[i];

		if (row->family == family && row->id == id &&
		    row->standing != ALGORITHM_REFUSED)
			return row;
	}
	ag_assert_failed("a row for every id", __FILE__, __LINE__);
}

const struct algorithm *
algorithm_get_key(int id, unsigned int bits)
{
	const struct algorithm *best = NULL;

	for (size_t i = 0; i < algorithm_count; i++) {
		const struct algorithm *row = &algorithm_table[i];

		if (row->family != ALGORITHM_KEY || row->id != id ||
		    row->bits > bits)
			continue;
		if (best == NULL || row->bits > best->bits)
			best = row;
	}
	return best;
}

enum ag_status
algorithm_find_provider(enum algorithm_provider *out, const char *name,
    struct ag_error *err)
{
	for (int i = ALGORITHM_BY_LIBSODIUM; i <= ALGORITHM_BY_LIBCRYPTO; i++) {
		*out = (enum algorithm_provider)i;
		if (strcasecmp(name, algorithm_provider_name(*out)) == 0)
			return AG_OK;
	}
	*out = ALGORITHM_BY_ANY;
	return ag_fail(err, AG_EINVAL,
	    "provider '%s' is not one of libsodium, libcrypto", name);
}

bool
algorithm_has_provider(const struct algorithm *row,
    enum algorithm_provider provider)
{
	return provider == ALGORITHM_BY_ANY || row->providers[0] == provider ||
	    row->providers[1] == provider;
}

const char *
algorithm_provider_name(enum algorithm_provider provider)
{
	static const char *const names[] = {
		[ALGORITHM_BY_ANY] = "",
		[ALGORITHM_BY_LIBSODIUM] = "libsodium",
		[ALGORITHM_BY_LIBCRYPTO] = "libcrypto",
		[ALGORITHM_BY_AEGIS] = "aegis",
	};

	return names[provider];
}

const char *
algorithm_family_name(enum algorithm_family family)
{
	static const char *const names[] = {
		[ALGORITHM_KEY] = "key",
		[ALGORITHM_CIPHER] = "cipher",
		[ALGORITHM_HASH] = "hash",
		[ALGORITHM_SIGNATURE] = "signature",
		[ALGORITHM_KDF] = "kdf",
	};

	return names[family];
}

const char *
algorithm_standing_name(enum algorithm_standing standing)
{
	static const char *const names[] = {
		[ALGORITHM_ALLOWED] = "allowed",
		[ALGORITHM_VERIFY_ONLY] = "verify-only",
		[ALGORITHM_REFUSED] = "refused",
	};

	return names[standing];
}
