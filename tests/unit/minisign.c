/*
 * minisign's keys and signatures.
 */
#include "crypto/minisign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "codec/text.h"

#define TEXT_BYTES_MAX 16384

/* Made by minisign for this test, and by it of "data\n"; they open nothing. */
static const char public_file[] =
    "untrusted comment: minisign public key 3B052C79D1C06121\n"
    "RWQhYcDReSwFOxeE04nupNv4ZUZr9hY15K1xty2pdVnGrJ4QT124NQCE\n";
static const char secret_file[] =
    "untrusted comment: minisign encrypted secret key\n"
    "RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "IWHA0XksBTvLiy37KKnkJDvr7fX9wU94+OxSQXpcBUIkesjikFnikBeE04nupNv4ZUZr9hY1"
    "5K1xty2pdVnGrJ4QT124NQCEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
static const char prehashed[] =
    "untrusted comment: signature from minisign secret key\n"
    "RUQhYcDReSwFOzSAW3VQgBnkBasQzBfuBjODf132XPY+v6nulfZyxTjsVeDMrL3iDA8Apzs"
    "GLC3Tk2UNVYXIh9Aw/dKpSt7CQw0=\n"
    "trusted comment: a comment\n"
    "1/n2pNK04+Bp04GOTIQC+p0Eub2BF7Lw+jMiS5s2gafYSaKvVZBnSWn8nfYvtcrpXwfanjk"
    "W9hoxJ+dQj3W7Dw==\n";
static const char legacy[] =
    "untrusted comment: signature from minisign secret key\n"
    "RWQhYcDReSwFO9OANQCI3VsVQDTNCg9aHVcq1dhHEZyA1ylWH1KPRNUUBcy1At4Ud6duc6K"
    "mkR4F8iVACnVGMYfGb1SdKU+wwwI=\n"
    "trusted comment: timestamp:1795587788\tfile:f\n"
    "MR/kecbKakM0OLANRXH/zj60Qmw5TgJ1bQbBis9M7TE55y5jW59/cIGvm2PJn6x6r7Drbp"
    "Mty/1SBVQ6kQIzBg==\n";

static struct bytes
digest_of(uint8_t digest[static HASH_BYTES_MAX], const char *data)
{
	(void)crypto_generichash(digest, HASH_BYTES_MAX, (const uint8_t *)data,
	    strlen(data), NULL, 0);
	return bytes_of(digest, HASH_BYTES_MAX);
}

static struct minisign_public
public_key(void)
{
	struct minisign_public key;

	assert_int_equal(minisign_parse_public(&key,
			     bytes_from_text(public_file), NULL),
	    AG_OK);
	return key;
}

static enum ag_status
judge(struct bytes text, const char *data, struct ag_error *err)
{
	struct minisign_public key = public_key();
	struct minisign_signature sig;
	uint8_t digest[HASH_BYTES_MAX];
	enum ag_status status = minisign_parse(&sig, text, err);

	if (status != AG_OK)
		return status;
	return minisign_verify(&sig, &key,
	    sig.is_legacy ? bytes_from_text(data) : digest_of(digest, data),
	    err);
}

static void
both_forms_of_minisign_verify(void **state)
{
	struct ag_error err;

	(void)state;
	assert_int_equal(judge(bytes_from_text(prehashed), "data\n", &err),
	    AG_OK);
	assert_int_equal(judge(bytes_from_text(legacy), "data\n", &err), AG_OK);
	assert_int_equal(judge(bytes_from_text(prehashed), "data", &err),
	    AG_EFORGED);
	assert_string_equal(err.text,
	    "the signature does not verify with key 3B052C79D1C06121");
	assert_int_equal(judge(bytes_from_text(legacy), "data", &err),
	    AG_EFORGED);
}

/* One form's signature under the other's letters signs something else. */
static void
a_signature_does_not_pass_for_the_other_form(void **state)
{
	char text[sizeof(prehashed)], *at;
	struct ag_error err;

	(void)state;
	memcpy(text, prehashed, sizeof(text));
	at = strstr(text, "RUQ");
	assert_non_null(at);
	at[1] = 'W';
	assert_int_equal(judge(bytes_from_text(text), "data\n", &err),
	    AG_EFORGED);
}

static void
no_flipped_bit_or_cut_verifies(void **state)
{
	static const char *const texts[] = { prehashed, legacy };
	char text[512];
	struct ag_error err;

	(void)state;
	for (size_t t = 0; t < 2; t++) {
		size_t len = strlen(texts[t]);
		size_t first = strcspn(texts[t], "\n") + 1;

		memcpy(text, texts[t], len);
		/* The first line is anybody's. */
		for (size_t i = first; i < len - 1; i++) {
			for (unsigned int bit = 0; bit < 8; bit++) {
				text[i] = (char)(texts[t][i] ^ (1 << bit));
				assert_int_not_equal(judge(bytes_of(text, len),
							 "data\n", &err),
				    AG_OK);
			}
			text[i] = texts[t][i];
			assert_int_equal(judge(bytes_of(text, i), "data\n",
					     &err),
			    AG_ECORRUPT);
		}
	}
}

static void
what_is_signed_here_verifies_with_its_comment_alone(void **state)
{
	struct minisign_key *key;
	uint8_t digest[HASH_BYTES_MAX];
	struct minisign_public own, shown = public_key();
	struct ag_error err;
	struct buf text;
	uint8_t *at;

	(void)state;
	(void)digest_of(digest, "data");
	assert_int_equal(minisign_key_parse(&key, bytes_from_text(secret_file),
			     NULL, "k", &err),
	    AG_OK);
	minisign_key_public(&own, key);
	assert_memory_equal(&own, &shown, sizeof(own));
	buf_init(&text, TEXT_BYTES_MAX);
	assert_int_equal(minisign_sign(&text, key, digest, "not signed",
			     "release 7", &err),
	    AG_OK);
	assert_int_equal(judge(buf_bytes(&text), "data", &err), AG_OK);
	at = memmem(text.data, text.len, "release 7", 9);
	assert_non_null(at);
	at[8] = '8';
	assert_int_equal(judge(buf_bytes(&text), "data", &err), AG_EFORGED);
	assert_non_null(strstr(err.text, "the trusted comment's signature"));
	at[8] = '7';
	at = memmem(text.data, text.len, "not signed", 10);
	assert_non_null(at);
	at[0] = 'x';
	assert_int_equal(judge(buf_bytes(&text), "data", &err), AG_OK);
	buf_fini(&text);
	minisign_key_free(key);
}

static void
a_comment_of_two_lines_is_not_signed(void **state)
{
	struct minisign_key *key;
	uint8_t digest[HASH_BYTES_MAX] = { 0 };
	struct ag_error err;
	struct buf text;

	(void)state;
	assert_int_equal(minisign_key_parse(&key, bytes_from_text(secret_file),
			     NULL, "k", &err),
	    AG_OK);
	buf_init(&text, TEXT_BYTES_MAX);
	assert_int_equal(minisign_sign(&text, key, digest, "a", "b\nc", &err),
	    AG_EINVAL);
	assert_int_equal(minisign_sign(&text, key, digest, "a\nb", "c", &err),
	    AG_EINVAL);
	assert_int_equal(text.len, 0);
	buf_fini(&text);
	minisign_key_free(key);
}

/* A secret key's text, sealed with "sesame" and these limits. */
static void
seal_key(char *out, size_t cap, uint64_t work, uint64_t memory, bool derive)
{
	const struct bytes line =
	    bytes_from_text(strchr(secret_file, '\n') + 1);
	uint8_t raw[158], stream[104];
	char base64[TEXT_BASE64_BYTES(sizeof(raw))];
	crypto_generichash_state state;
	size_t len;

	assert_int_equal(text_base64_decode(raw, sizeof(raw), &len,
			     bytes_of(line.data, line.len - 1),
			     BASE64_STANDARD),
	    AG_OK);
	assert_int_equal(len, sizeof(raw));
	memcpy(raw + 2, "Sc", 2);
	for (size_t i = 0; i < 8; i++) {
		raw[38 + i] = (uint8_t)(work >> 8 * i);
		raw[46 + i] = (uint8_t)(memory >> 8 * i);
	}
	(void)crypto_generichash_init(&state, NULL, 0, 32);
	(void)crypto_generichash_update(&state, raw, 2);
	(void)crypto_generichash_update(&state, raw + 54, 72);
	(void)crypto_generichash_final(&state, raw + 126, 32);
	memset(stream, 0, sizeof(stream));
	if (derive)
		assert_int_equal(crypto_pwhash_scryptsalsa208sha256(stream,
				     sizeof(stream), "sesame", 6, raw + 6, work,
				     (size_t)memory),
		    0);
	for (size_t i = 0; i < sizeof(stream); i++)
		raw[54 + i] ^= stream[i];
	text_base64(base64, sizeof(base64), bytes_of(raw, sizeof(raw)),
	    BASE64_STANDARD);
	(void)snprintf(out, cap, "untrusted comment: k\n%s\n", base64);
}

static void
a_sealed_key_opens_with_its_passphrase(void **state)
{
	struct secret *right = secret_copy(bytes_from_text("sesame"));
	struct secret *wrong = secret_copy(bytes_from_text("Sesame"));
	struct minisign_key *key;
	struct ag_error err;
	char text[512];

	(void)state;
	seal_key(text, sizeof(text), 1 << 16, 1 << 21, true);
	assert_true(minisign_key_is_encrypted(bytes_from_text(text)));
	assert_false(minisign_key_is_encrypted(bytes_from_text(secret_file)));
	assert_int_equal(minisign_key_parse(&key, bytes_from_text(text), NULL,
			     "k", &err),
	    AG_EDENIED);
	assert_int_equal(minisign_key_parse(&key, bytes_from_text(text), wrong,
			     "k", &err),
	    AG_EDENIED);
	assert_null(key);
	assert_int_equal(minisign_key_parse(&key, bytes_from_text(text), right,
			     "k", &err),
	    AG_OK);
	minisign_key_free(key);
	secret_free(right);
	secret_free(wrong);
}

static void
a_sealed_key_can_not_ask_for_all_memory_or_time(void **state)
{
	static const struct {
		uint64_t work, memory;
	} hostile[] = {
		{ UINT64_MAX, 1 << 30 },
		{ (uint64_t)1 << 27, 1 << 30 },
		{ 1 << 25, UINT64_MAX },
		{ 1 << 25, ((uint64_t)1 << 30) + 1 },
		{ 1 << 25, 1024 }, /* then p makes up for it */
		{ 0, 1 << 30 },
	};
	struct secret *pass = secret_copy(bytes_from_text("sesame"));
	struct minisign_key *key;
	struct ag_error err;
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		seal_key(text, sizeof(text), hostile[i].work, hostile[i].memory,
		    false);
		assert_int_equal(minisign_key_parse(&key, bytes_from_text(text),
				     pass, "k", &err),
		    AG_EREFUSED);
		assert_null(key);
	}
	secret_free(pass);
}

static void
keys_that_are_damaged_are_refused(void **state)
{
	char text[sizeof(secret_file)];
	struct minisign_public public_half;
	struct minisign_key *key;
	struct ag_error err;
	size_t len = strlen(secret_file);

	(void)state;
	for (size_t i = 0; i < len - 1; i++)
		assert_int_equal(minisign_key_parse(&key,
				     bytes_of(secret_file, i), NULL, "k", &err),
		    AG_EINVAL);
	/* A seed that is not the public half's. */
	memcpy(text, secret_file, sizeof(text));
	text[strcspn(text, "\n") + 1 + 90] ^= 1;
	assert_int_equal(minisign_key_parse(&key, bytes_from_text(text), NULL,
			     "k", &err),
	    AG_EINVAL);
	len = strlen(public_file);
	for (size_t i = 0; i < len - 1; i++)
		assert_int_equal(minisign_parse_public(&public_half,
				     bytes_of(public_file, i), &err),
		    AG_EINVAL);
	/* A public key's base64 is enough; another's form is not. */
	assert_int_equal(minisign_parse_public(&public_half,
			     bytes_from_text(strchr(public_file, '\n') + 1),
			     &err),
	    AG_OK);
	assert_int_equal(minisign_parse_public(&public_half,
			     bytes_from_text(secret_file), &err),
	    AG_EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_forms_of_minisign_verify),
		cmocka_unit_test(a_signature_does_not_pass_for_the_other_form),
		cmocka_unit_test(no_flipped_bit_or_cut_verifies),
		cmocka_unit_test(
		    what_is_signed_here_verifies_with_its_comment_alone),
		cmocka_unit_test(a_comment_of_two_lines_is_not_signed),
		cmocka_unit_test(a_sealed_key_opens_with_its_passphrase),
		cmocka_unit_test(
		    a_sealed_key_can_not_ask_for_all_memory_or_time),
		cmocka_unit_test(keys_that_are_damaged_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
