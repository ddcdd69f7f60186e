/*
 * What the files of the keyring share.
 */
#ifndef AEGIS_KEYRING_KEYRING_PARTS_H
#define AEGIS_KEYRING_KEYRING_PARTS_H

#include <limits.h>
#include <pthread.h>

#include "keyring/keyring_cipher.h"
#include "keyring/keyring_file.h"

/* Drawn at once: a call of the system takes longer than a short record. */
#define KEYRING_NONCES 32

/* In locked memory, all of them at once: the epochs' as in the image. */
struct keyring_keys {
	uint8_t root[KEYRING_KEY_BYTES];
	uint8_t data[KEYRING_EPOCHS_MAX][KEYRING_KEY_BYTES];
	uint8_t derived[KEYRING_EPOCHS_MAX][KEYRING_PURPOSES]
		       [KEYRING_KEY_BYTES];
};

struct keyring {
	char path[PATH_MAX];
	bool may_change;
	bool has_failed; /* a write did, so what the file holds is not known;
			    the next change puts it right first */
	struct keyring_copy copy; /* as it is there */

	struct keyring_cipher cipher;
	pthread_mutex_t nonce_lock; /* guards this group */
	uint8_t nonces[KEYRING_NONCES][SEAL_NONCE_BYTES];
	size_t nonces_left;

	pthread_rwlock_t lock; /* guards the rest, for who seals and opens */
	struct keyring_image image;
	struct secret *secret; /* a struct keyring_keys */
	size_t active;         /* of the epochs */
};

static inline struct keyring_keys *
keyring_keys_of(struct secret *secret)
{
	return (struct keyring_keys *)(void *)secret_data(secret);
}

/* What a keyring is to become. */
struct keyring_draft {
	struct keyring_image image;
	struct secret *secret;
};

/*
 * Begin with what there is, change it, and commit; nothing happens before,
 * and after a failure the keyring is what it was.  commit, or drop, ends it.
 */
enum ag_status keyring_draft_begin(struct keyring_draft *draft,
    struct keyring *keyring, struct ag_error *err) AG_MUST_USE;
enum ag_status keyring_draft_commit(struct keyring_draft *draft,
    struct keyring *keyring, struct ag_error *err) AG_MUST_USE;
void keyring_draft_drop(struct keyring_draft *draft);

/* The derived keys of all epochs from their data keys. */
void keyring_keys_derive(struct keyring_keys *keys,
    const struct keyring_image *image);

#endif
