/*
 * Manifests: what a backup is, readable by anyone in part and by the
 * recipient's key in full.
 *
 * FORMAT  "AEGISBM1" | u32 length of the envelope, big-endian | envelope |
 *         sealed part to the end (crypto/seal.h, the bytes before it being
 *         its context).  Both parts are canonical CBOR:
 *         envelope  [1, repository id, cluster name, cluster id, epoch, n,
 *                    previous manifest's id | null, seq, time_ms,
 *                    created_ms, bytes, stored bytes, chunks, wrapped key,
 *                    [[pack id, bytes], ...]]
 *         sealed    [digest, keys, sessions, certificate, roster text]
 *
 * n counts the backups of one cluster name, and each names the one before:
 * one that was taken away is missed without any key.
 *
 * Ownership  the caller's storage; manifest_fini() returns what it holds.
 */
#ifndef AEGIS_BACKUP_MANIFEST_H
#define AEGIS_BACKUP_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backup/repository.h"
#include "base/bytes.h"
#include "base/status.h"
#include "crypto/recipient.h"
#include "crypto/secret.h"
#include "trust/certificate.h"

#define MANIFEST_PACKS_MAX 65536
#define MANIFEST_BYTES_MAX (4U << 20)

struct manifest_pack {
	struct digest id;
	uint64_t bytes;
};

/* For anyone to read. */
struct manifest {
	uint8_t repository[REPOSITORY_ID_BYTES];
	char cluster[ROSTER_NAME_BYTES];
	struct trust_scope scope;
	uint64_t number;
	bool has_previous;
	struct digest previous;
	uint64_t seq;
	uint64_t time_ms;    /* agreed, of the state */
	uint64_t created_ms; /* of the backup, by the clock that made it */
	uint64_t bytes;
	uint64_t stored_bytes;
	uint64_t chunks;
	uint8_t wrapped_key[RECIPIENT_WRAPPED_BYTES];
	size_t pack_count;
	struct manifest_pack *packs;
	bool owns_packs;
	struct buf file; /* as it was read */
	size_t sealed_at;
};

/* For the recipient. */
struct manifest_sealed {
	struct digest digest;
	uint64_t keys;
	uint64_t sessions;
	struct certificate certificate;
	struct buf roster_text;
};

enum ag_status manifest_encode_envelope(const struct manifest *m,
    struct buf *out) AG_MUST_USE;

/* The whole file, sealed with the backup's key. */
enum ag_status manifest_format(const struct manifest *m,
    const struct manifest_sealed *sealed, const struct secret *key,
    struct buf *out, struct ag_error *err) AG_MUST_USE;

/*
 * From hostile bytes; name is what errors call the file.  m holds a copy.
 * AG_ECORRUPT, AG_EVERSION.
 */
enum ag_status manifest_parse(struct manifest *m, struct bytes file,
    const char *name, struct ag_error *err) AG_MUST_USE;

/*
 * Read entry's manifest and check that it is the one its name says.
 * AG_ENOENT, AG_ECORRUPT, AG_EVERSION.
 */
enum ag_status manifest_load(struct manifest *m, const struct repository *repo,
    const struct repository_entry *entry, struct ag_error *err) AG_MUST_USE;
void manifest_fini(struct manifest *m);

/* Open the sealed part.  AG_EFORGED when it does not. */
enum ag_status manifest_open(struct manifest_sealed *sealed,
    const struct manifest *m, const struct secret *key, const char *name,
    struct ag_error *err) AG_MUST_USE;
void manifest_sealed_fini(struct manifest_sealed *sealed);

#endif
