/*
 * aegis backup: certified, encrypted copies of the state.
 *
 * A backup needs only a public key, so the machine that makes it can not
 * read it; and it is checked against the roster while it is made, so one
 * lying node can not spoil it.
 *
 * RULES    1. create writes to stdout only when the backup is committed.
 *          2. list and show need no key: what they say is in the open.
 */
#include <stdio.h>
#include <stdlib.h>

#include "backup/backup_writer.h"
#include "cmd/applet.h"
#include "cmd/backup_open.h"
#include "cmd/backup_verify.h"
#include "cmd/exit.h"
#include "cmd/kv_ask.h"
#include "cmd/passphrase.h"
#include "crypto/recipient.h"

/* A snapshot waits for the next checkpoint, which takes a round. */
#define CREATE_TIMEOUT_MS 30000

static const struct applet_option backup_options[] = {
	{ 'R', "repo", "DIR", "the repository" },
	OPTIONS_END,
};

static const struct applet_option create_options[] = {
	{ 'r', "recipient", "FILE", "seal to this public key (FILE or text)" },
	{ 0, "roster", "FILE", "the cluster's roster" },
	OPTIONS_END,
};

static const struct applet_option verify_options[] = {
	{ 'a', "all", NULL, "every backup, and that none between is gone" },
	{ 'i', "identity", "FILE", "open with this backup key" },
	{ 0, "roster", "FILE", "the roster that must have certified it" },
	PASSPHRASE_OPTIONS,
	OPTIONS_END,
};

static const struct applet_option restore_options[] = {
	{ 'i', "identity", "FILE", "open with this backup key" },
	{ 0, "roster", "FILE", "the roster that must have certified it" },
	{ 0, "to", "NEWDIR", "the directory to make" },
	PASSPHRASE_OPTIONS,
	OPTIONS_END,
};

struct creation {
	struct applet_call *call;
	struct backup_writer *writer;
	uint64_t done;
};

static enum ag_status
create_piece(void *arg, struct bytes piece, struct ag_error *err)
{
	struct creation *creation = arg;

	creation->done += piece.len;
	backup_open_progress(creation->call, creation->done, 0);
	return backup_writer_put(creation->writer, piece, err);
}

/* Stream the state of the node into the writer. */
static int
create_stream(struct applet_call *call, struct backup_writer *writer)
{
	struct creation creation = { call, writer, 0 };
	struct client_request request;
	struct target target;
	struct kv_ask ask;
	enum ag_status status;
	int code = kv_ask_open(&ask, call);

	if (code != EXIT_YES) {
		kv_ask_close(&ask);
		return code;
	}
	target_init(&target, "/v1/snapshot");
	request = kv_ask_request(call, "GET", &target);
	request.accept = "application/octet-stream";
	if (!options_has(&call->options, "timeout"))
		request.timeout_ms = CREATE_TIMEOUT_MS;
	status = client_download(ask.client, &request, &ask.answer,
	    create_piece, &creation, &ask.err);
	backup_open_progress_end(call);
	if (status != AG_OK)
		code = kv_ask_fail(&ask, call);
	kv_ask_close(&ask);
	return code;
}

static int
create_with(struct applet_call *call, const struct backup_plan *plan)
{
	struct repository_entry entry;
	struct backup_writer *writer;
	const struct manifest *m;
	struct ag_error err;
	int code;

	if (backup_writer_open(&writer, plan, &err) != AG_OK)
		return exit_fail_local(call, &err);
	code = create_stream(call, writer);
	if (code == EXIT_YES) {
		if (backup_writer_finish(writer, &m, &entry, &err) != AG_OK)
			code = exit_fail(call, &err);
		else
			code = backup_open_tell(call, &entry, m);
	}
	backup_writer_close(writer);
	return code;
}

static int
backup_create_run(struct applet_call *call)
{
	const char *recipient = options_text(&call->options, "recipient");
	uint8_t key[RECIPIENT_KEY_BYTES];
	struct backup_plan plan = { .recipient = key };
	struct ag_error err;
	enum ag_status status;
	int code;

	if (options_text(&call->options, "repo") == NULL || recipient == NULL ||
	    options_text(&call->options, "roster") == NULL)
		return applet_usage(call,
		    "--repo DIR, -r RECIPIENT and --roster FILE are all "
		    "needed");
	status = recipient_load(key, recipient, &err);
	if (status == AG_OK)
		status = backup_open_roster(&plan.roster, call, &err);
	if (status == AG_OK)
		status = backup_open_repository(&plan.repo, call, true, &err);
	if (status == AG_OK)
		status = repository_lock(plan.repo, &err);
	if (status == AG_OK)
		code = create_with(call, &plan);
	else
		code = exit_fail_local(call, &err);
	repository_close(plan.repo);
	free(plan.roster);
	return code;
}

static int
list_rows(struct applet_call *call, const struct repository *repo,
    const struct repository_list *list, struct output *out)
{
	struct ag_error err;
	struct manifest m;
	int code = EXIT_YES;
	size_t i;

	for (i = 0; i < list->count; i++) {
		if (manifest_load(&m, repo, &list->entries[i], &err) != AG_OK) {
			code = exit_fail(call, &err);
			continue;
		}
		backup_open_row(out, &list->entries[i], &m);
		manifest_fini(&m);
	}
	return code;
}

static int
backup_list_run(struct applet_call *call)
{
	struct repository_list list = { 0 };
	struct repository *repo;
	struct output *out;
	struct ag_error err;
	enum ag_status status;
	int code;

	if (options_text(&call->options, "repo") == NULL)
		return applet_usage(call, "--repo DIR is needed");
	status = backup_open_repository(&repo, call, false, &err);
	if (status == AG_OK)
		status = repository_list(&list, repo, &err);
	if (status == AG_OK)
		status = output_new(&out, call, stdout, "backups",
		    backup_open_columns, &err);
	if (status != AG_OK) {
		code = exit_fail_local(call, &err);
	} else {
		code = list_rows(call, repo, &list, out);
		if (output_end(out, &err) != AG_OK)
			code = exit_fail(call, &err);
	}
	repository_list_fini(&list);
	repository_close(repo);
	return code;
}

static int
show_entry(struct applet_call *call, const struct repository *repo,
    const struct repository_entry *entry)
{
	struct ag_error err;
	struct manifest m;
	int code;

	if (manifest_load(&m, repo, entry, &err) != AG_OK)
		return exit_fail(call, &err);
	code = backup_open_tell(call, entry, &m);
	manifest_fini(&m);
	return code;
}

static int
backup_show_run(struct applet_call *call)
{
	const struct repository_entry *entry;
	struct repository_list list = { 0 };
	struct repository *repo;
	struct ag_error err;
	enum ag_status status;
	int code;

	if (options_text(&call->options, "repo") == NULL)
		return applet_usage(call, "--repo DIR is needed");
	status = backup_open_repository(&repo, call, false, &err);
	if (status == AG_OK)
		status = repository_list(&list, repo, &err);
	if (status != AG_OK)
		code = exit_fail_local(call, &err);
	else if (repository_find(&list, call->operands[0], &entry, &err) !=
	    AG_OK)
		code = exit_fail(call, &err);
	else
		code = show_entry(call, repo, entry);
	repository_list_fini(&list);
	repository_close(repo);
	return code;
}

static const struct applet_command backup_commands[] = {
	{ "create", "", "back up the state of a running cluster",
	    create_options, backup_create_run },
	{ "list", "", "the backups in a repository", NULL, backup_list_run },
	{ "show", "BACKUP", "one backup: latest, NAME-NUMBER or an id", NULL,
	    backup_show_run },
	{ "verify", "[BACKUP]", "check files and, with the key, the contents",
	    verify_options, backup_verify_run },
	{ "restore", "BACKUP", "verify and write the state to a new directory",
	    restore_options, backup_verify_restore_run },
	{ 0 },
};

static const char *const backup_examples[] = {
	"aegis keygen -T backup -o backup.key",
	"aegis backup create -R /backup -r backup.key.pub --roster roster",
	"aegis backup verify -R /backup --all -i backup.key",
	"aegis backup restore -R /backup latest -i backup.key --to new",
	NULL,
};

const struct applet applet_backup = {
	.name = "backup",
	.summary = "make, verify and restore encrypted backups",
	.options = backup_options,
	.commands = backup_commands,
	.examples = backup_examples,
	.flags = APPLET_SECRETS,
};
