/*
 * Leases that expire while nothing else happens.
 *
 * RULES    1. Nothing is submitted before a lease is past by this member's
 *             clock, and one batch at a time.
 *          2. Members take turns by the lease's time: the first of them
 *             submits at once, each other one EXPIRY_RANK_MS later than the
 *             one before, counted from the last batch.  So one does, unless
 *             it is away.
 *          3. The primary's clock may be behind.  What its last batch, if
 *             that was just now, lacks of the lease's time is waited for.
 *             Ours may be far ahead: how far, a batch of ours shows, and then
 *             it is known of others, too, whether they are of just now.
 *          4. What can not be agreed on is tried again ever more seldom:
 *             whatever is agreed on next lets the lease expire, too.
 */
#include "node/expiry.h"

#include <stdlib.h>

#include "base/clock.h"
#include "event/loop.h"

/* What was agreed on before is of yesterday. */
#define RECENT_MS 10000

#define RETRY_MS_LEAST 1000
#define RETRY_MS_MOST 30000

struct expiry {
	struct expiry_config config;
	struct loop_timer *timer;
	uint64_t next_ms;  /* 0: never */
	uint64_t time_ms;  /* agreed, of the last batch */
	uint64_t ahead_ms; /* our clock, of it, when that was ours */
	bool is_waiting;   /* for a batch of ours */
	uint64_t retry_ms;
	struct metric *submitted;
};

static uint64_t
until(uint64_t now_ms, uint64_t then_ms)
{
	return then_ms > now_ms ? then_ms - now_ms : 0;
}

/* How long others come before. */
static uint64_t
turn_ms(const struct expiry *x)
{
	uint32_t members = 1, place;

	place = x->config.place(x->config.arg, &members);
	return (place + x->next_ms % members) % members *
	    (uint64_t)EXPIRY_RANK_MS;
}

/* Set the timer to this member's turn. */
static void
arm(struct expiry *x)
{
	const uint64_t now_ms = clock_wall_ms();
	uint64_t left_ms = until(now_ms, x->next_ms + 1);

	/* A batch of just now says what time it is for its primary. */
	if (now_ms < x->time_ms + x->ahead_ms + RECENT_MS &&
	    until(x->time_ms, x->next_ms + 1) > left_ms)
		left_ms = until(x->time_ms, x->next_ms + 1);
	loop_timer_set(x->timer, left_ms + turn_ms(x));
}

static void
on_timer(void *arg)
{
	struct expiry *x = arg;

	if (x->next_ms == 0 || x->is_waiting)
		return;
	/* A wall clock may have been set back. */
	if (clock_wall_ms() <= x->next_ms) {
		arm(x);
		return;
	}
	x->is_waiting = true;
	metric_add(x->submitted, 1);
	x->config.submit(x->config.arg);
}

struct expiry *
expiry_new(const struct expiry_config *config)
{
	struct expiry *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->config = *config;
	x->retry_ms = RETRY_MS_LEAST;
	x->submitted = metric_new(config->metrics, METRIC_COUNTER,
	    "aegis_lease_batches_total",
	    "Batches this node asked for so that leases expire", NULL);
	if (loop_timer_new(&x->timer, config->loop, on_timer, x) == AG_OK)
		return x;
	free(x);
	return NULL;
}

void
expiry_free(struct expiry *x)
{
	if (x == NULL)
		return;
	loop_timer_close(x->timer);
	free(x);
}

void
expiry_agreed(struct expiry *x, uint64_t next_ms, uint64_t time_ms)
{
	x->next_ms = next_ms;
	x->time_ms = time_ms;
	if (x->is_waiting)
		return;
	if (next_ms == 0)
		loop_timer_cancel(x->timer);
	else
		arm(x);
}

void
expiry_submitted(struct expiry *x, bool is_agreed)
{
	x->is_waiting = false;
	if (is_agreed) {
		x->retry_ms = RETRY_MS_LEAST;
		x->ahead_ms = until(x->time_ms, clock_wall_ms());
	}
	if (x->next_ms == 0)
		return;
	if (is_agreed && x->next_ms < x->time_ms) {
		/* There are more than expire in one batch. */
		loop_timer_set(x->timer, 0);
	} else if (is_agreed) {
		arm(x);
	} else {
		loop_timer_set(x->timer, x->retry_ms);
		x->retry_ms = 2 * x->retry_ms < RETRY_MS_MOST ? 2 * x->retry_ms
							      : RETRY_MS_MOST;
	}
}
