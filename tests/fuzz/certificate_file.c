/*
 * Exported certificates from anywhere.
 *
 * Oracle: what decodes encodes to the same bytes, and what is refused says
 * why.
 */
#include "trust/certificate_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t bare[CERTIFICATE_BYTES_MAX];
	static uint8_t out[CERTIFICATE_FILE_BYTES_MAX];
	static struct certificate_file file;
	static struct roster roster;
	struct bytes certificate, again;
	struct ag_error err = { 0 };
	struct encoder e;

	if (certificate_file_decode(&file, bytes_of(data, len), &err) !=
	    AG_OK) {
		AG_ASSERT(err.text[0] != '\0');
		return 0;
	}
	encoder_init(&e, bare, sizeof(bare));
	certificate_encode(&e, &file.certificate);
	AG_ASSERT(encoder_finish(&e, &certificate) == AG_OK);
	encoder_init(&e, out, sizeof(out));
	certificate_file_encode(&e, &file.scope, certificate);
	AG_ASSERT(encoder_finish(&e, &again) == AG_OK);
	AG_ASSERT(bytes_equal(again, bytes_of(data, len)));
	/* Nobody here has a key, so nothing convinces. */
	roster.member_count = 4;
	roster.epoch = file.scope.epoch;
	memcpy(roster.cluster_id, file.scope.cluster_id, CLUSTER_ID_BYTES);
	AG_ASSERT(certificate_file_verify(&file, &roster, &err) == AG_EFORGED);
	AG_ASSERT(err.text[0] != '\0');
	return 0;
}
