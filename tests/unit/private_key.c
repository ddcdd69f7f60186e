/*
 * Private keys of every type, in every format they are kept in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "codec/text.h"
#include "crypto/age_key.h"
#include "crypto/der.h"
#include "crypto/key_format.h"
#include "crypto/key_weak.h"
#include "crypto/pbes2.h"
#include "crypto/pkcs8.h"
#include "crypto/sealed_key.h"
#include "fixture/vectors.h"

static struct private_key *
made(const char *name)
{
	const struct algorithm *algorithm;
	struct private_key *key;

	assert_int_equal(algorithm_find(&algorithm, ALGORITHM_KEY, name, NULL),
	    AG_OK);
	assert_int_equal(private_key_generate(&key, algorithm, NULL), AG_OK);
	return key;
}

static struct secret *
words(const char *text)
{
	return secret_copy(bytes_from_text(text));
}

/* Sealed at the least work there is, where that is not the question. */
static struct secret *
sealed(const struct private_key *key, const struct secret *passphrase)
{
	struct secret *text;

	assert_int_equal(key_format_write_sealed(&text, key, passphrase,
			     WORK_LOW, NULL),
	    AG_OK);
	return text;
}

/* Both halves; they were checked when the key was made. */
static void
assert_same(const struct private_key *a, const struct private_key *b)
{
	struct secret *der_a, *der_b;

	assert_true(
	    key_public_equal(private_key_public(a), private_key_public(b)));
	assert_int_equal(pkcs8_format_der(&der_a, a, NULL), AG_OK);
	assert_int_equal(pkcs8_format_der(&der_b, b, NULL), AG_OK);
	assert_true(secret_equal(der_a, der_b));
	secret_free(der_a);
	secret_free(der_b);
}

static void
assert_opens(const struct private_key *key, struct secret *text,
    const struct secret *passphrase)
{
	struct private_key *back;

	assert_int_equal(key_format_is_encrypted(secret_bytes(text)),
	    passphrase != NULL);
	assert_int_equal(key_format_parse(&back, secret_bytes(text), passphrase,
			     "k", NULL),
	    AG_OK);
	assert_same(key, back);
	private_key_free(back);
	secret_free(text);
}

static void
assert_reads_back(const struct private_key *key, enum key_format format,
    const struct secret *passphrase)
{
	struct secret *text;

	assert_int_equal(key_format_write(&text, key, format, passphrase, NULL),
	    AG_OK);
	assert_opens(key, text, passphrase);
}

static void
every_type_is_read_back_from_every_format_it_has(void **state)
{
	static const char *const types[] = { "ed25519", "x25519", "ecdsa-p256",
		"ecdsa-p384", "rsa-3072" };
	struct secret *passphrase = words("correct horse");

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct private_key *key = made(types[i]);
		bool is_x25519 =
		    private_key_public(key)->id == ALGORITHM_KEY_X25519;
		/* To a passphrase a key is bytes: a few, and many. */
		bool is_short_or_long =
		    i == 0 || private_key_public(key)->id == SSH_KEY_RSA;

		assert_int_equal(private_key_check(key, NULL), AG_OK);
		assert_reads_back(key, KEY_FORMAT_PKCS8, NULL);
		if (is_short_or_long)
			assert_reads_back(key, KEY_FORMAT_PKCS8, passphrase);
		assert_opens(key, sealed(key, passphrase), passphrase);
		if (is_x25519) {
			assert_reads_back(key, KEY_FORMAT_AGE, NULL);
			assert_reads_back(key, KEY_FORMAT_BACKUP, NULL);
		} else {
			assert_reads_back(key, KEY_FORMAT_OPENSSH, NULL);
			if (is_short_or_long)
				assert_reads_back(key, KEY_FORMAT_OPENSSH,
				    passphrase);
		}
		private_key_free(key);
	}
	secret_free(passphrase);
}

static void
formats_that_do_not_fit_are_refused_with_those_that_do(void **state)
{
	struct private_key *x25519 = made("x25519"), *ed25519 = made("ed25519");
	struct secret *passphrase = words("p"), *text;
	struct ag_error err;

	(void)state;
	assert_int_equal(key_format_write(&text, x25519, KEY_FORMAT_OPENSSH,
			     NULL, &err),
	    AG_EINVAL);
	assert_non_null(strstr(err.text, "age, pkcs8 or sealed"));
	assert_int_equal(key_format_write(&text, ed25519, KEY_FORMAT_AGE, NULL,
			     &err),
	    AG_EINVAL);
	assert_int_equal(key_format_write(&text, x25519, KEY_FORMAT_AGE,
			     passphrase, &err),
	    AG_EINVAL);
	assert_int_equal(key_format_write(&text, ed25519, KEY_FORMAT_SEALED,
			     NULL, &err),
	    AG_EINVAL);
	assert_null(text);
	secret_free(passphrase);
	private_key_free(ed25519);
	private_key_free(x25519);
}

static void
a_wrong_passphrase_and_a_changed_bit_are_told_alike(void **state)
{
	struct secret *right = words("right"), *wrong = words("wrong"), *text;
	struct private_key *key = made("ed25519"), *back;
	struct ag_error err;
	uint8_t *last;

	(void)state;
	text = sealed(key, right);
	assert_int_equal(key_format_parse(&back, secret_bytes(text), wrong, "k",
			     &err),
	    AG_EDENIED);
	assert_string_equal(err.text,
	    "private key k: wrong passphrase, or damaged");
	assert_null(back);
	/* A character of the tag, before padding and the last line. */
	last = memmem(secret_data(text), secret_len(text), "\n-----END", 9);
	last -= 8;
	*last = *last == 'A' ? 'B' : 'A';
	assert_int_equal(key_format_parse(&back, secret_bytes(text), right, "k",
			     &err),
	    AG_EDENIED);
	assert_string_equal(err.text,
	    "private key k: wrong passphrase, or damaged");
	secret_free(text);
	private_key_free(key);
	secret_free(wrong);
	secret_free(right);
}

/* The work factors of a sealed text. */
static void
read_factors(uint8_t factors[static 8], const struct secret *text)
{
	uint8_t raw[64];
	size_t len;

	(void)sodium_base642bin(raw, sizeof(raw),
	    (const char *)secret_bytes(text).data + 33, 64, NULL, &len, NULL,
	    sodium_base64_VARIANT_ORIGINAL);
	assert_true(len >= 22);
	memcpy(factors, raw + 14, 8);
}

static void
a_sealed_key_says_how_much_work_it_takes(void **state)
{
	static const uint8_t low[] = { 0, 0, 0, 2, 0, 0, 0, 64 };
	static const uint8_t usual[] = { 0, 0, 0, 3, 0, 0, 1, 0 };
	struct secret *passphrase = words("p"), *text;
	struct private_key *key = made("ed25519");
	uint8_t factors[8];
	enum work_level work;

	(void)state;
	text = sealed(key, passphrase);
	read_factors(factors, text);
	assert_memory_equal(factors, low, sizeof(low));
	secret_free(text);
	assert_int_equal(key_format_write(&text, key, KEY_FORMAT_SEALED,
			     passphrase, NULL),
	    AG_OK);
	read_factors(factors, text);
	assert_memory_equal(factors, usual, sizeof(usual));
	assert_opens(key, text, passphrase);
	assert_int_equal(work_find(&work, "none", NULL), AG_EINVAL);
	private_key_free(key);
	secret_free(passphrase);
}

/* Header, its strings and the sealed text, byte by byte. */
static void
no_byte_of_a_sealed_key_can_be_changed(void **state)
{
	static const char begin[] = "-----BEGIN AEGIS SEALED KEY-----\n";
	struct secret *passphrase = words("p"), *text;
	struct private_key *key = made("x25519"), *back;
	size_t step = 29;

	(void)state;
	private_key_set_comment(key, "note");
	text = sealed(key, passphrase);
	for (size_t i = sizeof(begin) - 1; i < secret_len(text) - 40;
	     i += step) {
		uint8_t *c = &secret_data(text)[i], kept = *c;

		*c = kept == 'A' ? 'B' : 'A';
		assert_int_not_equal(key_format_parse(&back, secret_bytes(text),
					 passphrase, "k", NULL),
		    AG_OK);
		*c = kept;
	}
	for (size_t len = 0; len < secret_len(text) - 1; len++)
		assert_int_not_equal(key_format_parse(&back,
					 bytes_of(secret_bytes(text).data, len),
					 NULL, "k", NULL),
		    AG_OK);
	assert_int_equal(key_format_parse(&back, secret_bytes(text), passphrase,
			     "k", NULL),
	    AG_OK);
	assert_string_equal(private_key_comment(back), "note");
	private_key_free(back);
	secret_free(text);
	private_key_free(key);
	secret_free(passphrase);
}

/* The work factors of a sealed key are bytes 14 to 21 of it. */
static void
sealed_keys_that_ask_for_too_much_or_little_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} changes[] = { { 14, 1 }, { 17, 0 }, { 17, 11 }, { 18, 1 }, { 20, 9 },
		{ 21, 63 } };
	struct secret *passphrase = words("p"), *text;
	struct private_key *key = made("ed25519"), *back;
	struct ag_error err;
	uint8_t raw[1024];
	char base64[TEXT_BASE64_BYTES(sizeof(raw))], armoured[2048];
	size_t len;

	(void)state;
	text = sealed(key, passphrase);
	assert_true(sodium_base642bin(raw, sizeof(raw),
			(const char *)secret_bytes(text).data + 33,
			secret_len(text) - 33 - 31, "\n", &len, NULL,
			sodium_base64_VARIANT_ORIGINAL) == 0);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		uint8_t kept = raw[changes[i].at];

		raw[changes[i].at] = changes[i].value;
		text_base64(base64, sizeof(base64), bytes_of(raw, len),
		    BASE64_STANDARD);
		raw[changes[i].at] = kept;
		(void)snprintf(armoured, sizeof(armoured),
		    "-----BEGIN AEGIS SEALED KEY-----\n%s\n"
		    "-----END AEGIS SEALED KEY-----\n",
		    base64);
		assert_int_equal(key_format_parse(&back,
				     bytes_from_text(armoured), passphrase, "k",
				     &err),
		    AG_EINVAL);
		assert_non_null(strstr(err.text, "out of bounds"));
	}
	secret_free(text);
	private_key_free(key);
	secret_free(passphrase);
}

/* PBES2 with a PBKDF2 of so many rounds, or scrypt of such an N. */
static size_t
wrapper_of(uint8_t *out, bool is_scrypt, struct bytes number)
{
	static const uint8_t pbkdf2[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
		0x01, 0x05, 0x0c };
	static const uint8_t scrypt[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda,
		0x47, 0x04, 0x0b };
	static const uint8_t pbes2[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
		0x01, 0x05, 0x0d };
	static const uint8_t aes[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
		0x01, 0x2a };
	uint8_t params[64], kdf[96], cipher[64], both[192], algorithm[224];
	static const uint8_t eight[] = { 8 }, one[] = { 1 };
	static const uint8_t zeros[16] = { 0 };
	uint8_t inner[300], *at;
	size_t len;

	at = der_put(params, DER_OCTETS, bytes_of("saltsalt", 8));
	at = der_put(at, DER_INTEGER, number);
	if (is_scrypt) {
		at = der_put(at, DER_INTEGER, bytes_of(eight, 1));
		at = der_put(at, DER_INTEGER, bytes_of(one, 1));
	}
	len = (size_t)(at - params);
	at = der_put(kdf, DER_OID,
	    is_scrypt ? bytes_of(scrypt, sizeof(scrypt))
		      : bytes_of(pbkdf2, sizeof(pbkdf2)));
	at = der_put(at, DER_SEQUENCE, bytes_of(params, len));
	len = (size_t)(at - kdf);
	at = der_put(both, DER_SEQUENCE, bytes_of(kdf, len));
	len = (size_t)(der_put(der_put(cipher, DER_OID,
				   bytes_of(aes, sizeof(aes))),
			   DER_OCTETS, bytes_of(zeros, 16)) -
	    cipher);
	at = der_put(at, DER_SEQUENCE, bytes_of(cipher, len));
	len = (size_t)(at - both);
	at = der_put(algorithm, DER_OID, bytes_of(pbes2, sizeof(pbes2)));
	at = der_put(at, DER_SEQUENCE, bytes_of(both, len));
	len = (size_t)(at - algorithm);
	at = der_put(inner, DER_SEQUENCE, bytes_of(algorithm, len));
	at = der_put(at, DER_OCTETS, bytes_of(zeros, 16));
	len = (size_t)(at - inner);
	return (size_t)(der_put(out, DER_SEQUENCE, bytes_of(inner, len)) - out);
}

static void
wrappers_that_ask_for_too_much_are_refused_before_it_is_spent(void **state)
{
	static const struct {
		bool is_scrypt;
		uint8_t number[5];
		size_t len;
		enum ag_status status;
	} asked[] = {
		{ false, { 0x08, 0x00 }, 2, AG_OK },
		{ false, { 0x00, 0x98, 0x96, 0x80 }, 4, AG_OK }, /* 10^7 */
		{ false, { 0x00, 0x98, 0x96, 0x81 }, 4, AG_EINVAL },
		{ false, { 0x7f, 0xff, 0xff, 0xff }, 4, AG_EINVAL },
		{ false, { 0 }, 1, AG_EINVAL },
		{ false, { 0xff }, 1, AG_EINVAL },
		{ true, { 0x40, 0x00 }, 2, AG_OK },
		{ true, { 0x10, 0x00, 0x00 }, 3, AG_OK }, /* 1 GiB */
		{ true, { 0x20, 0x00, 0x00 }, 3, AG_EINVAL },
		{ true, { 0x40, 0x01 }, 2, AG_EINVAL },
		{ true, { 1 }, 1, AG_EINVAL },
	};
	uint8_t der[400];
	struct pbes2 wrapper;

	(void)state;
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		size_t len = wrapper_of(der, asked[i].is_scrypt,
		    bytes_of(asked[i].number, asked[i].len));

		assert_int_equal(pbes2_read(&wrapper, bytes_of(der, len), NULL),
		    asked[i].status);
		for (size_t cut = 0; cut < len; cut++)
			assert_int_not_equal(pbes2_read(&wrapper,
						 bytes_of(der, cut), NULL),
			    AG_OK);
		der[len] = 0;
		assert_int_not_equal(pbes2_read(&wrapper,
					 bytes_of(der, len + 1), NULL),
		    AG_OK);
	}
}

static void
der_has_one_form_for_each_length_and_number(void **state)
{
	static const struct {
		const char *raw;
		size_t len;
		bool is_right;
	} forms[] = {
		{ "\x02\x01\x05", 3, true },
		{ "\x02\x02\x00\x80", 4, true },
		{ "\x02\x02\x00\x7f", 4, false },
		{ "\x02\x01\x80", 3, false },
		{ "\x02\x00", 2, false },
		{ "\x02\x81\x01\x05", 4, false },
		{ "\x02\x82\x00\x01\x05", 5, false },
		{ "\x02\x80", 2, false },
		{ "\x02\x02\x05", 3, false },
		{ "\x04\x01\x05", 3, false },
		{ "\x02", 1, false },
		{ "\x02\x09\x01\0\0\0\0\0\0\0\0", 11, false },
	};
	struct der_reader r;

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		der_start(&r, bytes_of(forms[i].raw, forms[i].len));
		(void)der_get_number(&r, UINT64_MAX);
		assert_int_equal(der_is_done(&r), forms[i].is_right);
	}
}

static void
any_slip_in_an_age_key_is_noticed(void **state)
{
	struct private_key *key = made("x25519");
	uint8_t raw[AGE_KEY_BYTES];
	char text[AGE_RECIPIENT_BYTES];
	struct secret *written, *back;

	(void)state;
	age_key_format_recipient(text, private_key_public(key)->x25519);
	assert_int_equal(age_key_parse_recipient(raw, bytes_from_text(text),
			     NULL),
	    AG_OK);
	assert_memory_equal(raw, private_key_public(key)->x25519, sizeof(raw));
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		for (int c = 1; c < 256; c++) {
			char kept = text[i];

			text[i] = (char)c;
			if (c != (uint8_t)kept)
				assert_int_equal(age_key_parse_recipient(raw,
						     bytes_from_text(text),
						     NULL),
				    AG_EINVAL);
			text[i] = kept;
		}
	written = age_key_format(private_key_secret(key),
	    private_key_public(key)->x25519);
	assert_int_equal(age_key_parse(&back, secret_bytes(written), "k", NULL),
	    AG_OK);
	assert_true(secret_equal(back, private_key_secret(key)));
	secret_free(back);
	for (size_t i = 0; i < secret_len(written); i++) {
		uint8_t *c = &secret_data(written)[i], kept = *c;

		*c ^= 0x20;
		if (age_key_parse(&back, secret_bytes(written), "k", NULL) ==
		    AG_OK) {
			assert_true(
			    secret_equal(back, private_key_secret(key)));
			secret_free(back);
		}
		*c = kept;
	}
	secret_free(written);
	private_key_free(key);
}

static void
points_of_small_order_are_no_keys(void **state)
{
	static const uint8_t ed25519[][32] = {
		{ 1 },
		{ 0 },
		{ 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		    0xff, 0x7f },
	};
	uint8_t blob[PUBLIC_KEY_BLOB_BYTES];
	static const uint8_t zero[32] = { 0 }, one[32] = { 1 };
	struct key_public key;
	struct ag_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(ed25519) / sizeof(ed25519[0]); i++) {
		public_key_blob(blob, ed25519[i]);
		assert_int_equal(key_public_parse_blob(&key,
				     bytes_of(blob, sizeof(blob)), NULL),
		    AG_OK);
		assert_int_equal(key_public_check(&key, &err), AG_EREFUSED);
		assert_non_null(strstr(err.text, "small order"));
	}
	key_public_of_x25519(&key, zero);
	assert_int_equal(key_public_check(&key, &err), AG_EREFUSED);
	key_public_of_x25519(&key, one);
	assert_int_equal(key_public_check(&key, &err), AG_EREFUSED);
}

/* 65537^a mod M for each factor is a power of 65537 modulo every prime. */
static void
moduli_of_the_smart_cards_primes_are_told(void **state)
{
	uint8_t modulus[256] = { 0 };

	(void)state;
	/* 65537 squared: what a product of two such primes is modulo M. */
	modulus[251] = 1;
	modulus[253] = 2;
	modulus[255] = 1;
	assert_non_null(
	    strstr(key_weak_modulus(bytes_of(modulus, 256)), "ROCA"));
	memset(modulus, 0, sizeof(modulus));
	modulus[255] = 3 * 5;
	assert_string_equal(key_weak_modulus(bytes_of(modulus, 256)),
	    "its modulus has a small factor");
	memset(modulus, 0, sizeof(modulus));
	modulus[254] = 1;
	modulus[255] = 0x01; /* 257, a prime past those */
	assert_null(key_weak_modulus(bytes_of(modulus, 256)));
}

static void
damaged_pkcs8_is_refused_wherever_it_is_cut(void **state)
{
	struct private_key *key = made("ecdsa-p256"), *back;
	struct secret *der, *text;

	(void)state;
	assert_int_equal(pkcs8_format_der(&der, key, NULL), AG_OK);
	for (size_t len = 0; len < secret_len(der); len++)
		assert_int_not_equal(pkcs8_parse_der(&back,
					 bytes_of(secret_bytes(der).data, len),
					 NULL),
		    AG_OK);
	secret_free(der);
	assert_int_equal(key_format_write(&text, key, KEY_FORMAT_PKCS8, NULL,
			     NULL),
	    AG_OK);
	for (size_t len = 0; len < secret_len(text) - 1; len++)
		assert_int_equal(key_format_parse(&back,
				     bytes_of(secret_bytes(text).data, len),
				     NULL, "k", NULL),
		    AG_EINVAL);
	secret_free(text);
	private_key_free(key);
}

/*
 * Every flag of this file (Ascii, Printable, Utf8, NonUtf8, BmpString) is of
 * the passphrase's letters, which are bytes here: all that are valid open,
 * but for an empty passphrase, which is none, and for nothing inside.
 */
static void
wycheproof_pbes2_opens_as_published(void **state)
{
	json_t *all =
	    vectors_json("wycheproof/pbes2_hmacsha256_aes_256_test.json");
	json_t *group, *test;
	size_t i, k, opened = 0;

	(void)state;
	json_array_foreach(json_object_get(all, "testGroups"), i, group)
	    json_array_foreach(json_object_get(group, "tests"), k, test)
	{
		uint8_t salt[1024], iv[64], ct[1024], msg[1024];
		uint8_t pass[1024];
		size_t msg_len = vectors_hex(test, "msg", msg, sizeof(msg));
		size_t pass_len =
		    vectors_hex(test, "password", pass, sizeof(pass));
		json_int_t rounds =
		    json_integer_value(json_object_get(test, "iterationCount"));
		struct pbes2 w = { .key_bytes = 32, .hash_bits = 256 };
		struct secret *passphrase, *plain;
		bool is_open;

		w.salt = bytes_of(salt,
		    vectors_hex(test, "salt", salt, sizeof(salt)));
		w.vector =
		    bytes_of(iv, vectors_hex(test, "iv", iv, sizeof(iv)));
		w.encrypted =
		    bytes_of(ct, vectors_hex(test, "ct", ct, sizeof(ct)));
		w.rounds = (uint32_t)rounds;
		if (pass_len == 0 || rounds > 100000)
			continue;
		passphrase = secret_copy(bytes_of(pass, pass_len));
		is_open = pbes2_open(&plain, &w, passphrase, NULL) == AG_OK;
		if (is_open) {
			assert_string_equal(vectors_result(test), "valid");
			assert_true(bytes_equal(secret_bytes(plain),
			    bytes_of(msg, msg_len)));
			opened++;
		} else if (msg_len > 0) {
			assert_string_equal(vectors_result(test), "invalid");
		}
		secret_free(plain);
		secret_free(passphrase);
	}
	print_message("%zu opened\n", opened);
	assert_true(opened > 10);
	json_decref(all);
}

/*
 * Policy: a public key whose shared secrets are zero (ZeroSharedSecret) is
 * refused; "acceptable" ones of every other flag, on the twist or not
 * canonical, are taken, as age takes them.
 */
static void
wycheproof_x25519_keys_are_taken_as_said(void **state)
{
	json_t *all = vectors_json("wycheproof/x25519_test.json");
	json_t *group, *test;
	size_t i, k, refused = 0, taken = 0;

	(void)state;
	json_array_foreach(json_object_get(all, "testGroups"), i, group)
	{
		json_array_foreach(json_object_get(group, "tests"), k, test)
		{
			uint8_t raw[32], shared[32];
			struct key_public key;
			bool is_zero;

			(void)vectors_hex(test, "public", raw, sizeof(raw));
			(void)vectors_hex(test, "shared", shared,
			    sizeof(shared));
			is_zero = sodium_is_zero(shared, sizeof(shared)) == 1;
			key_public_of_x25519(&key, raw);
			assert_int_equal(key_public_check(&key, NULL),
			    is_zero ? AG_EREFUSED : AG_OK);
			refused += is_zero;
			taken += !is_zero;
		}
	}
	json_decref(all);
	assert_true(refused >= 20);
	assert_true(taken >= 400);
}

/* Both halves as others write them, and the secret that they share. */
static void
wycheproof_x25519_pem_is_read_as_published(void **state)
{
	json_t *all = vectors_json("wycheproof/x25519_pem_test.json");
	json_t *group, *test;
	size_t i, k, valid = 0;

	(void)state;
	json_array_foreach(json_object_get(all, "testGroups"), i, group)
	{
		json_array_foreach(json_object_get(group, "tests"), k, test)
		{
			const char *theirs =
			    json_string_value(json_object_get(test, "public"));
			const char *ours =
			    json_string_value(json_object_get(test, "private"));
			char comment[PUBLIC_KEY_COMMENT_BYTES];
			uint8_t shared[32], expected[32];
			struct private_key *key;
			struct key_public public;

			if (strcmp(vectors_result(test), "valid") != 0)
				continue;
			assert_int_equal(key_public_parse(&public, comment,
					     bytes_from_text(theirs), NULL),
			    AG_OK);
			assert_int_equal(key_format_parse(&key,
					     bytes_from_text(ours), NULL, "k",
					     NULL),
			    AG_OK);
			(void)vectors_hex(test, "shared", expected,
			    sizeof(expected));
			assert_int_equal(crypto_scalarmult(shared,
					     secret_bytes(
						 private_key_secret(key))
						 .data,
					     public.x25519),
			    0);
			assert_memory_equal(shared, expected, sizeof(shared));
			private_key_free(key);
			valid++;
		}
	}
	json_decref(all);
	assert_true(valid >= 200);
}

static void
a_ristretto255_key_is_kept_sealed_and_read_back(void **state)
{
	struct private_key *key = made("ristretto255"),
			   *other = made("ristretto255");
	struct secret *passphrase = words("correct horse"), *text;
	struct ag_error err;

	(void)state;
	assert_reads_back(key, KEY_FORMAT_SEALED, passphrase);
	assert_false(key_public_equal(private_key_public(key),
	    private_key_public(other)));
	for (int i = 0; i < KEY_FORMAT_COUNT; i++) {
		if (i == KEY_FORMAT_SEALED)
			continue;
		assert_int_equal(key_format_write(&text, key,
				     (enum key_format)i, NULL, &err),
		    AG_EINVAL);
		assert_non_null(strstr(err.text, "kept sealed"));
	}
	private_key_free(other);
	private_key_free(key);
	secret_free(passphrase);
}

static void
a_ristretto255_line_needs_proof_that_its_key_is_possessed(void **state)
{
	struct private_key *key = made("ristretto255"),
			   *other = made("ristretto255");
	char comment[PUBLIC_KEY_COMMENT_BYTES];
	struct key_public public = *private_key_public(key), back;
	struct ag_error err;
	struct buf line;

	(void)state;
	buf_init(&line, 4096);
	assert_int_equal(key_public_format(&line, &public, "alice", &err),
	    AG_OK);
	assert_int_equal(key_public_parse(&back, comment, buf_bytes(&line),
			     &err),
	    AG_OK);
	assert_string_equal(comment, "alice");
	assert_true(key_public_equal(&back, &public));
	assert_int_equal(key_public_check(&back, &err), AG_OK);
	/* Somebody else's proof with a point of one's own choice. */
	memcpy(public.ristretto.possession,
	    private_key_public(other)->ristretto.possession, SCHNORR_BYTES);
	buf_clear(&line);
	assert_int_equal(key_public_format(&line, &public, "", &err), AG_OK);
	assert_int_equal(key_public_parse(&back, comment, buf_bytes(&line),
			     &err),
	    AG_EREFUSED);
	assert_non_null(strstr(err.text, "nothing proves"));
	assert_int_equal(key_public_check(&public, &err), AG_EREFUSED);
	buf_fini(&line);
	private_key_free(other);
	private_key_free(key);
}

static void
a_ristretto255_key_that_is_no_number_of_its_group_is_refused(void **state)
{
	struct private_key *key = made("ristretto255"), *back;
	struct secret *der;
	struct ag_error err;

	(void)state;
	assert_int_equal(pkcs8_format_der(&der, key, &err), AG_OK);
	assert_int_equal(pkcs8_parse_der(&back, secret_bytes(der), &err),
	    AG_OK);
	private_key_free(back);
	secret_data(der)[secret_len(der) - 1] |= 0x80;
	assert_int_equal(pkcs8_parse_der(&back, secret_bytes(der), &err),
	    AG_EINVAL);
	memset(secret_data(der) + secret_len(der) - 32, 0, 32);
	assert_int_equal(pkcs8_parse_der(&back, secret_bytes(der), &err),
	    AG_EINVAL);
	secret_free(der);
	private_key_free(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    every_type_is_read_back_from_every_format_it_has),
		cmocka_unit_test(
		    formats_that_do_not_fit_are_refused_with_those_that_do),
		cmocka_unit_test(
		    a_wrong_passphrase_and_a_changed_bit_are_told_alike),
		cmocka_unit_test(a_sealed_key_says_how_much_work_it_takes),
		cmocka_unit_test(no_byte_of_a_sealed_key_can_be_changed),
		cmocka_unit_test(
		    sealed_keys_that_ask_for_too_much_or_little_are_refused),
		cmocka_unit_test(
		    wrappers_that_ask_for_too_much_are_refused_before_it_is_spent),
		cmocka_unit_test(der_has_one_form_for_each_length_and_number),
		cmocka_unit_test(any_slip_in_an_age_key_is_noticed),
		cmocka_unit_test(points_of_small_order_are_no_keys),
		cmocka_unit_test(
		    a_ristretto255_key_is_kept_sealed_and_read_back),
		cmocka_unit_test(
		    a_ristretto255_line_needs_proof_that_its_key_is_possessed),
		cmocka_unit_test(
		    a_ristretto255_key_that_is_no_number_of_its_group_is_refused),
		cmocka_unit_test(moduli_of_the_smart_cards_primes_are_told),
		cmocka_unit_test(damaged_pkcs8_is_refused_wherever_it_is_cut),
		cmocka_unit_test(wycheproof_pbes2_opens_as_published),
		cmocka_unit_test(wycheproof_x25519_keys_are_taken_as_said),
		cmocka_unit_test(wycheproof_x25519_pem_is_read_as_published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
