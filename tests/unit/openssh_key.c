/*
 * Private and public key files as OpenSSH knows them.
 */
#include "crypto/openssh_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "codec/text.h"
#include "crypto/bcrypt.h"

/* Made by ssh-keygen for this test; it opens nothing. */
static const char made_by_ssh_keygen[] =
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"
    "QyNTUxOQAAACBQbi5O7jjLNIMMxbLOOriB8aJlskjrZd3MtEUf0V8kfAAAAJDdJJ3o3SSd\n"
    "6AAAAAtzc2gtZWQyNTUxOQAAACBQbi5O7jjLNIMMxbLOOriB8aJlskjrZd3MtEUf0V8kfA\n"
    "AAAEBZQwi3OW/MeCOVSukE8MKCd4SY777qGZVK8Kka4SRaRVBuLk7uOMs0gwzFss46uIHx\n"
    "omWySOtl3cy0RR/RXyR8AAAAC2hlbGxvIHdvcmxkAQI=\n"
    "-----END OPENSSH PRIVATE KEY-----\n";
static const char its_public_line[] =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFBuLk7uOMs0gwzFss46uIHxomWySOtl3cy0"
    "RR/RXyR8 hello world\n";
static const char its_fingerprint[] =
    "SHA256:SRtXKGTOJjGku8ARU+pQFh0SMNF5yFojKL0g7yqOIy4";

static int
enter_directory(void **state)
{
	char *dir = strdup("/tmp/aegis-key-XXXXXX");

	*state = dir;
	return dir != NULL && mkdtemp(dir) != NULL && chdir(dir) == 0 ? 0 : -1;
}

static int
leave_directory(void **state)
{
	static const char *const names[] = { "k", "k.pub", "j" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlink(names[i]);
	if (chdir("/") == -1 || rmdir(*state) == -1)
		return -1;
	free(*state);
	return 0;
}

static enum ag_status
parse(const char *text, struct ag_error *err)
{
	struct secret *key;
	enum ag_status status = openssh_key_parse(&key, NULL,
	    bytes_from_text(text), NULL, "k", err);

	secret_free(key);
	return status;
}

static void
a_file_that_is_not_a_key_is_refused_by_name(void **state)
{
	struct ag_error err;

	(void)state;
	assert_int_equal(parse("hello\n", &err), AG_EINVAL);
	assert_string_equal(err.text, "private key k: not in OpenSSH format");
	assert_int_equal(parse(its_public_line, &err), AG_EINVAL);
	assert_int_equal(parse("", &err), AG_EINVAL);
}

static void
every_truncation_of_a_key_is_refused(void **state)
{
	struct secret *key;
	size_t len;

	(void)state;
	/* The last newline may be missing. */
	for (len = 0; len < sizeof(made_by_ssh_keygen) - 2; len++) {
		assert_int_equal(openssh_key_parse(&key, NULL,
				     bytes_of(made_by_ssh_keygen, len), NULL,
				     "k", NULL),
		    AG_EINVAL);
		assert_null(key);
	}
}

static void
a_flipped_bit_never_gives_another_key(void **state)
{
	char text[sizeof(made_by_ssh_keygen)];
	uint8_t public_key[SIGN_PUBLIC_BYTES], original[SIGN_PUBLIC_BYTES];
	struct secret *key;
	size_t i;

	(void)state;
	assert_int_equal(openssh_key_parse(&key, NULL,
			     bytes_from_text(made_by_ssh_keygen), NULL, "k",
			     NULL),
	    AG_OK);
	sign_public(original, key);
	secret_free(key);
	for (i = 0; i < sizeof(text) - 1; i++) {
		memcpy(text, made_by_ssh_keygen, sizeof(text));
		text[i] ^= 1;
		if (openssh_key_parse(&key, NULL, bytes_from_text(text), NULL,
			"k", NULL) != AG_OK)
			continue;
		sign_public(public_key, key);
		assert_memory_equal(public_key, original, sizeof(original));
		secret_free(key);
	}
}

static void
a_key_of_ssh_keygen_is_read_with_its_comment(void **state)
{
	char comment[PUBLIC_KEY_COMMENT_BYTES], line[PUBLIC_KEY_LINE_BYTES];
	char fingerprint[FINGERPRINT_BYTES];
	uint8_t public_key[SIGN_PUBLIC_BYTES];
	struct secret *key;
	struct ag_error err;

	(void)state;
	assert_int_equal(openssh_key_parse(&key, comment,
			     bytes_from_text(made_by_ssh_keygen), NULL, "k",
			     &err),
	    AG_OK);
	assert_string_equal(comment, "hello world");
	sign_public(public_key, key);
	public_key_format(line, public_key, comment);
	assert_memory_equal(line, its_public_line, strlen(line));
	assert_int_equal(strlen(line) + 1, strlen(its_public_line));
	public_key_fingerprint(fingerprint, public_key);
	assert_string_equal(fingerprint, its_fingerprint);
	secret_free(key);
}

static void
what_is_written_is_read_again(void **state)
{
	struct secret *key, *text, *back;
	char comment[PUBLIC_KEY_COMMENT_BYTES];
	struct ag_error err;
	size_t len;

	(void)state;
	assert_int_equal(sign_keypair(&key, &err), AG_OK);
	for (len = 0; len < 20; len++) {
		char note[32] = "abcdefghijklmnopqrstuvwxyz";

		note[len] = '\0';
		assert_int_equal(openssh_key_format(&text, key, note, NULL,
				     &err),
		    AG_OK);
		assert_int_equal(openssh_key_parse(&back, comment,
				     secret_bytes(text), NULL, "k", &err),
		    AG_OK);
		assert_true(secret_equal(key, back));
		assert_string_equal(comment, note);
		secret_free(text);
		secret_free(back);
	}
	secret_free(key);
}

static void
an_encrypted_key_opens_with_its_passphrase_only(void **state)
{
	struct secret *right = secret_copy(bytes_from_text("correct horse"));
	struct secret *wrong = secret_copy(bytes_from_text("battery staple"));
	struct secret *key, *text, *back;
	struct ag_error err;

	(void)state;
	assert_int_equal(sign_keypair(&key, &err), AG_OK);
	assert_int_equal(openssh_key_format(&text, key, "c", right, &err),
	    AG_OK);
	assert_true(openssh_key_is_encrypted(secret_bytes(text)));

	assert_int_equal(openssh_key_parse(&back, NULL, secret_bytes(text),
			     NULL, "k", &err),
	    AG_EDENIED);
	assert_non_null(strstr(err.text, "needs its passphrase"));
	assert_int_equal(openssh_key_parse(&back, NULL, secret_bytes(text),
			     wrong, "k", &err),
	    AG_EDENIED);
	assert_null(back);
	assert_int_equal(openssh_key_parse(&back, NULL, secret_bytes(text),
			     right, "k", &err),
	    AG_OK);
	assert_true(secret_equal(key, back));
	secret_free(back);
	secret_free(text);
	secret_free(key);
	secret_free(wrong);
	secret_free(right);
}

/* Of OpenBSD's function; the first is known from its other ports. */
static void
bcrypt_makes_the_published_keys(void **state)
{
	struct secret *key = bcrypt_pbkdf(bytes_from_text("password"),
	    bytes_from_text("salt"), 4, 32);
	char hex[65];

	(void)state;
	text_hex(hex, sizeof(hex), secret_bytes(key));
	assert_string_equal(hex,
	    "5bbf0cc293587f1c3635555c27796598"
	    "d47e579071bf427e9d8fbe842aba34d9");
	secret_free(key);
}

static void
what_follows_the_last_line_is_refused(void **state)
{
	char text[sizeof(made_by_ssh_keygen) + 16];
	struct ag_error err;

	(void)state;
	(void)snprintf(text, sizeof(text), "%s\r\n \n", made_by_ssh_keygen);
	assert_int_equal(parse(text, &err), AG_OK);
	(void)snprintf(text, sizeof(text), "%sx", made_by_ssh_keygen);
	assert_int_equal(parse(text, &err), AG_EINVAL);
	assert_string_equal(err.text,
	    "private key k: something follows its last line");
}

static void
an_encrypted_key_keeps_its_comment(void **state)
{
	struct secret *pass = secret_copy(bytes_from_text("p"));
	char comment[PUBLIC_KEY_COMMENT_BYTES];
	struct secret *key, *text, *back;

	(void)state;
	assert_int_equal(sign_keypair(&key, NULL), AG_OK);
	assert_int_equal(openssh_key_format(&text, key, "a note", pass, NULL),
	    AG_OK);
	assert_int_equal(openssh_key_parse(&back, comment, secret_bytes(text),
			     pass, "k", NULL),
	    AG_OK);
	assert_string_equal(comment, "a note");
	secret_free(back);
	secret_free(text);
	secret_free(key);
	secret_free(pass);
}

static void
a_key_that_asks_for_endless_rounds_is_refused(void **state)
{
	struct secret *pass = secret_copy(bytes_from_text("p"));
	struct secret *key, *text, *back;
	struct ag_error err;
	char *body;

	(void)state;
	assert_int_equal(sign_keypair(&key, &err), AG_OK);
	assert_int_equal(openssh_key_format(&text, key, "", pass, &err), AG_OK);
	/* The rounds are bytes 63 to 66, so they begin at a base64 group. */
	body = strchr((char *)secret_data(text), '\n') + 1 + 63 / 3 * 4 + 1;
	assert_memory_equal(body, "AAAA", 4);
	body[0] = 'Q';
	assert_int_equal(openssh_key_parse(&back, NULL, secret_bytes(text),
			     pass, "k", &err),
	    AG_EINVAL);
	assert_non_null(strstr(err.text, "1024 rounds"));
	assert_null(back);
	secret_free(text);
	secret_free(key);
	secret_free(pass);
}

static void
a_key_that_others_can_read_is_refused_with_the_remedy(void **state)
{
	struct secret *key, *back;
	struct ag_error err;

	(void)state;
	assert_int_equal(sign_keypair(&key, &err), AG_OK);
	assert_int_equal(openssh_key_save(key, "k", "", NULL, false, &err),
	    AG_OK);
	assert_int_equal(chmod("k", 0640), 0);
	assert_int_equal(openssh_key_load(&back, NULL, "k", NULL, &err),
	    AG_EDENIED);
	assert_non_null(strstr(err.text, "chmod 600 k"));
	assert_int_equal(chmod("k", 0600), 0);
	assert_int_equal(openssh_key_load(&back, NULL, "k", NULL, &err), AG_OK);
	assert_true(secret_equal(key, back));
	secret_free(back);
	secret_free(key);
}

static void
saving_never_replaces_a_key_unless_told(void **state)
{
	struct secret *first, *second, *back;
	uint8_t public_key[SIGN_PUBLIC_BYTES], loaded[SIGN_PUBLIC_BYTES];
	struct stat st;
	struct ag_error err;

	(void)state;
	assert_int_equal(sign_keypair(&first, &err), AG_OK);
	assert_int_equal(sign_keypair(&second, &err), AG_OK);
	assert_int_equal(openssh_key_save(first, "k", "one", NULL, false, &err),
	    AG_OK);
	assert_int_equal(stat("k", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	assert_int_equal(openssh_key_save(second, "k", "two", NULL, false,
			     &err),
	    AG_EEXIST);
	assert_int_equal(unlink("k"), 0);
	assert_int_equal(openssh_key_save(second, "k", "two", NULL, false,
			     &err),
	    AG_EEXIST);
	assert_non_null(strstr(err.text, "k.pub"));
	assert_false(fs_exists("k"));

	assert_int_equal(openssh_key_save(second, "k", "two", NULL, true, &err),
	    AG_OK);
	assert_int_equal(openssh_key_load(&back, NULL, "k", NULL, &err), AG_OK);
	assert_true(secret_equal(back, second));
	sign_public(public_key, second);
	assert_int_equal(public_key_load(loaded, NULL, "k.pub", &err), AG_OK);
	assert_memory_equal(public_key, loaded, sizeof(loaded));
	secret_free(back);
	secret_free(second);
	secret_free(first);
}

static int
fail_public_half(void *arg, enum fs_op op, const char *path)
{
	(void)arg;
	return op == FS_WRITE && strstr(path, ".pub") != NULL ? 28 : 0;
}

static void
a_full_disk_leaves_no_half_of_a_pair(void **state)
{
	struct secret *key;
	struct ag_error err;

	(void)state;
	assert_int_equal(sign_keypair(&key, &err), AG_OK);
	fs_fault_set(fail_public_half, NULL);
	assert_int_equal(openssh_key_save(key, "k", "", NULL, false, &err),
	    AG_ESYS);
	fs_fault_set(NULL, NULL);
	assert_false(fs_exists("k"));
	assert_false(fs_exists("k.pub"));
	secret_free(key);
}

static void
public_lines_of_other_types_or_damaged_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"ssh-ed25519",
		"ssh-ed25519 ",
		"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ== c",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFBuLk7uOMs0gwzFss46uIH",
		"ssh-ed25519  AAAAC3NzaC1lZDI1NTE5AAAAIFBuLk7uOMs0gwzFss46uIHx"
		"omWySOtl3cy0RR/RXyR8",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE4AAAAIFBuLk7uOMs0gwzFss46uIHx"
		"omWySOtl3cy0RR/RXyR8",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFBuLk7uOMs0gwzFss46uIHx"
		"omWySOtl3cy0RR/RXyR8 \033[2J",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFBuLk7uOMs0gwzFss46uIHx"
		"omWySOtl3cy0RR/RXyR8 one\ntwo",
	};
	uint8_t key[SIGN_PUBLIC_BYTES];
	struct ag_error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(public_key_parse(key, NULL,
				     bytes_from_text(bad[i]), &err),
		    AG_EINVAL);
}

/* libsodium's base64 takes some of them. */
static void
bytes_above_ascii_are_no_base64(void **state)
{
	char line[sizeof(its_public_line)];
	char text[sizeof(made_by_ssh_keygen)];
	uint8_t key[SIGN_PUBLIC_BYTES];
	int c;

	(void)state;
	for (c = 0x80; c <= 0xff; c++) {
		memcpy(line, its_public_line, sizeof(line));
		memcpy(text, made_by_ssh_keygen, sizeof(text));
		line[60] = (char)c;
		text[250] = (char)c;
		assert_int_equal(public_key_parse(key, NULL,
				     bytes_from_text(line), NULL),
		    AG_EINVAL);
		assert_int_equal(parse(text, NULL), AG_EINVAL);
	}
}

static void
a_comment_with_control_characters_is_not_written(void **state)
{
	struct secret *key, *text;
	struct ag_error err;

	(void)state;
	assert_int_equal(sign_keypair(&key, &err), AG_OK);
	assert_int_equal(openssh_key_format(&text, key, "a\nb", NULL, &err),
	    AG_EINVAL);
	assert_null(text);
	secret_free(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_that_is_not_a_key_is_refused_by_name),
		cmocka_unit_test(every_truncation_of_a_key_is_refused),
		cmocka_unit_test(a_flipped_bit_never_gives_another_key),
		cmocka_unit_test(a_key_of_ssh_keygen_is_read_with_its_comment),
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(
		    an_encrypted_key_opens_with_its_passphrase_only),
		cmocka_unit_test(bcrypt_makes_the_published_keys),
		cmocka_unit_test(what_follows_the_last_line_is_refused),
		cmocka_unit_test(an_encrypted_key_keeps_its_comment),
		cmocka_unit_test(a_key_that_asks_for_endless_rounds_is_refused),
		cmocka_unit_test_setup_teardown(
		    a_key_that_others_can_read_is_refused_with_the_remedy,
		    enter_directory, leave_directory),
		cmocka_unit_test_setup_teardown(
		    saving_never_replaces_a_key_unless_told, enter_directory,
		    leave_directory),
		cmocka_unit_test_setup_teardown(
		    a_full_disk_leaves_no_half_of_a_pair, enter_directory,
		    leave_directory),
		cmocka_unit_test(
		    public_lines_of_other_types_or_damaged_are_refused),
		cmocka_unit_test(bytes_above_ascii_are_no_base64),
		cmocka_unit_test(
		    a_comment_with_control_characters_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
