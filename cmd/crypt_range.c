/*
 * Ranges.
 *
 * RULES    1. How long the file is is not believed before its last chunk was
 *             verified as the last one.
 */
#include "cmd/crypt_range.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

struct range {
	uint64_t first;
	uint64_t last;
};

/* A number, and what follows it. */
static bool
take_number(uint64_t *out, const char **text)
{
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	*out = strtoull(*text, &end, 10);
	*text = end;
	return errno == 0;
}

static enum ag_status
parse(struct range *range, const char *text, struct ag_error *err)
{
	const char *at = text;

	*range = (struct range){ 0, UINT64_MAX };
	if (!take_number(&range->first, &at) || *at++ != '-' ||
	    (*at != '\0' && !take_number(&range->last, &at)) || *at != '\0' ||
	    range->last < range->first)
		return ag_fail(err, AG_EINVAL,
		    "range '%s' is not FROM-TO, such as 0-99", text);
	return AG_OK;
}

struct range_job {
	struct crypt_source *from;
	struct age_input *in;
	struct stream_reader *reader;
};

static enum ag_status
go_to(const struct range_job *job, uint64_t chunk, struct ag_error *err)
{
	uint64_t at = age_input_header_len(job->in) + STREAM_SALT_BYTES +
	    chunk * STREAM_SEALED_BYTES;
	enum ag_status status = crypt_source_seek(job->from, at, err);

	age_input_restart(job->in);
	stream_reader_seek(job->reader, chunk);
	return status;
}

/* How many plain bytes there are, by the last chunk. */
static enum ag_status
measure(const struct range_job *job, uint64_t *plain_len, struct ag_error *err)
{
	uint64_t sealed_len = job->from->len - age_input_header_len(job->in);
	struct bytes plain = { 0 };
	enum ag_status status;

	if (!stream_plain_len(plain_len, sealed_len))
		return ag_fail(err, AG_EFORGED, "it has no possible length");
	status = go_to(job,
	    *plain_len == 0 ? 0 : (*plain_len - 1) / STREAM_CHUNK_BYTES, err);
	if (status == AG_OK)
		status = stream_reader_next(job->reader, &plain, err);
	if (status == AG_OK && plain.len > 0)
		status = stream_reader_next(job->reader, &plain, err);
	if (status == AG_OK && plain.len > 0)
		status = ag_fail(err, AG_EFORGED, "it grew while it was read");
	return status;
}

static enum ag_status
copy(const struct range_job *job, struct range range, struct crypt_sink *to,
    struct ag_error *err)
{
	uint64_t at = range.first - range.first % STREAM_CHUNK_BYTES;
	enum ag_status status =
	    go_to(job, range.first / STREAM_CHUNK_BYTES, err);
	struct bytes plain;

	while (status == AG_OK && at <= range.last) {
		size_t skip, len;

		status = stream_reader_next(job->reader, &plain, err);
		if (status != AG_OK)
			break;
		skip = at < range.first ? (size_t)(range.first - at) : 0;
		if (plain.len <= skip)
			return ag_fail(err, AG_EFORGED,
			    "it shrank while it was read");
		len = plain.len - skip;
		if (len > range.last - at - skip + 1)
			len = (size_t)(range.last - at - skip + 1);
		at += plain.len;
		status =
		    crypt_sink_put(to, bytes_of(plain.data + skip, len), err);
	}
	return status;
}

enum ag_status
crypt_range_copy(const char *text, struct crypt_source *from,
    struct age_input *in, struct stream_reader *reader, struct crypt_sink *to,
    struct ag_error *err)
{
	const struct range_job job = { from, in, reader };
	enum ag_status status;
	struct range range;
	uint64_t len;

	status = parse(&range, text, err);
	if (status != AG_OK)
		return status;
	if (!from->is_regular)
		return ag_fail(err, AG_EINVAL,
		    "--range takes a regular file: its end says how long it "
		    "is, and a pipe's can not be read first");
	if (age_input_is_armored(in))
		return ag_fail(err, AG_EINVAL,
		    "--range takes a file without armor, whose bytes have "
		    "their places; sed '1d;$d' FILE | base64 -d takes it off");
	status = measure(&job, &len, err);
	if (status != AG_OK)
		return status;
	if (range.first >= len)
		return ag_fail(err, AG_EINVAL,
		    "range '%s' begins behind its end: it has %" PRIu64
		    " bytes",
		    text, len);
	if (range.last >= len)
		range.last = len - 1;
	return copy(&job, range, to, err);
}
