/*
 * Certificates from anywhere.
 *
 * Oracle: what decodes encodes to the same bytes, and nothing made without
 * keys verifies, whatever the number of members.
 */
#include "trust/certificate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
no_sign(void *ctx, struct bytes message,
    uint8_t signature[static SIGNATURE_BYTES])
{
	(void)ctx;
	(void)message;
	memset(signature, 0, SIGNATURE_BYTES);
}

static bool
no_verify(void *ctx, uint32_t member, struct bytes message,
    const uint8_t signature[static SIGNATURE_BYTES])
{
	(void)ctx;
	(void)message;
	(void)signature;
	AG_ASSERT(member < TRUST_MEMBERS_MAX);
	return false;
}

static bool
no_verify_request(void *ctx, const uint8_t principal[static PUBLIC_KEY_BYTES],
    struct bytes message, const uint8_t signature[static SIGNATURE_BYTES])
{
	(void)ctx;
	(void)principal;
	(void)message;
	(void)signature;
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct authority nobody = { no_sign, no_verify,
		no_verify_request, NULL };
	static const struct trust_scope scope;
	static uint8_t out[CERTIFICATE_BYTES_MAX];
	static struct certificate certificate;
	struct ag_error err;
	struct encoder e;
	struct decoder d;
	struct bytes again;
	uint32_t n;

	decoder_init(&d, bytes_of(data, len));
	certificate_decode(&d, &certificate);
	if (decoder_finish(&d, &err) != AG_OK)
		return 0;
	encoder_init(&e, out, sizeof(out));
	certificate_encode(&e, &certificate);
	AG_ASSERT(encoder_finish(&e, &again) == AG_OK);
	AG_ASSERT(bytes_equal(again, bytes_of(data, len)));
	for (n = 1; n <= TRUST_MEMBERS_MAX; n += 3)
		AG_ASSERT(certificate_verify(&certificate, &scope, n, &nobody,
			      NULL, &err) == AG_EFORGED);
	return 0;
}
