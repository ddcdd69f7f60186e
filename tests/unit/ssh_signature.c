/*
 * SSH keys of every kind, and signatures on files made with them.
 *
 * Larger sets are read as fixture/vectors.h says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>

#include "codec/text.h"
#include "crypto/ssh_wire.h"
#include "crypto/sshsig.h"
#include "fixture/vectors.h"

#define TEXT_BYTES_MAX 4096

/* Made by ssh-keygen for this test; they open nothing. */
static const char ed25519_key[] =
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"
    "QyNTUxOQAAACArCJ88m8PRvXXquhj8To5vgZ9FsVluzXkEvmTRHGw2DwAAAIgNPXdnDT13\n"
    "ZwAAAAtzc2gtZWQyNTUxOQAAACArCJ88m8PRvXXquhj8To5vgZ9FsVluzXkEvmTRHGw2Dw\n"
    "AAAEDD35HvY7t/CuGbbw2x+h6z98fRd7c0aSuCC9lySYJBKysInzybw9G9deq6GPxOjm+B\n"
    "n0WxWW7NeQS+ZNEcbDYPAAAAAWMBAgME\n"
    "-----END OPENSSH PRIVATE KEY-----\n";
static const char ecdsa_key[] =
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAaAAAABNlY2RzYS\n"
    "1zaGEyLW5pc3RwMjU2AAAACG5pc3RwMjU2AAAAQQS/L5v5n7zQd2ZuTxlTAQv1mytKh7Sy\n"
    "2u5RVk57KjysbItXm+y/g6P5v5esP1sCJv9i9AE9cDXOnvzCkeAHwfSbAAAAoIJkP3yCZD\n"
    "98AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBL8vm/mfvNB3Zm5P\n"
    "GVMBC/WbK0qHtLLa7lFWTnsqPKxsi1eb7L+Do/m/l6w/WwIm/2L0AT1wNc6e/MKR4AfB9J\n"
    "sAAAAhAJRtLXx6vo5hzEieW9DkqqgI1IueNwAoJpzLExv6cYonAAAAAWMBAgMEBQY=\n"
    "-----END OPENSSH PRIVATE KEY-----\n";

/* What ssh-keygen made of "data\n" with the first of them. */
static const char signed_by_ssh_keygen[] =
    "-----BEGIN SSH SIGNATURE-----\n"
    "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgKwifPJvD0b116roY/E6Ob4GfRb\n"
    "FZbs15BL5k0RxsNg8AAAAEZmlsZQAAAAAAAAAGc2hhNTEyAAAAUwAAAAtzc2gtZWQyNTUx\n"
    "OQAAAEB8pKCLd9LnTPjrUYdsBn7w/rEsN4CpqPYAzhffNirib/U4ah3gqzpDqp+H2xpNUa\n"
    "7WTVT7BAVnPPiOWqTNF9sL\n"
    "-----END SSH SIGNATURE-----\n";

static void
digest_of(uint8_t *digest, enum hash_algorithm algorithm, struct bytes data)
{
	struct hash *hash;

	assert_int_equal(hash_open(&hash, algorithm, NULL), AG_OK);
	hash_update(hash, data);
	hash_finish(hash, digest);
	hash_close(hash);
}

static struct ssh_signer *
signer_of(const char *key)
{
	struct ssh_signer *signer;
	struct ag_error err;

	assert_int_equal(ssh_signer_parse(&signer, bytes_from_text(key), NULL,
			     "k", &err),
	    AG_OK);
	return signer;
}

static void
sign_text(struct buf *out, const char *key, const char *namespace,
    const char *data)
{
	struct ssh_signer *signer = signer_of(key);
	uint8_t digest[HASH_BYTES_MAX];
	struct ag_error err;

	digest_of(digest, HASH_SHA_512, bytes_from_text(data));
	buf_init(out, TEXT_BYTES_MAX);
	assert_int_equal(sshsig_sign(out, signer, namespace, digest, &err),
	    AG_OK);
	ssh_signer_free(signer);
}

/* Parse and verify: the status, and why in err. */
static enum ag_status
judge(struct bytes text, const char *namespace, struct bytes data,
    struct ag_error *err)
{
	uint8_t digest[HASH_BYTES_MAX];
	enum ag_status status;
	struct sshsig sig;

	status = sshsig_parse(&sig, text, err);
	if (status != AG_OK)
		return status;
	digest_of(digest, sig.algorithm, data);
	return sshsig_verify(&sig, namespace, digest, err);
}

static void
ed25519_signs_to_the_bytes_that_ssh_keygen_does(void **state)
{
	struct buf text;

	(void)state;
	sign_text(&text, ed25519_key, "file", "data\n");
	assert_true(bytes_equal(buf_bytes(&text),
	    bytes_from_text(signed_by_ssh_keygen)));
	buf_fini(&text);
}

static void
a_signature_is_for_its_data_and_namespace_alone(void **state)
{
	static const char *const keys[] = { ed25519_key, ecdsa_key };
	struct ag_error err;
	struct buf text;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct bytes data = bytes_from_text("attack at dawn");

		sign_text(&text, keys[i], "mail", "attack at dawn");
		assert_int_equal(judge(buf_bytes(&text), "mail", data, &err),
		    AG_OK);
		assert_int_equal(judge(buf_bytes(&text), "file", data, &err),
		    AG_EFORGED);
		assert_string_equal(err.text,
		    "the signature was made for namespace \"mail\" and not "
		    "\"file\"");
		data.len--;
		assert_int_equal(judge(buf_bytes(&text), "mail", data, &err),
		    AG_EFORGED);
		assert_string_equal(err.text, "the signature does not verify");
		buf_fini(&text);
	}
}

static void
no_flipped_character_or_cut_verifies(void **state)
{
	static const char *const keys[] = { ed25519_key, ecdsa_key };
	struct bytes data = bytes_from_text("data");
	struct ag_error err;
	struct buf text;
	size_t i, k;

	(void)state;
	for (k = 0; k < 2; k++) {
		sign_text(&text, keys[k], "file", "data");
		for (i = 0; i < text.len; i++) {
			uint8_t kept = text.data[i];

			text.data[i] = kept == 'A' ? 'B' : 'A';
			/* A line may be broken anywhere, or not at all. */
			assert_int_not_equal(judge(buf_bytes(&text), "file",
						 data, &err),
			    AG_OK);
			text.data[i] = kept;
			/* All but the last newline is needed. */
			if (i < text.len - 1)
				assert_int_equal(judge(bytes_of(text.data, i),
						     "file", data, &err),
				    AG_ECORRUPT);
		}
		assert_int_equal(judge(buf_bytes(&text), "file", data, &err),
		    AG_OK);
		buf_fini(&text);
	}
}

static void
what_can_not_be_a_namespace_signs_nothing(void **state)
{
	char longer[SSHSIG_NAMESPACE_BYTES_MAX + 2];
	struct ag_error err;

	(void)state;
	memset(longer, 'n', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(sshsig_check_namespace("", &err), AG_EINVAL);
	assert_int_equal(sshsig_check_namespace("a\nb", &err), AG_EINVAL);
	assert_int_equal(sshsig_check_namespace(longer, &err), AG_EINVAL);
	assert_int_equal(sshsig_check_namespace(longer + 1, &err), AG_OK);
}

static void
numbers_have_one_form(void **state)
{
	static const struct {
		const char *raw;
		size_t len;
		bool is_right;
	} forms[] = {
		{ "\0\0\0\1\1", 5, true },
		{ "\0\0\0\1\x7f", 5, true },
		{ "\0\0\0\2\0\x80", 6, true },
		{ "\0\0\0\1\x80", 5, false },   /* negative */
		{ "\0\0\0\2\0\x7f", 6, false }, /* a zero for nothing */
		{ "\0\0\0\3\0\0\x80", 7, false },
		{ "\0\0\0\0", 4, false }, /* zero */
		{ "\0\0\0\1\0", 5, false },
		{ "\0\0\0\2\1", 5, false }, /* cut short */
		{ "\xff\xff\xff\xff\1", 5, false },
	};
	struct ssh_wire_reader r;
	uint8_t back[16];

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct bytes value;
		uint8_t *end;

		ssh_wire_start(&r, bytes_of(forms[i].raw, forms[i].len));
		value = ssh_wire_get_mpint(&r);
		assert_int_equal(ssh_wire_is_done(&r), forms[i].is_right);
		if (!forms[i].is_right)
			continue;
		end = ssh_wire_put_mpint(back, value);
		assert_true(bytes_equal(bytes_of(back, (size_t)(end - back)),
		    bytes_of(forms[i].raw, forms[i].len)));
	}
}

static size_t
rsa_blob(uint8_t *out, uint32_t exponent, struct bytes modulus)
{
	const uint8_t e[] = { (uint8_t)(exponent >> 16),
		(uint8_t)(exponent >> 8), (uint8_t)exponent };
	uint8_t *at = ssh_wire_put_string(out, bytes_from_text("ssh-rsa"));

	at = ssh_wire_put_mpint(at, bytes_of(e, sizeof(e)));
	at = ssh_wire_put_mpint(at, modulus);
	return (size_t)(at - out);
}

static void
rsa_keys_of_the_wrong_size_or_exponent_are_refused(void **state)
{
	static const struct {
		size_t bytes;
		uint32_t exponent;
		enum ag_status status;
	} keys[] = {
		{ 128, 65537, AG_EREFUSED },
		{ 255, 65537, AG_EREFUSED },
		{ 256, 65537, AG_OK },
		{ 256, 3, AG_EREFUSED },
		{ 256, 35, AG_EREFUSED },
		{ 1024, 65537, AG_OK },
		{ 1025, 65537, AG_EREFUSED },
	};
	uint8_t modulus[1025], blob[1100];
	struct ssh_key key;
	struct ag_error err;

	(void)state;
	memset(modulus, 0xff, sizeof(modulus));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		size_t len = rsa_blob(blob, keys[i].exponent,
		    bytes_of(modulus, keys[i].bytes));

		assert_int_equal(ssh_key_parse_blob(&key, bytes_of(blob, len),
				     &err),
		    keys[i].status);
	}
	modulus[255] = 0xfe;
	assert_int_equal(ssh_key_parse_blob(&key,
			     bytes_of(blob,
				 rsa_blob(blob, 65537, bytes_of(modulus, 256))),
			     &err),
	    AG_EINVAL);
}

static void
a_point_that_is_not_on_the_curve_is_no_key(void **state)
{
	struct ssh_signer *signer = signer_of(ecdsa_key);
	struct ssh_key key = *ssh_signer_public(signer), parsed;
	struct ag_error err;

	(void)state;
	ssh_signer_free(signer);
	key.blob[key.blob_len - 1] ^= 1;
	assert_int_equal(ssh_key_parse_blob(&parsed,
			     bytes_of(key.blob, key.blob_len), &err),
	    AG_EINVAL);
	assert_non_null(strstr(err.text, "not on nistp256"));
}

static void
unknown_kinds_of_keys_are_told_apart(void **state)
{
	static const struct {
		const char *line, *words;
		enum ag_status status;
	} lines[] = {
		{ "ssh-dss AAAA", "not supported", AG_EVERSION },
		{ "ssh-ed25519-cert-v01@openssh.com AAAA", "a certificate",
		    AG_EVERSION },
		{ "ssh-ed448 AAAA", "not a public key", AG_EINVAL },
		{ "ssh-ed25519", "damaged or cut short", AG_EINVAL },
		{ "ssh-ed25519 AAAA", "damaged or cut short", AG_EINVAL },
		{ "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAICsInzybw9G9deq6GPxOjm+Bn0"
		  "WxWW7NeQS+ZNEcbDYP",
		    "another type than its first word", AG_EINVAL },
		{ "", "empty", AG_EINVAL },
		{ "ssh-ed25519 AAAA\nssh-ed25519 AAAA", "more than one line",
		    AG_EINVAL },
	};
	struct ssh_key key;
	struct ag_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(ssh_key_parse_line(&key,
				     bytes_from_text(lines[i].line), &err),
		    lines[i].status);
		assert_non_null(strstr(err.text, lines[i].words));
	}
}

static void
published_signatures_verify_for_their_keys(void **state)
{
	static const char *const names[] = { "rsa", "ecdsa", "ed25519" };
	struct buf data, text, line;
	char path[64];

	(void)state;
	vectors_file(&data, "openssh-sshsig/signed-data");
	for (size_t i = 0; i < 3; i++) {
		struct ssh_key key;
		struct sshsig sig;
		struct ag_error err;

		(void)snprintf(path, sizeof(path), "openssh-sshsig/%s.pub",
		    names[i]);
		vectors_file(&line, path);
		(void)snprintf(path, sizeof(path), "openssh-sshsig/%s.sig",
		    names[i]);
		vectors_file(&text, path);
		assert_int_equal(ssh_key_parse_line(&key, buf_bytes(&line),
				     &err),
		    AG_OK);
		assert_int_equal(sshsig_parse(&sig, buf_bytes(&text), &err),
		    AG_OK);
		assert_true(ssh_key_equal(&key, &sig.key));
		assert_int_equal(judge(buf_bytes(&text), "unittest",
				     buf_bytes(&data), &err),
		    AG_OK);
		data.data[0] ^= 1;
		assert_int_equal(judge(buf_bytes(&text), "unittest",
				     buf_bytes(&data), &err),
		    AG_EFORGED);
		data.data[0] ^= 1;
		buf_fini(&line);
		buf_fini(&text);
	}
	buf_fini(&data);
}

/* r and s as SSH has them; false for DER that has no place there. */
static bool
ssh_from_der(uint8_t *out, size_t *len, const char *word, struct bytes der)
{
	const unsigned char *at = der.data;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der.len);
	uint8_t number[512], again[2048], numbers[1200], *end = numbers;
	unsigned char *put = again;
	bool is_strict;

	if (pair == NULL)
		return false;
	is_strict = at == der.data + der.len &&
	    i2d_ECDSA_SIG(pair, NULL) == (int)der.len && der.len < 2048 &&
	    i2d_ECDSA_SIG(pair, &put) == (int)der.len &&
	    memcmp(again, der.data, der.len) == 0 &&
	    !BN_is_negative(ECDSA_SIG_get0_r(pair)) &&
	    !BN_is_negative(ECDSA_SIG_get0_s(pair)) &&
	    BN_num_bytes(ECDSA_SIG_get0_r(pair)) < 512 &&
	    BN_num_bytes(ECDSA_SIG_get0_s(pair)) < 512;
	if (is_strict) {
		int count = BN_bn2bin(ECDSA_SIG_get0_r(pair), number);

		end = ssh_wire_put_mpint(end, bytes_of(number, (size_t)count));
		count = BN_bn2bin(ECDSA_SIG_get0_s(pair), number);
		end = ssh_wire_put_mpint(end, bytes_of(number, (size_t)count));
	}
	ECDSA_SIG_free(pair);
	*len = (size_t)(ssh_wire_put_string(ssh_wire_put_string(out,
						bytes_from_text(word)),
			    bytes_of(numbers, (size_t)(end - numbers))) -
	    out);
	return is_strict;
}

static void
ecdsa_group(struct ssh_key *key, const json_t *group, const char *word,
    const char *curve)
{
	uint8_t blob[256], point[128], *at = blob;
	size_t len = vectors_hex(json_object_get(group, "publicKey"),
	    "uncompressed", point, sizeof(point));

	at = ssh_wire_put_string(at, bytes_from_text(word));
	at = ssh_wire_put_string(at, bytes_from_text(curve));
	at = ssh_wire_put_string(at, bytes_of(point, len));
	assert_int_equal(ssh_key_parse_blob(key,
			     bytes_of(blob, (size_t)(at - blob)), NULL),
	    AG_OK);
}

/*
 * Policy: what is valid verifies; of what is invalid, encodings that SSH has
 * no form for are left out, and nothing of the rest verifies.
 */
static void
judge_ecdsa(const char *file, const char *word, const char *curve)
{
	json_t *all = vectors_json(file), *group, *test;
	static uint8_t der[8192];
	uint8_t message[1024], signature[4096];
	size_t g, t, valid = 0, judged = 0, len, count;

	json_array_foreach(json_object_get(all, "testGroups"), g, group)
	{
		struct ssh_key key;

		ecdsa_group(&key, group, word, curve);
		json_array_foreach(json_object_get(group, "tests"), t, test)
		{
			bool is_valid =
			    strcmp(vectors_result(test), "valid") == 0;

			len = vectors_hex(test, "sig", der, sizeof(der));
			if (!ssh_from_der(signature, &count, word,
				bytes_of(der, len))) {
				assert_false(is_valid);
				continue;
			}
			len =
			    vectors_hex(test, "msg", message, sizeof(message));
			assert_int_equal(ssh_key_verify(&key,
					     bytes_of(message, len),
					     bytes_of(signature, count),
					     NULL) == AG_OK,
			    is_valid);
			valid += is_valid;
			judged++;
		}
	}
	json_decref(all);
	assert_true(valid >= 150);
	assert_true(judged > valid);
}

static void
wycheproof_ecdsa_is_judged_as_published(void **state)
{
	(void)state;
	judge_ecdsa("wycheproof/ecdsa_secp256r1_sha256_test.json",
	    "ecdsa-sha2-nistp256", "nistp256");
	judge_ecdsa("wycheproof/ecdsa_secp384r1_sha384_test.json",
	    "ecdsa-sha2-nistp384", "nistp384");
}

/*
 * Policy: "acceptable" (a DigestInfo without its NULL) does not verify; keys
 * of exponent 3 are refused; a signature shorter than the modulus has zeros
 * in front, as OpenSSH takes it.
 */
static void
judge_rsa(const char *file)
{
	json_t *all = vectors_json(file), *group, *test;
	uint8_t message[1024], raw[2048], signature[4096], blob[2048];
	size_t g, t, valid = 0, invalid = 0, refused = 0;

	json_array_foreach(json_object_get(all, "testGroups"), g, group)
	{
		const json_t *numbers = json_object_get(group, "publicKey");
		uint8_t modulus[1024], e[8];
		struct ssh_key key;
		size_t len =
		    vectors_hex(numbers, "modulus", modulus, sizeof(modulus));
		enum ag_status status;

		assert_in_range(vectors_hex(numbers, "publicExponent", e,
				    sizeof(e)),
		    1, 3);
		len = rsa_blob(blob, e[0] == 3 ? 3 : 65537,
		    bytes_of(modulus, len));
		status = ssh_key_parse_blob(&key, bytes_of(blob, len), NULL);
		if (e[0] == 3) {
			assert_int_equal(status, AG_EREFUSED);
			refused++;
			continue;
		}
		assert_int_equal(status, AG_OK);
		json_array_foreach(json_object_get(group, "tests"), t, test)
		{
			bool is_valid =
			    strcmp(vectors_result(test), "valid") == 0;
			size_t raw_len =
			    vectors_hex(test, "sig", raw, sizeof(raw));
			uint8_t *end = ssh_wire_put_string(signature,
			    bytes_from_text("rsa-sha2-256"));

			end = ssh_wire_put_string(end, bytes_of(raw, raw_len));
			len =
			    vectors_hex(test, "msg", message, sizeof(message));
			assert_int_equal(ssh_key_verify(&key,
					     bytes_of(message, len),
					     bytes_of(signature,
						 (size_t)(end - signature)),
					     NULL) == AG_OK,
			    is_valid);
			valid += is_valid;
			invalid += !is_valid;
		}
	}
	json_decref(all);
	assert_true(valid >= 7);
	assert_true(invalid >= 240);
	assert_true(refused >= 1);
}

static void
wycheproof_rsa_is_judged_as_published(void **state)
{
	(void)state;
	judge_rsa("wycheproof/rsa_signature_2048_sha256_test.json");
	judge_rsa("wycheproof/rsa_signature_3072_sha256_test.json");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    ed25519_signs_to_the_bytes_that_ssh_keygen_does),
		cmocka_unit_test(
		    a_signature_is_for_its_data_and_namespace_alone),
		cmocka_unit_test(no_flipped_character_or_cut_verifies),
		cmocka_unit_test(what_can_not_be_a_namespace_signs_nothing),
		cmocka_unit_test(numbers_have_one_form),
		cmocka_unit_test(
		    rsa_keys_of_the_wrong_size_or_exponent_are_refused),
		cmocka_unit_test(a_point_that_is_not_on_the_curve_is_no_key),
		cmocka_unit_test(unknown_kinds_of_keys_are_told_apart),
		cmocka_unit_test(published_signatures_verify_for_their_keys),
		cmocka_unit_test(wycheproof_ecdsa_is_judged_as_published),
		cmocka_unit_test(wycheproof_rsa_is_judged_as_published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
