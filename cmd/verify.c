/*
 * aegis verify: is a file what somebody signed, and may they sign it?
 *
 * RULES    1. Whatever is wrong with the signature, its signer or the file's
 *             contents is exit 8; what is wrong with the question (a key or
 *             list of signers that can not be read) is exit 2 or 3.
 *          2. Nothing of a signature is shown before it is verified.
 *          3. The key that is given decides the format: a signature of the
 *             other one is never tried.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "cmd/applet.h"
#include "cmd/display.h"
#include "cmd/exit.h"
#include "cmd/hash_check.h"
#include "cmd/output.h"
#include "crypto/allowed_signers.h"
#include "crypto/minisign.h"
#include "crypto/public_key.h"
#include "crypto/sshsig.h"

#define DEFAULT_NAMESPACE "file"
#define READ_BYTES ((size_t)64 << 10)
#define KEY_TEXT_BYTES 80

static const struct applet_option verify_options[] = {
	{ 'p', "public-key", "KEY", "the signer's key, or a file that has it" },
	{ 'f', "allowed-signers", "FILE",
	    "who may sign, as ssh-keygen has it" },
	{ 'I', "identity", "NAME", "with -f: who is to have signed" },
	{ 'n', "namespace", "NAME", "what it is for (default file); SSH only" },
	{ 's', "signature", "FILE", "the signature (default: FILE.sig)" },
	{ 0, "verify-time", "TIME", "with -f: limits as of then, not now" },
	OPTIONS_END,
};

static const struct output_column verify_columns[] = {
	{ "file", NULL, 0 },
	{ "signature", NULL, 0 },
	{ "format", NULL, 0 },
	{ "identity", NULL, 0 },
	{ "namespace", NULL, 0 },
	{ "key_type", NULL, 0 },
	{ "key", NULL, OUTPUT_VALUE_COLUMN },
	{ "trusted_comment", NULL, 0 },
	{ NULL, NULL, 0 },
};

struct verify_job {
	const struct applet_call *call;
	const char *path;
	const char *namespace;
	const char *identity; /* with signers */
	uint64_t at;
	char signature_path[PATH_MAX];
	bool is_minisign;
	bool has_key;
	struct ssh_key ssh;
	struct minisign_public minisign;
	const char *signers_path; /* or else */
	struct buf signers;
	struct buf signature; /* lends its bytes to what follows */
	/* What was found to be so. */
	struct sshsig sshsig;
	struct minisign_signature minisig;
};

/* A key given as it is: does text look like one and not like a path? */
static bool
is_key_text(const char *text)
{
	struct bytes word = bytes_of(text, strcspn(text, " "));

	if (ssh_key_is_type(word) && text[word.len] == ' ')
		return true;
	return strlen(text) == 56 && strncmp(text, "RW", 2) == 0;
}

static enum ag_status
parse_key(struct verify_job *job, struct bytes text, struct ag_error *err)
{
	job->has_key = true;
	job->is_minisign = minisign_is_file(text) ||
	    bytes_has_prefix(text, bytes_from_text("RW"));
	if (job->is_minisign)
		return minisign_parse_public(&job->minisign, text, err);
	return ssh_key_parse_line(&job->ssh, text, err);
}

static enum ag_status
load_key(struct verify_job *job, const char *key, struct ag_error *err)
{
	enum ag_status status;
	struct buf text;

	if (is_key_text(key)) {
		status = parse_key(job, bytes_from_text(key), err);
		if (status != AG_OK)
			ag_error_prefix(err, "--public-key");
		return status;
	}
	buf_init(&text, PUBLIC_KEY_FILE_BYTES_MAX);
	status = fs_read_file(key, &text, err);
	if (status == AG_OK) {
		status = parse_key(job, buf_bytes(&text), err);
		if (status != AG_OK)
			ag_error_prefix(err, "public key %s", key);
	}
	buf_fini(&text);
	return status;
}

static enum ag_status
find_signature(struct verify_job *job, struct ag_error *err)
{
	const char *given = options_text(&job->call->options, "signature");
	int len = given != NULL
	    ? snprintf(job->signature_path, PATH_MAX, "%s", given)
	    : snprintf(job->signature_path, PATH_MAX, "%s%s", job->path,
		  job->is_minisign ? ".minisig" : ".sig");

	if (len < 0 || len >= PATH_MAX)
		return ag_fail(err, AG_ELIMIT, "verify %s: path too long",
		    job->path);
	return fs_read_file(job->signature_path, &job->signature, err);
}

/* Everything that is needed besides the file. */
static enum ag_status
load_all(struct verify_job *job, struct ag_error *err)
{
	const char *key = options_text(&job->call->options, "public-key");
	enum ag_status status;

	status = key != NULL
	    ? load_key(job, key, err)
	    : fs_read_file(job->signers_path, &job->signers, err);
	return status == AG_OK ? find_signature(job, err) : status;
}

static enum ag_status
digest_file(const struct verify_job *job, enum hash_algorithm algorithm,
    uint8_t digest[static HASH_BYTES_MAX], struct ag_error *err)
{
	const struct checksum_kind kind = { algorithm, hash_bytes(algorithm) };
	uint64_t len;

	return hash_file(job->path, kind, ALGORITHM_BY_ANY, digest, &len, err);
}

/*
 * Is the key the given one, or one that may sign?  *is_judged tells a "no"
 * from a list that can not be read.
 */
static enum ag_status
check_signer(const struct verify_job *job, bool *is_judged,
    struct ag_error *err)
{
	const struct allowed_question question = {
		.key = &job->sshsig.key,
		.identity = job->identity,
		.namespace = job->namespace,
		.at = job->at,
	};
	char fingerprint[FINGERPRINT_BYTES];
	enum ag_status status;
	size_t line;

	*is_judged = true;
	ssh_key_fingerprint(fingerprint, &job->sshsig.key);
	if (!job->has_key) {
		status = allowed_signers_check(buf_bytes(&job->signers),
		    job->signers_path, &question, &line, err);
		*is_judged = status != AG_EINVAL;
		return status;
	}
	if (ssh_key_equal(&job->ssh, &job->sshsig.key))
		return AG_OK;
	return ag_fail(err, AG_EFORGED,
	    "another key signed it than the one given: %s", fingerprint);
}

static enum ag_status
verify_ssh(struct verify_job *job, bool *is_judged, struct ag_error *err)
{
	struct bytes text = buf_bytes(&job->signature);
	uint8_t digest[HASH_BYTES_MAX];
	enum ag_status status;

	*is_judged = true;
	if (minisign_is_file(text))
		return ag_fail(err, AG_EFORGED,
		    "it is minisign's; -p with a minisign key verifies it");
	status = sshsig_parse(&job->sshsig, text, err);
	if (status == AG_OK)
		status = check_signer(job, is_judged, err);
	if (status != AG_OK)
		return status;
	*is_judged = false;
	status = digest_file(job, job->sshsig.algorithm, digest, err);
	if (status != AG_OK)
		return status;
	*is_judged = true;
	return sshsig_verify(&job->sshsig, job->namespace, digest, err);
}

/* A file in one piece, which the legacy form is signed over. */
static enum ag_status
read_whole(const char *path, struct buf *out, struct ag_error *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	enum ag_status status = AG_OK;
	int fd = STDIN_FILENO;
	ssize_t n = 1;

	if (!is_stdin)
		status = fs_open(&fd, path, O_RDONLY | O_NOCTTY, 0, err);
	while (status == AG_OK && n != 0) {
		status = buf_reserve(out, READ_BYTES);
		if (status != AG_OK) {
			(void)ag_fail(err, status,
			    "read %s: a legacy signature takes the whole file "
			    "in memory, and it is too long for that",
			    path);
			break;
		}
		n = read(fd, out->data + out->len, READ_BYTES);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			status = ag_fail_sys(err, "read %s", path);
		else
			out->len += (size_t)n;
	}
	if (fd > STDIN_FILENO)
		(void)close(fd);
	return status;
}

static enum ag_status
verify_legacy(struct verify_job *job, bool *is_judged, struct ag_error *err)
{
	enum ag_status status;
	struct buf message;

	buf_init(&message, MINISIGN_LEGACY_BYTES_MAX + READ_BYTES);
	status = read_whole(job->path, &message, err);
	*is_judged = status == AG_OK;
	if (status == AG_OK)
		status = minisign_verify(&job->minisig, &job->minisign,
		    buf_bytes(&message), err);
	buf_fini(&message);
	return status;
}

static enum ag_status
verify_minisign(struct verify_job *job, bool *is_judged, struct ag_error *err)
{
	struct bytes text = buf_bytes(&job->signature);
	uint8_t digest[HASH_BYTES_MAX];
	enum ag_status status;

	*is_judged = true;
	if (sshsig_is_armoured(text))
		return ag_fail(err, AG_EFORGED,
		    "it is an SSH signature, and the key is minisign's");
	status = minisign_parse(&job->minisig, text, err);
	if (status != AG_OK)
		return status;
	if (job->minisig.is_legacy)
		return verify_legacy(job, is_judged, err);
	*is_judged = false;
	status = digest_file(job, HASH_BLAKE2B_512, digest, err);
	if (status != AG_OK)
		return status;
	*is_judged = true;
	return minisign_verify(&job->minisig, &job->minisign,
	    bytes_of(digest, sizeof(digest)), err);
}

static void
tell_ssh(const struct verify_job *job, const char *fingerprint)
{
	(void)fputs("Good \"", stdout);
	display_print(stdout, bytes_from_text(job->namespace));
	(void)fputs("\" signature ", stdout);
	if (job->identity != NULL) {
		(void)fputs("for ", stdout);
		display_print(stdout, bytes_from_text(job->identity));
		(void)putchar(' ');
	}
	(void)printf("with %s key %s\n",
	    ssh_key_type_name(job->sshsig.key.type), fingerprint);
}

/* Tabs part a comment's fields, and a terminal knows what they are. */
static void
print_comment(struct bytes comment)
{
	const uint8_t *tab;

	while ((tab = memchr(comment.data, '\t', comment.len)) != NULL) {
		size_t len = (size_t)(tab - comment.data);

		display_print(stdout, bytes_of(comment.data, len));
		(void)putchar('\t');
		comment = bytes_of(tab + 1, comment.len - len - 1);
	}
	display_print(stdout, comment);
}

static void
tell_minisign(const struct verify_job *job, const char *id)
{
	(void)printf("Good minisign signature with key %s\n", id);
	(void)fputs("Trusted comment: ", stdout);
	print_comment(job->minisig.trusted);
	(void)putchar('\n');
}

static enum ag_status
tell_row(const struct verify_job *job, const char *key, struct ag_error *err)
{
	struct output *out;
	enum ag_status status =
	    output_new(&out, job->call, stdout, NULL, verify_columns, err);

	if (status != AG_OK)
		return status;
	output_text(out, job->path);
	output_text(out, job->signature_path);
	output_text(out, job->is_minisign ? "minisign" : "ssh");
	output_text(out, job->identity);
	output_text(out, job->is_minisign ? NULL : job->namespace);
	output_text(out,
	    job->is_minisign ? "ED25519"
			     : ssh_key_type_name(job->sshsig.key.type));
	output_text(out, key);
	if (job->is_minisign)
		output_bytes(out, job->minisig.trusted);
	else
		output_null(out);
	output_row(out);
	return output_end(out, err);
}

static enum ag_status
tell(const struct verify_job *job, struct ag_error *err)
{
	char key[KEY_TEXT_BYTES];

	if (job->is_minisign)
		minisign_id_format(key, job->minisign.id);
	else
		ssh_key_fingerprint(key, &job->sshsig.key);
	if (job->call->output != OUTPUT_TABLE)
		return tell_row(job, key, err);
	if (job->call->is_quiet)
		return AG_OK;
	if (job->is_minisign)
		tell_minisign(job, key);
	else
		tell_ssh(job, key);
	return output_flush(stdout, err);
}

static int
verify_judge(struct verify_job *job)
{
	const struct applet_call *call = job->call;
	enum ag_status status;
	struct ag_error err;
	bool is_judged;

	if (load_all(job, &err) != AG_OK)
		return exit_fail_local(call, &err);
	if (job->is_minisign && options_has(&call->options, "namespace"))
		return applet_usage(call,
		    "minisign signatures have no namespace; leave out -n");
	status = job->is_minisign ? verify_minisign(job, &is_judged, &err)
				  : verify_ssh(job, &is_judged, &err);
	if (status == AG_OK)
		return tell(job, &err) == AG_OK ? EXIT_YES
						: exit_fail(call, &err);
	if (!is_judged)
		return exit_fail_local(call, &err);
	ag_error_prefix(&err, "signature %s of %s", job->signature_path,
	    job->path);
	return exit_fail_code(call, &err, EXIT_VERIFY);
}

/* What the options say; false after saying what is wrong with them. */
static bool
verify_options_read(struct verify_job *job)
{
	const struct applet_call *call = job->call;
	const char *time = options_text(&call->options, "verify-time");
	bool has_key = options_has(&call->options, "public-key");
	struct ag_error err;
	const char *wrong = NULL;

	job->signers_path = options_text(&call->options, "allowed-signers");
	job->identity = options_text(&call->options, "identity");
	job->namespace = options_text(&call->options, "namespace");
	if (job->namespace == NULL)
		job->namespace = DEFAULT_NAMESPACE;
	job->at = clock_wall_ms() / 1000;
	if (has_key == (job->signers_path != NULL))
		wrong = has_key ? "-p and -f exclude each other"
				: "missing -p KEY, or -f FILE -I NAME";
	else if (has_key != (job->identity == NULL))
		wrong =
		    has_key ? "-I is for -f, not for -p" : "missing -I NAME";
	else if (has_key && time != NULL)
		wrong = "--verify-time is for -f, not for -p";
	else if (time != NULL &&
	    allowed_signers_parse_time(&job->at, bytes_from_text(time)) !=
		AG_OK)
		wrong = "--verify-time is no time such as 20261231 or "
			"202612312359Z";
	else if (strcmp(job->path, "-") == 0 &&
	    !options_has(&call->options, "signature"))
		wrong = "standard input takes -s SIGNATURE";
	else if (sshsig_check_namespace(job->namespace, &err) != AG_OK)
		wrong = err.text;
	if (wrong != NULL)
		(void)applet_usage(call, "%s", wrong);
	return wrong == NULL;
}

static int
verify_run(struct applet_call *call)
{
	struct verify_job job = { .call = call, .path = call->operands[0] };
	int code;

	if (!verify_options_read(&job))
		return EXIT_USAGE;
	buf_init(&job.signers, ALLOWED_SIGNERS_FILE_BYTES_MAX);
	buf_init(&job.signature, SSHSIG_FILE_BYTES_MAX);
	code = verify_judge(&job);
	buf_fini(&job.signers);
	buf_fini(&job.signature);
	return code;
}

static const char *const verify_examples[] = {
	"aegis verify -f allowed_signers -I alice@example.org release.tar",
	"aegis verify -p alice.pub release.tar",
	"aegis verify -p minisign.pub release.tar",
	NULL,
};

const struct applet applet_verify = {
	.name = "verify",
	.summary = "verify signatures of ssh-keygen and minisign",
	.operands = "FILE",
	.options = verify_options,
	.examples = verify_examples,
	.flags = APPLET_OFFLINE,
	.run = verify_run,
};
