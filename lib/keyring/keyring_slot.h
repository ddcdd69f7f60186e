/*
 * The slots of a keyring: the storage root, wrapped.
 *
 * FORMAT   of a slot's body, canonical CBOR:
 *          passphrase  [passes, MiB, salt (16), sealed (72)]
 *          file        [sealed (72)]
 *          sealed      the root (crypto/seal.h), with the context
 *                      "aegis/keyring/v1/slot" NUL | keyring id | [kind] and,
 *                      of a passphrase, [passes, MiB, salt]
 *          its key     derived (KDF_KEYRING_SLOT) of the key file's bytes, or
 *                      of what Argon2id v1.3 in one lane makes of the
 *                      passphrase and the salt
 *
 * Threads  no shared state.
 */
#ifndef AEGIS_KEYRING_KEYRING_SLOT_H
#define AEGIS_KEYRING_KEYRING_SLOT_H

#include "keyring/keyring_file.h"

/* Can this program open slots of that kind? */
bool keyring_slot_is_known(unsigned int kind);

/* Wrap the root in slot, which has its kind.  AG_ENOMEM, AG_EINVAL. */
enum ag_status keyring_slot_wrap(struct keyring_slot *slot,
    const uint8_t id[static KEYRING_ID_BYTES], const struct secret *root,
    const struct keyring_opener *opener, struct ag_error *err) AG_MUST_USE;

/*
 * The root, from whichever slot of image opener fits.
 * AG_EDENIED  none, or damaged, which is not told apart
 */
enum ag_status keyring_slot_unwrap(struct secret **root,
    const struct keyring_image *image, const struct keyring_opener *opener,
    const char *path, struct ag_error *err) AG_MUST_USE;

#endif
