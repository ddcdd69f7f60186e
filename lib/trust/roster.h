/*
 * The roster (genesis): who the members of a cluster are, signed by each.
 *
 * Members vote.  Observers, which stand behind them in the same list, have
 * keys, an address and links like members, and follow: they are counted in no
 * n, f or quorum, and nothing they sign is a vote.
 *
 * The file is text so that people can read and compare it; what is signed
 * is the canonical CBOR of its statement.  The cluster id is the BLAKE2b-256
 * of the first roster's statement, so that one cannot be changed without
 * becoming another cluster.  A later one, a successor, names the roster
 * before it and says who approved: trust/succession.h.  Link keys alone stand
 * outside of the statement, each certified by its node key, so that they can
 * be replaced.  aegis-roster(5) has the grammar.
 *
 * Ownership  roster_load() fills caller's storage; nothing to free.
 */
#ifndef AEGIS_TRUST_ROSTER_H
#define AEGIS_TRUST_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "trust/certificate.h"
#include "trust/signing.h"

#define ROSTER_NAME_BYTES 64
#define ROSTER_ADDRESS_BYTES 256
#define ROSTER_FILE_BYTES_MAX (256U << 10)
#define ROSTER_OPERATORS_MAX 64
#define ROSTER_APPROVALS_MAX 64

struct roster_member {
	char name[ROSTER_NAME_BYTES];
	char address[ROSTER_ADDRESS_BYTES]; /* host:port, [v6]:port */
	uint8_t node_key[PUBLIC_KEY_BYTES]; /* Ed25519: votes, records */
	uint8_t link_key[PUBLIC_KEY_BYTES]; /* Ed25519: SSH host and client */
	uint8_t link_signature[SIGNATURE_BYTES]; /* node key on link key */
	bool is_observer;
	bool is_signed;
	uint8_t signature[SIGNATURE_BYTES]; /* on the statement */
};

struct roster_operator {
	char name[ROSTER_NAME_BYTES];
	uint8_t key[PUBLIC_KEY_BYTES];
};

/* Somebody's signature on a successor; whether it counts, the roster before
 * it says. */
struct roster_approval {
	uint8_t key[PUBLIC_KEY_BYTES];
	uint8_t signature[SIGNATURE_BYTES];
};

struct roster {
	char cluster_name[ROSTER_NAME_BYTES];
	char strategy[16];
	uint64_t epoch;
	uint64_t created_ms;
	/* A restored cluster's incarnation: where its history came from. */
	uint64_t incarnation;
	uint64_t first_seq;          /* sequence numbers begin above this */
	struct digest genesis_state; /* zero: empty store */
	uint32_t member_count;       /* n: those who vote, in front */
	uint32_t observer_count;     /* those behind them */
	struct roster_member members[TRUST_MEMBERS_MAX];
	uint32_t operator_count;
	struct roster_operator operators[ROSTER_OPERATORS_MAX];
	/* How many operators must approve a successor; 0: a quorum of the
	 * members must. */
	uint32_t policy_operators;
	bool is_successor;
	struct digest previous; /* of the statement before it */
	uint64_t epoch_seq; /* the epoch's sequences are above this; derived */
	bool is_proved; /* a successor: by what came before (trust/epoch.h) */
	uint32_t approval_count;
	struct roster_approval approvals[ROSTER_APPROVALS_MAX];
	struct digest digest;                 /* of the statement, derived */
	uint8_t cluster_id[CLUSTER_ID_BYTES]; /* derived but in a successor */
};

/* Derive digest, and the cluster's id from it, from the statement. */
void roster_seal(struct roster *roster);

/*
 * Parse text.  Errors name line and column.  The shape, the link signatures
 * and those member signatures that are present are verified; whether all
 * signed is roster_is_complete()'s answer.
 * AG_EINVAL syntax or value; AG_EFORGED a signature; AG_EVERSION.
 */
enum ag_status roster_parse(struct roster *roster, struct bytes text,
    const char *name, struct ag_error *err) AG_MUST_USE;
enum ag_status roster_load(struct roster *roster, const char *path,
    struct ag_error *err) AG_MUST_USE;
enum ag_status roster_format(const struct roster *roster,
    struct buf *out) AG_MUST_USE;

/*
 * A member's own part, as it hands it to whoever collects the roster: text
 * of the same grammar, with the link signature verified.
 */
enum ag_status roster_load_member(struct roster_member *member,
    const char *path, struct ag_error *err) AG_MUST_USE;
enum ag_status roster_format_member(const struct roster_member *member,
    struct buf *out) AG_MUST_USE;

/* For messages that ask for one. */
#define ROSTER_STRATEGIES "pbft, raft"

/* What members may do that agree by this strategy; AG_ENOENT: unknown. */
enum ag_status roster_find_strategy(const char *name,
    enum fault_model *faults) AG_MUST_USE;
enum fault_model roster_fault_model(const struct roster *roster);
uint32_t roster_faults(const struct roster *roster);
uint32_t roster_quorum(const struct roster *roster);

/* Members and observers. */
uint32_t roster_node_count(const struct roster *roster);

/* Every member's bit, and every observer's, in a set of nodes. */
uint32_t roster_members(const struct roster *roster);
uint32_t roster_observers(const struct roster *roster);

/*
 * 1 member, or 4 to TRUST_MEMBERS_MAX, from 3 on where faulty ones only
 * crash; AG_EINVAL says what others tolerate.
 */
enum ag_status roster_check_member_count(enum fault_model faults, size_t count,
    struct ag_error *err) AG_MUST_USE;

/*
 * The rules between members that a parsed roster obeys, for one put together
 * in memory: as many members as its strategy takes, and observers only where
 * that has certificates; names, addresses and keys all different; link
 * signatures right.
 */
enum ag_status roster_check(const struct roster *roster,
    struct ag_error *err) AG_MUST_USE;

/*
 * Is this who may vote?  Of the first roster when every member has signed it,
 * of a successor when it has been proved.
 */
bool roster_is_complete(const struct roster *roster);

/* What a member signs: purpose string and statement, into out. */
enum ag_status roster_signing_input(const struct roster *roster,
    struct buf *out) AG_MUST_USE;

/* What those who approve a successor sign. */
enum ag_status roster_approval_input(const struct roster *roster,
    struct buf *out) AG_MUST_USE;

/* Put one behind those of its role, and before whoever stands there; there
 * must be a place. */
void roster_put_last(struct roster *roster, const struct roster_member *member);

/* Index of the node with this name, node key or link key; or -1.  It is a
 * member's when it is below member_count. */
int roster_find_name(const struct roster *roster, const char *name);
int roster_find_node_key(const struct roster *roster,
    const uint8_t key[static PUBLIC_KEY_BYTES]);
int roster_find_link_key(const struct roster *roster,
    const uint8_t key[static PUBLIC_KEY_BYTES]);

/* What a node key signs to certify a link key. */
void roster_link_input(struct signing *s,
    const uint8_t node_key[static PUBLIC_KEY_BYTES],
    const uint8_t link_key[static PUBLIC_KEY_BYTES]);

/* Index of the operator with this key; or -1. */
int roster_find_operator(const struct roster *roster,
    const uint8_t key[static PUBLIC_KEY_BYTES]);

/*
 * Does this key's approval count, of a successor and of all that takes as many
 * approvals: is it an operator's, or, where the policy names no operators, a
 * voting member's node key?  And how many does it take?
 */
bool roster_may_approve(const struct roster *roster,
    const uint8_t key[static PUBLIC_KEY_BYTES]);
uint32_t roster_approvals_needed(const struct roster *roster);

/* May this key make requests: is it a node's node key or an operator's? */
bool roster_is_principal(const struct roster *roster,
    const uint8_t key[static PUBLIC_KEY_BYTES]);

void roster_scope(const struct roster *roster, struct trust_scope *scope);

/*
 * An authority that verifies with the roster's keys and cannot sign
 * (ctx: const struct roster *).  The node's own, which signs, is built on
 * the same verify functions.
 */
extern const struct authority roster_authority;

#endif
