/*
 * libmicrohttpd, loaded when it is first used (base/late.h).
 *
 * LATE_SONAME is what the linker would have named: the Makefile looks.
 */
#include "api/late_http.h"

_Static_assert(sizeof(LATE_SONAME) > 1, "the library has a name");

struct late_http_functions late_http_call;

static struct late_library library = {
	.soname = LATE_SONAME,
	.package = "libmicrohttpd12",
	.names = LATE_HTTP(LATE_NAME),
	.slots = &late_http_call,
	.slots_size = sizeof(late_http_call),
};

enum ag_status
late_http_load(struct ag_error *err)
{
	return late_load(&library, err);
}
