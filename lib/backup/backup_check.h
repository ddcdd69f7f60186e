/*
 * Verifying and restoring backups.
 */
#ifndef AEGIS_BACKUP_BACKUP_CHECK_H
#define AEGIS_BACKUP_BACKUP_CHECK_H

#include <stdint.h>

#include "backup/manifest.h"
#include "backup/repository.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "trust/roster.h"

struct backup_check {
	const struct repository *repo;
	const struct secret *key; /* NULL: without opening anything */
	/* A first roster's text, or a chain that has that of the backup's
	 * epoch; empty: the roster inside alone. */
	struct bytes rosters;
	const char *rosters_name;
	void (*progress)(void *arg, uint64_t done, uint64_t bytes);
	void *arg;
};

/*
 * Check one backup; *m (may be NULL) is then its envelope, for the caller to
 * manifest_fini().  Errors name the file.
 *
 * AG_ECORRUPT  a file is missing or not what it was
 * AG_EFORGED   whole, but not certified by its cluster's members
 * AG_EDENIED   sealed for another key
 */
enum ag_status backup_check_one(const struct backup_check *check,
    const struct repository_entry *entry, struct manifest *m,
    struct ag_error *err) AG_MUST_USE;

/*
 * Does each manifest name the one before it?  Without any key this finds
 * backups that were taken away, but for the oldest and the newest.
 */
enum ag_status backup_check_chain(const struct repository *repo,
    const struct repository_list *list, struct ag_error *err) AG_MUST_USE;

/*
 * Check, and write to dir, which must not exist: state/, roster.restored and
 * restored (backup/restored.h).  On failure nothing is left of it.
 */
enum ag_status backup_check_restore(const struct backup_check *check,
    const struct repository_entry *entry, const char *dir, struct manifest *m,
    struct ag_error *err) AG_MUST_USE;

#endif
