/*
 * What of a folder's files survives when the power fails: each file's bytes
 * as they were at its last sync, and nothing of a file that never had one.
 * Names are kept, as a journal keeps them.
 *
 * Ownership  disk_watch() to disk_forget(); one folder at a time.
 * Threads    one.
 */
#ifndef AEGIS_TESTS_FAULT_DISK_H
#define AEGIS_TESTS_FAULT_DISK_H

/* A call to sync path is let through: remember what it makes durable. */
void disk_synced(const char *path);

/* A call to remove path is let through: its inode may be another's soon. */
void disk_removed(const char *path);

/* The power fails: every file below root, one folder deep, goes back. */
void disk_cut_power(const char *root);

void disk_forget(void);

#endif
