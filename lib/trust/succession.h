/*
 * Successors: the roster that follows another, one change at a time.
 *
 * A successor is of the same cluster and of the next epoch, names the roster
 * before it, and differs by one member or by one observer: one more at the
 * end, one less, or another in the place of one; or an observer has become
 * the last member.  It is approved as the first roster's policy
 * asks (so many of its operators, or else a quorum of the members before),
 * and each node that is new or has changed signs it too: it has its key, and
 * consents.
 *
 * Ownership  caller's storage; nothing to free.
 * Threads    no shared state.
 */
#ifndef AEGIS_TRUST_SUCCESSION_H
#define AEGIS_TRUST_SUCCESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "crypto/signer.h"
#include "trust/roster.h"

enum succession_kind {
	SUCCESSION_ADD,
	SUCCESSION_REMOVE,
	SUCCESSION_REPLACE, /* also an address or a link key alone */
	SUCCESSION_PROMOTE, /* an observer votes from now on */
};

/* What a successor changes: places in the roster before and in itself. */
struct succession_change {
	enum succession_kind kind;
	bool is_observer; /* it leaves the members, n, f and quorum alone */
	uint32_t gone;    /* all but ADD: the place before */
	uint32_t comes;   /* all but REMOVE: the place after */
};

/*
 * Make next the successor of roster with one change, sealed, signed by
 * nobody.  Whether one more votes, member says; another in the place of one
 * has its role.  AG_ENOENT no node has that name; AG_EINVAL a rule is broken.
 */
enum ag_status succession_add(struct roster *next, const struct roster *roster,
    const struct roster_member *member, struct ag_error *err) AG_MUST_USE;
enum ag_status succession_remove(struct roster *next,
    const struct roster *roster, const char *name,
    struct ag_error *err) AG_MUST_USE;
enum ag_status succession_replace(struct roster *next,
    const struct roster *roster, const char *name,
    const struct roster_member *member, struct ag_error *err) AG_MUST_USE;
enum ag_status succession_promote(struct roster *next,
    const struct roster *roster, const char *name,
    struct ag_error *err) AG_MUST_USE;

/*
 * May next follow roster, whoever signed it?  change may be NULL.
 * AG_ECONFLICT  it follows another roster
 * AG_EINVAL     a rule is broken
 */
enum ag_status succession_check(const struct roster *next,
    const struct roster *roster, struct succession_change *change,
    struct ag_error *err) AG_MUST_USE;

/* Who signed a successor that succession_check() passed, and who must. */
struct succession_tally {
	bool by_operators;  /* else by members of the roster before */
	uint32_t needed;    /* approvals */
	uint32_t approved;  /* those that count */
	uint32_t must_sign; /* bit per node of next */
	uint32_t signed_by; /* the same, of those who must */
};

void succession_count(struct succession_tally *tally, const struct roster *next,
    const struct roster *roster);
bool succession_is_complete(const struct succession_tally *tally);

/* Everything: rules, approvals and consent.  AG_EFORGED says what lacks. */
enum ag_status succession_verify(const struct roster *next,
    const struct roster *roster, struct ag_error *err) AG_MUST_USE;

/*
 * Sign next with everything this signer may: approve as an operator or a member
 * of roster, consent as a member of next who must.
 * AG_ENOENT when that is nothing.
 */
enum ag_status succession_sign(struct roster *next, const struct roster *roster,
    const struct signer *signer, struct ag_error *err) AG_MUST_USE;

/* Take over the signatures that other, of the same statement, has. */
enum ag_status succession_merge(struct roster *next, const struct roster *other,
    struct ag_error *err) AG_MUST_USE;

#endif
