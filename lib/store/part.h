/*
 * Parts: a state cut up so that each piece is proved alone.
 *
 * The certified digest of a state covers the root of its Merkle tree and the
 * digest of its client table.  A part is what lies under one node of the
 * tree, or some of the client table; whoever knows what the node comes to can
 * tell at once whether the part is right, without any other, and from
 * whomever it came.  A node with too much under it for one part is answered
 * with what the nodes below it come to, which is proved the same way.
 *
 * FORMAT  name      a node: its depth and the bits of key hashes that lead
 *                   to it, most significant first, the rest of the bytes 0;
 *                   or the client table's list; or some of its clients
 *         contents  u8 shape, then
 *           0 entries  [key, value, version, created, modified], one after
 *                      another, by rising key
 *           1 split    u8 bits (to 12 for the root, to 4 for others) | the
 *                      2^bits nodes so far below, from the left: u8 0
 *                      nothing; 1 one leaf, key hash | value hash; 2 more,
 *                      their digest
 *           2 list     principal | BLAKE2b-256 of its encoding, by rising
 *                      principal
 *           3 clients  encodings, as byte strings one after another, of
 *                      PART_CLIENTS of the list, or those to its end
 *
 * One leaf is given with what is hashed: its digest alone could be that of
 * many, and whoever claimed so would be found out only by the next, who is
 * right.
 *
 * Ownership  handles are their maker's.
 * Threads    a handle belongs to one thread at a time.
 */
#ifndef AEGIS_STORE_PART_H
#define AEGIS_STORE_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/decoder.h"
#include "codec/encoder.h"
#include "store/merkle.h"
#include "store/store.h"
#include "trust/certificate.h"

/* Contents are no longer; there is room for any one entry. */
#define PART_BYTES_MAX (2U << 20)
#define PART_SPLIT_BITS_MAX 12  /* of the root */
#define PART_SPLIT_BITS_BELOW 4 /* of any other node */
#define PART_CLIENTS 16
#define PART_NAME_BYTES_MAX 48

enum part_kind {
	PART_NODE,
	PART_LIST,
	PART_CLIENTS_FROM,
};

struct part_name {
	enum part_kind kind;
	uint32_t number; /* a node's depth; the first client */
	uint8_t path[DIGEST_BYTES];
};

void part_name_encode(struct encoder *e, const struct part_name *name);

/* From hostile bytes: what is not a name makes the decoder fail. */
void part_name_decode(struct decoder *d, struct part_name *name);

/* By kind, and nodes as their leaves lie: <0, 0, >0. */
int part_name_compare(const struct part_name *a, const struct part_name *b);

/* Does the node hold this key hash? */
bool part_name_covers(const struct part_name *name, const uint8_t *key_hash);

/* The state whose parts are offered, and the proof of it. */
struct part_offer {
	uint64_t seq;
	uint64_t time_ms;
	uint64_t keys, bytes; /* not proved: for estimates */
	struct digest root;
	struct digest sessions;
	struct certificate certificate;
};

#define PART_OFFER_BYTES_MAX (CERTIFICATE_BYTES_MAX + 256)

void part_offer_encode(struct encoder *e, const struct part_offer *offer);
void part_offer_decode(struct decoder *d, struct part_offer *offer);

/* Does it say what its certificate is about?  That, the caller verifies. */
bool part_offer_matches(const struct part_offer *offer);

/* --- making --- */

struct part_maker;

/* The pin must outlast the maker, and be read by nobody else. */
enum ag_status part_maker_new(struct part_maker **out, struct store_pin *pin,
    struct ag_error *err) AG_MUST_USE;
void part_maker_free(struct part_maker *maker);

/* What a pin offers, but for its certificate. */
void part_maker_offer(const struct part_maker *maker, struct part_offer *offer);

/* Put the contents of a part into out.  AG_EINVAL there is no such part. */
enum ag_status part_maker_make(struct part_maker *maker,
    const struct part_name *name, struct buf *out,
    struct ag_error *err) AG_MUST_USE;

/* --- checking --- */

/* A part and what it must come to. */
struct part_want {
	struct part_name name;
	struct merkle_subtree node; /* the list has but a digest */
	bool is_root;               /* nor is more than that known of it */
	struct bytes list;          /* of clients: their piece of the list */
};

enum part_shape {
	PART_ENTRIES,
	PART_SPLIT,
	PART_IS_LIST,
	PART_IS_CLIENTS,
};

struct part_leaf {
	struct merkle_leaf leaf;
	struct bytes key; /* in the contents */
};

/* What right contents hold; kept and used again. */
struct part_found {
	enum part_shape shape;
	struct bytes contents; /* behind the shape */
	/* Entries: their leaves by rising key hash. */
	struct part_leaf *leaves;
	struct merkle_leaf *bare; /* the same without keys */
	size_t count, cap;
	/* Split: 2^bits nodes. */
	unsigned int bits;
	struct merkle_subtree *nodes;
};

void part_found_fini(struct part_found *found);

/* AG_EFORGED: the contents are not that part's. */
enum ag_status part_check(const struct part_want *want, struct bytes contents,
    struct part_found *found, struct ag_error *err) AG_MUST_USE;

/* How many levels a split of this node may have at most. */
unsigned int part_split_bits_max(const struct part_name *name);

/* The index-th node below that a split gives. */
void part_child(const struct part_name *name, unsigned int bits, uint32_t index,
    struct part_name *child);

/* One entry off the front of checked entries. */
void part_entry_take(struct decoder *d, struct store_entry *entry);

#endif
