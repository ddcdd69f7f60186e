/*
 * The file system, as the durable parts of AEGIS are allowed to touch it.
 *
 * Every call that can lose a promise goes through here: writes, syncs,
 * renames, unlinks.  Tests install a fault function and fail the n-th one.
 *
 * Ownership  descriptors are the caller's.
 * Threads    fs_fault_set() before threads start; the rest from any.
 */
#ifndef AEGIS_BASE_FS_H
#define AEGIS_BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/status.h"

enum fs_op {
	FS_OPEN,
	FS_READ,
	FS_WRITE,
	FS_SYNC,
	FS_RENAME,
	FS_UNLINK,
	FS_MKDIR,
	FS_TRUNCATE,
};

/* Return 0 to let the call through, or an errno to fail it with. */
typedef int fs_fault_fn(void *arg, enum fs_op op, const char *path);
void fs_fault_set(fs_fault_fn *fault, void *arg);

/* Ask the fault function from code that writes by other means (SQLite). */
int fs_fault_check(enum fs_op op, const char *path);

/* open(2) with O_CLOEXEC added. */
enum ag_status fs_open(int *fd, const char *path, int flags, mode_t mode,
    struct ag_error *err) AG_MUST_USE;
enum ag_status fs_write_at(int fd, const char *path, struct bytes data,
    uint64_t offset, struct ag_error *err) AG_MUST_USE;
enum ag_status fs_write(int fd, const char *path, struct bytes data,
    struct ag_error *err) AG_MUST_USE;

/* Read up to cap bytes at offset; *len < cap only at the end of the file. */
enum ag_status fs_read_at(int fd, const char *path, void *out, size_t cap,
    uint64_t offset, size_t *len, struct ag_error *err) AG_MUST_USE;

/* fdatasync(2).  After a failure the file's contents are unknown: stop. */
enum ag_status fs_sync(int fd, const char *path,
    struct ag_error *err) AG_MUST_USE;
enum ag_status fs_sync_dir(const char *path, struct ag_error *err) AG_MUST_USE;

/* Sync the directory that path is in: what was made there keeps its name. */
enum ag_status fs_sync_parent(const char *path,
    struct ag_error *err) AG_MUST_USE;
enum ag_status fs_rename(const char *from, const char *to,
    struct ag_error *err) AG_MUST_USE;
enum ag_status fs_unlink(const char *path, struct ag_error *err) AG_MUST_USE;
enum ag_status fs_truncate(int fd, const char *path, uint64_t len,
    struct ag_error *err) AG_MUST_USE;

/* Make one directory, 0700; AG_EEXIST if anything has the name. */
enum ag_status fs_mkdir(const char *path, struct ag_error *err) AG_MUST_USE;

/*
 * Replace or create a whole file so that after a crash it holds the old or
 * the new contents: write beside it, sync, rename, sync the directory.  What
 * is beside it as path.new is a crash's, and goes.
 */
enum ag_status fs_write_file(const char *path, mode_t mode, struct bytes data,
    struct ag_error *err) AG_MUST_USE;

/* Create a file that must not exist yet; written and synced. */
enum ag_status fs_create_file(const char *path, mode_t mode, struct bytes data,
    struct ag_error *err) AG_MUST_USE;

/* The whole of a regular file into out; AG_ELIMIT when over out's max. */
enum ag_status fs_read_file(const char *path, struct buf *out,
    struct ag_error *err) AG_MUST_USE;

bool fs_exists(const char *path);

/* dir/name into out.  AG_ELIMIT when it does not fit. */
enum ag_status fs_join(char *out, size_t cap, const char *dir, const char *name,
    struct ag_error *err) AG_MUST_USE;

#endif
