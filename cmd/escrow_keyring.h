/*
 * A keyring's slot whose secret is put into escrow.
 *
 * A command that does so puts ESCROW_KEYRING_OPTIONS into its option table.
 */
#ifndef AEGIS_CMD_ESCROW_KEYRING_H
#define AEGIS_CMD_ESCROW_KEYRING_H

#include "base/status.h"
#include "cmd/applet.h"
#include "cmd/keys.h"
#include "escrow/package.h"

#define ESCROW_KEYRING_OPTIONS                                               \
	{ 0, "keyring", "DIR", "put what opens this node's keyring there" }, \
	    KEYRING_PLACE_OPTIONS("keyring-")

struct escrow_keyring {
	struct keys_opened opened;
	struct secret *secret; /* what is to open the slot */
};

/* Open the keyring of --keyring, and draw the secret. */
enum ag_status escrow_keyring_open(struct escrow_keyring *e,
    const struct applet_call *call, struct ag_error *err) AG_MUST_USE;

/* Make the slot, once the package is written. */
enum ag_status escrow_keyring_fill(struct escrow_keyring *e,
    const struct package *package, unsigned int *number,
    struct ag_error *err) AG_MUST_USE;
void escrow_keyring_close(struct escrow_keyring *e);

#endif
