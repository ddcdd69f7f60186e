/*
 * Exported evidence from anywhere.
 *
 * Oracle: what decodes encodes to the same bytes, accuses nobody without
 * keys, and what is refused says why.
 */
#include "store/part_evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t out[EVIDENCE_BYTES_MAX];
	static struct roster roster;
	char text[EVIDENCE_TEXT_BYTES];
	struct evidence evidence;
	struct ag_error err = { 0 };
	struct encoder e;
	struct bytes again;

	if (evidence_decode(&evidence, bytes_of(data, len), &err) != AG_OK) {
		AG_ASSERT(err.text[0] != '\0');
		return 0;
	}
	encoder_init(&e, out, sizeof(out));
	evidence_encode(&e, &evidence);
	AG_ASSERT(encoder_finish(&e, &again) == AG_OK);
	AG_ASSERT(bytes_equal(again, bytes_of(data, len)));
	evidence_say(text, &evidence, "n1");
	AG_ASSERT(text[0] == 'n');
	/* Nobody here has a key, so nothing convinces. */
	roster.member_count = 4;
	roster.epoch = evidence.scope.epoch;
	memcpy(roster.cluster_id, evidence.scope.cluster_id, CLUSTER_ID_BYTES);
	AG_ASSERT(part_evidence_verify(&evidence, &roster, &err) == AG_EFORGED);
	AG_ASSERT(err.text[0] != '\0');
	return 0;
}
