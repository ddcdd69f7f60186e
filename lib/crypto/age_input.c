/*
 * Age files that are read.
 */
#include "crypto/age_input.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/age_armor.h"

#define PIECE_BYTES 16384

struct age_input {
	stream_source_fn *source;
	void *arg;
	struct age_armor_reader *armor; /* NULL: there is none */
	uint8_t peeked[AGE_ARMOR_PEEK_BYTES];
	size_t peeked_at;
	size_t peeked_len;
	struct buf ahead; /* the header, and what was read behind it */
	size_t ahead_at;
	size_t header_len;
	struct age_header header;
};

/* What was looked at, and then the source. */
static enum ag_status
get_raw(void *arg, uint8_t *out, size_t cap, size_t *len, struct ag_error *err)
{
	struct age_input *in = arg;

	*len = in->peeked_len - in->peeked_at;
	if (*len == 0)
		return in->source(in->arg, out, cap, len, err);
	if (*len > cap)
		*len = cap;
	memcpy(out, in->peeked + in->peeked_at, *len);
	in->peeked_at += *len;
	return AG_OK;
}

static enum ag_status
get_inner(struct age_input *in, uint8_t *out, size_t cap, size_t *len,
    struct ag_error *err)
{
	return in->armor != NULL ? age_armor_get(in->armor, out, cap, len, err)
				 : get_raw(in, out, cap, len, err);
}

static enum ag_status
find_armor(struct age_input *in, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	size_t len = 1;

	while (
	    status == AG_OK && len > 0 && in->peeked_len < sizeof(in->peeked)) {
		status = in->source(in->arg, in->peeked + in->peeked_len,
		    sizeof(in->peeked) - in->peeked_len, &len, err);
		if (status == AG_OK)
			in->peeked_len += len;
	}
	if (status != AG_OK ||
	    !age_armor_begins(bytes_of(in->peeked, in->peeked_len)))
		return status;
	return age_armor_reader_open(&in->armor, get_raw, in, err);
}

/* Read until a whole header is there, and to its end at most a piece more. */
static enum ag_status
read_header(struct age_input *in, struct ag_error *err)
{
	enum ag_status status;
	size_t len;

	for (;;) {
		if (buf_reserve(&in->ahead, PIECE_BYTES) != AG_OK)
			return ag_fail(err, AG_ENOMEM,
			    "read header: out of memory");
		status = get_inner(in, in->ahead.data + in->ahead.len,
		    PIECE_BYTES, &len, err);
		if (status != AG_OK)
			return status;
		in->ahead.len += len;
		status = age_header_measure(&in->header_len,
		    buf_bytes(&in->ahead), err);
		if (status != AG_EAGAIN)
			return status;
		if (len == 0)
			return ag_fail(err, AG_ECORRUPT, "%s",
			    in->ahead.len == 0
				? "it is empty, and not an age file"
				: "its header is malformed: it is cut short");
	}
}

enum ag_status
age_input_open(struct age_input **out, stream_source_fn *source, void *arg,
    struct ag_error *err)
{
	struct age_input *in = calloc(1, sizeof(*in));
	enum ag_status status;

	*out = NULL;
	if (in == NULL)
		return ag_fail(err, AG_ENOMEM, "read header: out of memory");
	in->source = source;
	in->arg = arg;
	buf_init(&in->ahead, AGE_HEADER_BYTES_MAX + 2 * (size_t)PIECE_BYTES);
	status = find_armor(in, err);
	if (status == AG_OK)
		status = read_header(in, err);
	if (status == AG_OK)
		status = age_header_parse(&in->header,
		    bytes_of(in->ahead.data, in->header_len), err);
	if (status != AG_OK) {
		age_input_close(in);
		return status;
	}
	in->ahead_at = in->header_len;
	*out = in;
	return AG_OK;
}

void
age_input_close(struct age_input *in)
{
	if (in == NULL)
		return;
	age_header_fini(&in->header);
	age_armor_reader_close(in->armor);
	buf_fini(&in->ahead);
	free(in);
}

bool
age_input_is_armored(const struct age_input *in)
{
	return in->armor != NULL;
}

const struct age_header *
age_input_header(const struct age_input *in)
{
	return &in->header;
}

size_t
age_input_header_len(const struct age_input *in)
{
	return in->header_len;
}

enum ag_status
age_input_check(const struct age_input *in, const struct secret *file_key,
    struct ag_error *err)
{
	return age_header_is_authentic(&in->header, file_key)
	    ? AG_OK
	    : ag_fail(err, AG_EFORGED,
		  "its header was changed: the MAC is of another");
}

enum ag_status
age_input_get(void *arg, uint8_t *out, size_t cap, size_t *len,
    struct ag_error *err)
{
	struct age_input *in = arg;

	*len = in->ahead.len - in->ahead_at;
	if (*len == 0)
		return get_inner(in, out, cap, len, err);
	if (*len > cap)
		*len = cap;
	memcpy(out, in->ahead.data + in->ahead_at, *len);
	in->ahead_at += *len;
	return AG_OK;
}

void
age_input_restart(struct age_input *in)
{
	AG_ASSERT(in->armor == NULL);
	in->ahead_at = in->ahead.len;
	in->peeked_at = in->peeked_len;
}
