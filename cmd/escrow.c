/*
 * aegis escrow: secrets that k of n custodians bring back, on a request that
 * operators approved and that has waited.
 *
 * `init` shares a secret (escrow/package.h), and `check` shows to anybody that
 * it was shared.  `request` asks for it, `approve` and time let custodians
 * `submit` their shares, `recover` puts them together.  `rehearse` makes a
 * package without a secret, with which all of this is practised.
 */
#include "cmd/applet.h"
#include "cmd/escrow_check.h"
#include "cmd/escrow_cluster.h"
#include "cmd/escrow_deal.h"
#include "cmd/escrow_recover.h"
#include "cmd/escrow_request.h"
#include "cmd/escrow_show.h"

static const struct applet_command escrow_commands[] = {
	{ "init", "", "put a secret into escrow", escrow_deal_init_options,
	    escrow_deal_init },
	{ "check", "PACKAGE", "verify a package, and show its custodians",
	    escrow_check_options, escrow_check_run },
	{ "refresh", "PACKAGE", "new shares of the same secret",
	    escrow_deal_refresh_options, escrow_deal_refresh },
	{ "rehearse", "PACKAGE", "a package to practise with",
	    escrow_deal_rehearse_options, escrow_deal_rehearse },
	{ "request", "PACKAGE", "ask for the secret", escrow_request_options,
	    escrow_request_run },
	{ "prove", "REQUEST", "have the cluster show that it waits",
	    escrow_request_prove_options, escrow_request_prove },
	{ "approve", "REQUEST", "sign a request as an operator or member",
	    escrow_request_approve_options, escrow_request_approve },
	{ "merge", "REQUEST...", "join approvals given on copies",
	    escrow_request_merge_options, escrow_request_merge },
	{ "show", "REQUEST", "what it asks for, and where it stands",
	    escrow_show_options, escrow_show_run },
	{ "list", "", "requests that are open in the cluster", NULL,
	    escrow_cluster_list },
	{ "cancel", "REQUEST|ID", "take a request back", NULL,
	    escrow_cluster_cancel },
	{ "submit", "REQUEST", "answer with a custodian's share",
	    escrow_recover_submit_options, escrow_recover_submit },
	{ "recover", "REQUEST SHARE...", "put shares together",
	    escrow_recover_options, escrow_recover_run },
	{ 0 },
};

static const char *const escrow_examples[] = {
	"aegis escrow init -k 2 -c a.pub -c b.pub -c c.pub -s root.key "
	"-o root.escrow",
	"aegis escrow check root.escrow",
	"aegis escrow request root.escrow --reason 'n2 burnt' --to dora.pub "
	"-o ask",
	"aegis escrow submit ask -i alice -o alice.share",
	"aegis escrow recover ask *.share -i dora -o root.key",
	NULL,
};

const struct applet applet_escrow = {
	.name = "escrow",
	.summary = "keep secrets with custodians, and bring them back",
	.commands = escrow_commands,
	.examples = escrow_examples,
	.flags = APPLET_SECRETS,
};
