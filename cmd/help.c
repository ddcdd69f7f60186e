/*
 * Help made from the option tables, and the applet that shows it.
 *
 * `aegis help TOPIC` opens the manual page on a terminal and prints the
 * built-in help elsewhere, so that it is never of no use.
 */
#include "cmd/help.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/exit.h"
#include "cmd/output.h"

#define HELP_COLUMNS 80
#define HELP_INDENT 26

const struct applet_option help_main_options[] = {
	{ 0, "list", NULL, "print the applets' names" },
	{ 0, "list-full", NULL, "print the names their links have" },
	{ 0, "install", "[-s] DIR", "make links in DIR, symbolic with -s" },
	{ 0, "dump-options", NULL, "print every option, for tools" },
	OPTIONS_END,
};

/* text from column HELP_INDENT on, wrapped between words. */
static void
help_wrapped(FILE *stream, const char *text)
{
	size_t column = HELP_INDENT;

	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (column > HELP_INDENT && column + 1 + len >= HELP_COLUMNS) {
			(void)fprintf(stream, "\n%*s", HELP_INDENT, "");
			column = HELP_INDENT;
		} else if (column > HELP_INDENT) {
			(void)fputc(' ', stream);
			column++;
		}
		(void)fwrite(text, 1, len, stream);
		column += len;
		text += len;
		text += strspn(text, " ");
	}
	(void)fputc('\n', stream);
}

/* "  left", then text beside it, or below when left is too long. */
static void
help_entry(FILE *stream, const char *left, const char *text)
{
	int len = fprintf(stream, "  %s", left);

	if (len < 0 || len > HELP_INDENT - 2)
		(void)fprintf(stream, "\n%*s", HELP_INDENT, "");
	else
		(void)fprintf(stream, "%*s", HELP_INDENT - len, "");
	help_wrapped(stream, text);
}

static void
help_option(FILE *stream, const struct applet_option *option, char letter)
{
	char left[64];

	(void)snprintf(left, sizeof(left), "%c%c%c --%s%s%s",
	    letter != 0 ? '-' : ' ', letter != 0 ? letter : ' ',
	    letter != 0 ? ',' : ' ', option->name,
	    option->arg != NULL ? " " : "",
	    option->arg != NULL ? option->arg : "");
	help_entry(stream, left, option->help);
}

static void
help_options(FILE *stream, const struct applet_option *option)
{
	for (; option != NULL && option->name != NULL; option++)
		help_option(stream, option, option->letter);
}

static bool
help_takes_letter(const struct applet_option *option, char letter)
{
	for (; option != NULL && option->name != NULL; option++) {
		if (option->letter == letter)
			return true;
	}
	return false;
}

/* A letter that the applet uses for itself is not shown. */
static void
help_globals(FILE *stream, const struct applet *applet,
    const struct applet_command *command)
{
	const struct applet_option *option = applet_globals;

	(void)fputs("\nOptions everywhere:\n", stream);
	for (; option->name != NULL; option++) {
		bool taken =
		    help_takes_letter(applet->options, option->letter) ||
		    (command != NULL &&
			help_takes_letter(command->options, option->letter));

		help_option(stream, option, taken ? 0 : option->letter);
	}
}

static void
help_commands(FILE *stream, const struct applet *applet)
{
	const struct applet_command *command = applet->commands;

	(void)fputs("\nCommands:\n", stream);
	for (; command->name != NULL; command++) {
		char left[96];

		(void)snprintf(left, sizeof(left), "%s%s%s", command->name,
		    command->operands[0] != '\0' ? " " : "", command->operands);
		help_entry(stream, left, command->summary);
	}
}

static void
help_usage(FILE *stream, const struct applet *applet,
    const struct applet_command *command)
{
	const char *operands = command != NULL ? command->operands
	    : applet->commands == NULL         ? applet->operands
	    : applet->run != NULL              ? "[COMMAND ...]"
					       : "COMMAND ...";

	(void)fprintf(stream, "Usage: aegis %s%s%s [OPTION]...%s%s\n",
	    applet->name, command != NULL ? " " : "",
	    command != NULL ? command->name : "",
	    operands[0] != '\0' ? " " : "", operands);
}

static bool
help_has_options(const struct applet_option *table)
{
	return table != NULL && table->name != NULL;
}

void
help_print(FILE *stream, const struct applet *applet,
    const struct applet_command *command)
{
	const char *summary =
	    command != NULL ? command->summary : applet->summary;

	help_usage(stream, applet, command);
	(void)fprintf(stream, "%s\n", summary);
	if (command == NULL && applet->commands != NULL)
		help_commands(stream, applet);
	if ((command != NULL && help_has_options(command->options)) ||
	    help_has_options(applet->options))
		(void)fputs("\nOptions:\n", stream);
	if (command != NULL)
		help_options(stream, command->options);
	help_options(stream, applet->options);
	help_globals(stream, applet, command);
	for (const char *const *example = applet->examples;
	     command == NULL && example != NULL && *example != NULL; example++)
		(void)fprintf(stream, "%s  %s\n",
		    example == applet->examples ? "\nExamples:\n" : "",
		    *example);
	(void)fprintf(stream, "\nExit status and details: man aegis-%s\n",
	    applet->name);
}

void
help_print_all(FILE *stream)
{
	(void)fputs("Usage: aegis [OPTION]... APPLET [ARGUMENT]...\n"
		    "a Byzantine fault tolerant replicated store\n"
		    "\nApplets:\n",
	    stream);
	for (size_t i = 0; i < applet_count; i++) {
		if ((applet_table[i]->flags & APPLET_HIDDEN) == 0)
			help_entry(stream, applet_table[i]->name,
			    applet_table[i]->summary);
	}
	(void)fputs("\nOptions:\n", stream);
	help_options(stream, help_main_options);
	(void)fputs("\nOptions everywhere:\n", stream);
	help_options(stream, applet_globals);
	(void)fputs("\n'aegis APPLET --help' tells more; see aegis(1).\n",
	    stream);
}

static void
help_dump_table(FILE *stream, const char *applet, const char *command,
    const struct applet_option *option)
{
	for (; option != NULL && option->name != NULL; option++) {
		char letter[2] = { option->letter, '\0' };

		(void)fprintf(stream, "%s\t%s\t%s\t%s\t%s\n", applet, command,
		    option->letter != 0 ? letter : "-", option->name,
		    option->arg != NULL ? option->arg : "-");
	}
}

void
help_dump_options(FILE *stream)
{
	help_dump_table(stream, "-", "-", help_main_options);
	help_dump_table(stream, "-", "-", applet_globals);
	for (size_t i = 0; i < applet_count; i++) {
		const struct applet *applet = applet_table[i];
		const struct applet_command *command = applet->commands;

		help_dump_table(stream, applet->name, "-", applet->options);
		for (; command != NULL && command->name != NULL; command++)
			help_dump_table(stream, applet->name, command->name,
			    command->options);
	}
}

/* Show manual page name; false when man or the page is not there. */
static bool
help_open_manual(const char *name)
{
	char man[] = "man";
	char page[64];
	char *argv[] = { man, page, NULL };
	pid_t pid;
	int status;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return false;
	(void)snprintf(page, sizeof(page), "%s", name);
	if (posix_spawnp(&pid, man, NULL, NULL, argv, environ) != 0)
		return false;
	while (waitpid(pid, &status, 0) == -1) {
		if (errno != EINTR)
			return false;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int
help_topic(struct applet_call *call, const char *topic)
{
	const struct applet *applet = applet_find(topic);
	struct ag_error err;
	char page[64];

	(void)snprintf(page, sizeof(page), "aegis-%s",
	    applet != NULL ? applet->name : topic);
	if (help_open_manual(page))
		return EXIT_YES;
	if (applet == NULL) {
		(void)ag_fail(&err, AG_ENOENT,
		    "no help on '%s'; 'aegis help' lists the topics", topic);
		return exit_fail(call, &err);
	}
	help_print(stdout, applet, NULL);
	return EXIT_YES;
}

static int
help_run(struct applet_call *call)
{
	struct ag_error err;
	int code = EXIT_YES;

	if (call->operand_count > 0)
		code = help_topic(call, call->operands[0]);
	else
		help_print_all(stdout);
	if (output_flush(stdout, &err) != AG_OK)
		return exit_fail(call, &err);
	return code;
}

const struct applet applet_help = {
	.name = "help",
	.summary = "show what an applet does, or its manual page",
	.operands = "[TOPIC]",
	.flags = APPLET_OFFLINE,
	.run = help_run,
};
