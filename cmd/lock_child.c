/*
 * The command that runs while a lock is had.
 *
 * RULES    1. There are other threads: behind fork() nothing is called that
 *             might wait for what one of them holds, and the environment is
 *             made before.
 *          2. Why a command can not be run comes back by a pipe that closes
 *             when it can.
 */
#include "cmd/lock_child.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codec/operation.h"

#define KEY_NAME "AEGIS_LOCK_KEY="
#define REVISION_NAME "AEGIS_LOCK_REVISION="

struct environment {
	char **list; /* borrows but for the last two */
	char key[sizeof(KEY_NAME) + KEY_BYTES_MAX];
	char revision[sizeof(REVISION_NAME) + 20];
};

static bool
is_ours(const char *variable)
{
	return strncmp(variable, KEY_NAME, strlen(KEY_NAME)) == 0 ||
	    strncmp(variable, REVISION_NAME, strlen(REVISION_NAME)) == 0;
}

static enum ag_status
environment_init(struct environment *e, const char *key, uint64_t revision,
    struct ag_error *err)
{
	size_t count = 0, used = 0, i;

	while (environ != NULL && environ[count] != NULL)
		count++;
	e->list = calloc(count + 3, sizeof(*e->list));
	if (e->list == NULL)
		return ag_fail(err, AG_ENOMEM, "run a command: out of memory");
	for (i = 0; i < count; i++)
		if (!is_ours(environ[i]))
			e->list[used++] = environ[i];
	(void)snprintf(e->key, sizeof(e->key), KEY_NAME "%s", key);
	(void)snprintf(e->revision, sizeof(e->revision),
	    REVISION_NAME "%" PRIu64, revision);
	e->list[used++] = e->key;
	e->list[used] = e->revision;
	return AG_OK;
}

/* In the child. */
static void
child_run(char *const *argv, char *const *list, const sigset_t *mask,
    pid_t parent, int why_fd)
{
	int why;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	(void)execvpe(argv[0], argv, list);
	why = errno;
	if (write(why_fd, &why, sizeof(why)) < 0)
		_exit(1);
	_exit(1);
}

/* 0 once the command runs, or why it does not. */
static int
read_why(int fd)
{
	ssize_t len;
	int why = 0;

	do {
		len = read(fd, &why, sizeof(why));
	} while (len == -1 && errno == EINTR);
	return len == (ssize_t)sizeof(why) ? why : 0;
}

enum ag_status
lock_child_start(pid_t *pid, char *const *argv, const char *key,
    uint64_t revision, const sigset_t *mask, struct ag_error *err)
{
	const pid_t parent = getpid();
	struct environment e;
	int why_fds[2], why;

	if (environment_init(&e, key, revision, err) != AG_OK)
		return AG_ENOMEM;
	if (pipe2(why_fds, O_CLOEXEC) == -1) {
		free(e.list);
		return ag_fail_sys(err, "make a pipe");
	}
	*pid = fork();
	if (*pid == 0)
		child_run(argv, e.list, mask, parent, why_fds[1]);
	why = *pid == -1 ? errno : 0;
	free(e.list);
	(void)close(why_fds[1]);
	if (*pid != -1)
		why = read_why(why_fds[0]);
	(void)close(why_fds[0]);
	if (why == 0)
		return AG_OK;
	if (*pid != -1)
		(void)waitpid(*pid, NULL, 0);
	errno = why;
	return ag_fail_sys(err, "run %s", argv[0]);
}

int
lock_child_code(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status)
					: WEXITSTATUS(wait_status);
}
