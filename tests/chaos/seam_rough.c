/*
 * Calls that do less than they were asked for, as they may: by chance.
 *
 *	files   read, write, pread, pwrite: less than all of it, or EINTR
 *	links   recv, send: less than all of it; seldom EINTR or EAGAIN, which
 *		libssh takes for the end of the session
 *		accept, socket: EMFILE
 *	poll    EINTR
 *
 * Links are the sockets of the Internet's families.  Those of the API are left
 * alone: libmicrohttpd waits for edges, and a count that is short says to it
 * that there is nothing more.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chaos/seam.h"

#define CHANCES 65536
#define SELDOM 32 /* of what is rough at all, on links */

enum rough {
	ROUGH_NOT,
	ROUGH_SHORT,
	ROUGH_INTR,
	ROUGH_SELDOM,
};

/* Is this call one of so many, by its number (splitmix64)? */
static bool
draw(uint64_t chance, uint64_t *more)
{
	static _Atomic uint64_t calls;
	uint64_t z;

	if (chance == 0)
		return false;
	z = atomic_load(&seam->rough_seed) +
	    atomic_fetch_add(&calls, 1) * UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	*more = z >> 32;
	return z % CHANCES < chance;
}

static enum rough
rough_draw(uint64_t *more)
{
	if (!draw(atomic_load(&seam->rough), more))
		return ROUGH_NOT;
	if (*more % SELDOM == 0)
		return ROUGH_SELDOM;
	return *more % 2 == 0 ? ROUGH_SHORT : ROUGH_INTR;
}

static void
count(void)
{
	atomic_fetch_add(&seam->rough_calls, 1);
}

static ssize_t
fails(int code)
{
	count();
	errno = code;
	return -1;
}

/* A file's call: 0, go on, with *len to do; else -1. */
static int
rough_file(int fd, size_t *len)
{
	uint64_t more;
	enum rough what = rough_draw(&more);
	struct stat st;

	if (what == ROUGH_NOT || *len < 2 || fstat(fd, &st) != 0 ||
	    !S_ISREG(st.st_mode))
		return 0;
	if (what == ROUGH_INTR)
		return (int)fails(EINTR);
	count();
	*len = 1 + more % (*len - 1);
	return 0;
}

static bool
is_of_internet(int fd)
{
	int family = 0;
	socklen_t len = sizeof(family);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) == 0 &&
	    (family == AF_INET || family == AF_INET6);
}

/* The same of a link. */
static int
rough_link(int fd, size_t *len)
{
	uint64_t more;
	enum rough what = rough_draw(&more);

	if (what == ROUGH_NOT || *len < 2 || !is_of_internet(fd))
		return 0;
	if (what == ROUGH_SELDOM)
		return (int)fails(more % 64 < SELDOM ? EINTR : EAGAIN);
	count();
	*len = 1 + more % (*len - 1);
	return 0;
}

#define NEXT(name, type)  \
	static type next; \
	if (next == NULL) \
	*(void **)&next = seam_next(name)

typedef ssize_t read_fn(int, void *, size_t);
typedef ssize_t write_fn(int, const void *, size_t);
typedef ssize_t pread_fn(int, void *, size_t, off_t);
typedef ssize_t pwrite_fn(int, const void *, size_t, off_t);
typedef ssize_t recv_fn(int, void *, size_t, int);
typedef ssize_t send_fn(int, const void *, size_t, int);
typedef int accept4_fn(int, __SOCKADDR_ARG, socklen_t *restrict, int);
typedef int socket_fn(int, int, int);
typedef int poll_fn(struct pollfd *, nfds_t, int);

/* --- files --- */

ssize_t
read(int fd, void *out, size_t len)
{
	NEXT("read", read_fn *);
	return rough_file(fd, &len) != 0 ? -1 : next(fd, out, len);
}

ssize_t
write(int fd, const void *data, size_t len)
{
	NEXT("write", write_fn *);
	return rough_file(fd, &len) != 0 ? -1 : next(fd, data, len);
}

ssize_t
pread(int fd, void *out, size_t len, off_t offset)
{
	NEXT("pread", pread_fn *);
	return rough_file(fd, &len) != 0 ? -1 : next(fd, out, len, offset);
}

ssize_t
pread64(int fd, void *out, size_t len, off64_t offset)
{
	return pread(fd, out, len, offset);
}

ssize_t
pwrite(int fd, const void *data, size_t len, off_t offset)
{
	NEXT("pwrite", pwrite_fn *);
	return rough_file(fd, &len) != 0 ? -1 : next(fd, data, len, offset);
}

ssize_t
pwrite64(int fd, const void *data, size_t len, off64_t offset)
{
	return pwrite(fd, data, len, offset);
}

/* --- links --- */

ssize_t
recv(int fd, void *out, size_t len, int flags)
{
	NEXT("recv", recv_fn *);
	return rough_link(fd, &len) != 0 ? -1 : next(fd, out, len, flags);
}

ssize_t
send(int fd, const void *data, size_t len, int flags)
{
	NEXT("send", send_fn *);
	return rough_link(fd, &len) != 0 ? -1 : next(fd, data, len, flags);
}

static bool
is_out_of_descriptors(void)
{
	uint64_t more;

	return draw(atomic_load(&seam->no_descriptor), &more);
}

int
accept4(int fd, __SOCKADDR_ARG address, socklen_t *restrict len, int flags)
{
	NEXT("accept4", accept4_fn *);
	if (is_of_internet(fd) && is_out_of_descriptors())
		return (int)fails(EMFILE);
	return next(fd, address, len, flags);
}

int
socket(int family, int type, int protocol)
{
	NEXT("socket", socket_fn *);
	if ((family == AF_INET || family == AF_INET6) &&
	    is_out_of_descriptors())
		return (int)fails(EMFILE);
	return next(family, type, protocol);
}

/* --- waiting --- */

int
poll(struct pollfd *fds, nfds_t fd_count, int timeout)
{
	uint64_t more;

	NEXT("poll", poll_fn *);
	if (rough_draw(&more) == ROUGH_INTR)
		return (int)fails(EINTR);
	return next(fds, fd_count, timeout);
}

int __poll_chk(struct pollfd *fds, nfds_t fd_count, int timeout, size_t bytes);

/* What poll() is called where the size of fds is known. */
int
__poll_chk(struct pollfd *fds, nfds_t fd_count, int timeout, size_t bytes)
{
	if (bytes / sizeof(*fds) < fd_count)
		return (int)fails(EFAULT);
	return poll(fds, fd_count, timeout);
}
