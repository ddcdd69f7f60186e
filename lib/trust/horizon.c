/*
 * The vote horizon's file.
 *
 * FORMAT   Two copies, each HORIZON_COPY_BYTES long, zeros at its end:
 *          ["aegis-horizon", 1, generation, cluster id, epoch, memory, view,
 *          seq, lost view, lost seq, record] | BLAKE2b-256 of that
 *          canonical CBOR.  A key that has never voted: one copy, in which
 *          the cluster id is all zero.
 *          A later format has the same frame: an array that begins with the
 *          name and its number, and the digest.
 *
 * RULES    1. The copies are written in turn, so that a torn write leaves
 *             the one before.  The newer whole one counts.
 *          2. A copy that is damaged may have been the newer one.  Beside a
 *             whole log that is no matter, since the log tells how far votes
 *             went; beside a lost one the horizon is then unknown.
 *          3. One whole copy of a later format, and the file is that
 *             program's: the other copy tells what was true before it.
 *          4. After a failed write or sync nobody knows what is on disk: the
 *             file is not written to again.  So what is read at the next
 *             start may be in the kernel's memory alone, which thinks that it
 *             is not: it is written once more before it is relied on.
 *
 * NOT HERE What it means for voting (consensus/memory.c), and when it is
 *          written (node/journal.c).
 */
#include "trust/horizon.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "codec/decoder.h"
#include "codec/encoder.h"

#define HORIZON_MAGIC "aegis-horizon"
#define HORIZON_VERSION 1
#define HORIZON_FIELDS 11
#define HORIZON_FIELDS_MAX 64 /* of any format */
#define HORIZON_COPY_BYTES 512

struct horizon_file {
	char path[PATH_MAX];
	int fd; /* -1: not there yet */
	struct trust_scope scope;
	uint64_t generation; /* of the newest copy */
	bool is_doubtful;
	bool has_failed;
	struct ag_error failure; /* why */
};

/* One copy as it is read. */
struct copy {
	struct trust_scope scope;
	struct horizon horizon;
	uint64_t generation;
	uint64_t record;
};

static void
copy_encode(uint8_t out[static HORIZON_COPY_BYTES], const struct copy *copy)
{
	const struct horizon *h = &copy->horizon;
	struct digest check;
	struct encoder e;
	struct bytes body;

	memset(out, 0, HORIZON_COPY_BYTES);
	encoder_init(&e, out, HORIZON_COPY_BYTES - DIGEST_BYTES);
	encoder_put_array(&e, HORIZON_FIELDS);
	encoder_put_text(&e, bytes_from_text(HORIZON_MAGIC));
	encoder_put_uint(&e, HORIZON_VERSION);
	encoder_put_uint(&e, copy->generation);
	encoder_put_bytes(&e,
	    bytes_of(copy->scope.cluster_id, CLUSTER_ID_BYTES));
	encoder_put_uint(&e, copy->scope.epoch);
	encoder_put_uint(&e, h->memory);
	encoder_put_uint(&e, h->view);
	encoder_put_uint(&e, h->seq);
	encoder_put_uint(&e, h->lost_view);
	encoder_put_uint(&e, h->lost_seq);
	encoder_put_uint(&e, copy->record);
	AG_ASSERT(encoder_finish(&e, &body) == AG_OK);
	digest_of(&check, body);
	memcpy(out + body.len, check.data, DIGEST_BYTES);
}

/* Fields only; the check that follows them is copy_read()'s. */
static void
copy_decode(struct decoder *d, struct copy *copy)
{
	struct horizon *h = &copy->horizon;
	struct bytes magic;

	decoder_expect_array(d, HORIZON_FIELDS);
	magic = decoder_get_text_max(d, sizeof(HORIZON_MAGIC) - 1);
	if (!bytes_equal(magic, bytes_from_text(HORIZON_MAGIC)) ||
	    decoder_get_uint(d) != HORIZON_VERSION)
		decoder_fail(d, "not a vote horizon");
	copy->generation = decoder_get_uint(d);
	decoder_get_fixed(d, copy->scope.cluster_id, CLUSTER_ID_BYTES);
	copy->scope.epoch = decoder_get_uint(d);
	h->memory =
	    (enum horizon_memory)decoder_get_uint_max(d, HORIZON_UNKNOWN);
	h->view = decoder_get_uint(d);
	h->seq = decoder_get_uint(d);
	h->lost_view = decoder_get_uint(d);
	h->lost_seq = decoder_get_uint(d);
	copy->record = decoder_get_uint(d);
}

static bool
copy_read(struct copy *copy, const uint8_t *bytes)
{
	struct digest check;
	struct decoder d;
	size_t len;

	memset(copy, 0, sizeof(*copy));
	decoder_init(&d, bytes_of(bytes, HORIZON_COPY_BYTES));
	copy_decode(&d, copy);
	len = (size_t)(d.at - bytes);
	if (decoder_failed(&d) || len + DIGEST_BYTES > HORIZON_COPY_BYTES)
		return false;
	digest_of(&check, bytes_of(bytes, len));
	return memcmp(check.data, bytes + len, DIGEST_BYTES) == 0;
}

/* Of a whole copy, whatever is in it; 0: it is not whole. */
static uint64_t
copy_format(const uint8_t *bytes)
{
	struct digest check;
	struct decoder d;
	struct bytes magic;
	uint64_t format;
	size_t count, len;

	decoder_init(&d, bytes_of(bytes, HORIZON_COPY_BYTES));
	count = decoder_get_array_max(&d, HORIZON_FIELDS_MAX);
	magic = decoder_get_text_max(&d, sizeof(HORIZON_MAGIC) - 1);
	format = decoder_get_uint(&d);
	for (; count > 2 && !decoder_failed(&d); count--)
		(void)decoder_get_raw(&d);
	len = (size_t)(d.at - bytes);
	if (decoder_failed(&d) || len + DIGEST_BYTES > HORIZON_COPY_BYTES ||
	    !bytes_equal(magic, bytes_from_text(HORIZON_MAGIC)))
		return 0;
	digest_of(&check, bytes_of(bytes, len));
	return memcmp(check.data, bytes + len, DIGEST_BYTES) == 0 ? format : 0;
}

enum ag_status
horizon_create(const char *path, struct ag_error *err)
{
	const struct copy never = { .generation = 1 };
	uint8_t bytes[2 * HORIZON_COPY_BYTES] = { 0 };

	copy_encode(bytes, &never);
	return fs_create_file(path, 0600, bytes_of(bytes, sizeof(bytes)), err);
}

static bool
is_blank(const uint8_t *bytes)
{
	size_t i;

	for (i = 0; i < HORIZON_COPY_BYTES; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

/* The newer whole copy; false: there is none. */
static bool
file_judge(struct horizon_file *file, const uint8_t *bytes, struct copy *newest)
{
	bool is_found = false;
	struct copy copy;
	size_t i;

	for (i = 0; i < 2; i++) {
		const uint8_t *at = bytes + i * HORIZON_COPY_BYTES;

		if (copy_read(&copy, at)) {
			if (!is_found || copy.generation > newest->generation)
				*newest = copy;
			is_found = true;
		} else if (!is_blank(at)) {
			file->is_doubtful = true;
		}
	}
	return is_found;
}

static enum ag_status
file_judge_format(const char *path, const uint8_t *bytes, struct ag_error *err)
{
	size_t i;

	for (i = 0; i < 2; i++) {
		const uint64_t format =
		    copy_format(bytes + i * HORIZON_COPY_BYTES);

		if (format > HORIZON_VERSION)
			return ag_fail(err, AG_EVERSION,
			    "read %s: format %llu, this program reads up to "
			    "%d; use the newer program",
			    path, (unsigned long long)format, HORIZON_VERSION);
	}
	return AG_OK;
}

static bool
scope_is_blank(const struct trust_scope *scope)
{
	static const struct trust_scope blank;

	return memcmp(scope->cluster_id, blank.cluster_id, CLUSTER_ID_BYTES) ==
	    0;
}

static bool
scope_equal(const struct trust_scope *a, const struct trust_scope *b)
{
	return a->epoch == b->epoch &&
	    memcmp(a->cluster_id, b->cluster_id, CLUSTER_ID_BYTES) == 0;
}

/* In its place of the two. */
static enum ag_status
copy_write(const struct horizon_file *file, const struct copy *copy,
    struct ag_error *err)
{
	uint8_t bytes[HORIZON_COPY_BYTES];
	enum ag_status status;

	copy_encode(bytes, copy);
	status =
	    fs_write_at(file->fd, file->path, bytes_of(bytes, sizeof(bytes)),
		copy->generation % 2 * HORIZON_COPY_BYTES, err);
	if (status == AG_OK)
		status = fs_sync(file->fd, file->path, err);
	return status;
}

static enum ag_status
file_read(struct horizon_file *file, struct horizon *horizon, uint64_t *record,
    struct ag_error *err)
{
	uint8_t bytes[2 * HORIZON_COPY_BYTES] = { 0 };
	enum ag_status status;
	struct copy newest;
	size_t len;

	status = fs_open(&file->fd, file->path, O_RDWR | O_NOFOLLOW, 0, err);
	if (status == AG_OK)
		status = fs_read_at(file->fd, file->path, bytes, sizeof(bytes),
		    0, &len, err);
	if (status == AG_OK)
		status = file_judge_format(file->path, bytes, err);
	if (status != AG_OK)
		return status;
	if (!file_judge(file, bytes, &newest))
		return ag_fail(err, AG_ECORRUPT,
		    "read %s: the vote horizon is damaged", file->path);
	file->generation = newest.generation;
	status = copy_write(file, &newest, err);
	if (status != AG_OK)
		return status;
	if (!scope_is_blank(&newest.scope) &&
	    !scope_equal(&newest.scope, &file->scope)) {
		memset(&newest.horizon, 0, sizeof(newest.horizon));
		newest.record = 0;
	}
	*horizon = newest.horizon;
	*record = newest.record;
	return AG_OK;
}

enum ag_status
horizon_open(struct horizon_file **out, const char *path,
    const struct trust_scope *scope, struct horizon *horizon, uint64_t *record,
    struct ag_error *err)
{
	enum ag_status status;
	struct horizon_file *file;

	*out = NULL;
	*horizon = (struct horizon){ .memory = HORIZON_UNKNOWN };
	*record = 0;
	file = calloc(1, sizeof(*file));
	if (file == NULL)
		return ag_fail(err, AG_ENOMEM, "open %s: out of memory", path);
	file->fd = -1;
	file->scope = *scope;
	if ((size_t)snprintf(file->path, sizeof(file->path), "%s", path) >=
	    sizeof(file->path))
		status =
		    ag_fail(err, AG_ELIMIT, "open %s: path too long", path);
	else
		status = file_read(file, horizon, record, err);
	if (status != AG_OK && status != AG_ENOENT && status != AG_ECORRUPT) {
		horizon_close(file);
		return status;
	}
	*out = file;
	return status;
}

void
horizon_close(struct horizon_file *file)
{
	if (file == NULL)
		return;
	if (file->fd != -1)
		(void)close(file->fd);
	free(file);
}

bool
horizon_is_doubtful(const struct horizon_file *file)
{
	return file->is_doubtful;
}

/* An absent file is made whole: it has the right name or is not there. */
static enum ag_status
file_make(struct horizon_file *file, const struct copy *copy,
    struct ag_error *err)
{
	uint8_t bytes[2 * HORIZON_COPY_BYTES] = { 0 };
	enum ag_status status;

	copy_encode(bytes + copy->generation % 2 * HORIZON_COPY_BYTES, copy);
	status = fs_write_file(file->path, 0600, bytes_of(bytes, sizeof(bytes)),
	    err);
	if (status == AG_OK)
		status =
		    fs_open(&file->fd, file->path, O_RDWR | O_NOFOLLOW, 0, err);
	return status;
}

enum ag_status
horizon_write(struct horizon_file *file, const struct horizon *horizon,
    uint64_t record, struct ag_error *err)
{
	const struct copy copy = {
		.scope = file->scope,
		.horizon = *horizon,
		.generation = file->generation + 1,
		.record = record,
	};
	enum ag_status status;

	if (file->has_failed)
		return ag_fail(err, AG_ESYS,
		    "write %s: stopped after a failed write (%s); restart the "
		    "node",
		    file->path, file->failure.text);
	file->generation = copy.generation;
	status = file->fd == -1 ? file_make(file, &copy, &file->failure)
				: copy_write(file, &copy, &file->failure);
	file->has_failed = status != AG_OK;
	if (file->has_failed && err != NULL)
		*err = file->failure;
	return status;
}
