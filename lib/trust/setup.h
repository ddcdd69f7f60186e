/*
 * Setting up nodes and trial clusters: keys in a data directory, and rosters
 * put together from them.
 *
 * A node's data directory holds keys/node and keys/link (0600, OpenSSH
 * format) and their .pub files, and keys/horizon.
 */
#ifndef AEGIS_TRUST_SETUP_H
#define AEGIS_TRUST_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "crypto/signer.h"
#include "trust/roster.h"

/* Where a node keeps them, below its data directory. */
#define SETUP_NODE_KEY "keys/node"
#define SETUP_LINK_KEY "keys/link"

/* How far the node key may have voted (trust/horizon.h). */
#define SETUP_HORIZON "keys/horizon"

/*
 * Make dir (if absent), dir/keys and the two key pairs in it.
 * AG_EEXIST when there are keys already; they are left as they are.
 */
enum ag_status setup_keys(const char *dir, const char *name,
    struct ag_error *err) AG_MUST_USE;

/*
 * The same without a node key, which is made elsewhere: in a token, now.  What
 * is kept beside the link key says that it has never voted.
 */
enum ag_status setup_link_key(const char *dir, const char *name,
    struct ag_error *err) AG_MUST_USE;

/*
 * Take back what setup_keys() made, and dir unless something else is in it.
 * Only for a directory that was not there before.
 */
void setup_undo(const char *dir);

/* Read a data directory's keys; either may be NULL when not wanted. */
enum ag_status setup_load_keys(struct secret **node_key,
    struct secret **link_key, const char *dir,
    struct ag_error *err) AG_MUST_USE;

/* A member's own part, from the keys in its data directory. */
enum ag_status setup_member(struct roster_member *member, const char *dir,
    const char *name, const char *address, struct ag_error *err) AG_MUST_USE;

/* The same of a node key that is elsewhere. */
enum ag_status setup_member_by(struct roster_member *member,
    const struct signer *node_key, const char *dir, const char *name,
    const char *address, struct ag_error *err) AG_MUST_USE;

/*
 * Fill in a roster for members that are set already, created now, and check
 * and seal it; no member has signed it yet.
 */
enum ag_status setup_roster(struct roster *roster, const char *cluster_name,
    const char *strategy, struct ag_error *err) AG_MUST_USE;

/* One node of a trial cluster, whose keys are all on this machine. */
struct setup_node {
	const char *dir; /* with keys in it, see setup_keys() */
	const char *name;
	const char *address;
	bool is_observer; /* these stand behind the members */
};

/*
 * A complete roster for count nodes of one machine, signed by all of them
 * in turn.  roster->operators, when set before, are kept.
 */
enum ag_status setup_trial_roster(struct roster *roster,
    const char *cluster_name, const char *strategy,
    const struct setup_node *nodes, uint32_t count,
    struct ag_error *err) AG_MUST_USE;

#endif
