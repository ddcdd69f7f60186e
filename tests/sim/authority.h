/*
 * Signatures nobody in the simulated world can forge.
 *
 * Usually a keyed hash, verified by whoever holds all keys: the world.  One
 * seed in a hundred uses Ed25519 as the product does.
 *
 * A Byzantine member may sign anything, also a message mutated after its
 * engine made it.  Rather than finding and replacing signatures inside, a
 * liar signs with one value that is its own signature on every message.
 */
#ifndef AEGIS_SIM_AUTHORITY_H
#define AEGIS_SIM_AUTHORITY_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/machine.h"
#include "sim/profile.h"
#include "trust/certificate.h"

#define KEYRING_KEYS (PROFILE_MEMBERS_MAX + MACHINE_CLIENTS)
#define KEYRING_HELD 4096 /* a power of two */

struct keyring {
	bool is_real;
	bool knows_waiters; /* where clients wait */
	uint32_t liars;     /* mask of nodes that may sign anything */
	uint64_t verified;  /* how often, for figures */
	uint64_t failed;    /* and how often it was none */
	uint8_t hash_keys[KEYRING_KEYS][16];
	uint8_t public_keys[KEYRING_KEYS][PUBLIC_KEY_BYTES];
	uint8_t secret_keys[KEYRING_KEYS][64];
	/* Real signatures that were verified: of key, signature and message.
	 * Each is verified by every member, and again in certificates. */
	struct digest held[KEYRING_HELD];
};

struct membership;

/* What an engine is given: the keyring, who it is, and who the others are. */
struct signer {
	struct keyring *keyring;
	uint32_t key; /* node, or PROFILE_MEMBERS_MAX + client */
	const struct membership *membership;
};

struct dice;

void keyring_init(struct keyring *k, struct dice *d, bool is_real,
    uint32_t liars);

extern const struct authority keyring_authority; /* ctx: struct signer */

#endif
