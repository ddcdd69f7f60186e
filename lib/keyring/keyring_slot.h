/*
 * The slots of a keyring: the storage root, wrapped.
 *
 * A device wraps it itself.  Else it is sealed (crypto/seal.h) by a key that is
 * derived (KDF_KEYRING_SLOT) of the key file's bytes, of those that were in
 * escrow, or of the stretched passphrase.  keyring_body.h has the format.
 *
 * Threads  no shared state.
 */
#ifndef AEGIS_KEYRING_KEYRING_SLOT_H
#define AEGIS_KEYRING_KEYRING_SLOT_H

#include "keyring/keyring_file.h"

/* Does a slot of that kind open without anybody being asked for a share? */
bool keyring_slot_is_at_hand(unsigned int kind);

/* Which token's key, or package, opens it, as it says itself; or empty. */
void keyring_slot_describe(char out[static KEYRING_NAME_BYTES],
    const struct keyring_slot *slot);

/* Wrap the root in slot.  AG_ENOMEM, AG_EINVAL, or what the device says. */
enum ag_status keyring_slot_wrap(struct keyring_slot *slot,
    const uint8_t id[static KEYRING_ID_BYTES], const struct secret *root,
    const struct keyring_opener *opener, struct ag_error *err) AG_MUST_USE;

/*
 * The root, from whichever slot of image opener fits.
 * AG_EDENIED  none, or damaged, which is not told apart; else what the device
 *             says
 */
enum ag_status keyring_slot_unwrap(struct secret **root,
    const struct keyring_image *image, const struct keyring_opener *opener,
    const char *path, struct ag_error *err) AG_MUST_USE;

#endif
