/*
 * A disk of 512-byte sectors below the calls of base/fs.c.
 *
 * What a call writes is seen by all who read, as in a page cache, and reaches
 * the disk only when it is synced, or by chance.  When the power fails each
 * sector that was not synced is there or not, whatever was written before or
 * after it; so are a file's length, its name, and names that were removed.
 * After a sync that failed the cache thinks its sectors clean: no later sync
 * brings them to the disk.
 *
 * Ownership  sectors_begin() to sectors_end(); one folder, with folders of
 *            small files in it, at a time.  It must be on a file system
 *            that gives no inode twice, such as one in memory.
 * Threads    one.
 */
#ifndef AEGIS_TESTS_FAULT_SECTORS_H
#define AEGIS_TESTS_FAULT_SECTORS_H

#include <stdbool.h>
#include <stdint.h>

enum sectors_trouble {
	SECTORS_FINE,
	SECTORS_POWER,      /* this call and all that follow fail; see below */
	SECTORS_FAILING,    /* this call fails, a write when it is half done */
	SECTORS_FULL,       /* the same, of writes, and all that follow */
	SECTORS_LOST,       /* this sync leaves a sector as it was */
	SECTORS_ELSEWHERE,  /* and writes it over another */
	SECTORS_UNREADABLE, /* this read fails, and all of the same place */
	SECTORS_FLIPPED,    /* it gives a wrong bit, each time */
	SECTORS_KINDS,
};

void sectors_begin(const char *root, uint64_t seed);
void sectors_end(void);

/*
 * From now on: let this happen in the call-th call of those that it can
 * happen in.
 */
void sectors_plan(enum sectors_trouble trouble, uint64_t call);

/* Has it happened? */
bool sectors_struck(void);

/* The power fails, and is there again. */
void sectors_cut_power(void);

#endif
