/*
 * From a command line to an applet's function.
 *
 * RULES    1. Flag beats environment beats configuration beats default.
 *          2. A usage error is two lines on stderr and exit 2; help that was
 *             asked for is on stdout and exit 0.
 *          3. Options of a command hide the applet's, and those hide the
 *             global ones, when a letter or name is used twice.
 */
#include "cmd/applet.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "base/version.h"
#include "cmd/exit.h"
#include "cmd/help.h"
#include "cmd/output.h"
#include "config/config.h"
#include "config/unit.h"
#include "crypto/secret.h"
#include "crypto/self_test.h"

#define APPLET(name) extern const struct applet applet_##name;
#include "cmd/applets.def"
#undef APPLET

#define APPLET(name) &applet_##name,
const struct applet *const applet_table[] = {
#include "cmd/applets.def"
};
#undef APPLET

const size_t applet_count = sizeof(applet_table) / sizeof(applet_table[0]);

const struct applet_option applet_globals[] = {
	{ 'c', "config", "FILE", "read FILE instead of the usual places" },
	{ 's', "socket", "PATH", "the node's API socket" },
	{ 'o', "output", "FORMAT", "table, wide, json, jsonl, csv, value" },
	{ 't', "timeout", "DURATION", "give up after this long (default 5s)" },
	{ 'q', "quiet", NULL, "say less" },
	{ 'v', "verbose", NULL, "say more; may be repeated" },
	{ 0, "color", "WHEN", "auto, always or never" },
	{ 'h', "help", NULL, "show help and exit" },
	{ 'V', "version", NULL, "show the version and exit" },
	OPTIONS_END,
};

const struct applet *
applet_find(const char *name)
{
	for (size_t i = 0; i < applet_count; i++) {
		const struct applet *applet = applet_table[i];

		if (strcmp(applet->name, name) == 0 ||
		    (applet->alias != NULL && strcmp(applet->alias, name) == 0))
			return applet;
	}
	return NULL;
}

int
applet_usage(const struct applet_call *call, const char *fmt, ...)
{
	struct ag_error err;
	va_list ap;

	err = (struct ag_error){ .status = AG_EINVAL };
	va_start(ap, fmt);
	(void)ag_fail_va(&err, AG_EINVAL, fmt, ap);
	va_end(ap);
	(void)exit_fail_code(call, &err, EXIT_USAGE);
	if (call->output != OUTPUT_JSON && call->output != OUTPUT_JSONL)
		(void)fprintf(stderr, "Try '%s --help'.\n", call->title);
	return EXIT_USAGE;
}

/* An option's value, or the environment's, or NULL. */
static const char *
applet_setting(const struct applet_call *call, const char *option,
    const char *variable)
{
	const char *text = options_text(&call->options, option);

	if (text == NULL)
		text = getenv(variable);
	return text != NULL && text[0] != '\0' ? text : NULL;
}

/*
 * Whether the option called name that was given is the global one and not
 * an applet's of the same name.
 */
static const char *
applet_global_text(const struct applet_call *call, const char *name,
    const char *variable)
{
	for (size_t i = 0; i + 1 < call->options.table_count; i++) {
		const struct applet_option *option = call->options.tables[i];

		for (; option->name != NULL; option++) {
			if (strcmp(option->name, name) == 0)
				return getenv(variable);
		}
	}
	return applet_setting(call, name, variable);
}

static bool
applet_resolve_color(struct applet_call *call)
{
	const char *when = options_text(&call->options, "color");

	call->color = APPLET_COLOR_AUTO;
	if (when == NULL || strcmp(when, "auto") == 0)
		return true;
	call->color = APPLET_COLOR_ALWAYS;
	if (strcmp(when, "always") == 0)
		return true;
	call->color = APPLET_COLOR_NEVER;
	return strcmp(when, "never") == 0;
}

/* Fill the call from global options; false after saying what is wrong. */
static bool
applet_resolve(struct applet_call *call)
{
	const char *format = applet_global_text(call, "output", "AEGIS_OUTPUT");
	const char *timeout =
	    applet_global_text(call, "timeout", "AEGIS_TIMEOUT");

	call->config_path = applet_global_text(call, "config", "AEGIS_CONFIG");
	call->socket_path = applet_global_text(call, "socket", "AEGIS_SOCKET");
	call->timeout_ms = APPLET_TIMEOUT_MS;
	call->is_quiet = options_has(&call->options, "quiet");
	call->verbosity =
	    (unsigned int)options_count(&call->options, "verbose");
	if (format != NULL && !output_parse_format(format, &call->output)) {
		(void)applet_usage(call,
		    "output '%s' is not one of table, wide, json, jsonl, csv,"
		    " value, cbor",
		    format);
		return false;
	}
	if (timeout != NULL &&
	    unit_parse_duration(timeout, &call->timeout_ms) != AG_OK) {
		(void)applet_usage(call,
		    "timeout '%s' is not a duration such as 500ms or 30s",
		    timeout);
		return false;
	}
	if (call->timeout_ms == 0) {
		(void)applet_usage(call,
		    "timeout '%s' leaves no time for anything", timeout);
		return false;
	}
	if (!applet_resolve_color(call)) {
		(void)applet_usage(call,
		    "color '%s' is not one of auto, always, never",
		    options_text(&call->options, "color"));
		return false;
	}
	return true;
}

struct operand_bounds {
	size_t least;
	size_t most;
	const char *missing; /* the first required word not given */
	size_t missing_len;
};

/* Read the operands' description: see struct applet_command. */
static struct operand_bounds
applet_operand_bounds(const char *text, size_t given)
{
	struct operand_bounds bounds = { 0 };

	while (*text != '\0') {
		size_t len = strcspn(text, " ");
		bool repeats = len >= 3 && memmem(text, len, "...", 3) != NULL;

		if (text[0] != '[') {
			bounds.least++;
			if (bounds.least > given && bounds.missing == NULL) {
				bounds.missing = text;
				bounds.missing_len =
				    repeats && len > 3 ? len - 3 : len;
			}
		}
		if (repeats)
			bounds.most = SIZE_MAX;
		else if (bounds.most != SIZE_MAX)
			bounds.most++;
		text += len;
		text += strspn(text, " ");
	}
	return bounds;
}

static bool
applet_check_operands(const struct applet_call *call)
{
	const char *operands = call->command != NULL ? call->command->operands
						     : call->applet->operands;
	struct operand_bounds bounds =
	    applet_operand_bounds(operands, call->operand_count);

	if (call->operand_count < bounds.least) {
		(void)applet_usage(call, "missing %.*s",
		    (int)bounds.missing_len, bounds.missing);
		return false;
	}
	if (call->operand_count > bounds.most) {
		(void)applet_usage(call, "unexpected operand '%s'",
		    call->operands[bounds.most]);
		return false;
	}
	return true;
}

static int
applet_unknown_command(const struct applet_call *call, const char *name)
{
	const struct applet_command *command = call->applet->commands;
	struct nearest search;

	nearest_init(&search, name);
	for (; command->name != NULL; command++)
		nearest_offer(&search, command->name);
	if (search.best != NULL)
		return applet_usage(call,
		    "unknown command '%s'; did you mean %s?", name,
		    search.best);
	return applet_usage(call, "unknown command '%s'", name);
}

static const struct applet_command *
applet_find_command(const struct applet *applet, const char *name)
{
	const struct applet_command *command = applet->commands;

	for (; command->name != NULL; command++) {
		if (strcmp(command->name, name) == 0)
			return command;
	}
	return NULL;
}

/* Answer --help and --version, with *code; false when neither was given. */
static bool
applet_answer(const struct applet_call *call, int *code)
{
	struct ag_error err;

	if (options_has(&call->options, "help"))
		help_print(stdout, call->applet, call->command);
	else if (options_has(&call->options, "version"))
		(void)printf("aegis %s\n", version_text());
	else
		return false;
	*code = output_flush(stdout, &err) == AG_OK ? EXIT_YES
						    : exit_fail(call, &err);
	return true;
}

/* The tables, innermost first. */
static void
applet_set_tables(struct applet_call *call)
{
	call->options.table_count = 0;
	if (call->command != NULL)
		options_add_table(&call->options, call->command->options);
	options_add_table(&call->options, call->applet->options);
	options_add_table(&call->options, applet_globals);
}

static bool
applet_parse(struct applet_call *call, enum options_order order, int argc,
    char **argv)
{
	struct ag_error err;
	enum ag_status status;

	applet_set_tables(call);
	status = options_parse(&call->options, order, argv, (size_t)argc,
	    &call->operand_count, &err);
	if (status == AG_OK) {
		call->operands = argv;
		return true;
	}
	(void)applet_usage(call, "%s", err.text);
	return false;
}

/*
 * Find the command among the arguments.  Options before it are parsed; argc
 * and argv are left at what follows it.  False when the call has ended,
 * with its exit code.
 */
static bool
applet_choose_command(struct applet_call *call, int *argc, char ***argv,
    int *code)
{
	size_t before;

	*code = EXIT_USAGE;
	if (!applet_parse(call, OPTIONS_STOP_AT_OPERAND, *argc, *argv))
		return false;
	if (call->operand_count == 0 && call->applet->run != NULL) {
		*argc = 0;
		return true;
	}
	if (call->operand_count == 0) {
		if (!applet_answer(call, code))
			(void)applet_usage(call, "missing command");
		return false;
	}
	call->command = applet_find_command(call->applet, call->operands[0]);
	if (call->command == NULL) {
		(void)applet_unknown_command(call, call->operands[0]);
		return false;
	}
	before = strlen(call->title);
	(void)snprintf(call->title + before, sizeof(call->title) - before,
	    " %s", call->command->name);
	*argc = (int)call->operand_count - 1;
	*argv = call->operands + 1;
	return true;
}

static int
applet_run(struct applet_call *call, int argc, char **argv)
{
	struct ag_error err;
	int code;

	if (call->applet->commands != NULL &&
	    !applet_choose_command(call, &argc, &argv, &code))
		return code;
	if (!applet_parse(call, OPTIONS_PERMUTE, argc, argv))
		return EXIT_USAGE;
	if (applet_answer(call, &code))
		return code;
	if (!applet_resolve(call) || !applet_check_operands(call))
		return EXIT_USAGE;
	if ((call->applet->flags & APPLET_SECRETS) != 0) {
		secret_forbid_dumps();
		if (self_test_sodium(&err) != AG_OK)
			return exit_fail(call, &err);
	}
	if (call->command != NULL)
		return call->command->run(call);
	return call->applet->run(call);
}

int
applet_main(const struct applet *applet, struct options *leading, int argc,
    char **argv)
{
	struct applet_call call = { .applet = applet, .options = *leading };
	int code;

	*leading = (struct options){ 0 };
	(void)snprintf(call.title, sizeof(call.title), "aegis %s",
	    applet->name);
	code = applet_run(&call, argc, argv);
	options_fini(&call.options);
	return code;
}

enum ag_status
applet_socket(const struct applet_call *call, char *out, size_t cap,
    struct ag_error *err)
{
	struct config *config;
	enum ag_status status;
	int len;

	if (call->socket_path != NULL) {
		len = snprintf(out, cap, "%s", call->socket_path);
	} else {
		status = config_load(&config, call->config_path, NULL, err);
		if (status != AG_OK)
			return status;
		len =
		    snprintf(out, cap, "%s", config_text(config, "api.socket"));
		config_free(config);
	}
	if (len < 0 || (size_t)len >= cap)
		return ag_fail(err, AG_ELIMIT, "socket path: too long");
	return AG_OK;
}

bool
applet_wants_color(const struct applet_call *call, int fd)
{
	const char *no_color = getenv("NO_COLOR");

	if (call->color != APPLET_COLOR_AUTO)
		return call->color == APPLET_COLOR_ALWAYS;
	return isatty(fd) && (no_color == NULL || no_color[0] == '\0');
}
