/*
 * Packs: the files that hold a backup's bytes, compressed and sealed.
 *
 * FORMAT  "AEGISPK1" | u8 version 1 | u8 kind 'D' | repository id (16), then
 *         records, integers big-endian:
 *         u64 number | u8 flags | u8 method | u32 raw length |
 *         u32 sealed length | sealed bytes (crypto/seal.h)
 *         flags   1: the backup's last chunk
 *         method  0 stored, 1 zstd
 *
 * The pack's and the record's header are the seal's context, and numbers
 * count through all packs of a backup: no chunk can be changed, moved,
 * dropped or taken from elsewhere.
 *
 * Ownership  _new() hands out, _free() takes back.
 * Threads    one at a time.
 */
#ifndef AEGIS_BACKUP_PACK_H
#define AEGIS_BACKUP_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backup/manifest.h"
#include "backup/repository.h"
#include "base/bytes.h"
#include "base/status.h"
#include "crypto/seal.h"
#include "crypto/secret.h"

#define PACK_MAGIC "AEGISPK1"
#define PACK_HEADER_BYTES 26
#define PACK_RECORD_BYTES 18
#define PACK_CHUNK_BYTES (1U << 20)
#define PACK_BYTES_TARGET (16U << 20)
#define PACK_BYTES_MAX                                              \
	(PACK_BYTES_TARGET + PACK_CHUNK_BYTES + PACK_HEADER_BYTES + \
	    PACK_RECORD_BYTES + SEAL_OVERHEAD)

enum pack_flag {
	PACK_LAST = 1,
};

enum pack_method {
	PACK_STORED = 0,
	PACK_ZSTD = 1,
};

struct pack_record {
	uint64_t number;
	uint8_t flags;
	uint8_t method;
	uint32_t raw_len;
	uint32_t sealed_len;
};

void pack_header_encode(uint8_t out[static PACK_HEADER_BYTES],
    const uint8_t repository[static REPOSITORY_ID_BYTES]);
void pack_record_encode(uint8_t out[static PACK_RECORD_BYTES],
    const struct pack_record *record);
void pack_record_decode(struct pack_record *record,
    const uint8_t in[static PACK_RECORD_BYTES]);

struct pack_writer;

/* A pack is closed when it reaches pack_bytes; 0: PACK_BYTES_TARGET. */
enum ag_status pack_writer_new(struct pack_writer **out,
    const struct repository *repo, const struct secret *key,
    uint32_t pack_bytes, struct ag_error *err) AG_MUST_USE;

/* At most PACK_CHUNK_BYTES. */
enum ag_status pack_writer_put(struct pack_writer *w, struct bytes chunk,
    bool is_last, struct ag_error *err) AG_MUST_USE;

/*
 * After the last chunk: close the open pack, and say into manifest which
 * packs there are (borrowed), their chunks and their bytes.
 */
enum ag_status pack_writer_finish(struct pack_writer *w,
    struct manifest *manifest, struct ag_error *err) AG_MUST_USE;

/* A manifest names the packs now: do not remove them. */
void pack_writer_keep(struct pack_writer *w);
void pack_writer_free(struct pack_writer *w);

struct pack_reader;

/* Takes chunks in order.  What it fails with is passed on. */
typedef enum ag_status pack_chunk_fn(void *arg, struct bytes chunk,
    struct ag_error *err);

/* Without key (NULL) everything but the sealed bytes is checked. */
enum ag_status pack_reader_new(struct pack_reader **out,
    const struct repository *repo, const struct secret *key, pack_chunk_fn *fn,
    void *arg, struct ag_error *err) AG_MUST_USE;

/*
 * Read and check the next pack of a backup.  Errors name the file.
 * AG_ECORRUPT  missing, of another length, or not the bytes its id says
 * AG_EFORGED   a chunk does not open
 */
enum ag_status pack_reader_take(struct pack_reader *r,
    const struct manifest_pack *pack, struct ag_error *err) AG_MUST_USE;

/* The same from memory, without the id. */
enum ag_status pack_reader_feed(struct pack_reader *r, struct bytes file,
    const char *name, struct ag_error *err) AG_MUST_USE;

/* All packs are read: was the last chunk among them, and are all there? */
enum ag_status pack_reader_finish(struct pack_reader *r, uint64_t chunks,
    struct ag_error *err) AG_MUST_USE;
void pack_reader_free(struct pack_reader *r);

#endif
