/*
 * The HTTP API of a node, on a Unix socket.
 *
 * Ownership  api_start() hands out a handle, api_stop() takes it back.
 * Threads    everything belongs to the loop's thread.
 */
#ifndef AEGIS_API_API_H
#define AEGIS_API_API_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"

struct api;
struct log_sink;
struct loop;
struct node;

/* Called by the config dump once for each setting; secrets are "***". */
typedef void api_setting_fn(void *to, const char *key, const char *value,
    const char *origin);

enum api_reload_kind {
	API_RELOAD_APPLIED,
	API_RELOAD_NEEDS_RESTART,
	API_RELOAD_ERROR,
};

/* Called by the reload once for each key (or error's sentence). */
typedef void api_reload_fn(void *to, enum api_reload_kind kind,
    const char *text);

struct api_config {
	const char *socket_path;
	mode_t socket_mode; /* 0: 0660 */
	bool has_group;     /* group may use the socket beside our user */
	gid_t group;
	uint32_t connections_max; /* 0: 4096 */
	uint32_t timeout_ms;      /* of calls that name none; 0: 5000 */
	uint32_t idle_s;          /* connections idle longer end; 0: 75 */
	struct log_sink *log;     /* for /v1/logs; may be NULL */

	/* May be NULL: then /v1/config is empty. */
	void (*each_setting)(void *arg, api_setting_fn *emit, void *to);

	/* AG_OK unless an error was told; may be NULL: then 404. */
	enum ag_status (*reload)(void *arg, api_reload_fn *emit, void *to);
	void *arg;
};

/*
 * Listen and serve.  A socket left over by a dead node is replaced.
 * AG_EBUSY   somebody listens there
 * AG_EEXIST  the path is something else than a socket
 * AG_ESYS    the system refused; err says what and why
 */
enum ag_status api_start(struct api **out, struct loop *loop, struct node *node,
    const struct api_config *config, struct ag_error *err) AG_MUST_USE;

/*
 * Cut every connection and remove the socket.  Calls of the node that have
 * not ended yet may still end later: they find nobody.
 */
void api_stop(struct api *api);

#endif
