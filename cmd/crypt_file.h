/*
 * What the commands of `aegis crypt` read and write: a file that is opened,
 * and one that appears when it is whole.
 */
#ifndef AEGIS_CMD_CRYPT_FILE_H
#define AEGIS_CMD_CRYPT_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"
#include "base/whole_file.h"
#include "cmd/applet.h"
#include "crypto/age_armor.h"
#include "crypto/stream.h"

#define CRYPT_OUT_OPTIONS                                              \
	{ 'o', "out", "FILE", "where to write to (standard output)" }, \
	{                                                              \
		'f', "force", NULL, "replace FILE when it is there"    \
	}

struct crypt_source {
	int fd;
	const char *name;
	uint64_t begins; /* where a regular file was when it was opened */
	uint64_t len;    /* of a regular file, from there on */
	bool is_regular;
};

/* The operand, or standard input. */
enum ag_status crypt_source_open(struct crypt_source *s,
    const struct applet_call *call, struct ag_error *err) AG_MUST_USE;
void crypt_source_close(struct crypt_source *s);

/* A stream_source_fn of a source. */
enum ag_status crypt_source_get(void *source, uint8_t *out, size_t cap,
    size_t *len, struct ag_error *err) AG_MUST_USE;

/* So many bytes behind where a regular file was opened. */
enum ag_status crypt_source_seek(struct crypt_source *s, uint64_t at,
    struct ag_error *err) AG_MUST_USE;

struct crypt_sink {
	struct whole_file *file;        /* NULL: standard output */
	struct age_armor_writer *armor; /* NULL: none */
};

/* -o, or standard output; -a puts armor around it.  mode is of what is made. */
enum ag_status crypt_sink_open(struct crypt_sink *s,
    const struct applet_call *call, mode_t mode,
    struct ag_error *err) AG_MUST_USE;

/* A stream_sink_fn of a sink. */
enum ag_status crypt_sink_put(void *sink, struct bytes data,
    struct ag_error *err) AG_MUST_USE;

/* The file appears if status is AG_OK, else not; what came of it all. */
enum ag_status crypt_sink_close(struct crypt_sink *s, enum ag_status status,
    struct ag_error *err) AG_MUST_USE;

#endif
