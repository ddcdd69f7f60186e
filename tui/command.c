/*
 * The command line behind ':'.
 *
 * RULES    1. One table: running, completing and the error's list read it.
 *          2. Screens are commands by their own names.
 */
#include "tui/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum view_request command_fn(struct view *v, const char *rest);

static enum view_request
run_quit(struct view *v AG_UNUSED, const char *rest AG_UNUSED)
{
	return VIEW_WANTS_QUIT;
}

static enum view_request
run_help(struct view *v, const char *rest AG_UNUSED)
{
	v->is_help = true;
	v->help_top = 0;
	return VIEW_WANTS_NOTHING;
}

static enum view_request
run_filter(struct view *v, const char *rest)
{
	struct ag_error err;

	if (table_filter_set(&v->filters[v->screen], rest, &err) != AG_OK)
		view_say(v, true, "%s", err.text);
	return VIEW_WANTS_NOTHING;
}

static enum view_request
run_write(struct view *v, const char *rest)
{
	if (rest[0] == '\0') {
		view_say(v, true, "write: name a file");
		return VIEW_WANTS_NOTHING;
	}
	(void)snprintf(v->path, sizeof(v->path), "%s", rest);
	return VIEW_WANTS_WRITE;
}

/* "250", "250ms", "2s", "1m" in milliseconds; 0 when it is none. */
static uint64_t
parse_interval(const char *text)
{
	char *end = NULL;
	unsigned long long value = strtoull(text, &end, 10);

	if (end == text || text[0] == '-' || value > VIEW_INTERVAL_MAX_MS)
		return 0;
	if (strcmp(end, "s") == 0)
		value *= 1000;
	else if (strcmp(end, "m") == 0)
		value *= 60000;
	else if (*end != '\0' && strcmp(end, "ms") != 0)
		return 0;
	return value;
}

static enum view_request
run_interval(struct view *v, const char *rest)
{
	uint64_t ms = parse_interval(rest);

	if (ms < VIEW_INTERVAL_MIN_MS || ms > VIEW_INTERVAL_MAX_MS)
		view_say(v, true, "set interval: from 250ms to 60s");
	else
		v->interval_ms = ms;
	return VIEW_WANTS_NOTHING;
}

static enum view_request
run_theme(struct view *v, const char *rest)
{
	if (strcmp(rest, "auto") != 0 && strcmp(rest, "mono") != 0) {
		view_say(v, true, "set theme: auto or mono");
		return VIEW_WANTS_NOTHING;
	}
	(void)snprintf(v->theme, sizeof(v->theme), "%s", rest);
	return VIEW_WANTS_THEME;
}

static enum view_request
run_pause(struct view *v, const char *rest AG_UNUSED)
{
	v->is_paused = !v->is_paused;
	return VIEW_WANTS_NOTHING;
}

static const struct {
	const char *name;
	command_fn *run; /* NULL: the name of a screen */
} commands[] = {
	{ "alerts", NULL },
	{ "consensus", NULL },
	{ "filter", run_filter },
	{ "help", run_help },
	{ "logs", NULL },
	{ "nodes", NULL },
	{ "overview", NULL },
	{ "pause", run_pause },
	{ "q", run_quit },
	{ "quit", run_quit },
	{ "set interval", run_interval },
	{ "set theme", run_theme },
	{ "write", run_write },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

enum view_request
command_run(struct view *v, const char *line)
{
	while (*line == ' ')
		line++;
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		size_t len = strlen(commands[i].name);
		const char *rest = line + len;

		if (strncmp(line, commands[i].name, len) != 0 ||
		    (*rest != ' ' && *rest != '\0'))
			continue;
		while (*rest == ' ')
			rest++;
		if (commands[i].run != NULL)
			return commands[i].run(v, rest);
		v->screen = view_screen_find(commands[i].name);
		v->is_zoomed = false;
		return VIEW_WANTS_NOTHING;
	}
	view_say(v, true, "no command \"%s\"; Tab completes", line);
	return VIEW_WANTS_NOTHING;
}

static size_t
common_length(const char *a, const char *b)
{
	size_t len = 0;

	while (a[len] != '\0' && a[len] == b[len])
		len++;
	return len;
}

void
command_complete(char *line, size_t cap)
{
	size_t typed = strlen(line);
	const char *first = NULL;
	size_t shared = 0;

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strncmp(commands[i].name, line, typed) != 0)
			continue;
		shared = first == NULL ? strlen(commands[i].name)
		    : common_length(first, commands[i].name) < shared
		    ? common_length(first, commands[i].name)
		    : shared;
		if (first == NULL)
			first = commands[i].name;
	}
	if (first != NULL && shared > typed && shared < cap)
		(void)snprintf(line, cap, "%.*s", (int)shared, first);
}
