/*
 * aegis consensus-inspect verify: exported certificates, or a dead node's
 * whole log, against the roster and nothing else.
 *
 * RULES    1. No node is asked and no configuration is read.
 *          2. Each problem is a line of its own; one is enough for the exit
 *             code, and does not hide the others.
 *          3. What was checked is counted, so that "no problem" says of how
 *             much.
 */
#include "cmd/inspect_verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "cmd/display.h"
#include "cmd/exit.h"
#include "cmd/inspect_check.h"
#include "cmd/inspect_data.h"
#include "cmd/json.h"

/* --- certificates --- */

/* One card a file for people, rows for programs. */
static bool
wants_cards(const struct applet_call *call)
{
	return call->output == OUTPUT_TABLE || call->output == OUTPUT_WIDE;
}

static enum ag_status
read_certificate(struct certificate_file *file, const char *path,
    const struct applet_call *call, struct roster *roster, struct ag_error *err)
{
	enum ag_status status;
	struct buf data;

	/* One byte more, so that too long is told from just long enough. */
	buf_init(&data, CERTIFICATE_FILE_BYTES_MAX + 2);
	status = fs_read_file(path, &data, err);
	if (status == AG_ELIMIT)
		status = ag_fail(err, AG_ECORRUPT,
		    "%s: longer than any exported certificate", path);
	if (status == AG_OK) {
		status = certificate_file_decode(file, buf_bytes(&data), err);
		if (status == AG_OK) {
			/* Without it the file is refused, and why is said. */
			(void)!inspect_data_turn(roster, call,
			    file->scope.epoch, err);
			status = certificate_file_verify(file, roster, err);
		}
		if (status != AG_OK)
			ag_error_prefix(err, "%s", path);
	}
	buf_fini(&data);
	return status;
}

static enum ag_status
show_card(const struct applet_call *call, const char *path,
    const struct certificate_file *file, const struct inspect_names *names,
    struct ag_error *err)
{
	struct output *out;
	enum ag_status status;

	status =
	    output_new(&out, call, stdout, NULL, inspect_file_columns, err);
	if (status != AG_OK)
		return status;
	inspect_show_certificate(out, path, file, names, true);
	return output_end(out, err);
}

/* The worst of several codes: what does not verify counts most. */
static int
worse(int code, int other)
{
	return code == EXIT_VERIFY || other == EXIT_YES ? code : other;
}

static int
verify_file(const struct applet_call *call, const char *path,
    struct roster *roster, struct output *rows, bool is_first)
{
	static struct certificate_file file;
	static struct inspect_names names;
	struct ag_error err;

	if (read_certificate(&file, path, call, roster, &err) != AG_OK)
		return exit_fail_local(call, &err);
	inspect_names_of_roster(&names, roster);
	if (call->is_quiet)
		return EXIT_YES;
	if (rows != NULL) {
		inspect_show_certificate(rows, path, &file, &names, true);
		return EXIT_YES;
	}
	if (!is_first)
		(void)fputc('\n', stdout);
	if (show_card(call, path, &file, &names, &err) != AG_OK)
		return exit_fail(call, &err);
	return EXIT_YES;
}

static int
verify_files(const struct applet_call *call, struct roster *roster)
{
	struct output *rows = NULL;
	struct ag_error err;
	int code = EXIT_YES;
	size_t i;

	if (!call->is_quiet && !wants_cards(call) &&
	    output_new(&rows, call, stdout, "certificates",
		inspect_file_columns, &err) != AG_OK)
		return exit_fail(call, &err);
	for (i = 0; i < call->operand_count; i++)
		code = worse(code,
		    verify_file(call, call->operands[i], roster, rows, i == 0));
	if (rows != NULL && output_end(rows, &err) != AG_OK)
		return exit_fail(call, &err);
	return code;
}

/* --- a log --- */

static const struct output_column log_columns[] = {
	{ "data", NULL, 0 },
	{ "cluster", NULL, 0 },
	{ "records", NULL, OUTPUT_RIGHT },
	{ "first_record", NULL, OUTPUT_RIGHT },
	{ "last_record", NULL, OUTPUT_RIGHT },
	{ "prepare_certificates", NULL, OUTPUT_RIGHT },
	{ "commit_certificates", NULL, OUTPUT_RIGHT },
	{ "checkpoint_certificates", NULL, OUTPUT_RIGHT },
	{ "first_seq", NULL, OUTPUT_RIGHT },
	{ "last_seq", NULL, OUTPUT_RIGHT },
	{ "batches", NULL, OUTPUT_RIGHT },
	{ "batches_absent", NULL, OUTPUT_RIGHT },
	{ "requests", NULL, OUTPUT_RIGHT },
	{ "passed_over", NULL, OUTPUT_RIGHT },
	{ "stable", NULL, OUTPUT_RIGHT },
	{ "executed", NULL, OUTPUT_RIGHT },
	{ "view", NULL, OUTPUT_RIGHT },
	{ "problems", NULL, OUTPUT_RIGHT | OUTPUT_VALUE_COLUMN },
	{ NULL, NULL, 0 },
};

#define LOG_NUMBERS 16

/* The numbers of log_columns from "records" on, in order. */
static void
log_numbers(uint64_t out[static LOG_NUMBERS], const struct inspect_check *check,
    const struct inspect_log *log)
{
	const uint64_t numbers[LOG_NUMBERS] = {
		check->records,
		log->first_record,
		log->last_record,
		check->prepare_certificates,
		check->commit_certificates,
		check->checkpoint_certificates,
		check->first_seq,
		check->last_seq,
		check->batches,
		check->batches_absent,
		check->requests,
		check->passed_over,
		log->stable,
		log->has_state ? log->state.seq : 0,
		log->view,
		check->problem_count,
	};

	memcpy(out, numbers, sizeof(numbers));
}

static enum ag_status
show_summary(const struct applet_call *call, const struct inspect_check *check,
    const struct inspect_log *log, struct ag_error *err)
{
	uint64_t numbers[LOG_NUMBERS];
	enum ag_status status;
	struct output *out;
	size_t i;

	status = output_new(&out, call, stdout, NULL, log_columns, err);
	if (status != AG_OK)
		return status;
	log_numbers(numbers, check, log);
	output_text(out, log->dir);
	output_text(out, log->names.cluster);
	for (i = 0; i < LOG_NUMBERS; i++)
		output_u64(out, numbers[i]);
	output_row(out);
	return output_end(out, err);
}

static void
json_number_or_null(struct json *json, const char *key, uint64_t value)
{
	json_key(json, key);
	if (value == 0)
		json_null(json);
	else
		json_u64(json, value);
}

/* The same with the problems themselves in an array. */
static enum ag_status
show_json(const struct inspect_check *check, const struct inspect_log *log,
    struct ag_error *err)
{
	uint64_t numbers[LOG_NUMBERS];
	struct json json;
	size_t i;

	log_numbers(numbers, check, log);
	json_init(&json, stdout);
	json_object_begin(&json);
	json_key(&json, "v");
	json_number(&json, 1);
	json_key(&json, "data");
	json_text(&json, log->dir);
	json_key(&json, "cluster");
	json_text(&json, log->names.cluster);
	for (i = 0; i + 1 < LOG_NUMBERS; i++) {
		json_key(&json, log_columns[2 + i].name);
		json_u64(&json, numbers[i]);
	}
	json_key(&json, "problem_count");
	json_u64(&json, check->problem_count);
	json_key(&json, "problems");
	json_array_begin(&json);
	for (i = 0; i < check->told; i++) {
		const struct inspect_problem *p = &check->problems[i];

		json_object_begin(&json);
		json_number_or_null(&json, "record", p->record);
		json_number_or_null(&json, "seq", p->seq);
		json_key(&json, "text");
		json_text(&json, p->text);
		json_object_end(&json);
	}
	json_array_end(&json);
	json_object_end(&json);
	json_line_end(&json);
	return output_flush(stdout, err);
}

/* "record 17, sequence 5: …", a line each, for people. */
static void
say_problems(const struct applet_call *call, const struct inspect_check *check)
{
	size_t i;

	(void)fflush(stdout);
	for (i = 0; i < check->told; i++) {
		const struct inspect_problem *p = &check->problems[i];

		(void)fprintf(stderr, "%s: ", call->title);
		if (p->record != 0)
			(void)fprintf(stderr, "record %" PRIu64 "%s", p->record,
			    p->seq != 0 ? ", " : ": ");
		if (p->seq != 0)
			(void)fprintf(stderr, "sequence %" PRIu64 ": ", p->seq);
		display_print(stderr, bytes_from_text(p->text));
		(void)fputc('\n', stderr);
	}
	if (check->problem_count > check->told)
		(void)fprintf(stderr, "%s: and %" PRIu64 " problems more\n",
		    call->title, check->problem_count - check->told);
}

static int
tell_log(const struct applet_call *call, const struct inspect_check *check,
    const struct inspect_log *log)
{
	const bool is_json = call->output == OUTPUT_JSON;
	enum ag_status status = AG_OK;
	struct ag_error err;

	if (!call->is_quiet)
		status = is_json ? show_json(check, log, &err)
				 : show_summary(call, check, log, &err);
	if (status != AG_OK)
		return exit_fail(call, &err);
	if (call->is_quiet || !is_json)
		say_problems(call, check);
	if (check->problem_count > 0)
		return EXIT_VERIFY;
	if (inspect_log_still_dead(log, &err) != AG_OK)
		return exit_fail(call, &err);
	return EXIT_YES;
}

static int
verify_log(const struct applet_call *call, struct roster *roster)
{
	const char *dir = options_text(&call->options, "data");
	struct inspect_log *log = NULL;
	struct inspect_check check;
	struct ag_error err;
	int code;

	inspect_check_init(&check, roster);
	if (inspect_log_open(&log, call, dir, roster, inspect_check_record,
		&check, &err) != AG_OK) {
		/* The roster's cluster and the log's differ: it does not
		 * verify. */
		code = err.status == AG_ECONFLICT
		    ? exit_fail_code(call, &err, EXIT_VERIFY)
		    : exit_fail_local(call, &err);
	} else {
		inspect_check_whole(&check, log);
		code = tell_log(call, &check, log);
	}
	inspect_log_close(log);
	inspect_check_fini(&check);
	return code;
}

int
inspect_verify_run(struct applet_call *call)
{
	const bool has_data = options_has(&call->options, "data");
	struct roster *roster;
	struct ag_error err;
	int code;

	if (has_data == (call->operand_count > 0))
		return applet_usage(call, "give either FILE or --data DIR");
	if (inspect_data_roster(&roster, call, &err) != AG_OK)
		return exit_fail_local(call, &err);
	if (roster == NULL)
		return applet_usage(call,
		    "--roster FILE is needed: it says whose signatures count");
	code = has_data ? verify_log(call, roster) : verify_files(call, roster);
	free(roster);
	return code;
}
