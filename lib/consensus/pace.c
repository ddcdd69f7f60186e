/*
 * Pace: is a primary as fast as the cluster has seen primaries to be?
 *
 * The timers of view_change.c know only of standing still.  A primary that
 * keeps each batch back for a little less than that, or one client's
 * requests for longer, would never be left.  So each member measures, while
 * requests wait at it, and compares with its own history, as Aardvark does
 * (Clement et al., "Making Byzantine Fault Tolerant Systems Tolerate
 * Byzantine Faults", NSDI 2009).  Nothing of this is agreed on, signed or
 * kept over a restart: it only says when to ask for the next view.
 *
 * MEASURE  A window is an eighth of the view timeout in which something
 *          waited here, or longer when little does.  The last four have a
 *          rate, of requests executed, and a wait: the time that all of them
 *          waited, by those executed (Little's law), so that what is kept
 *          back counts too, but no less than those executed waited.
 *          Requests count that our own clients wait for; while there are
 *          none, those that others have sent us, of which more patience is
 *          due.  The rest counts for nothing, or a primary could order its
 *          own to look busy.
 *
 * HISTORY  A figure for each member: rate and wait of its last view, as good
 *          as its windows were, less rare outliers.  Of these the f + 1st
 *          best is asked for, which one correct member at least has given;
 *          who has not been primary yet is thought to be as good as the
 *          best, and to need no longer than a window.  Whatever this primary
 *          itself has shown to be possible in its view is asked for as well.
 *
 * VERDICT  With N requests waiting no cluster gives more than its best rate,
 *          nor than N by the least wait.  Less than the demanded part of the
 *          lesser of the two is slow: overload lengthens the wait but not at
 *          a low rate, and few requests lower the rate but do not wait long.
 *          The demand is three tenths, and rises slowly to half, so that who
 *          stays just above it is left after all, unless it serves as well as
 *          that.  A primary is slow when that was found four times in a row, a
 *          window apart; or once, of one that took half a view timeout to
 *          begin its view.
 *          It is unfair when it is slow only towards what waits here, while
 *          other batches are executed, or when a request waits eight times as
 *          long as the median of those executed since it came, of which
 *          there are many, although it was sent to the primary twice more.
 *          That is twice as long after each view that was left for it, and
 *          eight times again after some time in peace: a primary that has no
 *          room for all that is sent to it looks unfair too.
 *
 * RULES    1. Who finds so says it in PROGRESS, votes on, and sends what has
 *             waited longest to everybody, who can then see it wait.  It
 *             leaves when 2f + 1 members, itself one of them, have said so of
 *             this view of late or have left it.  So f + 1 correct ones
 *             agree, and they are enough for the rest to follow; f liars, or
 *             members whose own disks or links are slow, change nothing and
 *             lose nothing.  Who has no clients of its own to judge by leaves
 *             when f + 1 others say so, of whom one is correct; it says
 *             nothing itself, or such members would believe each other.
 *          2. The first eighth of a view timeout of each view is not
 *             measured: a new view begins with what is left of the old.
 *          3. All of these times double with the view timeout (rule 3 of
 *             view_change.c), one view later, so that some view lasts long
 *             enough for a batch however slow the network has become.
 *          4. A view that was slow from its beginning to its end leaves its
 *             wait in the history, also when it executed nothing.  So a
 *             cluster that has become slower leaves each of its primaries
 *             once, or again when they become slower yet: when all but f have
 *             had their turn, what they could give is what is asked for.
 *          5. A member that hears no quorum, or that f + 1 others lead,
 *             blames nobody (rule 4 of view_change.c); nor does one blame
 *             itself.
 */
#include <string.h>

#include "consensus/pbft.h"

/* Windows in a view timeout, and those of a view that are not measured. */
#define WINDOWS 8
#define GRACE_WINDOWS 1

/* Times in a row that make a primary slow. */
#define SLOW_TIMES 4
#define SLOW_TIMES_MAX 8
#define SLOW_FORGIVEN 2

/* Requests that a window should have had executed at least. */
#define SERVED_LEAST 2

/* Waits shorter than this part of the view timeout are all alike. */
#define WAIT_LEAST_PART 256

/* Of what is expected, in thousandths. */
#define DEMAND_FIRST 300
#define DEMAND_LAST 500
#define DEMAND_STEP 2

/* A figure follows better windows by a quarter of the difference, and others
 * by very little. */
#define LEARN_BETTER 4
#define LEARN_WORSE 512

/* Times that it was sent to the primary in vain, after the first. */
#define SHARES_LEAST 2

/* How much longer than the median is unfair, at first and at last, and view
 * timeouts in peace after which it is the first again. */
#define UNFAIR_FIRST 8
#define UNFAIR_LAST 64
#define UNFAIR_WINDOWS 2 /* at least */
#define PEACE_TIMEOUTS 32

/*
 * The first view change of many does not lengthen it: a view that begins after
 * a slow one is measured as that was.
 */
static uint64_t
window_us(const struct engine *e)
{
	const uint64_t timeout = view_timeout_us(e);

	return (timeout > e->config.view_timeout_us ? timeout / 2 : timeout) /
	    WINDOWS;
}

static bool
is_measured(const struct engine *e)
{
	return e->raft == NULL && e->is_started && !e->is_changing;
}

static void
add_time(struct pace_sum *sum, uint64_t us, size_t waiting)
{
	if (waiting == 0)
		return;
	sum->busy_us += us;
	sum->waited_us += us * waiting;
}

void
pace_count(struct engine *e)
{
	struct pace *p = &e->pace;
	uint64_t from = p->counted_us;

	p->counted_us = e->now_us;
	/* What was given before a pause says nothing of now. */
	if (e->pending_count == 0 &&
	    e->now_us - from > PACE_WINDOWS * window_us(e))
		memset(p->last, 0, sizeof(p->last));
	if (e->pending_own > 0)
		p->own_us = e->now_us;
	if (from < p->begins_us)
		from = p->begins_us;
	if (e->now_us <= from || !is_measured(e))
		return;
	add_time(&p->now.sums[PACE_OWN], e->now_us - from, e->pending_own);
	add_time(&p->now.sums[PACE_OTHERS], e->now_us - from,
	    e->pending_count - e->pending_own);
}

/* Whose requests a verdict is about: see MEASURE. */
static enum pace_whose
whose(const struct pace_window *w)
{
	return w->sums[PACE_OWN].busy_us > 0 ? PACE_OWN : PACE_OTHERS;
}

/* --- the history --- */

/* The view before ended: what its primary has given is what it can give. */
static void
keep_figure(struct engine *e)
{
	const struct pace *p = &e->pace;
	struct pace_figure *kept = &e->peers[view_primary(e, p->view)].pace;
	uint32_t k;

	for (k = 0; k < PACE_WHOSE; k++) {
		const struct pace_sum *view = &p->view_sums[k];

		if (p->shown.wait_us[k] != 0)
			kept->wait_us[k] = p->shown.wait_us[k];
		else if (view->served != 0)
			kept->wait_us[k] = view->waited_us / view->served + 1;
		else if (view->busy_us != 0)
			kept->wait_us[k] = view->busy_us;
	}
	if (p->view_sums[PACE_OWN].busy_us != 0)
		kept->rate = p->shown.rate;
}

void
pace_begin(struct engine *e, uint64_t waited_us)
{
	const uint64_t window = window_us(e);
	const uint64_t peace = PEACE_TIMEOUTS * e->config.view_timeout_us;
	uint64_t unfair_times = e->pace.unfair_times;

	if (unfair_times == 0 || e->now_us - e->pace.begins_us > peace)
		unfair_times = UNFAIR_FIRST;
	keep_figure(e);
	e->pace = (struct pace){
		.view = e->view,
		.own_us = e->pending_own > 0 ? e->now_us : e->pace.own_us,
		.begins_us = e->now_us + GRACE_WINDOWS * window,
		.counted_us = e->now_us,
		.delivered = e->delivered,
		.due_us = e->now_us + (GRACE_WINDOWS + 1) * window,
		.demand = DEMAND_FIRST,
		/* Slow to begin its view: the first windows may confirm it. */
		.slow_times = waited_us > e->config.view_timeout_us / 2
		    ? SLOW_TIMES - 1
		    : 0,
		.unfair_times = unfair_times,
	};
}

/* Insert into what is sorted, the best first. */
static void
sort_in(uint64_t *sorted, uint32_t count, uint64_t value, bool is_least_best)
{
	uint32_t at = count;

	for (; at > 0 && (sorted[at - 1] > value) == is_least_best; at--)
		sorted[at] = sorted[at - 1];
	sorted[at] = value;
}

/* Have all but f shown what they can? */
static bool
is_settled(const struct engine *e, uint32_t known)
{
	return known + e->faults >= e->config.member_count;
}

/*
 * The f + 1st best of all members' figures, who is not known being as good as
 * the best that is; 0: nobody is.
 */
static uint64_t
credible(const struct engine *e, const uint64_t *sorted, uint32_t known)
{
	const uint32_t unknown = e->config.member_count - known;

	if (known == 0)
		return 0;
	if (!is_settled(e, known))
		return sorted[0];
	return sorted[e->faults - unknown];
}

static uint64_t
expected_wait_us(const struct engine *e, enum pace_whose whose)
{
	const uint64_t least = view_timeout_us(e) / WAIT_LEAST_PART + 1;
	const uint64_t shown = e->pace.shown.wait_us[whose];
	uint64_t sorted[ENGINE_MEMBERS_MAX], wait;
	uint32_t i, count = 0;

	for (i = 0; i < e->config.member_count; i++)
		if (e->peers[i].pace.wait_us[whose] != 0)
			sort_in(sorted, count++,
			    e->peers[i].pace.wait_us[whose], true);
	wait = credible(e, sorted, count);
	if (wait == 0 || (!is_settled(e, count) && wait > window_us(e)))
		wait = window_us(e);
	if (shown != 0 && shown < wait)
		wait = shown;
	/* Others send what has waited already: the worst of what they have. */
	if (whose == PACE_OTHERS && wait < window_us(e))
		wait = window_us(e);
	return wait > least ? wait : least;
}

/* In 1000 seconds; 0: not known. */
static uint64_t
expected_rate(const struct engine *e)
{
	uint64_t sorted[ENGINE_MEMBERS_MAX], rate;
	uint32_t i, count = 0;

	for (i = 0; i < e->config.member_count; i++)
		if (e->peers[i].pace.rate != 0)
			sort_in(sorted, count++, e->peers[i].pace.rate, false);
	rate = credible(e, sorted, count);
	return rate > e->pace.shown.rate ? rate : e->pace.shown.rate;
}

/* --- windows --- */

static void
learn(uint64_t *figure, uint64_t value, bool is_better)
{
	const uint64_t part = is_better ? LEARN_BETTER : LEARN_WORSE;

	if (*figure == 0)
		*figure = value;
	else if (value > *figure)
		*figure += (value - *figure) / part;
	else
		*figure -= (*figure - value) / part;
}

/* What was waited is at least what those executed have waited. */
static uint64_t
waited_us(const struct pace_sum *s)
{
	return s->waited_us > s->served_us ? s->waited_us : s->served_us;
}

static void
learn_from(struct pace *p, const struct pace_sum *s, enum pace_whose whose)
{
	uint64_t *shown_us = &p->shown.wait_us[whose];
	const uint64_t wait_us = waited_us(s) / s->served + 1;

	if (p->windows < PACE_WINDOWS)
		return;
	learn(shown_us, wait_us, wait_us < *shown_us);
	/* Of others' requests only some are sent to us: no rate is theirs. */
	if (whose == PACE_OWN)
		learn(&p->shown.rate, p->rate, p->rate > p->shown.rate);
}

static void
add_sum(struct pace_sum *to, const struct pace_sum *from)
{
	to->busy_us += from->busy_us;
	to->waited_us += from->waited_us;
	to->served += from->served;
	to->served_us += from->served_us;
}

static void
add_window(struct pace_window *to, const struct pace_window *from)
{
	add_sum(&to->sums[PACE_OWN], &from->sums[PACE_OWN]);
	add_sum(&to->sums[PACE_OTHERS], &from->sums[PACE_OTHERS]);
	to->batches += from->batches;
}

/* What was given of what could be expected, in thousandths. */
static uint64_t
given(struct engine *e, const struct pace_sum *s, enum pace_whose whose)
{
	struct pace *p = &e->pace;
	const uint64_t best = whose == PACE_OWN ? expected_rate(e) : 0;
	const uint64_t wait_us = expected_wait_us(e, whose);

	p->rate = s->served * 1000000000 / s->busy_us;
	p->expected = waited_us(s) * 1000 / wait_us * 1000000 / s->busy_us + 1;
	if (best != 0 && best < p->expected)
		p->expected = best;
	return p->rate * 1000 / p->expected;
}

/* Were the last windows slow? */
static void
judge(struct engine *e)
{
	struct pace *p = &e->pace;
	struct pace_window all = { 0 };
	const struct pace_sum *s;
	uint32_t i;

	for (i = 0; i < PACE_WINDOWS; i++)
		add_window(&all, &p->last[i]);
	s = &all.sums[whose(&all)];
	if (given(e, s, whose(&all)) < p->demand) {
		if (p->slow_times < SLOW_TIMES_MAX)
			p->slow_times++;
	} else {
		/* Who found it slow for long is not content at once. */
		p->slow_times = p->slow_times > SLOW_TIMES
		    ? p->slow_times - SLOW_FORGIVEN
		    : 0;
		learn_from(p, s, whose(&all));
	}
	p->is_passed_over = s->served == 0 && all.batches > 0;
	if (p->demand < DEMAND_LAST)
		p->demand += DEMAND_STEP;
}

static void
end_window(struct engine *e)
{
	struct pace *p = &e->pace;
	struct pace_window *w = &p->now;

	w->batches = e->delivered - p->delivered;
	p->delivered = e->delivered;
	add_sum(&p->view_sums[PACE_OWN], &w->sums[PACE_OWN]);
	add_sum(&p->view_sums[PACE_OTHERS], &w->sums[PACE_OTHERS]);
	p->last[p->windows++ % PACE_WINDOWS] = *w;
	memset(w, 0, sizeof(*w));
}

static bool
is_full(const struct engine *e)
{
	const struct pace_window *w = &e->pace.now;
	const struct pace_sum *s = &w->sums[whose(w)];

	return s->busy_us >= window_us(e) &&
	    s->waited_us >= SERVED_LEAST * expected_wait_us(e, whose(w));
}

/* --- the waits of single requests --- */

static uint64_t
median(const uint64_t *values, uint32_t count)
{
	uint64_t sorted[PACE_WAITS];
	uint32_t i;

	for (i = 0; i < count; i++)
		sort_in(sorted, i, values[i], true);
	return sorted[count / 2];
}

static void
add_served(struct pace_sum *sum, uint64_t wait_us)
{
	sum->served++;
	sum->served_us += wait_us;
}

void
pace_executed(struct engine *e, const struct pending *request)
{
	struct pace *p = &e->pace;
	const bool is_own = request->source == e->config.self;

	if (e->raft != NULL)
		return;
	pace_count(e);
	if (e->now_us > p->begins_us)
		add_served(&p->now.sums[is_own ? PACE_OWN : PACE_OTHERS],
		    e->now_us - request->since_us);
	/* Others' have waited there before they were sent to us. */
	if (!is_own)
		return;
	p->waits[p->executed++ % PACE_WAITS] = e->now_us - request->since_us;
	if (p->executed % PACE_WAITS == 0)
		p->median_us = median(p->waits, PACE_WAITS);
}

/* How much longer than others a request may wait. */
static uint64_t
unfair_us(const struct engine *e)
{
	const uint64_t least = UNFAIR_WINDOWS * window_us(e);
	uint64_t most = e->pace.unfair_times * e->pace.median_us;

	return most > least ? most : least;
}

uint64_t
pace_share_us(const struct engine *e)
{
	const uint64_t most = e->config.view_timeout_us / 2;
	uint64_t due = most;

	if (e->pace.slow_times > 0)
		due = window_us(e);
	else if (e->pace.median_us != 0)
		due = unfair_us(e) / 2;
	return due < most ? due : most;
}

/* Is the oldest request kept from being executed? */
static bool
oldest_is_wronged(const struct engine *e)
{
	const struct pending *oldest = e->oldest;

	return oldest != NULL && e->pace.median_us != 0 && !PLANT_PASSED_OVER &&
	    e->pace.executed - oldest->executed_before >= PACE_WAITS &&
	    oldest->shares >= SHARES_LEAST &&
	    e->now_us - oldest->since_us >= unfair_us(e);
}

/* --- asking for the next view --- */

static const char SLOW[] = "slow";
static const char UNFAIR[] = "unfair";
static const char JOINED[] = "joined";

static bool
has_left(const struct engine *e, const struct peer *peer)
{
	return peer->view_change.view > e->view;
}

/*
 * How long blame counts after it was last heard: half a view timeout, twice as
 * long once a member has left for it, so that it does not leave alone.
 */
static uint64_t
memory_us(const struct engine *e)
{
	uint32_t i;

	for (i = 0; i < e->config.member_count; i++)
		if (i != e->config.self && has_left(e, &e->peers[i]))
			return e->config.view_timeout_us;
	return e->config.view_timeout_us / 2;
}

/* Members, but for us, that blame the primary of our view, or have left it. */
static uint32_t
count_blaming(const struct engine *e)
{
	const uint64_t memory = memory_us(e);
	uint32_t i, count = 0;

	for (i = 0; i < e->config.member_count; i++) {
		const struct peer *peer = &e->peers[i];

		if (i != e->config.self &&
		    (has_left(e, peer) ||
			(peer->blamed_view == e->view + 1 &&
			    e->now_us - peer->blamed_us <= memory)))
			count++;
	}
	return count;
}

static bool
is_blaming(const struct engine *e)
{
	return e->pace.why != NULL &&
	    e->now_us - e->pace.blamed_us <= memory_us(e);
}

/* Has nobody waited here for a while who could tell? */
static bool
is_disinterested(const struct engine *e)
{
	return e->pending_own == 0 &&
	    e->now_us - e->pace.own_us > PACE_WINDOWS * window_us(e);
}

static bool
may_blame(const struct engine *e)
{
	return !e->is_rejoining && !view_is_primary(e) && !PLANT_SLOW_KEPT &&
	    progress_hears_quorum(e) && !progress_peers_lead(e);
}

static const char *
blame(const struct engine *e)
{
	if (PLANT_PASSED_OVER && e->pace.is_passed_over)
		return NULL;
	if (e->pace.slow_times >= SLOW_TIMES)
		return e->pace.is_passed_over ? UNFAIR : SLOW;
	return oldest_is_wronged(e) ? UNFAIR : NULL;
}

static void
leave(struct engine *e, const char *why)
{
	/* A view that begins at once is measured anew. */
	const uint64_t rate = e->pace.rate, expected = e->pace.expected;
	struct effect *effect;

	if (why == UNFAIR) {
		REACHED(UNFAIR_LEFT);
		if (e->pace.unfair_times < UNFAIR_LAST)
			e->pace.unfair_times *= 2;
		view_change_unfair(e);
		return;
	}
	if (why == SLOW)
		REACHED(SLOW_LEFT);
	effect = view_change_start(e, e->view + 1, why);
	effect->measured = why == SLOW ? rate : 0;
	effect->expected = why == SLOW ? expected : 0;
}

void
pace_consider(struct engine *e)
{
	struct pace *p = &e->pace;
	const char *why;

	if (!is_measured(e) || !may_blame(e))
		return;
	why = blame(e);
	if (why != NULL) {
		p->why = why;
		p->blamed_us = e->now_us;
	}
	if (p->is_blaming != is_blaming(e)) {
		p->is_blaming = !p->is_blaming;
		progress_send(e);
	}
	if (p->is_blaming && count_blaming(e) >= 2 * e->faults)
		leave(e, p->why);
	else if (is_disinterested(e) && count_blaming(e) > e->faults)
		leave(e, JOINED);
}

void
pace_tick(struct engine *e)
{
	if (pace_deadline(e) > e->now_us)
		return;
	pace_count(e);
	e->pace.due_us = e->now_us + window_us(e);
	if (is_full(e)) {
		end_window(e);
		judge(e);
	}
	pace_consider(e);
}

uint64_t
pace_deadline(const struct engine *e)
{
	return is_measured(e) && e->pending_count > 0 ? e->pace.due_us
						      : UINT64_MAX;
}
