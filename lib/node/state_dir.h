/*
 * The state's directory, replaced whole when a snapshot is installed.
 *
 * Threads  one at a time.
 */
#ifndef AEGIS_NODE_STATE_DIR_H
#define AEGIS_NODE_STATE_DIR_H

#include "base/status.h"

/* Put new_dir in dir's place and remove what was there. */
enum ag_status state_dir_swap(const char *dir, const char *new_dir,
    struct ag_error *err) AG_MUST_USE;

/* Finish or undo a swap that a crash cut short; before opening dir. */
enum ag_status state_dir_recover(const char *dir,
    struct ag_error *err) AG_MUST_USE;

/* Remove a directory of plain files; absent is fine. */
enum ag_status state_dir_remove(const char *dir,
    struct ag_error *err) AG_MUST_USE;

#endif
