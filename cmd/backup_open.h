/*
 * What the backup commands share: the repository, keys and rosters that
 * options name, rows about backups, and progress on a terminal.
 */
#ifndef AEGIS_CMD_BACKUP_OPEN_H
#define AEGIS_CMD_BACKUP_OPEN_H

#include <stdbool.h>
#include <stdint.h>

#include "backup/manifest.h"
#include "backup/repository.h"
#include "base/status.h"
#include "cmd/applet.h"
#include "cmd/output.h"
#include "crypto/secret.h"
#include "trust/roster.h"

extern const struct output_column backup_open_columns[];

/* Of --repo; AG_EINVAL when it was not given. */
enum ag_status backup_open_repository(struct repository **repo,
    const struct applet_call *call, bool create,
    struct ag_error *err) AG_MUST_USE;

/* Of --identity, asking for a passphrase if need be; NULL when not given. */
enum ag_status backup_open_key(struct secret **key,
    const struct applet_call *call, struct ag_error *err) AG_MUST_USE;

/* The bytes of that file, which backup_open_roster() could read; none without
 * --roster. */
enum ag_status backup_open_rosters(struct buf *rosters,
    const struct applet_call *call, struct ag_error *err) AG_MUST_USE;

/* Of --roster; NULL when not given.  The caller frees it. */
enum ag_status backup_open_roster(struct roster **roster,
    const struct applet_call *call, struct ag_error *err) AG_MUST_USE;

void backup_open_row(struct output *out, const struct repository_entry *entry,
    const struct manifest *m);

/* One row, alone. */
int backup_open_tell(const struct applet_call *call,
    const struct repository_entry *entry, const struct manifest *m);

/* bytes is 0 when nobody knows how many there will be. */
void backup_open_progress(void *call, uint64_t done, uint64_t bytes);
void backup_open_progress_end(const struct applet_call *call);

#endif
