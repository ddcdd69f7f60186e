/*
 * Process figures from /proc/self.
 *
 * FORMAT   /proc/self/stat is one line; the second field is a name in
 *          parentheses that may hold anything, so fields are counted from
 *          the last ')'.  Times are in clock ticks, sizes in pages or bytes.
 */
#include "monitor/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/version.h"
#include "monitor/exposition.h"

/* Fields of /proc/self/stat as proc(5) numbers them, from 1. */
#define STAT_FIRST_AFTER_NAME 3
#define STAT_USER_TICKS 14
#define STAT_SYSTEM_TICKS 15
#define STAT_THREADS 20
#define STAT_START_TICKS 22
#define STAT_VIRTUAL_BYTES 23
#define STAT_RESIDENT_PAGES 24
#define STAT_FIELDS 25

#define PROC_FILE_BYTES 4096

/* Files in /proc have no size: read what one read gives. */
static enum ag_status
read_proc(const char *path, char text[static PROC_FILE_BYTES],
    struct ag_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd == -1)
		return ag_fail_sys(err, "open %s", path);
	len = read(fd, text, PROC_FILE_BYTES - 1);
	if (len < 0) {
		(void)ag_fail_sys(err, "read %s", path);
		(void)close(fd);
		return AG_ESYS;
	}
	(void)close(fd);
	text[len] = '\0';
	return AG_OK;
}

static enum ag_status
read_stat(uint64_t fields[static STAT_FIELDS], struct ag_error *err)
{
	char text[PROC_FILE_BYTES], *at;
	enum ag_status status;
	size_t i;

	status = read_proc("/proc/self/stat", text, err);
	if (status != AG_OK)
		return status;
	at = strrchr(text, ')');
	/* ") S " stands before the first number. */
	if (at == NULL || strlen(at) < 4)
		return ag_fail(err, AG_ESYS, "read /proc/self/stat: no fields");
	at += 4;
	for (i = STAT_FIRST_AFTER_NAME + 1; i < STAT_FIELDS; i++)
		fields[i] = strtoull(at, &at, 10);
	return AG_OK;
}

static uint64_t
boot_time_s(void)
{
	char text[PROC_FILE_BYTES];
	const char *at;

	if (read_proc("/proc/uptime", text, NULL) != AG_OK)
		return 0;
	at = text;
	return (uint64_t)time(NULL) - strtoull(at, NULL, 10);
}

static uint64_t
count_open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	uint64_t count = 0;

	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			count++;
	(void)closedir(dir);
	/* The descriptor that lists is not one of ours. */
	return count - 1;
}

enum ag_status
process_usage_get(struct process_usage *usage, struct ag_error *err)
{
	const uint64_t tick_hz = (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t fields[STAT_FIELDS] = { 0 };
	struct rlimit limit;
	enum ag_status status;

	*usage = (struct process_usage){ 0 };
	status = read_stat(fields, err);
	if (status != AG_OK)
		return status;
	usage->cpu_us = (fields[STAT_USER_TICKS] + fields[STAT_SYSTEM_TICKS]) *
	    1000000 / tick_hz;
	usage->resident_bytes =
	    fields[STAT_RESIDENT_PAGES] * (uint64_t)sysconf(_SC_PAGESIZE);
	usage->virtual_bytes = fields[STAT_VIRTUAL_BYTES];
	usage->threads = fields[STAT_THREADS];
	usage->start_ms =
	    boot_time_s() * 1000 + fields[STAT_START_TICKS] * 1000 / tick_hz;
	usage->open_fds = count_open_fds();
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		usage->max_fds = limit.rlim_cur;
	return AG_OK;
}

static enum ag_status
write_family(struct buf *out, const char *name, const char *type,
    const char *help, uint64_t value)
{
	enum ag_status status = exposition_write_head(out, name, type, help);

	if (status != AG_OK)
		return status;
	return buf_printf(out, "%s %" PRIu64 "\n", name, value);
}

/* Thousandths of a second and finer, shown as seconds. */
static enum ag_status
write_seconds(struct buf *out, const char *name, const char *type,
    const char *help, uint64_t us)
{
	enum ag_status status = exposition_write_head(out, name, type, help);

	if (status != AG_OK)
		return status;
	return buf_printf(out, "%s %" PRIu64 ".%06" PRIu64 "\n", name,
	    us / 1000000, us % 1000000);
}

static enum ag_status
write_usage(struct buf *out, const struct process_usage *usage)
{
	const struct {
		const char *name;
		const char *help;
		uint64_t value;
	} gauges[] = {
		{ "process_open_fds", "Open file descriptors",
		    usage->open_fds },
		{ "process_max_fds", "Most file descriptors allowed",
		    usage->max_fds },
		{ "process_virtual_memory_bytes", "Virtual memory size",
		    usage->virtual_bytes },
		{ "process_resident_memory_bytes", "Resident memory size",
		    usage->resident_bytes },
		{ "process_threads", "Threads of the process", usage->threads },
	};
	enum ag_status status;
	size_t i;

	for (i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++) {
		status = write_family(out, gauges[i].name, "gauge",
		    gauges[i].help, gauges[i].value);
		if (status != AG_OK)
			return status;
	}
	status = write_seconds(out, "process_cpu_seconds_total", "counter",
	    "User and system time spent", usage->cpu_us);
	if (status != AG_OK)
		return status;
	return write_seconds(out, "process_start_time_seconds", "gauge",
	    "When the process started, since 1970", usage->start_ms * 1000);
}

enum ag_status
process_write_metrics(struct buf *out)
{
	struct process_usage usage;
	enum ag_status status;

	status = exposition_write_head(out, "aegis_build_info", "gauge",
	    "Constant 1, labelled with what was built");
	if (status != AG_OK)
		return status;
	status = buf_printf(out,
	    "aegis_build_info{version=\"%s\",compiler=\"%s\"} 1\n",
	    version_text(),
#ifdef __clang__
	    "clang"
#else
	    "gcc"
#endif
	);
	if (status != AG_OK)
		return status;
	if (process_usage_get(&usage, NULL) != AG_OK)
		return AG_OK;
	return write_usage(out, &usage);
}
