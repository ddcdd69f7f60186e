/*
 * Where the dashboard's data comes from: a thread that asks a node.
 *
 * Ownership  source_new() starts the thread, source_free() ends it.
 * Threads    all calls from the drawing thread; the fetching thread is
 *            inside.
 */
#ifndef AEGIS_TUI_SOURCE_H
#define AEGIS_TUI_SOURCE_H

#include <stdint.h>

#include "base/status.h"
#include "tui/pane.h"

struct source;

/* wake_fd is an eventfd that is written when there is something new. */
enum ag_status source_new(struct source **out, const char *socket_path,
    int wake_fd, struct ag_error *err) AG_MUST_USE;
void source_free(struct source *source);

/* Say what to fetch from now on, and how often. */
void source_want(struct source *source, unsigned parts, uint64_t interval_ms);

/* Ask now, also when a pause before the next attempt is running. */
void source_hurry(struct source *source);

/* Move what came since the last call into m, and tell the link's state. */
void source_take(struct source *source, struct model *m,
    struct scene_link *link);

/* Without a thread: ask once for parts, for --once. */
enum ag_status source_fetch(const char *socket_path, unsigned parts,
    struct model *m, struct ag_error *err) AG_MUST_USE;

#endif
