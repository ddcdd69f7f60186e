/*
 * Exported entries out of a file or pipe, one after another.
 */
#ifndef AEGIS_CMD_IMPORT_SOURCE_H
#define AEGIS_CMD_IMPORT_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "client/export_entry.h"

struct import_source {
	const char *name;
	int fd;
	bool is_cbor;
	bool has_ended;  /* nothing more is to be read */
	uint64_t count;  /* entries, and lines, so far */
	struct buf data; /* read and not taken */
	size_t taken;    /* of data: the entry before */
	struct buf arena;
};

/* name "-": stdin.  Close it whatever comes of this. */
enum ag_status import_source_open(struct import_source *s, const char *name,
    bool is_cbor, struct ag_error *err) AG_MUST_USE;
void import_source_close(struct import_source *s);

/*
 * The next entry, good until the next call; *has_entry false: that was all.
 * A wrong one is AG_EINVAL, with where it is and why.
 */
enum ag_status import_source_next(struct import_source *s,
    struct export_entry *entry, bool *has_entry,
    struct ag_error *err) AG_MUST_USE;

#endif
