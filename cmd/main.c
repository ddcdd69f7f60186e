/*
 * The multicall binary: `aegis NAME …`, or a link called aegis-NAME.
 *
 * RULES    1. Global options may stand before the applet's name or after it.
 *          2. A name that is no applet is never guessed at: the nearest one
 *             is named, and the exit code is 127, as a shell's would be.
 *          3. Descriptors 0 to 2 are open before anything else is: else a
 *             file or socket would get one of the numbers, and be printed
 *             into.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <langinfo.h>

#include "base/fs.h"
#include "base/nearest.h"
#include "base/version.h"
#include "cmd/applet.h"
#include "cmd/exit.h"
#include "cmd/help.h"
#include "cmd/output.h"

static const struct applet main_applet = { .name = "aegis" };

/* Column widths need a UTF-8 locale; which language does not matter. */
static void
main_set_locale(void)
{
	if (setlocale(LC_CTYPE, "") == NULL ||
	    strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		(void)setlocale(LC_CTYPE, "C.UTF-8");
}

/*
 * What was closed is opened the wrong way round, so that reading or writing
 * it fails, as it would have.
 */
static void
main_hold_standard_files(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		const int mode = fd == 0 ? O_WRONLY : O_RDONLY;

		/* The lowest number that is free is this one. */
		if (fcntl(fd, F_GETFD) == -1 &&
		    open("/dev/null", mode | O_NOCTTY) == -1)
			_exit(EXIT_INTERNAL);
	}
}

static int
main_unknown(const struct applet_call *call, const char *name)
{
	struct nearest search;
	struct ag_error err;

	nearest_init(&search, name);
	for (size_t i = 0; i < applet_count; i++)
		nearest_offer(&search, applet_table[i]->name);
	if (search.best != NULL)
		(void)ag_fail(&err, AG_EINVAL,
		    "unknown applet '%s'; did you mean %s?", name, search.best);
	else
		(void)ag_fail(&err, AG_EINVAL,
		    "unknown applet '%s'; 'aegis --list' names them all", name);
	return exit_fail_code(call, &err, EXIT_NO_COMMAND);
}

static void
main_list(const char *prefix)
{
	for (size_t i = 0; i < applet_count; i++) {
		if ((applet_table[i]->flags & APPLET_HIDDEN) == 0)
			(void)printf("%s%s\n", prefix, applet_table[i]->name);
	}
}

/* What may be an older link of ours; anything else is left alone. */
static enum ag_status
main_check_replaceable(const char *path, struct ag_error *err)
{
	struct stat st;

	if (lstat(path, &st) == -1)
		return errno == ENOENT ? AG_OK
				       : ag_fail_sys(err, "look at %s", path);
	if (S_ISLNK(st.st_mode) ||
	    (S_ISREG(st.st_mode) && (st.st_mode & S_IXUSR) != 0))
		return AG_OK;
	return ag_fail(err, AG_EEXIST,
	    "install %s: what is there is no program; move it away", path);
}

/*
 * One link to self.  It is made beside the older one and then takes its
 * place, so that a failure leaves that one.
 */
static enum ag_status
main_link(const char *self, const char *path, bool symbolic,
    struct ag_error *err)
{
	char made[PATH_MAX + 8];
	enum ag_status status = main_check_replaceable(path, err);

	if (status != AG_OK)
		return status;
	(void)snprintf(made, sizeof(made), "%s.new", path);
	(void)unlink(made);
	if ((symbolic ? symlink(self, made) : link(self, made)) == -1)
		return ag_fail_sys(err, "link %s to %s%s", path, self,
		    errno == EXDEV ? " (another file system takes -s)" : "");
	status = fs_rename(made, path, err);
	/* Of two links to one file rename() keeps both. */
	(void)unlink(made);
	return status;
}

static enum ag_status
main_install_all(const char *dir, bool symbolic, struct ag_error *err)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len == -1)
		return ag_fail_sys(err, "find this binary");
	self[len] = '\0';
	for (size_t i = 0; i < applet_count; i++) {
		char path[PATH_MAX];
		enum ag_status status;

		if ((size_t)snprintf(path, sizeof(path), "%s/aegis-%s", dir,
			applet_table[i]->name) >= sizeof(path))
			return ag_fail(err, AG_ELIMIT, "install: %s: too long",
			    dir);
		status = main_link(self, path, symbolic, err);
		if (status != AG_OK)
			return status;
	}
	return AG_OK;
}

/* argv is what follows --install: [-s] DIR. */
static int
main_install(const struct applet_call *call, int argc, char **argv)
{
	bool symbolic = argc > 0 && strcmp(argv[0], "-s") == 0;
	struct ag_error err;

	if (argc != (symbolic ? 2 : 1) || argv[argc - 1][0] == '-')
		return applet_usage(call, "--install takes [-s] DIR");
	if (main_install_all(argv[argc - 1], symbolic, &err) != AG_OK)
		return exit_fail(call, &err);
	return EXIT_YES;
}

/* `aegis` without an applet: what was asked of the binary itself? */
static int
main_itself(const struct applet_call *call)
{
	struct ag_error err;

	if (options_has(&call->options, "help"))
		help_print_all(stdout);
	else if (options_has(&call->options, "version"))
		(void)printf("aegis %s\n", version_text());
	else if (options_has(&call->options, "list"))
		main_list("");
	else if (options_has(&call->options, "list-full"))
		main_list("aegis-");
	else if (options_has(&call->options, "dump-options"))
		help_dump_options(stdout);
	else {
		help_print_all(stderr);
		return EXIT_USAGE;
	}
	if (output_flush(stdout, &err) != AG_OK)
		return exit_fail(call, &err);
	return EXIT_YES;
}

/* The binary under its own name; argv is what follows it. */
static int
main_by_argument(int argc, char **argv)
{
	struct applet_call call = { .applet = &main_applet, .title = "aegis" };
	const struct applet *applet;
	struct ag_error err;
	int code;

	if (argc > 0 && strcmp(argv[0], "--install") == 0)
		return main_install(&call, argc - 1, argv + 1);
	options_add_table(&call.options, help_main_options);
	options_add_table(&call.options, applet_globals);
	if (options_parse(&call.options, OPTIONS_STOP_AT_OPERAND, argv,
		(size_t)argc, &call.operand_count, &err) != AG_OK) {
		code = applet_usage(&call, "%s", err.text);
	} else if (call.operand_count == 0) {
		code = main_itself(&call);
	} else {
		applet = applet_find(argv[0]);
		code = applet != NULL
		    ? applet_main(applet, &call.options,
			  (int)call.operand_count - 1, argv + 1)
		    : main_unknown(&call, argv[0]);
	}
	options_fini(&call.options);
	return code;
}

static int
main_by_link(const char *name, int argc, char **argv)
{
	struct applet_call call = { .applet = &main_applet, .title = "aegis" };
	const struct applet *applet = applet_find(name);

	if (applet == NULL)
		return main_unknown(&call, name);
	return applet_main(applet, &call.options, argc, argv);
}

int
main(int argc, char **argv)
{
	static const char prefix[] = "aegis-";
	const char *slash;
	const char *name;

	main_hold_standard_files();
	main_set_locale();
	if (argc == 0)
		return EXIT_INTERNAL;
	slash = strrchr(argv[0], '/');
	name = slash != NULL ? slash + 1 : argv[0];
	if (strncmp(name, prefix, sizeof(prefix) - 1) == 0)
		return main_by_link(name + sizeof(prefix) - 1, argc - 1,
		    argv + 1);
	return main_by_argument(argc - 1, argv + 1);
}
