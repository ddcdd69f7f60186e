/*
 * A node's status, asked for and shown: `node status`, `cluster status`.
 */
#ifndef AEGIS_CMD_STATUS_PRINT_H
#define AEGIS_CMD_STATUS_PRINT_H

#include "base/status.h"
#include "cmd/applet.h"

/* Ask the node behind socket; *json is its answer, to be freed. */
enum ag_status status_fetch(char **json, const char *socket,
    uint64_t timeout_ms, struct ag_error *err) AG_MUST_USE;

/*
 * Print an answer in the form asked for, unless quiet.  Returns EXIT_YES
 * when every member takes part, EXIT_NO otherwise.
 */
int status_print(struct applet_call *call, const char *json);

#endif
