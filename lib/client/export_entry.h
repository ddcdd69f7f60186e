/*
 * An entry of the store outside of it: what kv export writes and kv import
 * reads.
 *
 * Ownership  keys and values are borrowed: of the input, or of the arena.
 * Threads    none of its own.
 */
#ifndef AEGIS_CLIENT_EXPORT_ENTRY_H
#define AEGIS_CLIENT_EXPORT_ENTRY_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

/* No line is longer: each byte of a value may be six of JSON. */
#define EXPORT_ENTRY_BYTES_MAX (7U << 20)

struct export_entry {
	struct bytes key;
	struct bytes value;
	/* What they were where it was exported; 0: it does not say. */
	uint64_t version, created, modified;
};

/* A line, with its end. */
enum ag_status export_entry_write_json(const struct export_entry *entry,
    struct buf *out) AG_MUST_USE;

/*
 * Read a line without its end.  The arena, which has room for the line's
 * length, holds what was decoded.
 * AG_EINVAL  it is no entry; err says why, without where
 */
enum ag_status export_entry_read_json(struct export_entry *entry,
    struct buf *arena, struct bytes line, struct ag_error *err) AG_MUST_USE;

enum ag_status export_entry_write_cbor(const struct export_entry *entry,
    struct buf *out) AG_MUST_USE;

/*
 * Read the first entry of a sequence; *used is its length.
 * AG_EAGAIN  the input ends in its midst
 * AG_EINVAL  it is no entry; err says why, without where
 */
enum ag_status export_entry_read_cbor(struct export_entry *entry, size_t *used,
    struct bytes input, struct ag_error *err) AG_MUST_USE;

#endif
