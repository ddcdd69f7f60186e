/*
 * Every key the configuration may hold: its type, bounds, default and
 * meaning.  The parser, the reference and the example are made from it.
 *
 * Ownership  the table is constant.
 */
#ifndef AEGIS_CONFIG_SCHEMA_H
#define AEGIS_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum schema_kind {
	SCHEMA_TEXT,
	SCHEMA_NAME,     /* letters, digits, - _ . ; may be empty */
	SCHEMA_PATH,     /* relative ones are taken from the file's folder */
	SCHEMA_ADDRESS,  /* HOST:PORT; may be empty */
	SCHEMA_COUNT,    /* least..most */
	SCHEMA_DURATION, /* least..most, in milliseconds */
	SCHEMA_SIZE,     /* least..most, in bytes */
	SCHEMA_MODE,     /* octal, least..most */
	SCHEMA_BOOL,
	SCHEMA_CHOICE, /* one of choices */
};

struct schema_key {
	const char *path; /* section.key */
	enum schema_kind kind;
	uint64_t least;
	uint64_t most;
	const char *choices;  /* separated by '|' */
	const char *value;    /* default, as written in the file */
	const char *variable; /* environment; NULL: AEGIS_SECTION_KEY */
	bool is_secret;       /* shown as *** */
	bool is_reloadable;
	const char *doc; /* whole sentences */
};

extern const struct schema_key schema_keys[];
extern const size_t schema_count;

/* Index of a key, or -1. */
int schema_find(const char *path);

/* Whether some key is below path ("net" for net.listen). */
bool schema_is_section(const char *path);

/* The known path nearest to a mistyped one, or NULL. */
const char *schema_nearest(const char *path);

/*
 * Check text against key and convert it: *number is the count, bytes,
 * milliseconds, mode or truth.  AG_EINVAL with what was expected in err:
 * "'30' is not a duration such as 500ms or 30s".
 */
enum ag_status schema_convert(const struct schema_key *key, const char *text,
    uint64_t *number, struct ag_error *err) AG_MUST_USE;

#define SCHEMA_RANGE_BYTES 96

/* "duration 50ms..1m", "debug|info|warn|error". */
void schema_describe(const struct schema_key *key,
    char out[static SCHEMA_RANGE_BYTES]);

/* The variable a key is read from. */
void schema_variable(const struct schema_key *key, char out[static 64]);

#endif
