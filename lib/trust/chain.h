/*
 * A cluster's rosters, the first and all that followed, in one file.
 *
 * FORMAT  canonical CBOR, one item after another:
 *         ["aegis-chain", 1, text of the first roster]
 *         then an epoch (trust/epoch.h) for each successor, in order
 *
 * Wherever a roster is read to verify something, the text of a first roster
 * will do while there is no other, and a chain ever after.
 *
 * Ownership  caller's storage; nothing to free.
 * Threads    no shared state.
 */
#ifndef AEGIS_TRUST_CHAIN_H
#define AEGIS_TRUST_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "trust/roster.h"

#define CHAIN_BYTES_MAX (64U << 20)

/* The last roster of a chain. */
#define CHAIN_NEWEST UINT64_MAX

/* Where an epoch's history begins. */
struct chain_start {
	uint64_t seq; /* its sequences are above this */
	struct digest state;
};

/*
 * The roster of one epoch, or the newest, from a chain or a roster's text;
 * everything before it is verified.  start may be NULL.
 * AG_ENOENT the file does not go so far; else as epoch_verify() and
 * roster_parse() have it.
 */
enum ag_status chain_parse(struct roster *roster, struct chain_start *start,
    struct bytes file, uint64_t epoch, const char *name,
    struct ag_error *err) AG_MUST_USE;
enum ag_status chain_load(struct roster *roster, const char *path,
    struct ag_error *err) AG_MUST_USE;

/* Does it begin as a chain, and not as a roster's text? */
bool chain_is(struct bytes file);

/* The same of one epoch. */
enum ag_status chain_load_epoch(struct roster *roster, const char *path,
    uint64_t epoch, struct ag_error *err) AG_MUST_USE;

/* Begin a chain with what a file holds: a chain, or a first roster's text. */
enum ag_status chain_begin(struct buf *chain, struct bytes file,
    struct ag_error *err) AG_MUST_USE;

/* One more epoch, which must follow its last. */
enum ag_status chain_append(struct buf *chain, struct bytes epoch,
    struct ag_error *err) AG_MUST_USE;

/* Nodes that were, and are not any more; the latest of them. */
#define CHAIN_FORMERS_MAX 64

struct chain_formers {
	size_t count;
	uint8_t link_keys[CHAIN_FORMERS_MAX][PUBLIC_KEY_BYTES];
	uint8_t node_keys[CHAIN_FORMERS_MAX][PUBLIC_KEY_BYTES];
};

/*
 * The link keys of a chain's rosters that none of present's nodes has, and the
 * node keys beside them.  The chain was verified before; AG_ENOMEM,
 * AG_ECORRUPT.
 */
enum ag_status chain_find_formers(struct chain_formers *formers,
    struct bytes chain, const struct roster *present,
    struct ag_error *err) AG_MUST_USE;

/* The encoded epoch whose roster follows that of epoch; empty: none. */
struct bytes chain_after(struct bytes chain, uint64_t epoch);

#endif
