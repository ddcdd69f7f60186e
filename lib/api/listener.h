/*
 * The API's Unix socket: made, and whoever connects to it looked at.
 */
#ifndef AEGIS_API_LISTENER_H
#define AEGIS_API_LISTENER_H

#include <stdbool.h>
#include <sys/stat.h>

#include "api/api.h"
#include "base/status.h"

struct listener {
	int fd;
	char path[108];
	dev_t device; /* which file is ours to remove */
	ino_t inode;
};

/* Statuses as api_start(). */
enum ag_status listener_open(struct listener *l,
    const struct api_config *config, struct ag_error *err) AG_MUST_USE;

/* Remove the path if it is still the one we made.  fd is not closed: the
 * HTTP server owns it. */
void listener_remove(const struct listener *l);

/* Whether the process at the other end may speak to us. */
bool listener_admits(int fd, bool has_group, gid_t group);

#endif
