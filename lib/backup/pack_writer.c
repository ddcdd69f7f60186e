/*
 * Writing packs.
 *
 * RULES    1. A pack gets its name, which is the hash of its bytes, when it
 *             is whole and synced.
 *          2. Until a manifest names them, the packs are worthless: without
 *             pack_writer_keep() they are removed again.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zstd.h>

#include "backup/pack.h"
#include "base/fs.h"
#include "crypto/hash.h"

#define ZSTD_LEVEL 1

struct pack_writer {
	const struct repository *repo;
	const struct secret *key;
	uint32_t pack_bytes;
	uint64_t number; /* of the next chunk */
	uint64_t stored_bytes;
	struct manifest_pack *packs;
	size_t pack_count, pack_cap;
	bool keeps;
	ZSTD_CCtx *zstd;
	struct buf squeezed;
	struct buf sealed;
	int fd; /* of the open pack, or -1 */
	uint64_t fill;
	struct hash *hash;
	char path[REPOSITORY_PATH_BYTES];
};

enum ag_status
pack_writer_new(struct pack_writer **out, const struct repository *repo,
    const struct secret *key, uint32_t pack_bytes, struct ag_error *err)
{
	struct pack_writer *w = calloc(1, sizeof(*w));

	*out = NULL;
	if (w == NULL)
		return ag_fail(err, AG_ENOMEM, "write packs: out of memory");
	w->repo = repo;
	w->key = key;
	w->pack_bytes = pack_bytes == 0 ? PACK_BYTES_TARGET : pack_bytes;
	w->fd = -1;
	w->zstd = ZSTD_createCCtx();
	buf_init(&w->squeezed, ZSTD_COMPRESSBOUND(PACK_CHUNK_BYTES));
	buf_init(&w->sealed,
	    PACK_RECORD_BYTES + PACK_CHUNK_BYTES + SEAL_OVERHEAD);
	if (w->zstd == NULL || buf_reserve(&w->squeezed, w->squeezed.max) ||
	    buf_reserve(&w->sealed, w->sealed.max)) {
		pack_writer_free(w);
		return ag_fail(err, AG_ENOMEM, "write packs: out of memory");
	}
	*out = w;
	return AG_OK;
}

static enum ag_status
pack_append(struct pack_writer *w, struct bytes data, struct ag_error *err)
{
	hash_update(w->hash, data);
	w->fill += data.len;
	return fs_write(w->fd, w->path, data, err);
}

static enum ag_status
pack_open(struct pack_writer *w, struct ag_error *err)
{
	uint8_t header[PACK_HEADER_BYTES];
	enum ag_status status;

	status = repository_begin(w->repo, &w->fd, w->path, err);
	if (status != AG_OK) {
		w->fd = -1;
		return status;
	}
	w->fill = 0;
	status = hash_open(&w->hash, HASH_BLAKE2B_256, err);
	if (status != AG_OK)
		return status;
	pack_header_encode(header, repository_id(w->repo));
	return pack_append(w, bytes_of(header, sizeof(header)), err);
}

static enum ag_status
pack_remember(struct pack_writer *w, struct ag_error *err)
{
	const size_t cap = w->pack_cap == 0 ? 16 : w->pack_cap * 2;
	struct manifest_pack *packs;

	if (w->pack_count < w->pack_cap)
		return AG_OK;
	if (w->pack_count >= MANIFEST_PACKS_MAX)
		return ag_fail(err, AG_ELIMIT,
		    "the state is too large: a backup has at most %d packs",
		    MANIFEST_PACKS_MAX);
	packs = reallocarray(w->packs, cap, sizeof(*packs));
	if (packs == NULL)
		return ag_fail(err, AG_ENOMEM, "write packs: out of memory");
	w->packs = packs;
	w->pack_cap = cap;
	return AG_OK;
}

static enum ag_status
pack_close(struct pack_writer *w, struct ag_error *err)
{
	enum ag_status status = pack_remember(w, err);
	struct manifest_pack *pack;
	int fd = w->fd;

	if (status != AG_OK)
		return status;
	pack = &w->packs[w->pack_count];
	hash_finish(w->hash, pack->id.data);
	hash_close(w->hash);
	w->hash = NULL;
	pack->bytes = w->fill;
	w->fd = -1;
	status = repository_place_pack(w->repo, fd, w->path, &pack->id, err);
	if (status != AG_OK)
		return status;
	w->pack_count++;
	w->stored_bytes += w->fill;
	return AG_OK;
}

/* What is sealed: the chunk compressed, or as it is if that is no gain. */
static struct bytes
squeeze(struct pack_writer *w, struct bytes chunk, uint8_t *method)
{
	size_t len = ZSTD_compressCCtx(w->zstd, w->squeezed.data,
	    w->squeezed.max, chunk.data, chunk.len, ZSTD_LEVEL);

	*method =
	    ZSTD_isError(len) || len >= chunk.len ? PACK_STORED : PACK_ZSTD;
	return *method == PACK_ZSTD ? bytes_of(w->squeezed.data, len) : chunk;
}

enum ag_status
pack_writer_put(struct pack_writer *w, struct bytes chunk, bool is_last,
    struct ag_error *err)
{
	uint8_t context[PACK_HEADER_BYTES + PACK_RECORD_BYTES];
	struct pack_record record = { .number = w->number };
	enum ag_status status = AG_OK;
	struct bytes body;

	AG_ASSERT(chunk.len <= PACK_CHUNK_BYTES);
	body = squeeze(w, chunk, &record.method);
	record.flags = is_last ? PACK_LAST : 0;
	record.raw_len = (uint32_t)chunk.len;
	record.sealed_len = (uint32_t)(body.len + SEAL_OVERHEAD);
	if (w->fd == -1)
		status = pack_open(w, err);
	if (status != AG_OK)
		return status;
	pack_header_encode(context, repository_id(w->repo));
	pack_record_encode(context + PACK_HEADER_BYTES, &record);
	memcpy(w->sealed.data, context + PACK_HEADER_BYTES, PACK_RECORD_BYTES);
	seal_buffer(w->sealed.data + PACK_RECORD_BYTES, w->key,
	    bytes_of(context, sizeof(context)), body);
	w->number++;
	status = pack_append(w,
	    bytes_of(w->sealed.data, PACK_RECORD_BYTES + record.sealed_len),
	    err);
	if (status == AG_OK && w->fill >= w->pack_bytes)
		status = pack_close(w, err);
	return status;
}

enum ag_status
pack_writer_finish(struct pack_writer *w, struct manifest *manifest,
    struct ag_error *err)
{
	enum ag_status status = w->fd == -1 ? AG_OK : pack_close(w, err);

	manifest->packs = w->packs;
	manifest->pack_count = w->pack_count;
	manifest->chunks = w->number;
	manifest->stored_bytes = w->stored_bytes;
	return status;
}

void
pack_writer_keep(struct pack_writer *w)
{
	w->keeps = true;
}

void
pack_writer_free(struct pack_writer *w)
{
	char path[REPOSITORY_PATH_BYTES];
	size_t i;

	if (w == NULL)
		return;
	if (w->fd != -1) {
		(void)close(w->fd);
		(void)unlink(w->path);
	}
	for (i = 0; !w->keeps && i < w->pack_count; i++)
		if (repository_pack_path(w->repo, &w->packs[i].id, path,
			NULL) == AG_OK)
			(void)unlink(path);
	free(w->packs);
	hash_close(w->hash);
	(void)ZSTD_freeCCtx(w->zstd);
	buf_fini(&w->squeezed);
	buf_fini(&w->sealed);
	free(w);
}
