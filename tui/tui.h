/*
 * `aegis tui`: the live dashboard, and its screens as text.
 */
#ifndef AEGIS_TUI_TUI_H
#define AEGIS_TUI_TUI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct tui_options {
	const char *socket_path; /* of the node that is asked */
	const char *fixture;     /* a file of answers instead, or NULL */
	const char *once;        /* print this screen and end, or NULL */
	const char *screen;      /* where to begin, or NULL */
	const char *size;        /* "80x24" for once, or NULL */
	const char *clock;       /* RFC 3339: a clock that stands, or NULL */
	uint64_t interval_ms;
	int frame_fd; /* gets "@frame N\n" after each frame; -1: none */
	bool is_ascii;
	bool has_color;
};

/*
 * Run until the operator quits or a signal ends it.  *signo is the signal
 * to die by, or 0.  AG_EINVAL for options and terminals that will not do.
 */
enum ag_status tui_main(const struct tui_options *options, int *signo,
    struct ag_error *err) AG_MUST_USE;

#endif
