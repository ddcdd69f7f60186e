/*
 * Sealing, streams, recipients, hashes and signatures.
 *
 * Known answers typed in here come from the RFCs; larger sets are read as
 * fixture/vectors.h says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "codec/text.h"
#include "crypto/algorithm.h"
#include "crypto/hash.h"
#include "crypto/recipient.h"
#include "crypto/seal.h"
#include "crypto/secret.h"
#include "crypto/sign.h"
#include "crypto/stream.h"
#include "fixture/vectors.h"

static struct bytes
nothing(void)
{
	return bytes_of(NULL, 0);
}

static void
a_sealed_buffer_opens_with_its_key_and_context_only(void **state)
{
	struct secret *key = secret_random(SEAL_KEY_BYTES);
	struct secret *other = secret_random(SEAL_KEY_BYTES);
	struct bytes plain = bytes_from_text("attack at dawn");
	struct bytes context = bytes_from_text("segment 7");
	uint8_t sealed[64], out[64];
	struct bytes all = bytes_of(sealed, plain.len + SEAL_OVERHEAD);
	size_t i;

	(void)state;
	seal_buffer(sealed, key, context, plain);
	assert_int_equal(seal_open(out, key, context, all), AG_OK);
	assert_memory_equal(out, plain.data, plain.len);
	assert_int_equal(seal_open(out, other, context, all), AG_EFORGED);
	assert_int_equal(seal_open(out, key, nothing(), all), AG_EFORGED);
	for (i = 0; i < all.len; i++) {
		sealed[i] ^= 0x10;
		assert_int_equal(seal_open(out, key, context, all), AG_EFORGED);
		assert_int_equal(seal_open(out, key, context,
				     bytes_of(sealed, i)),
		    AG_EFORGED);
		sealed[i] ^= 0x10;
	}
	secret_free(other);
	secret_free(key);
}

#define KEY_BYTES 16

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
	buf_init(&p->data, 4U << 20);
	p->at = 0;
	p->step = SIZE_MAX;
}

static uint8_t
pattern(size_t i)
{
	return (uint8_t)(i * 31 + (i >> 8));
}

static void
write_stream(struct pipe *p, const struct secret *key, size_t len,
    size_t piece_len)
{
	static uint8_t piece[3 * STREAM_CHUNK_BYTES];
	struct stream_writer *writer;
	size_t done = 0, i;

	assert_int_equal(stream_writer_open(&writer, key, NULL, pipe_put, p,
			     NULL),
	    AG_OK);
	while (done < len) {
		size_t n = len - done < piece_len ? len - done : piece_len;

		for (i = 0; i < n; i++)
			piece[i] = pattern(done + i);
		assert_int_equal(stream_writer_put(writer, bytes_of(piece, n),
				     NULL),
		    AG_OK);
		done += n;
	}
	assert_int_equal(stream_writer_finish(writer, NULL), AG_OK);
	stream_writer_close(writer);
}

/* AG_OK when all of len bytes came out right and then the end. */
static enum ag_status
read_stream(struct pipe *p, const struct secret *key, size_t len)
{
	struct stream_reader *reader;
	enum ag_status status;
	struct bytes plain;
	size_t done = 0, i;

	p->at = 0;
	status = stream_reader_open(&reader, key, pipe_get, p, NULL);
	if (status != AG_OK)
		return status;
	do {
		status = stream_reader_next(reader, &plain, NULL);
		/* Whatever is handed out is right, even before a failure. */
		for (i = 0; i < plain.len; i++)
			assert_int_equal(plain.data[i], pattern(done + i));
		done += plain.len;
	} while (status == AG_OK && plain.len > 0);
	stream_reader_close(reader);
	if (status == AG_OK)
		assert_int_equal(done, len);
	return status;
}

static void
streams_of_any_length_come_back_whole(void **state)
{
	static const size_t lengths[] = { 0, 1, STREAM_CHUNK_BYTES - 1,
		STREAM_CHUNK_BYTES, STREAM_CHUNK_BYTES + 1,
		2 * STREAM_CHUNK_BYTES, 3 * STREAM_CHUNK_BYTES + 77,
		9 * STREAM_CHUNK_BYTES };
	struct secret *key = secret_random(KEY_BYTES);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct pipe p;
		uint64_t plain;

		pipe_init(&p);
		write_stream(&p, key, lengths[i], 1000);
		assert_int_equal(p.data.len, stream_sealed_len(lengths[i]));
		assert_true(stream_plain_len(&plain, p.data.len));
		assert_int_equal(plain, lengths[i]);
		assert_int_equal(read_stream(&p, key, lengths[i]), AG_OK);
		p.step = 777;
		assert_int_equal(read_stream(&p, key, lengths[i]), AG_OK);
		/* In pieces that are sealed from where they are. */
		buf_clear(&p.data);
		write_stream(&p, key, lengths[i], 3 * STREAM_CHUNK_BYTES);
		assert_int_equal(read_stream(&p, key, lengths[i]), AG_OK);
		buf_fini(&p.data);
	}
	secret_free(key);
}

static void
no_stream_has_a_length_between_two(void **state)
{
	uint64_t plain;

	(void)state;
	assert_false(stream_plain_len(&plain, 0));
	assert_false(
	    stream_plain_len(&plain, STREAM_SALT_BYTES + STREAM_TAG_BYTES - 1));
	for (size_t more = 1; more <= STREAM_TAG_BYTES; more++)
		assert_false(stream_plain_len(&plain,
		    stream_sealed_len(STREAM_CHUNK_BYTES) + more));
	assert_true(stream_plain_len(&plain,
	    stream_sealed_len(STREAM_CHUNK_BYTES) + STREAM_TAG_BYTES + 1));
	assert_int_equal(plain, STREAM_CHUNK_BYTES + 1);
}

static void
a_stream_is_read_from_any_chunk_on(void **state)
{
	const size_t len = 7 * STREAM_CHUNK_BYTES + 5;
	struct secret *key = secret_random(KEY_BYTES);
	struct stream_reader *reader;
	struct bytes plain;
	struct pipe p;

	(void)state;
	pipe_init(&p);
	write_stream(&p, key, len, 1000);
	assert_int_equal(stream_reader_open(&reader, key, pipe_get, &p, NULL),
	    AG_OK);
	for (size_t number = 8; number-- > 0;) {
		p.at = STREAM_SALT_BYTES + number * STREAM_SEALED_BYTES;
		stream_reader_seek(reader, number);
		assert_int_equal(stream_reader_next(reader, &plain, NULL),
		    AG_OK);
		assert_int_equal(plain.len,
		    number == 7 ? 5 : STREAM_CHUNK_BYTES);
		assert_int_equal(plain.data[4],
		    pattern(number * STREAM_CHUNK_BYTES + 4));
	}
	/* Another chunk is not taken for it. */
	p.at = STREAM_SALT_BYTES;
	stream_reader_seek(reader, 1);
	assert_int_equal(stream_reader_next(reader, &plain, NULL), AG_EFORGED);
	stream_reader_close(reader);
	buf_fini(&p.data);
	secret_free(key);
}

static void
the_same_salt_makes_the_same_stream(void **state)
{
	static const uint8_t salt[STREAM_SALT_BYTES] = { 1 };
	struct secret *key = secret_random(KEY_BYTES);
	struct pipe one, two;

	(void)state;
	pipe_init(&one);
	pipe_init(&two);
	for (struct pipe *p = &one;; p = &two) {
		struct stream_writer *writer;

		assert_int_equal(stream_writer_open(&writer, key, salt,
				     pipe_put, p, NULL),
		    AG_OK);
		assert_int_equal(stream_writer_finish(writer, NULL), AG_OK);
		stream_writer_close(writer);
		if (p == &two)
			break;
	}
	assert_true(bytes_equal(buf_bytes(&one.data), buf_bytes(&two.data)));
	buf_fini(&one.data);
	buf_fini(&two.data);
	secret_free(key);
}

static void
a_stream_with_another_key_does_not_open(void **state)
{
	struct secret *key = secret_random(KEY_BYTES);
	struct secret *other = secret_random(KEY_BYTES);
	struct pipe p;

	(void)state;
	pipe_init(&p);
	write_stream(&p, key, 100, 1000);
	assert_int_equal(read_stream(&p, other, 100), AG_EFORGED);
	buf_fini(&p.data);
	secret_free(other);
	secret_free(key);
}

static void
a_stream_cut_anywhere_is_found_out(void **state)
{
	struct secret *key = secret_random(KEY_BYTES);
	const size_t len = 2 * STREAM_CHUNK_BYTES;
	const size_t sealed = STREAM_CHUNK_BYTES + STREAM_TAG_BYTES;
	size_t whole, cut;
	struct pipe p;

	(void)state;
	pipe_init(&p);
	write_stream(&p, key, len, 1000);
	whole = p.data.len;
	/* Between chunks, where each chunk still verifies by itself. */
	p.data.len = STREAM_SALT_BYTES + sealed;
	assert_int_equal(read_stream(&p, key, len), AG_EFORGED);
	p.data.len = STREAM_SALT_BYTES;
	assert_int_equal(read_stream(&p, key, len), AG_EFORGED);
	for (cut = 0; cut < whole; cut += 4093) {
		p.data.len = cut;
		assert_int_equal(read_stream(&p, key, len),
		    cut < STREAM_SALT_BYTES ? AG_ECORRUPT : AG_EFORGED);
	}
	p.data.len = whole;
	assert_int_equal(buf_append(&p.data, "x", 1), AG_OK);
	assert_int_equal(read_stream(&p, key, len), AG_EFORGED);
	buf_fini(&p.data);
	secret_free(key);
}

static void
any_flipped_byte_of_a_stream_is_found_out(void **state)
{
	struct secret *key = secret_random(KEY_BYTES);
	const size_t len = STREAM_CHUNK_BYTES + 100;
	struct pipe p;
	size_t i;

	(void)state;
	pipe_init(&p);
	write_stream(&p, key, len, 1000);
	for (i = 0; i < p.data.len; i += i < 64 ? 1 : 509) {
		p.data.data[i] ^= 1;
		assert_int_equal(read_stream(&p, key, len), AG_EFORGED);
		p.data.data[i] ^= 1;
	}
	buf_fini(&p.data);
	secret_free(key);
}

static void
chunks_can_not_change_places(void **state)
{
	struct secret *key = secret_random(KEY_BYTES);
	const size_t sealed = STREAM_CHUNK_BYTES + STREAM_TAG_BYTES;
	static uint8_t first[STREAM_CHUNK_BYTES + STREAM_TAG_BYTES];
	const size_t len = 3 * STREAM_CHUNK_BYTES;
	uint8_t *at;
	struct pipe p;

	(void)state;
	pipe_init(&p);
	write_stream(&p, key, len, 1000);
	at = p.data.data + STREAM_SALT_BYTES;
	memcpy(first, at, sealed);
	memcpy(at, at + sealed, sealed);
	memcpy(at + sealed, first, sealed);
	assert_int_equal(read_stream(&p, key, len), AG_EFORGED);
	buf_fini(&p.data);
	secret_free(key);
}

static void
a_wrapped_key_opens_for_its_recipient_only(void **state)
{
	struct secret *mine, *other, *back;
	struct secret *file_key = secret_random(RECIPIENT_FILE_KEY_BYTES);
	uint8_t recipient[RECIPIENT_KEY_BYTES];
	uint8_t wrapped[RECIPIENT_WRAPPED_BYTES];
	struct ag_error err;
	size_t i;

	(void)state;
	assert_int_equal(recipient_keypair(&mine, &err), AG_OK);
	assert_int_equal(recipient_keypair(&other, &err), AG_OK);
	recipient_public(recipient, mine);
	assert_int_equal(recipient_wrap(wrapped, recipient, file_key, &err),
	    AG_OK);
	assert_int_equal(recipient_unwrap(&back, wrapped, mine, &err), AG_OK);
	assert_true(secret_equal(back, file_key));
	secret_free(back);
	assert_int_equal(recipient_unwrap(&back, wrapped, other, &err),
	    AG_EFORGED);
	assert_null(back);
	for (i = 0; i < sizeof(wrapped); i++) {
		wrapped[i] ^= 1;
		assert_int_equal(recipient_unwrap(&back, wrapped, mine, &err),
		    AG_EFORGED);
		wrapped[i] ^= 1;
	}
	secret_free(file_key);
	secret_free(other);
	secret_free(mine);
}

static void
a_recipient_of_small_order_is_refused(void **state)
{
	struct secret *file_key = secret_random(RECIPIENT_FILE_KEY_BYTES);
	uint8_t wrapped[RECIPIENT_WRAPPED_BYTES];
	const uint8_t zero[RECIPIENT_KEY_BYTES] = { 0 };
	struct ag_error err;

	(void)state;
	assert_int_equal(recipient_wrap(wrapped, zero, file_key, &err),
	    AG_EINVAL);
	secret_free(file_key);
}

static void
a_mistyped_recipient_is_refused(void **state)
{
	char text[RECIPIENT_TEXT_BYTES];
	uint8_t recipient[RECIPIENT_KEY_BYTES], back[RECIPIENT_KEY_BYTES];
	struct secret *key;
	struct ag_error err;
	size_t i, len;

	(void)state;
	assert_int_equal(recipient_keypair(&key, &err), AG_OK);
	recipient_public(recipient, key);
	recipient_format(text, recipient);
	len = strlen(text);
	assert_int_equal(recipient_parse(back, bytes_of(text, len), &err),
	    AG_OK);
	assert_memory_equal(back, recipient, sizeof(back));
	for (i = 0; i < len; i++) {
		char old = text[i];

		text[i] = old == 'x' ? 'y' : 'x';
		assert_int_equal(recipient_parse(back, bytes_of(text, len),
				     &err),
		    AG_EINVAL);
		assert_int_equal(recipient_parse(back, bytes_of(text, i), &err),
		    AG_EINVAL);
		text[i] = old;
	}
	secret_free(key);
}

static void
a_backup_key_file_is_read_again_plain_or_sealed(void **state)
{
	struct secret *right = secret_copy(bytes_from_text("correct horse"));
	struct secret *wrong = secret_copy(bytes_from_text("battery"));
	struct secret *key, *text, *back;
	struct ag_error err;

	(void)state;
	assert_int_equal(recipient_keypair(&key, &err), AG_OK);
	assert_int_equal(recipient_format_key(&text, key, NULL, &err), AG_OK);
	assert_false(recipient_key_is_sealed(secret_bytes(text)));
	assert_int_equal(recipient_parse_key(&back, secret_bytes(text), NULL,
			     "k", &err),
	    AG_OK);
	assert_true(secret_equal(back, key));
	secret_free(back);
	secret_data(text)[secret_len(text) - 3] ^= 1;
	assert_int_equal(recipient_parse_key(&back, secret_bytes(text), NULL,
			     "k", &err),
	    AG_EINVAL);
	secret_free(text);

	assert_int_equal(recipient_format_key(&text, key, right, &err), AG_OK);
	assert_true(recipient_key_is_sealed(secret_bytes(text)));
	assert_int_equal(recipient_parse_key(&back, secret_bytes(text), NULL,
			     "k", &err),
	    AG_EDENIED);
	assert_int_equal(recipient_parse_key(&back, secret_bytes(text), wrong,
			     "k", &err),
	    AG_EDENIED);
	assert_int_equal(recipient_parse_key(&back, secret_bytes(text), right,
			     "k", &err),
	    AG_OK);
	assert_true(secret_equal(back, key));
	secret_free(back);
	secret_free(text);
	secret_free(key);
	secret_free(wrong);
	secret_free(right);
}

static void
a_sealed_key_can_not_ask_for_all_memory(void **state)
{
	/* u32 3 passes, u32 1048576 MiB, then zeros. */
	uint8_t data[96] = { 0, 0, 0, 3, 0, 0x10, 0, 0 };
	struct secret *pass = secret_copy(bytes_from_text("p"));
	struct secret *key;
	char base64[TEXT_BASE64_BYTES(sizeof(data))], text[256];
	struct ag_error err;

	(void)state;
	text_base64(base64, sizeof(base64), bytes_of(data, sizeof(data)),
	    BASE64_URL);
	(void)snprintf(text, sizeof(text), "AEGIS-SEALED-KEY-1-%s\n", base64);
	assert_int_equal(recipient_parse_key(&key, bytes_from_text(text), pass,
			     "k", &err),
	    AG_EINVAL);
	assert_non_null(strstr(err.text, "1048576 MiB"));
	secret_free(pass);
}

static void
an_unknown_hash_lists_the_known_ones_or_the_nearest(void **state)
{
	enum hash_algorithm algorithm;
	struct ag_error err;

	(void)state;
	assert_int_equal(hash_find(&algorithm, "whirlpool", &err), AG_EINVAL);
	assert_string_equal(err.text,
	    "unknown hash 'whirlpool'; known: sha-256 sha-512 sha3-256 "
	    "blake2b-512 blake2b-256");
	assert_int_equal(hash_find(&algorithm, "sha-265", &err), AG_EINVAL);
	assert_string_equal(err.text,
	    "unknown hash 'sha-265'; did you mean sha-256?");
}

static void
a_broken_hash_is_refused_with_the_reason(void **state)
{
	enum hash_algorithm algorithm;
	struct ag_error err;

	(void)state;
	assert_int_equal(hash_find(&algorithm, "SHA1", &err), AG_EREFUSED);
	assert_string_equal(err.text,
	    "hash 'SHA1' is refused: collisions are made of it");
}

static void
hashes_of_abc_are_the_published_ones(void **state)
{
	static const struct {
		const char *name, *hex;
	} known[] = {
		{ "SHA-256",
		    "ba7816bf8f01cfea414140de5dae2223"
		    "b00361a396177a9cb410ff61f20015ad" },
		{ "sha3-256",
		    "3a985da74fe225b2045c172d6bd390bd"
		    "855f086e3e9d525b46bfe24511431532" },
		{ "blake2b-256",
		    "bddd813c634239723171ef3fee98579b"
		    "94964e3bb1cb3e427262c8c068d52319" },
		{ "sha512",
		    "ddaf35a193617abacc417349ae204131"
		    "12e6fa4e89a97ea20a9eeee64b55d39a"
		    "2192992a274fc1a836ba3c23a3feebbd"
		    "454d4423643ce80e2a9ac94fa54ca49f" },
		{ "BLAKE2b",
		    "ba80a53f981c4d0d6a2797b69f12f6e9"
		    "4c212f14685ac4b74b12bb6fdbffa2d1"
		    "7d87c5392aab792dc252d5de4533cc95"
		    "18d38aa8dbf1925ab92386edd4009923" },
	};
	enum hash_algorithm algorithm;
	struct hash *hash;
	uint8_t digest[HASH_BYTES_MAX];
	char hex[TEXT_HEX_BYTES(HASH_BYTES_MAX)];
	struct ag_error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		assert_int_equal(hash_find(&algorithm, known[i].name, &err),
		    AG_OK);
		assert_int_equal(hash_open(&hash, algorithm, &err), AG_OK);
		hash_update(hash, bytes_from_text("a"));
		hash_update(hash, bytes_from_text("bc"));
		hash_finish(hash, digest);
		hash_close(hash);
		text_hex(hex, sizeof(hex),
		    bytes_of(digest, hash_bytes(algorithm)));
		assert_string_equal(hex, known[i].hex);
	}
}

/* In two pieces, as a file may come. */
static void
hash_in_two(uint8_t *digest, enum hash_algorithm algorithm, struct bytes data)
{
	size_t half = data.len / 2;
	struct hash *hash;

	assert_int_equal(hash_open(&hash, algorithm, NULL), AG_OK);
	hash_update(hash, bytes_of(data.data, half));
	hash_update(hash, bytes_of(data.data + half, data.len - half));
	hash_finish(hash, digest);
	hash_close(hash);
}

static void
blake2b_answers_are_the_published_ones(void **state)
{
	json_t *all = vectors_json("blake2/blake2b-kat.json"), *test;
	uint8_t data[512], expected[HASH_BYTES_MAX], digest[HASH_BYTES_MAX];
	size_t i, seen = 0;

	(void)state;
	json_array_foreach(all, i, test)
	{
		size_t len = vectors_hex(test, "in", data, sizeof(data));

		/* Keyed ones are no hashes of files. */
		if (json_string_length(json_object_get(test, "key")) != 0)
			continue;
		assert_int_equal(vectors_hex(test, "out", expected,
				     sizeof(expected)),
		    HASH_BYTES_MAX);
		hash_in_two(digest, HASH_BLAKE2B_512, bytes_of(data, len));
		assert_memory_equal(digest, expected, sizeof(digest));
		seen++;
	}
	json_decref(all);
	assert_int_equal(seen, 256);
}

/* "Len = bits", "Msg = hex" and "MD = hex" lines. */
static void
sha3_answers_are_the_published_ones(void **state)
{
	uint8_t data[512], expected[HASH_BYTES], digest[HASH_BYTES];
	size_t bits = 0, len = 0, seen = 0;
	char *line, *rest;
	struct buf text;

	(void)state;
	vectors_file(&text, "sha3/ShortMsgKAT_SHA3-256.txt");
	rest = (char *)text.data;
	while ((line = strsep(&rest, "\r\n")) != NULL) {
		if (strncmp(line, "Len = ", 6) == 0)
			bits = (size_t)strtoul(line + 6, NULL, 10);
		else if (strncmp(line, "Msg = ", 6) == 0)
			assert_int_equal(sodium_hex2bin(data, sizeof(data),
					     line + 6, strlen(line + 6), NULL,
					     &len, NULL),
			    0);
		/* Files have whole bytes. */
		if (strncmp(line, "MD = ", 5) != 0 || bits % 8 != 0)
			continue;
		assert_int_equal(text_hex_decode(expected, sizeof(expected),
				     bytes_from_text(line + 5)),
		    AG_OK);
		hash_in_two(digest, HASH_SHA3_256, bytes_of(data, bits / 8));
		assert_memory_equal(digest, expected, sizeof(digest));
		seen++;
	}
	buf_fini(&text);
	assert_true(seen >= 200);
}

static void
a_secret_read_from_a_pipe_is_bounded(void **state)
{
	struct secret *secret;
	struct ag_error err;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "0123456789", 10), 10);
	(void)close(fds[1]);
	assert_int_equal(secret_read_fd(&secret, fds[0], 9, "pipe", &err),
	    AG_ELIMIT);
	assert_null(secret);
	(void)close(fds[0]);
}

/* The writer keeps its end open: nothing waits for more than the line. */
static void
a_passphrase_is_a_line_and_what_follows_stays(void **state)
{
	struct secret *secret;
	struct ag_error err;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "one two\nthree\n", 14), 14);
	assert_int_equal(secret_read_passphrase(&secret, fds[0], &err), AG_OK);
	assert_true(
	    bytes_equal(secret_bytes(secret), bytes_from_text("one two")));
	secret_free(secret);
	assert_int_equal(secret_read_passphrase(&secret, fds[0], &err), AG_OK);
	assert_true(
	    bytes_equal(secret_bytes(secret), bytes_from_text("three")));
	secret_free(secret);
	(void)close(fds[1]);
	assert_int_equal(secret_read_passphrase(&secret, fds[0], &err),
	    AG_EINVAL);
	(void)close(fds[0]);
}

static void
a_passphrase_others_would_cut_is_refused(void **state)
{
	uint8_t text[PASSPHRASE_BYTES_MAX + 1];
	struct secret *secret;
	struct ag_error err;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "one\0two\n", 8), 8);
	assert_int_equal(secret_read_passphrase(&secret, fds[0], &err),
	    AG_EINVAL);
	assert_null(secret);
	assert_non_null(strstr(err.text, "a NUL byte"));
	memset(text, 'x', sizeof(text));
	assert_int_equal(write(fds[1], text, sizeof(text)), sizeof(text));
	assert_int_equal(secret_read_passphrase(&secret, fds[0], &err),
	    AG_EINVAL);
	assert_null(secret);
	assert_non_null(strstr(err.text, "longer than 1024 bytes"));
	(void)close(fds[1]);
	(void)close(fds[0]);
}

static void
a_key_with_a_foreign_public_half_is_not_sound(void **state)
{
	struct secret *key;

	(void)state;
	assert_int_equal(sign_keypair(&key, NULL), AG_OK);
	assert_true(sign_key_is_sound(key));
	secret_data(key)[SIGN_SEED_BYTES] ^= 1;
	assert_false(sign_key_is_sound(key));
	secret_free(key);
}

static void
wycheproof_signatures_are_judged_as_published(void **state)
{
	json_t *all = vectors_json("wycheproof/ed25519_test.json");
	size_t g, t, seen = 0;
	json_t *group, *test;

	(void)state;
	json_array_foreach(json_object_get(all, "testGroups"), g, group)
	{
		uint8_t key[32], message[4096], signature[128];

		assert_int_equal(vectors_hex(json_object_get(group,
						 "publicKey"),
				     "pk", key, sizeof(key)),
		    32);
		json_array_foreach(json_object_get(group, "tests"), t, test)
		{
			size_t len =
			    vectors_hex(test, "msg", message, sizeof(message));
			size_t sig_len = vectors_hex(test, "sig", signature,
			    sizeof(signature));
			bool is_valid =
			    strcmp(json_string_value(
				       json_object_get(test, "result")),
				"valid") == 0;

			/* A signature of another length has no type here. */
			if (sig_len == SIGN_SIGNATURE_BYTES)
				assert_int_equal(sign_verify(key,
						     bytes_of(message, len),
						     signature),
				    is_valid);
			else
				assert_false(is_valid);
			seen++;
		}
	}
	assert_true(seen >= 100);
	json_decref(all);
}

/* All replicas must accept the same edge cases: the set is pinned. */
static void
the_accepted_edge_cases_are_the_pinned_ones(void **state)
{
	json_t *all = vectors_json("ed25519-cctv/ed25519vectors.json");
	uint8_t key[32], signature[64], digest[HASH_BYTES];
	char hex[TEXT_HEX_BYTES(HASH_BYTES)];
	struct hash *hash;
	size_t i, accepted = 0;
	json_t *test;

	(void)state;
	assert_int_equal(hash_open(&hash, HASH_BLAKE2B_256, NULL), AG_OK);
	json_array_foreach(all, i, test)
	{
		const char *message =
		    json_string_value(json_object_get(test, "msg"));
		uint8_t verdict;

		(void)vectors_hex(test, "key", key, sizeof(key));
		(void)vectors_hex(test, "sig", signature, sizeof(signature));
		verdict = sign_verify(key, bytes_from_text(message), signature);
		accepted += verdict;
		hash_update(hash, bytes_of(&verdict, 1));
	}
	hash_finish(hash, digest);
	hash_close(hash);
	json_decref(all);
	text_hex(hex, sizeof(hex), bytes_of(digest, sizeof(digest)));
	assert_int_equal(accepted, 43);
	assert_string_equal(hex,
	    "bff32dfc7bd8f26c81c787690124a079"
	    "3326f5b4b2ec937839b964705dd522f7");
}

static void
wycheproof_sealed_buffers_are_judged_as_published(void **state)
{
	json_t *all = vectors_json("wycheproof/xchacha20_poly1305_test.json");
	size_t g, t, seen = 0;
	json_t *group, *test;

	(void)state;
	json_array_foreach(json_object_get(all, "testGroups"), g, group)
	{
		if (json_integer_value(json_object_get(group, "ivSize")) != 192)
			continue;
		json_array_foreach(json_object_get(group, "tests"), t, test)
		{
			uint8_t raw[32], aad[1024], sealed[4096], plain[4096],
			    out[4096];
			struct secret *key = secret_new(SEAL_KEY_BYTES);
			size_t aad_len, len, plain_len;
			bool is_valid =
			    strcmp(json_string_value(
				       json_object_get(test, "result")),
				"valid") == 0;

			assert_int_equal(vectors_hex(test, "key", raw,
					     sizeof(raw)),
			    32);
			memcpy(secret_data(key), raw, sizeof(raw));
			aad_len = vectors_hex(test, "aad", aad, sizeof(aad));
			len = vectors_hex(test, "iv", sealed, sizeof(sealed));
			len += vectors_hex(test, "ct", sealed + len,
			    sizeof(sealed) - len);
			len += vectors_hex(test, "tag", sealed + len,
			    sizeof(sealed) - len);
			plain_len =
			    vectors_hex(test, "msg", plain, sizeof(plain));
			assert_int_equal(seal_open(out, key,
					     bytes_of(aad, aad_len),
					     bytes_of(sealed, len)),
			    is_valid ? AG_OK : AG_EFORGED);
			if (is_valid)
				assert_memory_equal(out, plain, plain_len);
			secret_free(key);
			seen++;
		}
	}
	assert_true(seen >= 100);
	json_decref(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_sealed_buffer_opens_with_its_key_and_context_only),
		cmocka_unit_test(streams_of_any_length_come_back_whole),
		cmocka_unit_test(a_stream_with_another_key_does_not_open),
		cmocka_unit_test(no_stream_has_a_length_between_two),
		cmocka_unit_test(a_stream_is_read_from_any_chunk_on),
		cmocka_unit_test(the_same_salt_makes_the_same_stream),
		cmocka_unit_test(a_stream_cut_anywhere_is_found_out),
		cmocka_unit_test(any_flipped_byte_of_a_stream_is_found_out),
		cmocka_unit_test(chunks_can_not_change_places),
		cmocka_unit_test(a_wrapped_key_opens_for_its_recipient_only),
		cmocka_unit_test(a_recipient_of_small_order_is_refused),
		cmocka_unit_test(a_mistyped_recipient_is_refused),
		cmocka_unit_test(
		    a_backup_key_file_is_read_again_plain_or_sealed),
		cmocka_unit_test(a_sealed_key_can_not_ask_for_all_memory),
		cmocka_unit_test(
		    an_unknown_hash_lists_the_known_ones_or_the_nearest),
		cmocka_unit_test(a_broken_hash_is_refused_with_the_reason),
		cmocka_unit_test(hashes_of_abc_are_the_published_ones),
		cmocka_unit_test(blake2b_answers_are_the_published_ones),
		cmocka_unit_test(sha3_answers_are_the_published_ones),
		cmocka_unit_test(a_secret_read_from_a_pipe_is_bounded),
		cmocka_unit_test(a_passphrase_is_a_line_and_what_follows_stays),
		cmocka_unit_test(a_passphrase_others_would_cut_is_refused),
		cmocka_unit_test(a_key_with_a_foreign_public_half_is_not_sound),
		cmocka_unit_test(wycheproof_signatures_are_judged_as_published),
		cmocka_unit_test(the_accepted_edge_cases_are_the_pinned_ones),
		cmocka_unit_test(
		    wycheproof_sealed_buffers_are_judged_as_published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
