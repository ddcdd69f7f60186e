/*
 * Files that appear when they are whole: what is written has no name until
 * then, and vanishes with whoever does not get so far.
 *
 * Ownership  _open() hands out, _finish() and _drop() take back.
 * Threads    one at a time per file.
 */
#ifndef AEGIS_BASE_WHOLE_FILE_H
#define AEGIS_BASE_WHOLE_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/status.h"

struct whole_file;

/*
 * AG_EEXIST  without replace, path is there; _finish() may find so, too
 */
enum ag_status whole_file_open(struct whole_file **out, const char *path,
    mode_t mode, bool replace, struct ag_error *err) AG_MUST_USE;

enum ag_status whole_file_put(struct whole_file *file, struct bytes data,
    struct ag_error *err) AG_MUST_USE;

/* Give it its name.  It is freed, also when that fails and nothing is there. */
enum ag_status whole_file_finish(struct whole_file *file,
    struct ag_error *err) AG_MUST_USE;
void whole_file_drop(struct whole_file *file);

#endif
