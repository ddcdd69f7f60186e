/*
 * The commented configuration file.
 *
 * config/aegis.yaml and what `aegis node init` writes both come from here,
 * so neither can fall behind the schema.
 */
#include "config/example.h"

#include <string.h>

#include "config/schema.h"

#define EXAMPLE_COLUMNS 76

static const char *
example_setting_of(const char *path, const struct example_setting *settings,
    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(settings[i].path, path) == 0)
			return settings[i].value;
	}
	return NULL;
}

/* doc as comment lines, wrapped between words. */
static enum ag_status
example_doc(struct buf *out, const char *doc)
{
	enum ag_status status = buf_printf(out, "  #");
	size_t column = 3;

	while (*doc != '\0' && status == AG_OK) {
		size_t len = strcspn(doc, " ");

		if (column + 1 + len > EXAMPLE_COLUMNS) {
			status = buf_printf(out, "\n  #");
			column = 3;
		}
		if (status == AG_OK)
			status = buf_printf(out, " %.*s", (int)len, doc);
		column += 1 + len;
		doc += len;
		doc += strspn(doc, " ");
	}
	return status == AG_OK ? buf_printf(out, "\n") : status;
}

/* In single quotes: within them only the quote itself is special. */
static enum ag_status
example_quoted(struct buf *out, const char *value)
{
	enum ag_status status = buf_printf(out, "'");

	for (; *value != '\0' && status == AG_OK; value++)
		status =
		    buf_printf(out, "%s%c", *value == '\'' ? "'" : "", *value);
	return status == AG_OK ? buf_printf(out, "'") : status;
}

static enum ag_status
example_value(struct buf *out, const char *value)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_./";

	if (value[0] != '\0' && value[0] != '-' &&
	    value[strspn(value, plain)] == '\0')
		return buf_printf(out, "%s", value);
	return example_quoted(out, value);
}

static enum ag_status
example_key(struct buf *out, const struct schema_key *key, const char *setting)
{
	const char *name = strchr(key->path, '.') + 1;
	char range[SCHEMA_RANGE_BYTES];
	enum ag_status status;

	schema_describe(key, range);
	status = example_doc(out, key->doc);
	if (status == AG_OK)
		status = buf_printf(out, "  # (%s%s)\n  %s%s: ", range,
		    key->is_reloadable ? "; reloadable" : "",
		    setting == NULL ? "#" : "", name);
	if (status == AG_OK)
		status =
		    example_value(out, setting != NULL ? setting : key->value);
	return status == AG_OK ? buf_printf(out, "\n") : status;
}

/* Whether key i opens a section. */
static bool
example_is_first(size_t i)
{
	size_t len = strcspn(schema_keys[i].path, ".") + 1;

	return i == 0 ||
	    strncmp(schema_keys[i].path, schema_keys[i - 1].path, len) != 0;
}

enum ag_status
example_write(struct buf *out, const struct example_setting *settings,
    size_t count)
{
	enum ag_status status;

	status = buf_printf(out,
	    "# AEGIS node configuration; aegis.yaml(5) explains it.\n"
	    "# Every key is here; those that begin with # show the default.\n"
	    "# Relative paths are taken from this file's folder.\n");
	for (size_t i = 0; i < schema_count && status == AG_OK; i++) {
		const struct schema_key *key = &schema_keys[i];

		if (example_is_first(i))
			status = buf_printf(out, "\n%.*s:\n",
			    (int)strcspn(key->path, "."), key->path);
		if (status == AG_OK)
			status = example_key(out, key,
			    example_setting_of(key->path, settings, count));
	}
	return status;
}
