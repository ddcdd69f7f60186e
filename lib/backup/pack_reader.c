/*
 * Reading packs, from a repository that may be hostile.
 *
 * RULES    1. A pack is read into memory once and hashed there: what was
 *             checked is what is opened, whatever happens to the file.
 *          2. Every length is checked against what remains before it is
 *             used.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "backup/pack.h"
#include "base/fs.h"

struct pack_reader {
	const struct repository *repo;
	const struct secret *key;
	pack_chunk_fn *fn;
	void *arg;
	uint64_t next; /* number of the chunk that must follow */
	bool has_last;
	ZSTD_DCtx *zstd;
	struct buf file;
	struct buf opened;
	struct buf raw;
};

enum ag_status
pack_reader_new(struct pack_reader **out, const struct repository *repo,
    const struct secret *key, pack_chunk_fn *fn, void *arg,
    struct ag_error *err)
{
	struct pack_reader *r = calloc(1, sizeof(*r));

	*out = NULL;
	if (r == NULL)
		return ag_fail(err, AG_ENOMEM, "read packs: out of memory");
	r->repo = repo;
	r->key = key;
	r->fn = fn;
	r->arg = arg;
	r->zstd = ZSTD_createDCtx();
	/* One more: fs_read_file() asks for the byte after the end. */
	buf_init(&r->file, PACK_BYTES_MAX + 1);
	buf_init(&r->opened, PACK_CHUNK_BYTES);
	buf_init(&r->raw, PACK_CHUNK_BYTES);
	if (r->zstd == NULL || buf_reserve(&r->opened, PACK_CHUNK_BYTES) ||
	    buf_reserve(&r->raw, PACK_CHUNK_BYTES)) {
		pack_reader_free(r);
		return ag_fail(err, AG_ENOMEM, "read packs: out of memory");
	}
	*out = r;
	return AG_OK;
}

/* The shape of a record whose sealed bytes fit into left. */
static const char *
record_fault(const struct pack_reader *r, const struct pack_record *record,
    size_t left)
{
	if (r->has_last)
		return "chunks follow the last one";
	if (record->number != r->next)
		return "its chunks are not in order";
	if ((record->flags & ~PACK_LAST) != 0 || record->method > PACK_ZSTD)
		return "unknown flags";
	if (record->sealed_len > left)
		return "cut short";
	if (record->raw_len > PACK_CHUNK_BYTES ||
	    record->sealed_len < SEAL_OVERHEAD ||
	    record->sealed_len - SEAL_OVERHEAD > record->raw_len)
		return "a length can not be";
	return NULL;
}

static enum ag_status
record_open(struct pack_reader *r, const struct pack_record *record,
    const uint8_t *header, const uint8_t *at, const char *name,
    struct ag_error *err)
{
	const size_t len = record->sealed_len - SEAL_OVERHEAD;
	uint8_t context[PACK_HEADER_BYTES + PACK_RECORD_BYTES];
	struct bytes chunk = bytes_of(r->opened.data, len);
	size_t raw_len;

	memcpy(context, header, PACK_HEADER_BYTES);
	memcpy(context + PACK_HEADER_BYTES, at, PACK_RECORD_BYTES);
	if (seal_open(r->opened.data, r->key,
		bytes_of(context, sizeof(context)),
		bytes_of(at + PACK_RECORD_BYTES, record->sealed_len)) != AG_OK)
		return ag_fail(err, AG_EFORGED, "%s: chunk %llu does not open",
		    name, (unsigned long long)record->number);
	if (record->method == PACK_ZSTD) {
		raw_len = ZSTD_decompressDCtx(r->zstd, r->raw.data,
		    PACK_CHUNK_BYTES, r->opened.data, len);
		chunk = bytes_of(r->raw.data,
		    ZSTD_isError(raw_len) ? SIZE_MAX : raw_len);
	}
	if (chunk.len != record->raw_len)
		return ag_fail(err, AG_ECORRUPT,
		    "%s: chunk %llu does not decompress", name,
		    (unsigned long long)record->number);
	return r->fn(r->arg, chunk, err);
}

enum ag_status
pack_reader_feed(struct pack_reader *r, struct bytes file, const char *name,
    struct ag_error *err)
{
	uint8_t header[PACK_HEADER_BYTES];
	enum ag_status status = AG_OK;
	struct pack_record record;
	size_t at = PACK_HEADER_BYTES, left;
	const char *fault = NULL;

	pack_header_encode(header, repository_id(r->repo));
	if (file.len < at || memcmp(file.data, header, at) != 0)
		return ag_fail(err, AG_ECORRUPT,
		    "%s: not a pack of this repository", name);
	while (status == AG_OK && at < file.len) {
		left = file.len - at;
		if (left < PACK_RECORD_BYTES)
			return ag_fail(err, AG_ECORRUPT, "%s: cut short", name);
		pack_record_decode(&record, file.data + at);
		fault = record_fault(r, &record, left - PACK_RECORD_BYTES);
		if (fault != NULL)
			return ag_fail(err, AG_ECORRUPT, "%s: %s", name, fault);
		if (r->key != NULL)
			status = record_open(r, &record, header, file.data + at,
			    name, err);
		r->next++;
		r->has_last = (record.flags & PACK_LAST) != 0;
		at += PACK_RECORD_BYTES + record.sealed_len;
	}
	return status;
}

enum ag_status
pack_reader_take(struct pack_reader *r, const struct manifest_pack *pack,
    struct ag_error *err)
{
	char path[REPOSITORY_PATH_BYTES];
	enum ag_status status;
	struct digest id;

	buf_clear(&r->file);
	status = repository_pack_path(r->repo, &pack->id, path, err);
	if (status == AG_OK)
		status = fs_read_file(path, &r->file, err);
	if (status == AG_ENOENT)
		return ag_fail(err, AG_ECORRUPT, "%s: missing", path);
	if (status == AG_ELIMIT || status == AG_EINVAL)
		return ag_fail(err, AG_ECORRUPT,
		    "%s: too long, or not a regular file", path);
	if (status != AG_OK)
		return status;
	digest_of(&id, buf_bytes(&r->file));
	if (r->file.len != pack->bytes || !digest_equal(&id, &pack->id))
		return ag_fail(err, AG_ECORRUPT,
		    "%s: damaged: its bytes are not those its name says", path);
	return pack_reader_feed(r, buf_bytes(&r->file), path, err);
}

enum ag_status
pack_reader_finish(struct pack_reader *r, uint64_t chunks, struct ag_error *err)
{
	if (!r->has_last || r->next != chunks)
		return ag_fail(err, AG_ECORRUPT,
		    "the backup is not whole: %llu chunks of %llu",
		    (unsigned long long)r->next, (unsigned long long)chunks);
	return AG_OK;
}

void
pack_reader_free(struct pack_reader *r)
{
	if (r == NULL)
		return;
	(void)ZSTD_freeDCtx(r->zstd);
	buf_fini(&r->file);
	buf_fini(&r->opened);
	buf_fini(&r->raw);
	free(r);
}
