/*
 * aegis roster: collect, sign, check and show who makes up a cluster.
 *
 * Each member makes its own part (`member`), someone puts the parts together
 * (`create`), each member looks at the result and signs it (`sign`), and
 * signatures given on copies are joined (`merge`).
 *
 * RULES    1. What is written is the canonical text: comments do not stay.
 *          2. verify exits 0 only when every member has signed, or when each
 *             roster of a chain is proved by the one before.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup/restored.h"
#include "base/clock.h"
#include "base/fs.h"
#include "cmd/applet.h"
#include "cmd/exit.h"
#include "cmd/output.h"
#include "cmd/passphrase.h"
#include "cmd/pin.h"
#include "cmd/roster_show.h"
#include "cmd/signing_key.h"
#include "crypto/openssh_key.h"
#include "trust/chain.h"
#include "trust/field.h"
#include "trust/identity.h"
#include "trust/roster.h"
#include "trust/setup.h"

/* Formats one thing into text; the other end of put_file(). */
typedef enum ag_status format_fn(const void *thing, struct buf *text);

static enum ag_status
format_roster(const void *thing, struct buf *text)
{
	return roster_format(thing, text);
}

static enum ag_status
format_member(const void *thing, struct buf *text)
{
	return roster_format_member(thing, text);
}

/* Write to path, "-" for stdout; replaces a file only when told. */
static enum ag_status
put_file(const char *path, bool overwrite, format_fn *format, const void *thing,
    struct ag_error *err)
{
	enum ag_status status;
	struct buf text;

	buf_init(&text, ROSTER_FILE_BYTES_MAX);
	status = format(thing, &text);
	if (status != AG_OK)
		status = ag_fail(err, status, "write %s: %s", path,
		    ag_status_text(status));
	else if (strcmp(path, "-") == 0)
		status = fs_write(STDOUT_FILENO, "standard output",
		    buf_bytes(&text), err);
	else if (overwrite)
		status = fs_write_file(path, 0644, buf_bytes(&text), err);
	else
		status = fs_create_file(path, 0644, buf_bytes(&text), err);
	buf_fini(&text);
	return status;
}

/* A roster is too large for the stack; NULL after saying so. */
static struct roster *
roster_new(struct ag_error *err)
{
	struct roster *roster = calloc(1, sizeof(*roster));

	if (roster == NULL)
		(void)ag_fail(err, AG_ENOMEM, "out of memory");
	return roster;
}

static void
print_fingerprint(const char *what, const uint8_t key[static PUBLIC_KEY_BYTES])
{
	char fingerprint[FINGERPRINT_BYTES];

	public_key_fingerprint(fingerprint, key);
	(void)fprintf(stderr, "%s %s\n", what, fingerprint);
}

static const struct applet_option member_options[] = {
	{ 'n', "name", "NAME", "the member's name" },
	{ 'a', "address", "HOST:PORT", "where peers reach it" },
	{ 'r', "role", "ROLE", "member (the default) or observer" },
	{ 'd', "data", "DIR", "take the keys of this data directory" },
	{ 'i', "identity", "FILE", "the node key, or its pkcs11: URI" },
	{ 'l', "link", "FILE", "the link key's public half" },
	{ 'o', "out", "FILE", "write the member's part here" },
	{ 'f', "force", NULL, "replace an existing file" },
	PASSPHRASE_OPTIONS,
	PIN_OPTIONS,
	OPTIONS_END,
};

/* From the node key in one file and the link key's public half in another. */
static enum ag_status
member_from_keys(struct roster_member *member, const struct applet_call *call,
    const char *identity, const char *link, struct ag_error *err)
{
	uint8_t link_key[PUBLIC_KEY_BYTES];
	struct signing_key key;
	enum ag_status status;

	status = public_key_load(link_key, NULL, link, err);
	if (status == AG_OK)
		status = signing_key_load(&key, call, identity, err);
	if (status != AG_OK)
		return status;
	status = identity_certify_link(member, &key.signer, link_key, err);
	signing_key_fini(&key);
	return status;
}

static bool
member_is_observer(const struct applet_call *call)
{
	const char *role = options_text(&call->options, "role");

	return role != NULL && strcmp(role, "observer") == 0;
}

static enum ag_status
member_make(struct roster_member *member, const struct applet_call *call,
    struct ag_error *err)
{
	const char *dir = options_text(&call->options, "data");
	char identity[PATH_MAX], link[PATH_MAX];
	enum ag_status status;

	memset(member, 0, sizeof(*member));
	member->is_observer = member_is_observer(call);
	(void)snprintf(member->name, sizeof(member->name), "%s",
	    options_text(&call->options, "name"));
	(void)snprintf(member->address, sizeof(member->address), "%s",
	    options_text(&call->options, "address"));
	if (dir == NULL)
		return member_from_keys(member, call,
		    options_text(&call->options, "identity"),
		    options_text(&call->options, "link"), err);
	status = fs_join(identity, sizeof(identity), dir, SETUP_NODE_KEY, err);
	if (status == AG_OK)
		status = fs_join(link, sizeof(link), dir, SETUP_LINK_KEY ".pub",
		    err);
	if (status != AG_OK)
		return status;
	return member_from_keys(member, call, identity, link, err);
}

static int
roster_member_run(struct applet_call *call)
{
	const char *out = options_text(&call->options, "out");
	struct roster_member member;
	struct ag_error err;
	enum ag_status status;

	if (options_text(&call->options, "name") == NULL ||
	    options_text(&call->options, "address") == NULL || out == NULL)
		return applet_usage(call, "-n, -a and -o are all needed");
	if (options_text(&call->options, "data") == NULL &&
	    (options_text(&call->options, "identity") == NULL ||
		options_text(&call->options, "link") == NULL))
		return applet_usage(call, "give -d DIR, or both -i and -l");
	if (options_has(&call->options, "role") && !member_is_observer(call) &&
	    strcmp(options_text(&call->options, "role"), "member") != 0)
		return applet_usage(call,
		    "unknown role \"%s\"; known: member, observer",
		    options_text(&call->options, "role"));
	if (field_check_name("member", options_text(&call->options, "name"),
		&err) != AG_OK ||
	    field_check_address(options_text(&call->options, "address"),
		&err) != AG_OK)
		return applet_usage(call, "%s", err.text);
	status = member_make(&member, call, &err);
	if (status == AG_OK)
		status = put_file(out, options_has(&call->options, "force"),
		    format_member, &member, &err);
	if (status != AG_OK)
		return exit_fail_local(call, &err);
	if (!call->is_quiet) {
		print_fingerprint("node key", member.node_key);
		print_fingerprint("link key", member.link_key);
	}
	return EXIT_YES;
}

static const struct applet_option create_options[] = {
	{ 'n', "name", "NAME", "the cluster's name" },
	{ 0, "strategy", "NAME", "how it agrees: pbft (the default) or raft" },
	{ 'O', "operator", "NAME=FILE", "who else may write; repeatable" },
	{ 0, "policy", "operators=N",
	    "so many operators approve changes of the members" },
	{ 0, "restored", "FILE", "begin with the state that FILE describes" },
	{ 'o', "out", "FILE", "write the roster here" },
	{ 'f', "force", NULL, "replace an existing file" },
	OPTIONS_END,
};

/* The name in one --operator NAME=FILE; *file is NULL when it is no such. */
static void
create_split_operator(struct roster_operator *person, const char *text,
    const char **file)
{
	const char *equals = strchr(text, '=');

	*file = equals != NULL &&
		field_parse_name(person->name, sizeof(person->name),
		    bytes_of(text, (size_t)(equals - text)))
	    ? equals + 1
	    : NULL;
}

static enum ag_status
create_operator(struct roster_operator *person, const char *text,
    struct ag_error *err)
{
	const char *file;

	create_split_operator(person, text, &file);
	return public_key_load(person->key, NULL, file, err);
}

static const char *
create_strategy(const struct applet_call *call)
{
	const char *strategy = options_text(&call->options, "strategy");

	return strategy == NULL ? "pbft" : strategy;
}

#define POLICY_OPERATORS "operators="

/* --policy operators=N; without it a quorum of the members approves. */
static enum ag_status
create_policy(uint32_t *operators, const struct applet_call *call,
    struct ag_error *err)
{
	const char *text = options_text(&call->options, "policy");
	size_t prefix = sizeof(POLICY_OPERATORS) - 1;
	uint64_t count;

	*operators = 0;
	if (text == NULL)
		return AG_OK;
	if (strncmp(text, POLICY_OPERATORS, prefix) != 0 ||
	    !field_parse_u64(&count, bytes_from_text(text + prefix)) ||
	    count == 0 || count > options_count(&call->options, "operator"))
		return ag_fail(err, AG_EINVAL,
		    "policy '%s': expected operators=N, N of 1 to the number "
		    "of operators",
		    text);
	*operators = (uint32_t)count;
	return AG_OK;
}

/* What is wrong with the command line before any file is read. */
static enum ag_status
create_check(const struct applet_call *call, struct ag_error *err)
{
	const size_t operators = options_count(&call->options, "operator");
	const char *strategy = create_strategy(call);
	struct roster_operator person;
	enum fault_model faults;
	const char *file;
	uint32_t policy;
	size_t i;

	if (create_policy(&policy, call, err) != AG_OK)
		return AG_EINVAL;
	if (operators > ROSTER_OPERATORS_MAX)
		return ag_fail(err, AG_EINVAL,
		    "a roster has at most %d operators", ROSTER_OPERATORS_MAX);
	for (i = 0; i < operators; i++) {
		const char *text =
		    options_text_at(&call->options, "operator", i);

		create_split_operator(&person, text, &file);
		if (file == NULL)
			return ag_fail(err, AG_EINVAL,
			    "operator '%s': expected NAME=FILE, NAME of a-z, "
			    "0-9 and -",
			    text);
	}
	if (roster_find_strategy(strategy, &faults) != AG_OK)
		return ag_fail(err, AG_EINVAL,
		    "unknown strategy \"%s\"; known: " ROSTER_STRATEGIES,
		    strategy);
	if (call->operand_count > TRUST_MEMBERS_MAX)
		return ag_fail(err, AG_EINVAL,
		    "%zu members are too many: a cluster has at most %d",
		    call->operand_count, TRUST_MEMBERS_MAX);
	return field_check_name("cluster", options_text(&call->options, "name"),
	    err);
}

/* --restored FILE: a new incarnation that begins where that state ended. */
static enum ag_status
create_restored(struct roster *roster, const char *path, struct ag_error *err)
{
	struct restored restored;
	enum ag_status status;

	if (path == NULL)
		return AG_OK;
	status = restored_load(&restored, path, err);
	if (status != AG_OK)
		return status;
	roster->incarnation = restored.incarnation + 1;
	roster->first_seq = restored.seq;
	roster->genesis_state = restored.digest;
	return AG_OK;
}

/* The parts, those who vote in front, in the order they were named. */
static enum ag_status
create_load_parts(struct roster *roster, const struct applet_call *call,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;
	struct roster_member part;
	size_t i;

	for (i = 0; status == AG_OK && i < call->operand_count; i++) {
		status = roster_load_member(&part, call->operands[i], err);
		part.is_signed = false;
		if (status == AG_OK)
			roster_put_last(roster, &part);
	}
	return status;
}

/* Too few, or too many: nothing that a file could be blamed for. */
static bool
create_has_count(const struct roster *roster, const struct applet_call *call,
    struct ag_error *err)
{
	enum fault_model faults = FAULTS_BYZANTINE;

	(void)!roster_find_strategy(create_strategy(call), &faults);
	return roster_check_member_count(faults, roster->member_count, err) ==
	    AG_OK;
}

static enum ag_status
create_fill(struct roster *roster, const struct applet_call *call,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;
	uint32_t i;

	roster->operator_count =
	    (uint32_t)options_count(&call->options, "operator");
	status = create_policy(&roster->policy_operators, call, err);
	for (i = 0; status == AG_OK && i < roster->operator_count; i++)
		status = create_operator(&roster->operators[i],
		    options_text_at(&call->options, "operator", i), err);
	if (status == AG_OK)
		status = create_restored(roster,
		    options_text(&call->options, "restored"), err);
	if (status != AG_OK)
		return status;
	return setup_roster(roster, options_text(&call->options, "name"),
	    create_strategy(call), err);
}

static void
say_what_it_tolerates(const struct roster *roster)
{
	uint32_t n = roster->member_count;

	if (n == 1)
		(void)fputs("one member: for development, it tolerates no "
			    "fault\n",
		    stderr);
	else
		(void)fprintf(stderr,
		    "%u members: a quorum is %u, %u may fail%s\n", n,
		    roster_quorum(roster), roster_faults(roster),
		    roster_fault_model(roster) == FAULTS_CRASH
			? ", none may lie"
			: " or lie");
	if (roster->observer_count > 0)
		(void)fprintf(stderr, "%u more follow%s without a vote\n",
		    roster->observer_count,
		    roster->observer_count == 1 ? "s" : "");
}

static int
roster_create_run(struct applet_call *call)
{
	const char *out = options_text(&call->options, "out");
	struct roster *roster;
	struct ag_error err;
	enum ag_status status;

	if (options_text(&call->options, "name") == NULL || out == NULL)
		return applet_usage(call, "-n NAME and -o FILE are needed");
	if (create_check(call, &err) != AG_OK)
		return applet_usage(call, "%s", err.text);
	roster = roster_new(&err);
	if (roster == NULL)
		return exit_fail(call, &err);
	status = create_load_parts(roster, call, &err);
	if (status == AG_OK && !create_has_count(roster, call, &err)) {
		free(roster);
		return applet_usage(call, "%s", err.text);
	}
	if (status == AG_OK)
		status = create_fill(roster, call, &err);
	if (status == AG_OK)
		status = put_file(out, options_has(&call->options, "force"),
		    format_roster, roster, &err);
	if (status == AG_OK && !call->is_quiet)
		say_what_it_tolerates(roster);
	free(roster);
	return status == AG_OK ? EXIT_YES : exit_fail_local(call, &err);
}

static const struct applet_option sign_options[] = {
	{ 'i', "identity", "FILE", "sign with this node key, or pkcs11: URI" },
	{ 'd', "data", "DIR", "sign with this data directory's node key" },
	PASSPHRASE_OPTIONS,
	PIN_OPTIONS,
	OPTIONS_END,
};

static enum ag_status
sign_with(struct roster *roster, const struct applet_call *call,
    const char *key_path, struct ag_error *err)
{
	const char *path = call->operands[0];
	struct signing_key key;
	enum ag_status status = roster_load(roster, path, err);

	if (status == AG_OK)
		status = signing_key_load(&key, call, key_path, err);
	if (status != AG_OK)
		return status;
	status = identity_sign_roster(roster, &key.signer, err);
	signing_key_fini(&key);
	if (status == AG_OK)
		status = put_file(path, true, format_roster, roster, err);
	return status;
}

static int
roster_sign_run(struct applet_call *call)
{
	const char *identity = options_text(&call->options, "identity");
	const char *dir = options_text(&call->options, "data");
	struct roster *roster;
	char key_path[PATH_MAX];
	struct ag_error err;
	enum ag_status status = AG_OK;

	if ((identity == NULL) == (dir == NULL))
		return applet_usage(call, "give either -i FILE or -d DIR");
	if (dir != NULL)
		status = fs_join(key_path, sizeof(key_path), dir,
		    SETUP_NODE_KEY, &err);
	if (status != AG_OK)
		return exit_fail_local(call, &err);
	roster = roster_new(&err);
	if (roster == NULL)
		return exit_fail(call, &err);
	status =
	    sign_with(roster, call, dir != NULL ? key_path : identity, &err);
	if (status == AG_OK && !call->is_quiet)
		roster_show_missing(stderr, roster);
	free(roster);
	return status == AG_OK ? EXIT_YES : exit_fail_local(call, &err);
}

static const struct applet_option merge_options[] = {
	{ 'o', "out", "FILE", "write the roster with all signatures here" },
	{ 'f', "force", NULL, "replace an existing file" },
	OPTIONS_END,
};

/* Take over the signatures that other has and roster has not. */
static enum ag_status
merge_one(struct roster *roster, const struct roster *other, const char *path,
    struct ag_error *err)
{
	uint32_t i;

	if (memcmp(roster->cluster_id, other->cluster_id, CLUSTER_ID_BYTES) !=
	    0)
		return ag_fail(err, AG_ECONFLICT,
		    "%s: the roster of another cluster", path);
	for (i = 0; i < roster_node_count(roster); i++)
		if (!roster->members[i].is_signed)
			roster->members[i] = other->members[i];
	return AG_OK;
}

static int
roster_merge_run(struct applet_call *call)
{
	const char *out = options_text(&call->options, "out");
	struct roster *roster, *other;
	enum ag_status status;
	struct ag_error err;
	size_t i;

	if (out == NULL)
		return applet_usage(call, "-o FILE is needed");
	roster = roster_new(&err);
	other = roster_new(&err);
	status = roster == NULL || other == NULL ? AG_ENOMEM : AG_OK;
	if (status == AG_OK)
		status = roster_load(roster, call->operands[0], &err);
	for (i = 1; status == AG_OK && i < call->operand_count; i++) {
		status = roster_load(other, call->operands[i], &err);
		if (status == AG_OK)
			status =
			    merge_one(roster, other, call->operands[i], &err);
	}
	if (status == AG_OK)
		status = put_file(out, options_has(&call->options, "force"),
		    format_roster, roster, &err);
	if (status == AG_OK && !call->is_quiet)
		roster_show_missing(stderr, roster);
	free(other);
	free(roster);
	return status == AG_OK ? EXIT_YES : exit_fail_local(call, &err);
}

/* From a roster's text, or from a chain that of the epoch asked for. */
static enum ag_status
load_any(struct roster *roster, const struct applet_call *call, uint64_t epoch,
    struct ag_error *err)
{
	const char *path = call->operands[0];
	enum ag_status status;
	struct buf file;

	buf_init(&file, CHAIN_BYTES_MAX);
	status = fs_read_file(path, &file, err);
	if (status == AG_OK &&
	    (chain_is(buf_bytes(&file)) || epoch != CHAIN_NEWEST))
		status = chain_parse(roster, NULL, buf_bytes(&file), epoch,
		    path, err);
	else if (status == AG_OK)
		status = roster_parse(roster, buf_bytes(&file), path, err);
	buf_fini(&file);
	return status;
}

/* --epoch NUMBER, or the newest. */
static bool
epoch_option(const struct applet_call *call, uint64_t *epoch)
{
	const char *text = options_text(&call->options, "epoch");

	*epoch = CHAIN_NEWEST;
	return text == NULL || field_parse_u64(epoch, bytes_from_text(text));
}

static int
misused_epoch(struct applet_call *call)
{
	return applet_usage(call, "--epoch %s: not a number",
	    options_text(&call->options, "epoch"));
}

/* The verdict in a sentence, or what `show` says for programs. */
static enum ag_status
verify_tell(const struct applet_call *call, const struct roster *roster,
    struct ag_error *err)
{
	if (call->output != OUTPUT_TABLE && call->output != OUTPUT_WIDE)
		return roster_show(call, roster, err);
	if (!roster_is_complete(roster) && !roster->is_successor)
		roster_show_missing(stderr, roster);
	else if (roster_is_complete(roster))
		roster_show_verdict(stdout, roster);
	return output_flush(stdout, err);
}

static int
roster_verify_run(struct applet_call *call)
{
	struct roster *roster;
	struct ag_error err;
	enum ag_status status;
	uint64_t epoch;

	if (!epoch_option(call, &epoch))
		return misused_epoch(call);
	roster = roster_new(&err);
	if (roster == NULL)
		return exit_fail(call, &err);
	status = load_any(roster, call, epoch, &err);
	if (status == AG_OK && !call->is_quiet)
		status = verify_tell(call, roster, &err);
	if (status == AG_OK && !roster_is_complete(roster))
		status = roster->is_successor
		    ? ag_fail(&err, AG_EFORGED,
			  "%s: a successor alone proves nothing; it takes the "
			  "chain from the first roster on (aegis member export)",
			  call->operands[0])
		    : ag_fail(&err, AG_EFORGED,
			  "%s: not every member has signed", call->operands[0]);
	free(roster);
	return status == AG_OK ? EXIT_YES : exit_fail_local(call, &err);
}

static int
roster_show_run(struct applet_call *call)
{
	struct roster *roster;
	struct ag_error err;
	enum ag_status status;
	uint64_t epoch;

	if (!epoch_option(call, &epoch))
		return misused_epoch(call);
	roster = roster_new(&err);
	if (roster == NULL)
		return exit_fail(call, &err);
	status = load_any(roster, call, epoch, &err);
	if (status != AG_OK) {
		free(roster);
		return exit_fail_local(call, &err);
	}
	status = roster_show(call, roster, &err);
	free(roster);
	return status == AG_OK ? EXIT_YES : exit_fail(call, &err);
}

static const struct applet_option show_options[] = {
	{ 'e', "epoch", "NUMBER", "the roster of this epoch, from a chain" },
	OPTIONS_END,
};

static const struct applet_command roster_commands[] = {
	{ "member", "", "make a member's own part", member_options,
	    roster_member_run },
	{ "create", "MEMBER-FILE...", "put members' parts together",
	    create_options, roster_create_run },
	{ "sign", "ROSTER", "add a member's signature", sign_options,
	    roster_sign_run },
	{ "merge", "ROSTER...", "join signatures given on copies",
	    merge_options, roster_merge_run },
	{ "verify", "ROSTER|CHAIN", "check that every member has signed",
	    show_options, roster_verify_run },
	{ "show", "ROSTER|CHAIN", "print who the members are", show_options,
	    roster_show_run },
	{ NULL, NULL, NULL, NULL, NULL },
};

static const char *const roster_examples[] = {
	"aegis roster member -n n1 -a n1.example:7422 -d /var/lib/aegis "
	"-o n1.member",
	"aegis roster create -n demo -o roster n1.member n2.member n3.member "
	"n4.member",
	"aegis roster sign -d /var/lib/aegis roster",
	"aegis roster verify roster",
	NULL,
};

const struct applet applet_roster = {
	.name = "roster",
	.summary = "say who makes up a cluster, and sign it",
	.commands = roster_commands,
	.examples = roster_examples,
	.flags = APPLET_OFFLINE | APPLET_SECRETS,
};
