/*
 * A YAML document read as settings: paths, scalars and where they stand.
 *
 * Knows YAML and its bounds, nothing of keys: what a path may be is asked of
 * the caller.
 */
#ifndef AEGIS_CONFIG_DOCUMENT_H
#define AEGIS_CONFIG_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/status.h"

#define DOCUMENT_BYTES_MAX (1U << 20)
#define DOCUMENT_DEPTH_MAX 8
#define DOCUMENT_PATH_BYTES 256
#define DOCUMENT_ALIASES_MAX 64
#define DOCUMENT_KEYS_MAX 1024

struct document_mark {
	size_t line;   /* from 1 */
	size_t column; /* from 1 */
};

struct document_reader {
	void *arg;
	/* A scalar; value is NUL-terminated and borrowed. */
	void (*scalar)(void *arg, struct document_mark mark, const char *path,
	    const char *value);
	/* Whether a mapping may stand at path; false: it is skipped. */
	bool (*enter)(void *arg, struct document_mark mark, const char *path);
	/* Anything wrong; path may be "". */
	void (*problem)(void *arg, struct document_mark mark, const char *path,
	    const char *text);
};

/*
 * Read the whole document, reporting through reader as it goes.
 * AG_EINVAL when it could not be read to its end (told as a problem too).
 */
enum ag_status document_read(struct bytes text,
    const struct document_reader *reader) AG_MUST_USE;

#endif
