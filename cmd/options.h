/*
 * Command-line options, parsed by table.
 *
 * Understood are -a, -ab, -a value, -avalue, --name, --name value,
 * --name=value, - as an operand and -- before operands that begin with a
 * dash.  Options may follow operands.  Long names are never abbreviated: a
 * script must not change its meaning when an option is added.
 *
 * Ownership  values and operands are borrowed from argv; options_fini()
 *            returns the rest.
 */
#ifndef AEGIS_CMD_OPTIONS_H
#define AEGIS_CMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* A table ends with an entry whose name is NULL. */
struct applet_option {
	char letter;      /* 0: long form only */
	const char *name; /* long form, without dashes */
	const char *arg;  /* what its value is called; NULL: takes none */
	const char *help; /* lower case, no stop */
};

#define OPTIONS_END                 \
	{                           \
		0, NULL, NULL, NULL \
	}

#define OPTIONS_TABLES_MAX 4

struct options_given {
	const struct applet_option *option;
	const char *value; /* "" for an option without argument */
};

struct options {
	/* Searched in order, so an earlier table wins a letter or name. */
	const struct applet_option *tables[OPTIONS_TABLES_MAX];
	size_t table_count;
	struct options_given *given;
	size_t given_count;
};

/* table may be NULL. */
void options_add_table(struct options *o, const struct applet_option *table);
void options_fini(struct options *o);

enum options_order {
	OPTIONS_STOP_AT_OPERAND, /* the first operand ends the options */
	OPTIONS_PERMUTE,
};

/*
 * Parse argv (without a program name), adding to what is given already.
 * Operands are moved to the front of argv in order; *operand_count says how
 * many.  With OPTIONS_STOP_AT_OPERAND everything from the first operand on
 * counts as one.  AG_EINVAL with a sentence for the user.
 */
enum ag_status options_parse(struct options *o, enum options_order order,
    char **argv, size_t argc, size_t *operand_count,
    struct ag_error *err) AG_MUST_USE;

bool options_has(const struct options *o, const char *name);

/* How many times it was given. */
size_t options_count(const struct options *o, const char *name);

/* The last value given, or NULL. */
const char *options_text(const struct options *o, const char *name);

/* The value of its i-th occurrence, or NULL. */
const char *options_text_at(const struct options *o, const char *name,
    size_t i);

/*
 * The last value, converted; *out is left alone when it was not given.
 * AG_EINVAL with a sentence naming option, value and what was expected.
 */
enum ag_status options_count_value(const struct options *o, const char *name,
    uint64_t least, uint64_t most, uint64_t *out,
    struct ag_error *err) AG_MUST_USE;
enum ag_status options_duration_ms(const struct options *o, const char *name,
    uint64_t *out, struct ag_error *err) AG_MUST_USE;
enum ag_status options_size(const struct options *o, const char *name,
    uint64_t *out, struct ag_error *err) AG_MUST_USE;

#endif
