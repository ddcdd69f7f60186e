/*
 * Escrow packages from anywhere.
 *
 * Oracle: what is read was canonical, so its parts put together again are the
 * input; it has k custodians at least, and opens with no point that was not
 * made from it.
 */
#include "escrow/package.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static size_t
length_of_parts(const struct package *p)
{
	size_t len = p->head_raw.len + p->deal_raw.len + p->payload_raw.len;

	for (uint32_t i = 0; i < p->refresh_count; i++)
		len += p->refreshes[i].raw.len;
	return len;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	/* Array, magic and version; the number of refreshes. */
	const size_t around = 1 + 1 + 20 + 1 + 1;
	static struct package package;
	struct secret *payload;
	struct point base;
	struct ag_error err;

	if (len > PACKAGE_BYTES_MAX ||
	    package_decode(&package, bytes_of(data, len), &err) != AG_OK)
		return 0;
	AG_ASSERT(length_of_parts(&package) + around == len);
	AG_ASSERT(package_member_count(&package) >= package.threshold);
	point_generator(&base);
	AG_ASSERT(package_open(&payload, &package, &base, &err) == AG_EFORGED);
	AG_ASSERT(payload == NULL);
	return 0;
}
