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

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "codec/batch.h"
#include "codec/text.h"

/* Of a request's principal as text: enough to find it. */
#define PRINCIPAL_SHOWN 4

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

static void
explain_unfair(char detail[static NODE_VIEW_DETAIL_BYTES],
    const struct effect *effect)
{
	char hex[2 * PRINCIPAL_SHOWN + 1];
	struct envelope envelope;

	if (envelope_decode(&envelope, effect->body, NULL) != AG_OK)
		return;
	text_hex(hex, sizeof(hex),
	    bytes_of(envelope.principal, PRINCIPAL_SHOWN));
	(void)snprintf(detail, NODE_VIEW_DETAIL_BYTES,
	    "%s*.%" PRIu64 " %" PRIu64 " ms, others %" PRIu64 " ms", hex,
	    envelope.first, effect->measured / 1000, effect->expected / 1000);
}

void
view_log_explain(char detail[static NODE_VIEW_DETAIL_BYTES],
    const struct effect *effect)
{
	detail[0] = '\0';
	if (effect->text == NULL)
		return;
	if (strcmp(effect->text, "slow") == 0)
		(void)snprintf(detail, NODE_VIEW_DETAIL_BYTES,
		    "%" PRIu64 ".%" PRIu64 " requests/s of %" PRIu64
		    ".%" PRIu64,
		    effect->measured / 1000, effect->measured / 100 % 10,
		    effect->expected / 1000, effect->expected / 100 % 10);
	else if (strcmp(effect->text, "unfair") == 0)
		explain_unfair(detail, effect);
}

void
view_log_asked(struct view_log *log, const struct effect *effect,
    const char *detail, struct view_log_time now)
{
	struct node_view *v = row_of(log, effect->view, effect->member);

	v->is_changing = true;
	v->why = effect->text;
	v->asked_ms = effect->text == NULL ? 0 : now.wall_ms;
	(void)snprintf(v->detail, sizeof(v->detail), "%s", detail);
	if (log->left_ms == 0)
		log->left_ms = now.wall_ms;
	note_stop(log, effect->since_us, now.mono_us);
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
