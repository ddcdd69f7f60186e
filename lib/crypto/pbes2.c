/*
 * PBES2.
 *
 * RULES    1. What a wrapper asks for is bounded before any memory or time is
 *             spent on it.
 *          2. There is no tag: whether the passphrase was right shows by the
 *             padding, and by whether a key is inside.
 */
#include "crypto/pbes2.h"

#include <sodium.h>

#include "crypto/der.h"
#include "crypto/known_answer.h"
#include "crypto/late_crypto.h"

#define BLOCK_BYTES 16
#define KEY_BYTES 32
#define SALT_BYTES 16
#define SALT_BYTES_MAX 256
#define HEAD_BYTES_MAX 256

struct name {
	size_t len;
	uint8_t oid[16];
	int means;
};

static const struct name pbes2_oid = { 9,
	{ 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d }, 0 };
static const struct name pbkdf2_oid = { 9,
	{ 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c }, 0 };
static const struct name scrypt_oid = { 9,
	{ 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b }, 0 };
static const struct name hashes[] = {
	{ 8, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x07 }, 1 },
	{ 8, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09 }, 256 },
	{ 8, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x0a }, 384 },
	{ 8, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x0b }, 512 },
};
static const struct name ciphers[] = {
	{ 9, { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x02 }, 16 },
	{ 9, { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x16 }, 24 },
	{ 9, { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a }, 32 },
};

static bool
is_name(struct bytes oid, const struct name *name)
{
	return bytes_equal(oid, bytes_of(name->oid, name->len));
}

/* What an oid means in a table; 0: it is not there. */
static int
find_name(struct bytes oid, const struct name *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_name(oid, &names[i]))
			return names[i].means;
	return 0;
}

static enum ag_status
damaged(struct ag_error *err)
{
	return ag_fail(err, AG_EINVAL, "damaged or cut short");
}

static enum ag_status
unknown(struct ag_error *err)
{
	return ag_fail(err, AG_EVERSION,
	    "encrypted in a way that is not done here (PBES2 with AES-CBC is); "
	    "openssl pkcs8 -topk8 -v2 aes-256-cbc changes it");
}

/* An INTEGER that need not be there. */
static void
skip_key_length(struct der_reader *r)
{
	if (der_is_next(r, DER_INTEGER))
		(void)der_get_number(r, KEY_BYTES);
}

static enum ag_status
read_pbkdf2(struct pbes2 *w, struct der_reader *r, struct ag_error *err)
{
	struct der_reader params, hash;

	der_enter(r, &params);
	w->salt = der_get(&params, DER_OCTETS);
	w->rounds = (uint32_t)der_get_number(&params, UINT32_MAX);
	skip_key_length(&params);
	w->hash_bits = 1;
	if (der_is_next(&params, DER_SEQUENCE)) {
		der_enter(&params, &hash);
		w->hash_bits = find_name(der_get(&hash, DER_OID), hashes,
		    sizeof(hashes) / sizeof(hashes[0]));
		if (!hash.failed && w->hash_bits == 0)
			return unknown(err);
		if (der_is_next(&hash, DER_NULL))
			(void)der_get(&hash, DER_NULL);
		params.failed = params.failed || !der_is_done(&hash);
	}
	if (!der_is_done(&params) || w->rounds == 0)
		return damaged(err);
	if (w->rounds > PBES2_ROUNDS_MAX)
		return ag_fail(err, AG_EINVAL,
		    "its passphrase takes %u rounds, and more than %d are out "
		    "of bounds",
		    w->rounds, PBES2_ROUNDS_MAX);
	return AG_OK;
}

static enum ag_status
read_scrypt(struct pbes2 *w, struct der_reader *r, struct ag_error *err)
{
	struct der_reader params;

	der_enter(r, &params);
	w->salt = der_get(&params, DER_OCTETS);
	w->scrypt_n = der_get_number(&params, UINT64_MAX);
	w->scrypt_r = (uint32_t)der_get_number(&params, UINT32_MAX);
	w->scrypt_p = (uint32_t)der_get_number(&params, UINT32_MAX);
	skip_key_length(&params);
	if (!der_is_done(&params) || w->scrypt_n < 2 ||
	    (w->scrypt_n & (w->scrypt_n - 1)) != 0 || w->scrypt_r == 0 ||
	    w->scrypt_p == 0)
		return damaged(err);
	if (w->scrypt_n > PBES2_SCRYPT_BYTES_MAX / 128 / w->scrypt_r ||
	    w->scrypt_p > PBES2_SCRYPT_LANES_MAX)
		return ag_fail(err, AG_EINVAL,
		    "its passphrase takes more memory or time than is within "
		    "bounds");
	return AG_OK;
}

static enum ag_status
read_schemes(struct pbes2 *w, struct der_reader *schemes, struct ag_error *err)
{
	struct der_reader kdf, cipher;
	enum ag_status status;
	struct bytes oid;

	der_enter(schemes, &kdf);
	oid = der_get(&kdf, DER_OID);
	if (is_name(oid, &pbkdf2_oid))
		status = read_pbkdf2(w, &kdf, err);
	else if (is_name(oid, &scrypt_oid))
		status = read_scrypt(w, &kdf, err);
	else
		status = kdf.failed ? damaged(err) : unknown(err);
	if (status != AG_OK)
		return status;
	der_enter(schemes, &cipher);
	w->key_bytes = (size_t)find_name(der_get(&cipher, DER_OID), ciphers,
	    sizeof(ciphers) / sizeof(ciphers[0]));
	if (!cipher.failed && w->key_bytes == 0)
		return unknown(err);
	w->vector = der_get(&cipher, DER_OCTETS);
	return der_is_done(&kdf) && der_is_done(&cipher) &&
		der_is_done(schemes) && w->vector.len == BLOCK_BYTES &&
		w->salt.len <= SALT_BYTES_MAX
	    ? AG_OK
	    : damaged(err);
}

enum ag_status
pbes2_read(struct pbes2 *w, struct bytes der, struct ag_error *err)
{
	struct der_reader all, info, algorithm, schemes;
	enum ag_status status;
	struct bytes oid;

	*w = (struct pbes2){ 0 };
	der_start(&all, der);
	der_enter(&all, &info);
	der_enter(&info, &algorithm);
	oid = der_get(&algorithm, DER_OID);
	if (!algorithm.failed && !is_name(oid, &pbes2_oid))
		return unknown(err);
	der_enter(&algorithm, &schemes);
	status = read_schemes(w, &schemes, err);
	if (status != AG_OK)
		return status;
	w->encrypted = der_get(&info, DER_OCTETS);
	return der_is_done(&algorithm) && der_is_done(&info) &&
		der_is_done(&all) && w->encrypted.len > 0 &&
		w->encrypted.len % BLOCK_BYTES == 0
	    ? AG_OK
	    : damaged(err);
}

static const EVP_MD *
hash_of(int bits)
{
	switch (bits) {
	case 1:
		return EVP_sha1();
	case 384:
		return EVP_sha384();
	case 512:
		return EVP_sha512();
	default:
		return EVP_sha256();
	}
}

static const EVP_CIPHER *
cipher_of(size_t key_bytes)
{
	if (key_bytes == 16)
		return EVP_aes_128_cbc();
	return key_bytes == 24 ? EVP_aes_192_cbc() : EVP_aes_256_cbc();
}

/* NULL when memory is refused. */
static struct secret *
derive(const struct pbes2 *w, const struct secret *passphrase)
{
	struct bytes words = secret_bytes(passphrase);
	struct secret *key = secret_new(w->key_bytes);
	bool is_made;

	if (key == NULL)
		return NULL;
	is_made = w->rounds > 0
	    ? PKCS5_PBKDF2_HMAC((const char *)words.data, (int)words.len,
		  w->salt.data, (int)w->salt.len, (int)w->rounds,
		  hash_of(w->hash_bits), (int)w->key_bytes,
		  secret_data(key)) == 1
	    : crypto_pwhash_scryptsalsa208sha256_ll(words.data, words.len,
		  w->salt.data, w->salt.len, w->scrypt_n, w->scrypt_r,
		  w->scrypt_p, secret_data(key), w->key_bytes) == 0;
	if (is_made)
		return key;
	secret_free(key);
	return NULL;
}

/*
 * encrypt is 1 or 0; out has input.len and a block.  Its length, or 0; of
 * what was decrypted, with its padding.
 */
static size_t
cipher_run(const struct pbes2 *w, const struct secret *key, int encrypt,
    struct bytes input, uint8_t *out)
{
	EVP_CIPHER_CTX *evp = EVP_CIPHER_CTX_new();
	int len = 0, rest = 0;
	bool is_done = evp != NULL &&
	    EVP_CipherInit_ex(evp, cipher_of(w->key_bytes), NULL,
		secret_bytes(key).data, w->vector.data, encrypt) == 1 &&
	    EVP_CIPHER_CTX_set_padding(evp, encrypt) == 1 &&
	    EVP_CipherUpdate(evp, out, &len, input.data, (int)input.len) == 1 &&
	    EVP_CipherFinal_ex(evp, out + len, &rest) == 1;

	if (evp != NULL)
		EVP_CIPHER_CTX_free(evp);
	return is_done ? (size_t)(len + rest) : 0;
}

/* All ones when a < b, else zero; both are small. */
static uint32_t
mask_less(uint32_t a, uint32_t b)
{
	return 0 - ((a - b) >> 31);
}

/*
 * The length of whole blocks without their padding, or 0 when that is wrong.
 * Which byte of it is wrong shows in nothing, nor in the time it takes.
 */
static size_t
unpadded_len(struct bytes plain)
{
	const uint8_t *end = plain.data + plain.len;
	uint32_t pad = end[-1], wrong;

	wrong = ~mask_less(pad, BLOCK_BYTES + 1) | mask_less(pad, 1);
	for (uint32_t i = 0; i < BLOCK_BYTES; i++)
		wrong |= mask_less(i, pad) & (end[-1 - (int)i] ^ pad);
	return (plain.len - pad) & (0 - (size_t)(wrong == 0));
}

enum ag_status
pbes2_open(struct secret **out, const struct pbes2 *w,
    const struct secret *passphrase, struct ag_error *err)
{
	enum ag_status status = late_crypto_load(err);
	struct secret *key, *plain;
	size_t len = 0;

	*out = NULL;
	if (status == AG_OK)
		status = known_answer_check(w->rounds > 0 ? KNOWN_ANSWER_PBKDF2
							  : KNOWN_ANSWER_SCRYPT,
		    err);
	if (status != AG_OK)
		return status;
	key = derive(w, passphrase);
	plain = secret_new(w->encrypted.len + BLOCK_BYTES);
	if (key == NULL || plain == NULL)
		status = ag_fail(err, AG_ENOMEM, "out of memory");
	else
		len = cipher_run(w, key, 0, w->encrypted, secret_data(plain));
	secret_free(key);
	if (len > 0)
		len = unpadded_len(bytes_of(secret_data(plain), len));
	if (status == AG_OK && len == 0)
		status =
		    ag_fail(err, AG_EDENIED, "wrong passphrase, or damaged");
	if (status != AG_OK) {
		secret_free(plain);
		return status;
	}
	secret_shorten(plain, len);
	*out = plain;
	return AG_OK;
}

/* A SEQUENCE of what is between begin and at, which is moved to make room. */
static uint8_t *
enclose(uint8_t *begin, const uint8_t *at)
{
	uint8_t copy[HEAD_BYTES_MAX];
	size_t len = (size_t)(at - begin);

	memcpy(copy, begin, len);
	return der_put(begin, DER_SEQUENCE, bytes_of(copy, len));
}

static uint8_t *
put_name(uint8_t *at, const struct name *name)
{
	return der_put(at, DER_OID, bytes_of(name->oid, name->len));
}

/* The algorithms, with the key derivation of PBES2_ROUNDS. */
static uint8_t *
put_algorithm(uint8_t *at, const struct pbes2 *w)
{
	static const uint8_t rounds[] = { PBES2_ROUNDS >> 16,
		PBES2_ROUNDS >> 8 & 0xff, PBES2_ROUNDS & 0xff };
	uint8_t *all = at, *schemes, *kdf, *params, *inner;

	schemes = at = put_name(at, &pbes2_oid);
	kdf = at;
	params = at = put_name(at, &pbkdf2_oid);
	at = der_put(at, DER_OCTETS, w->salt);
	at = der_put(at, DER_INTEGER, bytes_of(rounds, sizeof(rounds)));
	inner = at;
	at = put_name(at, &hashes[1]);
	at = der_put(at, DER_NULL, bytes_of(NULL, 0));
	at = enclose(inner, at);
	at = enclose(params, at);
	at = enclose(kdf, at);
	inner = at;
	at = put_name(at, &ciphers[2]);
	at = der_put(at, DER_OCTETS, w->vector);
	at = enclose(inner, at);
	at = enclose(schemes, at);
	return enclose(all, at);
}

enum ag_status
pbes2_seal(struct secret **out, struct bytes plain,
    const struct secret *passphrase, struct ag_error *err)
{
	uint8_t salt[SALT_BYTES], vector[BLOCK_BYTES], head[HEAD_BYTES_MAX];
	struct pbes2 w = { .salt = bytes_of(salt, sizeof(salt)),
		.vector = bytes_of(vector, sizeof(vector)),
		.key_bytes = KEY_BYTES,
		.hash_bits = 256,
		.rounds = PBES2_ROUNDS };
	size_t len = (plain.len / BLOCK_BYTES + 1) * BLOCK_BYTES, head_len;
	enum ag_status status = known_answer_check(KNOWN_ANSWER_PBKDF2, err);
	struct secret *key;
	uint8_t *at;

	*out = NULL;
	if (status != AG_OK)
		return status;
	randombytes_buf(salt, sizeof(salt));
	randombytes_buf(vector, sizeof(vector));
	head_len = (size_t)(put_algorithm(head, &w) - head);
	key = derive(&w, passphrase);
	*out = secret_new(2 * DER_HEAD_BYTES + head_len + len + BLOCK_BYTES);
	if (key != NULL && *out != NULL) {
		size_t wrapped =
		    (size_t)(der_put_head(secret_data(*out), DER_OCTETS, len) -
			secret_data(*out)) +
		    len;

		at = der_put_head(secret_data(*out), DER_SEQUENCE,
		    head_len + wrapped);
		memcpy(at, head, head_len);
		at = der_put_head(at + head_len, DER_OCTETS, len);
		if (cipher_run(&w, key, 1, plain, at) == len) {
			secret_shorten(*out,
			    (size_t)(at - secret_data(*out)) + len);
			secret_free(key);
			return AG_OK;
		}
	}
	secret_free(key);
	secret_free(*out);
	*out = NULL;
	return ag_fail(err, AG_ENOMEM, "out of memory");
}
