/*
 * The log of rounds.
 *
 * RULES    1. Round seq lives at seq modulo ROUND_LOG_KEPT, and gives way to
 *             a newer one only.
 *          2. What is here is for looking.  Nothing is agreed, sent or
 *             executed because of it.
 */
#include "node/round_log.h"

#include <stdbool.h>
#include <stdlib.h>

#include "codec/batch.h"
#include "consensus/record.h"

struct kept {
	struct engine_round round; /* seq 0: free */
	bool is_decided;           /* else only seen in a record */
	bool has_state;
	struct digest state;
};

struct round_log {
	uint64_t executed;
	struct kept kept[ROUND_LOG_KEPT];
};

struct round_log *
round_log_new(void)
{
	return calloc(1, sizeof(struct round_log));
}

void
round_log_free(struct round_log *log)
{
	free(log);
}

/* The place of a round, begun if need be; NULL: it has a newer one's. */
static struct kept *
kept_open(struct round_log *log, uint64_t seq)
{
	struct kept *k = &log->kept[seq % ROUND_LOG_KEPT];

	if (seq == 0 || k->round.seq > seq)
		return NULL;
	if (k->round.seq < seq)
		*k = (struct kept){ .round.seq = seq };
	return k;
}

static const struct kept *
kept_find(const struct round_log *log, uint64_t seq)
{
	const struct kept *k = &log->kept[seq % ROUND_LOG_KEPT];

	return seq != 0 && k->round.seq == seq ? k : NULL;
}

static void
describe(struct engine_round *round, struct bytes encoded)
{
	struct batch batch;

	round->bytes = (uint32_t)encoded.len;
	round->requests = 0;
	if (batch_decode(&batch, encoded, NULL) == AG_OK)
		round->requests = (uint32_t)batch.envelope_count;
}

static uint32_t
signers(const struct certificate *c)
{
	uint32_t i, members = 0;

	for (i = 0; i < c->proof_count; i++)
		members |= UINT32_C(1) << c->proofs[i].member;
	return members;
}

static void
take_certificate(struct kept *k, const struct certificate *c)
{
	k->is_decided = true;
	k->round.view = c->view;
	k->round.digest = c->digest;
	if (c->phase == VOTE_PREPARE)
		k->round.prepares = signers(c);
	else
		k->round.commits = signers(c);
}

void
round_log_replayed(struct round_log *log, const struct record *r,
    const struct certificate *certificate)
{
	struct kept *k =
	    r->kind == RECORD_CHECKPOINT ? NULL : kept_open(log, r->seq);

	if (k == NULL)
		return;
	if (r->kind == RECORD_STATE)
		round_log_state(log, r->seq, &r->digest);
	else if (r->kind == RECORD_COMMITTED)
		take_certificate(k, certificate);
	else if (r->kind == RECORD_PREPARED)
		k->round.prepares = signers(certificate);
	else if (r->batch.len > 0)
		describe(&k->round, r->batch);
}

void
round_log_decided(struct round_log *log, const struct effect *effect,
    const struct certificate *certificate, uint64_t now_us)
{
	struct kept *k = kept_open(log, effect->seq);

	if (k == NULL)
		return;
	if (certificate != NULL)
		take_certificate(k, certificate);
	k->is_decided = true;
	k->round.view = effect->view;
	k->round.digest = effect->digest;
	k->round.committed_us = now_us;
	describe(&k->round, effect->body);
}

void
round_log_take(struct round_log *log, const struct engine_round *round)
{
	struct kept *k = kept_open(log, round->seq);
	uint64_t executed_us;

	if (k == NULL)
		return;
	executed_us = k->round.executed_us;
	k->round = *round;
	k->is_decided = true;
	if (executed_us != 0)
		k->round.executed_us = executed_us;
}

void
round_log_executed(struct round_log *log, uint64_t seq, uint64_t now_us)
{
	uint64_t i = log->executed;

	/* A state that was fetched has executed nothing here. */
	if (seq > i + ROUND_LOG_KEPT)
		i = seq - ROUND_LOG_KEPT;
	for (; now_us != 0 && i < seq; i++) {
		struct kept *k = &log->kept[(i + 1) % ROUND_LOG_KEPT];

		if (k->round.seq == i + 1)
			k->round.executed_us = now_us;
	}
	if (seq > log->executed)
		log->executed = seq;
}

void
round_log_state(struct round_log *log, uint64_t seq,
    const struct digest *digest)
{
	struct kept *k = kept_open(log, seq);

	if (k == NULL)
		return;
	k->has_state = true;
	k->state = *digest;
}

enum ag_status
round_log_find(const struct round_log *log, uint64_t seq,
    struct engine_round *round)
{
	const struct kept *k = kept_find(log, seq);

	if (k == NULL || !k->is_decided)
		return AG_ENOENT;
	*round = k->round;
	round->phase = seq <= log->executed ? ROUND_EXECUTED : ROUND_COMMITTED;
	return AG_OK;
}

const struct digest *
round_log_state_of(const struct round_log *log, uint64_t seq)
{
	const struct kept *k = kept_find(log, seq);

	return k == NULL || !k->has_state ? NULL : &k->state;
}
