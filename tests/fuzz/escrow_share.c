/*
 * Custodians' shares from anywhere.
 *
 * Oracle: what is read is written again to the same bytes, and is no share of
 * a package whose custodians have not signed it.
 */
#include "escrow/share.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct recovery request;
	static struct package package;
	static struct share share;
	static struct secret *key;
	struct ag_error err;
	struct point point;
	struct buf out;

	if (share_decode(&share, bytes_of(data, len), &err) != AG_OK)
		return 0;
	buf_init(&out, SHARE_BYTES_MAX);
	AG_ASSERT(share_encode(&share, &out, &err) == AG_OK);
	AG_ASSERT(bytes_equal(buf_bytes(&out), bytes_of(data, len)));
	buf_fini(&out);
	if (key == NULL)
		AG_ASSERT(recipient_keypair(&key, &err) == AG_OK);
	/* The generator is nobody's key whose private half is not 1. */
	package.count = PVSS_CUSTODIANS_MAX;
	package.members = UINT32_MAX;
	for (uint32_t i = 0; i < PVSS_CUSTODIANS_MAX; i++)
		point_generator(&package.keys[i]);
	request.id = share.request_id;
	package.id = share.package_id;
	AG_ASSERT(share_open(&point, &share, &request, &package, key, &err) ==
	    AG_EFORGED);
	return 0;
}
