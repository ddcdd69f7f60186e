/*
 * aegis kv lock.
 *
 * STATES   granted  there is a lease, which is kept alive from now on
 *          waiting  for the lock (cmd/lock_queue.c); no command runs yet
 *          running  the command (cmd/lock_child.c)
 *          ending   the lease is lost: the command was told to end
 *
 * RULES    1. This thread never waits for a node while a command runs or one
 *             could be told something: it waits for whatever comes first.
 *          2. The lease is given up when a quarter of its time is left, if it
 *             was not kept alive: that is how long a command has to end by
 *             itself, before it is killed, which is before anybody else can
 *             have the lock.
 *          3. Whatever the end, the lease is revoked, and the lock is free at
 *             once; what a node does not hear, time does.
 */
#include "cmd/kv_lock.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/exit.h"
#include "cmd/kv_ask.h"
#include "cmd/kv_lease.h"
#include "cmd/lease_call.h"
#include "cmd/lease_keeper.h"
#include "cmd/lock_child.h"
#include "cmd/lock_queue.h"

#define TTL_S 30

const struct applet_option kv_lock_options[] = {
	{ 0, "ttl", "DURATION", "how long a silent holder keeps it (30s)" },
	{ 0, "wait", "DURATION", "give up when it is not free by then" },
	OPTIONS_END,
};

struct lock {
	struct applet_call *call;
	struct kv_ask ask;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	uint64_t ttl_ms;
	uint64_t until_us; /* monotonic, for waiting */
	uint64_t lease;
	struct lease_keeper *keeper;
	struct lock_queue *queue;
	uint64_t revision;
	int signal_fd;
	sigset_t before; /* the mask that the command is to have */
	bool is_lost;
};

enum event {
	EVENT_SIGNAL,
	EVENT_LOST,
	EVENT_QUEUE,
	EVENT_TIME,
};

/* --- what comes --- */

/* Signals that would end us, or do so with the command, come by a descriptor;
 * those that were ignored already stay so. */
static enum ag_status
signals_open(struct lock *l, struct ag_error *err)
{
	static const int list[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	const struct sigaction standard = { .sa_handler = SIG_DFL };
	struct sigaction action;
	sigset_t set;
	size_t i;

	(void)sigaction(SIGCHLD, &standard, NULL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (sigaction(list[i], NULL, &action) == 0 &&
		    action.sa_handler != SIG_IGN)
			(void)sigaddset(&set, list[i]);
	(void)sigprocmask(SIG_BLOCK, &set, &l->before);
	l->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return l->signal_fd == -1 ? ag_fail_sys(err, "await signals") : AG_OK;
}

static int
ms_until(uint64_t until_us)
{
	const uint64_t now_us = clock_mono_us();
	uint64_t ms;

	if (until_us == UINT64_MAX)
		return -1;
	ms = until_us > now_us ? (until_us - now_us + 999) / 1000 : 0;
	return ms < INT32_MAX ? (int)ms : INT32_MAX;
}

/* Whatever is first, until a moment; UINT64_MAX: there is none. */
static enum event
next_event(const struct lock *l, uint64_t until_us)
{
	struct pollfd fds[] = {
		{ .fd = l->signal_fd, .events = POLLIN },
		{ .fd = l->is_lost ? -1 : lease_keeper_fd(l->keeper),
		    .events = POLLIN },
		{ .fd = l->queue != NULL ? lock_queue_fd(l->queue) : -1,
		    .events = POLLIN },
	};
	size_t i;
	int ready;

	do {
		ready =
		    poll(fds, sizeof(fds) / sizeof(fds[0]), ms_until(until_us));
	} while ((ready == -1 && errno == EINTR) ||
	    (ready == 0 && clock_mono_us() < until_us));
	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if ((fds[i].revents & POLLIN) != 0)
			return (enum event)i;
	return EVENT_TIME;
}

/* --- waiting --- */

static int
lost(struct lock *l)
{
	l->is_lost = true;
	lease_keeper_why(l->keeper, &l->ask.err);
	ag_error_prefix(&l->ask.err, "the lock %s is lost",
	    l->call->operands[0]);
	return exit_fail_code(l->call, &l->ask.err, EXIT_CONFLICT);
}

static int
out_of_time(struct lock *l)
{
	(void)ag_fail(&l->ask.err, AG_ETIMEOUT,
	    "the lock %s was not free in time", l->call->operands[0]);
	return exit_fail_code(l->call, &l->ask.err, EXIT_TIMEOUT);
}

/* The queue's word.  EXIT_YES: we have the lock. */
static int
take_queue(struct lock *l)
{
	enum ag_status status =
	    lock_queue_result(l->queue, &l->revision, &l->ask.err);

	if (status == AG_OK)
		return EXIT_YES;
	if (status == AG_ETIMEOUT)
		return out_of_time(l);
	if (status != AG_ENOENT)
		return exit_fail(l->call, &l->ask.err);
	ag_error_prefix(&l->ask.err, "the lock %s is lost",
	    l->call->operands[0]);
	return exit_fail_code(l->call, &l->ask.err, EXIT_CONFLICT);
}

/* Until we have the lock.  *signo: what ended us, or 0. */
static int
wait_for_lock(struct lock *l, int *signo)
{
	struct signalfd_siginfo info;

	for (;;) {
		switch (next_event(l, l->until_us)) {
		case EVENT_SIGNAL:
			if (read(l->signal_fd, &info, sizeof(info)) <
				(ssize_t)sizeof(info) ||
			    info.ssi_signo == SIGCHLD)
				break;
			*signo = (int)info.ssi_signo;
			return EXIT_INTERNAL;
		case EVENT_LOST:
			return lost(l);
		case EVENT_QUEUE:
			return take_queue(l);
		case EVENT_TIME:
		default:
			if (lock_queue_give_up(l->queue))
				return out_of_time(l);
			l->until_us = UINT64_MAX;
			break;
		}
	}
}

/* --- running --- */

/* False once the command has ended. */
static bool
take_signal(struct lock *l, pid_t pid, int *wait_status)
{
	struct signalfd_siginfo info;

	if (read(l->signal_fd, &info, sizeof(info)) < (ssize_t)sizeof(info))
		return true;
	if (info.ssi_signo == SIGCHLD)
		return waitpid(pid, wait_status, WNOHANG) != pid;
	/* A terminal sends to all that are in front of it. */
	if (info.ssi_code != SI_KERNEL)
		(void)kill(pid, (int)info.ssi_signo);
	return true;
}

/* Until the command has ended, or was made to. */
static int
await_command(struct lock *l, pid_t pid)
{
	uint64_t kill_us = UINT64_MAX;
	int code = EXIT_YES, wait_status = 0;

	for (;;) {
		switch (next_event(l, kill_us)) {
		case EVENT_SIGNAL:
			if (!take_signal(l, pid, &wait_status))
				return l->is_lost
				    ? code
				    : lock_child_code(wait_status);
			break;
		case EVENT_LOST:
			(void)kill(pid, SIGTERM);
			(void)kill(pid, SIGCONT);
			kill_us = clock_mono_us() + 1000 * l->ttl_ms / 4;
			code = lost(l);
			break;
		case EVENT_TIME:
			(void)kill(pid, SIGKILL);
			kill_us = UINT64_MAX;
			break;
		case EVENT_QUEUE:
		default:
			break;
		}
	}
}

/* The operands behind the name, with the NULL that they lack. */
static enum ag_status
start_command(struct lock *l, pid_t *pid)
{
	const size_t count = l->call->operand_count - 1;
	char **argv = calloc(count + 1, sizeof(*argv));
	enum ag_status status;

	if (argv == NULL)
		return ag_fail(&l->ask.err, AG_ENOMEM,
		    "run a command: out of memory");
	memcpy(argv, l->call->operands + 1, count * sizeof(*argv));
	status = lock_child_start(pid, argv, lock_queue_key(l->queue),
	    l->revision, &l->before, &l->ask.err);
	free(argv);
	return status;
}

static int
run_command(struct lock *l)
{
	enum ag_status status;
	pid_t pid;

	status = start_command(l, &pid);
	lock_queue_stop(l->queue);
	l->queue = NULL;
	if (status == AG_OK)
		return await_command(l, pid);
	if (status == AG_ENOMEM)
		return exit_fail(l->call, &l->ask.err);
	return exit_fail_code(l->call, &l->ask.err,
	    l->ask.err.sys_errno == ENOENT ? EXIT_NO_COMMAND
					   : EXIT_NOT_RUNNABLE);
}

/* --- beginning and end --- */

static int
grant(struct lock *l)
{
	struct lease_keeper_config config = {
		.socket_path = l->path,
		.ttl_ms = l->ttl_ms,
		.alive_us = clock_mono_us(),
		.spare_ms = l->ttl_ms / 4,
	};
	json_t *root;

	if (lease_call_grant(l->ask.client, l->ttl_ms / 1000,
		(uint32_t)l->call->timeout_ms, &l->ask.answer,
		&l->ask.err) != AG_OK)
		return kv_ask_fail(&l->ask, l->call);
	root = kv_ask_json(&l->ask);
	l->lease = kv_ask_u64(root, "lease");
	json_decref(root);
	config.id = l->lease;
	if (root == NULL ||
	    lease_keeper_start(&l->keeper, &config, &l->ask.err) != AG_OK)
		return exit_fail(l->call, &l->ask.err);
	return EXIT_YES;
}

static int
enter_queue(struct lock *l)
{
	const struct lock_queue_config config = {
		.socket_path = l->path,
		.name = l->call->operands[0],
		.lease = l->lease,
		.timeout_ms = (uint32_t)l->call->timeout_ms,
	};

	return lock_queue_start(&l->queue, &config, &l->ask.err) == AG_OK
	    ? EXIT_YES
	    : exit_fail(l->call, &l->ask.err);
}

/* Who waits need not wait for the lease to expire. */
static void
release(struct lock *l)
{
	lock_queue_stop(l->queue);
	lease_keeper_stop(l->keeper);
	if (l->lease == 0 || l->is_lost)
		return;
	if (lease_call_revoke(l->ask.client, l->lease,
		(uint32_t)l->call->timeout_ms, &l->ask.answer,
		&l->ask.err) == AG_OK ||
	    l->ask.err.status == AG_ENOENT || l->call->is_quiet)
		return;
	ag_error_prefix(&l->ask.err,
	    "the lock %s is free when its lease has expired",
	    l->call->operands[0]);
	(void)exit_fail(l->call, &l->ask.err);
}

static int
hold(struct lock *l)
{
	int code, signo = 0;

	code = grant(l);
	if (code == EXIT_YES)
		code = enter_queue(l);
	if (code == EXIT_YES)
		code = wait_for_lock(l, &signo);
	if (code == EXIT_YES)
		code = run_command(l);
	release(l);
	return signo != 0 ? exit_by_signal(signo) : code;
}

/* EXIT_YES, or the complaint was made. */
static int
take_options(struct lock *l)
{
	const struct applet_call *call = l->call;
	const char *ttl = options_text(&call->options, "ttl");
	uint64_t ttl_s = TTL_S, wait_ms = 0;
	struct ag_error err;

	if (call->operands[0][0] == '\0' ||
	    strlen(call->operands[0]) > LOCK_NAME_BYTES_MAX)
		return applet_usage(call, "a lock's NAME has 1 to %zu bytes",
		    LOCK_NAME_BYTES_MAX);
	if (ttl != NULL && !kv_lease_parse_ttl(ttl, &ttl_s))
		return applet_usage(call,
		    "--ttl '%s' is not a time of whole seconds, such as 30s",
		    ttl);
	if (options_duration_ms(&call->options, "wait", &wait_ms, &err) !=
	    AG_OK)
		return applet_usage(call, "%s", err.text);
	l->ttl_ms = 1000 * ttl_s;
	l->until_us = options_has(&call->options, "wait")
	    ? clock_mono_us() + 1000 * wait_ms
	    : UINT64_MAX;
	return EXIT_YES;
}

int
kv_lock_run(struct applet_call *call)
{
	struct lock l = { .call = call, .signal_fd = -1 };
	int code = take_options(&l);

	if (code != EXIT_YES)
		return code;
	code = kv_ask_open(&l.ask, call);
	if (code == EXIT_YES &&
	    (applet_socket(call, l.path, sizeof(l.path), &l.ask.err) != AG_OK ||
		signals_open(&l, &l.ask.err) != AG_OK))
		code = exit_fail(call, &l.ask.err);
	if (code == EXIT_YES)
		code = hold(&l);
	if (l.signal_fd != -1)
		(void)close(l.signal_fd);
	kv_ask_close(&l.ask);
	return code;
}
