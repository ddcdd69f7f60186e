/*
 * Proofs that a key has a value, or is absent, under a key-value root.
 *
 * The root is that of a compact sparse Merkle tree over BLAKE2b-256 of the
 * keys (store/merkle.h has the definition).  A proof walks from the root
 * along the key's bits, naming the sibling at each step, to what is there
 * instead of a further branch: the key's own leaf, nothing, or the only
 * leaf of that subtree, which is another key's.
 *
 * FORMAT  [end, other (64 bytes: key hash, value hash; else none), steps,
 *          bitmap (a bit per step, most significant first: is the sibling
 *          not empty?), siblings (32 bytes each, from the root down)]
 *
 * Nothing here allocates.
 */
#ifndef AEGIS_TRUST_PROOF_H
#define AEGIS_TRUST_PROOF_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/decoder.h"
#include "codec/encoder.h"
#include "trust/certificate.h"

#define PROOF_STEPS_MAX 256

/* Largest encoding of a proof, for fixed buffers. */
#define PROOF_BYTES_MAX (PROOF_STEPS_MAX * DIGEST_BYTES + 160)

enum proof_end {
	PROOF_PRESENT = 1, /* the key's own leaf */
	PROOF_EMPTY = 2,   /* nothing: the key is absent */
	PROOF_OTHER = 3,   /* another key's leaf: the key is absent */
};

struct proof {
	enum proof_end end;
	struct digest other_key;   /* OTHER: hash of that key */
	struct digest other_value; /* OTHER: hash of its entry */
	uint32_t step_count;
	struct digest siblings[PROOF_STEPS_MAX]; /* zeros: an empty subtree */
};

void proof_encode(struct encoder *e, const struct proof *proof);

/* Decode from hostile bytes; shape only. */
void proof_decode(struct decoder *d, struct proof *proof);

/*
 * Does the proof hold under root?  entry is the key's entry as the value
 * hash covers it, and empty when the key is said to be absent.
 * AG_EFORGED with what is wrong in err.
 */
enum ag_status proof_verify(const struct proof *proof, struct bytes key,
    struct bytes entry, const struct digest *root,
    struct ag_error *err) AG_MUST_USE;

#endif
