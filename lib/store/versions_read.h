/*
 * Reading what the state was: at an earlier sequence, of one key through its
 * versions, and what changed since.
 *
 * Each call sees one committed state.  A sequence before the oldest that can
 * be read is AG_EREFUSED, one that is not executed yet AG_EUNREACH.
 *
 * Threads    those of the reader.
 */
#ifndef AEGIS_STORE_VERSIONS_READ_H
#define AEGIS_STORE_VERSIONS_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/operation.h"
#include "store/store.h"

/* Where a page ended, and what it was read from; also when it was refused. */
struct versions_page {
	uint64_t seq;    /* committed */
	uint64_t oldest; /* that can be read */
	bool more;
	uint8_t next[KEY_BYTES_MAX + 1]; /* the first key not looked at */
	size_t next_len;
};

/*
 * Entries as they were at seq with first <= key < last (empty: no end), at
 * most limit and of a bounded number of keys looked at: a page may be empty
 * and not the last.  visit returning false did not take that entry.
 */
enum ag_status versions_read_range(struct store_reader *reader, uint64_t seq,
    struct bytes first, struct bytes last, size_t limit, bool keys_only,
    bool (*visit)(void *arg, const struct store_entry *entry), void *arg,
    struct versions_page *page, struct ag_error *err) AG_MUST_USE;

/* Where a version ended: what orders those of a key. */
struct versions_end {
	uint64_t seq; /* UINT64_MAX: it has not */
	uint64_t ord;
};

struct versions_version {
	struct store_entry entry;
	struct versions_end end;
	bool is_deleted; /* it ended so */
};

/*
 * A key's versions that were in force at the oldest sequence or since, from
 * the one behind `after` (in reverse, before it) on.  page->more: others follow
 * the last one taken.
 */
enum ag_status versions_read_key(struct store_reader *reader, struct bytes key,
    const struct versions_end *after, bool is_reverse, size_t limit,
    bool (*visit)(void *arg, const struct versions_version *version), void *arg,
    struct versions_page *page, struct ag_error *err) AG_MUST_USE;

/*
 * Changes from sequence `from` on, in order, whole sequences, until they weigh
 * most_bytes.  wants says whose values are looked up; others are passed over.
 * *next: the first sequence not read.
 */
struct versions_feed {
	void *arg;
	bool (*wants)(void *arg, struct bytes key);
	/* False: out of memory. */
	bool (*change)(void *arg, const struct store_change *change);
	size_t most_bytes;
};
enum ag_status versions_read_changes(struct store_reader *reader, uint64_t from,
    const struct versions_feed *feed, uint64_t *next,
    struct versions_page *page, struct ag_error *err) AG_MUST_USE;

/* --- for store/store_read.c --- */

struct sqlite3;
struct sealed_value;
struct versions_reader;

/* Both are borrowed. */
enum ag_status versions_read_open(struct versions_reader **out,
    struct sqlite3 *db, struct sealed_value *values,
    struct ag_error *err) AG_MUST_USE;
void versions_read_close(struct versions_reader *reader);

#endif
