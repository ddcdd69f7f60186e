/*
 * aegis member: who the members and observers are, and one more, one less,
 * another, or an observer that votes from now on.
 *
 * A change is a successor of the roster (trust/succession.h).  `plan` makes
 * one and tells what it means, those who must sign it do (`sign`, on copies
 * that `merge` joins), `apply` has the cluster agree on it.  `add`, `rm`,
 * `replace` and `promote` do all of that at once where the keys are at hand.
 *
 * RULES    1. Nothing is signed or applied before it was told what it means.
 *          2. What the cluster is asked to do on the spot is confirmed: by
 *             the member's name on a terminal, by --yes without one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "cmd/applet.h"
#include "cmd/exit.h"
#include "cmd/member_node.h"
#include "cmd/member_plan.h"
#include "cmd/passphrase.h"
#include "cmd/pin.h"
#include "cmd/signing_key.h"
#include "trust/chain.h"
#include "trust/succession.h"

/* A change under way; rosters are too large for the stack. */
struct work {
	struct roster present, next, other;
	struct buf text;
	json_t *status;
	char changed[ROSTER_NAME_BYTES]; /* who comes or goes */
};

typedef int work_fn(struct applet_call *call, struct work *w);

/* Run with a workspace. */
static int
with_work(struct applet_call *call, work_fn *run)
{
	struct work *w = calloc(1, sizeof(*w));
	struct ag_error err;
	int code;

	if (w == NULL) {
		(void)ag_fail(&err, AG_ENOMEM, "out of memory");
		return exit_fail(call, &err);
	}
	buf_init(&w->text, ROSTER_FILE_BYTES_MAX);
	code = run(call, w);
	json_decref(w->status);
	buf_fini(&w->text);
	free(w);
	return code;
}

/* The present roster: of --roster, or as the node has it. */
static int
load_present(struct applet_call *call, struct work *w)
{
	const char *path = options_text(&call->options, "roster");
	struct ag_error err;
	struct buf chain;
	int code;

	if (path != NULL)
		return chain_load(&w->present, path, &err) == AG_OK
		    ? EXIT_YES
		    : exit_fail_local(call, &err);
	buf_init(&chain, CHAIN_BYTES_MAX);
	code = member_node_chain(call, &chain);
	if (code == EXIT_YES &&
	    chain_parse(&w->present, NULL, buf_bytes(&chain), CHAIN_NEWEST,
		"the node's rosters", &err) != AG_OK)
		code = exit_fail(call, &err);
	buf_fini(&chain);
	if (code == EXIT_YES)
		w->status = member_node_status(call);
	return code;
}

static int
load_both(struct applet_call *call, struct work *w)
{
	struct ag_error err;
	int code = load_present(call, w);

	if (code != EXIT_YES)
		return code;
	return roster_load(&w->next, call->operands[0], &err) == AG_OK
	    ? EXIT_YES
	    : exit_fail_local(call, &err);
}

static int
write_next(struct applet_call *call, struct work *w, const char *path,
    bool overwrite)
{
	enum ag_status status;
	struct ag_error err;

	buf_clear(&w->text);
	status = roster_format(&w->next, &w->text);
	if (status != AG_OK)
		(void)ag_fail(&err, status, "write %s: %s", path,
		    ag_status_text(status));
	else if (overwrite)
		status = fs_write_file(path, 0644, buf_bytes(&w->text), &err);
	else
		status = fs_create_file(path, 0644, buf_bytes(&w->text), &err);
	return status == AG_OK ? EXIT_YES : exit_fail_local(call, &err);
}

static int
show(struct applet_call *call, struct work *w)
{
	struct ag_error err;

	if (member_plan_show(call, &w->next, &w->present, w->status, &err) !=
	    AG_OK)
		return exit_fail_local(call, &err);
	return EXIT_YES;
}

/* --- making a successor --- */

static int
fail_change(const struct applet_call *call, const struct ag_error *err)
{
	if (err->status == AG_ENOENT)
		return exit_fail(call, err);
	return exit_fail_code(call, err,
	    err->status == AG_EINVAL ? EXIT_REFUSED
				     : exit_code_of(err->status));
}

/* How the changes are called, and what they take. */
static const struct kind {
	const char *name;
	bool has_name, has_file;
} kinds[] = {
	{ "add", false, true },
	{ "rm", true, false },
	{ "replace", true, true },
	{ "promote", true, false },
};

static const struct kind *
find_kind(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

static size_t
operands_of(const struct kind *kind)
{
	return (size_t)kind->has_name + (size_t)kind->has_file;
}

/* Add FILE, rm NAME, replace NAME FILE, promote NAME. */
static int
make_next(struct applet_call *call, struct work *w, const struct kind *kind,
    char **arguments)
{
	const bool has_file = kind->has_file, has_name = kind->has_name;
	struct roster_member member = { 0 };
	enum ag_status status;
	struct ag_error err;
	int code = load_present(call, w);

	if (code != EXIT_YES)
		return code;
	if (has_file &&
	    roster_load_member(&member, arguments[has_name ? 1 : 0], &err) !=
		AG_OK)
		return exit_fail_local(call, &err);
	if (options_has(&call->options, "observer"))
		member.is_observer = true;
	if (!has_name)
		status = succession_add(&w->next, &w->present, &member, &err);
	else if (strcmp(kind->name, "promote") == 0)
		status = succession_promote(&w->next, &w->present, arguments[0],
		    &err);
	else if (!has_file)
		status = succession_remove(&w->next, &w->present, arguments[0],
		    &err);
	else
		status = succession_replace(&w->next, &w->present, arguments[0],
		    &member, &err);
	if (status != AG_OK)
		return fail_change(call, &err);
	(void)snprintf(w->changed, sizeof(w->changed), "%s",
	    has_name ? arguments[0] : member.name);
	return show(call, w);
}

static int
plan(struct applet_call *call, struct work *w)
{
	const struct kind *kind = find_kind(call->operands[0]);
	const char *out = options_text(&call->options, "out");
	int code;

	if (out == NULL)
		return applet_usage(call, "-o FILE is needed");
	if (kind == NULL || call->operand_count != 1 + operands_of(kind))
		return applet_usage(call,
		    "give add MEMBER-FILE, rm NAME, replace NAME MEMBER-FILE, "
		    "or promote NAME");
	if (options_has(&call->options, "observer") && kind->has_name)
		return applet_usage(call, "--observer goes with add");
	code = make_next(call, w, kind, call->operands + 1);
	return code != EXIT_YES
	    ? code
	    : write_next(call, w, out, options_has(&call->options, "force"));
}

static int
member_plan_run(struct applet_call *call)
{
	return with_work(call, plan);
}

/* --- signing --- */

static enum ag_status
sign_with(const struct signer *signer, void *arg, struct ag_error *err)
{
	struct work *w = arg;

	return succession_sign(&w->next, &w->present, signer, err);
}

static int
sign_all(struct applet_call *call, struct work *w)
{
	struct ag_error err;
	enum ag_status status = signing_key_each(call, sign_with, w, &err);

	return status == AG_OK ? EXIT_YES : exit_fail_local(call, &err);
}

static int
sign(struct applet_call *call, struct work *w)
{
	int code;

	if (options_count(&call->options, "identity") +
		options_count(&call->options, "data") ==
	    0)
		return applet_usage(call, "give a key with -i FILE or -d DIR");
	code = load_both(call, w);
	if (code == EXIT_YES)
		code = sign_all(call, w);
	if (code == EXIT_YES)
		code = write_next(call, w, call->operands[0], true);
	return code == EXIT_YES ? show(call, w) : code;
}

static int
member_sign_run(struct applet_call *call)
{
	return with_work(call, sign);
}

static int
merge(struct applet_call *call, struct work *w)
{
	const char *out = options_text(&call->options, "out");
	enum ag_status status;
	struct ag_error err;
	size_t i;

	if (out == NULL)
		return applet_usage(call, "-o FILE is needed");
	status = roster_load(&w->next, call->operands[0], &err);
	for (i = 1; status == AG_OK && i < call->operand_count; i++) {
		status = roster_load(&w->other, call->operands[i], &err);
		if (status == AG_OK)
			status = succession_merge(&w->next, &w->other, &err);
		if (status == AG_ECONFLICT)
			ag_error_prefix(&err, "%s", call->operands[i]);
	}
	if (status != AG_OK)
		return exit_fail_local(call, &err);
	return write_next(call, w, out, options_has(&call->options, "force"));
}

static int
member_merge_run(struct applet_call *call)
{
	return with_work(call, merge);
}

static int
show_file(struct applet_call *call, struct work *w)
{
	int code = load_both(call, w);

	return code == EXIT_YES ? show(call, w) : code;
}

static int
member_show_run(struct applet_call *call)
{
	return with_work(call, show_file);
}

/* --- applying --- */

/* --yes, or the name of who comes or goes typed. */
static int
confirm(const struct applet_call *call, const char *name)
{
	char typed[ROSTER_NAME_BYTES + 2];
	struct ag_error err;

	if (options_has(&call->options, "yes"))
		return EXIT_YES;
	if (isatty(STDIN_FILENO) == 1) {
		(void)fprintf(stderr, "Type %s to go on: ", name);
		if (fgets(typed, sizeof(typed), stdin) != NULL) {
			typed[strcspn(typed, "\n")] = '\0';
			if (strcmp(typed, name) == 0)
				return EXIT_YES;
		}
	}
	(void)ag_fail(&err, AG_EREFUSED,
	    "nothing was changed: say --yes, or type the member's name");
	return exit_fail(call, &err);
}

static int
apply_next(struct applet_call *call, struct work *w)
{
	enum ag_status status;
	struct ag_error err;

	status = succession_verify(&w->next, &w->present, &err);
	buf_clear(&w->text);
	if (status == AG_OK)
		status = roster_format(&w->next, &w->text);
	if (status != AG_OK)
		return exit_fail_code(call, &err,
		    status == AG_EFORGED ? EXIT_DENIED : exit_code_of(status));
	return member_node_apply(call, &w->next, buf_bytes(&w->text));
}

static int
apply(struct applet_call *call, struct work *w)
{
	struct succession_change change;
	struct ag_error err;
	int code = load_both(call, w);

	if (code != EXIT_YES)
		return code;
	if (succession_check(&w->next, &w->present, &change, &err) != AG_OK)
		return fail_change(call, &err);
	code = confirm(call,
	    change.kind == SUCCESSION_ADD
		? w->next.members[change.comes].name
		: w->present.members[change.gone].name);
	return code == EXIT_YES ? apply_next(call, w) : code;
}

static int
member_apply_run(struct applet_call *call)
{
	return with_work(call, apply);
}

static int
change(struct applet_call *call, struct work *w)
{
	int code =
	    make_next(call, w, find_kind(call->command->name), call->operands);

	if (code == EXIT_YES)
		code = confirm(call, w->changed);
	if (code == EXIT_YES)
		code = sign_all(call, w);
	return code == EXIT_YES ? apply_next(call, w) : code;
}

static int
member_change_run(struct applet_call *call)
{
	if (call->operand_count != operands_of(find_kind(call->command->name)))
		return applet_usage(call, "give %s", call->command->operands);
	return with_work(call, change);
}

#define KEY_OPTIONS                                                      \
	{ 'i', "identity", "FILE",                                       \
		"sign with this key, or pkcs11: URI; repeatable" },      \
	    { 'd', "data", "DIR",                                        \
		    "sign with this directory's node key; repeatable" }, \
	    PASSPHRASE_OPTIONS, PIN_OPTIONS

static const struct applet_option plan_options[] = {
	{ 'r', "roster", "FILE", "the present roster; else the node is asked" },
	{ 0, "observer", NULL, "add it as an observer, without a vote" },
	{ 'o', "out", "FILE", "write the successor here" },
	{ 'f', "force", NULL, "replace an existing file" },
	OPTIONS_END,
};

static const struct applet_option sign_options[] = {
	{ 'r', "roster", "FILE", "the present roster; else the node is asked" },
	KEY_OPTIONS,
	OPTIONS_END,
};

static const struct applet_option file_options[] = {
	{ 'o', "out", "FILE", "write the result here" },
	{ 'f', "force", NULL, "replace an existing file" },
	OPTIONS_END,
};

static const struct applet_option show_options[] = {
	{ 'r', "roster", "FILE", "the present roster; else the node is asked" },
	OPTIONS_END,
};

static const struct applet_option apply_options[] = {
	{ 'y', "yes", NULL, "do not ask" },
	OPTIONS_END,
};

static const struct applet_option add_options[] = {
	{ 0, "observer", NULL, "add it as an observer, without a vote" },
	KEY_OPTIONS,
	{ 'y', "yes", NULL, "do not ask" },
	OPTIONS_END,
};

static const struct applet_option change_options[] = {
	KEY_OPTIONS,
	{ 'y', "yes", NULL, "do not ask" },
	OPTIONS_END,
};

static const struct applet_command member_commands[] = {
	{ "list", "", "print who the members are and how they do", NULL,
	    member_list_run },
	{ "plan", "add|rm|replace|promote ARGUMENT...",
	    "make a successor and tell what it means", plan_options,
	    member_plan_run },
	{ "sign", "SUCCESSOR", "approve it, or consent to be a member",
	    sign_options, member_sign_run },
	{ "merge", "SUCCESSOR...", "join signatures given on copies",
	    file_options, member_merge_run },
	{ "show", "SUCCESSOR", "tell what it means and who has signed",
	    show_options, member_show_run },
	{ "apply", "SUCCESSOR", "have the cluster go on with it", apply_options,
	    member_apply_run },
	{ "add", "MEMBER-FILE", "plan, sign and apply: one more", add_options,
	    member_change_run },
	{ "rm", "NAME", "plan, sign and apply: one less", change_options,
	    member_change_run },
	{ "replace", "NAME MEMBER-FILE", "plan, sign and apply: another",
	    change_options, member_change_run },
	{ "promote", "NAME", "plan, sign and apply: an observer votes",
	    change_options, member_change_run },
	{ "export", "", "write the chain of rosters to a file", file_options,
	    member_export_run },
	{ NULL, NULL, NULL, NULL, NULL },
};

static const char *const member_examples[] = {
	"aegis member list",
	"aegis member plan add n5.member -o next",
	"aegis member sign -d /var/lib/aegis next",
	"aegis member apply next",
	"aegis member export -o chain",
	NULL,
};

const struct applet applet_member = {
	.name = "member",
	.summary = "show and change who makes up a running cluster",
	.commands = member_commands,
	.examples = member_examples,
	.flags = APPLET_SECRETS,
};
