/*
 * Making a backup: a snapshot's stream in, a certified and sealed copy in
 * the repository out.
 *
 * Ownership  backup_writer_open() hands out, backup_writer_close() takes
 *            back; the plan's parts must outlive it.
 * Threads    one at a time.
 */
#ifndef AEGIS_BACKUP_BACKUP_WRITER_H
#define AEGIS_BACKUP_BACKUP_WRITER_H

#include <stdint.h>

#include "backup/manifest.h"
#include "backup/repository.h"
#include "base/bytes.h"
#include "base/status.h"
#include "trust/roster.h"

struct backup_writer;

struct backup_plan {
	struct repository *repo; /* locked */
	const uint8_t *recipient;
	struct roster *roster;
	uint32_t pack_bytes; /* 0: PACK_BYTES_TARGET */
};

enum ag_status backup_writer_open(struct backup_writer **out,
    const struct backup_plan *plan, struct ag_error *err) AG_MUST_USE;
enum ag_status backup_writer_put(struct backup_writer *w, struct bytes piece,
    struct ag_error *err) AG_MUST_USE;

/*
 * The stream has ended: check it against the roster and commit.  On success
 * *m (borrowed until close) is what the backup is, and *entry its name.
 * AG_EFORGED   not certified by the roster's members
 * AG_ECORRUPT  damaged or cut short
 */
enum ag_status backup_writer_finish(struct backup_writer *w,
    const struct manifest **m, struct repository_entry *entry,
    struct ag_error *err) AG_MUST_USE;

/* Without a finish, what was written is removed. */
void backup_writer_close(struct backup_writer *w);

#endif
