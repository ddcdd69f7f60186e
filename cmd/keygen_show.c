/*
 * aegis keygen show, check and public: what a key is, from its file.
 *
 * RULES    1. Show takes no passphrase where the public half stands in the
 *             file or beside it, and asks for none.
 *          2. What can be shown is, whatever the other files are.
 */
#include "cmd/keygen_show.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "cmd/display.h"
#include "cmd/exit.h"
#include "cmd/keygen_options.h"
#include "cmd/output.h"
#include "cmd/passphrase.h"
#include "crypto/key_format.h"
#include "crypto/recipient.h"

#define HEAD_BYTES 26

const struct applet_option keygen_show_public_options[] = {
	{ 'F', "format", "FORMAT", "line (default) or pem" },
	OPTIONS_END,
};

static const struct output_column show_columns[] = {
	{ "bits", NULL, OUTPUT_RIGHT },
	{ "fingerprint", NULL, OUTPUT_VALUE_COLUMN },
	{ "comment", NULL, 0 },
	{ "type", NULL, 0 },
	{ "file", NULL, 0 },
	{ "format", NULL, 0 },
	{ "strength_bits", "STRENGTH", OUTPUT_RIGHT },
	{ "standing", NULL, 0 },
	{ "uses", NULL, 0 },
	{ NULL, NULL, 0 },
};

struct key_facts {
	struct key_public public;
	char comment[PUBLIC_KEY_COMMENT_BYTES];
	const char *format; /* "public", or of the private key */
	bool is_backup;     /* shown as what backups are sealed to */
};

static void
facts_name(char text[static KEY_PUBLIC_TEXT_BYTES],
    const struct key_facts *facts)
{
	if (facts->is_backup)
		recipient_format(text, facts->public.x25519);
	else
		key_public_name(text, &facts->public);
}

/* As `ssh-keygen -lf` prints it. */
static void
facts_print(FILE *stream, const struct key_facts *facts)
{
	char name[KEY_PUBLIC_TEXT_BYTES];
	const char *comment =
	    facts->comment[0] != '\0' ? facts->comment : "no comment";

	facts_name(name, facts);
	/* Somebody else's text: not for the terminal to act on. */
	(void)fprintf(stream, "%u %s ", facts->public.bits, name);
	display_print(stream, bytes_from_text(comment));
	(void)fprintf(stream, " (%s)\n", key_public_type(&facts->public));
}

static const char *
uses_of(const struct key_public *key)
{
	if (key->id == ALGORITHM_KEY_X25519)
		return "encrypt";
	if (key->id == ALGORITHM_KEY_RISTRETTO255)
		return "escrow";
	if (key_public_algorithm(key)->standing == ALGORITHM_VERIFY_ONLY)
		return "ssh,verify";
	return key->id == SSH_KEY_ED25519 ? "ssh,sign,roster" : "ssh,sign";
}

static void
facts_row(struct output *out, const struct key_facts *facts, const char *path)
{
	char name[KEY_PUBLIC_TEXT_BYTES];
	const struct algorithm *row = key_public_algorithm(&facts->public);

	facts_name(name, facts);
	output_u64(out, facts->public.bits);
	output_text(out, name);
	output_text(out, facts->comment);
	output_text(out, key_public_type(&facts->public));
	output_text(out, path);
	output_text(out, facts->format);
	output_u64(out, key_public_strength(&facts->public));
	output_text(out, algorithm_standing_name(row->standing));
	output_list(out, uses_of(&facts->public));
	output_row(out);
}

/* The first bytes, which tell private from public and hold no secret. */
static enum ag_status
is_private_file(bool *is_private, const char *path, struct ag_error *err)
{
	static const char *const begins[] = { "#", "AGE-SECRET-KEY-",
		"AEGIS-SE", "-----BEGIN " };
	uint8_t head[HEAD_BYTES];
	enum ag_status status;
	struct bytes start;
	size_t len;
	int fd;

	status = fs_open(&fd, path, O_RDONLY | O_NONBLOCK, 0, err);
	if (status != AG_OK)
		return status;
	status = fs_read_at(fd, path, head, HEAD_BYTES, 0, &len, err);
	(void)close(fd);
	if (status != AG_OK)
		return status;
	start = bytes_of(head, len);
	*is_private = false;
	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
		if (bytes_has_prefix(start, bytes_from_text(begins[i])))
			*is_private = true;
	if (bytes_has_prefix(start,
		bytes_from_text("-----BEGIN PUBLIC KEY-----")))
		*is_private = false;
	return AG_OK;
}

static enum ag_status
facts_of_public_file(struct key_facts *facts, const char *path,
    struct ag_error *err)
{
	enum ag_status status;
	struct buf text;

	buf_init(&text, PUBLIC_KEY_FILE_BYTES_MAX);
	status = fs_read_file(path, &text, err);
	if (status == AG_OK) {
		facts->format = "public";
		facts->is_backup = recipient_is_text(buf_bytes(&text));
		status = key_public_parse(&facts->public, facts->comment,
		    buf_bytes(&text), err);
		if (status != AG_OK)
			ag_error_prefix(err, "public key %s", path);
	}
	buf_fini(&text);
	return status;
}

/* What a private key's file leaves open may stand in the one beside it. */
static enum ag_status
facts_from_beside(struct key_facts *facts, const char *path, bool is_known,
    struct ag_error *err)
{
	char public_path[PATH_MAX];
	struct key_facts beside;

	if ((size_t)snprintf(public_path, sizeof(public_path), "%s.pub",
		path) >= sizeof(public_path) ||
	    facts_of_public_file(&beside, public_path, NULL) != AG_OK)
		return is_known
		    ? AG_OK
		    : ag_fail(err, AG_EDENIED,
			  "private key %s: it is encrypted, and there is no "
			  "%s.pub to tell of it (--passphrase-fd)",
			  path, path);
	if (!is_known)
		facts->public = beside.public;
	else if (!key_public_equal(&facts->public, &beside.public))
		return AG_OK;
	if (facts->comment[0] == '\0')
		memcpy(facts->comment, beside.comment, sizeof(beside.comment));
	return AG_OK;
}

/* What an opened key tells of itself. */
static void
facts_of_key(struct key_facts *facts, const struct private_key *key)
{
	facts->public = *private_key_public(key);
	memcpy(facts->comment, private_key_comment(key),
	    sizeof(facts->comment));
}

static enum ag_status
facts_of_private_text(struct key_facts *facts, const struct applet_call *call,
    const char *path, struct bytes text, struct ag_error *err)
{
	bool is_given = options_has(&call->options, "passphrase") ||
	    options_has(&call->options, "passphrase-fd");
	enum key_format format = KEY_FORMAT_COUNT;
	struct private_key *key;
	struct secret *passphrase;
	enum ag_status status;

	if (key_format_detect(&format, text))
		facts->format = key_format_name(format);
	facts->is_backup = format == KEY_FORMAT_BACKUP;
	if (is_given && key_format_is_encrypted(text)) {
		status = passphrase_open_key(&key, call, path, text,
		    &passphrase, err);
		if (status != AG_OK)
			return status;
		facts_of_key(facts, key);
		secret_free(passphrase);
		private_key_free(key);
		return AG_OK;
	}
	status =
	    key_format_public(&facts->public, facts->comment, text, path, err);
	if (status != AG_OK && status != AG_EDENIED)
		return status;
	return facts_from_beside(facts, path, status == AG_OK, err);
}

static enum ag_status
facts_of_file(struct key_facts *facts, const struct applet_call *call,
    const char *path, struct ag_error *err)
{
	enum ag_status status;
	struct secret *text;
	bool is_private;

	*facts = (struct key_facts){ 0 };
	status = is_private_file(&is_private, path, err);
	if (status != AG_OK)
		return status;
	if (!is_private)
		return facts_of_public_file(facts, path, err);
	status = secret_read_file(&text, path, KEY_FORMAT_FILE_BYTES_MAX, err);
	if (status != AG_OK)
		return status;
	status =
	    facts_of_private_text(facts, call, path, secret_bytes(text), err);
	secret_free(text);
	return status;
}

/* Something done for each file; *shown counts those that it was done for. */
typedef enum ag_status file_fn(const struct applet_call *call, const char *path,
    struct output *out, struct ag_error *err);

static int
for_each_file(const struct applet_call *call, file_fn *tell)
{
	struct output *out = NULL;
	struct ag_error err;
	int code = EXIT_YES;
	size_t shown = 0;

	if (!keygen_options_fit(call))
		return EXIT_USAGE;
	if (call->output == OUTPUT_CBOR)
		return applet_usage(call,
		    "-o cbor: there is no such form of this");
	if (call->output != OUTPUT_TABLE &&
	    output_new(&out, call, stdout, "keys", show_columns, &err) != AG_OK)
		return exit_fail(call, &err);
	for (size_t i = 0; i < call->operand_count; i++) {
		if (tell(call, call->operands[i], out, &err) == AG_OK)
			shown++;
		else
			code = exit_fail_local(call, &err);
	}
	if ((out != NULL && output_end(out, &err) != AG_OK) ||
	    output_flush(stdout, &err) != AG_OK)
		return exit_fail(call, &err);
	return code != EXIT_YES && shown > 0 ? EXIT_PARTIAL : code;
}

static void
facts_tell(const struct key_facts *facts, struct output *out, FILE *stream,
    const char *path)
{
	if (out != NULL)
		facts_row(out, facts, path);
	else
		facts_print(stream, facts);
}

static enum ag_status
show_file(const struct applet_call *call, const char *path, struct output *out,
    struct ag_error *err)
{
	struct key_facts facts;
	enum ag_status status = facts_of_file(&facts, call, path, err);

	if (status == AG_OK)
		facts_tell(&facts, out, stdout, path);
	return status;
}

int
keygen_show(struct applet_call *call)
{
	return for_each_file(call, show_file);
}

/* A private key is opened for it, and checked as a whole. */
static enum ag_status
check_private(struct key_facts *facts, const struct applet_call *call,
    const char *path, struct ag_error *err)
{
	struct secret *text, *passphrase;
	enum key_format format;
	struct private_key *key;
	enum ag_status status =
	    secret_read_file(&text, path, KEY_FORMAT_FILE_BYTES_MAX, err);

	if (status != AG_OK)
		return status;
	status = passphrase_open_key(&key, call, path, secret_bytes(text),
	    &passphrase, err);
	if (status == AG_OK) {
		(void)key_format_detect(&format, secret_bytes(text));
		facts->format = key_format_name(format);
		facts->is_backup = format == KEY_FORMAT_BACKUP;
		facts_of_key(facts, key);
		status = private_key_check(key, err);
		if (status != AG_OK)
			ag_error_prefix(err, "private key %s", path);
	}
	secret_free(passphrase);
	private_key_free(key);
	secret_free(text);
	return status;
}

static enum ag_status
check_public(struct key_facts *facts, const char *path, struct ag_error *err)
{
	enum ag_status status = facts_of_public_file(facts, path, err);

	if (status != AG_OK)
		return status;
	status = key_public_check(&facts->public, err);
	if (status != AG_OK)
		ag_error_prefix(err, "public key %s", path);
	return status;
}

static enum ag_status
check_file(const struct applet_call *call, const char *path, struct output *out,
    struct ag_error *err)
{
	struct key_facts facts = { 0 };
	enum ag_status status;
	bool is_private;

	status = is_private_file(&is_private, path, err);
	if (status == AG_OK)
		status = is_private ? check_private(&facts, call, path, err)
				    : check_public(&facts, path, err);
	if (status == AG_OK && !call->is_quiet)
		facts_tell(&facts, out, stdout, path);
	return status;
}

int
keygen_show_check(struct applet_call *call)
{
	return for_each_file(call, check_file);
}

static enum ag_status
put_public(struct buf *text, const struct key_facts *facts, bool is_pem,
    struct ag_error *err)
{
	char recipient[KEY_PUBLIC_TEXT_BYTES];

	if (is_pem)
		return key_public_format_pem(text, &facts->public, err);
	if (!facts->is_backup)
		return key_public_format(text, &facts->public, facts->comment,
		    err);
	recipient_format(recipient, facts->public.x25519);
	return buf_printf(text, "%s\n", recipient);
}

/* Its public half alone, to standard output. */
int
keygen_show_public(struct applet_call *call)
{
	const char *format = options_text(&call->options, "format");
	bool is_pem = format != NULL && strcmp(format, "pem") == 0;
	struct key_facts facts;
	enum ag_status status;
	struct ag_error err;
	struct buf text;

	if (!keygen_options_fit(call))
		return EXIT_USAGE;
	if (format != NULL && !is_pem && strcmp(format, "line") != 0)
		return applet_usage(call, "format '%s' is not one of line, pem",
		    format);
	if (facts_of_file(&facts, call, call->operands[0], &err) != AG_OK)
		return exit_fail_local(call, &err);
	buf_init(&text, PUBLIC_KEY_FILE_BYTES_MAX);
	status = put_public(&text, &facts, is_pem, &err);
	if (status == AG_OK)
		status = fs_write(STDOUT_FILENO, "standard output",
		    buf_bytes(&text), &err);
	buf_fini(&text);
	return status == AG_OK ? EXIT_YES : exit_fail(call, &err);
}

enum ag_status
keygen_show_made(const struct applet_call *call, const struct private_key *key,
    const char *format, const char *path, struct ag_error *err)
{
	FILE *stream = strcmp(path, "-") == 0 ? stderr : stdout;
	struct key_facts facts = { .public = *private_key_public(key),
		.format = format,
		.is_backup = strcmp(format, "backup") == 0 };
	enum ag_status status;
	struct output *out = NULL;

	memcpy(facts.comment, private_key_comment(key), sizeof(facts.comment));
	if (call->output == OUTPUT_TABLE) {
		facts_print(stream, &facts);
		return output_flush(stream, err);
	}
	status = output_new(&out, call, stream, "keys", show_columns, err);
	if (status != AG_OK)
		return status;
	facts_row(out, &facts, path);
	return output_end(out, err);
}
