/*
 * A keyring's slot whose secret is put into escrow.
 *
 * RULES    1. What opens the slot is drawn here and is in no file but the
 *             package: it comes into being in escrow.
 *          2. The package is on the disk before the slot is, so that there is
 *             no slot that nobody can open.
 */
#include "cmd/escrow_keyring.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

enum ag_status
escrow_keyring_open(struct escrow_keyring *e, const struct applet_call *call,
    struct ag_error *err)
{
	const char *key_file = options_text(&call->options, "keyring-key-file");
	enum ag_status status;

	*e = (struct escrow_keyring){ .opened.lock_fd = -1 };
	status = keyring_place_init(&e->opened.place,
	    options_text(&call->options, "keyring"), key_file, err);
	if (status == AG_OK)
		status = keys_open_at(&e->opened, call, "keyring-", true, err);
	if (status != AG_OK)
		return status;
	e->secret = secret_random(KEYRING_KEY_BYTES);
	return e->secret != NULL ? AG_OK
				 : ag_fail(err, AG_ENOMEM, "out of memory");
}

enum ag_status
escrow_keyring_fill(struct escrow_keyring *e, const struct package *package,
    unsigned int *number, struct ag_error *err)
{
	struct keyring_opener opener = { .kind = KEYRING_ESCROW,
		.secret = e->secret };
	char label[KEYRING_LABEL_BYTES];

	memcpy(opener.package, package->base.data, sizeof(opener.package));
	(void)snprintf(label, sizeof(label), "%u of %u custodians",
	    package->threshold, package->count);
	return keyring_slot_add(e->opened.keyring, &opener, label,
	    clock_wall_ms(), number, err);
}

void
escrow_keyring_close(struct escrow_keyring *e)
{
	secret_free(e->secret);
	keys_close(&e->opened);
}
