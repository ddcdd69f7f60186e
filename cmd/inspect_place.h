/*
 * Where a node is: the socket of one that runs, or the directory of one that
 * does not.
 */
#ifndef AEGIS_CMD_INSPECT_PLACE_H
#define AEGIS_CMD_INSPECT_PLACE_H

#include <limits.h>
#include <stdbool.h>

#include "base/status.h"
#include "cmd/applet.h"

struct inspect_place {
	bool is_dead;
	char path[PATH_MAX]; /* of its socket, or its data directory */
};

/*
 * text is a socket, or a data directory: of a node that runs and has its
 * socket there, or of one that does not run.
 * AG_EBUSY it runs, and its socket is elsewhere
 */
enum ag_status inspect_place_find(struct inspect_place *place, const char *text,
    struct ag_error *err) AG_MUST_USE;

/* The one that the call's options and environment say. */
enum ag_status inspect_place_default(struct inspect_place *place,
    const struct applet_call *call, struct ag_error *err) AG_MUST_USE;

#endif
