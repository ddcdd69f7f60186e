/*
 * SSH signature files, public key lines and private keys that sign, from
 * anywhere.
 *
 * Oracle: a signature that parses is for a namespace, and not of a digest
 * that nobody signed; a key that parses from a line has one blob, which
 * parses to the same key; a key that signs makes a signature that is read
 * again and verifies.
 */
#include "crypto/sshsig.h"
#include "crypto/key_format.h"
#include "fixture/cheap_crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const uint8_t digest[HASH_BYTES_MAX] = { 1, 2, 3 };

static void
check_key(const struct ssh_key *key)
{
	struct ssh_key again;

	AG_ASSERT(ssh_key_parse_blob(&again, bytes_of(key->blob, key->blob_len),
		      NULL) == AG_OK);
	AG_ASSERT(ssh_key_equal(key, &again));
	AG_ASSERT(key->type == again.type);
	AG_ASSERT(key->bits == again.bits);
}

static void
check_signature(const struct sshsig *sig)
{
	struct ag_error err;

	check_key(&sig->key);
	AG_ASSERT(sig->namespace[0] != '\0');
	AG_ASSERT(sshsig_verify(sig, "", digest, &err) == AG_EFORGED);
	AG_ASSERT(sshsig_verify(sig, sig->namespace, digest, &err) != AG_OK);
}

static void
check_signer(const struct ssh_signer *signer)
{
	struct ag_error err;
	struct sshsig sig;
	struct buf text;

	check_key(ssh_signer_public(signer));
	buf_init(&text, SSHSIG_FILE_BYTES_MAX);
	AG_ASSERT(sshsig_sign(&text, signer, "file", digest, &err) == AG_OK);
	AG_ASSERT(sshsig_parse(&sig, buf_bytes(&text), &err) == AG_OK);
	AG_ASSERT(sshsig_verify(&sig, "file", digest, &err) == AG_OK);
	buf_fini(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes text = bytes_of(data, len);
	struct ssh_signer *signer;
	struct ssh_key key;
	struct sshsig sig;
	struct ag_error err;

	if (sshsig_parse(&sig, text, &err) == AG_OK)
		check_signature(&sig);
	if (ssh_key_parse_line(&key, text, &err) == AG_OK)
		check_key(&key);
	if (ssh_signer_parse(&signer, text, cheap_crypto_begin(), "f", &err) ==
	    AG_OK) {
		check_signer(signer);
		ssh_signer_free(signer);
	}
	return 0;
}
