/*
 * aegis backup verify and restore.
 *
 * RULES    1. All damage is told, a line each, not only the first.
 *          2. What was checked is said: without a key, that nothing was
 *             opened.
 */
#include "cmd/backup_verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup_check.h"
#include "cmd/backup_open.h"
#include "cmd/exit.h"

/* What a run holds; closed by one function. */
struct session {
	struct repository *repo;
	struct repository_list list;
	struct secret *key;
	struct roster *roster;
	struct buf rosters; /* the file that it is the newest of */
	struct backup_check check;
};

static enum ag_status
session_open(struct session *s, struct applet_call *call, struct ag_error *err)
{
	enum ag_status status = backup_open_key(&s->key, call, err);

	if (status == AG_OK)
		status = backup_open_roster(&s->roster, call, err);
	if (status == AG_OK)
		status = backup_open_rosters(&s->rosters, call, err);
	if (status == AG_OK)
		status = backup_open_repository(&s->repo, call, false, err);
	if (status == AG_OK)
		status = repository_list(&s->list, s->repo, err);
	s->check = (struct backup_check){
		.repo = s->repo,
		.key = s->key,
		.rosters = buf_bytes(&s->rosters),
		.rosters_name = options_text(&call->options, "roster"),
		.progress = backup_open_progress,
		.arg = call,
	};
	return status;
}

static void
session_close(struct session *s)
{
	repository_list_fini(&s->list);
	repository_close(s->repo);
	secret_free(s->key);
	buf_fini(&s->rosters);
	free(s->roster);
}

/* Damage counts more than whatever else went wrong. */
static int
worse(int code, int other)
{
	return code == EXIT_VERIFY || other == EXIT_YES ? code : other;
}

static int
verify_entry(struct applet_call *call, struct session *s,
    const struct repository_entry *entry)
{
	struct ag_error err;
	struct manifest m;
	enum ag_status status = backup_check_one(&s->check, entry, &m, &err);

	backup_open_progress_end(call);
	if (status != AG_OK)
		return exit_fail(call, &err);
	if (!call->is_quiet)
		(void)printf("%s-%llu: %s\n", m.cluster,
		    (unsigned long long)m.number,
		    s->key != NULL ? "certified and whole"
				   : "whole; not opened without its key");
	manifest_fini(&m);
	return EXIT_YES;
}

static int
verify_all(struct applet_call *call, struct session *s)
{
	struct ag_error err;
	int code = EXIT_YES;
	size_t i;

	/* A repository that lost all it had must not pass for a whole one. */
	if (s->list.count == 0) {
		(void)ag_fail(&err, AG_ENOENT, "%s: the repository is empty",
		    repository_dir(s->repo));
		return exit_fail(call, &err);
	}
	for (i = 0; i < s->list.count; i++)
		code = worse(code, verify_entry(call, s, &s->list.entries[i]));
	if (backup_check_chain(s->repo, &s->list, &err) != AG_OK)
		code = worse(code, exit_fail(call, &err));
	return code;
}

static int
verify_one(struct applet_call *call, struct session *s)
{
	const struct repository_entry *entry;
	struct ag_error err;

	if (repository_find(&s->list, call->operands[0], &entry, &err) != AG_OK)
		return exit_fail(call, &err);
	return verify_entry(call, s, entry);
}

int
backup_verify_run(struct applet_call *call)
{
	const bool all = options_has(&call->options, "all");
	struct session s = { 0 };
	struct ag_error err;
	int code;

	if (options_text(&call->options, "repo") == NULL)
		return applet_usage(call, "--repo DIR is needed");
	if (all == (call->operand_count > 0))
		return applet_usage(call, "give either BACKUP or --all");
	if (options_has(&call->options, "roster") &&
	    !options_has(&call->options, "identity"))
		return applet_usage(call,
		    "--roster needs -i KEY: the certificate is sealed");
	if (session_open(&s, call, &err) != AG_OK)
		code = exit_fail_local(call, &err);
	else
		code = all ? verify_all(call, &s) : verify_one(call, &s);
	session_close(&s);
	if (output_flush(stdout, &err) != AG_OK)
		return exit_fail(call, &err);
	return code;
}

static int
restore(struct applet_call *call, struct session *s, const char *to)
{
	const struct repository_entry *entry;
	struct ag_error err;
	struct manifest m;
	enum ag_status status;
	int code;

	if (repository_find(&s->list, call->operands[0], &entry, &err) != AG_OK)
		return exit_fail(call, &err);
	status = backup_check_restore(&s->check, entry, to, &m, &err);
	backup_open_progress_end(call);
	if (status != AG_OK)
		return exit_fail(call, &err);
	code = backup_open_tell(call, entry, &m);
	if (!call->is_quiet)
		(void)fprintf(stderr,
		    "restored to %s; the new cluster's roster is made with "
		    "aegis roster create --restored %s/restored\n",
		    to, to);
	manifest_fini(&m);
	return code;
}

int
backup_verify_restore_run(struct applet_call *call)
{
	const char *to = options_text(&call->options, "to");
	struct session s = { 0 };
	struct ag_error err;
	int code;

	if (options_text(&call->options, "repo") == NULL || to == NULL ||
	    options_text(&call->options, "identity") == NULL)
		return applet_usage(call,
		    "--repo DIR, -i KEY and --to NEWDIR are all needed");
	if (session_open(&s, call, &err) != AG_OK)
		code = exit_fail_local(call, &err);
	else
		code = restore(call, &s, to);
	session_close(&s);
	return code;
}
