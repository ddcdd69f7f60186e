/*
 * Keys and rosters for new nodes and trial clusters.
 *
 * RULES    1. Existing keys are never replaced: losing a node key means
 *             losing the node's vote.
 *          2. Node key and link key are made apart; no key serves twice.
 *          3. The node key comes last: a set-up that was cut short has none
 *             and can be run again.
 */
#include "trust/setup.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "crypto/openssh_key.h"
#include "trust/field.h"
#include "trust/horizon.h"
#include "trust/identity.h"

static enum ag_status
make_directory(const char *path, struct ag_error *err)
{
	enum ag_status status = fs_mkdir(path, err);

	return status == AG_EEXIST ? AG_OK : status;
}

/* What says that a key made here has never voted. */
static enum ag_status
make_horizon(const char *dir, struct ag_error *err)
{
	char path[PATH_MAX];
	enum ag_status status =
	    fs_join(path, sizeof(path), dir, SETUP_HORIZON, err);

	if (status == AG_OK)
		status = horizon_create(path, err);
	return status == AG_EEXIST ? AG_OK : status;
}

static enum ag_status
make_key(const char *dir, const char *file, const char *name, const char *kind,
    struct ag_error *err)
{
	char path[PATH_MAX], comment[PUBLIC_KEY_COMMENT_BYTES];
	enum ag_status status;
	struct secret *key;

	status = fs_join(path, sizeof(path), dir, file, err);
	if (status != AG_OK)
		return status;
	if (fs_exists(path))
		return AG_OK;
	status = sign_keypair(&key, err);
	if (status != AG_OK)
		return status;
	(void)snprintf(comment, sizeof(comment), "%s %s key", name, kind);
	status = openssh_key_save(key, path, comment, NULL, false, err);
	secret_free(key);
	return status;
}

/* All but the node key. */
static enum ag_status
make_place(const char *dir, const char *name, struct ag_error *err)
{
	char keys[PATH_MAX];
	enum ag_status status = fs_join(keys, sizeof(keys), dir, "keys", err);

	if (status == AG_OK)
		status = make_directory(dir, err);
	if (status == AG_OK)
		status = make_directory(keys, err);
	if (status == AG_OK)
		status = make_key(dir, SETUP_LINK_KEY, name, "link", err);
	return status == AG_OK ? make_horizon(dir, err) : status;
}

static enum ag_status
check_place(const char *dir, const char *name, struct ag_error *err)
{
	char path[PATH_MAX];
	enum ag_status status = field_check_name("node", name, err);

	if (status == AG_OK)
		status = fs_join(path, sizeof(path), dir, SETUP_NODE_KEY, err);
	if (status == AG_OK && fs_exists(path))
		status = ag_fail(err, AG_EEXIST,
		    "set up %s: it has a node key already", dir);
	return status;
}

enum ag_status
setup_keys(const char *dir, const char *name, struct ag_error *err)
{
	enum ag_status status = setup_link_key(dir, name, err);

	return status == AG_OK
	    ? make_key(dir, SETUP_NODE_KEY, name, "node", err)
	    : status;
}

enum ag_status
setup_link_key(const char *dir, const char *name, struct ag_error *err)
{
	enum ag_status status = check_place(dir, name, err);

	return status == AG_OK ? make_place(dir, name, err) : status;
}

void
setup_undo(const char *dir)
{
	static const char *const files[] = {
		SETUP_NODE_KEY,
		SETUP_NODE_KEY ".pub",
		SETUP_LINK_KEY,
		SETUP_LINK_KEY ".pub",
		SETUP_HORIZON,
	};
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (fs_join(path, sizeof(path), dir, files[i], NULL) == AG_OK)
			(void)unlink(path);
	if (fs_join(path, sizeof(path), dir, "keys", NULL) == AG_OK)
		(void)rmdir(path);
	(void)rmdir(dir);
}

static enum ag_status
load_key(struct secret **key, const char *dir, const char *file,
    struct ag_error *err)
{
	char path[PATH_MAX];
	enum ag_status status = fs_join(path, sizeof(path), dir, file, err);

	if (status != AG_OK)
		return status;
	return openssh_key_load(key, NULL, path, NULL, err);
}

enum ag_status
setup_load_keys(struct secret **node_key, struct secret **link_key,
    const char *dir, struct ag_error *err)
{
	struct secret *node = NULL, *link = NULL;
	enum ag_status status = AG_OK;

	if (node_key != NULL)
		status = load_key(&node, dir, SETUP_NODE_KEY, err);
	if (status == AG_OK && link_key != NULL)
		status = load_key(&link, dir, SETUP_LINK_KEY, err);
	if (status != AG_OK) {
		secret_free(node);
		node = NULL;
	}
	if (node_key != NULL)
		*node_key = node;
	if (link_key != NULL)
		*link_key = link;
	return status;
}

enum ag_status
setup_member_by(struct roster_member *member, const struct signer *node_key,
    const char *dir, const char *name, const char *address,
    struct ag_error *err)
{
	uint8_t link_public[PUBLIC_KEY_BYTES];
	struct secret *link_key;
	enum ag_status status;

	memset(member, 0, sizeof(*member));
	status = field_check_name("member", name, err);
	if (status == AG_OK)
		status = field_check_address(address, err);
	if (status == AG_OK)
		status = setup_load_keys(NULL, &link_key, dir, err);
	if (status != AG_OK)
		return status;
	(void)snprintf(member->name, sizeof(member->name), "%s", name);
	(void)snprintf(member->address, sizeof(member->address), "%s", address);
	sign_public(link_public, link_key);
	secret_free(link_key);
	return identity_certify_link(member, node_key, link_public, err);
}

enum ag_status
setup_member(struct roster_member *member, const char *dir, const char *name,
    const char *address, struct ag_error *err)
{
	struct secret *node_key;
	struct signer signer;
	enum ag_status status = setup_load_keys(&node_key, NULL, dir, err);

	if (status != AG_OK)
		return status;
	signer_of_key(&signer, node_key);
	status = setup_member_by(member, &signer, dir, name, address, err);
	secret_free(node_key);
	return status;
}

enum ag_status
setup_roster(struct roster *roster, const char *cluster_name,
    const char *strategy, struct ag_error *err)
{
	enum ag_status status = field_check_name("cluster", cluster_name, err);
	enum fault_model faults;

	if (status != AG_OK)
		return status;
	if (roster_find_strategy(strategy, &faults) != AG_OK)
		return ag_fail(err, AG_EINVAL,
		    "unknown strategy \"%s\"; known: " ROSTER_STRATEGIES,
		    strategy);
	(void)snprintf(roster->cluster_name, sizeof(roster->cluster_name), "%s",
	    cluster_name);
	(void)snprintf(roster->strategy, sizeof(roster->strategy), "%s",
	    strategy);
	roster->created_ms = clock_wall_ms();
	status = roster_check(roster, err);
	if (status == AG_OK)
		roster_seal(roster);
	return status;
}

static enum ag_status
sign_as(struct roster *roster, const char *dir, struct ag_error *err)
{
	struct secret *node_key;
	enum ag_status status = setup_load_keys(&node_key, NULL, dir, err);
	struct signer signer;

	if (status != AG_OK)
		return status;
	signer_of_key(&signer, node_key);
	status = identity_sign_roster(roster, &signer, err);
	secret_free(node_key);
	return status;
}

enum ag_status
setup_trial_roster(struct roster *roster, const char *cluster_name,
    const char *strategy, const struct setup_node *nodes, uint32_t count,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;
	uint32_t i;

	if (count > TRUST_MEMBERS_MAX)
		return ag_fail(err, AG_EINVAL, "a cluster has at most %d nodes",
		    TRUST_MEMBERS_MAX);
	roster->member_count = 0;
	roster->observer_count = 0;
	for (i = 0; status == AG_OK && i < count; i++) {
		status = setup_member(&roster->members[i], nodes[i].dir,
		    nodes[i].name, nodes[i].address, err);
		roster->members[i].is_observer = nodes[i].is_observer;
		if (nodes[i].is_observer)
			roster->observer_count++;
		else
			roster->member_count++;
	}
	if (status != AG_OK)
		return status;
	status = setup_roster(roster, cluster_name, strategy, err);
	for (i = 0; status == AG_OK && i < count; i++)
		status = sign_as(roster, nodes[i].dir, err);
	return status;
}
