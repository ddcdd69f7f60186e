/*
 * aegis consensus-inspect: what was agreed, by whom, and the proof of it.
 *
 * RULES    1. With --data the files of a node that does not run are read,
 *             and nothing there is changed; its keyring opens its log.
 *             Without, a running node is
 *             asked.  Both print the same columns.
 *          2. verify and evidence --verify ask nobody.
 *
 * NOT HERE Asking a node (inspect_live), reading files (inspect_log,
 *          inspect_data), judging (inspect_check, inspect_verify,
 *          inspect_evidence).
 */
#include "cmd/applet.h"
#include "cmd/inspect_data.h"
#include "cmd/inspect_diff.h"
#include "cmd/inspect_evidence.h"
#include "cmd/inspect_follow.h"
#include "cmd/inspect_live.h"
#include "cmd/inspect_replay.h"
#include "cmd/inspect_trace.h"
#include "cmd/inspect_verify.h"
#include "cmd/keyring_place.h"

static const struct applet_option inspect_options[] = {
	{ 'd', "data", "DIR", "read this data directory of a dead node" },
	{ 0, "roster", "FILE", "who the members are, and their keys" },
	KEYRING_PLACE_OPTIONS(""),
	OPTIONS_END,
};

static const struct applet_option list_options[] = {
	{ 'f', "from", "N", "begin at this view, and go down" },
	{ 'n', "limit", "N", "show at most N (default 50)" },
	OPTIONS_END,
};

static const struct applet_option rounds_options[] = {
	{ 'f', "from", "N", "begin at this sequence and go down, or follow" },
	{ 'n', "limit", "N", "show at most N (default 50; following: all)" },
	{ 'F', "follow", NULL, "show rounds as they are executed" },
	OPTIONS_END,
};

static const struct applet_option certificate_options[] = {
	{ 'k', "checkpoint", NULL, "of the checkpoint at or above SEQ" },
	OPTIONS_END,
};

static const struct applet_option evidence_options[] = {
	{ 0, "verify", "FILE",
	    "check exported evidence with the roster alone" },
	OPTIONS_END,
};

static bool
is_dead(const struct applet_call *call)
{
	return options_has(&call->options, "data");
}

static int
status_run(struct applet_call *call)
{
	return is_dead(call) ? inspect_data_status(call)
			     : inspect_live_status(call);
}

static int
rounds_run(struct applet_call *call)
{
	if (options_has(&call->options, "follow"))
		return inspect_follow_run(call);
	return is_dead(call) ? inspect_data_rounds(call)
			     : inspect_live_rounds(call);
}

static int
votes_run(struct applet_call *call)
{
	return is_dead(call) ? inspect_data_votes(call)
			     : inspect_live_votes(call);
}

static int
views_run(struct applet_call *call)
{
	return is_dead(call) ? inspect_data_views(call)
			     : inspect_live_views(call);
}

static int
certificate_run(struct applet_call *call)
{
	return is_dead(call) ? inspect_data_certificate(call)
			     : inspect_live_certificate(call);
}

static int
evidence_run(struct applet_call *call)
{
	if (options_has(&call->options, "verify"))
		return inspect_evidence_verify(call);
	return is_dead(call) ? inspect_evidence_data(call)
			     : inspect_live_evidence(call);
}

static const struct applet_command inspect_commands[] = {
	{ "status", "", "where agreement stands", NULL, status_run },
	{ "rounds", "", "show rounds of agreement, newest first",
	    rounds_options, rounds_run },
	{ "votes", "SEQ", "show who voted in one round", NULL, votes_run },
	{ "views", "", "show views and their primaries, newest first",
	    list_options, views_run },
	{ "trace", "REQUEST-ID [NODE...]", "show where a request was", NULL,
	    inspect_trace_run },
	{ "diff", "NODE NODE", "compare what two nodes have agreed",
	    inspect_diff_options, inspect_diff_run },
	{ "replay", "FILE", "step the engine through a log, as at a start",
	    inspect_replay_options, inspect_replay_run },
	{ "cert", "SEQ", "show a certificate, or export it with -o cbor",
	    certificate_options, certificate_run },
	{ "evidence", "[ID]", "show which members are proved to be faulty",
	    evidence_options, evidence_run },
	{ "verify", "[FILE...]", "check exported certificates, or a whole log",
	    NULL, inspect_verify_run },
	{ NULL, NULL, NULL, NULL, NULL },
};

static const char *const inspect_examples[] = {
	"aegis consensus-inspect rounds --limit 5",
	"aegis consensus-inspect trace \"$request\"",
	"aegis consensus-inspect cert 17 -o cbor >17.cert",
	"aegis consensus-inspect verify 17.cert --roster roster",
	"aegis consensus-inspect verify --data /var/lib/aegis",
	"aegis consensus-inspect evidence --verify n4.evidence --roster roster",
	NULL,
};

const struct applet applet_consensus_inspect = {
	.name = "consensus-inspect",
	.summary = "see what was agreed, by whom, and verify the proof",
	.commands = inspect_commands,
	.options = inspect_options,
	.examples = inspect_examples,
};
