/*
 * The node key: in a file, or in a token that may go away while the node runs.
 *
 * STATES   signing   agreement goes on
 *          mute      a signature was not made.  The driver has stopped as if
 *                    the node had died before that step; links are closed, so
 *                    that the others know; what is here can still be read
 *          settling  the key is back: what was delivered is executed
 *          signing   agreement and links are opened from the log, as after a
 *                    restart
 *
 * RULES    1. Nothing is signed by another key than the roster's, nor sent
 *             without a signature: a vote is given by the token or not at all.
 *          2. How a node that was mute votes again is how one that died does:
 *             by what it had made durable.
 */
#include <string.h>

#include "base/log.h"
#include "event/loop.h"
#include "node/node_parts.h"
#include "trust/signing.h"

static void
node_post(struct node *n, loop_fn *fn)
{
	struct ag_error err;

	if (loop_post(n->loop, fn, n) == AG_OK)
		return;
	(void)ag_fail(&err, AG_ENOMEM, "node key: out of memory");
	node_fatal(n, &err);
}

bool
node_key_cannot_sign(void *arg)
{
	return token_signer_has_missed(((struct node *)arg)->token);
}

static void
on_resume(void *arg)
{
	enum ag_status status;
	struct node *n = arg;
	struct ag_error err;

	if (n->has_failed || !n->is_mute)
		return;
	n->is_mute = false;
	metric_set_value(n->key_away, 0);
	node_close_epoch(n);
	token_signer_begin_anew(n->token);
	n->last_seq = 0;
	n->is_ending = false;
	n->links_up = 0;
	n->quorum_lost_us = 0;
	memset(n->heard_us, 0, sizeof(n->heard_us));
	status = node_open_epoch(n, &err);
	if (status != AG_OK) {
		node_fatal(n, &err);
		return;
	}
	requests_renew(n->requests);
	reads_renew(n->reads);
	driver_start(n->driver);
	log_info("node", "taking part again",
	    LOG_U64("applied", applier_seq(n->applier)));
}

void
node_key_settled(struct node *n)
{
	n->is_settling = false;
	node_post(n, on_resume);
}

static void
on_returned(void *arg)
{
	struct node *n = arg;
	struct ag_error err;

	if (n->has_failed)
		return;
	log_info("node", "the node key is back",
	    LOG_TEXT("key", token_signer_name(n->token)));
	if (!n->is_mute || n->is_settling)
		return;
	n->is_settling = true;
	if (applier_sync(n->applier, 0) == AG_OK) {
		applier_execute(n->applier, false);
		return;
	}
	(void)ag_fail(&err, AG_ENOMEM, "node key: out of memory");
	node_fatal(n, &err);
}

static void
on_lost(void *arg)
{
	char reason[TOKEN_SIGNER_TEXT_BYTES];
	struct node *n = arg;

	if (n->has_failed || !n->is_mute)
		return;
	token_signer_reason(n->token, reason);
	log_error("node", "the node key is away: not voting until it is back",
	    LOG_TEXT("key", token_signer_name(n->token)),
	    LOG_TEXT("error", reason));
	net_stop(n->net);
	n->net = NULL;
	n->links_up = 0;
	/* It came back before the signature that it missed was noticed. */
	if (!token_signer_is_away(n->token))
		on_returned(n);
}

void
node_key_muted(void *arg)
{
	struct node *n = arg;

	n->is_mute = true;
	metric_set_value(n->key_away, 1);
	node_post(n, on_lost);
}

/* On the token's thread.  Without memory it stays away, and is told of. */
static void
on_token_returned(void *arg)
{
	struct node *n = arg;

	if (loop_post(n->loop, on_returned, n) != AG_OK)
		log_error("node", "the node key is back: out of memory");
}

static enum ag_status
open_token(struct node *n, const struct node_config *config,
    struct ag_error *err)
{
	static const char probe[] = PURPOSE_TOKEN_CHECK;
	const struct token_signer_config token = {
		.uri = config->token,
		.pin = config->pin,
		.is_typed = config->is_pin_typed,
		.deadline_ms = config->key_timeout_ms,
		.probe = bytes_of(probe, sizeof(probe)),
		.returned = on_token_returned,
		.arg = n,
	};
	enum ag_status status = token_signer_open(&n->token, &token, err);

	if (status != AG_OK) {
		ag_error_prefix(err, "node key");
		return status;
	}
	token_signer_get(n->token, &n->node_signer);
	log_info("node", "node key",
	    LOG_TEXT("key", token_signer_name(n->token)));
	return AG_OK;
}

enum ag_status
node_key_open(struct node *n, const struct node_config *config,
    struct ag_error *err)
{
	enum ag_status status;

	n->key_away = metric_new(n->metrics, METRIC_GAUGE, "aegis_key_away",
	    "1 while this node gives no votes, because its key is away", NULL);
	if (config->token != NULL)
		return open_token(n, config, err);
	status = openssh_key_load(&n->node_key, NULL, config->node_key_path,
	    config->passphrase, err);
	if (status == AG_OK)
		signer_of_key(&n->node_signer, n->node_key);
	return status;
}

void
node_key_close(struct node *n)
{
	token_signer_close(n->token);
	n->token = NULL;
	secret_free(n->node_key);
	n->node_key = NULL;
}
