/*
 * Looking through a repository's directories; for backup/repository.c.
 */
#ifndef AEGIS_BACKUP_REPOSITORY_SCAN_H
#define AEGIS_BACKUP_REPOSITORY_SCAN_H

#include "base/status.h"

/* AG_EREFUSED when dir holds what no unfinished repository does. */
enum ag_status repository_scan_vacant(const char *dir,
    struct ag_error *err) AG_MUST_USE;

/* Remove the files in dir. */
enum ag_status repository_scan_clear(const char *dir,
    struct ag_error *err) AG_MUST_USE;

#endif
