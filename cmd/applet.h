/*
 * An applet: one command of the multicall binary, described by tables.
 *
 * What the tables say is all there is to know about the command line: help,
 * completions, the parser and the manual's lint are made from them.
 *
 *	static const struct applet_command kv_commands[] = {
 *		{ "get", "KEY...", "print values", kv_get_options, kv_get },
 *		{ 0 },
 *	};
 *	const struct applet applet_kv = {
 *		.name = "kv",
 *		.summary = "read and write keys",
 *		.commands = kv_commands,
 *	};
 *
 * and the line APPLET(kv) in cmd/applets.def.  One with commands that has a
 * run, too, does that when it is given no command.
 *
 * Ownership  tables are constant; a call and what it points to live until
 *            run returns.
 */
#ifndef AEGIS_CMD_APPLET_H
#define AEGIS_CMD_APPLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "cmd/options.h"

struct applet_call;

/* Returns the exit code (cmd/exit.h). */
typedef int applet_run_fn(struct applet_call *call);

/*
 * operands, of a command as of an applet, is what help shows, and is also
 * checked: a word is one operand, [word] an optional one, and "..." after
 * the last one lets it repeat.  "KEY [VALUE|-]" takes one or two; "" none.
 */
struct applet_command {
	const char *name;
	const char *operands;
	const char *summary;
	const struct applet_option *options; /* may be NULL */
	applet_run_fn *run;
};

enum applet_flag {
	APPLET_OFFLINE = 1, /* talks to no node */
	APPLET_SECRETS = 2, /* handles private keys: leaves no core */
	APPLET_HIDDEN = 4,  /* not listed */
};

struct applet {
	const char *name;
	const char *alias; /* a second name, or NULL */
	const char *summary;
	const char *operands;                  /* without commands */
	const struct applet_option *options;   /* of every command */
	const struct applet_command *commands; /* or NULL */
	const char *const *examples;           /* NULL-terminated; or NULL */
	unsigned int flags;                    /* of enum applet_flag */
	applet_run_fn *run;                    /* without a command */
};

enum output_format {
	OUTPUT_TABLE,
	OUTPUT_WIDE,
	OUTPUT_JSON,
	OUTPUT_JSONL,
	OUTPUT_CSV,
	OUTPUT_VALUE,
	OUTPUT_CBOR,
};

enum applet_color {
	APPLET_COLOR_AUTO,
	APPLET_COLOR_ALWAYS,
	APPLET_COLOR_NEVER,
};

#define APPLET_TITLE_BYTES 80
#define APPLET_TIMEOUT_MS 5000

/* One run of an applet: the parsed command line. */
struct applet_call {
	const struct applet *applet;
	const struct applet_command *command; /* NULL without commands */
	char title[APPLET_TITLE_BYTES];       /* "aegis kv get" */
	struct options options;
	char **operands;
	size_t operand_count;
	/* Global options, resolved from flag, environment and default. */
	enum output_format output;
	enum applet_color color;
	const char *config_path; /* NULL: the usual places */
	const char *socket_path; /* NULL: not given; see applet_socket() */
	uint64_t timeout_ms;
	unsigned int verbosity;
	bool is_quiet;
};

/* All applets, in the order of applets.def. */
extern const struct applet *const applet_table[];
extern const size_t applet_count;

/* Options every command understands; terminated like any table. */
extern const struct applet_option applet_globals[];

/* By name or alias; NULL when there is none. */
const struct applet *applet_find(const char *name);

/*
 * Parse the arguments after the applet's name and run it.  leading holds
 * options given before the name, and is taken over.
 */
int applet_main(const struct applet *applet, struct options *leading, int argc,
    char **argv);

/* Complain about the command line in two lines; returns EXIT_USAGE. */
int applet_usage(const struct applet_call *call, const char *fmt, ...)
    AG_PRINTF(2, 3);

/*
 * The node's API socket: --socket, else AEGIS_SOCKET, else api.socket of the
 * configuration.  Writes at most cap bytes.
 */
enum ag_status applet_socket(const struct applet_call *call, char *out,
    size_t cap, struct ag_error *err) AG_MUST_USE;

/* Whether to colour what goes to fd: --color, NO_COLOR, and is it a tty. */
bool applet_wants_color(const struct applet_call *call, int fd);

#endif
