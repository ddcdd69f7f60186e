/*
 * A trial cluster's directory, and the processes started from it.
 *
 * Threads  none of its own.
 */
#ifndef AEGIS_CMD_CLUSTER_DIR_H
#define AEGIS_CMD_CLUSTER_DIR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"
#include "trust/roster.h"

#define CLUSTER_PATH_BYTES 1024

struct cluster_dir {
	char path[CLUSTER_PATH_BYTES]; /* absolute */
	struct roster roster;
};

/* Returns what the two functions below hand out; NULL is fine. */
void cluster_dir_close(struct cluster_dir *dir);

/*
 * Make a directory for so many members and observers on loopback, listening
 * from base_port upwards (0: ports that are free now).  AG_EEXIST when path
 * is there.
 */
enum ag_status cluster_dir_create(struct cluster_dir **out, const char *path,
    const char *name, const char *strategy, uint32_t members,
    uint32_t observers, uint16_t base_port, struct ag_error *err) AG_MUST_USE;

enum ag_status cluster_dir_open(struct cluster_dir **out, const char *path,
    struct ag_error *err) AG_MUST_USE;

/* DIR/<member>/<file> into out. */
enum ag_status cluster_dir_file(const struct cluster_dir *dir, uint32_t member,
    const char *file, char out[static CLUSTER_PATH_BYTES],
    struct ag_error *err) AG_MUST_USE;

/* The process of a member's node, or 0 when none runs. */
pid_t cluster_dir_pid(const struct cluster_dir *dir, uint32_t member);

/* A node being started: its notices arrive on fd. */
struct cluster_start {
	pid_t pid;
	int fd;
	char text[256]; /* the last status it told */
	bool is_ready;  /* it serves */
	bool is_ok;     /* and all members take part */
};

/* Start a member's node in the background. */
enum ag_status cluster_dir_start(const struct cluster_dir *dir, uint32_t member,
    struct cluster_start *start, struct ag_error *err) AG_MUST_USE;

/*
 * Wait until every started node says so much, or timeout_ms is over.
 * AG_ETIMEOUT with who is missing; AG_ESYS when one ended instead.
 */
enum ag_status cluster_dir_await(const struct cluster_dir *dir,
    struct cluster_start *starts, uint32_t count, bool all_ok,
    uint64_t timeout_ms, struct ag_error *err) AG_MUST_USE;
void cluster_start_close(struct cluster_start *start);

/* Send signo to a member's node; AG_ENOENT when none runs. */
enum ag_status cluster_dir_signal(const struct cluster_dir *dir,
    uint32_t member, int signo, struct ag_error *err) AG_MUST_USE;

/* Send signo, and wait for the node's end; AG_ENOENT when none runs. */
enum ag_status cluster_dir_end(const struct cluster_dir *dir, uint32_t member,
    int signo, uint64_t timeout_ms, struct ag_error *err) AG_MUST_USE;

#endif
