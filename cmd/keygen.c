/*
 * aegis keygen: make keys, and show what keys there are.
 *
 * RULES    1. A key is never replaced unless --force says so.
 *          2. A private key is printed only when asked for with `-o -`.
 *          3. Node, link and operator keys are all Ed25519; the type says
 *             what it is for, and makes the comment.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/nearest.h"
#include "cmd/applet.h"
#include "cmd/display.h"
#include "cmd/exit.h"
#include "cmd/output.h"
#include "cmd/passphrase.h"
#include "crypto/openssh_key.h"
#include "crypto/recipient.h"

#define HEAD_BYTES 20

static const struct applet_option keygen_options[] = {
	{ 'T', "type", "TYPE", "ed25519, node, link, operator or backup" },
	{ 'o', "out", "FILE", "private key to FILE, public one to FILE.pub" },
	{ 'C', "comment", "TEXT", "a note kept with the public key" },
	{ 'f', "force", NULL, "replace existing files" },
	PASSPHRASE_OPTIONS,
	OPTIONS_END,
};

static const struct output_column show_columns[] = {
	{ "bits", NULL, OUTPUT_RIGHT },
	{ "fingerprint", NULL, OUTPUT_VALUE_COLUMN },
	{ "comment", NULL, 0 },
	{ "type", NULL, 0 },
	{ "file", NULL, 0 },
	{ NULL, NULL, 0 },
};

struct key_facts {
	const char *type; /* "ED25519" */
	char fingerprint[RECIPIENT_TEXT_BYTES];
	char comment[PUBLIC_KEY_COMMENT_BYTES];
};

static void
facts_of_public(struct key_facts *facts,
    const uint8_t key[static SIGN_PUBLIC_BYTES])
{
	facts->type = "ED25519";
	public_key_fingerprint(facts->fingerprint, key);
}

/* As `ssh-keygen -lf` prints it. */
static void
facts_print(FILE *stream, const struct key_facts *facts)
{
	const char *comment =
	    facts->comment[0] != '\0' ? facts->comment : "no comment";

	/* Somebody else's text: not for the terminal to act on. */
	(void)fprintf(stream, "256 %s ", facts->fingerprint);
	display_print(stream, bytes_from_text(comment));
	(void)fprintf(stream, " (%s)\n", facts->type);
}

static enum ag_status
facts_of_private_text(struct key_facts *facts, struct bytes text,
    const char *path, struct ag_error *err)
{
	char comment[PUBLIC_KEY_COMMENT_BYTES], public_path[4096];
	uint8_t key[SIGN_PUBLIC_BYTES], beside[SIGN_PUBLIC_BYTES];
	enum ag_status status =
	    openssh_key_public(key, facts->comment, text, path, err);

	if (status != AG_OK)
		return status;
	facts_of_public(facts, key);
	/* An encrypted key's comment may be known from beside it. */
	(void)snprintf(public_path, sizeof(public_path), "%s.pub", path);
	if (facts->comment[0] == '\0' &&
	    public_key_load(beside, comment, public_path, NULL) == AG_OK &&
	    memcmp(beside, key, sizeof(key)) == 0)
		memcpy(facts->comment, comment, sizeof(comment));
	return AG_OK;
}

static enum ag_status
facts_of_backup_key(struct key_facts *facts, const char *path,
    struct bytes text, struct ag_error *err)
{
	uint8_t recipient[RECIPIENT_KEY_BYTES];
	char public_path[4096];
	struct secret *key;
	enum ag_status status;

	if (recipient_key_is_sealed(text)) {
		(void)snprintf(public_path, sizeof(public_path), "%s.pub",
		    path);
		status = recipient_load(recipient, public_path, err);
	} else {
		status = recipient_parse_key(&key, text, NULL, path, err);
		if (status == AG_OK)
			recipient_public(recipient, key);
		secret_free(key);
	}
	if (status == AG_OK)
		recipient_format(facts->fingerprint, recipient);
	return status;
}

static enum ag_status
facts_of_private_file(struct key_facts *facts, const char *path, bool is_backup,
    struct ag_error *err)
{
	struct secret *text;
	enum ag_status status =
	    secret_read_file(&text, path, OPENSSH_KEY_FILE_BYTES_MAX, err);

	if (status != AG_OK)
		return status;
	if (is_backup)
		status =
		    facts_of_backup_key(facts, path, secret_bytes(text), err);
	else
		status =
		    facts_of_private_text(facts, secret_bytes(text), path, err);
	secret_free(text);
	return status;
}

/* The first bytes, which tell private from public and hold no secret. */
static enum ag_status
read_head(const char *path, uint8_t head[static HEAD_BYTES], size_t *len,
    struct ag_error *err)
{
	enum ag_status status;
	int fd;

	status = fs_open(&fd, path, O_RDONLY | O_NONBLOCK, 0, err);
	if (status != AG_OK)
		return status;
	status = fs_read_at(fd, path, head, HEAD_BYTES, 0, len, err);
	(void)close(fd);
	return status;
}

static enum ag_status
facts_of_file(struct key_facts *facts, const char *path, struct ag_error *err)
{
	uint8_t key[SIGN_PUBLIC_BYTES], head[HEAD_BYTES];
	enum ag_status status;
	struct bytes start;
	size_t len;

	*facts = (struct key_facts){ .type = "X25519" };
	status = read_head(path, head, &len, err);
	if (status != AG_OK)
		return status;
	start = bytes_of(head, len);
	if (bytes_has_prefix(start, bytes_from_text("-----BEGIN ")))
		return facts_of_private_file(facts, path, false, err);
	if (bytes_has_prefix(start, bytes_from_text("# keep this secret")) ||
	    bytes_has_prefix(start, bytes_from_text("AEGIS-SE")))
		return facts_of_private_file(facts, path, true, err);
	if (bytes_has_prefix(start, bytes_from_text("aegis-recipient-"))) {
		status = recipient_load(key, path, err);
		if (status == AG_OK)
			recipient_format(facts->fingerprint, key);
		return status;
	}
	status = public_key_load(key, facts->comment, path, err);
	if (status == AG_OK)
		facts_of_public(facts, key);
	return status;
}

static void
show_row(struct output *out, const struct key_facts *facts, const char *path)
{
	output_u64(out, 256);
	output_text(out, facts->fingerprint);
	output_text(out, facts->comment);
	output_text(out, facts->type);
	output_text(out, path);
	output_row(out);
}

/* keygen show FILE...; what can be shown is, whatever the others are. */
static int
keygen_show(struct applet_call *call)
{
	struct output *out = NULL;
	struct key_facts facts;
	struct ag_error err;
	size_t shown = 0, i;
	int code = EXIT_YES;

	if (call->operand_count < 2)
		return applet_usage(call, "missing FILE");
	if (call->output != OUTPUT_TABLE &&
	    output_new(&out, call, stdout, "keys", show_columns, &err) != AG_OK)
		return exit_fail(call, &err);
	for (i = 1; i < call->operand_count; i++) {
		if (facts_of_file(&facts, call->operands[i], &err) != AG_OK) {
			code = exit_fail_local(call, &err);
			continue;
		}
		shown++;
		if (out == NULL)
			facts_print(stdout, &facts);
		else
			show_row(out, &facts, call->operands[i]);
	}
	if ((out != NULL && output_end(out, &err) != AG_OK) ||
	    output_flush(stdout, &err) != AG_OK)
		return exit_fail(call, &err);
	return code != EXIT_YES && shown > 0 ? EXIT_PARTIAL : code;
}

/* Where a new key goes: two files, or its private text to stdout. */
static enum ag_status
put_ed25519(const struct applet_call *call, const struct secret *key,
    const char *path, const char *comment, const struct secret *passphrase,
    struct ag_error *err)
{
	enum ag_status status;
	struct secret *text;

	if (strcmp(path, "-") != 0)
		return openssh_key_save(key, path, comment, passphrase,
		    options_has(&call->options, "force"), err);
	status = openssh_key_format(&text, key, comment, passphrase, err);
	if (status == AG_OK)
		status = fs_write(STDOUT_FILENO, "standard output",
		    secret_bytes(text), err);
	secret_free(text);
	return status;
}

static enum ag_status
make_ed25519(struct key_facts *facts, const struct applet_call *call,
    const char *path, const struct secret *passphrase, struct ag_error *err)
{
	const char *type = options_text(&call->options, "type");
	const char *comment = options_text(&call->options, "comment");
	uint8_t public_key[SIGN_PUBLIC_BYTES];
	enum ag_status status;
	struct secret *key;

	if (comment == NULL)
		comment =
		    type == NULL || strcmp(type, "ed25519") == 0 ? "" : type;
	status = public_key_check_comment(comment, err);
	if (status == AG_OK)
		status = sign_keypair(&key, err);
	if (status != AG_OK)
		return status;
	status = put_ed25519(call, key, path, comment, passphrase, err);
	sign_public(public_key, key);
	facts_of_public(facts, public_key);
	(void)snprintf(facts->comment, sizeof(facts->comment), "%s", comment);
	secret_free(key);
	return status;
}

static enum ag_status
make_backup(struct key_facts *facts, const struct applet_call *call,
    const char *path, const struct secret *passphrase, struct ag_error *err)
{
	uint8_t recipient[RECIPIENT_KEY_BYTES];
	struct secret *key, *text;
	enum ag_status status;

	if (options_has(&call->options, "comment"))
		return ag_fail(err, AG_EINVAL,
		    "a backup key has no comment; leave out -C");
	status = recipient_keypair(&key, err);
	if (status != AG_OK)
		return status;
	facts->type = "X25519";
	recipient_public(recipient, key);
	recipient_format(facts->fingerprint, recipient);
	if (strcmp(path, "-") != 0) {
		status = recipient_save(key, path, passphrase,
		    options_has(&call->options, "force"), err);
	} else {
		status = recipient_format_key(&text, key, passphrase, err);
		if (status == AG_OK)
			status = fs_write(STDOUT_FILENO, "standard output",
			    secret_bytes(text), err);
		secret_free(text);
	}
	secret_free(key);
	return status;
}

static enum ag_status
check_type(const char *type, bool *is_backup, struct ag_error *err)
{
	static const char *const types[] = { "ed25519", "node", "link",
		"operator", "backup" };
	struct nearest search;
	size_t i;

	*is_backup = false;
	if (type == NULL)
		return AG_OK;
	nearest_init(&search, type);
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		*is_backup = strcmp(types[i], "backup") == 0;
		if (strcmp(types[i], type) == 0)
			return AG_OK;
		nearest_offer(&search, types[i]);
	}
	return ag_fail(err, AG_EINVAL,
	    "type '%s' is not one of ed25519, node, link, operator, "
	    "backup%s%s%s",
	    type, search.best != NULL ? "; did you mean " : "",
	    search.best != NULL ? search.best : "",
	    search.best != NULL ? "?" : "");
}

/* What was made: on stdout, unless the private key itself went there. */
static enum ag_status
keygen_tell(const struct applet_call *call, const struct key_facts *facts,
    const char *path, struct ag_error *err)
{
	FILE *stream = strcmp(path, "-") == 0 ? stderr : stdout;
	enum ag_status status;
	struct output *out;

	if (call->output == OUTPUT_TABLE) {
		facts_print(stream, facts);
		return output_flush(stream, err);
	}
	status = output_new(&out, call, stream, "keys", show_columns, err);
	if (status != AG_OK)
		return status;
	show_row(out, facts, path);
	return output_end(out, err);
}

static int
keygen_make(struct applet_call *call)
{
	const char *path = options_text(&call->options, "out");
	struct secret *passphrase;
	struct key_facts facts = { 0 };
	struct ag_error err;
	enum ag_status status;
	bool is_backup;

	if (check_type(options_text(&call->options, "type"), &is_backup,
		&err) != AG_OK)
		return applet_usage(call, "%s", err.text);
	if (path == NULL || path[0] == '\0')
		return applet_usage(call, "missing -o FILE ('-o -' prints it)");
	status = passphrase_option(&passphrase, call, true, &err);
	if (status != AG_OK)
		return exit_fail(call, &err);
	status = is_backup ? make_backup(&facts, call, path, passphrase, &err)
			   : make_ed25519(&facts, call, path, passphrase, &err);
	secret_free(passphrase);
	if (status == AG_EEXIST)
		(void)ag_fail(&err, AG_EEXIST,
		    "%s or %s.pub exists already; --force replaces both", path,
		    path);
	if (status != AG_OK)
		return exit_fail(call, &err);
	if (!call->is_quiet && keygen_tell(call, &facts, path, &err) != AG_OK)
		return exit_fail(call, &err);
	return EXIT_YES;
}

static int
keygen_run(struct applet_call *call)
{
	secret_forbid_dumps();
	if (call->output == OUTPUT_CBOR)
		return applet_usage(call,
		    "-o cbor: there is no such form of this");
	if (call->operand_count == 0)
		return keygen_make(call);
	if (strcmp(call->operands[0], "show") == 0)
		return keygen_show(call);
	return applet_usage(call, "unexpected operand '%s'; did you mean show?",
	    call->operands[0]);
}

static const char *const keygen_examples[] = {
	"aegis keygen -T operator -o alice",
	"aegis keygen show alice.pub",
	"aegis keygen -T backup -o backup.key",
	NULL,
};

const struct applet applet_keygen = {
	.name = "keygen",
	.summary = "make keys and show their fingerprints",
	.operands = "[show] [FILE...]",
	.options = keygen_options,
	.examples = keygen_examples,
	.flags = APPLET_OFFLINE | APPLET_SECRETS,
	.run = keygen_run,
};
