/*
 * aegis cluster: a whole cluster on this machine, to try AEGIS with.
 *
 * RULES    1. Every key is on one machine here: good for trying, worth
 *             nothing as protection.  `init` says so.
 *          2. `up` starts what is not running and waits until the members
 *             take part; `down` stops what runs; both may be repeated.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/applet.h"
#include "cmd/cluster_dir.h"
#include "cmd/exit.h"
#include "cmd/status_print.h"

#define UP_TIMEOUT_MS 20000
#define DOWN_TIMEOUT_MS 15000

static const struct applet_option init_options[] = {
	{ 'n', "nodes", "COUNT", "how many members (default 4, raft: 3)" },
	{ 0, "observers", "COUNT", "how many follow without a vote" },
	{ 0, "strategy", "NAME", "how it agrees: pbft (the default) or raft" },
	{ 0, "name", "NAME", "what to call the cluster (default trial)" },
	{ 0, "base-port", "PORT", "first port to listen on (default: free)" },
	OPTIONS_END,
};

static const struct applet_option up_options[] = {
	{ 0, "any", NULL, "do not wait until every member takes part" },
	OPTIONS_END,
};

static const struct applet_option kill_options[] = {
	{ 'S', "signal", "NUMBER", "signal to send (default 9)" },
	OPTIONS_END,
};

/* An option's whole number between least and most. */
static bool
number_option(const struct applet_call *call, const char *name,
    unsigned long least, unsigned long most, unsigned long *value)
{
	const char *text = options_text(&call->options, name);
	char *end;

	if (text == NULL)
		return true;
	*value = strtoul(text, &end, 10);
	return *text != '\0' && *end == '\0' && *value >= least &&
	    *value <= most;
}

static void
init_tell(const struct applet_call *call, const struct cluster_dir *dir,
    unsigned long nodes)
{
	const struct roster *roster = &dir->roster;

	(void)printf("%s: %lu nodes, tolerates %u %s\n", dir->path, nodes,
	    roster_faults(roster),
	    roster_fault_model(roster) == FAULTS_CRASH ? "crashed" : "faulty");
	if (roster->observer_count > 0)
		(void)printf("%u observer%s, counted in none of that\n",
		    roster->observer_count,
		    roster->observer_count == 1 ? "" : "s");
	if (nodes == 1)
		(void)printf("one member tolerates nothing: for development "
			     "only\n");
	(void)printf("a trial: all keys are on this machine\n"
		     "start it with: aegis cluster up %s\n",
	    call->operands[0]);
}

static int
init_run(struct applet_call *call)
{
	const char *strategy = options_text(&call->options, "strategy");
	const char *name = options_text(&call->options, "name");
	unsigned long nodes, observers = 0, port = 0;
	struct cluster_dir *dir;
	enum fault_model faults;
	struct ag_error err;

	if (strategy == NULL)
		strategy = "pbft";
	if (roster_find_strategy(strategy, &faults) != AG_OK)
		return applet_usage(call,
		    "unknown strategy \"%s\"; known: " ROSTER_STRATEGIES,
		    strategy);
	nodes = faults == FAULTS_CRASH ? 3 : 4;
	if (!number_option(call, "nodes", 1, TRUST_MEMBERS_MAX, &nodes))
		return applet_usage(call,
		    "--nodes %s: not a number from 1 to "
		    "%d",
		    options_text(&call->options, "nodes"), TRUST_MEMBERS_MAX);
	if (roster_check_member_count(faults, nodes, &err) != AG_OK)
		return applet_usage(call, "--nodes %lu: %s", nodes, err.text);
	if (!number_option(call, "observers", 0, TRUST_MEMBERS_MAX - nodes,
		&observers))
		return applet_usage(call,
		    "--observers %s: not a number from 0 to %lu",
		    options_text(&call->options, "observers"),
		    TRUST_MEMBERS_MAX - nodes);
	if (!number_option(call, "base-port", 1, 65535 - nodes - observers,
		&port))
		return applet_usage(call, "--base-port %s: not a port",
		    options_text(&call->options, "base-port"));
	if (cluster_dir_create(&dir, call->operands[0],
		name == NULL ? "trial" : name, strategy, (uint32_t)nodes,
		(uint32_t)observers, (uint16_t)port, &err) != AG_OK)
		return exit_fail(call, &err);
	if (!call->is_quiet)
		init_tell(call, dir, nodes);
	cluster_dir_close(dir);
	return EXIT_YES;
}

static int
up_in(struct applet_call *call, struct cluster_dir *dir)
{
	struct cluster_start starts[TRUST_MEMBERS_MAX] = { 0 };
	bool all_ok = !options_has(&call->options, "any");
	enum ag_status status = AG_OK;
	struct ag_error err;
	uint32_t i, n;

	n = roster_node_count(&dir->roster);
	for (i = 0; i < n && status == AG_OK; i++) {
		starts[i].fd = -1;
		if (cluster_dir_pid(dir, i) == 0)
			status = cluster_dir_start(dir, i, &starts[i], &err);
	}
	if (status == AG_OK)
		status = cluster_dir_await(dir, starts, n, all_ok,
		    UP_TIMEOUT_MS, &err);
	for (i = 0; i < n; i++) {
		if (status == AG_OK && starts[i].pid != 0 && !call->is_quiet)
			(void)printf("%s started, process %ld\n",
			    dir->roster.members[i].name, (long)starts[i].pid);
		if (starts[i].pid != 0)
			cluster_start_close(&starts[i]);
	}
	if (status != AG_OK)
		return exit_fail(call, &err);
	if (!call->is_quiet)
		(void)printf("export AEGIS_SOCKET=%s/%s/aegis.sock\n",
		    dir->path, dir->roster.members[0].name);
	return EXIT_YES;
}

/* The members named on the command line, or all of them, as a bit set. */
static bool
members_named(struct applet_call *call, const struct cluster_dir *dir,
    uint32_t *members, struct ag_error *err)
{
	size_t i;

	*members = call->operand_count > 1 ? 0 : UINT32_MAX;
	for (i = 1; i < call->operand_count; i++) {
		int index = roster_find_name(&dir->roster, call->operands[i]);

		if (index < 0) {
			(void)ag_fail(err, AG_EINVAL,
			    "%s is no member of this cluster",
			    call->operands[i]);
			return false;
		}
		*members |= 1U << index;
	}
	return true;
}

static int
down_in(struct applet_call *call, struct cluster_dir *dir)
{
	struct ag_error err;
	enum ag_status status;
	uint32_t i, members;
	int code = EXIT_YES;

	if (!members_named(call, dir, &members, &err))
		return exit_fail(call, &err);
	for (i = 0; i < roster_node_count(&dir->roster); i++)
		if (cluster_dir_pid(dir, i) == 0)
			members &= ~(1U << i);
	/* All are told first, so that they drain at the same time. */
	for (i = 0; i < roster_node_count(&dir->roster); i++) {
		if ((members >> i & 1) == 0)
			continue;
		status = cluster_dir_signal(dir, i, SIGTERM, &err);
		if (status != AG_OK && status != AG_ENOENT)
			code = exit_fail(call, &err);
	}
	for (i = 0; i < roster_node_count(&dir->roster); i++) {
		if ((members >> i & 1) == 0)
			continue;
		/* AG_ENOENT: it has ended already. */
		status =
		    cluster_dir_end(dir, i, SIGTERM, DOWN_TIMEOUT_MS, &err);
		if (status != AG_OK && status != AG_ENOENT)
			code = exit_fail(call, &err);
		else if (!call->is_quiet)
			(void)printf("%s stopped\n",
			    dir->roster.members[i].name);
	}
	return code;
}

/* A node that was killed is gone when this returns; `up` may follow. */
static int
kill_in(struct applet_call *call, struct cluster_dir *dir)
{
	unsigned long signo = SIGKILL;
	enum ag_status status;
	struct ag_error err;
	uint32_t i, members;

	if (!number_option(call, "signal", 1, 64, &signo))
		return applet_usage(call, "--signal %s: not a signal",
		    options_text(&call->options, "signal"));
	if (!members_named(call, dir, &members, &err))
		return exit_fail(call, &err);
	for (i = 0; i < roster_node_count(&dir->roster); i++)
		if ((members >> i & 1) != 0 &&
		    cluster_dir_signal(dir, i, (int)signo, &err) != AG_OK)
			return exit_fail(call, &err);
	for (i = 0; i < roster_node_count(&dir->roster) && signo == SIGKILL;
	     i++) {
		if ((members >> i & 1) == 0)
			continue;
		status =
		    cluster_dir_end(dir, i, SIGKILL, DOWN_TIMEOUT_MS, &err);
		if (status != AG_OK && status != AG_ENOENT)
			return exit_fail(call, &err);
	}
	return EXIT_YES;
}

static int
status_in(struct applet_call *call, struct cluster_dir *dir)
{
	char socket[CLUSTER_PATH_BYTES], *json = NULL;
	enum ag_status status = AG_EUNREACH;
	struct ag_error err;
	uint32_t i;
	int code;

	/* Any node that runs can tell; the first one does. */
	for (i = 0; i < roster_node_count(&dir->roster) && status != AG_OK;
	     i++) {
		status = cluster_dir_file(dir, i, "aegis.sock", socket, &err);
		if (status == AG_OK)
			status =
			    status_fetch(&json, socket, call->timeout_ms, &err);
	}
	if (status != AG_OK)
		return exit_fail(call, &err);
	code = status_print(call, json);
	free(json);
	return code;
}

/* Open the directory named first, and go on inside it. */
static int
in_dir(struct applet_call *call,
    int (*run)(struct applet_call *call, struct cluster_dir *dir))
{
	struct cluster_dir *dir;
	struct ag_error err;
	int code;

	if (cluster_dir_open(&dir, call->operands[0], &err) != AG_OK)
		return exit_fail_local(call, &err);
	code = run(call, dir);
	cluster_dir_close(dir);
	return code;
}

static int
up_run(struct applet_call *call)
{
	return in_dir(call, up_in);
}

static int
down_run(struct applet_call *call)
{
	return in_dir(call, down_in);
}

static int
kill_run(struct applet_call *call)
{
	return in_dir(call, kill_in);
}

static int
status_run(struct applet_call *call)
{
	return in_dir(call, status_in);
}

static const struct applet_command cluster_commands[] = {
	{ "init", "DIR", "make a trial cluster's directory", init_options,
	    init_run },
	{ "up", "DIR", "start its nodes", up_options, up_run },
	{ "down", "DIR [NODE...]", "stop its nodes, or those named", NULL,
	    down_run },
	{ "kill", "DIR [NODE...]", "end nodes without warning", kill_options,
	    kill_run },
	{ "status", "DIR", "show its health", NULL, status_run },
	{ 0 },
};

static const char *const cluster_examples[] = {
	"aegis cluster init --nodes 4 /tmp/trial",
	"aegis cluster up /tmp/trial",
	"aegis cluster kill /tmp/trial n1",
	"aegis cluster status /tmp/trial",
	NULL,
};

const struct applet applet_cluster = {
	.name = "cluster",
	.summary = "try a whole cluster on this machine",
	.commands = cluster_commands,
	.examples = cluster_examples,
	.flags = APPLET_SECRETS,
};
