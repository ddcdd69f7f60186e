/*
 * Exit codes and error lines.
 *
 * RULES    1. An error is said once, on stderr, in one line.
 *          2. Its text may hold a peer's or a file's bytes, so it is made
 *             safe for terminals here, where it is printed.
 */
#include "cmd/exit.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd/display.h"
#include "cmd/json.h"

/* A name, and an error's text with every byte shown as four. */
#define EXIT_LINE_BYTES_MAX (8 * AG_ERROR_TEXT_BYTES)

static const int codes[AG_STATUS_COUNT] = {
	[AG_OK] = EXIT_YES,
	[AG_ENOMEM] = EXIT_INTERNAL,
	[AG_ESYS] = EXIT_LOCAL,
	[AG_EINVAL] = EXIT_USAGE,
	[AG_ENOENT] = EXIT_NO,
	[AG_EEXIST] = EXIT_LOCAL,
	[AG_EBUSY] = EXIT_CONFLICT,
	[AG_ELIMIT] = EXIT_USAGE,
	[AG_ECORRUPT] = EXIT_VERIFY,
	[AG_EVERSION] = EXIT_LOCAL,
	[AG_EPROTO] = EXIT_UNREACHABLE,
	[AG_EFORGED] = EXIT_VERIFY,
	[AG_EDENIED] = EXIT_DENIED,
	[AG_EUNREACH] = EXIT_UNREACHABLE,
	[AG_ETIMEOUT] = EXIT_TIMEOUT,
	[AG_ENOQUORUM] = EXIT_NO_QUORUM,
	[AG_EUNKNOWN] = EXIT_UNKNOWN,
	[AG_ECONFLICT] = EXIT_CONFLICT,
	[AG_EREFUSED] = EXIT_REFUSED,
	[AG_EAGAIN] = EXIT_INTERNAL,
	[AG_EINTERNAL] = EXIT_INTERNAL,
};

int
exit_code_of(enum ag_status status)
{
	if ((unsigned int)status >= AG_STATUS_COUNT)
		return EXIT_INTERNAL;
	return codes[status];
}

/* Whether asking again later may help. */
static bool
exit_may_retry(enum ag_status status)
{
	return status == AG_EBUSY || status == AG_EUNREACH ||
	    status == AG_ETIMEOUT || status == AG_ENOQUORUM;
}

static void
exit_print_json(const struct ag_error *err, int code)
{
	struct json json;

	json_init(&json, stderr);
	json_object_begin(&json);
	json_key(&json, "error");
	json_object_begin(&json);
	json_key(&json, "code");
	json_text(&json, ag_status_name(err->status));
	json_key(&json, "exit");
	json_number(&json, code);
	json_key(&json, "msg");
	json_text(&json, err->text);
	json_key(&json, "retry");
	json_bool(&json, exit_may_retry(err->status));
	json_object_end(&json);
	json_object_end(&json);
	json_line_end(&json);
}

/* In one write, so that a node's log lines stay apart from it. */
static void
exit_print_line(const char *title, const char *text)
{
	size_t columns;
	struct buf line;

	buf_init(&line, EXIT_LINE_BYTES_MAX);
	if (buf_append(&line, title, strlen(title)) == AG_OK &&
	    buf_append(&line, ": ", 2) == AG_OK &&
	    display_append(&line, bytes_from_text(text), &columns) == AG_OK &&
	    buf_append(&line, "\n", 1) == AG_OK)
		(void)fwrite(line.data, 1, line.len, stderr);
	else
		(void)fprintf(stderr, "%s: out of memory\n", title);
	buf_fini(&line);
}

int
exit_fail_code(const struct applet_call *call, const struct ag_error *err,
    int code)
{
	const char *text =
	    err->text[0] != '\0' ? err->text : ag_status_text(err->status);

	if (call->output == OUTPUT_JSON || call->output == OUTPUT_JSONL) {
		exit_print_json(err, code);
		return code;
	}
	exit_print_line(call->title, text);
	return code;
}

int
exit_fail(const struct applet_call *call, const struct ag_error *err)
{
	int code = err->sys_errno != 0 ? EXIT_LOCAL : exit_code_of(err->status);

	return exit_fail_code(call, err, code);
}

int
exit_fail_local(const struct applet_call *call, const struct ag_error *err)
{
	int code = exit_code_of(err->status);

	if (err->sys_errno != 0 || code == EXIT_USAGE || code == EXIT_NO)
		code = EXIT_LOCAL;
	return exit_fail_code(call, err, code);
}

int
exit_by_signal(int signo)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t set;

	(void)fflush(stdout);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, signo);
	(void)sigaction(signo, &action, NULL);
	(void)raise(signo);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	return 128 + signo;
}
