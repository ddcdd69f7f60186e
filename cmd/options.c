/*
 * The option parser.
 *
 * getopt_long(3) would accept any unique beginning of a long name and print
 * its own messages; both are wrong here, and the rest is this short.
 */
#include "cmd/options.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "config/unit.h"

void
options_add_table(struct options *o, const struct applet_option *table)
{
	if (table == NULL)
		return;
	AG_ASSERT(o->table_count < OPTIONS_TABLES_MAX);
	o->tables[o->table_count++] = table;
}

void
options_fini(struct options *o)
{
	free(o->given);
	*o = (struct options){ 0 };
}

static const struct applet_option *
options_find_letter(const struct options *o, char letter)
{
	for (size_t i = 0; i < o->table_count; i++) {
		const struct applet_option *option = o->tables[i];

		for (; option->name != NULL; option++) {
			if (option->letter == letter)
				return option;
		}
	}
	return NULL;
}

static const struct applet_option *
options_find_name(const struct options *o, const char *name, size_t len)
{
	for (size_t i = 0; i < o->table_count; i++) {
		const struct applet_option *option = o->tables[i];

		for (; option->name != NULL; option++) {
			if (strlen(option->name) == len &&
			    memcmp(option->name, name, len) == 0)
				return option;
		}
	}
	return NULL;
}

static enum ag_status
options_give(struct options *o, const struct applet_option *option,
    const char *value, struct ag_error *err)
{
	struct options_given *more;

	more = realloc(o->given, (o->given_count + 1) * sizeof(*more));
	if (more == NULL)
		return ag_fail(err, AG_ENOMEM, "out of memory");
	o->given = more;
	o->given[o->given_count++] = (struct options_given){ option, value };
	return AG_OK;
}

static enum ag_status
options_unknown_name(const struct options *o, const char *name, size_t len,
    struct ag_error *err)
{
	char word[64];
	struct nearest search;

	if (len >= sizeof(word))
		return ag_fail(err, AG_EINVAL, "unknown option --%.40s...",
		    name);
	memcpy(word, name, len);
	word[len] = '\0';
	nearest_init(&search, word);
	for (size_t i = 0; i < o->table_count; i++) {
		const struct applet_option *option = o->tables[i];

		for (; option->name != NULL; option++)
			nearest_offer(&search, option->name);
	}
	if (search.best != NULL)
		return ag_fail(err, AG_EINVAL,
		    "unknown option --%s; did you mean --%s?", word,
		    search.best);
	return ag_fail(err, AG_EINVAL, "unknown option --%s", word);
}

/* text is what follows "--"; *next is the argument after it. */
static enum ag_status
options_parse_long(struct options *o, const char *text, char ***next,
    char **end, struct ag_error *err)
{
	size_t len = strcspn(text, "=");
	const struct applet_option *option = options_find_name(o, text, len);

	if (option == NULL)
		return options_unknown_name(o, text, len, err);
	if (option->arg == NULL && text[len] == '=')
		return ag_fail(err, AG_EINVAL, "option --%s takes no value",
		    option->name);
	if (option->arg == NULL)
		return options_give(o, option, "", err);
	if (text[len] == '=')
		return options_give(o, option, text + len + 1, err);
	if (*next == end)
		return ag_fail(err, AG_EINVAL, "option --%s needs a %s",
		    option->name, option->arg);
	return options_give(o, option, *(*next)++, err);
}

/* text is what follows "-": one letter or more. */
static enum ag_status
options_parse_letters(struct options *o, const char *text, char ***next,
    char **end, struct ag_error *err)
{
	for (; *text != '\0'; text++) {
		const struct applet_option *option =
		    options_find_letter(o, *text);
		enum ag_status status;

		if (option == NULL)
			return ag_fail(err, AG_EINVAL, "unknown option -%c",
			    *text);
		if (option->arg != NULL && text[1] != '\0')
			return options_give(o, option, text + 1, err);
		if (option->arg != NULL && *next == end)
			return ag_fail(err, AG_EINVAL, "option -%c needs a %s",
			    *text, option->arg);
		if (option->arg != NULL)
			return options_give(o, option, *(*next)++, err);
		status = options_give(o, option, "", err);
		if (status != AG_OK)
			return status;
	}
	return AG_OK;
}

enum ag_status
options_parse(struct options *o, enum options_order order, char **argv,
    size_t argc, size_t *operand_count, struct ag_error *err)
{
	char **next = argv;
	char **end = argv + argc;
	bool only_operands = false;

	*operand_count = 0;
	while (next != end) {
		char *word = *next++;
		enum ag_status status = AG_OK;

		if (only_operands || word[0] != '-' || word[1] == '\0') {
			argv[(*operand_count)++] = word;
			only_operands =
			    only_operands || order == OPTIONS_STOP_AT_OPERAND;
		} else if (strcmp(word, "--") == 0) {
			only_operands = true;
		} else if (word[1] == '-') {
			status =
			    options_parse_long(o, word + 2, &next, end, err);
		} else {
			status =
			    options_parse_letters(o, word + 1, &next, end, err);
		}
		if (status != AG_OK)
			return status;
	}
	return AG_OK;
}

size_t
options_count(const struct options *o, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < o->given_count; i++) {
		if (strcmp(o->given[i].option->name, name) == 0)
			count++;
	}
	return count;
}

bool
options_has(const struct options *o, const char *name)
{
	return options_count(o, name) != 0;
}

const char *
options_text_at(const struct options *o, const char *name, size_t i)
{
	for (size_t j = 0; j < o->given_count; j++) {
		if (strcmp(o->given[j].option->name, name) != 0)
			continue;
		if (i-- == 0)
			return o->given[j].value;
	}
	return NULL;
}

const char *
options_text(const struct options *o, const char *name)
{
	size_t count = options_count(o, name);

	return count == 0 ? NULL : options_text_at(o, name, count - 1);
}

enum ag_status
options_count_value(const struct options *o, const char *name, uint64_t least,
    uint64_t most, uint64_t *out, struct ag_error *err)
{
	const char *text = options_text(o, name);
	uint64_t value;

	if (text == NULL)
		return AG_OK;
	if (unit_parse_count(text, &value) != AG_OK || value < least ||
	    value > most)
		return ag_fail(err, AG_EINVAL,
		    "option --%s: '%s' is not a number from %" PRIu64
		    " to %" PRIu64,
		    name, text, least, most);
	*out = value;
	return AG_OK;
}

enum ag_status
options_duration_ms(const struct options *o, const char *name, uint64_t *out,
    struct ag_error *err)
{
	const char *text = options_text(o, name);
	uint64_t value;

	if (text == NULL)
		return AG_OK;
	if (unit_parse_duration(text, &value) != AG_OK)
		return ag_fail(err, AG_EINVAL,
		    "option --%s: '%s' is not a duration such as 500ms or 30s",
		    name, text);
	*out = value;
	return AG_OK;
}

enum ag_status
options_size(const struct options *o, const char *name, uint64_t *out,
    struct ag_error *err)
{
	const char *text = options_text(o, name);
	uint64_t value;

	if (text == NULL)
		return AG_OK;
	if (unit_parse_size(text, &value) != AG_OK)
		return ag_fail(err, AG_EINVAL,
		    "option --%s: '%s' is not a size such as 64MiB", name,
		    text);
	*out = value;
	return AG_OK;
}
