/*
 * A SQLite VFS that asks base/fs.h's fault function before each call that
 * can lose something, so that one counter covers our files and SQLite's.
 */
#ifndef AEGIS_TESTS_FAULT_VFS_H
#define AEGIS_TESTS_FAULT_VFS_H

/* Make it the default; once, before any database is opened. */
void vfs_install(void);

#endif
