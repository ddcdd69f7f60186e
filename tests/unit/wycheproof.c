/*
 * Wycheproof's files, each by every library that computes it here.
 *
 * POLICY   What is "valid" is taken and "invalid" refused, under each flag.
 *          InvalidNonceSize, SmallIv, LongIv, ZeroLengthIv: nonces have one
 *          length here, which no file can choose, so that others have no form.
 *          AES-GCM with keys that are not 256 bits long: as well.
 *          EncryptionWithLabel, and HKDF's info: they are texts here, so that
 *          those with a NUL have no form.
 *          MaximalOutputSize, SizeTooLarge: HKDF makes one block here.
 *          "acceptable": see where the file is judged.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/hkdf.h"
#include "crypto/key_evp.h"
#include "crypto/late_crypto.h"
#include "crypto/rsa_oaep.h"
#include "fixture/vectors.h"

#define TAG_BYTES 16

static const struct {
	const char *file, *where;
} files[] = {
	{ "aes_gcm", "here" },
	{ "aes_gmac", "not done: no cipher here is used for its tag alone" },
	{ "aes_kwp", "not done: keys are wrapped by what has a nonce" },
	{ "aes_wrap", "not done: keys are wrapped by what has a nonce" },
	{ "c2sp_chunked_encryption_aes_256_gcm", "not done: files are age's" },
	{ "chacha20_poly1305", "here" },
	{ "ecdh_secp256r1_ecpoint", "not done: P-256 signs alone" },
	{ "ecdh_secp256r1", "not done: P-256 signs alone" },
	{ "ecdsa_secp256r1_sha256", "ssh_signature" },
	{ "ecdsa_secp256r1_sha3_256", "not done: SSH has no such signature" },
	{ "ecdsa_secp384r1_sha384", "ssh_signature" },
	{ "ed25519", "crypto" },
	{ "hkdf_sha256", "here" },
	{ "hkdf_sha512", "not done: HKDF has SHA-256 here" },
	{ "hmac_sha256", "here" },
	{ "hmac_sha3_256", "not done: HMAC has SHA-256 here" },
	{ "hmac_sha512", "not done: HMAC has SHA-256 here" },
	{ "mlkem_768", "not done: neither library has it" },
	{ "pbes2_hmacsha256_aes_256", "private_key" },
	{ "pbkdf2_hmacsha256", "here" },
	{ "primality", "not done: primes are libcrypto's to test" },
	{ "rsa_oaep_2048_sha256_mgf1sha256", "here" },
	{ "rsa_oaep_3072_sha256_mgf1sha256", "here" },
	{ "rsa_pss_2048_sha256_mgf1_32", "not done: SSH has PKCS #1 v1.5" },
	{ "rsa_pss_3072_sha256_mgf1_32", "not done: SSH has PKCS #1 v1.5" },
	{ "rsa_signature_2048_sha256", "ssh_signature" },
	{ "rsa_signature_3072_sha256", "ssh_signature" },
	{ "rsa_signature_3072_sha3_256",
	    "not done: SSH has no such signature" },
	{ "siphash_2_4", "not done: no table here is keyed" },
	{ "x25519_pem", "private_key" },
	{ "x25519", "private_key" },
	{ "xchacha20_poly1305", "crypto" },
};

/* Each test of a file, with the group that it is in. */
typedef void judge_fn(const json_t *group, const json_t *test, bool is_valid);

static size_t valid, invalid, formless;

static void
judge_file(const char *name, judge_fn *judge)
{
	char path[96];
	json_t *all, *group, *test;
	size_t i, k;

	(void)snprintf(path, sizeof(path), "wycheproof/%s_test.json", name);
	all = vectors_json(path);
	assert_int_equal(late_crypto_load(NULL), AG_OK);
	valid = invalid = formless = 0;
	json_array_foreach(json_object_get(all, "testGroups"), i, group)
	    json_array_foreach(json_object_get(group, "tests"), k, test)
	{
		const char *result = vectors_result(test);

		assert_string_not_equal(result, "acceptable");
		judge(group, test, strcmp(result, "valid") == 0);
	}
	json_decref(all);
	print_message("%s: %zu valid, %zu invalid, %zu have no form here\n",
	    name, valid, invalid, formless);
}

static json_int_t
number_of(const json_t *group, const char *name)
{
	return json_integer_value(json_object_get(group, name));
}

/* Of what a judge said, and should have. */
static void
count(bool is_taken, bool is_valid)
{
	assert_int_equal(is_taken, is_valid);
	valid += is_valid;
	invalid += !is_valid;
}

struct aead_test {
	uint8_t key[32], nonce[64], aad[1024], msg[1024], sealed[1024 + 64];
	size_t aad_len, msg_len, ct_len;
};

static void
read_aead(struct aead_test *t, const json_t *test)
{
	(void)vectors_hex(test, "key", t->key, sizeof(t->key));
	(void)vectors_hex(test, "iv", t->nonce, sizeof(t->nonce));
	t->aad_len = vectors_hex(test, "aad", t->aad, sizeof(t->aad));
	t->msg_len = vectors_hex(test, "msg", t->msg, sizeof(t->msg));
	t->ct_len = vectors_hex(test, "ct", t->sealed, sizeof(t->sealed));
	assert_int_equal(vectors_hex(test, "tag", t->sealed + t->ct_len,
			     TAG_BYTES),
	    TAG_BYTES);
}

static bool
open_late(const EVP_CIPHER *cipher, struct aead_test *t, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len = 0;
	bool is_open;

	assert_non_null(ctx);
	is_open =
	    EVP_CipherInit_ex(ctx, cipher, NULL, t->key, t->nonce, 0) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES,
		t->sealed + t->ct_len) == 1 &&
	    (t->aad_len == 0 ||
		EVP_CipherUpdate(ctx, NULL, &len, t->aad, (int)t->aad_len) ==
		    1) &&
	    (t->ct_len == 0 ||
		EVP_CipherUpdate(ctx, out, &len, t->sealed, (int)t->ct_len) ==
		    1) &&
	    EVP_CipherFinal_ex(ctx, out + t->ct_len, &len) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return is_open && memcmp(out, t->msg, t->msg_len) == 0;
}

static void
judge_chacha20(const json_t *group, const json_t *test, bool is_valid)
{
	uint8_t out[1024 + 64];
	struct aead_test t;

	if (number_of(group, "ivSize") != 96) {
		assert_false(is_valid);
		formless++;
		return;
	}
	read_aead(&t, test);
	count(open_late(EVP_chacha20_poly1305(), &t, out), is_valid);
	count(crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL,
		  t.sealed, t.ct_len + TAG_BYTES, t.aad, t.aad_len, t.nonce,
		  t.key) == 0 &&
		memcmp(out, t.msg, t.msg_len) == 0,
	    is_valid);
}

static void
chacha20_poly1305_is_judged_as_published_by_both(void **state)
{
	(void)state;
	judge_file("chacha20_poly1305", judge_chacha20);
	assert_int_equal(valid, 2 * 256);
	assert_int_equal(invalid, 2 * 60);
	assert_int_equal(formless, 9);
}

static void
judge_gcm(const json_t *group, const json_t *test, bool is_valid)
{
	uint8_t out[1024 + 64];
	struct aead_test t;

	if (number_of(group, "ivSize") != 96 ||
	    number_of(group, "keySize") != 256) {
		formless++;
		return;
	}
	read_aead(&t, test);
	count(open_late(EVP_aes_256_gcm(), &t, out), is_valid);
}

static void
aes_gcm_is_judged_as_published(void **state)
{
	(void)state;
	judge_file("aes_gcm", judge_gcm);
	assert_int_equal(valid + invalid, 66);
	assert_int_equal(formless, 250);
}

/* As text; false when it has a NUL, and no form. */
static bool
text_of(char out[static 1024], const json_t *test, const char *name)
{
	size_t len = vectors_hex(test, name, (uint8_t *)out, 1023);

	out[len] = '\0';
	return strlen(out) == len;
}

static void
judge_hkdf(const json_t *group, const json_t *test, bool is_valid)
{
	static uint8_t okm[8192];
	uint8_t key[1024], salt[1024];
	struct secret *made;
	char info[1024];
	size_t key_len = vectors_hex(test, "ikm", key, sizeof(key)), len;

	(void)group;
	if (!is_valid || !text_of(info, test, "info")) {
		formless++;
		return;
	}
	made = hkdf_sha256(bytes_of(key, key_len),
	    bytes_of(salt, vectors_hex(test, "salt", salt, sizeof(salt))),
	    info);
	len = vectors_hex(test, "okm", okm, sizeof(okm));
	len = len < HKDF_BYTES ? len : HKDF_BYTES;
	count(memcmp(secret_bytes(made).data, okm, len) == 0, true);
	secret_free(made);
}

static void
hkdf_makes_what_was_published(void **state)
{
	(void)state;
	judge_file("hkdf_sha256", judge_hkdf);
	assert_true(valid >= 60);
}

static void
judge_hmac(const json_t *group, const json_t *test, bool is_valid)
{
	uint8_t key[1024], message[1024], tag[32], made[32];
	size_t tag_len = (size_t)number_of(group, "tagSize") / 8;
	crypto_auth_hmacsha256_state hmac;

	(void)crypto_auth_hmacsha256_init(&hmac, key,
	    vectors_hex(test, "key", key, sizeof(key)));
	(void)crypto_auth_hmacsha256_update(&hmac, message,
	    vectors_hex(test, "msg", message, sizeof(message)));
	(void)crypto_auth_hmacsha256_final(&hmac, made);
	assert_int_equal(vectors_hex(test, "tag", tag, sizeof(tag)), tag_len);
	count(sodium_memcmp(made, tag, tag_len) == 0, is_valid);
}

static void
hmac_is_judged_as_published(void **state)
{
	(void)state;
	judge_file("hmac_sha256", judge_hmac);
	assert_int_equal(valid, 66);
	assert_int_equal(invalid, 108);
}

static void
judge_pbkdf2(const json_t *group, const json_t *test, bool is_valid)
{
	uint8_t password[1024], salt[1024], expected[1024], made[1024];
	size_t len = vectors_hex(test, "dk", expected, sizeof(expected));
	json_int_t rounds = number_of(test, "iterationCount");

	(void)group;
	if (rounds > 100000) {
		formless++; /* it would, and take minutes */
		return;
	}
	assert_int_equal(PKCS5_PBKDF2_HMAC((const char *)password,
			     (int)vectors_hex(test, "password", password,
				 sizeof(password)),
			     salt,
			     (int)vectors_hex(test, "salt", salt, sizeof(salt)),
			     (int)rounds, EVP_sha256(), (int)len, made),
	    1);
	count(memcmp(made, expected, len) == 0, is_valid);
}

static void
pbkdf2_makes_what_was_published(void **state)
{
	(void)state;
	judge_file("pbkdf2_hmacsha256", judge_pbkdf2);
	assert_true(valid >= 50);
}

static void
judge_oaep(const json_t *group, const json_t *test, bool is_valid)
{
	static uint8_t der[4096];
	uint8_t sealed[1024], message[1024];
	size_t der_len =
	    vectors_hex(group, "privateKeyPkcs8", der, sizeof(der));
	size_t len = vectors_hex(test, "ct", sealed, sizeof(sealed)), plain_len;
	struct secret *plain = NULL;
	enum ag_status status;
	char label[1024];
	EVP_PKEY *pkey;

	if (!text_of(label, test, "label")) {
		formless++;
		return;
	}
	assert_int_equal(key_evp_from_der(&pkey, bytes_of(der, der_len), NULL),
	    AG_OK);
	status =
	    rsa_oaep_decrypt(&plain, pkey, label, bytes_of(sealed, len), NULL);
	plain_len = vectors_hex(test, "msg", message, sizeof(message));
	assert_true(status == AG_OK || status == AG_EFORGED);
	count(status == AG_OK &&
		(!is_valid ||
		    bytes_equal(secret_bytes(plain),
			bytes_of(message, plain_len))),
	    is_valid);
	secret_free(plain);
	EVP_PKEY_free(pkey);
}

static void
rsa_oaep_is_judged_as_published(void **state)
{
	(void)state;
	judge_file("rsa_oaep_2048_sha256_mgf1sha256", judge_oaep);
	assert_true(valid >= 10 && invalid >= 18);
	judge_file("rsa_oaep_3072_sha256_mgf1sha256", judge_oaep);
	assert_true(valid >= 10 && invalid >= 18);
}

static bool
is_listed(const char *name)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		size_t len = strlen(files[i].file);

		if (strncmp(name, files[i].file, len) == 0 &&
		    strcmp(name + len, "_test.json") == 0)
			return true;
	}
	return false;
}

static void
every_published_file_is_judged_or_has_a_reason(void **state)
{
	char path[VECTORS_PATH_BYTES];
	struct dirent *entry;
	size_t seen = 0;
	DIR *list;

	(void)state;
	vectors_path(path, "wycheproof");
	list = opendir(path);
	assert_non_null(list);
	while ((entry = readdir(list)) != NULL) {
		if (strstr(entry->d_name, ".json") == NULL)
			continue;
		if (!is_listed(entry->d_name))
			fail_msg("%s is not judged", entry->d_name);
		seen++;
	}
	(void)closedir(list);
	assert_int_equal(seen, sizeof(files) / sizeof(files[0]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    every_published_file_is_judged_or_has_a_reason),
		cmocka_unit_test(
		    chacha20_poly1305_is_judged_as_published_by_both),
		cmocka_unit_test(aes_gcm_is_judged_as_published),
		cmocka_unit_test(hkdf_makes_what_was_published),
		cmocka_unit_test(hmac_is_judged_as_published),
		cmocka_unit_test(pbkdf2_makes_what_was_published),
		cmocka_unit_test(rsa_oaep_is_judged_as_published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
