/*
 * The API's Unix socket.
 *
 * RULES    1. A socket is replaced only when connecting to it is refused:
 *             then its node is dead.  Anything else at the path is not ours.
 *          2. The file has its mode from the moment it exists: the mode is
 *             set on the descriptor before bind, and widened afterwards.
 *          3. File modes alone do not decide: the peer's credentials must be
 *             root, our own user, or the configured group.
 */
#include "api/listener.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MODE_DEFAULT 0660
#define BACKLOG 1024
#define GROUPS_MAX 1024

static enum ag_status
make_address(struct sockaddr_un *address, const char *path,
    struct ag_error *err)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) == 0 || strlen(path) >= sizeof(address->sun_path))
		return ag_fail(err, AG_EINVAL,
		    "listen on \"%s\": a socket's path has 1 to %zu bytes",
		    path, sizeof(address->sun_path) - 1);
	(void)snprintf(address->sun_path, sizeof(address->sun_path), "%s",
	    path);
	return AG_OK;
}

/* Somebody listens at address when a connection is not refused. */
static bool
has_listener(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool is_refused;

	if (fd == -1)
		return true;
	is_refused = connect(fd, (const struct sockaddr *)address,
			 sizeof(*address)) != 0 &&
	    errno == ECONNREFUSED;
	(void)close(fd);
	return !is_refused;
}

static enum ag_status
remove_stale(const struct sockaddr_un *address, struct ag_error *err)
{
	const char *path = address->sun_path;
	struct stat st;

	if (lstat(path, &st) != 0) {
		if (errno == ENOENT)
			return AG_OK;
		return ag_fail_sys(err, "listen on %s", path);
	}
	if (!S_ISSOCK(st.st_mode))
		return ag_fail(err, AG_EEXIST,
		    "listen on %s: there is a file that is no socket", path);
	if (has_listener(address))
		return ag_fail(err, AG_EBUSY,
		    "listen on %s: another process listens there", path);
	if (unlink(path) != 0)
		return ag_fail_sys(err, "remove stale socket %s", path);
	return AG_OK;
}

static enum ag_status
bind_and_listen(int fd, const struct sockaddr_un *address,
    const struct api_config *config, struct ag_error *err)
{
	const mode_t mode =
	    config->socket_mode != 0 ? config->socket_mode : MODE_DEFAULT;
	const char *path = address->sun_path;

	if (fchmod(fd, mode & 0700) != 0 ||
	    bind(fd, (const struct sockaddr *)address, sizeof(*address)) != 0)
		return ag_fail_sys(err, "bind %s", path);
	if (config->has_group && chown(path, (uid_t)-1, config->group) != 0) {
		(void)ag_fail_sys(err, "give %s to group %u", path,
		    (unsigned int)config->group);
		goto fail;
	}
	if (chmod(path, mode) != 0) {
		(void)ag_fail_sys(err, "set mode %04o of %s",
		    (unsigned int)mode, path);
		goto fail;
	}
	if (listen(fd, BACKLOG) != 0) {
		(void)ag_fail_sys(err, "listen on %s", path);
		goto fail;
	}
	return AG_OK;

fail:
	(void)unlink(path);
	return AG_ESYS;
}

enum ag_status
listener_open(struct listener *l, const struct api_config *config,
    struct ag_error *err)
{
	struct sockaddr_un address;
	enum ag_status status;
	struct stat st;

	*l = (struct listener){ .fd = -1 };
	status = make_address(&address, config->socket_path, err);
	if (status == AG_OK)
		status = remove_stale(&address, err);
	if (status != AG_OK)
		return status;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd == -1)
		return ag_fail_sys(err, "make socket for %s",
		    config->socket_path);
	status = bind_and_listen(l->fd, &address, config, err);
	if (status != AG_OK) {
		(void)close(l->fd);
		l->fd = -1;
		return status;
	}
	(void)snprintf(l->path, sizeof(l->path), "%s", address.sun_path);
	if (lstat(l->path, &st) == 0) {
		l->device = st.st_dev;
		l->inode = st.st_ino;
	}
	return AG_OK;
}

void
listener_remove(const struct listener *l)
{
	struct stat st;

	if (lstat(l->path, &st) == 0 && st.st_dev == l->device &&
	    st.st_ino == l->inode)
		(void)unlink(l->path);
}

static bool
is_in_group(int fd, const struct ucred *peer, gid_t group)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);
	size_t i;

	if (peer->gid == group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0)
		return false;
	for (i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == group)
			return true;
	return false;
}

bool
listener_admits(int fd, bool has_group, gid_t group)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return false;
	if (peer.uid == 0 || peer.uid == geteuid())
		return true;
	return has_group && is_in_group(fd, &peer, group);
}
