/*
 * Records of the log, from a disk somebody else wrote.
 *
 * Oracle: what decodes has a kind with a name, its parts lie inside it, and a
 * NEW_VIEW in it names members that can be.
 */
#include "consensus/record.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_inside(struct bytes part, const uint8_t *data, size_t len)
{
	if (part.len > 0)
		AG_ASSERT(
		    part.data >= data && part.data + part.len <= data + len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct certificate certificate;
	struct record record;
	struct ag_error err;

	(void)record_new_view_askers(bytes_of(data, len));
	if (record_decode(&record, &certificate, bytes_of(data, len), &err) !=
	    AG_OK)
		return 0;
	AG_ASSERT(strcmp(record_kind_name(record.kind), "unknown") != 0);
	check_inside(record.batch, data, len);
	check_inside(record.new_view, data, len);
	(void)record_new_view_askers(record.new_view);
	return 0;
}
