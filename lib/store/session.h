/*
 * The client table: which requests of each principal were executed, and what
 * came of them.  It makes execution at-most-once, and is part of the state
 * replicas agree on.
 *
 * For each principal a window of consecutive numbers is remembered, from its
 * floor on.  Executing a number past the window slides it.  A number below
 * the floor is stale: whether it was executed is no longer known, so it
 * never will be again.
 *
 * At most a stated number of principals is kept.  One more evicts the one
 * that executed least recently (lowest last sequence, then lowest
 * principal), so every replica evicts the same one.  Its requests could then
 * be executed again: the bound must be above the number of principals a
 * roster can name.
 *
 * Ownership  the memory is the caller's; nothing is allocated, nothing to
 *            free.  Pages never written to are never touched.
 * Threads    one at a time.
 */
#ifndef AEGIS_STORE_SESSION_H
#define AEGIS_STORE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/batch.h"
#include "codec/operation.h"
#include "trust/certificate.h"

/* A window is stored as this many pages of equal size. */
#define SESSION_PAGES 64

/* What a cluster uses; all replicas must use the same. */
#define SESSION_PRINCIPALS 1024
#define SESSION_WINDOW 4096

struct session_config {
	uint32_t principals; /* 1..65535 */
	uint32_t window;     /* a power of two, 64..SESSION_WINDOW */
};

struct session_table;

/* Bytes of memory a table takes. */
size_t session_size(const struct session_config *config);

/* Lay out an empty table in zeroed memory, aligned for uint64_t. */
struct session_table *session_init(void *memory, size_t len,
    const struct session_config *config);

enum session_answer {
	SESSION_NEW,      /* not executed; it may be */
	SESSION_EXECUTED, /* *result is what came of it */
	SESSION_STALE,    /* too old to tell; must not be executed */
};

enum session_answer session_find(const struct session_table *table,
    const uint8_t principal[static PRINCIPAL_BYTES], uint64_t number,
    struct result *result);

/* The least number no window holds: this and all above it are new. */
uint64_t session_next(const struct session_table *table,
    const uint8_t principal[static PRINCIPAL_BYTES]);

/* Remember a result.  session_find() must have said SESSION_NEW. */
void session_record(struct session_table *table,
    const uint8_t principal[static PRINCIPAL_BYTES], uint64_t number,
    const struct result *result);

/* Digest over all principals; only changed ones are hashed again. */
void session_digest(struct session_table *table, struct digest *digest);

/* The same from a list of each principal's key and the BLAKE2b-256 of its
 * encoding, by rising key; and the i-th such digest. */
void session_list_digest(const struct session_config *config, struct bytes list,
    struct digest *digest);
void session_item_digest(struct session_table *table, size_t i,
    struct digest *digest);

/* Principals held, and the i-th by rising principal. */
size_t session_count(const struct session_table *table);
const uint8_t *session_principal(const struct session_table *table, size_t i);

/* Largest encoding of one principal. */
size_t session_bytes_max(const struct session_table *table);

/* Write the i-th principal's numbers and results; returns the length. */
size_t session_encode(const struct session_table *table, size_t i, uint8_t *out,
    size_t cap);

/* Add a principal from hostile bytes.  AG_EPROTO, AG_EEXIST, AG_ELIMIT. */
enum ag_status session_decode(struct session_table *table,
    const uint8_t principal[static PRINCIPAL_BYTES], struct bytes input,
    struct ag_error *err) AG_MUST_USE;

/*
 * Storing a table piece by piece: each principal has a place (below
 * config.principals) with a head and SESSION_PAGES pages.
 */
struct session_head {
	uint32_t place;
	uint8_t principal[PRINCIPAL_BYTES];
	uint64_t floor;
	uint64_t last_seq;
};

/* Take one changed place and its changed pages (bit i: page i). */
bool session_take_changed(struct session_table *table,
    struct session_head *head, uint64_t *pages);

/* Bytes of an encoded page. */
size_t session_page_bytes(const struct session_table *table);
void session_page_encode(const struct session_table *table, uint32_t place,
    uint32_t page, uint8_t *out);

/* Put back what was stored: a head first, then its pages.  AG_ECORRUPT. */
enum ag_status session_head_load(struct session_table *table,
    const struct session_head *head, struct ag_error *err) AG_MUST_USE;
enum ag_status session_page_load(struct session_table *table, uint32_t place,
    uint32_t page, struct bytes input, struct ag_error *err) AG_MUST_USE;

#endif
