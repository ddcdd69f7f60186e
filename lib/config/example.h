/*
 * A configuration file with every key explained, made from the schema.
 */
#ifndef AEGIS_CONFIG_EXAMPLE_H
#define AEGIS_CONFIG_EXAMPLE_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/status.h"

/* A key that is to be set, and not only shown with its default. */
struct example_setting {
	const char *path;
	const char *value;
};

/*
 * Append the file to out: settings are written out, every other key stands
 * as a comment with its default.  config_parse() accepts the result.
 */
enum ag_status example_write(struct buf *out,
    const struct example_setting *settings, size_t count) AG_MUST_USE;

#endif
