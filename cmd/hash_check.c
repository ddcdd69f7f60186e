/*
 * Checking files against a list of digests, as sha256sum -c does: what is
 * said of each file is the same to the letter, so that scripts can stay.
 *
 * RULES    1. A line that is no checksum line is counted and passed over;
 *             a file with no other lines fails, and --strict fails for one.
 *          2. A listed file that differs or can not be read is exit 8,
 *             whatever else happened: the list was not confirmed.
 *          3. Names go out as they are, for programs; on a terminal what it
 *             would act on is shown instead.
 */
#include "cmd/hash_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/display.h"
#include "cmd/exit.h"
#include "cmd/output.h"

/* A tag, the longest digest, and a name all of escapes. */
#define LINE_BYTES_MAX (256 + 2 * PATH_MAX)

static const struct output_column result_columns[] = {
	{ "file", NULL, OUTPUT_VALUE_COLUMN },
	{ "algorithm", NULL, 0 },
	{ "result", NULL, OUTPUT_VALUE_COLUMN },
	{ NULL, NULL, 0 },
};

enum result {
	RESULT_OK,
	RESULT_DIFFERS,
	RESULT_UNREADABLE,
};

static const char *const result_words[] = { "ok", "differs", "unreadable" };
static const char *const result_lines[] = { "OK", "FAILED",
	"FAILED open or read" };

/* What was found in one check file. */
struct tally {
	uint64_t lines; /* proper ones */
	uint64_t malformed;
	uint64_t matched;
	uint64_t differing;
	uint64_t unreadable;
	struct ag_error first_wrong; /* the first malformed line's reason */
};

struct check {
	const struct applet_call *call;
	struct output *out; /* NULL: as sha256sum prints it */
	struct checksum_reader start;
	bool ignores_missing;
	bool is_silent;
	bool is_strict;
	bool warns;
	int code;
	char line[LINE_BYTES_MAX]; /* the one being read */
};

static void
check_fail(struct check *check, int code)
{
	/* Exit 8 is the answer, and stays. */
	if (check->code != EXIT_VERIFY)
		check->code = code;
}

static bool
is_json(const struct check *check)
{
	return check->call->output == OUTPUT_JSON ||
	    check->call->output == OUTPUT_JSONL;
}

static void
print_name(const char *name)
{
	bool is_escaped = strchr(name, '\n') != NULL;

	if (isatty(STDOUT_FILENO) != 0 && !is_escaped) {
		display_print(stdout, bytes_from_text(name));
		return;
	}
	if (is_escaped)
		(void)putchar('\\');
	for (; *name != '\0'; name++) {
		if (is_escaped && *name == '\n')
			(void)fputs("\\n", stdout);
		else if (is_escaped && *name == '\\')
			(void)fputs("\\\\", stdout);
		else
			(void)putchar(*name);
	}
}

static void
tell_result(struct check *check, const struct checksum_line *line,
    enum result result)
{
	char algorithm[CHECKSUM_NAME_BYTES];

	if (check->is_silent || (result == RESULT_OK && check->call->is_quiet))
		return;
	if (check->out == NULL) {
		print_name(line->name);
		(void)printf(": %s\n", result_lines[result]);
		return;
	}
	checksum_name(algorithm, line->kind);
	output_text(check->out, line->name);
	output_text(check->out, algorithm);
	output_text(check->out, result_words[result]);
	output_row(check->out);
}

static void
check_listed(struct check *check, const struct checksum_line *line,
    struct tally *tally)
{
	uint8_t digest[HASH_BYTES_MAX];
	enum result result = RESULT_OK;
	struct ag_error err;
	enum ag_status status;
	uint64_t len;

	status = hash_file(line->name, line->kind, ALGORITHM_BY_ANY, digest,
	    &len, &err);
	if (status == AG_ENOENT && check->ignores_missing)
		return;
	if (status != AG_OK) {
		(void)exit_fail_local(check->call, &err);
		result = RESULT_UNREADABLE;
		tally->unreadable++;
	} else if (memcmp(digest, line->digest, line->kind.digest_bytes) != 0) {
		result = RESULT_DIFFERS;
		tally->differing++;
	} else {
		tally->matched++;
	}
	tell_result(check, line, result);
}

static void
check_line(struct check *check, struct checksum_reader *reader,
    struct bytes text, const char *name, uint64_t number, struct tally *tally)
{
	struct checksum_line line;
	struct ag_error err;
	enum ag_status status;

	if (text.len > 0 && text.data[0] == '#')
		return;
	status = checksum_parse(&line, reader, text, &err);
	/* The list itself comes from there. */
	if (status == AG_OK && strcmp(line.name, "-") == 0 &&
	    strcmp(name, HASH_STANDARD_INPUT) == 0)
		status = ag_fail(&err, AG_EINVAL,
		    "not a checksum line: - is this list itself");
	if (status == AG_OK) {
		tally->lines++;
		check_listed(check, &line, tally);
		return;
	}
	ag_error_prefix(&err, "%s:%" PRIu64, name, number);
	if (check->warns)
		(void)exit_fail_local(check->call, &err);
	if (tally->malformed++ == 0)
		tally->first_wrong = err;
}

/*
 * The next line without its newline: false at the end.  What is too long
 * for any checksum line is cut, and is none then either.
 */
static bool
read_line(FILE *stream, char line[static LINE_BYTES_MAX], size_t *len)
{
	int c = getc(stream);

	*len = 0;
	if (c == EOF)
		return false;
	for (; c != EOF && c != '\n'; c = getc(stream))
		if (*len < LINE_BYTES_MAX)
			line[(*len)++] = (char)c;
	if (*len == LINE_BYTES_MAX)
		line[0] = '\0';
	return true;
}

static void
warn_count(const struct check *check, uint64_t count, const char *one,
    const char *many)
{
	if (count > 0)
		(void)fprintf(stderr, "%s: WARNING: %" PRIu64 " %s\n",
		    check->call->title, count, count == 1 ? one : many);
}

static void
tell_tally(struct check *check, const char *name, const struct tally *tally)
{
	struct ag_error err;

	if (tally->lines == 0) {
		if (tally->malformed > 0)
			(void)ag_fail(&err, AG_EINVAL,
			    "%s: no properly formatted checksum lines found; "
			    "the first is wrong: %.300s",
			    name, tally->first_wrong.text);
		else
			(void)ag_fail(&err, AG_EINVAL,
			    "%s: no properly formatted checksum lines found",
			    name);
		check_fail(check, exit_fail_local(check->call, &err));
		return;
	}
	if (tally->differing + tally->unreadable > 0)
		check->code = EXIT_VERIFY;
	if (check->is_strict && tally->malformed > 0)
		check_fail(check, EXIT_LOCAL);
	if (!check->is_silent && !is_json(check)) {
		warn_count(check, tally->malformed,
		    "line is improperly formatted",
		    "lines are improperly formatted");
		warn_count(check, tally->unreadable,
		    "listed file could not be read",
		    "listed files could not be read");
		warn_count(check, tally->differing,
		    "computed checksum did NOT match",
		    "computed checksums did NOT match");
	}
	if (check->ignores_missing &&
	    tally->matched + tally->differing + tally->unreadable == 0) {
		(void)ag_fail(&err, AG_EINVAL, "%s: no file was verified",
		    name);
		check_fail(check, exit_fail_local(check->call, &err));
	}
}

static void
check_file(struct check *check, const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;
	const char *name = is_stdin ? HASH_STANDARD_INPUT : path;
	FILE *stream = is_stdin ? stdin : fopen(path, "re");
	struct checksum_reader reader = check->start;
	struct tally tally = { 0 };
	struct ag_error err;
	uint64_t number = 0;
	size_t len;

	if (stream == NULL) {
		(void)ag_fail_sys(&err, "open %s", name);
		check_fail(check, exit_fail_local(check->call, &err));
		return;
	}
	while (read_line(stream, check->line, &len))
		check_line(check, &reader, bytes_of(check->line, len), name,
		    ++number, &tally);
	if (ferror(stream) != 0) {
		(void)ag_fail_sys(&err, "read %s", name);
		check_fail(check, exit_fail_local(check->call, &err));
	} else {
		tell_tally(check, name, &tally);
	}
	if (!is_stdin)
		(void)fclose(stream);
}

int
hash_check(const struct applet_call *call, struct checksum_kind kind,
    bool is_strict)
{
	struct check check = {
		.call = call,
		.start = { .plain = kind, .is_strict = is_strict },
		.ignores_missing =
		    options_has(&call->options, "ignore-missing"),
		.is_silent = options_has(&call->options, "status"),
		.is_strict = options_has(&call->options, "strict"),
		.warns = options_has(&call->options, "warn"),
		.code = EXIT_YES,
	};
	struct ag_error err;

	if (call->output != OUTPUT_TABLE &&
	    output_new(&check.out, call, stdout, "files", result_columns,
		&err) != AG_OK)
		return exit_fail(call, &err);
	if (call->operand_count == 0)
		check_file(&check, "-");
	for (size_t i = 0; i < call->operand_count; i++)
		check_file(&check, call->operands[i]);
	if ((check.out != NULL && output_end(check.out, &err) != AG_OK) ||
	    output_flush(stdout, &err) != AG_OK)
		return exit_fail(call, &err);
	return check.code;
}
