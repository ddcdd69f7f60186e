/*
 * Merkle proofs from anywhere.
 *
 * Oracle: what decodes encodes to the same bytes, and leads to no root that
 * was not made from it.
 */
#include "trust/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct digest root = { { 1 } };
	static uint8_t out[PROOF_BYTES_MAX];
	static struct proof proof;
	struct ag_error err;
	struct encoder e;
	struct decoder d;
	struct bytes again;

	decoder_init(&d, bytes_of(data, len));
	proof_decode(&d, &proof);
	if (decoder_finish(&d, &err) != AG_OK)
		return 0;
	encoder_init(&e, out, sizeof(out));
	proof_encode(&e, &proof);
	AG_ASSERT(encoder_finish(&e, &again) == AG_OK);
	AG_ASSERT(bytes_equal(again, bytes_of(data, len)));
	AG_ASSERT(proof_verify(&proof, bytes_from_text("k"),
		      bytes_from_text("entry"), &root, &err) == AG_EFORGED);
	AG_ASSERT(proof_verify(&proof, bytes_from_text("k"), bytes_of(NULL, 0),
		      &root, &err) == AG_EFORGED);
	return 0;
}
