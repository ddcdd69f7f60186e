/*
 * aegis sign: signatures on files, in the formats of ssh-keygen and
 * minisign.  The key's own format decides which.
 *
 * RULES    1. A signature is there whole or not at all, and replaces another
 *             only when --force says so.
 *          2. Files are hashed as they are read: any size, constant memory.
 *          3. A file that can not be signed does not keep the others from
 *             being signed.
 */
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
#include "cmd/passphrase.h"
#include "cmd/pin.h"
#include "cmd/token_use.h"
#include "crypto/key_format.h"
#include "crypto/minisign.h"
#include "crypto/public_key.h"
#include "crypto/sshsig.h"

#define DEFAULT_NAMESPACE "file"
#define DEFAULT_COMMENT "signature made by aegis"
#define SIGNATURE_BYTES_MAX ((size_t)32 << 10)
#define KEY_TEXT_BYTES 80

static const struct applet_option sign_options[] = {
	{ 'i', "key", "FILE", "the private key, or pkcs11: and where it is" },
	{ 'n', "namespace", "NAME", "what it is for (default file); SSH only" },
	{ 'F', "format", "FORMAT", "ssh or minisign (default: the key's)" },
	{ 's', "signature", "FILE", "where it goes (default: FILE.sig)" },
	{ 'c', "comment", "TEXT", "minisign: a comment that is not signed" },
	{ 't', "trusted", "TEXT", "minisign: a comment that is signed" },
	{ 'f', "force", NULL, "replace existing signatures" },
	PASSPHRASE_OPTIONS,
	PIN_OPTIONS,
	OPTIONS_END,
};

static const struct output_column sign_columns[] = {
	{ "file", NULL, 0 },
	{ "signature", NULL, OUTPUT_VALUE_COLUMN },
	{ "format", NULL, 0 },
	{ "namespace", NULL, 0 },
	{ "key", NULL, 0 },
	{ NULL, NULL, 0 },
};

struct sign_job {
	const struct applet_call *call;
	struct ssh_signer *ssh; /* or else */
	struct minisign_key *minisign;
	struct token_sign_key in_token;
	const char *namespace;
	char key_text[KEY_TEXT_BYTES]; /* fingerprint or id */
	struct output *out;            /* NULL: sentences */
	FILE *stream;                  /* for what is told */
	struct buf text;
};

/* minisign's own way to say when and of what. */
static void
default_trusted(char *out, size_t cap, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash != NULL ? slash + 1 : path;
	uint64_t now = clock_wall_ms() / 1000;

	if (strcmp(path, "-") == 0 ||
	    minisign_check_comment(base, NAME_MAX, NULL) != AG_OK)
		(void)snprintf(out, cap, "timestamp:%" PRIu64 "\thashed", now);
	else
		(void)snprintf(out, cap,
		    "timestamp:%" PRIu64 "\tfile:%s\thashed", now, base);
}

static enum ag_status
make_minisign(struct sign_job *job, const char *path, const uint8_t *digest,
    struct ag_error *err)
{
	const char *comment = options_text(&job->call->options, "comment");
	const char *trusted = options_text(&job->call->options, "trusted");
	char made[NAME_MAX + 64];

	default_trusted(made, sizeof(made), path);
	return minisign_sign(&job->text, job->minisign, digest,
	    comment == NULL ? DEFAULT_COMMENT : comment,
	    trusted == NULL ? made : trusted, err);
}

/* Hash a file and put the signature's text into job->text. */
static enum ag_status
make_signature(struct sign_job *job, const char *path, struct ag_error *err)
{
	const struct checksum_kind kind = {
		.algorithm = job->ssh != NULL ? HASH_SHA_512 : HASH_BLAKE2B_512,
		.digest_bytes = HASH_BYTES_MAX,
	};
	uint8_t digest[HASH_BYTES_MAX];
	enum ag_status status;
	uint64_t len;

	buf_clear(&job->text);
	status = hash_file(path, kind, ALGORITHM_BY_ANY, digest, &len, err);
	if (status != AG_OK)
		return status;
	if (job->minisign != NULL)
		return make_minisign(job, path, digest, err);
	return sshsig_sign(&job->text, job->ssh, job->namespace, digest, err);
}

/* Where a file's signature goes; "-" is standard output. */
static enum ag_status
signature_path(const struct sign_job *job, const char *path,
    char out[static PATH_MAX], struct ag_error *err)
{
	const char *given = options_text(&job->call->options, "signature");
	const char *end = job->minisign != NULL ? ".minisig" : ".sig";
	int len;

	if (given == NULL && strcmp(path, "-") == 0)
		given = "-";
	len = given != NULL ? snprintf(out, PATH_MAX, "%s", given)
			    : snprintf(out, PATH_MAX, "%s%s", path, end);
	if (len < 0 || len >= PATH_MAX)
		return ag_fail(err, AG_ELIMIT, "sign %s: path too long", path);
	return AG_OK;
}

static enum ag_status
put_signature(const struct sign_job *job, const char *path,
    struct ag_error *err)
{
	if (strcmp(path, "-") == 0)
		return fs_write(STDOUT_FILENO, "standard output",
		    buf_bytes(&job->text), err);
	return fs_write_file(path, 0644, buf_bytes(&job->text), err);
}

static enum ag_status
check_absent(const struct sign_job *job, const char *path, struct ag_error *err)
{
	if (strcmp(path, "-") == 0 ||
	    options_has(&job->call->options, "force") || !fs_exists(path))
		return AG_OK;
	return ag_fail(err, AG_EEXIST, "%s exists already; --force replaces it",
	    path);
}

static void
tell_signed(const struct sign_job *job, const char *path, const char *made)
{
	if (job->out != NULL) {
		output_text(job->out, path);
		output_text(job->out, made);
		output_text(job->out, job->ssh != NULL ? "ssh" : "minisign");
		output_text(job->out, job->namespace);
		output_text(job->out, job->key_text);
		output_row(job->out);
		return;
	}
	if (job->call->is_quiet || job->stream == stderr)
		return;
	display_print(job->stream, bytes_from_text(made));
	(void)fprintf(job->stream, ": signed with key %s", job->key_text);
	if (job->namespace != NULL) {
		(void)fputs(", for namespace ", job->stream);
		display_print(job->stream, bytes_from_text(job->namespace));
	}
	(void)putc('\n', job->stream);
}

static enum ag_status
sign_one(struct sign_job *job, const char *path, struct ag_error *err)
{
	char made[PATH_MAX];
	enum ag_status status = signature_path(job, path, made, err);

	if (status == AG_OK)
		status = check_absent(job, made, err);
	if (status == AG_OK)
		status = make_signature(job, path, err);
	if (status == AG_OK)
		status = put_signature(job, made, err);
	if (status == AG_OK)
		tell_signed(job, path, made);
	return status;
}

/* Does a signature go to standard output, which what is told must leave? */
static bool
is_printed(const struct applet_call *call)
{
	const char *given = options_text(&call->options, "signature");

	if (given != NULL)
		return strcmp(given, "-") == 0;
	for (size_t i = 0; i < call->operand_count; i++)
		if (strcmp(call->operands[i], "-") == 0)
			return true;
	return false;
}

static int
sign_all(struct sign_job *job)
{
	const struct applet_call *call = job->call;
	struct ag_error err;
	int code = EXIT_YES;
	size_t done = 0;

	job->stream = is_printed(call) ? stderr : stdout;
	if (call->output != OUTPUT_TABLE &&
	    output_new(&job->out, call, job->stream, "signatures", sign_columns,
		&err) != AG_OK)
		return exit_fail(call, &err);
	for (size_t i = 0; i < call->operand_count; i++) {
		if (sign_one(job, call->operands[i], &err) == AG_OK)
			done++;
		else
			code = exit_fail_local(call, &err);
	}
	if ((job->out != NULL && output_end(job->out, &err) != AG_OK) ||
	    output_flush(stdout, &err) != AG_OK)
		return exit_fail(call, &err);
	return code != EXIT_YES && done > 0 ? EXIT_PARTIAL : code;
}

static enum ag_status
parse_key(struct sign_job *job, struct bytes text, const char *path,
    struct ag_error *err)
{
	struct secret *passphrase = NULL;
	bool is_minisign = minisign_is_file(text);
	bool is_encrypted = is_minisign ? minisign_key_is_encrypted(text)
					: key_format_is_encrypted(text);
	enum ag_status status = AG_OK;

	if (is_encrypted)
		status = passphrase_of_file(&passphrase, job->call, path, err);
	if (status == AG_OK)
		status = is_minisign
		    ? minisign_key_parse(&job->minisign, text, passphrase, path,
			  err)
		    : ssh_signer_parse(&job->ssh, text, passphrase, path, err);
	secret_free(passphrase);
	return status;
}

static void
describe_key(struct sign_job *job)
{
	struct minisign_public key;

	if (job->ssh != NULL) {
		ssh_key_fingerprint(job->key_text, ssh_signer_public(job->ssh));
	} else {
		minisign_key_public(&key, job->minisign);
		minisign_id_format(job->key_text, key.id);
	}
}

/* A token's key has no format of its own: what is asked for, or SSH's. */
static enum ag_status
load_token_key(struct sign_job *job, const char *uri, struct ag_error *err)
{
	const char *format = options_text(&job->call->options, "format");
	enum ag_status status =
	    token_use_key(&job->in_token, job->call, uri, err);
	struct signer signer;

	if (status != AG_OK)
		return status;
	if (format == NULL || strcmp(format, "ssh") == 0)
		return ssh_signer_of(&job->ssh, &job->in_token.key.public,
		    token_sign_ssh, &job->in_token, err);
	status = token_sign_signer(&signer, &job->in_token, err);
	return status == AG_OK
	    ? minisign_key_of_signer(&job->minisign, &signer, err)
	    : status;
}

static enum ag_status
load_key(struct sign_job *job, const char *path, struct ag_error *err)
{
	struct secret *text;
	enum ag_status status;

	if (token_uri_is_one(path)) {
		status = load_token_key(job, path, err);
		if (status == AG_OK)
			describe_key(job);
		return status;
	}
	status = secret_read_file(&text, path, KEY_FORMAT_FILE_BYTES_MAX, err);
	if (status != AG_OK)
		return status;
	status = parse_key(job, secret_bytes(text), path, err);
	secret_free(text);
	if (status == AG_OK)
		describe_key(job);
	return status;
}

/* What the options ask for must fit the key's format. */
static enum ag_status
check_options(struct sign_job *job, struct ag_error *err)
{
	const struct options *options = &job->call->options;
	const char *format = options_text(options, "format");
	const char *own = job->ssh != NULL ? "ssh" : "minisign";

	if (format != NULL && strcmp(format, own) != 0)
		return ag_fail(err, AG_EINVAL,
		    "the key is %s's, and signs in that format only", own);
	if (job->ssh != NULL &&
	    (options_has(options, "comment") ||
		options_has(options, "trusted")))
		return ag_fail(err, AG_EINVAL,
		    "comments are minisign's; SSH signatures have none");
	if (job->minisign != NULL && options_has(options, "namespace"))
		return ag_fail(err, AG_EINVAL,
		    "minisign signatures have no namespace; leave out -n");
	if (job->minisign != NULL)
		return AG_OK;
	job->namespace = options_text(options, "namespace");
	if (job->namespace == NULL)
		job->namespace = DEFAULT_NAMESPACE;
	return sshsig_check_namespace(job->namespace, err);
}

static int
sign_with(struct sign_job *job, const char *key)
{
	const struct applet_call *call = job->call;
	struct ag_error err;

	if (load_key(job, key, &err) != AG_OK)
		return exit_fail_local(call, &err);
	if (check_options(job, &err) != AG_OK)
		return applet_usage(call, "%s", err.text);
	return sign_all(job);
}

static int
sign_run(struct applet_call *call)
{
	struct sign_job job = { .call = call };
	const char *key = options_text(&call->options, "key");
	const char *format = options_text(&call->options, "format");
	int code;

	if (key == NULL)
		return applet_usage(call, "missing -i KEY");
	if (format != NULL && strcmp(format, "ssh") != 0 &&
	    strcmp(format, "minisign") != 0)
		return applet_usage(call,
		    "format '%s' is not one of ssh, minisign", format);
	if (call->operand_count > 1 && options_has(&call->options, "signature"))
		return applet_usage(call,
		    "--signature is for one FILE; the others' would replace it");
	buf_init(&job.text, SIGNATURE_BYTES_MAX);
	code = sign_with(&job, key);
	buf_fini(&job.text);
	minisign_key_free(job.minisign);
	ssh_signer_free(job.ssh);
	token_free(job.in_token.token);
	return code;
}

static const char *const sign_examples[] = {
	"aegis sign -i ~/.ssh/id_ed25519 release.tar",
	"aegis sign -i minisign.key -t 'release 7' release.tar",
	"aegis sign -i 'pkcs11:token=ops;object=alice' release.tar",
	NULL,
};

const struct applet applet_sign = {
	.name = "sign",
	.summary = "sign files as ssh-keygen and minisign do",
	.operands = "FILE...",
	.options = sign_options,
	.examples = sign_examples,
	.flags = APPLET_OFFLINE | APPLET_SECRETS,
	.run = sign_run,
};
