/*
 * What a hostile repository may hold: manifests and packs.
 *
 * ORACLE  a manifest that parses encodes to the very bytes of its envelope;
 *         a pack that passes without a key does not pass with a wrong one.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup/manifest.h"
#include "backup/pack.h"

#define MANIFEST_HEAD_BYTES 12

static struct repository *repo;
static struct secret *key;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static enum ag_status
no_chunk(void *arg, struct bytes chunk, struct ag_error *err)
{
	(void)arg;
	(void)chunk;
	(void)err;
	abort();
}

static void
make_repository(void)
{
	char dir[] = "/tmp/aegis-fuzz-XXXXXX";
	static const char *const names[] = { "config", "packs", "snap", "tmp" };
	char path[64];
	size_t i;

	AG_ASSERT(mkdtemp(dir) != NULL);
	AG_ASSERT(repository_open(&repo, dir, true, NULL) == AG_OK);
	key = secret_random(SEAL_KEY_BYTES);
	AG_ASSERT(key != NULL);
	/* Nothing below touches the files again. */
	for (i = 0; i < 4; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (unlink(path) == -1)
			(void)rmdir(path);
	}
	(void)rmdir(dir);
}

static void
try_manifest(struct bytes input)
{
	struct manifest_sealed sealed;
	struct manifest m;
	struct buf again;

	if (manifest_parse(&m, input, "input", NULL) != AG_OK)
		return;
	buf_init(&again, MANIFEST_BYTES_MAX);
	AG_ASSERT(manifest_encode_envelope(&m, &again) == AG_OK);
	AG_ASSERT(bytes_equal(buf_bytes(&again),
	    bytes_of(input.data + MANIFEST_HEAD_BYTES,
		m.sealed_at - MANIFEST_HEAD_BYTES)));
	AG_ASSERT(manifest_open(&sealed, &m, key, "input", NULL) != AG_OK);
	buf_fini(&again);
	manifest_fini(&m);
}

/* The id is random, so the input's is replaced by it. */
static void
try_pack(const uint8_t *data, size_t len)
{
	struct pack_reader *without, *with;
	enum ag_status status;
	struct buf file;

	buf_init(&file, PACK_BYTES_MAX);
	if (len < PACK_HEADER_BYTES || buf_append(&file, data, len) != AG_OK)
		return;
	memcpy(file.data + PACK_HEADER_BYTES - REPOSITORY_ID_BYTES,
	    repository_id(repo), REPOSITORY_ID_BYTES);
	AG_ASSERT(pack_reader_new(&without, repo, NULL, no_chunk, NULL, NULL) ==
	    AG_OK);
	AG_ASSERT(
	    pack_reader_new(&with, repo, key, no_chunk, NULL, NULL) == AG_OK);
	status = pack_reader_feed(without, buf_bytes(&file), "input", NULL);
	if (pack_reader_feed(with, buf_bytes(&file), "input", NULL) == AG_OK)
		AG_ASSERT(status == AG_OK && len == PACK_HEADER_BYTES);
	pack_reader_free(without);
	pack_reader_free(with);
	buf_fini(&file);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (repo == NULL)
		make_repository();
	try_manifest(bytes_of(data, len));
	try_pack(data, len);
	return 0;
}
