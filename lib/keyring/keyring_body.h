/*
 * What is in a slot, by its kind.
 *
 * FORMAT   canonical CBOR:
 *          passphrase  [passes, MiB, salt (16), sealed (72)]
 *          file        [sealed (72)]
 *          hsm         [name, wrapped]: which key of which token, for who
 *                      reads it, and the root as that key has wrapped it
 *          escrow      [package (32), sealed (72)]: the base of the escrow
 *                      package (escrow/package.h), the same after a refresh
 *
 * Threads  no shared state.
 */
#ifndef AEGIS_KEYRING_KEYRING_BODY_H
#define AEGIS_KEYRING_KEYRING_BODY_H

#include "crypto/stretch.h"
#include "keyring/keyring_file.h"

#define KEYRING_CONTEXT_BYTES 128

/* Borrowed from the slot that it was read from. */
struct keyring_body {
	struct stretch stretch; /* passphrase */
	struct bytes package;   /* escrow */
	struct bytes name;      /* hsm */
	struct bytes wrapped;   /* the root */
};

/* False: it is not what this program writes. */
bool keyring_body_decode(struct keyring_body *body,
    const struct keyring_slot *slot) AG_MUST_USE;

/* Into the slot, which has its kind. */
void keyring_body_encode(struct keyring_slot *slot,
    const struct keyring_body *body);

/*
 * What a sealed root is bound to: "aegis/keyring/v1/slot" NUL | keyring id |
 * [kind] and, of a passphrase, [passes, MiB, salt], of escrow [package].
 */
struct bytes keyring_body_context(uint8_t out[static KEYRING_CONTEXT_BYTES],
    const uint8_t id[static KEYRING_ID_BYTES], unsigned int kind,
    const struct keyring_body *body);

/* The same as a text, for a token: "aegis/keyring/v1/slot ID hsm". */
void keyring_body_context_text(char out[static KEYRING_CONTEXT_BYTES],
    const uint8_t id[static KEYRING_ID_BYTES]);

#endif
