/*
 * aegis consensus-inspect replay: what the engine makes of a log, record by
 * record, as it would at a node's start.
 *
 * RULES    1. FILE is a data directory, the log directory in it, or one
 *             segment of a log.  Only a data directory has a state to start
 *             from; of the others the records alone are replayed.
 *          2. What the engine refuses is told with the record, the file and
 *             the offset; so is damage.
 *
 * NOT HERE Stepping the engine (inspect_engine.c), judging signatures
 *          (verify does).
 */
#include "cmd/inspect_replay.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "cmd/exit.h"
#include "cmd/inspect_data.h"
#include "cmd/inspect_engine.h"
#include "cmd/inspect_keyring.h"
#include "cmd/inspect_log.h"
#include "cmd/inspect_options.h"
#include "cmd/output.h"
#include "config/config.h"
#include "keyring/keyring.h"
#include "store/segment.h"
#include "store/store_diff.h"
#include "store/wal.h"

/* A window is twice as long, and no longer than the engine allows. */
#define INTERVAL_MAX 2048

const struct applet_option inspect_replay_options[] = {
	{ 'f', "from", "N", "show from this record on" },
	{ 'n', "limit", "N", "show at most N records (default: all)" },
	{ 0, "interval", "N",
	    "consensus.checkpoint_interval of the node, if not configured" },
	OPTIONS_END,
};

static const struct output_column replay_columns[] = {
	{ "record", NULL, OUTPUT_RIGHT | OUTPUT_VALUE_COLUMN },
	{ "kind", NULL, 0 },
	{ "seq", NULL, OUTPUT_RIGHT },
	{ "view", NULL, OUTPUT_RIGHT },
	{ "phase", NULL, 0 },
	{ "engine_view", "IN VIEW", OUTPUT_RIGHT },
	{ "changing", NULL, 0 },
	{ "stable", NULL, OUTPUT_RIGHT },
	{ "proposed", NULL, OUTPUT_RIGHT },
	{ "note", NULL, 0 },
	{ "segment", NULL, OUTPUT_RIGHT | OUTPUT_WIDE_ONLY },
	{ "offset", NULL, OUTPUT_RIGHT | OUTPUT_WIDE_ONLY },
	{ NULL, NULL, 0 },
};

struct replay {
	struct applet_call *call;
	char log_dir[PATH_MAX];
	uint64_t only;           /* this segment; 0: all */
	struct inspect_log *log; /* of a data directory; or NULL */
	struct roster *roster;
	struct inspect_engine *engine;
	struct keyring *keyring; /* the log's; or ours, without one */
	struct wal_cursor *cursor;
	struct output *out;
	uint64_t interval;       /* given; 0: the configured one */
	uint64_t from, left;     /* to be shown */
	struct ag_error problem; /* the first; AG_OK none */
};

/* --- what is replayed --- */

/* wal-<16 hex digits>.log; 0: no. */
static uint64_t
segment_number(const char *name)
{
	char expected[32];
	uint64_t first;

	if (strlen(name) != 24 || strncmp(name, "wal-", 4) != 0)
		return 0;
	first = strtoull(name + 4, NULL, 16);
	(void)snprintf(expected, sizeof(expected), "wal-%016" PRIx64 ".log",
	    first);
	return strcmp(name, expected) == 0 ? first : 0;
}

/* A segment's directory and number from its path. */
static enum ag_status
find_segment(struct replay *r, const char *path, struct ag_error *err)
{
	const char *slash = strrchr(path, '/');

	r->only = segment_number(slash == NULL ? path : slash + 1);
	if (r->only == 0)
		return ag_fail(err, AG_EINVAL,
		    "replay %s: a segment of a log is named "
		    "wal-<16 hex digits>.log",
		    path);
	(void)snprintf(r->log_dir, sizeof(r->log_dir), "%.*s",
	    slash == NULL ? 1 : (int)(slash - path),
	    slash == NULL ? "." : path);
	return AG_OK;
}

static bool
is_data_dir(const struct replay *r, const char *path)
{
	return r->only == 0 && strcmp(r->log_dir, path) != 0;
}

static enum ag_status
find_log(struct replay *r, const char *path, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	char inner[PATH_MAX], parent[PATH_MAX];
	struct stat st;

	if (strlen(path) >= sizeof(r->log_dir))
		return ag_fail(err, AG_ELIMIT, "replay: path too long");
	if (stat(path, &st) != 0)
		return ag_fail_sys(err, "replay %s", path);
	if (!S_ISDIR(st.st_mode)) {
		status = find_segment(r, path, err);
	} else {
		status = fs_join(inner, sizeof(inner), path, "log", err);
		(void)snprintf(r->log_dir, sizeof(r->log_dir), "%s",
		    status == AG_OK && fs_exists(inner) ? inner : path);
	}
	if (status != AG_OK || is_data_dir(r, path))
		return status;
	/* The lock of a node that runs on it lies above. */
	status = fs_join(parent, sizeof(parent), r->log_dir, "..", err);
	return status == AG_OK ? inspect_log_check_dead(parent, err) : status;
}

/* What the node's memory was made by. */
static enum ag_status
take_config(struct inspect_engine_config *engine, const struct replay *r,
    struct ag_error *err)
{
	struct config *config;
	enum ag_status status =
	    config_load(&config, r->call->config_path, NULL, err);

	if (status != AG_OK)
		return status;
	engine->checkpoint_interval = (uint32_t)(r->interval != 0
		? r->interval
		: config_u64(config, "consensus.checkpoint_interval"));
	engine->pipeline_max =
	    (uint32_t)config_u64(config, "consensus.pipeline");
	engine->batch_bytes_max =
	    (uint32_t)config_size(config, "consensus.batch_bytes");
	config_free(config);
	return AG_OK;
}

static enum ag_status
open_engine(struct replay *r, struct ag_error *err)
{
	struct inspect_engine_config config = { .roster = r->roster };
	enum ag_status status = take_config(&config, r, err);

	if (status != AG_OK)
		return status;
	if (r->log != NULL && r->log->self >= 0)
		config.self = (uint32_t)r->log->self;
	if (config.pipeline_max > 2 * config.checkpoint_interval)
		config.pipeline_max = 2 * config.checkpoint_interval;
	return inspect_engine_new(&r->engine, &config, err);
}

/* Of the data directory that the log is in, or was. */
static enum ag_status
open_keyring(struct replay *r, struct ag_error *err)
{
	char dir[PATH_MAX + 3];

	if (r->log != NULL) {
		r->keyring = r->log->keyring;
		return AG_OK;
	}
	(void)snprintf(dir, sizeof(dir), "%s/..", r->log_dir);
	return inspect_keyring_open(&r->keyring, r->call, dir, err);
}

static enum ag_status
open_all(struct replay *r, struct ag_error *err)
{
	const char *path = r->call->operands[0];
	enum ag_status status = find_log(r, path, err);

	if (status == AG_OK)
		status = inspect_data_roster_of(&r->roster, r->call, path, err);
	if (status == AG_OK && r->roster == NULL)
		status = ag_fail(err, AG_EINVAL,
		    "replay %s: no roster is in it; give --roster FILE, which "
		    "says how many members vote",
		    path);
	if (status == AG_OK && is_data_dir(r, path))
		status = inspect_log_open(&r->log, r->call, path, r->roster,
		    NULL, NULL, err);
	if (status == AG_OK)
		status = open_engine(r, err);
	if (status == AG_OK)
		status = open_keyring(r, err);
	if (status == AG_OK)
		status = wal_cursor_open_sealed(&r->cursor, r->log_dir, r->only,
		    r->keyring, err);
	if (status == AG_OK &&
	    memcmp(wal_cursor_cluster_id(r->cursor), r->roster->cluster_id,
		CLUSTER_ID_BYTES) != 0)
		status = ag_fail(err, AG_ECONFLICT,
		    "replay %s: it belongs to another cluster than the "
		    "roster's %s",
		    path, r->roster->cluster_name);
	return status;
}

/* --- telling --- */

static void
put_u64(struct output *out, bool is_known, uint64_t value)
{
	if (is_known)
		output_u64(out, value);
	else
		output_null(out);
}

static void
put_note(struct output *out, const struct inspect_step *s)
{
	if (s->fatal != NULL)
		output_printf(out, "stops: %s", s->fatal);
	else if (s->delivers > 0)
		output_printf(out,
		    "executes %" PRIu64 " to %" PRIu64 ", sends %" PRIu64,
		    s->first, s->last, s->sends);
	else if (strcmp(s->kind, "start") == 0)
		output_printf(out, "executes nothing, sends %" PRIu64,
		    s->sends);
	else if (s->is_below)
		output_text(out, "below the window");
	else if (s->is_moved)
		output_text(out, "moves the window");
	else
		output_null(out);
}

static void
show_step(struct replay *r, const struct inspect_step *s, uint64_t number)
{
	uint64_t segment = 0, offset = 0;

	if (number != 0)
		wal_cursor_place(r->cursor, &segment, &offset);
	put_u64(r->out, number != 0, number);
	output_text(r->out, s->kind);
	put_u64(r->out, s->has_seq, s->seq);
	put_u64(r->out, s->has_view, s->view);
	output_text(r->out, s->phase);
	output_u64(r->out, s->engine_view);
	output_bool(r->out, s->is_changing);
	output_u64(r->out, s->stable);
	output_u64(r->out, s->proposed);
	put_note(r->out, s);
	put_u64(r->out, number != 0, segment);
	put_u64(r->out, number != 0, offset);
	output_row(r->out);
}

/* The first problem, with where it is. */
static void
note_problem(struct replay *r, uint64_t number, const char *text)
{
	uint64_t segment, offset;

	if (r->problem.status != AG_OK)
		return;
	if (number == 0) {
		(void)ag_fail(&r->problem, AG_ECORRUPT,
		    "replay %s: at the start: %s", r->log_dir, text);
		return;
	}
	wal_cursor_place(r->cursor, &segment, &offset);
	(void)ag_fail(&r->problem, AG_ECORRUPT,
	    "replay %s/wal-%016" PRIx64 ".log: record %" PRIu64
	    " at offset %" PRIu64 ": %s",
	    r->log_dir, segment, number, offset, text);
}

static void
tell(struct replay *r, const struct inspect_step *s, uint64_t number)
{
	if (s->fatal != NULL)
		note_problem(r, number, s->fatal);
	if (r->out == NULL || r->left == 0 || (number != 0 && number < r->from))
		return;
	show_step(r, s, number);
	if (number != 0)
		r->left--;
}

/* --- stepping --- */

/* AG_OK for a record, AG_ENOENT at the end of what is to be replayed. */
static enum ag_status
replay_record(struct replay *r, struct ag_error *err)
{
	uint64_t number, segment, offset;
	struct inspect_step step;
	enum ag_status status;
	struct bytes record;
	struct ag_error why;

	status = wal_cursor_next(r->cursor, &number, &record, err);
	if (status != AG_OK)
		return status;
	wal_cursor_place(r->cursor, &segment, &offset);
	if (r->only != 0 && segment != r->only)
		return AG_ENOENT;
	if (inspect_engine_record(r->engine, record, &step, &why) != AG_OK) {
		note_problem(r, number, why.text);
		return AG_ENOENT;
	}
	tell(r, &step, number);
	return step.fatal != NULL ? AG_ENOENT : AG_OK;
}

/* As the node would, whose state lies beside the log. */
static enum ag_status
replay_start(struct replay *r, struct ag_error *err)
{
	struct inspect_step step;
	enum ag_status status;
	struct digest digest;
	uint64_t seq;

	if (r->log == NULL || r->problem.status != AG_OK)
		return AG_OK;
	status = store_diff_digest(r->log->state_dir, &seq, &digest, err);
	if (status != AG_OK)
		return status;
	inspect_engine_start(r->engine, seq, &digest, &step);
	tell(r, &step, 0);
	return AG_OK;
}

static int
replay_all(struct replay *r)
{
	struct ag_error err;
	enum ag_status status;

	if (!r->call->is_quiet &&
	    output_new(&r->out, r->call, stdout, "records", replay_columns,
		&err) != AG_OK)
		return exit_fail(r->call, &err);
	while ((status = replay_record(r, &err)) == AG_OK)
		continue;
	if (status == AG_ENOENT)
		status = replay_start(r, &err);
	if (r->out != NULL && output_end(r->out, NULL) != AG_OK &&
	    status == AG_OK)
		status = ag_fail(&err, AG_ESYS, "write standard output");
	if (status != AG_OK)
		return exit_fail_local(r->call, &err);
	if (r->problem.status != AG_OK)
		return exit_fail(r->call, &r->problem);
	return EXIT_YES;
}

int
inspect_replay_run(struct applet_call *call)
{
	struct replay r = { .call = call, .left = UINT64_MAX };
	struct ag_error err;
	int code;

	if (options_has(&call->options, "data"))
		return applet_usage(call,
		    "give the data directory as FILE, not with --data");
	if (!inspect_options_from(call, &r.from) ||
	    (options_has(&call->options, "limit") &&
		!inspect_options_limit(call, &r.left)))
		return EXIT_USAGE;
	if (options_count_value(&call->options, "interval", 1, INTERVAL_MAX,
		&r.interval, &err) != AG_OK)
		return applet_usage(call, "%s", err.text);
	code = open_all(&r, &err) == AG_OK ? replay_all(&r)
					   : exit_fail_local(call, &err);
	wal_cursor_close(r.cursor);
	inspect_engine_free(r.engine);
	if (r.log == NULL)
		keyring_close(r.keyring);
	inspect_log_close(r.log);
	free(r.roster);
	return code;
}
