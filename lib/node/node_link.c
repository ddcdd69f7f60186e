/*
 * The link key of a node that runs: opened, replaced when it is old or when
 * somebody says so; and what is known of the others'.
 *
 * RULES    1. A new key is durable before the links hear of it.  What is heard
 *             of another's is in force at once and goes to the disk behind
 *             that, if need be in a later try: nobody was promised anything,
 *             and to refuse the key before is right the sooner.  A crash in
 *             between only means to be shown it again.
 *          2. A passphrase is not kept while the node runs.  So a key that
 *             has one is replaced at a start, when it is old, and not between.
 *          3. What can not be replaced now is tried again; links go on with
 *             the old one, also those of a node that starts.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "event/loop.h"
#include "node/node_parts.h"

/* How often a running node looks how old its key is. */
#define LOOK_MS 600000

/* When what could not be kept is tried again. */
#define RETRY_MS 5000

#define BOOK_FILE "keys/peers"

static bool
is_old(const struct node *n)
{
	const uint64_t now_ms = clock_wall_ms();

	return now_ms > n->link.made_ms &&
	    now_ms - n->link.made_ms >= n->config.link_key_age_ms;
}

static void
tell(const struct node *n)
{
	metric_set_value(n->link_made, (int64_t)(n->link.made_ms / 1000));
}

static enum ag_status
replace(struct node *n, const struct secret *passphrase, struct ag_error *err)
{
	const struct link_holder holder =
	    link_certificate_holder(&n->roster, n->self);
	enum ag_status status = link_key_rotate(&n->link, n->link_path, &holder,
	    &n->node_signer, clock_wall_ms(), passphrase, err);

	if (status == AG_OK && n->net != NULL)
		status = net_change_link_key(n->net, n->link.secret,
		    &n->link.certificate, err);
	if (status != AG_OK) {
		ag_error_prefix(err, "replace the link key");
		return status;
	}
	tell(n);
	log_info("node", "link key replaced",
	    LOG_U64("serial", n->link.certificate.serial));
	return AG_OK;
}

/* What the links know of the others' keys and the book does not: a letter can
 * get lost, and a disk be full. */
static void
catch_up(struct node *n)
{
	struct link_certificate known;
	uint32_t i;

	for (i = 0; n->net != NULL && i < roster_node_count(&n->roster); i++) {
		net_known(n->net, i, &known);
		if (i != n->self)
			node_link_learn(n, i, &known);
	}
}

static void
on_look(void *arg)
{
	struct node *n = arg;
	struct ag_error err;

	loop_timer_set(n->link_timer, LOOK_MS);
	catch_up(n);
	if (!n->has_failed && !n->is_mute && is_old(n) &&
	    replace(n, NULL, &err) != AG_OK)
		log_warn("node", "the link key is old and stays",
		    LOG_TEXT("error", err.text));
}

enum ag_status
node_link_open(struct node *n, const struct node_config *config,
    struct ag_error *err)
{
	enum ag_status status;

	n->link_made = metric_new(n->metrics, METRIC_GAUGE,
	    "aegis_link_key_made_timestamp_seconds",
	    "When this node's link key was made", NULL);
	(void)snprintf(n->link_path, sizeof(n->link_path), "%s",
	    config->link_key_path);
	status = link_key_load(&n->link, n->link_path, &n->roster, n->self,
	    config->passphrase, err);
	if (status == AG_EINVAL)
		ag_error_prefix(err, "roster %s", config->roster_path);
	if (status == AG_OK && is_old(n) &&
	    replace(n, config->passphrase, err) != AG_OK)
		log_warn("node", "the link key is old and stays",
		    LOG_TEXT("error", err->text));
	if (status == AG_OK)
		status = loop_timer_new(&n->link_timer, n->loop, on_look, n);
	if (status != AG_OK)
		return status;
	tell(n);
	loop_timer_set(n->link_timer, LOOK_MS);
	return AG_OK;
}

void
node_link_close(struct node *n)
{
	if (n->link_timer != NULL)
		loop_timer_close(n->link_timer);
	link_key_free(&n->link);
}

enum ag_status
node_link_open_book(struct node *n, struct ag_error *err)
{
	char path[PATH_MAX];
	enum ag_status status =
	    fs_join(path, sizeof(path), n->data_dir, BOOK_FILE, err);

	if (status == AG_OK)
		status = link_book_open(&n->book, path, &n->roster, err);
	if (status == AG_ECORRUPT)
		ag_error_prefix(err,
		    "what is known of the others' link keys (remove it, and "
		    "they show theirs again)");
	return status;
}

void
node_link_learn(struct node *n, uint32_t member,
    const struct link_certificate *certificate)
{
	struct ag_error err;

	if (link_book_put(&n->book, member, certificate, &err) == AG_OK)
		return;
	loop_timer_set(n->link_timer, RETRY_MS);
	log_error("node", "a member's link key is not kept",
	    LOG_TEXT("member", n->roster.members[member].name),
	    LOG_TEXT("error", err.text));
}

void
node_link_of(const struct node *n, uint32_t member,
    struct link_certificate *certificate, uint64_t *made_ms)
{
	*certificate = n->book.known[member];
	*made_ms = certificate->serial;
	if (member == n->self) {
		*certificate = n->link.certificate;
		*made_ms = n->link.made_ms;
	} else if (certificate->serial == 0) {
		memcpy(certificate->link_key,
		    n->roster.members[member].link_key, PUBLIC_KEY_BYTES);
	}
}

enum ag_status
node_replace_link_key(struct node *n, struct ag_error *err)
{
	enum ag_status status;

	if (n->has_failed)
		return ag_fail(err, AG_EUNREACH,
		    "replace the link key: the node has failed: %s",
		    n->failure.text);
	status = replace(n, NULL, err);
	if (status == AG_EDENIED)
		return ag_fail(err, AG_EDENIED,
		    "replace the link key: it has a passphrase, which a "
		    "running node does not keep; it is replaced at a start, "
		    "when it is older than net.link_key_age");
	return status;
}
