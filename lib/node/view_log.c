/*
 * The log of views.
 *
 * STATES   asked    a row that is_changing
 *          entered  the same row, or a new one for who did not ask
 *          served   something was executed in it: stopped_us is known
 *
 * RULES    1. Service stops when the last batch was executed, or when
 *             something began to wait, whichever is later: an idle cluster
 *             has not stopped.
 *          2. Views that were asked for and not entered stay: they are a part
 *             of why it took so long.
 */
#include "node/view_log.h"

static struct node_view *
newest(struct view_log *log)
{
	return log->count == 0 ? NULL
			       : &log->views[(log->count - 1) % VIEW_LOG_KEPT];
}

/* The row of a view that is now asked for or entered. */
static struct node_view *
row_of(struct view_log *log, uint64_t view, uint32_t primary)
{
	struct node_view *v = newest(log);

	if (v == NULL || v->view != view || !v->is_changing) {
		v = &log->views[log->count++ % VIEW_LOG_KEPT];
		*v = (struct node_view){ .view = view, .primary = primary };
	}
	return v;
}

static void
note_stop(struct view_log *log, uint64_t since_us, uint64_t now_us)
{
	if (log->stopped_us != 0)
		return;
	if (since_us == UINT64_MAX)
		since_us = now_us;
	log->stopped_us =
	    since_us > log->executed_us ? since_us : log->executed_us;
}

void
view_log_asked(struct view_log *log, uint64_t view, uint32_t primary,
    const char *why, uint64_t since_us, struct view_log_time now)
{
	struct node_view *v = row_of(log, view, primary);

	v->is_changing = true;
	v->why = why;
	v->asked_ms = why == NULL ? 0 : now.wall_ms;
	if (log->left_ms == 0)
		log->left_ms = now.wall_ms;
	note_stop(log, since_us, now.mono_us);
}

void
view_log_entered(struct view_log *log, uint64_t view, uint32_t primary,
    uint32_t askers, uint64_t wall_ms)
{
	struct node_view *v = row_of(log, view, primary);

	v->is_changing = false;
	v->askers = askers;
	v->began_ms = wall_ms;
	log->left_ms = 0;
}

void
view_log_executed(struct view_log *log, uint64_t mono_us)
{
	struct node_view *v = newest(log);

	if (log->stopped_us != 0 && v != NULL && !v->is_changing) {
		v->stopped_us = mono_us - log->stopped_us;
		log->stopped_us = 0;
	}
	log->executed_us = mono_us;
}

uint64_t
view_log_since_ms(const struct view_log *log)
{
	if (log->left_ms != 0)
		return log->left_ms;
	return log->count == 0
	    ? 0
	    : log->views[(log->count - 1) % VIEW_LOG_KEPT].began_ms;
}

size_t
view_log_list(const struct view_log *log, struct node_view *out, size_t cap)
{
	size_t i,
	    kept = log->count < VIEW_LOG_KEPT ? log->count : VIEW_LOG_KEPT;

	for (i = 0; i < kept && i < cap; i++)
		out[i] = log->views[(log->count - 1 - i) % VIEW_LOG_KEPT];
	return i;
}
