/*
 * Fetching: a state from several members at once.
 *
 * STATES   idle; asking (offers are awaited); gathering (the state is known);
 *          making (the database, of all parts).
 *
 * RULES    1. The first offer that is proved and new enough says which state
 *             is gathered.  Another takes its place only when nobody gives
 *             that one any more; what is the same in both is kept.  Until
 *             then who has another brings what is the same in both.
 *          2. Parts are judged one at a time, on the pool: those that came,
 *             then those kept from before, then the database is made.
 *          3. A failure of ours, such as a full disk, costs time, not what
 *             was gathered.
 *
 * NOT HERE Whom to ask for what (sync_source.c).
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "event/loop.h"
#include "node/state_dir.h"
#include "node/sync_parts.h"

#define PAUSE_US UINT64_C(5000000)

/* Of one member, splits in a fetch: what is had of a state is to grow. */
#define SPLITS_MAX 16384

/* --- offers --- */

/* Is it the state of our cluster that f + 1 members signed, or the one that
 * the epoch begins with? */
static enum ag_status
offer_judge(struct sync *s, const struct part_offer *offer,
    struct ag_error *err)
{
	const struct chain_start *start = s->config.start;
	const struct roster *roster = s->config.roster;
	struct trust_scope scope;

	if (!part_offer_matches(offer))
		return ag_fail(err, AG_EFORGED,
		    "offer does not match its certificate");
	if (offer->seq == start->seq &&
	    digest_equal(&offer->certificate.digest, &start->state))
		return AG_OK;
	roster_scope(roster, &scope);
	return certificate_verify_vouched(&offer->certificate, &scope,
	    roster->member_count, &roster_authority, s->config.roster, err);
}

static bool
offer_is_known(const struct fetching *f, const struct part_offer *offer)
{
	struct digest digest;

	return gather_kept(f->gather, &digest) &&
	    digest_equal(&digest, &offer->certificate.digest);
}

/* From now on this state is gathered. */
static enum ag_status
fetch_begin(struct sync *s, struct ag_error *err)
{
	struct fetching *f = &s->fetch;
	enum ag_status status = gather_begin(f->gather, f->heard, err);

	if (status != AG_OK)
		return status;
	*f->offer = *f->heard;
	f->is_begun = true;
	f->givers = 0;
	f->began_us = clock_mono_us();
	log_info("node", "fetching state", LOG_U64("seq", f->offer->seq),
	    LOG_U64("keys", f->offer->keys), LOG_U64("bytes", f->offer->bytes));
	return AG_OK;
}

/* Our own failure, such as a full disk: later, from here. */
static void
fetch_pause(struct sync *s, const struct ag_error *err)
{
	s->fetch.pause_until_us = clock_mono_us() + PAUSE_US;
	log_error("node", "state transfer can not go on for now",
	    LOG_TEXT("error", err->text));
}

static void
offer_take(struct sync *s, uint32_t member)
{
	struct fetching *f = &s->fetch;
	struct source *source = &f->sources[member];
	bool is_known = offer_is_known(f, f->heard);
	struct ag_error err;

	if (f->is_begun && !is_known &&
	    (sync_source_count(f, SOURCE_READY) > 0 || f->job != JOB_NONE)) {
		source->state = SOURCE_AKIN;
		source->root = f->heard->root;
		log_info("node", "another state offered",
		    LOG_TEXT("member", sync_source_name(s, member)),
		    LOG_U64("seq", f->heard->seq));
		return;
	}
	if (!is_known && f->heard->seq < f->target) {
		sync_source_leave(s, member, SOURCE_RESTING, SYNC_BUSY_US,
		    "its state is too old");
		return;
	}
	if ((!f->is_begun || !is_known) && fetch_begin(s, &err) != AG_OK) {
		fetch_pause(s, &err);
		sync_source_leave(s, member, SOURCE_RESTING, SYNC_BUSY_US,
		    err.text);
		return;
	}
	source->state = SOURCE_READY;
	log_info("node", "state offered",
	    LOG_TEXT("member", sync_source_name(s, member)),
	    LOG_U64("seq", f->heard->seq));
}

void
sync_fetch_response(struct sync *s, uint32_t member, struct decoder *d)
{
	struct fetching *f = &s->fetch;
	uint64_t transfer = decoder_get_uint(d), code = decoder_get_uint(d);
	struct source *source = sync_source_expecting(s, member, transfer);
	bool is_offer = !decoder_get_null(d);
	struct ag_error err;

	if (source == NULL || decoder_failed(d))
		return;
	if (is_offer)
		part_offer_decode(d, f->heard);
	if (decoder_finish(d, NULL) != AG_OK)
		return;
	if (code != SYNC_OFFERED || !is_offer) {
		sync_source_leave(s, member, SOURCE_RESTING, SYNC_BUSY_US,
		    "the member is busy");
	} else if (source->state == SOURCE_ASKED) {
		source->heard_us = clock_mono_us();
		if (offer_judge(s, f->heard, &err) == AG_OK) {
			offer_take(s, member);
		} else {
			metric_add(s->refused[member], 1);
			sync_source_leave(s, member, SOURCE_LIED, SYNC_REST_US,
			    err.text);
		}
	}
	sync_fetch_go(s);
}

/* --- the pool --- */

static void
job_run(void *arg)
{
	struct sync *s = arg;
	struct fetching *f = &s->fetch;

	if (f->job == JOB_CHECK)
		f->status = gather_check(f->gather, f->job_item,
		    buf_bytes(&f->job_wanted->contents), &f->err);
	else if (f->job == JOB_CHECK_KEPT)
		f->status = gather_check_kept(f->gather, f->job_item, &f->err);
	else
		f->status = gather_build_state(f->gather, &f->stop, &f->err);
}

/* Take all back to before the fetch; what was gathered may stay. */
static void
fetch_end(struct sync *s)
{
	struct fetching *f = &s->fetch;
	size_t i, k;

	for (i = 0; i < TRUST_MEMBERS_MAX; i++) {
		sync_source_clear(f, &f->sources[i]);
		for (k = 0; k < SYNC_ASKED_MAX; k++)
			buf_fini(&f->sources[i].wanted[k].contents);
		f->sources[i] = (struct source){ .state = SOURCE_UNASKED };
	}
	gather_close(f->gather);
	f->gather = NULL;
	f->is_begun = false;
	f->pause_until_us = 0;
}

static void
fetch_discard(struct sync *s)
{
	struct ag_error err;

	fetch_end(s);
	if (state_dir_remove(s->dir, &err) != AG_OK)
		log_warn("node", "what was fetched of a state is left behind",
		    LOG_TEXT("error", err.text));
}

void
sync_fetch_free(struct sync *s)
{
	fetch_end(s);
	free(s->fetch.offer);
}

/* A part is right, or says who lied. */
static void
check_done(struct sync *s)
{
	struct fetching *f = &s->fetch;
	struct source *source = &f->sources[f->job_source];
	struct wanted *w = f->job_wanted;
	enum ag_status status = f->status;

	if (status == AG_OK)
		status = gather_accept(f->gather, f->job_item, &f->err);
	w->is_open = false;
	if (status == AG_OK && gather_was_split(f->gather) &&
	    ++source->splits > SPLITS_MAX)
		status = ag_fail(&f->err, AG_ELIMIT,
		    "it splits what it should send");
	if (status == AG_OK) {
		metric_add(s->received_bytes, (int64_t)w->contents.len);
		f->givers |= 1U << f->job_source;
		return;
	}
	gather_put_back(f->gather, f->job_item);
	if (status != AG_EFORGED && status != AG_ELIMIT) {
		fetch_pause(s, &f->err);
		return;
	}
	metric_add(s->refused[f->job_source], 1);
	if (status == AG_EFORGED)
		sync_evidence_tell(s, f->job_source);
	if (sync_source_is_open(source))
		sync_source_leave(s, f->job_source, SOURCE_LIED, SYNC_REST_US,
		    f->err.text);
}

static void
check_kept_done(struct sync *s)
{
	struct fetching *f = &s->fetch;

	if (f->status != AG_OK ||
	    gather_accept(f->gather, f->job_item, &f->err) != AG_OK)
		gather_refuse_kept(f->gather, f->job_item);
}

static void
fetch_complete(struct sync *s)
{
	struct fetching *f = &s->fetch;
	struct gather_progress progress;
	uint64_t took_us = clock_mono_us() - f->began_us;
	struct encoder e;
	struct bytes encoded;

	gather_progress(f->gather, &progress);
	log_info("node", "state fetched", LOG_U64("seq", f->offer->seq),
	    LOG_U64("bytes", progress.bytes), LOG_U64("ms", took_us / 1000),
	    LOG_U64("bytes_per_second",
		took_us == 0 ? 0 : progress.bytes * 1000000 / took_us),
	    LOG_U64("parts", progress.parts),
	    LOG_U64("parts_kept", progress.kept),
	    LOG_U64("members", (uint64_t)__builtin_popcount(f->givers)));
	fetch_end(s);
	f->is_active = false;
	encoder_init(&e, s->certificate, sizeof(s->certificate));
	certificate_encode(&e, &f->offer->certificate);
	AG_ASSERT(encoder_finish(&e, &encoded) == AG_OK);
	s->config.ready(s->config.arg, s->dir, f->offer->seq,
	    &f->offer->certificate.digest, encoded);
}

/* What can not be made into a state was damaged on our disk: begin anew. */
static void
build_done(struct sync *s)
{
	struct fetching *f = &s->fetch;

	if (f->status == AG_OK) {
		fetch_complete(s);
		return;
	}
	if (f->status == AG_EFORGED || f->status == AG_ECORRUPT)
		fetch_discard(s);
	fetch_pause(s, &f->err);
}

static void
job_done(void *arg)
{
	struct sync *s = arg;
	struct fetching *f = &s->fetch;
	enum sync_job job = f->job;

	f->job = JOB_NONE;
	s->working--;
	if (s->is_freed) {
		sync_release(s);
		return;
	}
	if (f->is_stale) {
		f->is_stale = false;
		atomic_store(&f->stop, false);
		fetch_discard(s);
	} else if (job == JOB_CHECK) {
		check_done(s);
	} else if (job == JOB_CHECK_KEPT) {
		check_kept_done(s);
	} else {
		build_done(s);
	}
	sync_fetch_go(s);
}

/* A part that came whole and is not there yet. */
static bool
job_choose_whole(struct fetching *f)
{
	size_t i, k;

	for (i = 0; i < TRUST_MEMBERS_MAX; i++)
		for (k = 0; k < SYNC_ASKED_MAX; k++) {
			struct wanted *w = &f->sources[i].wanted[k];

			if (!w->is_open || !w->is_whole)
				continue;
			if (gather_has(f->gather, w->item)) {
				w->is_open = false;
				continue;
			}
			f->job = JOB_CHECK;
			f->job_source = (uint32_t)i;
			f->job_wanted = w;
			f->job_item = w->item;
			return true;
		}
	return false;
}

static bool
job_choose(struct fetching *f)
{
	if (job_choose_whole(f))
		return true;
	if (gather_next_kept(f->gather, &f->job_item))
		f->job = JOB_CHECK_KEPT;
	else if (gather_is_whole(f->gather))
		f->job = JOB_BUILD;
	return f->job != JOB_NONE;
}

static void
job_start(struct sync *s)
{
	struct fetching *f = &s->fetch;
	struct ag_error err;
	uint32_t i;

	if (!f->is_begun || f->job != JOB_NONE || !job_choose(f))
		return;
	if (loop_work(s->config.loop, job_run, job_done, s) != AG_OK) {
		f->job = JOB_NONE;
		(void)ag_fail(&err, AG_ENOMEM, "out of memory");
		fetch_pause(s, &err);
		return;
	}
	s->working++;
	for (i = 0; f->job == JOB_BUILD && i < TRUST_MEMBERS_MAX; i++)
		sync_source_done(s, i);
}

/* Do whatever can be done now. */
void
sync_fetch_go(struct sync *s)
{
	struct fetching *f = &s->fetch;
	struct ag_error err;

	if (!f->is_active || f->is_stale || f->pause_until_us > clock_mono_us())
		return;
	if (f->gather == NULL &&
	    gather_open(&f->gather, s->dir, s->config.roster->cluster_id,
		s->config.keyring, &err) != AG_OK) {
		fetch_pause(s, &err);
		return;
	}
	job_start(s);
	if (f->job == JOB_BUILD)
		return;
	sync_source_ask_all(s);
	if (f->is_begun)
		sync_source_fill_all(s);
}

void
sync_fetch_tick(struct sync *s, uint64_t now_us)
{
	struct fetching *f = &s->fetch;
	uint32_t i;

	if (!f->is_active)
		return;
	for (i = 0; i < TRUST_MEMBERS_MAX; i++)
		if (sync_source_is_silent(&f->sources[i], now_us))
			sync_source_leave(s, i, SOURCE_RESTING, SYNC_REST_US,
			    "no answer for 10 s");
	sync_fetch_go(s);
}

void
sync_fetch(struct sync *s, uint64_t seq, uint32_t members)
{
	struct fetching *f = &s->fetch;

	if (f->is_active) {
		/* A newer target only matters to who is asked later. */
		f->members |= members;
		if (seq > f->target)
			f->target = seq;
	} else {
		f->is_active = true;
		f->target = seq;
		f->members = members;
	}
	sync_fetch_go(s);
}

void
sync_cancel(struct sync *s)
{
	struct fetching *f = &s->fetch;
	uint32_t i;

	if (!f->is_active) {
		if (f->gather == NULL)
			fetch_discard(s);
		return;
	}
	for (i = 0; i < TRUST_MEMBERS_MAX; i++)
		sync_source_done(s, i);
	f->is_active = false;
	f->is_stale = f->job != JOB_NONE;
	if (f->is_stale)
		atomic_store(&f->stop, true);
	else
		fetch_discard(s);
}

bool
sync_is_fetching(const struct sync *s)
{
	return s->fetch.is_active;
}

void
sync_progress(const struct sync *s, struct sync_progress *progress)
{
	const struct fetching *f = &s->fetch;
	struct gather_progress gathered;
	uint32_t i;

	*progress = (struct sync_progress){ .seq = 0 };
	if (!f->is_active || !f->is_begun)
		return;
	gather_progress(f->gather, &gathered);
	progress->seq = f->offer->seq;
	progress->bytes = gathered.bytes;
	progress->total = gathered.total;
	for (i = 0; i < TRUST_MEMBERS_MAX; i++)
		if (sync_source_gives(&f->sources[i]))
			progress->members |= 1U << i;
}
