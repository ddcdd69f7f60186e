/*
 * minisign's public keys, secret keys and signatures from anywhere.
 *
 * Oracle: a signature does not verify with a key that nobody has; a secret
 * key that is read is sound, and what it signs is read again and verifies.
 * Encrypted ones are opened with a passphrase, whose derivation is a cheap
 * one here.
 */
#include "crypto/minisign.h"
#include "fixture/cheap_crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const uint8_t digest[HASH_BYTES_MAX] = { 1, 2, 3 };

static void
check_signature(const struct minisign_signature *sig)
{
	struct minisign_public key = { .key = { 0x58, 0x66, 0x66 } };
	struct ag_error err;

	memcpy(key.id, sig->id, sizeof(key.id));
	AG_ASSERT(minisign_verify(sig, &key, bytes_of(digest, sizeof(digest)),
		      &err) == AG_EFORGED);
}

static void
check_key(const struct minisign_key *key)
{
	struct minisign_signature sig;
	struct minisign_public own;
	struct ag_error err;
	struct buf text;

	minisign_key_public(&own, key);
	buf_init(&text, MINISIGN_FILE_BYTES_MAX);
	AG_ASSERT(minisign_sign(&text, key, digest, "c", "t", &err) == AG_OK);
	AG_ASSERT(minisign_parse(&sig, buf_bytes(&text), &err) == AG_OK);
	AG_ASSERT(minisign_verify(&sig, &own, bytes_of(digest, sizeof(digest)),
		      &err) == AG_OK);
	buf_fini(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes text = bytes_of(data, len);
	struct minisign_signature sig;
	struct minisign_public public_key;
	char id[MINISIGN_ID_TEXT_BYTES];
	struct minisign_key *key;
	struct ag_error err;

	if (minisign_parse_public(&public_key, text, &err) == AG_OK) {
		minisign_id_format(id, public_key.id);
		AG_ASSERT(strlen(id) == sizeof(id) - 1);
	}
	if (minisign_parse(&sig, text, &err) == AG_OK)
		check_signature(&sig);
	if (minisign_key_parse(&key, text, cheap_crypto_begin(), "f", &err) ==
	    AG_OK) {
		check_key(key);
		minisign_key_free(key);
	}
	return 0;
}
