/*
 * How a command ends: exit codes, the one error line, death by signal.
 */
#ifndef AEGIS_CMD_EXIT_H
#define AEGIS_CMD_EXIT_H

#include "base/status.h"
#include "cmd/applet.h"

/* An interface: scripts branch on these.  128 + n is death by signal n. */
enum exit_code {
	EXIT_YES = 0,
	EXIT_NO = 1, /* absent, differs, unhealthy */
	EXIT_USAGE = 2,
	EXIT_LOCAL = 3, /* configuration or a local file */
	EXIT_DENIED = 4,
	EXIT_UNREACHABLE = 5,
	EXIT_NO_QUORUM = 6, /* nothing happened */
	EXIT_UNKNOWN = 7,   /* it may have happened */
	EXIT_VERIFY = 8,
	EXIT_PARTIAL = 9,
	EXIT_CONFLICT = 10,
	EXIT_REFUSED = 11,
	EXIT_INTERNAL = 12,
	EXIT_TIMEOUT = 124, /* before anything was sent */
	EXIT_NOT_RUNNABLE = 126,
	EXIT_NO_COMMAND = 127,
};

/* What a status means to a caller of the command. */
int exit_code_of(enum ag_status status);

/*
 * Say on stderr what went wrong: "aegis kv get: …", or under -o json one
 * object with code, exit and msg.  Returns the exit code: err's status
 * decides, but a refusal by the operating system is always EXIT_LOCAL.
 */
int exit_fail(const struct applet_call *call, const struct ag_error *err);

/* The same for what came from a local file: a wrong value is EXIT_LOCAL. */
int exit_fail_local(const struct applet_call *call, const struct ag_error *err);

/* The same with the code given. */
int exit_fail_code(const struct applet_call *call, const struct ag_error *err,
    int code);

/*
 * Die by signo, so that the shell sees it: restore the default action and
 * raise it again.  Returns 128 + signo should that not kill us.
 */
int exit_by_signal(int signo);

#endif
