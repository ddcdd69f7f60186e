/*
 * libcurl, loaded when it is first used (base/late.h).
 *
 * LATE_SONAME is what the linker would have named: the Makefile looks.
 */
#include "client/late_curl.h"

_Static_assert(sizeof(LATE_SONAME) > 1, "the library has a name");

struct late_curl_functions late_curl_call;

static struct late_library library = {
	.soname = LATE_SONAME,
	.package = "libcurl3-gnutls",
	.names = LATE_CURL(LATE_NAME),
	.slots = &late_curl_call,
	.slots_size = sizeof(late_curl_call),
};

enum ag_status
late_curl_load(struct ag_error *err)
{
	return late_load(&library, err);
}
