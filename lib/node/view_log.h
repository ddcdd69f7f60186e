/*
 * The views this node took part in: who asked for them and why, and how long
 * nothing was executed meanwhile.
 *
 * Ownership  the caller's storage, zeroed.
 * Threads    the loop's.
 */
#ifndef AEGIS_NODE_VIEW_LOG_H
#define AEGIS_NODE_VIEW_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consensus/engine.h"
#include "node/node.h"

#define VIEW_LOG_KEPT 64

struct view_log {
	struct node_view views[VIEW_LOG_KEPT]; /* ring by count */
	size_t count;
	uint64_t executed_us; /* the last time something was; 0: never */
	uint64_t stopped_us;  /* since when nothing is, or 0: it is */
	uint64_t left_ms;     /* wall; when the view was left, or 0 */
};

/* Now, by both clocks. */
struct view_log_time {
	uint64_t mono_us;
	uint64_t wall_ms;
};

/* What was measured of a primary that is left as slow or unfair, in words. */
void view_log_explain(char detail[static NODE_VIEW_DETAIL_BYTES],
    const struct effect *effect);

/* This node asks for a view, as EFFECT_VIEW says. */
void view_log_asked(struct view_log *log, const struct effect *effect,
    const char *detail, struct view_log_time now);

/* A view was entered; wall_ms 0: it began before this start. */
void view_log_entered(struct view_log *log, uint64_t view, uint32_t primary,
    uint32_t askers, uint64_t wall_ms);

/* Something was executed. */
void view_log_executed(struct view_log *log, uint64_t mono_us);

/* When the view was entered, or left while it changes; 0: unknown. */
uint64_t view_log_since_ms(const struct view_log *log);

/* The newest, newest first. */
size_t view_log_list(const struct view_log *log, struct node_view *out,
    size_t cap);

#endif
