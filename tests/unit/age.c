/*
 * age files: headers, wrapped keys, armor.
 *
 * The published test files that are not compressed are judged here, all of
 * them by tests/cli/age.sh.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec/text.h"
#include "crypto/age_armor.h"
#include "crypto/age_identity.h"
#include "crypto/age_input.h"
#include "crypto/age_key.h"
#include "crypto/age_wrap.h"
#include "fixture/vectors.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)

struct pipe {
	struct buf data;
	size_t at;
	size_t step; /* how much the source gives at once */
};

static enum ag_status
pipe_put(void *arg, struct bytes data, struct ag_error *err)
{
	struct pipe *p = arg;

	(void)err;
	return buf_append(&p->data, data.data, data.len);
}

static enum ag_status
pipe_get(void *arg, uint8_t *out, size_t cap, size_t *len, struct ag_error *err)
{
	struct pipe *p = arg;

	(void)err;
	*len = p->data.len - p->at;
	if (*len > cap)
		*len = cap;
	if (*len > p->step)
		*len = p->step;
	if (*len > 0)
		memcpy(out, p->data.data + p->at, *len);
	p->at += *len;
	return AG_OK;
}

static void
pipe_init(struct pipe *p)
{
	buf_init(&p->data, FILE_BYTES_MAX);
	p->at = 0;
	p->step = SIZE_MAX;
}

static void
pipe_of(struct pipe *p, const char *text)
{
	pipe_init(p);
	assert_int_equal(buf_append(&p->data, text, strlen(text)), AG_OK);
}

static struct private_key *
key_new(const char *name)
{
	const struct algorithm *algorithm;
	struct private_key *key;

	assert_int_equal(algorithm_find(&algorithm, ALGORITHM_KEY, name, NULL),
	    AG_OK);
	assert_int_equal(private_key_generate(&key, algorithm, NULL), AG_OK);
	return key;
}

/* A whole file, to keys or else to a passphrase. */
static void
write_file(struct pipe *p, struct private_key *const *keys, size_t count,
    const struct secret *passphrase, const char *text)
{
	struct secret *file_key = secret_random(AGE_FILE_KEY_BYTES);
	struct stream_writer *writer;
	struct buf header;

	pipe_init(p);
	buf_init(&header, AGE_HEADER_BYTES_MAX);
	assert_int_equal(age_header_begin(&header), AG_OK);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(age_wrap_to_key(&header,
				     private_key_public(keys[i]), file_key,
				     NULL),
		    AG_OK);
	if (passphrase != NULL)
		assert_int_equal(age_wrap_to_passphrase(&header, passphrase,
				     WORK_LOW, file_key, NULL),
		    AG_OK);
	assert_int_equal(age_header_finish(&header, file_key), AG_OK);
	assert_int_equal(pipe_put(p, buf_bytes(&header), NULL), AG_OK);
	assert_int_equal(stream_writer_open(&writer, file_key, NULL, pipe_put,
			     p, NULL),
	    AG_OK);
	assert_int_equal(stream_writer_put(writer, bytes_from_text(text), NULL),
	    AG_OK);
	assert_int_equal(stream_writer_finish(writer, NULL), AG_OK);
	stream_writer_close(writer);
	buf_fini(&header);
	secret_free(file_key);
}

/* All that comes out goes into plain, also before a failure. */
static enum ag_status
read_payload(struct age_input *in, const struct secret *file_key,
    struct buf *plain, struct ag_error *err)
{
	struct stream_reader *reader = NULL;
	enum ag_status status = age_input_check(in, file_key, err);
	struct bytes piece = { 0 };

	if (status == AG_OK)
		status = stream_reader_open(&reader, file_key, age_input_get,
		    in, err);
	while (status == AG_OK) {
		status = stream_reader_next(reader, &piece, err);
		if (status != AG_OK || piece.len == 0)
			break;
		assert_int_equal(buf_append(plain, piece.data, piece.len),
		    AG_OK);
	}
	stream_reader_close(reader);
	return status;
}

static enum ag_status
read_file(struct pipe *p, const struct private_key *key,
    const struct secret *passphrase, struct buf *plain, struct ag_error *err)
{
	struct secret *file_key = NULL;
	struct age_input *in;
	enum ag_status status;

	p->at = 0;
	status = age_input_open(&in, pipe_get, p, err);
	if (status != AG_OK)
		return status;
	status = key != NULL
	    ? age_wrap_open(&file_key, age_input_header(in), key, err)
	    : age_wrap_open_passphrase(&file_key, age_input_header(in),
		  passphrase, err);
	if (status == AG_OK)
		status = read_payload(in, file_key, plain, err);
	secret_free(file_key);
	age_input_close(in);
	return status;
}

static void
opens(struct pipe *p, const struct private_key *key,
    const struct secret *passphrase, const char *text)
{
	struct ag_error err = { 0 };
	struct buf plain;

	buf_init(&plain, FILE_BYTES_MAX);
	if (read_file(p, key, passphrase, &plain, &err) != AG_OK)
		fail_msg("%s", err.text);
	assert_true(bytes_equal(buf_bytes(&plain), bytes_from_text(text)));
	buf_fini(&plain);
}

static void
every_recipient_opens_a_file_and_nobody_else(void **state)
{
	static const char *const types[] = { "x25519", "ed25519", "rsa-3072",
		"x25519", "ed25519" };
	struct private_key *keys[5];
	struct buf plain;
	struct pipe p;

	(void)state;
	for (size_t i = 0; i < 5; i++)
		keys[i] = key_new(types[i]);
	write_file(&p, keys, 3, NULL, "a text");
	for (size_t i = 0; i < 3; i++)
		opens(&p, keys[i], NULL, "a text");
	p.step = 1;
	opens(&p, keys[2], NULL, "a text");
	buf_init(&plain, FILE_BYTES_MAX);
	for (size_t i = 3; i < 5; i++)
		assert_int_equal(read_file(&p, keys[i], NULL, &plain, NULL),
		    AG_EDENIED);
	assert_int_equal(plain.len, 0);
	buf_fini(&plain);
	buf_fini(&p.data);
	for (size_t i = 0; i < 5; i++)
		private_key_free(keys[i]);
}

static void
a_passphrase_opens_a_file_and_another_does_not(void **state)
{
	struct secret *right = secret_copy(bytes_from_text("sesame"));
	struct secret *wrong = secret_copy(bytes_from_text("Sesame"));
	struct buf plain;
	struct pipe p;

	(void)state;
	write_file(&p, NULL, 0, right, "a text");
	opens(&p, NULL, right, "a text");
	buf_init(&plain, FILE_BYTES_MAX);
	assert_int_equal(read_file(&p, NULL, wrong, &plain, NULL), AG_EDENIED);
	assert_int_equal(plain.len, 0);
	buf_fini(&plain);
	buf_fini(&p.data);
	secret_free(right);
	secret_free(wrong);
}

static void
keys_that_can_not_be_encrypted_to_say_so(void **state)
{
	struct private_key *key = key_new("ecdsa-p256");
	uint8_t low[KEY_PUBLIC_X25519_BYTES] = { 1 };
	struct secret *file_key = secret_random(AGE_FILE_KEY_BYTES);
	struct key_public public;
	struct ag_error err;
	struct buf header;

	(void)state;
	buf_init(&header, AGE_HEADER_BYTES_MAX);
	assert_int_equal(age_wrap_to_key(&header, private_key_public(key),
			     file_key, &err),
	    AG_EINVAL);
	assert_non_null(strstr(err.text, "x25519, ed25519 and rsa are"));
	key_public_of_x25519(&public, low);
	assert_int_equal(age_wrap_to_key(&header, &public, file_key, &err),
	    AG_EINVAL);
	assert_non_null(strstr(err.text, "low order"));
	assert_int_equal(header.len, 0);
	private_key_free(key);
	secret_free(file_key);
}

/* Each byte of the header, and of what follows it. */
static void
any_flipped_byte_of_a_file_is_found_out(void **state)
{
	struct private_key *key = key_new("x25519");
	struct buf plain;
	struct pipe p;

	(void)state;
	write_file(&p, &key, 1, NULL, "a text");
	buf_init(&plain, FILE_BYTES_MAX);
	for (size_t i = 0; i < p.data.len; i++) {
		p.data.data[i] ^= 1;
		assert_int_not_equal(read_file(&p, key, NULL, &plain, NULL),
		    AG_OK);
		p.data.data[i] ^= 1;
	}
	for (size_t len = p.data.len; len-- > 0;) {
		p.data.len = len;
		assert_int_not_equal(read_file(&p, key, NULL, &plain, NULL),
		    AG_OK);
	}
	assert_int_equal(plain.len, 0);
	buf_fini(&p.data);
	private_key_free(key);
}

static void
refuses(const char *text, enum ag_status status, const char *why)
{
	struct age_input *in = NULL;
	struct ag_error err = { 0 };
	struct pipe p;

	pipe_of(&p, text);
	assert_int_equal(age_input_open(&in, pipe_get, &p, &err), status);
	assert_null(in);
	if (strstr(err.text, why) == NULL)
		fail_msg("'%s' lacks '%s'", err.text, why);
	buf_fini(&p.data);
}

#define MAC "--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
#define WRAPPED "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
#define SALT "AAAAAAAAAAAAAAAAAAAAAA"

static void
what_is_no_age_file_says_what_it_is(void **state)
{
	(void)state;
	refuses("", AG_ECORRUPT, "empty");
	refuses("a text", AG_ECORRUPT, "not an age file");
	refuses("age-encryption.org/v2\n", AG_EVERSION, "another version");
	refuses("age-encryption.org/v1\n", AG_ECORRUPT, "cut short");
	refuses("age-encryption.org/v1\n" MAC, AG_ECORRUPT, "no recipient");
	refuses("age-encryption.org/v1\n-> X25519 a b\n" WRAPPED MAC,
	    AG_ECORRUPT, "arguments");
	refuses("-----BEGIN PGP MESSAGE-----\n", AG_ECORRUPT, "first line");
}

static void
a_work_factor_out_of_bounds_is_refused_before_memory_is_taken(void **state)
{
	(void)state;
	refuses("age-encryption.org/v1\n-> scrypt " SALT " 21\n" WRAPPED MAC,
	    AG_ELIMIT, "work factor of 2^21");
	refuses("age-encryption.org/v1\n-> scrypt " SALT " 4000000000000\n" //
	    WRAPPED MAC,
	    AG_ELIMIT, "work factor");
	refuses("age-encryption.org/v1\n-> scrypt " SALT " 018\n" WRAPPED MAC,
	    AG_ECORRUPT, "arguments");
}

static void
a_header_is_read_up_to_a_bound(void **state)
{
	struct age_input *in = NULL;
	struct ag_error err;
	struct pipe p;

	(void)state;
	pipe_of(&p, AGE_HEADER_VERSION_LINE);
	p.data.max = 4 * FILE_BYTES_MAX;
	while (p.data.len < 2 * AGE_HEADER_BYTES_MAX)
		assert_int_equal(buf_append(&p.data, "-> a\n\n", 6), AG_OK);
	assert_int_equal(age_input_open(&in, pipe_get, &p, &err), AG_ELIMIT);
	assert_true(p.at < AGE_HEADER_BYTES_MAX + 100000);
	p.data.len = AGE_HEADER_BYTES_MAX / 2;
	p.data.len -= (p.data.len - strlen(AGE_HEADER_VERSION_LINE)) % 6;
	assert_int_equal(buf_append(&p.data, MAC, strlen(MAC)), AG_OK);
	p.at = 0;
	assert_int_equal(age_input_open(&in, pipe_get, &p, &err), AG_ELIMIT);
	assert_non_null(strstr(err.text, "more than 16384 recipients"));
	buf_fini(&p.data);
}

/* Put data through armor, and take it off again in steps. */
static void
armor_comes_back(struct bytes data, size_t piece, size_t step, bool crlf)
{
	struct age_armor_writer *writer;
	struct age_armor_reader *reader;
	uint8_t out[1000];
	struct pipe p, q;
	struct buf back;
	size_t len;

	pipe_init(&p);
	pipe_init(&q);
	buf_init(&back, FILE_BYTES_MAX);
	assert_int_equal(age_armor_writer_open(&writer, pipe_put, &p, NULL),
	    AG_OK);
	for (size_t at = 0; at < data.len; at += piece)
		assert_int_equal(age_armor_put(writer,
				     bytes_of(data.data + at,
					 piece < data.len - at ? piece
							       : data.len - at),
				     NULL),
		    AG_OK);
	assert_int_equal(age_armor_finish(writer, NULL), AG_OK);
	age_armor_writer_close(writer);
	for (size_t i = 0; i < p.data.len; i++) {
		if (crlf && p.data.data[i] == '\n')
			assert_int_equal(buf_append(&q.data, "\r", 1), AG_OK);
		assert_int_equal(buf_append(&q.data, p.data.data + i, 1),
		    AG_OK);
	}
	q.step = step;
	assert_int_equal(age_armor_reader_open(&reader, pipe_get, &q, NULL),
	    AG_OK);
	do {
		assert_int_equal(age_armor_get(reader, out,
				     step < sizeof(out) ? step : sizeof(out),
				     &len, NULL),
		    AG_OK);
		assert_int_equal(buf_append(&back, out, len), AG_OK);
	} while (len > 0);
	assert_true(bytes_equal(buf_bytes(&back), data));
	age_armor_reader_close(reader);
	buf_fini(&back);
	buf_fini(&p.data);
	buf_fini(&q.data);
}

static void
armor_of_any_length_comes_back_whole(void **state)
{
	static uint8_t data[100000];

	(void)state;
	randombytes_buf(data, sizeof(data));
	for (size_t len = 0; len < 200; len++) {
		armor_comes_back(bytes_of(data, len), 1, 1, false);
		armor_comes_back(bytes_of(data, len), 7, 50, true);
		armor_comes_back(bytes_of(data, len), 1000, 1000, false);
	}
	armor_comes_back(bytes_of(data, sizeof(data)), 777, 333, true);
	armor_comes_back(bytes_of(data, sizeof(data)), 65552, 1000, false);
}

/* One of the published files. */
struct testkit {
	char expect[64];
	char payload[65];
	struct private_key *keys[2];
	size_t key_count;
	struct secret *passphrase;
	bool is_other; /* compressed, or to hybrid keys */
	struct pipe file;
};

static void
testkit_line(struct testkit *kit, struct bytes line)
{
	const struct bytes names[] = {
		bytes_from_text("expect: "),
		bytes_from_text("payload: "),
		bytes_from_text("passphrase: "),
		bytes_from_text("identity: "),
		bytes_from_text("compressed: "),
	};
	struct bytes value;
	struct secret *key;
	size_t which = 0;

	while (which < 5 && !bytes_has_prefix(line, names[which]))
		which++;
	if (which == 5)
		return;
	value =
	    bytes_of(line.data + names[which].len, line.len - names[which].len);
	if (which == 0) {
		(void)snprintf(kit->expect, sizeof(kit->expect), "%.*s",
		    (int)value.len, (const char *)value.data);
	} else if (which == 1) {
		(void)snprintf(kit->payload, sizeof(kit->payload), "%.*s",
		    (int)value.len, (const char *)value.data);
	} else if (which == 2) {
		secret_free(kit->passphrase);
		kit->passphrase = secret_copy(value);
	} else if (which == 3 &&
	    age_key_parse(&key, value, "testkit", NULL) == AG_OK) {
		assert_int_equal(private_key_take_x25519(
				     &kit->keys[kit->key_count++], key, NULL),
		    AG_OK);
	} else {
		kit->is_other = true;
	}
}

static void
testkit_load(struct testkit *kit, const char *name)
{
	struct bytes rest, line;
	char path[300];
	struct buf text;

	*kit = (struct testkit){ 0 };
	(void)snprintf(path, sizeof(path), "age-testkit/%s", name);
	vectors_file(&text, path);
	rest = buf_bytes(&text);
	while (text_next_line(&rest, &line) && line.len > 0)
		testkit_line(kit, line);
	pipe_init(&kit->file);
	assert_int_equal(buf_append(&kit->file.data, rest.data, rest.len),
	    AG_OK);
	buf_fini(&text);
}

/* By the words that a failure is told with. */
static const char *
verdict_of(enum ag_status status, const char *text)
{
	if (status == AG_OK)
		return "success";
	if (status == AG_EDENIED)
		return "no match";
	if (strstr(text, "MAC is of another") != NULL)
		return "HMAC failure";
	if (strstr(text, "armor") != NULL)
		return "armor failure";
	return status == AG_EFORGED ? "payload failure" : "header failure";
}

static void
testkit_judge(struct testkit *kit, const char *name)
{
	char hex[TEXT_HEX_BYTES(32)];
	struct ag_error err = { 0 };
	enum ag_status status;
	uint8_t digest[32];
	const char *verdict;
	struct buf plain;

	buf_init(&plain, FILE_BYTES_MAX);
	status = read_file(&kit->file, kit->key_count > 0 ? kit->keys[0] : NULL,
	    kit->passphrase, &plain, &err);
	verdict = verdict_of(status, err.text);
	/* What is not seen to be armored is seen to be nothing. */
	if (strcmp(name, "armor_garbage_leading") == 0)
		assert_string_equal(err.text, "it is not an age file");
	else if (strcmp(verdict, kit->expect) != 0)
		fail_msg("%s: %s, not %s: %s", name, verdict, kit->expect,
		    err.text);
	(void)crypto_hash_sha256(digest, plain.data, plain.len);
	text_hex(hex, sizeof(hex), bytes_of(digest, sizeof(digest)));
	if (kit->payload[0] != '\0')
		assert_string_equal(hex, kit->payload);
	else
		assert_int_equal(plain.len, 0);
	buf_fini(&plain);
}

static void
published_files_are_judged_as_published(void **state)
{
	char path[VECTORS_PATH_BYTES];
	struct dirent *entry;
	size_t judged = 0;
	DIR *dir;

	(void)state;
	vectors_path(path, "age-testkit");
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		struct testkit kit;

		if (entry->d_name[0] < 'a')
			continue;
		testkit_load(&kit, entry->d_name);
		if (!kit.is_other &&
		    (kit.key_count > 0 || kit.passphrase != NULL)) {
			testkit_judge(&kit, entry->d_name);
			judged++;
		}
		buf_fini(&kit.file.data);
		secret_free(kit.passphrase);
		for (size_t i = 0; i < kit.key_count; i++)
			private_key_free(kit.keys[i]);
	}
	(void)closedir(dir);
	print_message("%zu files\n", judged);
	assert_true(judged >= 100);
}

static void
identities_behind_a_passphrase_are_opened_whole_or_not_at_all(void **state)
{
	static const char text[] = "# a comment\nAGE-SECRET-KEY-1\n";
	struct secret *right = secret_copy(bytes_from_text("right"));
	struct secret *wrong = secret_copy(bytes_from_text("wrong"));
	struct private_key *key = key_new("x25519");
	struct ag_error err;
	struct secret *out;
	struct bytes file;
	struct pipe p;

	(void)state;
	write_file(&p, NULL, 0, right, text);
	file = buf_bytes(&p.data);
	assert_true(age_identity_is_encrypted(file));
	assert_false(age_identity_is_encrypted(bytes_from_text(text)));
	assert_int_equal(age_identity_open(&out, file, right, "i", &err),
	    AG_OK);
	assert_true(bytes_equal(secret_bytes(out), bytes_from_text(text)));
	secret_free(out);
	assert_int_equal(age_identity_open(&out, file, wrong, "i", &err),
	    AG_EDENIED);
	assert_string_equal(err.text, "identity i: the passphrase is another");
	for (size_t len = file.len - 53; len < file.len; len += 13) {
		assert_int_equal(age_identity_open(&out,
				     bytes_of(file.data, len), right, "i",
				     &err),
		    AG_EINVAL);
		assert_null(out);
	}
	buf_fini(&p.data);
	write_file(&p, &key, 1, NULL, text);
	assert_int_equal(age_identity_open(&out, buf_bytes(&p.data), right, "i",
			     &err),
	    AG_EDENIED);
	buf_fini(&p.data);
	private_key_free(key);
	secret_free(wrong);
	secret_free(right);
}

/* A header for key and somebody whose share is of low order. */
static void
put_low_order(struct buf *header, const struct private_key *key,
    const struct secret *file_key, bool is_first)
{
	static const uint8_t body[AGE_WRAPPED_BYTES];

	buf_init(header, AGE_HEADER_BYTES_MAX);
	assert_int_equal(age_header_begin(header), AG_OK);
	for (int i = 0; i < 2; i++)
		if ((i == 0) == is_first)
			assert_int_equal(age_header_put(header,
					     "X25519 AAAAAAAAAAAAAAAAAAAAAAAAA"
					     "AAAAAAAAAAAAAAAAAA",
					     bytes_of(body, sizeof(body))),
			    AG_OK);
		else
			assert_int_equal(age_wrap_to_key(header,
					     private_key_public(key), file_key,
					     NULL),
			    AG_OK);
	assert_int_equal(age_header_finish(header, file_key), AG_OK);
}

static void
what_follows_the_recipient_that_opens_a_file_changes_nothing(void **state)
{
	struct secret *file_key = secret_random(AGE_FILE_KEY_BYTES), *opened;
	struct private_key *key;
	struct age_header header;
	struct buf text;

	(void)state;
	assert_int_equal(private_key_take_x25519(&key,
			     secret_random(AGE_KEY_BYTES), NULL),
	    AG_OK);
	for (int is_first = 0; is_first < 2; is_first++) {
		put_low_order(&text, key, file_key, is_first == 1);
		assert_int_equal(age_header_parse(&header, buf_bytes(&text),
				     NULL),
		    AG_OK);
		assert_int_equal(age_wrap_open(&opened, &header, key, NULL),
		    is_first == 1 ? AG_ECORRUPT : AG_OK);
		if (is_first == 0)
			assert_true(secret_equal(opened, file_key));
		else
			assert_null(opened);
		secret_free(opened);
		age_header_fini(&header);
		buf_fini(&text);
	}
	private_key_free(key);
	secret_free(file_key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_recipient_opens_a_file_and_nobody_else),
		cmocka_unit_test(
		    a_passphrase_opens_a_file_and_another_does_not),
		cmocka_unit_test(
		    identities_behind_a_passphrase_are_opened_whole_or_not_at_all),
		cmocka_unit_test(keys_that_can_not_be_encrypted_to_say_so),
		cmocka_unit_test(any_flipped_byte_of_a_file_is_found_out),
		cmocka_unit_test(what_is_no_age_file_says_what_it_is),
		cmocka_unit_test(
		    a_work_factor_out_of_bounds_is_refused_before_memory_is_taken),
		cmocka_unit_test(a_header_is_read_up_to_a_bound),
		cmocka_unit_test(armor_of_any_length_comes_back_whole),
		cmocka_unit_test(
		    what_follows_the_recipient_that_opens_a_file_changes_nothing),
		cmocka_unit_test(published_files_are_judged_as_published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
