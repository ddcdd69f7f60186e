/*
 * aegis completion: completion scripts for shells, from the option tables.
 *
 * Each script holds the tables as data and a few lines of its shell's own
 * language to look words up in them, so that completing needs no run of
 * aegis.  Where an option takes a value, files are offered.
 */
#include <stdio.h>

#include "cmd/applet.h"
#include "cmd/exit.h"
#include "cmd/help.h"
#include "cmd/output.h"

/* " -q --quiet" for each option of a table, an option's value aside. */
static void
completion_words(const struct applet_option *option)
{
	for (; option != NULL && option->name != NULL; option++) {
		if (option->letter != 0)
			(void)printf(" -%c", option->letter);
		(void)printf(" --%s", option->name);
	}
}

static void
completion_command_names(const struct applet *applet)
{
	const struct applet_command *command = applet->commands;

	for (; command != NULL && command->name != NULL; command++)
		(void)printf(" %s", command->name);
}

/* One case of a shell's `case`: what to offer at applet and command. */
static void
completion_case(const struct applet *applet,
    const struct applet_command *command)
{
	(void)printf("\t'%s %s') words='", applet->name,
	    command != NULL ? command->name : "");
	if (command == NULL)
		completion_command_names(applet);
	else
		completion_words(command->options);
	completion_words(applet->options);
	(void)printf("' ;;\n");
}

static void
completion_cases(void)
{
	for (size_t i = 0; i < applet_count; i++) {
		const struct applet *applet = applet_table[i];
		const struct applet_command *command = applet->commands;

		completion_case(applet, NULL);
		for (; command != NULL && command->name != NULL; command++)
			completion_case(applet, command);
	}
	(void)printf("\t' ') words='");
	for (size_t i = 0; i < applet_count; i++)
		(void)printf(" %s", applet_table[i]->name);
	completion_words(help_main_options);
	(void)printf("' ;;\n");
}

/* "a|b|c": the applets that have commands. */
static void
completion_with_commands(void)
{
	const char *between = "";

	for (size_t i = 0; i < applet_count; i++) {
		if (applet_table[i]->commands == NULL)
			continue;
		(void)printf("%s%s", between, applet_table[i]->name);
		between = "|";
	}
}

/* A shell pattern of the options that take a value, in any table. */
static void
completion_with_value(const struct applet_option *option, bool *first)
{
	for (; option != NULL && option->name != NULL; option++) {
		if (option->arg == NULL)
			continue;
		(void)printf("%s--%s", *first ? "" : "|", option->name);
		*first = false;
	}
}

static void
completion_all_with_value(void)
{
	bool first = true;

	completion_with_value(applet_globals, &first);
	for (size_t i = 0; i < applet_count; i++) {
		const struct applet_command *command =
		    applet_table[i]->commands;

		completion_with_value(applet_table[i]->options, &first);
		for (; command != NULL && command->name != NULL; command++)
			completion_with_value(command->options, &first);
	}
	for (const struct applet_option *option = applet_globals;
	     option->name != NULL; option++) {
		if (option->arg != NULL && option->letter != 0)
			(void)printf("|-%c", option->letter);
	}
}

/*
 * The part bash and zsh share: from the words before the cursor, find which
 * applet and command they name and set words to what may follow.
 */
static void
completion_lookup(void)
{
	(void)printf("_aegis_words() {\n"
		     "\tlocal applet='' command='' word skip=''\n"
		     "\twords=''\n"
		     "\tcase ${1##*/} in\n"
		     "\taegis-*) applet=${1##*/aegis-}; "
		     "applet=${applet#aegis-} ;;\n"
		     "\tesac\n"
		     "\tshift\n"
		     "\tfor word in \"$@\"; do\n"
		     "\t\tif [ -n \"$skip\" ]; then skip=''; continue; fi\n"
		     "\t\tcase $word in\n\t\t");
	completion_all_with_value();
	(void)printf(") skip=1 ;;\n"
		     "\t\t-*) ;;\n"
		     "\t\t*)\n"
		     "\t\t\tif [ -z \"$applet\" ]; then\n"
		     "\t\t\t\tapplet=$word\n"
		     "\t\t\telif [ -z \"$command\" ]; then\n"
		     "\t\t\t\tcase $applet in\n\t\t\t\t");
	completion_with_commands();
	(void)printf(") command=$word ;;\n"
		     "\t\t\t\tesac\n"
		     "\t\t\tfi ;;\n"
		     "\t\tesac\n"
		     "\tdone\n"
		     "\tif [ -n \"$skip\" ]; then return; fi\n"
		     "\tcase \"$applet $command\" in\n");
	completion_cases();
	(void)printf("\t*) return ;;\n"
		     "\tesac\n"
		     "\twords=\"$words");
	completion_words(applet_globals);
	(void)printf("\"\n}\n");
}

static void
completion_bash(void)
{
	(void)printf("# bash completion for aegis, made by "
		     "`aegis completion bash`\n");
	completion_lookup();
	(void)printf("_aegis() {\n"
		     "\tlocal words current=${COMP_WORDS[COMP_CWORD]}\n"
		     "\t_aegis_words \"${COMP_WORDS[@]:0:COMP_CWORD}\"\n"
		     "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- "
		     "\"$current\")\n"
		     "}\n"
		     "complete -o default -F _aegis aegis");
	for (size_t i = 0; i < applet_count; i++)
		(void)printf(" aegis-%s", applet_table[i]->name);
	(void)printf("\n");
}

static void
completion_zsh(void)
{
	(void)printf("#compdef aegis");
	for (size_t i = 0; i < applet_count; i++)
		(void)printf(" aegis-%s", applet_table[i]->name);
	(void)printf("\n# zsh completion for aegis, made by "
		     "`aegis completion zsh`\n");
	completion_lookup();
	/* zsh calls its own array words; the look-up gets a local one. */
	(void)printf(
	    "_aegis() {\n"
	    "\tlocal -a before offered\n"
	    "\tbefore=(\"${(@)words[1,CURRENT-1]}\")\n"
	    "\toffered=(${=\"$(words=; _aegis_words \"${before[@]}\"; "
	    "print -r -- \"$words\")\"})\n"
	    "\tcompadd -- \"${offered[@]}\"\n"
	    "\t(( ${#offered} )) && [[ ${words[CURRENT]} = -* ]] || _files\n"
	    "}\n"
	    "_aegis \"$@\"\n");
}

/* text in single quotes, as fish and sh read them. */
static void
completion_quoted(const char *text)
{
	(void)putchar('\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			(void)putchar('\\');
		(void)putchar(*text);
	}
	(void)putchar('\'');
}

/* One `complete` line an option; when is its condition. */
static void
completion_fish_options(const char *when, const struct applet_option *option)
{
	for (; option != NULL && option->name != NULL; option++) {
		(void)printf("complete -c aegis");
		if (when[0] != '\0')
			(void)printf(" -n \"%s\"", when);
		if (option->letter != 0)
			(void)printf(" -s %c", option->letter);
		(void)printf(" -l %s%s -d ", option->name,
		    option->arg != NULL ? " -r" : "");
		completion_quoted(option->help);
		(void)putchar('\n');
	}
}

static void
completion_fish_word(const char *when, const char *word, const char *summary)
{
	(void)printf("complete -c aegis -f -n \"%s\" -a %s -d ", when, word);
	completion_quoted(summary);
	(void)putchar('\n');
}

static void
completion_fish_applet(const struct applet *applet)
{
	const struct applet_command *command = applet->commands;
	char when[160];

	completion_fish_word("test (__aegis_at) = ' '", applet->name,
	    applet->summary);
	(void)snprintf(when, sizeof(when),
	    "string match -q -- '%s *' (__aegis_at)", applet->name);
	completion_fish_options(when, applet->options);
	for (; command != NULL && command->name != NULL; command++) {
		(void)snprintf(when, sizeof(when), "test (__aegis_at) = '%s '",
		    applet->name);
		completion_fish_word(when, command->name, command->summary);
		(void)snprintf(when, sizeof(when),
		    "test (__aegis_at) = '%s %s'", applet->name, command->name);
		completion_fish_options(when, command->options);
	}
}

static void
completion_fish(void)
{
	(void)printf(
	    "# fish completion for aegis, made by `aegis completion fish`\n"
	    "# \"applet command\" as far as they are typed.\n"
	    "function __aegis_at\n"
	    "\tset -l words (commandline -opc)\n"
	    "\tset -l found\n"
	    "\tset -l skip 0\n"
	    "\tfor word in $words[2..-1]\n"
	    "\t\tif test $skip = 1\n"
	    "\t\t\tset skip 0\n"
	    "\t\t\tcontinue\n"
	    "\t\tend\n"
	    "\t\tswitch $word\n"
	    "\t\tcase ");
	for (const struct applet_option *option = applet_globals;
	     option->name != NULL; option++) {
		if (option->arg != NULL && option->letter != 0)
			(void)printf("-%c --%s ", option->letter, option->name);
	}
	(void)printf("\n"
		     "\t\t\tset skip 1\n"
		     "\t\tcase '-*'\n"
		     "\t\tcase '*'\n"
		     "\t\t\tset -a found $word\n"
		     "\t\tend\n"
		     "\tend\n"
		     "\techo \"$found[1] $found[2]\"\n"
		     "end\n");
	completion_fish_options("test (__aegis_at) = ' '", help_main_options);
	completion_fish_options("", applet_globals);
	for (size_t i = 0; i < applet_count; i++)
		completion_fish_applet(applet_table[i]);
}

static int
completion_print(const struct applet_call *call, void (*print)(void))
{
	struct ag_error err;

	print();
	if (output_flush(stdout, &err) != AG_OK)
		return exit_fail(call, &err);
	return EXIT_YES;
}

static int
completion_run_bash(struct applet_call *call)
{
	return completion_print(call, completion_bash);
}

static int
completion_run_zsh(struct applet_call *call)
{
	return completion_print(call, completion_zsh);
}

static int
completion_run_fish(struct applet_call *call)
{
	return completion_print(call, completion_fish);
}

static const struct applet_command completion_commands[] = {
	{ "bash", "", "print a script for bash", NULL, completion_run_bash },
	{ "zsh", "", "print a script for zsh", NULL, completion_run_zsh },
	{ "fish", "", "print a script for fish", NULL, completion_run_fish },
	{ NULL, NULL, NULL, NULL, NULL },
};

static const char *const completion_examples[] = {
	"source <(aegis completion bash)",
	"aegis completion fish >~/.config/fish/completions/aegis.fish",
	NULL,
};

const struct applet applet_completion = {
	.name = "completion",
	.summary = "print completion scripts for shells",
	.commands = completion_commands,
	.examples = completion_examples,
	.flags = APPLET_OFFLINE,
};
