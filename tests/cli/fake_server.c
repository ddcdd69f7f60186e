/*
 * The real API over a fake node, for tests of the command line.
 *
 *	fake_server SOCKET [OUTCOME]
 *
 * OUTCOME is a status's name: what becomes of every write (NO_QUORUM,
 * OUTCOME_UNKNOWN, BUSY).  Prints "ready" when it listens; ends by SIGTERM.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "event/loop.h"
#include "fixture/fake_node.h"
#include "monitor/log_sink.h"

static void
on_signal(void *arg, int signo)
{
	(void)signo;
	loop_stop(arg);
}

static enum ag_status
outcome_of(const char *name)
{
	int i;

	for (i = 0; i < AG_STATUS_COUNT; i++)
		if (strcmp(ag_status_name((enum ag_status)i), name) == 0)
			return (enum ag_status)i;
	return AG_OK;
}

static void
each_setting(void *arg, api_setting_fn *emit, void *to)
{
	(void)arg;
	emit(to, "api.socket", "/run/aegis.sock", "default");
	emit(to, "node.secret", "***", "file");
}

static enum ag_status
reload(void *arg, api_reload_fn *emit, void *to)
{
	(void)arg;
	emit(to, API_RELOAD_APPLIED, "log.level");
	emit(to, API_RELOAD_NEEDS_RESTART, "node.listen");
	return AG_OK;
}

int
main(int argc, char **argv)
{
	struct api_config config = { .each_setting = each_setting,
		.reload = reload };
	const struct log_sink_config log = { .level = LOG_LEVEL_WARN };
	struct loop_signal *watch = NULL;
	struct loop *loop = NULL;
	struct api *api = NULL;
	struct ag_error err;
	struct node *node;

	if (argc < 2)
		return 2;
	config.socket_path = argv[1];
	if (log_sink_open(&config.log, &log, &err) != AG_OK ||
	    loop_new(&loop, &err) != AG_OK ||
	    loop_signal_new(&watch, loop, SIGTERM, on_signal, loop, &err) !=
		AG_OK)
		return 1;
	node = fake_node_new(loop);
	if (argc > 2)
		fake_node_set_outcome(node, outcome_of(argv[2]));
	if (api_start(&api, loop, node, &config, &err) != AG_OK) {
		(void)fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	(void)printf("ready\n");
	(void)fflush(stdout);
	loop_run(loop);
	api_stop(api);
	fake_node_free(node);
	loop_signal_close(watch);
	loop_free(loop);
	log_sink_close(config.log);
	return 0;
}
