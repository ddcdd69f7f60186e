/*
 * Preloaded into a node: the disk and the clock under it, while it runs.
 *
 * SEAM         a file of the words below, which the runner has mapped too
 * SEAM_SOURCE  the host its connections come from, where all nodes share one
 *              network and a relay has to tell them apart
 *
 * FORMAT   64-bit words, the machine's own order: see struct seam.
 *
 * NOT HERE Calls that do less than they were asked for (seam_rough.c).
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "chaos/seam.h"

static struct seam nothing;
struct seam *seam = &nothing;

static int (*next_clock_gettime)(clockid_t, struct timespec *);
static int (*next_connect)(int, const struct sockaddr *, socklen_t);

void *
seam_next(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (found == NULL)
		abort();
	return found;
}

__attribute__((constructor)) static void
seam_open(void)
{
	const char *path = getenv("SEAM");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	void *map;

	*(void **)&next_clock_gettime = seam_next("clock_gettime");
	*(void **)&next_connect = seam_next("connect");
	if (fd == -1)
		return;
	map = mmap(NULL, sizeof(*seam), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    0);
	(void)close(fd);
	if (map != MAP_FAILED)
		seam = map;
}

/* --- the disk --- */

static bool
sync_is_refused(void)
{
	uint64_t left = atomic_load(&seam->sync_errors);

	while (left > 0)
		if (atomic_compare_exchange_weak(&seam->sync_errors, &left,
			left - 1)) {
			atomic_fetch_add(&seam->failed_syncs, 1);
			errno = EIO;
			return true;
		}
	return false;
}

static void
sync_wait(void)
{
	const uint64_t us = atomic_load(&seam->sync_delay_us);
	const struct timespec wait = { .tv_sec = (time_t)(us / 1000000),
		.tv_nsec = (long)(us % 1000000) * 1000 };

	if (us == 0)
		return;
	atomic_fetch_add(&seam->slow_syncs, 1);
	(void)nanosleep(&wait, NULL);
}

int
fsync(int fd)
{
	if (sync_is_refused())
		return -1;
	sync_wait();
	return (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	if (sync_is_refused())
		return -1;
	sync_wait();
	return (int)syscall(SYS_fdatasync, fd);
}

/* --- the wall clock --- */

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int64_t offset, us;

	/* Other libraries' constructors come before ours. */
	if (next_clock_gettime == NULL)
		return (int)syscall(SYS_clock_gettime, id, ts);
	if (next_clock_gettime(id, ts) != 0)
		return -1;
	if (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE)
		return 0;
	offset = atomic_load(&seam->wall_offset_us);
	if (offset == 0)
		return 0;
	atomic_fetch_add(&seam->wrong_times, 1);
	us = (int64_t)ts->tv_nsec / 1000 + offset % 1000000 + 1000000;
	ts->tv_sec += (time_t)(offset / 1000000 + us / 1000000 - 1);
	ts->tv_nsec = (long)(us % 1000000) * 1000;
	return 0;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
		return -1;
	*tv = (struct timeval){ .tv_sec = ts.tv_sec,
		.tv_usec = ts.tv_nsec / 1000 };
	return 0;
}

time_t
time(time_t *out)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
		return (time_t)-1;
	if (out != NULL)
		*out = ts.tv_sec;
	return ts.tv_sec;
}

/* --- where connections come from --- */

/* As glibc declares it: a union of pointers to every kind of address. */
int
connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t len)
{
	const struct sockaddr *to = address.__sockaddr__;
	const char *source = getenv("SEAM_SOURCE");
	struct sockaddr_in from = { .sin_family = AF_INET };

	if (source != NULL && to->sa_family == AF_INET &&
	    inet_aton(source, &from.sin_addr) == 1 &&
	    bind(fd, (const struct sockaddr *)&from, sizeof(from)) != 0)
		return -1;
	return next_connect(fd, to, len);
}
