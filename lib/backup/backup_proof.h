/*
 * Is a snapshot the state that a cluster's members certified?
 */
#ifndef AEGIS_BACKUP_BACKUP_PROOF_H
#define AEGIS_BACKUP_BACKUP_PROOF_H

#include "base/status.h"
#include "store/snapshot.h"
#include "trust/roster.h"

/* AG_EFORGED with why not.  The roster is only read. */
enum ag_status backup_proof_check(const struct snapshot_info *info,
    struct roster *roster, struct ag_error *err) AG_MUST_USE;

#endif
