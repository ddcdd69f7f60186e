/*
 * YAML, by libyaml's events.
 *
 * RULES    1. Everything is bounded: the document, its depth, how many keys
 *             it has, and how often aliases are used.  Only scalars may be
 *             anchored, so an alias cannot multiply anything.
 *          2. A key twice in one mapping is a problem, whichever value it
 *             has the second time.
 *          3. After a syntax error nothing more can be said; after any other
 *             problem reading goes on, so that all are told at once.
 */
#include "config/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

struct anchor {
	char *name;
	char *value;
};

struct document {
	yaml_parser_t parser;
	yaml_event_t event; /* the current one */
	const struct document_reader *reader;
	struct bytes text;
	char *seen[DOCUMENT_KEYS_MAX];
	size_t seen_count;
	struct anchor anchors[DOCUMENT_ALIASES_MAX];
	size_t anchor_count;
	size_t alias_count;
	bool broken; /* no more events can be had */
};

static struct document_mark
document_mark_of(yaml_mark_t mark)
{
	return (struct document_mark){ mark.line + 1, mark.column + 1 };
}

static struct document_mark
document_here(const struct document *d)
{
	return document_mark_of(d->event.start_mark);
}

static void
document_problem(struct document *d, struct document_mark mark,
    const char *path, const char *text)
{
	d->reader->problem(d->reader->arg, mark, path, text);
}

/* A problem past which nothing can be read. */
static void
document_break(struct document *d, struct document_mark mark, const char *text)
{
	if (!d->broken)
		document_problem(d, mark, "", text);
	d->broken = true;
}

/* Where parsing failed.  For bytes that are no text libyaml has an offset. */
static struct document_mark
document_failed_at(const struct document *d)
{
	struct document_mark mark = { 1, 1 };

	if (d->parser.error != YAML_READER_ERROR)
		return document_mark_of(d->parser.problem_mark);
	for (size_t i = 0; i < d->text.len && i < d->parser.problem_offset;
	     i++) {
		bool ends = d->text.data[i] == '\n';

		mark.line += ends;
		mark.column = ends ? 1 : mark.column + 1;
	}
	return mark;
}

/* Go to the next event; false when there is none to be had. */
static bool
document_next(struct document *d)
{
	char text[256];

	yaml_event_delete(&d->event);
	memset(&d->event, 0, sizeof(d->event));
	if (d->broken)
		return false;
	if (yaml_parser_parse(&d->parser, &d->event))
		return true;
	(void)snprintf(text, sizeof(text), "%s%s%s",
	    d->parser.problem != NULL ? d->parser.problem : "cannot be read",
	    d->parser.context != NULL ? " " : "",
	    d->parser.context != NULL ? d->parser.context : "");
	document_break(d, document_failed_at(d), text);
	return false;
}

/* Skip what began with the current event, nested parts included. */
static void
document_skip(struct document *d)
{
	size_t depth = 0;

	do {
		if (d->event.type == YAML_MAPPING_START_EVENT ||
		    d->event.type == YAML_SEQUENCE_START_EVENT)
			depth++;
		else if (d->event.type == YAML_MAPPING_END_EVENT ||
		    d->event.type == YAML_SEQUENCE_END_EVENT)
			depth--;
	} while (depth > 0 && document_next(d));
}

/* The current scalar's text; NULL, after saying so, when it holds a NUL. */
static const char *
document_scalar(struct document *d, const char *path)
{
	const char *text = (const char *)d->event.data.scalar.value;

	if (memchr(text, 0, d->event.data.scalar.length) == NULL)
		return text;
	document_problem(d, document_here(d), path, "holds a zero byte");
	return NULL;
}

/* Remember path; false when it was there before. */
static bool
document_see(struct document *d, const char *path)
{
	for (size_t i = 0; i < d->seen_count; i++) {
		if (strcmp(d->seen[i], path) == 0)
			return false;
	}
	if (d->seen_count == DOCUMENT_KEYS_MAX) {
		document_break(d, document_here(d), "too many keys");
		return true;
	}
	d->seen[d->seen_count] = strdup(path);
	if (d->seen[d->seen_count] == NULL)
		document_break(d, document_here(d), "out of memory");
	else
		d->seen_count++;
	return true;
}

static void
document_anchor(struct document *d, const char *name, const char *value)
{
	struct anchor *anchor = &d->anchors[d->anchor_count];

	if (d->anchor_count == DOCUMENT_ALIASES_MAX) {
		document_break(d, document_here(d), "too many anchors");
		return;
	}
	anchor->name = strdup(name);
	anchor->value = strdup(value);
	d->anchor_count++;
	if (anchor->name == NULL || anchor->value == NULL)
		document_break(d, document_here(d), "out of memory");
}

/* The latest anchor of a name counts. */
static const char *
document_alias(struct document *d, const char *path)
{
	const char *name = (const char *)d->event.data.alias.anchor;

	if (++d->alias_count > DOCUMENT_ALIASES_MAX) {
		document_break(d, document_here(d), "too many aliases");
		return NULL;
	}
	for (size_t i = d->anchor_count; i-- > 0;) {
		if (strcmp(d->anchors[i].name, name) == 0)
			return d->anchors[i].value;
	}
	document_problem(d, document_here(d), path,
	    "alias of something that is not a scalar above it");
	return NULL;
}

static void document_mapping(struct document *d, const char *path,
    size_t depth);

static void
document_value(struct document *d, const char *path, size_t depth)
{
	const struct document_reader *reader = d->reader;
	struct document_mark mark = document_here(d);
	const char *text;

	switch (d->event.type) {
	case YAML_SCALAR_EVENT:
		text = document_scalar(d, path);
		if (text != NULL && d->event.data.scalar.anchor != NULL)
			document_anchor(d,
			    (const char *)d->event.data.scalar.anchor, text);
		if (text != NULL && !d->broken)
			reader->scalar(reader->arg, mark, path, text);
		return;
	case YAML_ALIAS_EVENT:
		text = document_alias(d, path);
		if (text != NULL)
			reader->scalar(reader->arg, mark, path, text);
		return;
	case YAML_MAPPING_START_EVENT:
		if (!reader->enter(reader->arg, mark, path))
			document_skip(d);
		else if (depth == DOCUMENT_DEPTH_MAX)
			document_break(d, mark, "nested too deeply");
		else
			document_mapping(d, path, depth + 1);
		return;
	case YAML_SEQUENCE_START_EVENT:
		document_problem(d, mark, path, "a list is not expected here");
		document_skip(d);
		return;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
	default:
		document_break(d, mark, "cannot be read");
	}
}

/* path.key into out; false when it does not fit or the key is no scalar. */
static bool
document_key(struct document *d, const char *path,
    char out[static DOCUMENT_PATH_BYTES])
{
	const char *key;
	int len;

	if (d->event.type != YAML_SCALAR_EVENT) {
		document_problem(d, document_here(d), path,
		    "a key must be plain text");
		document_skip(d);
		return false;
	}
	key = document_scalar(d, path);
	if (key == NULL)
		return false;
	len = snprintf(out, DOCUMENT_PATH_BYTES, "%s%s%s", path,
	    path[0] != '\0' ? "." : "", key);
	if (len >= 0 && len < DOCUMENT_PATH_BYTES)
		return true;
	document_problem(d, document_here(d), path, "a key is too long");
	return false;
}

/* The current event began the mapping at path. */
static void
document_mapping(struct document *d, const char *path, size_t depth)
{
	char below[DOCUMENT_PATH_BYTES];

	while (document_next(d) && d->event.type != YAML_MAPPING_END_EVENT) {
		struct document_mark mark = document_here(d);
		bool usable = document_key(d, path, below);
		bool fresh = !usable || document_see(d, below);

		if (!document_next(d))
			return;
		if (usable && fresh) {
			document_value(d, below, depth);
			continue;
		}
		if (!fresh)
			document_problem(d, mark, below,
			    "is given a second time");
		document_skip(d);
	}
}

static void
document_root(struct document *d)
{
	if (!document_next(d) || d->event.type != YAML_STREAM_START_EVENT ||
	    !document_next(d) || d->event.type != YAML_DOCUMENT_START_EVENT ||
	    !document_next(d))
		return;
	if (d->event.type == YAML_MAPPING_START_EVENT)
		document_mapping(d, "", 0);
	else if (d->event.type == YAML_SCALAR_EVENT &&
	    d->event.data.scalar.length == 0)
		return; /* nothing but comments */
	else
		document_break(d, document_here(d),
		    "expected sections, each with its keys");
	if (document_next(d) && document_next(d) &&
	    d->event.type == YAML_DOCUMENT_START_EVENT)
		document_break(d, document_here(d),
		    "a second document is not expected");
}

static void
document_free(struct document *d)
{
	yaml_event_delete(&d->event);
	yaml_parser_delete(&d->parser);
	for (size_t i = 0; i < d->seen_count; i++)
		free(d->seen[i]);
	for (size_t i = 0; i < d->anchor_count; i++) {
		free(d->anchors[i].name);
		free(d->anchors[i].value);
	}
	free(d);
}

enum ag_status
document_read(struct bytes text, const struct document_reader *reader)
{
	struct document_mark start = { 1, 1 };
	struct document *d;
	bool broken;

	if (text.len > DOCUMENT_BYTES_MAX) {
		reader->problem(reader->arg, start, "", "is larger than 1MiB");
		return AG_EINVAL;
	}
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return AG_ENOMEM;
	if (!yaml_parser_initialize(&d->parser)) {
		free(d);
		return AG_ENOMEM;
	}
	d->reader = reader;
	d->text = text;
	yaml_parser_set_input_string(&d->parser,
	    text.data != NULL ? text.data : (const uint8_t *)"", text.len);
	document_root(d);
	broken = d->broken;
	document_free(d);
	return broken ? AG_EINVAL : AG_OK;
}
