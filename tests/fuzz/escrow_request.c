/*
 * Requests from anywhere.
 *
 * Oracle: what is read is written again to the same bytes, and is approved by
 * nobody of a roster that has no operators.
 */
#include "escrow/recovery.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct roster roster = { .policy_operators = 1 };
	static struct recovery request, other;
	static struct package package;
	struct recovery_tally tally;
	struct ag_error err;
	struct buf out;

	if (len > RECOVERY_BYTES_MAX ||
	    recovery_decode(&request, bytes_of(data, len), &err) != AG_OK)
		return 0;
	buf_init(&out, RECOVERY_BYTES_MAX);
	AG_ASSERT(recovery_encode(&request, &out, &err) == AG_OK);
	AG_ASSERT(bytes_equal(buf_bytes(&out), bytes_of(data, len)));
	recovery_count(&tally, &request, &roster);
	AG_ASSERT(tally.approved == 0);
	other = request;
	AG_ASSERT(recovery_merge(&other, &request, &err) == AG_OK);
	AG_ASSERT(other.approval_count == request.approval_count);
	if (recovery_open(&package, &request, &err) == AG_OK)
		AG_ASSERT(request.delay_ms >= package.delay_ms);
	buf_fini(&out);
	return 0;
}
