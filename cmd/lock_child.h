/*
 * The command that runs while a lock is had.
 */
#ifndef AEGIS_CMD_LOCK_CHILD_H
#define AEGIS_CMD_LOCK_CHILD_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"

/*
 * Run a command with AEGIS_LOCK_KEY and AEGIS_LOCK_REVISION in its environment
 * and these signals blocked.  It is killed when this process dies before it.
 * AG_ESYS it can not be run; err has the number that says why
 */
enum ag_status lock_child_start(pid_t *pid, char *const *argv, const char *key,
    uint64_t revision, const sigset_t *mask, struct ag_error *err) AG_MUST_USE;

/* What a shell would exit with: the command's code, or 128 and the signal. */
int lock_child_code(int wait_status);

#endif
