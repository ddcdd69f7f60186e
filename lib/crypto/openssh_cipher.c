/*
 * OpenSSH's encryption of private keys: a key and a first vector of
 * bcrypt_pbkdf, and one of its ciphers by libcrypto.
 *
 * Read is what ssh-keygen -Z can be asked for and libcrypto has; CBC with
 * 128 bits is libssh's.
 */
#include "crypto/openssh_cipher.h"

#include "crypto/bcrypt.h"
#include "crypto/late_crypto.h"

#define AES_BLOCK 16

static const struct cipher {
	const char *name;
	size_t key_bytes;
	size_t vector_bytes;
	size_t tag_bytes;
} ciphers[] = {
	{ OPENSSH_CIPHER, 32, 16, 0 },
	{ "aes128-ctr", 16, 16, 0 },
	{ "aes256-cbc", 32, 16, 0 },
	{ "aes128-cbc", 16, 16, 0 },
	{ "aes256-gcm@openssh.com", 32, 12, 16 },
};

static const struct cipher *
find_cipher(struct bytes name)
{
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++)
		if (bytes_equal(name, bytes_from_text(ciphers[i].name)))
			return &ciphers[i];
	return NULL;
}

size_t
openssh_cipher_block(struct bytes name)
{
	return find_cipher(name) != NULL ? AES_BLOCK : 0;
}

size_t
openssh_cipher_tag_bytes(struct bytes name)
{
	const struct cipher *cipher = find_cipher(name);

	return cipher != NULL ? cipher->tag_bytes : 0;
}

/* libcrypto's function, in the order of the table. */
static const EVP_CIPHER *
function_of(const struct cipher *cipher)
{
	switch (cipher - ciphers) {
	case 0:
		return EVP_aes_256_ctr();
	case 1:
		return EVP_aes_128_ctr();
	case 2:
		return EVP_aes_256_cbc();
	case 3:
		return EVP_aes_128_cbc();
	default:
		return EVP_aes_256_gcm();
	}
}

/* encrypt is 1 or 0, as OpenSSL has it; tag is of zero bytes or checked. */
static bool
run(EVP_CIPHER_CTX *evp, const struct cipher *cipher, const uint8_t *key,
    int encrypt, struct bytes input, struct bytes tag, uint8_t *out)
{
	uint8_t copy[AES_BLOCK];
	int len = 0, rest = 0;

	if (EVP_CipherInit_ex(evp, function_of(cipher), NULL, key,
		key + cipher->key_bytes, encrypt) != 1 ||
	    EVP_CIPHER_CTX_set_padding(evp, 0) != 1)
		return false;
	if (tag.len > 0) {
		memcpy(copy, tag.data, tag.len);
		if (EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_SET_TAG,
			(int)tag.len, copy) != 1)
			return false;
	}
	return EVP_CipherUpdate(evp, out, &len, input.data, (int)input.len) ==
	    1 &&
	    EVP_CipherFinal_ex(evp, out + len, &rest) == 1;
}

static enum ag_status
cipher_run(const struct openssh_cipher *c, const struct secret *passphrase,
    int encrypt, struct bytes input, struct bytes tag, uint8_t *out,
    struct ag_error *err)
{
	const struct cipher *cipher = find_cipher(c->name);
	enum ag_status status = late_crypto_load(err);
	EVP_CIPHER_CTX *evp;
	struct secret *key;

	if (status != AG_OK)
		return status;
	AG_ASSERT(cipher != NULL && tag.len == cipher->tag_bytes);
	key = bcrypt_pbkdf(secret_bytes(passphrase), c->salt, c->rounds,
	    cipher->key_bytes + cipher->vector_bytes);
	evp = EVP_CIPHER_CTX_new();
	if (key == NULL || evp == NULL)
		status = ag_fail(err, AG_ENOMEM, "out of memory");
	else if (!run(evp, cipher, secret_bytes(key).data, encrypt, input, tag,
		     out))
		status =
		    ag_fail(err, AG_EDENIED, "wrong passphrase, or damaged");
	if (status != AG_OK)
		secret_wipe(out, input.len);
	if (evp != NULL)
		EVP_CIPHER_CTX_free(evp);
	secret_free(key);
	return status;
}

enum ag_status
openssh_cipher_seal(const struct openssh_cipher *cipher,
    const struct secret *passphrase, struct bytes input, uint8_t *out,
    struct ag_error *err)
{
	return cipher_run(cipher, passphrase, 1, input, bytes_of(NULL, 0), out,
	    err);
}

enum ag_status
openssh_cipher_open(const struct openssh_cipher *cipher,
    const struct secret *passphrase, struct bytes input, struct bytes tag,
    uint8_t *out, struct ag_error *err)
{
	return cipher_run(cipher, passphrase, 0, input, tag, out, err);
}
