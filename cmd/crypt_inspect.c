/*
 * aegis crypt inspect: what an encrypted file says of itself without a key.
 *
 * All of it is claims: nothing is verified before a key is there.
 */
#include "cmd/crypt_inspect.h"

#include <stdio.h>

#include "cmd/crypt_file.h"
#include "cmd/exit.h"
#include "cmd/output.h"
#include "crypto/age_input.h"

#define PIECE_BYTES 65536

static const struct output_column columns[] = {
	{ "file", NULL, 0 },
	{ "armored", NULL, 0 },
	{ "recipients", NULL, OUTPUT_VALUE_COLUMN },
	{ "work_factor", "WORK FACTOR", 0 },
	{ "header_bytes", "HEADER BYTES", 0 },
	{ "plain_bytes", "PLAIN BYTES", 0 },
	{ NULL, NULL, 0 },
};

/* How many bytes follow the header. */
static enum ag_status
measure(struct age_input *in, const struct crypt_source *from, uint64_t *len,
    struct ag_error *err)
{
	uint8_t piece[PIECE_BYTES / 8];
	enum ag_status status;
	size_t got;

	*len = 0;
	if (from->is_regular && !age_input_is_armored(in)) {
		*len = from->len - age_input_header_len(in);
		return AG_OK;
	}
	do {
		status = age_input_get(in, piece, sizeof(piece), &got, err);
		*len += got;
	} while (status == AG_OK && got > 0);
	return status;
}

/* Types with commas between; those that are not known as they stand there. */
static enum ag_status
list_recipients(struct buf *words, const struct age_header *header,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;

	for (size_t i = 0; status == AG_OK && i < header->count; i++)
		status = buf_printf(words, "%s%.*s", i > 0 ? "," : "",
		    (int)header->stanzas[i].type.len,
		    (const char *)header->stanzas[i].type.data);
	if (status == AG_OK)
		status = buf_append(words, "", 1);
	return status == AG_OK
	    ? AG_OK
	    : ag_fail(err, AG_ENOMEM, "inspect: out of memory");
}

static enum ag_status
print(struct applet_call *call, const struct crypt_source *from,
    const struct age_input *in, const char *recipients, uint64_t plain_len,
    struct ag_error *err)
{
	const struct age_header *header = age_input_header(in);
	struct output *out;
	enum ag_status status =
	    output_new(&out, call, stdout, NULL, columns, err);

	if (status != AG_OK)
		return status;
	output_text(out, from->name);
	output_bool(out, age_input_is_armored(in));
	output_list(out, recipients);
	if (header->stanzas[0].kind == AGE_STANZA_SCRYPT)
		output_u64(out, header->stanzas[0].work_factor);
	else
		output_null(out);
	output_u64(out, age_input_header_len(in));
	output_u64(out, plain_len);
	output_row(out);
	return output_end(out, err);
}

static enum ag_status
inspect(struct applet_call *call, struct crypt_source *from,
    struct ag_error *err)
{
	uint64_t sealed_len = 0, plain_len = 0;
	struct age_input *in;
	struct buf words;
	enum ag_status status =
	    age_input_open(&in, crypt_source_get, from, err);

	if (status == AG_OK)
		status = measure(in, from, &sealed_len, err);
	if (status == AG_OK && !stream_plain_len(&plain_len, sealed_len))
		status = ag_fail(err, AG_ECORRUPT,
		    "it is cut short: no file has its length");
	if (status != AG_OK) {
		ag_error_prefix(err, "inspect %s", from->name);
		age_input_close(in);
		return status;
	}
	buf_init(&words, 2 * AGE_HEADER_BYTES_MAX);
	status = list_recipients(&words, age_input_header(in), err);
	if (status == AG_OK)
		status = print(call, from, in, (const char *)words.data,
		    plain_len, err);
	buf_fini(&words);
	age_input_close(in);
	return status;
}

int
crypt_inspect(struct applet_call *call)
{
	struct crypt_source from;
	struct ag_error err;
	enum ag_status status = crypt_source_open(&from, call, &err);

	if (status == AG_OK) {
		status = inspect(call, &from, &err);
		crypt_source_close(&from);
	}
	return status == AG_OK ? EXIT_YES : exit_fail(call, &err);
}
