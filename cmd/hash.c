/*
 * aegis hash: digests of files, and checking them.
 *
 * RULES    1. Without -o, what is printed is what sha256sum or b2sum print,
 *             to the byte: this is data, also on a terminal.
 *          2. A file that can not be read does not keep the others from
 *             being hashed.
 *
 * NOT HERE -c (cmd/hash_check.c).
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "cmd/applet.h"
#include "cmd/exit.h"
#include "cmd/hash_check.h"
#include "cmd/output.h"
#include "codec/text.h"
#include "crypto/algorithm.h"

#define DEFAULT_ALGORITHM "sha-256"

/* A tag, a digest, and a name all of escapes. */
#define LINE_BYTES_MAX (512 + ((size_t)1 << 20))

static const struct applet_option hash_options[] = {
	{ 'a', "algorithm", "NAME", "sha-256 (default), sha3-256, blake2b, …" },
	{ 'l', "length", "BITS", "length of a blake2b digest (8 to 512)" },
	{ 0, "provider", "NAME", "libsodium or libcrypto computes it" },
	{ 'b', "binary", NULL, "mark names as binary files' (*)" },
	{ 't', "text", NULL, "mark names as text files' (default)" },
	{ 0, "tag", NULL, "name the algorithm in each line" },
	{ 'z', "zero", NULL, "end lines with NUL, and escape no names" },
	{ 'c', "check", NULL, "check the files that each FILE lists" },
	{ 0, "ignore-missing", NULL, "with -c: pass over files not there" },
	{ 0, "status", NULL, "with -c: print nothing, exit codes only" },
	{ 0, "strict", NULL, "with -c: fail for lines that are malformed" },
	{ 'w', "warn", NULL, "with -c: tell of each malformed line" },
	{ 0, "list", NULL, "show the algorithms there are, and exit" },
	OPTIONS_END,
};

static const struct output_column hash_columns[] = {
	{ "file", NULL, 0 },
	{ "algorithm", NULL, 0 },
	{ "bytes", NULL, OUTPUT_RIGHT },
	{ "digest", NULL, OUTPUT_VALUE_COLUMN },
	{ NULL, NULL, 0 },
};

static const struct output_column list_columns[] = {
	{ "name", NULL, OUTPUT_VALUE_COLUMN },
	{ "aliases", NULL, 0 },
	{ "provider", NULL, 0 },
	{ "standing", NULL, 0 },
	{ "note", NULL, 0 },
	{ NULL, NULL, 0 },
};

struct hash_job {
	const struct applet_call *call;
	struct checksum_kind kind;
	enum algorithm_provider provider;
	struct checksum_style style;
	struct output *out; /* NULL: lines */
	struct buf line;
};

enum ag_status
hash_file(const char *path, struct checksum_kind kind,
    enum algorithm_provider provider, uint8_t digest[static HASH_BYTES_MAX],
    uint64_t *len, struct ag_error *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	const char *name = is_stdin ? HASH_STANDARD_INPUT : path;
	enum ag_status status = AG_OK;
	struct hash *hash = NULL;
	int fd = STDIN_FILENO;

	if (!is_stdin)
		status = fs_open(&fd, path, O_RDONLY | O_NOCTTY, 0, err);
	if (status != AG_OK)
		return status;
	status = checksum_open(&hash, kind, provider, err);
	if (status == AG_OK)
		status = hash_read(hash, fd, name, len, err);
	if (status == AG_OK)
		hash_finish(hash, digest);
	hash_close(hash);
	if (!is_stdin)
		(void)close(fd);
	return status;
}

static void
hash_row(struct hash_job *job, const char *path, const uint8_t *digest,
    uint64_t len)
{
	char hex[TEXT_HEX_BYTES(HASH_BYTES_MAX)];
	char name[CHECKSUM_NAME_BYTES];

	text_hex(hex, sizeof(hex), bytes_of(digest, job->kind.digest_bytes));
	checksum_name(name, job->kind);
	output_text(job->out, path);
	output_text(job->out, name);
	output_u64(job->out, len);
	output_text(job->out, hex);
	output_row(job->out);
}

static enum ag_status
hash_one(struct hash_job *job, const char *path, struct ag_error *err)
{
	uint8_t digest[HASH_BYTES_MAX];
	enum ag_status status;
	uint64_t len;

	status = hash_file(path, job->kind, job->provider, digest, &len, err);
	if (status != AG_OK)
		return status;
	if (job->out != NULL) {
		hash_row(job, path, digest, len);
		return AG_OK;
	}
	buf_clear(&job->line);
	status =
	    checksum_format(&job->line, job->kind, digest, path, job->style);
	if (status != AG_OK)
		return ag_fail(err, status, "hash %s: out of memory", path);
	(void)fwrite(job->line.data, 1, job->line.len, stdout);
	return AG_OK;
}

static int
hash_all(struct hash_job *job)
{
	const struct applet_call *call = job->call;
	size_t count = call->operand_count, done = 0;
	struct ag_error err;
	int code = EXIT_YES;

	if (call->output != OUTPUT_TABLE &&
	    output_new(&job->out, call, stdout, "hashes", hash_columns, &err) !=
		AG_OK)
		return exit_fail(call, &err);
	for (size_t i = 0; i < (count == 0 ? 1 : count); i++) {
		if (hash_one(job, count == 0 ? "-" : call->operands[i], &err) ==
		    AG_OK)
			done++;
		else
			code = exit_fail_local(call, &err);
	}
	if ((job->out != NULL && output_end(job->out, &err) != AG_OK) ||
	    output_flush(stdout, &err) != AG_OK)
		return exit_fail(call, &err);
	return code != EXIT_YES && done > 0 ? EXIT_PARTIAL : code;
}

static int
hash_list(const struct applet_call *call)
{
	struct output *out;
	struct ag_error err;

	if (output_new(&out, call, stdout, "algorithms", list_columns, &err) !=
	    AG_OK)
		return exit_fail(call, &err);
	for (size_t i = 0; i < algorithm_count; i++) {
		const struct algorithm *row = &algorithm_table[i];

		if (row->family != ALGORITHM_HASH)
			continue;
		output_text(out, row->name);
		output_text(out, row->aliases);
		output_text(out, algorithm_provider_name(row->providers[0]));
		output_text(out, algorithm_standing_name(row->standing));
		output_text(out, row->note);
		output_row(out);
	}
	return output_end(out, &err) == AG_OK ? EXIT_YES
					      : exit_fail(call, &err);
}

/* What -a and -l ask for. */
static enum ag_status
hash_choose(const struct applet_call *call, struct checksum_kind *kind,
    struct ag_error *err)
{
	const char *name = options_text(&call->options, "algorithm");
	uint64_t bits = 0;
	enum ag_status status;

	status =
	    checksum_find(kind, name == NULL ? DEFAULT_ALGORITHM : name, err);
	if (status == AG_OK)
		status = options_count_value(&call->options, "length", 8,
		    8 * HASH_BYTES_MAX, &bits, err);
	if (status != AG_OK || bits == 0)
		return status;
	if (kind->algorithm != HASH_BLAKE2B_512 ||
	    kind->digest_bytes != HASH_BYTES_MAX)
		return ag_fail(err, AG_EINVAL,
		    "--length is for -a blake2b; the others have one length");
	if (bits % 8 != 0)
		return ag_fail(err, AG_EINVAL,
		    "length '%s' is not a multiple of 8",
		    options_text(&call->options, "length"));
	kind->digest_bytes = (size_t)(bits / 8);
	return AG_OK;
}

/* By whom, and whether they can. */
static enum ag_status
hash_choose_provider(struct hash_job *job, struct ag_error *err)
{
	const char *name = options_text(&job->call->options, "provider");
	struct hash *tried;
	enum ag_status status;

	if (name == NULL)
		return AG_OK;
	status = algorithm_find_provider(&job->provider, name, err);
	if (status == AG_OK)
		status = checksum_open(&tried, job->kind, job->provider, err);
	if (status == AG_OK)
		hash_close(tried);
	return status;
}

/* The option given that has no meaning with or without -c, or NULL. */
static const char *
hash_misplaced(const struct applet_call *call, bool is_check)
{
	static const char *const checking[] = { "ignore-missing", "status",
		"strict", "warn", NULL };
	static const char *const printing[] = { "tag", "zero", "binary", "text",
		"provider", NULL };
	const char *const *name = is_check ? printing : checking;

	for (; *name != NULL; name++)
		if (options_has(&call->options, *name))
			return *name;
	return NULL;
}

static int
hash_check_with(const struct applet_call *call, struct checksum_kind kind)
{
	/* Of a BLAKE2b of no stated length, any will do. */
	if (kind.algorithm == HASH_BLAKE2B_512 &&
	    kind.digest_bytes == HASH_BYTES_MAX &&
	    !options_has(&call->options, "length"))
		kind.digest_bytes = 0;
	return hash_check(call, kind, options_has(&call->options, "algorithm"));
}

static int
hash_run(struct applet_call *call)
{
	bool is_check = options_has(&call->options, "check");
	struct hash_job job = { .call = call };
	const char *misplaced;
	struct ag_error err;
	enum ag_status status;
	int code;

	if (options_has(&call->options, "list"))
		return hash_list(call);
	status = hash_choose(call, &job.kind, &err);
	if (status == AG_EREFUSED)
		return exit_fail(call, &err);
	if (status != AG_OK)
		return applet_usage(call, "%s", err.text);
	misplaced = hash_misplaced(call, is_check);
	if (misplaced != NULL)
		return applet_usage(call, "--%s means nothing %s -c", misplaced,
		    is_check ? "with" : "without");
	if (is_check)
		return hash_check_with(call, job.kind);
	status = hash_choose_provider(&job, &err);
	if (status == AG_EINVAL)
		return applet_usage(call, "--provider: %s", err.text);
	if (status != AG_OK)
		return exit_fail(call, &err);
	job.style.is_tagged = options_has(&call->options, "tag");
	job.style.is_binary = options_has(&call->options, "binary") &&
	    !options_has(&call->options, "text");
	job.style.ends_with_nul = options_has(&call->options, "zero");
	buf_init(&job.line, LINE_BYTES_MAX);
	code = hash_all(&job);
	buf_fini(&job.line);
	return code;
}

static const char *const hash_examples[] = {
	"aegis hash image.iso >image.iso.sha256",
	"aegis hash -c image.iso.sha256",
	"aegis hash -a blake2b --tag *.tar",
	NULL,
};

const struct applet applet_hash = {
	.name = "hash",
	.summary = "print and check digests of files",
	.operands = "[FILE...]",
	.options = hash_options,
	.examples = hash_examples,
	.flags = APPLET_OFFLINE,
	.run = hash_run,
};
