/*
 * Judging a log by itself and by the roster, without believing its node.
 *
 * RULES    1. Every certificate must convince alone.  Every batch must be the
 *             one its digest names, and its requests their principals' own.
 *          2. No sequence has two certified batches, no view and sequence
 *             two that this node accepted, no checkpoint two states.
 *          3. Above the newest checkpoint nothing may be missing: every
 *             sequence is certified and its batch is here.  Below, the
 *             checkpoint's certificate covers what a state transfer passed
 *             over or what was cut with older log; that is counted, not
 *             blamed.
 *          4. A node never goes back to an earlier view, and accepts and
 *             prepares only in the one it is in.
 *
 * NOT HERE Checksums and the chain from record to record (store/), which
 *          reading them checks.
 */
#include "cmd/inspect_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/batch.h"
#include "consensus/record.h"
#include "trust/request.h"

void
inspect_check_init(struct inspect_check *check, struct roster *roster)
{
	*check = (struct inspect_check){ .roster = roster };
}

void
inspect_check_fini(struct inspect_check *check)
{
	free(check->problems);
}

static void problem(struct inspect_check *check, uint64_t record, uint64_t seq,
    const char *fmt, ...) AG_PRINTF(4, 5);

static void
problem(struct inspect_check *check, uint64_t record, uint64_t seq,
    const char *fmt, ...)
{
	struct inspect_problem *p;
	va_list ap;

	check->problem_count++;
	if (check->told == INSPECT_PROBLEMS_TOLD || check->has_no_memory)
		return;
	if (check->problems == NULL)
		check->problems =
		    calloc(INSPECT_PROBLEMS_TOLD, sizeof(*check->problems));
	if (check->problems == NULL) {
		check->has_no_memory = true;
		return;
	}
	p = &check->problems[check->told++];
	p->record = record;
	p->seq = seq;
	va_start(ap, fmt);
	(void)vsnprintf(p->text, sizeof(p->text), fmt, ap);
	va_end(ap);
}

/* --- one record --- */

static void
check_requests(struct inspect_check *check, uint64_t number, uint64_t seq,
    const struct batch *batch)
{
	struct trust_scope scope;
	struct envelope envelope;
	struct decoder d;
	size_t i;

	roster_scope(check->roster, &scope);
	decoder_init(&d, batch->envelopes);
	for (i = 0; i < batch->envelope_count; i++) {
		envelope_decode_from(&d, &envelope);
		if (decoder_failed(&d))
			return;
		check->requests++;
		if (!request_verify(&envelope, &scope, &roster_authority,
			check->roster))
			problem(check, number, seq,
			    "request %zu of the batch is not signed by a "
			    "member or operator of the roster",
			    i + 1);
	}
}

static void
check_batch(struct inspect_check *check, uint64_t number, uint64_t seq,
    const struct digest *named, struct bytes encoded)
{
	struct digest digest;
	struct ag_error why;
	struct batch batch;

	digest_of(&digest, encoded);
	if (named != NULL && !digest_equal(&digest, named)) {
		problem(check, number, seq,
		    "the batch is not the one its digest names");
		return;
	}
	if (batch_decode(&batch, encoded, &why) == AG_OK)
		check_requests(check, number, seq, &batch);
	else
		problem(check, number, seq, "the batch cannot be read: %s",
		    why.text);
}

/*
 * Accepted and prepared is only what belongs to the view the node is in.  A
 * log that was cut may begin before it says in which.
 */
static void
check_place(struct inspect_check *check, const struct inspect_log *log,
    uint64_t number, const struct record *r)
{
	if (log->view_count > 0 && (r->view != log->view || log->is_changing))
		problem(check, number, r->seq,
		    "a %s of view %" PRIu64 ", and the node %s view %" PRIu64,
		    record_kind_name(r->kind), r->view,
		    log->is_changing ? "waited for" : "was in", log->view);
}

static void
check_proposal(struct inspect_check *check, uint64_t number,
    const struct record *r, const struct inspect_entry *entry)
{
	if (r->seq == 0)
		problem(check, number, 0, "a proposal for sequence 0");
	if (entry->proposal_record != 0 && entry->proposal_view == r->view &&
	    !digest_equal(&entry->proposed, &r->digest))
		problem(check, number, r->seq,
		    "this node accepted another batch in view %" PRIu64
		    " before, in record %" PRIu64,
		    r->view, entry->proposal_record);
	if (r->batch.len > 0)
		check_batch(check, number, r->seq, &r->digest, r->batch);
}

static void
check_certificate(struct inspect_check *check, uint64_t number,
    const struct record *r, const struct certificate *c)
{
	struct ag_error why;

	if (certificate_file_judge(c, check->roster, &why) != AG_OK)
		problem(check, number, r->seq,
		    "the %s certificate does not convince: %s",
		    certificate_file_kind(c), why.text);
}

static void
check_prepared(struct inspect_check *check, uint64_t number,
    const struct record *r, const struct certificate *c,
    const struct inspect_entry *entry)
{
	check->prepare_certificates++;
	check_certificate(check, number, r, c);
	if (entry->prepared_record != 0 && entry->prepared_view == c->view &&
	    !digest_equal(&entry->prepared, &r->digest))
		problem(check, number, r->seq,
		    "another batch was prepared in view %" PRIu64
		    " before, in record %" PRIu64,
		    c->view, entry->prepared_record);
}

static void
check_committed(struct inspect_check *check, uint64_t number,
    const struct record *r, const struct certificate *c,
    const struct inspect_entry *entry)
{
	check->commit_certificates++;
	check_certificate(check, number, r, c);
	if (!certificate_is_commit(c, check->roster->member_count))
		problem(check, number, r->seq,
		    "a prepare certificate decides with the votes of all %u "
		    "members alone, and it has %u",
		    check->roster->member_count, c->proof_count);
	if (entry->committed_record != 0 &&
	    !digest_equal(&entry->committed, &r->digest))
		problem(check, number, r->seq,
		    "two different batches are certified for one sequence: "
		    "the other in record %" PRIu64,
		    entry->committed_record);
}

static void
check_view(struct inspect_check *check, const struct inspect_log *log,
    uint64_t number, const struct record *r)
{
	if (log->view_count > 0 && r->view < log->view)
		problem(check, number, 0,
		    "the node went back from view %" PRIu64 " to %" PRIu64,
		    log->view, r->view);
}

static void
check_state(struct inspect_check *check, uint64_t number, uint64_t seq,
    const struct digest *state, uint64_t other, const struct digest *expected)
{
	if (other != 0 && !digest_equal(state, expected))
		problem(check, number, seq,
		    "another state after this sequence is in record %" PRIu64,
		    other);
}

void
inspect_check_record(void *arg, const struct inspect_log *log, uint64_t number,
    const struct record *r, const struct certificate *c,
    const struct inspect_entry *entry)
{
	struct inspect_check *check = arg;

	check->records++;
	switch (r->kind) {
	case RECORD_PROPOSAL:
		check_place(check, log, number, r);
		check_proposal(check, number, r, entry);
		break;
	case RECORD_PREPARED:
		check_place(check, log, number, r);
		check_prepared(check, number, r, c, entry);
		break;
	case RECORD_COMMITTED:
		check_committed(check, number, r, c, entry);
		break;
	case RECORD_VIEW:
		check_view(check, log, number, r);
		break;
	case RECORD_TERM:
		check_view(check, log, number, r);
		break;
	case RECORD_ENTRY:
		check_batch(check, number, r->seq, &r->digest, r->batch);
		break;
	case RECORD_CHECKPOINT:
	case RECORD_BASE:
		check->checkpoint_certificates++;
		check_certificate(check, number, r, c);
		check_view(check, log, number, r);
		check_state(check, number, r->seq, &r->digest,
		    entry->checkpoint_record, &entry->checkpoint);
		check_state(check, number, r->seq, &r->digest,
		    entry->state_record, &entry->state);
		break;
	case RECORD_STATE:
		check_state(check, number, r->seq, &r->digest,
		    entry->checkpoint_record, &entry->checkpoint);
		check_state(check, number, r->seq, &r->digest,
		    entry->state_record, &entry->state);
		break;
	case RECORD_BATCH:
	default:
		check_batch(check, number, r->seq, NULL, r->batch);
		break;
	}
}

/* --- the whole --- */

/* The digest of what the log says was decided; NULL: it says nothing. */
static const struct digest *
decided(const struct inspect_log *log, const struct inspect_entry *entry)
{
	/* Raft's entries are; those past the state may yet be replaced. */
	if (log->is_raft)
		return entry->proposal_record != 0 &&
			entry->seq <= log->proposed
		    ? &entry->proposed
		    : NULL;
	return entry->committed_record != 0 ? &entry->committed : NULL;
}

static uint64_t
decided_record(const struct inspect_log *log, const struct inspect_entry *entry)
{
	return log->is_raft ? entry->proposal_record : entry->committed_record;
}

static bool
has_batch(const struct inspect_entry *entry, const struct digest *digest)
{
	uint32_t i,
	    kept = entry->batch_count < INSPECT_BATCHES_KEPT
	    ? entry->batch_count
	    : INSPECT_BATCHES_KEPT;

	for (i = 0; i < kept; i++)
		if (digest_equal(&entry->batches[i], digest))
			return true;
	return false;
}

/*
 * Compare batches with certificates, from the newest sequence down.  One
 * that leads without a gap to a state this node computed was executed from
 * this log, so its batch must have been here if any batch is.
 */
static void
check_batches(struct inspect_check *check, const struct inspect_log *log)
{
	uint64_t executed = log->has_state ? log->state.seq : 0;
	bool leads_on = false;
	size_t i;

	for (i = log->entry_count; i > 0; i--) {
		const struct inspect_entry *e = &log->entries[i - 1];
		const bool is_last = i == log->entry_count ||
		    log->entries[i].seq != e->seq + 1 ||
		    decided(log, &log->entries[i]) == NULL;

		if (decided(log, e) == NULL)
			continue;
		if (is_last)
			leads_on = false;
		leads_on = leads_on || e->state_record != 0 ||
		    (e->seq == executed && e->seq > log->stable);
		check->first_seq = e->seq;
		if (check->last_seq == 0)
			check->last_seq = e->seq;
		if (has_batch(e, decided(log, e)))
			check->batches++;
		else if (e->batch_count > 0 && leads_on)
			problem(check, decided_record(log, e), e->seq,
			    "the batch that was certified is not here, but "
			    "another is");
		else if (e->seq > log->stable && e->seq <= executed)
			problem(check, decided_record(log, e), e->seq,
			    "the batch that was certified is not here");
		else
			check->batches_absent++;
	}
}

/* The lowest sequence the state had to be told of by this log. */
static uint64_t
history_begins(const struct inspect_check *check, const struct inspect_log *log)
{
	return log->stable > check->roster->epoch_seq
	    ? log->stable + 1
	    : check->roster->epoch_seq + 1;
}

static void
check_gaps(struct inspect_check *check, const struct inspect_log *log)
{
	uint64_t begin = history_begins(check, log), next = begin;
	uint64_t before = 0;
	size_t i;

	for (i = 0; i < log->entry_count; i++) {
		const struct inspect_entry *e = &log->entries[i];

		if (decided(log, e) == NULL)
			continue;
		if (e->seq < begin) {
			if (before != 0)
				check->passed_over += e->seq - before - 1;
			before = e->seq;
		} else if (log->has_state && e->seq <= log->state.seq &&
		    e->seq > next) {
			problem(check, 0, next,
			    "executed, but not %s here, up to sequence "
			    "%" PRIu64,
			    log->is_raft ? "written" : "certified", e->seq - 1);
		}
		if (e->seq >= next)
			next = e->seq + 1;
	}
	if (before != 0 && before < begin - 1)
		check->passed_over += begin - 1 - before;
	if (log->has_state && next <= log->state.seq)
		problem(check, 0, next,
		    "executed, but not %s here, up to sequence %" PRIu64,
		    log->is_raft ? "written" : "certified", log->state.seq);
}

static void
check_ends(struct inspect_check *check, const struct inspect_log *log)
{
	if (log->damage.status != AG_OK)
		problem(check, log->last_record + 1, 0, "%s", log->damage.text);
	if (log->first_record > 1 && log->stable == 0 &&
	    log->damage.status == AG_OK)
		problem(check, log->first_record, 0,
		    "the log begins here, and no checkpoint covers what was "
		    "before");
	if (!log->has_state)
		problem(check, 0, 0, "%s", log->state_err.text);
}

void
inspect_check_whole(struct inspect_check *check, const struct inspect_log *log)
{
	/* Damage first: what is missing may only follow from it. */
	check_ends(check, log);
	check_batches(check, log);
	check_gaps(check, log);
}
