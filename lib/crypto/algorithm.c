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
 *          3. Every id of a family has exactly one row that is not refused.
 *
 * NOT HERE The computing (crypto/hash.c, crypto/ssh_key.c).
 */
#include "crypto/algorithm.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/nearest.h"
#include "crypto/hash.h"
#include "crypto/ssh_key.h"

#define KNOWN_BYTES 256

#define HASH(name, aliases, provider, note, id)                             \
	{                                                                   \
		name, aliases, ALGORITHM_HASH, provider, ALGORITHM_ALLOWED, \
		    note, id                                                \
	}
#define SIGNATURE(name, aliases, provider, note, id)          \
	{                                                     \
		name, aliases, ALGORITHM_SIGNATURE, provider, \
		    ALGORITHM_ALLOWED, note, id               \
	}
#define REFUSED(family, name, aliases, note)                              \
	{                                                                 \
		name, aliases, ALGORITHM_##family, "", ALGORITHM_REFUSED, \
		    note, -1                                              \
	}

const struct algorithm algorithm_table[] = {
	HASH("sha-256", "sha256 sha2-256", "libcrypto", "", HASH_SHA_256),
	HASH("sha-512", "sha512 sha2-512", "libcrypto", "", HASH_SHA_512),
	HASH("sha3-256", "", "libcrypto", "", HASH_SHA3_256),
	HASH("blake2b-512", "blake2b blake2b512", "libcrypto",
	    "8 to 512 bits by --length, below 512 by libsodium",
	    HASH_BLAKE2B_512),
	HASH("blake2b-256", "blake2b256", "libsodium", "", HASH_BLAKE2B_256),
	REFUSED(HASH, "sha-1", "sha1", "collisions are made of it"),
	REFUSED(HASH, "md5", "", "collisions are made of it in seconds"),
	SIGNATURE("ed25519", "ssh-ed25519", "libsodium", "", SSH_KEY_ED25519),
	SIGNATURE("ecdsa-p256", "ecdsa-sha2-nistp256 nistp256", "libcrypto", "",
	    SSH_KEY_ECDSA_P256),
	SIGNATURE("ecdsa-p384", "ecdsa-sha2-nistp384 nistp384", "libcrypto", "",
	    SSH_KEY_ECDSA_P384),
	SIGNATURE("rsa", "rsa-sha2-512 rsa-sha2-256", "libcrypto",
	    "signs from 3072 bits on, verifies from 2048", SSH_KEY_RSA),
	REFUSED(SIGNATURE, "rsa-sha1", "ssh-rsa", "SHA-1 has collisions"),
	REFUSED(SIGNATURE, "dsa", "ssh-dss",
	    "its keys are too short, and it is built on SHA-1"),
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

		if (row->family != family || row->standing == ALGORITHM_REFUSED)
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

const char *
algorithm_family_name(enum algorithm_family family)
{
	return family == ALGORITHM_HASH ? "hash" : "signature";
}

const char *
algorithm_standing_name(enum algorithm_standing standing)
{
	return standing == ALGORITHM_ALLOWED ? "allowed" : "refused";
}
