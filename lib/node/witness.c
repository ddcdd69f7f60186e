/*
 * What the engine finds against a member: verified again, kept, counted and
 * logged.
 *
 * RULES    1. Only what convinces anybody who has the roster is kept; the
 *             engine's word is not enough.
 *          2. Nothing that goes wrong here keeps the node from agreeing.  A
 *             disk that is full costs a record on it, not the alert.
 *          3. A member that lies on and on is logged for what is kept, and
 *             once for the rest.
 *
 * NOT HERE What proves what (trust/evidence.c), the alert (monitor/).
 */
#include "node/witness.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

struct witness {
	const struct roster *roster;
	struct evidence_store *store;
	struct metric *records[TRUST_MEMBERS_MAX];
	uint32_t is_enough; /* bit per member: it was said */
};

static void
on_bad(void *arg, const struct ag_error *err)
{
	(void)arg;
	log_warn("node", "evidence is not listed",
	    LOG_TEXT("error", err->text));
}

static void
count_records(struct witness *w)
{
	uint32_t i;

	for (i = 0; i < w->roster->member_count; i++)
		metric_set_value(w->records[i],
		    (int64_t)evidence_store_count_of(w->store, i));
}

enum ag_status
witness_open(struct witness **out, const char *dir, const struct roster *roster,
    struct metric_set *metrics, struct ag_error *err)
{
	struct witness *w = calloc(1, sizeof(*w));
	char labels[ROSTER_NAME_BYTES + 16];
	enum ag_status status;
	uint32_t i;

	*out = NULL;
	if (w == NULL)
		return ag_fail(err, AG_ENOMEM,
		    "read evidence in %s: out of memory", dir);
	w->roster = roster;
	status = evidence_store_open(&w->store, dir, roster, on_bad, NULL, err);
	if (status != AG_OK) {
		witness_close(w);
		return status;
	}
	for (i = 0; i < roster->member_count; i++) {
		(void)snprintf(labels, sizeof(labels), "peer=\"%s\"",
		    roster->members[i].name);
		w->records[i] = metric_new(metrics, METRIC_GAUGE,
		    "aegis_evidence_records",
		    "Kept proofs that a member signed what no correct one signs",
		    labels);
	}
	count_records(w);
	*out = w;
	return AG_OK;
}

void
witness_close(struct witness *w)
{
	if (w == NULL)
		return;
	evidence_store_close(w->store);
	free(w);
}

static void
log_item(const struct witness *w, const struct evidence_item *item)
{
	const char *name = w->roster->members[item->evidence.member].name;
	char text[EVIDENCE_TEXT_BYTES];

	evidence_say(text, &item->evidence, name);
	log_error("consensus", "a member signed what no correct member signs",
	    LOG_TEXT("member", name), LOG_TEXT("what", text),
	    LOG_TEXT("evidence", item->id));
}

static void
log_refusal(struct witness *w, uint32_t member, const struct ag_error *err)
{
	if (err->status == AG_ELIMIT) {
		if ((w->is_enough >> member & 1U) != 0)
			return;
		w->is_enough |= UINT32_C(1) << member;
	}
	log_warn("node", "evidence not kept",
	    LOG_TEXT("member", w->roster->members[member].name),
	    LOG_TEXT("error", err->text));
}

void
witness_take(struct witness *w, uint32_t member, struct bytes file)
{
	const struct evidence_item *item;
	enum ag_status status;
	struct ag_error err;

	AG_ASSERT(member < w->roster->member_count);
	status = evidence_store_add(w->store, w->roster, file, &item, &err);
	if (status == AG_EEXIST)
		return;
	if (item != NULL) {
		log_item(w, item);
		count_records(w);
	}
	if (status != AG_OK)
		log_refusal(w, member, &err);
}

uint32_t
witness_convicted(const struct witness *w)
{
	uint32_t i, members = 0;

	for (i = 0; i < w->roster->member_count; i++)
		if (evidence_store_count_of(w->store, i) > 0)
			members |= UINT32_C(1) << i;
	return members;
}

const struct evidence_store *
witness_store(const struct witness *w)
{
	return w->store;
}
