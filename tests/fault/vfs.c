/*
 * The faulting VFS: the system's own, with a question before each call.
 *
 * A refused write is torn: the sectors before its middle are written.
 */
#include "fault/vfs.h"

#include <errno.h>
#include <string.h>

#include <sqlite3.h>

#include "base/fs.h"
#include "base/status.h"

#define SECTOR_BYTES 512

struct fault_file {
	sqlite3_file base;
	const char *path;
	sqlite3_file *real; /* follows this in memory */
};

static sqlite3_vfs *real_vfs;
static sqlite3_vfs fault_vfs;

static sqlite3_file *
real_of(sqlite3_file *file)
{
	return ((struct fault_file *)(void *)file)->real;
}

static int
refused(sqlite3_file *file, enum fs_op op)
{
	const char *path = ((struct fault_file *)(void *)file)->path;

	return fs_fault_check(op, path == NULL ? "(temporary)" : path);
}

static int
file_close(sqlite3_file *file)
{
	sqlite3_file *real = real_of(file);

	return real->pMethods == NULL ? SQLITE_OK
				      : real->pMethods->xClose(real);
}

static int
file_read(sqlite3_file *file, void *out, int len, sqlite3_int64 at)
{
	return real_of(file)->pMethods->xRead(real_of(file), out, len, at);
}

static int
file_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 at)
{
	sqlite3_file *real = real_of(file);
	int fault = refused(file, FS_WRITE);
	int torn = len / 2 / SECTOR_BYTES * SECTOR_BYTES;

	if (fault == 0)
		return real->pMethods->xWrite(real, data, len, at);
	if (torn > 0)
		(void)real->pMethods->xWrite(real, data, torn, at);
	return fault == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int
file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	if (refused(file, FS_TRUNCATE) != 0)
		return SQLITE_IOERR_TRUNCATE;
	return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int
file_sync(sqlite3_file *file, int flags)
{
	if (refused(file, FS_SYNC) != 0)
		return SQLITE_IOERR_FSYNC;
	return real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int
file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int
file_lock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int
file_unlock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int
file_check_lock(sqlite3_file *file, int *out)
{
	return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int
file_control(sqlite3_file *file, int op, void *arg)
{
	return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int
file_sector_size(sqlite3_file *file)
{
	return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int
file_traits(sqlite3_file *file)
{
	return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int
file_shm_map(sqlite3_file *file, int page, int size, int extend,
    void volatile **out)
{
	return real_of(file)->pMethods->xShmMap(real_of(file), page, size,
	    extend, out);
}

static int
file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return real_of(file)->pMethods->xShmLock(real_of(file), offset, n,
	    flags);
}

static void
file_shm_barrier(sqlite3_file *file)
{
	real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int
file_shm_unmap(sqlite3_file *file, int remove)
{
	return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_lock,
	.xFileControl = file_control,
	.xSectorSize = file_sector_size,
	.xDeviceCharacteristics = file_traits,
	.xShmMap = file_shm_map,
	.xShmLock = file_shm_lock,
	.xShmBarrier = file_shm_barrier,
	.xShmUnmap = file_shm_unmap,
};

static int
vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
    int *out_flags)
{
	struct fault_file *f = (struct fault_file *)(void *)file;

	(void)vfs;
	*f = (struct fault_file){ .path = path };
	f->real = (sqlite3_file *)(void *)(f + 1);
	f->real->pMethods = NULL;
	if (fs_fault_check(FS_OPEN, path == NULL ? "(temporary)" : path) != 0)
		return SQLITE_CANTOPEN;
	f->base.pMethods = &methods;
	return real_vfs->xOpen(real_vfs, path, f->real, flags, out_flags);
}

static int
vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_dir)
{
	(void)vfs;
	if (fs_fault_check(FS_UNLINK, path) != 0)
		return SQLITE_IOERR_DELETE;
	return real_vfs->xDelete(real_vfs, path, sync_dir);
}

void
vfs_install(void)
{
	real_vfs = sqlite3_vfs_find(NULL);
	AG_ASSERT(real_vfs != NULL);
	fault_vfs = *real_vfs;
	fault_vfs.zName = "fault";
	fault_vfs.pNext = NULL;
	fault_vfs.szOsFile =
	    (int)sizeof(struct fault_file) + real_vfs->szOsFile;
	fault_vfs.xOpen = vfs_open;
	fault_vfs.xDelete = vfs_delete;
	AG_ASSERT(sqlite3_vfs_register(&fault_vfs, 1) == SQLITE_OK);
}
