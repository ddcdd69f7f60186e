/*
 * consensus-inspect over a dead node's files.
 *
 * RULES    1. What could be read is shown, and then what could not: damage
 *             costs the exit code, not the output.
 *          2. Without a roster members are numbers.  A certificate is shown
 *             only when it convinces.
 */
#include "cmd/inspect_data.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "cmd/exit.h"
#include "cmd/inspect_log.h"
#include "cmd/inspect_options.h"
#include "cmd/inspect_show.h"
#include "cmd/kv_ask.h"
#include "trust/chain.h"

enum ag_status
inspect_data_roster(struct roster **out, const struct applet_call *call,
    struct ag_error *err)
{
	return inspect_data_roster_of(out, call,
	    options_text(&call->options, "data"), err);
}

/* --roster, or what lies in the directory; NULL: neither. */
static const char *
roster_path(const struct applet_call *call, const char *dir,
    char beside[static PATH_MAX])
{
	static const char *const names[] = { "chain", "roster" };
	const char *path = options_text(&call->options, "roster");
	size_t i;

	if (path != NULL || dir == NULL)
		return path;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (fs_join(beside, PATH_MAX, dir, names[i], NULL) == AG_OK &&
		    fs_exists(beside))
			return beside;
	return NULL;
}

enum ag_status
inspect_data_turn(struct roster *roster, const struct applet_call *call,
    uint64_t epoch, struct ag_error *err)
{
	const char *dir = options_text(&call->options, "data");
	char beside[PATH_MAX];
	const char *path = roster_path(call, dir, beside);

	if (epoch == roster->epoch || path == NULL)
		return AG_OK;
	return chain_load_epoch(roster, path, epoch, err);
}

enum ag_status
inspect_data_roster_of(struct roster **out, const struct applet_call *call,
    const char *dir, struct ag_error *err)
{
	char beside[PATH_MAX];
	const char *path = roster_path(call, dir, beside);
	enum ag_status status;

	*out = NULL;
	if (path == NULL)
		return AG_OK;
	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return ag_fail(err, AG_ENOMEM, "read roster %s: out of memory",
		    path);
	status = chain_load(*out, path, err);
	if (status == AG_OK && !roster_is_complete(*out))
		status = ag_fail(err, AG_EFORGED,
		    "roster %s: not every member has signed it (aegis roster "
		    "show lists who is missing)",
		    path);
	if (status != AG_OK) {
		free(*out);
		*out = NULL;
	}
	return status;
}

/* A dead node's directory, opened for one command. */
struct dead {
	struct roster *roster;
	struct inspect_log *log;
};

/* EXIT_YES, or the exit code after the reason was said. */
static int
dead_open(struct dead *dead, const struct applet_call *call)
{
	const char *dir = options_text(&call->options, "data");
	struct ag_error err;

	*dead = (struct dead){ 0 };
	if (inspect_data_roster(&dead->roster, call, &err) != AG_OK ||
	    inspect_log_open(&dead->log, call, dir, dead->roster, NULL, NULL,
		&err) != AG_OK)
		return exit_fail_local(call, &err);
	return EXIT_YES;
}

/* Say what could not be read, unless something worse was said. */
static int
dead_close(struct dead *dead, const struct applet_call *call, int code)
{
	struct inspect_log *log = dead->log;
	struct ag_error err;

	if (log != NULL && log->damage.status != AG_OK &&
	    (code == EXIT_YES || code == EXIT_NO))
		code = exit_fail(call, &log->damage);
	if (log != NULL && code == EXIT_YES &&
	    inspect_log_still_dead(log, &err) != AG_OK)
		code = exit_fail(call, &err);
	inspect_log_close(log);
	free(dead->roster);
	return code;
}

/* Whose turn a view is, when the number of members is known. */
static const char *
primary_of(const struct inspect_log *log, uint64_t view)
{
	/* Raft writes down nowhere who leads. */
	return log->names.count == 0 || log->is_raft
	    ? NULL
	    : log->names.names[view % log->names.count];
}

static void
digest_text(char out[static INSPECT_DIGEST_TEXT], const struct digest *digest)
{
	text_hex(out, INSPECT_DIGEST_TEXT,
	    bytes_of(digest->data, DIGEST_BYTES));
}

static void
status_fill(struct inspect_status *s, const struct inspect_log *log)
{
	const char *primary = primary_of(log, log->view);

	*s = (struct inspect_status){
		.view = log->view,
		.is_changing = log->is_changing,
		.proposed = log->proposed,
		.has_committed = true,
		.committed = inspect_log_committed(log),
		.has_executed = log->has_state,
		.executed = log->state.seq,
		.stable = log->stable,
		.has_log = log->last_record != 0,
		.first_record = log->first_record,
		.last_record = log->last_record,
	};
	if (log->self >= 0)
		(void)snprintf(s->node, sizeof(s->node), "%s",
		    log->names.names[log->self]);
	(void)snprintf(s->cluster, sizeof(s->cluster), "%s",
	    log->names.cluster);
	(void)snprintf(s->primary, sizeof(s->primary), "%s",
	    primary != NULL ? primary : "");
	text_hex(s->cluster_id, sizeof(s->cluster_id),
	    bytes_of(log->cluster_id, CLUSTER_ID_BYTES));
	if (log->stable != 0)
		digest_text(s->stable_digest, &log->stable_digest);
	if (log->roster == NULL)
		return;
	s->has_roster = true;
	s->epoch = log->roster->epoch;
	(void)snprintf(s->strategy, sizeof(s->strategy), "%s",
	    log->roster->strategy);
	s->n = log->roster->member_count;
	s->quorum = roster_quorum(log->roster);
}

int
inspect_data_status(struct applet_call *call)
{
	struct inspect_status status;
	struct dead dead;
	int code = dead_open(&dead, call);

	if (code == EXIT_YES) {
		status_fill(&status, dead.log);
		code = inspect_show_status(call, &status);
	}
	if (code == EXIT_YES && !dead.log->has_state)
		code = exit_fail_local(call, &dead.log->state_err);
	return dead_close(&dead, call, code);
}

static void
round_fill(struct inspect_round *out, const struct inspect_log *log,
    const struct inspect_entry *e)
{
	*out = (struct inspect_round){
		.seq = e->seq,
		.view = e->view,
		.phase = inspect_log_phase(log, e),
		.requests = e->requests,
		.bytes = e->bytes,
	};
	digest_text(out->digest,
	    e->committed_record != 0      ? &e->committed
		: e->prepared_record != 0 ? &e->prepared
					  : &e->proposed);
	if (e->state_record != 0)
		digest_text(out->state, &e->state);
	inspect_names_list(out->prepares, &log->names, e->prepares);
	inspect_names_list(out->commits, &log->names, e->commits);
}

static enum ag_status
show_rounds(const struct applet_call *call, const struct inspect_log *log,
    uint64_t from, uint64_t limit, struct ag_error *err)
{
	struct inspect_round round;
	enum ag_status status;
	struct output *out;
	size_t i;

	status = output_new(&out, call, stdout, "rounds", inspect_round_columns,
	    err);
	if (status != AG_OK)
		return status;
	for (i = log->entry_count; i > 0 && limit > 0; i--) {
		const struct inspect_entry *e = &log->entries[i - 1];

		if (e->seq > from || inspect_log_phase(log, e)[0] == '\0')
			continue;
		round_fill(&round, log, e);
		inspect_show_round(out, &round);
		limit--;
	}
	return output_end(out, err);
}

/* A list of what the log has, from the newest, or --from, downwards. */
static int
show_list(struct applet_call *call,
    enum ag_status (*show)(const struct applet_call *call,
	const struct inspect_log *log, uint64_t from, uint64_t limit,
	struct ag_error *err))
{
	uint64_t limit, from = UINT64_MAX;
	struct ag_error err;
	struct dead dead;
	int code;

	if (!inspect_options_limit(call, &limit) ||
	    !inspect_options_from(call, &from))
		return EXIT_USAGE;
	code = dead_open(&dead, call);
	if (code == EXIT_YES &&
	    show(call, dead.log, from, limit, &err) != AG_OK)
		code = exit_fail(call, &err);
	return dead_close(&dead, call, code);
}

int
inspect_data_rounds(struct applet_call *call)
{
	return show_list(call, show_rounds);
}

static int
show_votes(const struct applet_call *call, const struct inspect_log *log,
    const struct inspect_entry *e)
{
	struct inspect_vote votes[TRUST_MEMBERS_MAX];
	char scratch[TRUST_MEMBERS_MAX][16];
	struct inspect_round round;
	struct ag_error err;
	size_t count = 0;
	uint32_t i;

	/* Without a roster only those who voted are known to be. */
	for (i = 0; i < TRUST_MEMBERS_MAX; i++) {
		if (i >= log->names.count &&
		    ((e->prepares | e->commits) >> i & 1U) == 0)
			continue;
		votes[count].member =
		    inspect_names_get(&log->names, i, scratch[i]);
		votes[count].has_prepared = (e->prepares >> i & 1U) != 0;
		votes[count++].has_committed = (e->commits >> i & 1U) != 0;
	}
	round_fill(&round, log, e);
	if (inspect_show_votes(call, &round, votes, count, &err) != AG_OK)
		return exit_fail(call, &err);
	return EXIT_YES;
}

int
inspect_data_votes(struct applet_call *call)
{
	const struct inspect_entry *entry;
	struct ag_error err;
	struct dead dead;
	uint64_t seq;
	int code;

	if (!inspect_options_seq(call, &seq))
		return EXIT_USAGE;
	code = dead_open(&dead, call);
	if (code == EXIT_YES) {
		entry = inspect_log_find(dead.log, seq);
		if (entry == NULL ||
		    inspect_log_phase(dead.log, entry)[0] == '\0') {
			(void)ag_fail(&err, AG_ENOENT,
			    "%s: nothing is kept of round %" PRIu64,
			    dead.log->dir, seq);
			code = exit_fail(call, &err);
		} else {
			code = show_votes(call, dead.log, entry);
		}
	}
	return dead_close(&dead, call, code);
}

static enum ag_status
show_views(const struct applet_call *call, const struct inspect_log *log,
    uint64_t from, uint64_t limit, struct ag_error *err)
{
	enum ag_status status;
	struct output *out;
	size_t i;

	status =
	    output_new(&out, call, stdout, "views", inspect_view_columns, err);
	if (status != AG_OK)
		return status;
	for (i = log->view_count; i > 0 && limit > 0; i--) {
		const struct inspect_view_record *v = &log->views[i - 1];
		struct inspect_view view = {
			.view = v->view,
			.primary = primary_of(log, v->view),
			.is_changing = v->is_changing,
			.stopped_us = v->stopped_ms * 1000,
			.record = v->record,
		};

		if (v->view > from)
			continue;
		inspect_names_list(view.askers, &log->names, v->askers);
		inspect_show_view(out, &view);
		limit--;
	}
	return output_end(out, err);
}

int
inspect_data_views(struct applet_call *call)
{
	return show_list(call, show_views);
}

/* The record of the certificate asked for; 0 there is none. */
static uint64_t
certificate_record(const struct inspect_log *log, uint64_t seq,
    bool is_checkpoint)
{
	const struct inspect_entry *entry;
	size_t i;

	if (!is_checkpoint) {
		entry = inspect_log_find(log, seq);
		return entry == NULL ? 0 : entry->committed_record;
	}
	for (i = 0; i < log->entry_count; i++)
		if (log->entries[i].seq >= seq &&
		    log->entries[i].checkpoint_record != 0)
			return log->entries[i].checkpoint_record;
	return 0;
}

static enum ag_status
certificate_read(struct certificate_file *file, const struct inspect_log *log,
    uint64_t seq, bool is_checkpoint, struct ag_error *err)
{
	uint64_t record = certificate_record(log, seq, is_checkpoint);

	if (record == 0)
		return ag_fail(err, AG_ENOENT,
		    "%s: no %s certificate for sequence %" PRIu64
		    " is in the log",
		    log->dir, is_checkpoint ? "checkpoint" : "commit", seq);
	memcpy(file->scope.cluster_id, log->cluster_id, CLUSTER_ID_BYTES);
	file->scope.epoch = log->roster->epoch;
	return inspect_log_certificate(log, record, &file->certificate, err);
}

static int
write_certificate(const struct applet_call *call,
    const struct certificate_file *file)
{
	static uint8_t bare[CERTIFICATE_BYTES_MAX];
	static uint8_t whole[CERTIFICATE_FILE_BYTES_MAX];
	struct encoder e;
	struct bytes out;

	encoder_init(&e, bare, sizeof(bare));
	certificate_encode(&e, &file->certificate);
	AG_ASSERT(encoder_finish(&e, &out) == AG_OK);
	encoder_init(&e, whole, sizeof(whole));
	certificate_file_encode(&e, &file->scope, out);
	AG_ASSERT(encoder_finish(&e, &out) == AG_OK);
	return kv_ask_write_value(call, out);
}

static int
show_certificate(const struct applet_call *call, const struct inspect_log *log,
    const struct certificate_file *file)
{
	struct ag_error err;
	struct output *out;

	if (certificate_file_verify(file, log->roster, &err) != AG_OK) {
		ag_error_prefix(&err, "certificate of sequence %" PRIu64,
		    file->certificate.seq);
		return exit_fail(call, &err);
	}
	if (call->output == OUTPUT_CBOR)
		return write_certificate(call, file);
	if (output_new(&out, call, stdout, NULL, inspect_certificate_columns,
		&err) != AG_OK)
		return exit_fail(call, &err);
	inspect_show_certificate(out, NULL, file, &log->names, true);
	if (output_end(out, &err) != AG_OK)
		return exit_fail(call, &err);
	return EXIT_YES;
}

/* The epoch is in every signature, but only the roster says it. */
static enum ag_status
find_certificate(struct certificate_file *file, const struct applet_call *call,
    const struct inspect_log *log, uint64_t seq, struct ag_error *err)
{
	if (log->roster == NULL)
		return ag_fail(err, AG_EINVAL,
		    "%s: no roster is in it, and a log does not say its "
		    "epoch; give --roster FILE",
		    log->dir);
	return certificate_read(file, log, seq,
	    options_has(&call->options, "checkpoint"), err);
}

int
inspect_data_certificate(struct applet_call *call)
{
	static struct certificate_file file;
	struct ag_error err;
	struct dead dead;
	uint64_t seq;
	int code;

	if (!inspect_options_seq(call, &seq))
		return EXIT_USAGE;
	code = dead_open(&dead, call);
	if (code == EXIT_YES)
		code =
		    find_certificate(&file, call, dead.log, seq, &err) == AG_OK
		    ? show_certificate(call, dead.log, &file)
		    : exit_fail(call, &err);
	return dead_close(&dead, call, code);
}
