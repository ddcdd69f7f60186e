/*
 * Whole age files, armored or not, to a key or a passphrase that is known: a
 * header, what wraps the file key, and chunks.
 *
 * Oracle: what comes out of one that is whole, sealed again with its key and
 * salt, are the bytes behind its header.  Passphrases take no work here.
 */
#include <stdlib.h>

#include "crypto/age_input.h"
#include "crypto/age_key.h"
#include "crypto/age_wrap.h"
#include "fixture/cheap_crypto.h"

#define BYTES_MAX ((size_t)2 << 20)
#define IDENTITY \
	"AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static enum ag_status
get(void *arg, uint8_t *out, size_t cap, size_t *len, struct ag_error *err)
{
	struct bytes *left = arg;

	(void)err;
	*len = left->len < cap ? left->len : cap;
	if (*len > 0)
		memcpy(out, left->data, *len);
	*left = bytes_of(left->data + *len, left->len - *len);
	return AG_OK;
}

static enum ag_status
put(void *arg, struct bytes data, struct ag_error *err)
{
	(void)err;
	return buf_append(arg, data.data, data.len);
}

static struct private_key *
known_key(void)
{
	static struct private_key *key;
	struct secret *raw;

	if (key == NULL) {
		AG_ASSERT(age_key_parse(&raw, bytes_from_text(IDENTITY), "f",
			      NULL) == AG_OK);
		AG_ASSERT(private_key_take_x25519(&key, raw, NULL) == AG_OK);
	}
	return key;
}

static void
check_payload(struct age_input *in, const struct secret *file_key,
    struct bytes file)
{
	struct stream_reader *reader;
	struct stream_writer *writer;
	struct bytes plain = { 0 };
	enum ag_status status;
	struct buf again;

	if (stream_reader_open(&reader, file_key, age_input_get, in, NULL) !=
	    AG_OK)
		return;
	buf_init(&again, BYTES_MAX);
	AG_ASSERT(stream_writer_open(&writer, file_key,
		      stream_reader_salt(reader), put, &again, NULL) == AG_OK);
	do {
		status = stream_reader_next(reader, &plain, NULL);
		AG_ASSERT(stream_writer_put(writer, plain, NULL) == AG_OK);
	} while (status == AG_OK && plain.len > 0);
	if (status == AG_OK && !age_input_is_armored(in)) {
		size_t begin = age_input_header_len(in);

		AG_ASSERT(stream_writer_finish(writer, NULL) == AG_OK);
		AG_ASSERT(bytes_equal(buf_bytes(&again),
		    bytes_of(file.data + begin, file.len - begin)));
	}
	stream_writer_close(writer);
	stream_reader_close(reader);
	buf_fini(&again);
}

static enum ag_status
open_file_key(struct secret **file_key, const struct age_header *header)
{
	return header->stanzas[0].kind == AGE_STANZA_SCRYPT
	    ? age_wrap_open_passphrase(file_key, header, cheap_crypto_begin(),
		  NULL)
	    : age_wrap_open(file_key, header, known_key(), NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes left = bytes_of(data, len);
	struct secret *file_key;
	struct age_input *in;

	if (len > BYTES_MAX / 2 ||
	    age_input_open(&in, get, &left, NULL) != AG_OK)
		return 0;
	if (open_file_key(&file_key, age_input_header(in)) == AG_OK) {
		enum ag_status status = age_input_check(in, file_key, NULL);

		/* On also with another header's MAC, which most have. */
		AG_ASSERT(status == AG_OK || status == AG_EFORGED);
		check_payload(in, file_key, bytes_of(data, len));
		secret_free(file_key);
	}
	age_input_close(in);
	return 0;
}
