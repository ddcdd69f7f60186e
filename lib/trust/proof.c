/*
 * Checking compact sparse Merkle proofs.
 *
 * RULES    1. The path is the key's own bits, never the proof's word.
 *          2. A leaf stands as high as it can: the last sibling beside a
 *             leaf, or beside nothing, is not empty.  A proof that says
 *             otherwise describes no tree and is refused, so that a fact
 *             has one proof.
 *          3. Leaves and inner nodes hash under different first bytes.
 *
 * NOT HERE Making proofs, and the tree itself (store/).
 */
#include "trust/proof.h"

#include <string.h>

#define BITMAP_BYTES_MAX (PROOF_STEPS_MAX / 8)

static const struct digest empty;

static bool
bit_of(const uint8_t *bits, uint32_t index)
{
	return (bits[index / 8] >> (7 - index % 8) & 1) != 0;
}

static void
hash_node(struct digest *out, uint8_t kind, const struct digest *left,
    const struct digest *right)
{
	uint8_t input[1 + 2 * DIGEST_BYTES];

	input[0] = kind;
	memcpy(input + 1, left->data, DIGEST_BYTES);
	memcpy(input + 1 + DIGEST_BYTES, right->data, DIGEST_BYTES);
	digest_of(out, bytes_of(input, sizeof(input)));
}

void
proof_encode(struct encoder *e, const struct proof *proof)
{
	uint8_t bitmap[BITMAP_BYTES_MAX] = { 0 };
	uint8_t *at;
	uint32_t i, count = 0;

	AG_ASSERT(proof->step_count <= PROOF_STEPS_MAX);
	for (i = 0; i < proof->step_count; i++) {
		if (digest_equal(&proof->siblings[i], &empty))
			continue;
		bitmap[i / 8] |= (uint8_t)(0x80U >> i % 8);
		count++;
	}
	encoder_put_array(e, 5);
	encoder_put_uint(e, (uint64_t)proof->end);
	at = encoder_put_bytes_inplace(e,
	    proof->end == PROOF_OTHER ? 2 * DIGEST_BYTES : 0);
	if (at != NULL && proof->end == PROOF_OTHER) {
		memcpy(at, proof->other_key.data, DIGEST_BYTES);
		memcpy(at + DIGEST_BYTES, proof->other_value.data,
		    DIGEST_BYTES);
	}
	encoder_put_uint(e, proof->step_count);
	encoder_put_bytes(e, bytes_of(bitmap, (proof->step_count + 7) / 8));
	at = encoder_put_bytes_inplace(e, (size_t)count * DIGEST_BYTES);
	for (i = 0; at != NULL && i < proof->step_count; i++) {
		if (digest_equal(&proof->siblings[i], &empty))
			continue;
		memcpy(at, proof->siblings[i].data, DIGEST_BYTES);
		at += DIGEST_BYTES;
	}
}

/* Deal the siblings out to the steps whose bit is set. */
static void
decode_siblings(struct decoder *d, struct proof *proof, struct bytes bitmap,
    struct bytes siblings)
{
	uint32_t i;

	for (i = 0; i < proof->step_count; i++) {
		if (!bit_of(bitmap.data, i))
			continue;
		if (siblings.len < DIGEST_BYTES) {
			decoder_fail(d, "fewer siblings than the bitmap says");
			return;
		}
		memcpy(proof->siblings[i].data, siblings.data, DIGEST_BYTES);
		siblings = bytes_of(siblings.data + DIGEST_BYTES,
		    siblings.len - DIGEST_BYTES);
		if (digest_equal(&proof->siblings[i], &empty))
			decoder_fail(d, "empty sibling not left out");
	}
	for (; i < bitmap.len * 8; i++)
		if (bit_of(bitmap.data, i))
			decoder_fail(d, "bitmap has a bit too many");
	if (siblings.len != 0)
		decoder_fail(d, "more siblings than the bitmap says");
}

void
proof_decode(struct decoder *d, struct proof *proof)
{
	struct bytes other, bitmap, siblings;
	uint64_t end;

	memset(proof, 0, sizeof(*proof));
	decoder_expect_array(d, 5);
	end = decoder_get_uint_max(d, PROOF_OTHER);
	other = decoder_get_bytes_max(d, 2 * DIGEST_BYTES);
	proof->step_count = (uint32_t)decoder_get_uint_max(d, PROOF_STEPS_MAX);
	bitmap = decoder_get_bytes_max(d, BITMAP_BYTES_MAX);
	siblings = decoder_get_bytes_max(d, sizeof(proof->siblings));
	if (end < PROOF_PRESENT ||
	    other.len != (end == PROOF_OTHER ? 2 * DIGEST_BYTES : 0))
		decoder_fail(d, "the proof's end is of no known kind");
	if (bitmap.len != (proof->step_count + 7) / 8)
		decoder_fail(d, "bitmap does not fit its steps");
	if (!decoder_failed(d)) {
		proof->end = (enum proof_end)end;
		if (other.len > 0) {
			memcpy(proof->other_key.data, other.data, DIGEST_BYTES);
			memcpy(proof->other_value.data,
			    other.data + DIGEST_BYTES, DIGEST_BYTES);
		}
		decode_siblings(d, proof, bitmap, siblings);
	}
	if (decoder_failed(d))
		memset(proof, 0, sizeof(*proof));
}

/* Do the two agree in their first count bits? */
static bool
prefixes_agree(const struct digest *a, const struct digest *b, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		if (bit_of(a->data, i) != bit_of(b->data, i))
			return false;
	return true;
}

/* The hash of what stands at the proof's end. */
static enum ag_status
end_hash(struct digest *out, const struct proof *proof,
    const struct digest *key_hash, struct bytes entry, struct ag_error *err)
{
	struct digest value_hash;

	if ((entry.len > 0) != (proof->end == PROOF_PRESENT))
		return ag_fail(err, AG_EFORGED,
		    entry.len > 0 ? "the proof is one of absence"
				  : "the proof is one of presence");
	switch (proof->end) {
	case PROOF_PRESENT:
		digest_of(&value_hash, entry);
		hash_node(out, 0, key_hash, &value_hash);
		return AG_OK;
	case PROOF_EMPTY:
		*out = empty;
		return AG_OK;
	case PROOF_OTHER:
		if (digest_equal(&proof->other_key, key_hash) ||
		    !prefixes_agree(&proof->other_key, key_hash,
			proof->step_count))
			return ag_fail(err, AG_EFORGED,
			    "the other key of the proof is not on the path");
		hash_node(out, 0, &proof->other_key, &proof->other_value);
		return AG_OK;
	default:
		return ag_fail(err, AG_EFORGED,
		    "the proof's end is of no known kind");
	}
}

enum ag_status
proof_verify(const struct proof *proof, struct bytes key, struct bytes entry,
    const struct digest *root, struct ag_error *err)
{
	struct digest key_hash, node;
	enum ag_status status;
	uint32_t i;

	digest_of(&key_hash, key);
	if (proof->step_count > PROOF_STEPS_MAX)
		return ag_fail(err, AG_EFORGED, "the proof has %u steps",
		    proof->step_count);
	status = end_hash(&node, proof, &key_hash, entry, err);
	if (status != AG_OK)
		return status;
	if (proof->step_count > 0 &&
	    digest_equal(&proof->siblings[proof->step_count - 1], &empty))
		return ag_fail(err, AG_EFORGED,
		    "the proof has more steps than the tree");
	for (i = proof->step_count; i-- > 0;) {
		if (bit_of(key_hash.data, i))
			hash_node(&node, 1, &proof->siblings[i], &node);
		else
			hash_node(&node, 1, &node, &proof->siblings[i]);
	}
	if (!digest_equal(&node, root))
		return ag_fail(err, AG_EFORGED,
		    "the proof leads to another root");
	return AG_OK;
}
