/*
 * One roster after another.
 *
 * RULES    1. Nothing but one member or one observer changes: cluster,
 *             strategy, policy, operators and origin stay as the first roster
 *             has them, and those who stay keep their order.
 *          2. One change an epoch: of the quorums of two epochs that follow
 *             each other, all but one member are in both, and what a change
 *             means can be said in a sentence.
 *          3. Who is approved of does not judge: approvals count by the
 *             roster before, never by the successor's own.
 *             An observer of the roster before approves of nothing.
 *          4. A node consents to what is said of it: a new one, and one whose
 *             role, name, address or keys change.
 *          5. What the roster before agreed on outlives it.  A quorum of it
 *             signed the last state, and one of the signers may be who goes:
 *             the rest of them must be more than may be lost for good in the
 *             next epoch, at once and before anybody has fetched the state.
 *             One more or one less always leaves as many, and so does with
 *             PBFT another in the place of one.  Of n = 2f + 1 members of
 *             Raft f + 1 sign and f are left: there, as Raft's own changes
 *             of one server do (Ongaro 2014, section 4.1), one comes first
 *             and the other goes then.  So nothing waits for who goes, nor
 *             for anybody who may be dead.
 *
 * NOT HERE Whether the cluster agreed on a successor (trust/epoch.c).
 */
#include "trust/succession.h"

#include <string.h>

#include "base/clock.h"
#include "crypto/sign.h"
#include "trust/identity.h"

/* The same node, whatever its role. */
static bool
nodes_equal(const struct roster_member *a, const struct roster_member *b)
{
	return strcmp(a->name, b->name) == 0 &&
	    strcmp(a->address, b->address) == 0 &&
	    memcmp(a->node_key, b->node_key, PUBLIC_KEY_BYTES) == 0 &&
	    memcmp(a->link_key, b->link_key, PUBLIC_KEY_BYTES) == 0;
}

static bool
members_equal(const struct roster_member *a, const struct roster_member *b)
{
	return a->is_observer == b->is_observer && nodes_equal(a, b);
}

static bool
operators_equal(const struct roster *a, const struct roster *b)
{
	uint32_t i;

	if (a->operator_count != b->operator_count ||
	    a->policy_operators != b->policy_operators)
		return false;
	for (i = 0; i < a->operator_count; i++)
		if (strcmp(a->operators[i].name, b->operators[i].name) != 0 ||
		    memcmp(a->operators[i].key, b->operators[i].key,
			PUBLIC_KEY_BYTES) != 0)
			return false;
	return true;
}

static bool
origins_equal(const struct roster *a, const struct roster *b)
{
	return strcmp(a->cluster_name, b->cluster_name) == 0 &&
	    strcmp(a->strategy, b->strategy) == 0 &&
	    a->incarnation == b->incarnation && a->first_seq == b->first_seq &&
	    digest_equal(&a->genesis_state, &b->genesis_state);
}

/* Those who vote, or those who follow. */
struct list {
	const struct roster_member *nodes;
	uint32_t count;
};

static struct list
list_of(const struct roster *roster, bool observers)
{
	return observers
	    ? (struct list){ roster->members + roster->member_count,
		      roster->observer_count }
	    : (struct list){ roster->members, roster->member_count };
}

/* How many are equal, from these places on. */
static uint32_t
equal_from(struct list next, uint32_t at, struct list before, uint32_t from)
{
	uint32_t count = 0;

	while (at + count < next.count && from + count < before.count &&
	    members_equal(&next.nodes[at + count], &before.nodes[from + count]))
		count++;
	return count;
}

enum difference {
	DIFFERENCE_NONE,
	DIFFERENCE_MORE,  /* one, at the end */
	DIFFERENCE_LESS,  /* one */
	DIFFERENCE_OTHER, /* another in the place of one */
	DIFFERENCE_MANY,
};

/* The difference of two lists, and the place where it is. */
static enum difference
compare(struct list next, struct list before, uint32_t *place)
{
	const uint32_t n = before.count, same = equal_from(next, 0, before, 0);

	*place = same;
	if (next.count == n && same == n)
		return DIFFERENCE_NONE;
	if (next.count == n + 1 && same == n)
		return DIFFERENCE_MORE;
	if (next.count == n &&
	    equal_from(next, same + 1, before, same + 1) == n - same - 1)
		return DIFFERENCE_OTHER;
	if (next.count + 1 == n &&
	    equal_from(next, same, before, same + 1) == n - same - 1)
		return DIFFERENCE_LESS;
	return DIFFERENCE_MANY;
}

/* The one change between two rosters; false: it is none, or not one. */
static bool
find_change(const struct roster *next, const struct roster *roster,
    struct succession_change *change)
{
	static const enum succession_kind kinds[] = {
		[DIFFERENCE_MORE] = SUCCESSION_ADD,
		[DIFFERENCE_LESS] = SUCCESSION_REMOVE,
		[DIFFERENCE_OTHER] = SUCCESSION_REPLACE,
	};
	uint32_t member, observer;
	enum difference members =
	    compare(list_of(next, false), list_of(roster, false), &member);
	enum difference observers =
	    compare(list_of(next, true), list_of(roster, true), &observer);

	*change = (struct succession_change){
		.kind = SUCCESSION_PROMOTE,
		.gone = roster->member_count + observer,
		.comes = member,
	};
	if (members == DIFFERENCE_MORE && observers == DIFFERENCE_LESS)
		return nodes_equal(&next->members[change->comes],
		    &roster->members[change->gone]);
	change->is_observer = members == DIFFERENCE_NONE;
	if (change->is_observer)
		change->comes = next->member_count + observer;
	else
		change->gone = member;
	if (change->is_observer)
		members = observers;
	else if (observers != DIFFERENCE_NONE)
		return false;
	if (members == DIFFERENCE_NONE || members == DIFFERENCE_MANY)
		return false;
	change->kind = kinds[members];
	return true;
}

/* Those who vote are as before, or enough. */
static enum ag_status
check_count(const struct roster *next, const struct roster *roster,
    struct ag_error *err)
{
	enum fault_model faults = roster_fault_model(next);
	uint32_t place;

	if (trust_faults(faults, next->member_count) > 0)
		return roster_check_member_count(faults, next->member_count,
		    err);
	if (compare(list_of(next, false), list_of(roster, false), &place) ==
	    DIFFERENCE_NONE)
		return AG_OK;
	return ag_fail(err, AG_EINVAL,
	    "%u members would be left, which tolerate no fault: a cluster "
	    "keeps %d or more",
	    next->member_count, faults == FAULTS_CRASH ? 3 : 4);
}

/* A node with another address or link key has its state as before. */
static bool
has_left(const struct roster *next, const struct roster *roster,
    const struct succession_change *change)
{
	switch (change->kind) {
	case SUCCESSION_REMOVE:
		return !change->is_observer;
	case SUCCESSION_REPLACE:
		return !change->is_observer &&
		    memcmp(next->members[change->comes].node_key,
			roster->members[change->gone].node_key,
			PUBLIC_KEY_BYTES) != 0;
	case SUCCESSION_ADD:
	case SUCCESSION_PROMOTE:
	default:
		return false;
	}
}

/* Only another in the place of one can be refused here (rule 5). */
static enum ag_status
check_outlives(const struct roster *next, const struct roster *roster,
    const struct succession_change *change, struct ag_error *err)
{
	if (trust_outlives(roster_fault_model(roster), roster->member_count,
		has_left(next, roster, change), next->member_count))
		return AG_OK;
	return ag_fail(err, AG_EINVAL,
	    "%u members of raft do not take another for %s at once, for %u of "
	    "them may then be all who have the data: add %s, and then remove "
	    "%s",
	    roster->member_count, roster->members[change->gone].name,
	    roster_faults(next), next->members[change->comes].name,
	    roster->members[change->gone].name);
}

enum ag_status
succession_check(const struct roster *next, const struct roster *roster,
    struct succession_change *change, struct ag_error *err)
{
	struct succession_change found;
	enum ag_status status;

	if (!next->is_successor ||
	    memcmp(next->cluster_id, roster->cluster_id, CLUSTER_ID_BYTES) != 0)
		return ag_fail(err, AG_ECONFLICT,
		    "it is no successor of a roster of cluster %s",
		    roster->cluster_name);
	if (next->epoch != roster->epoch + 1 ||
	    !digest_equal(&next->previous, &roster->digest))
		return ag_fail(err, AG_ECONFLICT,
		    "it is the roster of epoch %llu and follows another than "
		    "the present one of epoch %llu",
		    (unsigned long long)next->epoch,
		    (unsigned long long)roster->epoch);
	if (!origins_equal(next, roster) || !operators_equal(next, roster))
		return ag_fail(err, AG_EINVAL,
		    "a successor changes its members only: strategy, policy, "
		    "operators and origin stay");
	status = check_count(next, roster, err);
	if (status == AG_OK)
		status = roster_check(next, err);
	if (status != AG_OK)
		return status;
	if (!find_change(next, roster, &found))
		return ag_fail(err, AG_EINVAL,
		    "a successor adds, removes or replaces one member or "
		    "observer, or promotes one, and the others keep their "
		    "order");
	if (change != NULL)
		*change = found;
	return check_outlives(next, roster, &found, err);
}

/* What stays, the next epoch, and no signature. */
static enum ag_status
begin(struct roster *next, const struct roster *roster, struct ag_error *err)
{
	uint32_t i;

	if (roster->epoch == UINT64_MAX)
		return ag_fail(err, AG_ELIMIT, "there is no later epoch");
	*next = *roster;
	next->is_successor = true;
	next->epoch = roster->epoch + 1;
	next->previous = roster->digest;
	next->created_ms = clock_wall_ms();
	next->approval_count = 0;
	for (i = 0; i < roster_node_count(next); i++)
		next->members[i].is_signed = false;
	return AG_OK;
}

static enum ag_status
finish(struct roster *next, const struct roster *roster, struct ag_error *err)
{
	roster_seal(next);
	return succession_check(next, roster, NULL, err);
}

static void
take_out(struct roster *next, uint32_t at)
{
	if (at < next->member_count)
		next->member_count--;
	else
		next->observer_count--;
	memmove(&next->members[at], &next->members[at + 1],
	    (roster_node_count(next) - at) * sizeof(next->members[0]));
}

enum ag_status
succession_add(struct roster *next, const struct roster *roster,
    const struct roster_member *member, struct ag_error *err)
{
	enum ag_status status = begin(next, roster, err);

	if (status != AG_OK)
		return status;
	if (roster_node_count(next) == TRUST_MEMBERS_MAX)
		return ag_fail(err, AG_EINVAL,
		    "the cluster has %d nodes, the most there can be",
		    TRUST_MEMBERS_MAX);
	roster_put_last(next, member);
	return finish(next, roster, err);
}

static enum ag_status
find_member(const struct roster *roster, const char *name, uint32_t *at,
    struct ag_error *err)
{
	int index = roster_find_name(roster, name);

	if (index == -1)
		return ag_fail(err, AG_ENOENT,
		    "%s is no member of cluster %s at epoch %llu", name,
		    roster->cluster_name, (unsigned long long)roster->epoch);
	*at = (uint32_t)index;
	return AG_OK;
}

/* Begin a change of the node of that name. */
static enum ag_status
begin_with(struct roster *next, const struct roster *roster, const char *name,
    uint32_t *at, struct ag_error *err)
{
	enum ag_status status = begin(next, roster, err);

	return status == AG_OK ? find_member(roster, name, at, err) : status;
}

enum ag_status
succession_remove(struct roster *next, const struct roster *roster,
    const char *name, struct ag_error *err)
{
	uint32_t at = 0;
	enum ag_status status = begin_with(next, roster, name, &at, err);

	if (status != AG_OK)
		return status;
	take_out(next, at);
	return finish(next, roster, err);
}

enum ag_status
succession_replace(struct roster *next, const struct roster *roster,
    const char *name, const struct roster_member *member, struct ag_error *err)
{
	uint32_t at = 0;
	enum ag_status status = begin_with(next, roster, name, &at, err);

	if (status != AG_OK)
		return status;
	next->members[at] = *member;
	next->members[at].is_observer = at >= next->member_count;
	next->members[at].is_signed = false;
	return finish(next, roster, err);
}

enum ag_status
succession_promote(struct roster *next, const struct roster *roster,
    const char *name, struct ag_error *err)
{
	uint32_t at = 0;
	enum ag_status status = begin_with(next, roster, name, &at, err);
	struct roster_member member;

	if (status != AG_OK)
		return status;
	if (at < roster->member_count)
		return ag_fail(err, AG_EINVAL,
		    "%s votes already: only an observer is promoted", name);
	member = next->members[at];
	member.is_observer = false;
	take_out(next, at);
	roster_put_last(next, &member);
	return finish(next, roster, err);
}

void
succession_count(struct succession_tally *tally, const struct roster *next,
    const struct roster *roster)
{
	uint32_t i;

	*tally = (struct succession_tally){
		.by_operators = roster->policy_operators > 0,
		.needed = roster_approvals_needed(roster),
	};
	for (i = 0; i < next->approval_count; i++)
		if (roster_may_approve(roster, next->approvals[i].key))
			tally->approved++;
	for (i = 0; i < roster_node_count(next); i++) {
		const struct roster_member *m = &next->members[i];
		int before = roster_find_node_key(roster, m->node_key);

		if (before != -1 && members_equal(m, &roster->members[before]))
			continue;
		tally->must_sign |= UINT32_C(1) << i;
		if (m->is_signed)
			tally->signed_by |= UINT32_C(1) << i;
	}
}

bool
succession_is_complete(const struct succession_tally *tally)
{
	return tally->approved >= tally->needed &&
	    tally->signed_by == tally->must_sign;
}

enum ag_status
succession_verify(const struct roster *next, const struct roster *roster,
    struct ag_error *err)
{
	enum ag_status status = succession_check(next, roster, NULL, err);
	struct succession_tally tally;
	uint32_t missing;

	if (status != AG_OK)
		return status;
	succession_count(&tally, next, roster);
	if (succession_is_complete(&tally))
		return AG_OK;
	missing = tally.must_sign & ~tally.signed_by;
	if (missing != 0)
		return ag_fail(err, AG_EFORGED, "member %s has not signed it",
		    next->members[__builtin_ctz(missing)].name);
	return ag_fail(err, AG_EFORGED,
	    "%u of the %s approved it, and it takes %u", tally.approved,
	    tally.by_operators ? "operators" : "members", tally.needed);
}

static bool
has_approved(const struct roster *next,
    const uint8_t key[static PUBLIC_KEY_BYTES])
{
	uint32_t i;

	for (i = 0; i < next->approval_count; i++)
		if (memcmp(next->approvals[i].key, key, PUBLIC_KEY_BYTES) == 0)
			return true;
	return false;
}

static enum ag_status
approve(struct roster *next, const struct signer *signer, struct ag_error *err)
{
	struct roster_approval *approval;
	enum ag_status status;
	struct buf input;

	if (has_approved(next, signer->public_key))
		return AG_OK;
	if (next->approval_count == ROSTER_APPROVALS_MAX)
		return ag_fail(err, AG_ELIMIT, "it has %d approvals",
		    ROSTER_APPROVALS_MAX);
	buf_init(&input, ROSTER_FILE_BYTES_MAX);
	status = roster_approval_input(next, &input);
	if (status != AG_OK) {
		(void)ag_fail(err, status, "approve: %s",
		    ag_status_text(status));
	} else {
		approval = &next->approvals[next->approval_count];
		memcpy(approval->key, signer->public_key, PUBLIC_KEY_BYTES);
		status = signer_sign(signer, buf_bytes(&input),
		    approval->signature, err);
		next->approval_count += status == AG_OK;
	}
	buf_fini(&input);
	return status;
}

enum ag_status
succession_sign(struct roster *next, const struct roster *roster,
    const struct signer *signer, struct ag_error *err)
{
	const uint8_t *public = signer->public_key;
	enum ag_status status = AG_OK;
	struct succession_tally tally;
	bool approves, consents;
	int self;

	succession_count(&tally, next, roster);
	self = roster_find_node_key(next, public);
	approves = roster_may_approve(roster, public);
	consents = self != -1 && (tally.must_sign >> self & 1U) != 0;
	if (!approves && !consents)
		return ag_fail(err, AG_ENOENT,
		    "this key has nothing to sign here: it is neither %s of "
		    "the present roster nor that of a member who is new or "
		    "changes",
		    tally.by_operators ? "an operator's" : "a member's");
	if (approves)
		status = approve(next, signer, err);
	if (status == AG_OK && consents)
		status = identity_sign_roster(next, signer, err);
	return status;
}

enum ag_status
succession_merge(struct roster *next, const struct roster *other,
    struct ag_error *err)
{
	uint32_t i;

	if (!digest_equal(&next->digest, &other->digest))
		return ag_fail(err, AG_ECONFLICT,
		    "it is another successor, not a copy of the same");
	for (i = 0; i < roster_node_count(next); i++)
		if (!next->members[i].is_signed)
			next->members[i] = other->members[i];
	for (i = 0; i < other->approval_count; i++) {
		const struct roster_approval *a = &other->approvals[i];

		if (has_approved(next, a->key))
			continue;
		if (next->approval_count == ROSTER_APPROVALS_MAX)
			return ag_fail(err, AG_ELIMIT, "it has %d approvals",
			    ROSTER_APPROVALS_MAX);
		next->approvals[next->approval_count++] = *a;
	}
	return AG_OK;
}
