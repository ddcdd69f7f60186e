/*
 * aegis tui: the live dashboard, and its screens as text.
 *
 * The options only; the dashboard is tui/tui.c.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/applet.h"
#include "cmd/exit.h"
#include "tui/tui.h"

#define SOCKET_BYTES 256
#define FRAME_FD_MAX 1023

static const struct applet_option tui_table[] = {
	{ 0, "once", "screen", "print a screen as text and end" },
	{ 0, "size", "WxH", "the size of what --once prints" },
	{ 0, "screen", "name", "the screen to begin with" },
	{ 0, "interval", "duration", "how often the node is asked (1s)" },
	{ 0, "ascii", NULL, "draw with ASCII only" },
	{ 0, "theme", "name", "auto or mono" },
	{ 0, "fixture", "file", "show a file of answers, ask no node" },
	{ 0, "clock", "time", "show this moment instead of now" },
	{ 0, "frame-fd", "number", "write a line there after each frame" },
	OPTIONS_END,
};

static bool
env_is_set(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0';
}

static enum ag_status
read_options(const struct applet_call *call, struct tui_options *out,
    char socket_path[static SOCKET_BYTES], struct ag_error *err)
{
	const struct options *o = &call->options;
	const char *theme = options_text(o, "theme");
	uint64_t frame_fd = UINT64_MAX;
	enum ag_status status = AG_OK;

	out->once = options_text(o, "once");
	out->size = options_text(o, "size");
	out->screen = options_text(o, "screen");
	out->fixture = options_text(o, "fixture");
	out->clock = options_text(o, "clock");
	out->is_ascii = options_has(o, "ascii") || env_is_set("AEGIS_ASCII");
	out->has_color = applet_wants_color(call, STDOUT_FILENO);
	if (theme != NULL && strcmp(theme, "mono") == 0)
		out->has_color = false;
	else if (theme != NULL && strcmp(theme, "auto") != 0)
		return ag_fail(err, AG_EINVAL,
		    "--theme %s: there are auto and mono", theme);
	status = options_duration_ms(o, "interval", &out->interval_ms, err);
	if (status == AG_OK)
		status = options_count_value(o, "frame-fd", 0, FRAME_FD_MAX,
		    &frame_fd, err);
	if (status == AG_OK && frame_fd <= FRAME_FD_MAX)
		out->frame_fd = (int)frame_fd;
	if (status == AG_OK && out->fixture == NULL) {
		status = applet_socket(call, socket_path, SOCKET_BYTES, err);
		out->socket_path = socket_path;
	}
	return status;
}

static int
tui_run(struct applet_call *call)
{
	struct tui_options options = { .interval_ms = 1000, .frame_fd = -1 };
	char socket_path[SOCKET_BYTES];
	struct ag_error err;
	int signo = 0;

	if (read_options(call, &options, socket_path, &err) != AG_OK ||
	    tui_main(&options, &signo, &err) != AG_OK)
		return exit_fail(call, &err);
	if (signo != 0)
		return exit_by_signal(signo);
	return EXIT_YES;
}

static const char *const tui_examples[] = {
	"aegis tui",
	"aegis tui --once nodes",
	"aegis tui --once overview --size 120x40",
	NULL,
};

const struct applet applet_tui = {
	.name = "tui",
	.summary = "watch a cluster, full screen",
	.operands = "",
	.options = tui_table,
	.examples = tui_examples,
	.run = tui_run,
};
