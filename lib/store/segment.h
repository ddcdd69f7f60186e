/*
 * One segment of the write-ahead log: its bytes, and how to judge them.
 *
 * FORMAT   A file wal-<first number, 16 hex digits>.log, integers
 *          little-endian:
 *          head    "AEGISWL1" | u32 version | u32 keyring | cluster id (32)
 *                  | u64 first number | chain before it (32) | u32 salt |
 *                  u32 crc32c of all before: SEGMENT_HEAD_BYTES
 *                  Version 2 is sealed, with the keyring whose id begins so;
 *                  version 1 is not, and has zero there.
 *          record  u32 length | u32 crc32c of the payload | u64 number |
 *                  u64 synced | u32 chain | u32 crc32c of all before, on
 *                  from the salt | payload | zeros up to a multiple of 32
 *          rest    zeros, written ahead so that syncs need not change the
 *                  file's size
 *
 *          synced is the newest record that was durable when this one was
 *          written.  chain is the start of BLAKE2b-256(chain of the record
 *          before | number | payload), where the first record's "before" is
 *          in the head: 32 bits find a mixed-up or lost record, the 256 in
 *          each head tie segments together.
 *
 *          A sealed payload is a record of the keyring (keyring/keyring.h)
 *          for the log, its context cluster id | u64 number.  Checksum and
 *          chain are over it as it stands, so that a log is judged without
 *          being opened.
 *
 * RULES    1. A record never moves, and its head lies in one disk sector.
 *          2. Bytes that are no record, and all after them, are a torn tail
 *             only if no later record says they were durable, and if a
 *             sector's worth of them was never written (is all zero), as a
 *             write cut by power loss leaves it.  Otherwise they are damage.
 *          3. What looks for later records looks at payloads too, which are
 *             clients' to choose.  Only who reads the disk knows the salt, so
 *             nobody else can write a record's head into a value and make a
 *             torn tail look like damage.
 *
 * Ownership  a segment_reader owns its descriptor and memory.
 * Threads    one at a time.
 */
#ifndef AEGIS_STORE_SEGMENT_H
#define AEGIS_STORE_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "trust/certificate.h"

#define SEGMENT_HEAD_BYTES 96
#define SEGMENT_RECORD_HEAD_BYTES 32
#ifndef SEGMENT_BYTES_MAX /* tests make it small, to see many */
#define SEGMENT_BYTES_MAX (64U << 20)
#endif
#define SEGMENT_PATH_BYTES 4096
#define SEGMENT_VERSION 2U

struct keyring;

struct segment_head {
	uint8_t cluster_id[CLUSTER_ID_BYTES];
	uint64_t first;
	struct digest chain;
	uint32_t salt;
	bool is_sealed;
	uint32_t keyring; /* how its id begins */
};

/* What a log says that is sealed with it, or not (NULL). */
void segment_head_note(struct segment_head *head,
    const struct keyring *keyring);

/*
 * Can records behind head be read and written with keyring, and only so?
 * AG_EDENIED    they are sealed, and there is none
 * AG_ECONFLICT  they are not, or with another
 */
enum ag_status segment_head_check(const struct segment_head *head,
    const struct keyring *keyring, const char *dir,
    struct ag_error *err) AG_MUST_USE;

/* What a sealed payload is for: SEGMENT_CONTEXT_BYTES. */
#define SEGMENT_CONTEXT_BYTES (CLUSTER_ID_BYTES + 8)
struct bytes segment_context(uint8_t out[static SEGMENT_CONTEXT_BYTES],
    const uint8_t *cluster_id, uint64_t number);

void segment_head_encode(const struct segment_head *head,
    uint8_t out[static SEGMENT_HEAD_BYTES]);

/* Bytes a record takes in the file. */
size_t segment_record_bytes(size_t len);

/* Fill in the head before a payload already in place; moves *chain on. */
void segment_record_seal(uint8_t *record, size_t len, uint64_t number,
    uint64_t synced, uint32_t salt, struct digest *chain);

/* Length of a record written by segment_record_seal(). */
size_t segment_record_len(const uint8_t *record);

/* Is it the first that was written after the last sync before it? */
bool segment_record_is_first(const uint8_t *record);

enum ag_status segment_path(char out[static SEGMENT_PATH_BYTES],
    const char *dir, uint64_t first, struct ag_error *err) AG_MUST_USE;

/*
 * First numbers of the segments in dir, rising, into a new array the caller
 * frees.  Other files are ignored.
 */
enum ag_status segment_list(const char *dir, uint64_t **firsts, size_t *count,
    struct ag_error *err) AG_MUST_USE;

struct segment_reader;

/*
 * Open for reading.  *head is what it says; cluster id and numbering are for
 * the caller to check.  AG_ECORRUPT, AG_EVERSION, AG_ENOENT.
 */
enum ag_status segment_reader_open(struct segment_reader **out, const char *dir,
    uint64_t first, struct segment_head *head,
    struct ag_error *err) AG_MUST_USE;
void segment_reader_close(struct segment_reader *r);

/*
 * The next record, borrowed until the next call.
 * AG_ENOENT    the end, or a torn tail; may be asked again
 * AG_ECORRUPT  damage: file, offset, what to do
 */
enum ag_status segment_reader_next(struct segment_reader *r, uint64_t *number,
    struct bytes *record, struct ag_error *err) AG_MUST_USE;

/* Where the next record would be, and the chain before it. */
uint64_t segment_reader_offset(const struct segment_reader *r);
const struct digest *segment_reader_chain(const struct segment_reader *r);

#endif
