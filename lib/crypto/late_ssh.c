/*
 * libssh, loaded when it is first used (base/late.h).
 *
 * LATE_SONAME is what the linker would have named: the Makefile looks.
 */
#include "crypto/late_ssh.h"

#include "crypto/late_crypto.h"

_Static_assert(sizeof(LATE_SONAME) > 1, "the library has a name");

struct late_ssh_functions late_ssh_call;

static struct late_library library = {
	.soname = LATE_SONAME,
	.package = "libssh-4",
	.names = LATE_SSH(LATE_NAME),
	.slots = &late_ssh_call,
	.slots_size = sizeof(late_ssh_call),
};

enum ag_status
late_ssh_load(struct ag_error *err)
{
	enum ag_status status = late_crypto_load(err);

	return status == AG_OK ? late_load(&library, err) : status;
}
