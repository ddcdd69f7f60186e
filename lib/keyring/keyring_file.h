/*
 * A keyring's bytes in its file.
 *
 * FORMAT   Two copies, each KEYRING_COPY_BYTES long, zeros at its end:
 *          ["aegis-keyring", 1, generation, id (16), cluster id (32), node,
 *          commitment (32), slots, epochs] | MAC (32) | BLAKE2b-256 of all
 *          before.  The array is canonical CBOR.
 *          slot        [number, kind, created ms, label, body]
 *          epoch       [epoch, state, created ms, algorithm, wrapped (72)];
 *                      destroyed: wrapped is empty
 *          commitment  the root's derived key of that purpose
 *          MAC         BLAKE2b-256 of the array, keyed with another
 *          wrapped     the data key, sealed (crypto/seal.h) under a third,
 *                      with the context "aegis/keyring/v1/epoch" NUL |
 *                      id | cluster id | [node, epoch, algorithm]
 *          body        keyring_body.h; of other kinds whatever it is
 *
 * Threads  none of its own.
 */
#ifndef AEGIS_KEYRING_KEYRING_FILE_H
#define AEGIS_KEYRING_KEYRING_FILE_H

#include "crypto/seal.h"
#include "keyring/keyring.h"

#define KEYRING_COPY_BYTES 8192
#define KEYRING_BODY_BYTES_MAX 1200
#define KEYRING_WRAPPED_BYTES (KEYRING_KEY_BYTES + SEAL_OVERHEAD)
#define KEYRING_MAC_BYTES 32
#define KEYRING_ALGORITHM 1 /* XChaCha20-Poly1305 with derived keys */

struct keyring_slot {
	struct keyring_look_slot seen;
	uint8_t body[KEYRING_BODY_BYTES_MAX];
	size_t body_len;
};

struct keyring_epoch {
	struct keyring_look_epoch seen;
	uint8_t wrapped[KEYRING_WRAPPED_BYTES];
};

/* All that a copy says. */
struct keyring_image {
	uint64_t generation;
	uint8_t id[KEYRING_ID_BYTES];
	uint8_t cluster_id[KEYRING_CLUSTER_BYTES];
	char node[KEYRING_NODE_BYTES];
	uint8_t commitment[KEYRING_KEY_BYTES];
	struct keyring_slot slots[KEYRING_SLOTS_MAX];
	size_t slot_count;
	struct keyring_epoch epochs[KEYRING_EPOCHS_MAX];
	size_t epoch_count;
};

/* A copy as it is in the file, and where. */
struct keyring_copy {
	uint8_t bytes[KEYRING_COPY_BYTES];
	size_t len;     /* of the array */
	unsigned place; /* 0, 1 */
};

/* False when it does not fit. */
bool keyring_file_encode(struct keyring_copy *copy,
    const struct keyring_image *image,
    const uint8_t mac_key[static KEYRING_KEY_BYTES]) AG_MUST_USE;

/* The newer whole copy.  AG_ENOENT, AG_ECORRUPT, AG_EVERSION. */
enum ag_status keyring_file_read(struct keyring_copy *copy,
    struct keyring_image *image, const char *path,
    struct ag_error *err) AG_MUST_USE;

/* Was the copy made by who has the root? */
bool keyring_file_is_genuine(const struct keyring_copy *copy,
    const uint8_t mac_key[static KEYRING_KEY_BYTES]);

/* Make the file, of two such copies.  AG_EEXIST. */
enum ag_status keyring_file_create(const char *path,
    const struct keyring_copy *copy, struct ag_error *err) AG_MUST_USE;

/*
 * Put both copies' bytes in place, first in the one that copy->place is not,
 * syncing each.  After a failure the file holds the old or the new.
 */
enum ag_status keyring_file_write(const char *path,
    const struct keyring_copy *copy, struct ag_error *err) AG_MUST_USE;

#endif
