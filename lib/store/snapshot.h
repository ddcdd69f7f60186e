/*
 * Snapshots: the whole state at one certified sequence, as a byte stream.
 *
 * The stream is what a backup seals, and what a restore starts from.  It
 * carries the checkpoint certificate, so its reader trusts no one: the digest
 * is computed from the contents and compared.  A node that was away is given
 * the state in parts instead (store/part.h).
 *
 * FORMAT  "AEGISSN1" | canonical CBOR items one after another:
 *         head     [1, cluster id, epoch, seq, time_ms, key count,
 *                   session count, certificate | null]
 *         entry    [key, value, version, created, modified] by rising key
 *         session  [principal, bytes] by rising principal
 *         end      null, then BLAKE2b-256 over everything before it
 *
 * Ownership  handles are the caller's to close.
 * Threads    a handle belongs to one thread at a time.
 */
#ifndef AEGIS_STORE_SNAPSHOT_H
#define AEGIS_STORE_SNAPSHOT_H

#include "store/store.h"

struct snapshot_writer;
struct snapshot_reader;

/* Stream a pinned state.  certificate may be empty (a dead node's files). */
enum ag_status snapshot_writer_new(struct snapshot_writer **out,
    struct store_pin *pin, const struct trust_scope *scope,
    struct bytes certificate, struct ag_error *err) AG_MUST_USE;

/* Up to cap bytes; *len is 0 only at the end. */
enum ag_status snapshot_writer_read(struct snapshot_writer *w, uint8_t *out,
    size_t cap, size_t *len, struct ag_error *err) AG_MUST_USE;
void snapshot_writer_free(struct snapshot_writer *w);

struct snapshot_info {
	struct trust_scope scope;
	uint64_t seq;
	uint64_t time_ms;
	uint64_t keys;
	uint64_t sessions;
	struct digest digest; /* computed from the contents */
	bool has_certificate;
	struct certificate certificate;
};

/*
 * Take a stream in pieces into a new state database at dir (which must not
 * hold one), or only verify when dir is NULL.
 */
enum ag_status snapshot_reader_new(struct snapshot_reader **out,
    const char *dir, struct ag_error *err) AG_MUST_USE;
enum ag_status snapshot_reader_feed(struct snapshot_reader *r,
    struct bytes piece, struct ag_error *err) AG_MUST_USE;

/*
 * The stream has ended: check its end and compute the digest.  The state
 * database is complete and synced, but whether the digest is certified is
 * for the caller to check against info->certificate.
 * AG_ECORRUPT  damaged or cut short
 */
enum ag_status snapshot_reader_finish(struct snapshot_reader *r,
    struct snapshot_info *info, struct ag_error *err) AG_MUST_USE;

/* Without a finish, what was written is removed. */
void snapshot_reader_free(struct snapshot_reader *r);

#endif
