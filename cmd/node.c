/*
 * aegis node: set one up, run it, ask it.
 */
#include <limits.h>
#include <stdlib.h>

#include "cmd/applet.h"
#include "cmd/exit.h"
#include "cmd/node_init.h"
#include "cmd/node_link.h"
#include "cmd/node_run.h"
#include "cmd/status_print.h"

static int
node_status_run(struct applet_call *call)
{
	char socket[PATH_MAX], *json;
	struct ag_error err;
	int code;

	if (applet_socket(call, socket, sizeof(socket), &err) != AG_OK ||
	    status_fetch(&json, socket, call->timeout_ms, &err) != AG_OK)
		return exit_fail(call, &err);
	code = status_print(call, json);
	free(json);
	return code;
}

static const struct applet_command node_commands[] = {
	{ "init", "", "make a data directory, keys and a configuration",
	    node_init_options, node_init_run },
	{ "run", "", "run this node in the foreground", node_run_options,
	    node_run },
	{ "status", "", "show the health of the cluster as this node sees it",
	    NULL, node_status_run },
	{ "rotate-link-key", "", "replace the link key of a running node", NULL,
	    node_link_run },
	{ 0 },
};

static const char *const node_examples[] = {
	"aegis node init -D /var/lib/aegis --name n1 --listen 10.0.0.1:7422",
	"aegis node run -c /etc/aegis/aegis.yaml",
	"aegis node status -q && echo healthy",
	"aegis node rotate-link-key",
	NULL,
};

const struct applet applet_node = {
	.name = "node",
	.summary = "set up and run a member of a cluster",
	.commands = node_commands,
	.examples = node_examples,
	.flags = APPLET_SECRETS,
};
