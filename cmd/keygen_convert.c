/*
 * aegis keygen convert and passphrase: the same key in another file.
 *
 * RULES    1. A key that is not sound is not written again.
 *          2. A key that had a passphrase is written with one: the same,
 *             unless there is a new one or --no-passphrase says none.
 *          3. Changing a passphrase replaces the file as a whole or leaves it
 *             as it was.
 */
#include "cmd/keygen_convert.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "cmd/exit.h"
#include "cmd/keygen_options.h"
#include "cmd/keygen_show.h"
#include "cmd/passphrase.h"
#include "crypto/key_file.h"
#include "crypto/recipient.h"

const struct applet_option keygen_convert_options[] = {
	NEW_PASSPHRASE_OPTIONS,
	OPTIONS_END,
};

static enum ag_status
put_public(struct buf *out, const struct private_key *key,
    enum key_format format, struct ag_error *err)
{
	char recipient[RECIPIENT_TEXT_BYTES];

	if (format != KEY_FORMAT_BACKUP)
		return key_public_format(out, private_key_public(key),
		    private_key_comment(key), err);
	recipient_format(recipient, private_key_public(key)->x25519);
	return buf_printf(out, "%s\n", recipient);
}

/* work is what keygen_options_work() allowed. */
static enum ag_status
make_text(struct secret **text, const struct private_key *key,
    enum key_format format, const struct secret *passphrase,
    enum work_level work, struct ag_error *err)
{
	return format == KEY_FORMAT_SEALED
	    ? key_format_write_sealed(text, key, passphrase, work, err)
	    : key_format_write(text, key, format, passphrase, err);
}

enum ag_status
keygen_convert_put(const struct applet_call *call,
    const struct private_key *key, enum key_format format,
    const struct secret *passphrase, enum work_level work, const char *path,
    struct ag_error *err)
{
	struct buf public_text;
	enum ag_status status;
	struct secret *text;

	status = make_text(&text, key, format, passphrase, work, err);
	if (status != AG_OK)
		return status;
	buf_init(&public_text, PUBLIC_KEY_FILE_BYTES_MAX);
	if (strcmp(path, "-") == 0)
		status = fs_write(STDOUT_FILENO, "standard output",
		    secret_bytes(text), err);
	else
		status = put_public(&public_text, key, format, err);
	if (status == AG_OK && strcmp(path, "-") != 0)
		status =
		    key_file_save(secret_bytes(text), buf_bytes(&public_text),
			path, options_has(&call->options, "force"), err);
	buf_fini(&public_text);
	secret_free(text);
	if (status == AG_EEXIST)
		(void)ag_fail(err, AG_EEXIST,
		    "%s or %s.pub exists already; --force replaces both", path,
		    path);
	return status;
}

/* A key in a file, its passphrase, and what is to become of that. */
struct conversion {
	const struct applet_call *call;
	const char *path;
	struct private_key *key;
	struct secret *passphrase;
	enum key_format format;
	enum work_level work;
};

static void
conversion_fini(struct conversion *c)
{
	private_key_free(c->key);
	secret_free(c->passphrase);
}

static enum ag_status
conversion_load(struct conversion *c, struct ag_error *err)
{
	struct secret *text;
	enum ag_status status =
	    secret_read_file(&text, c->path, KEY_FORMAT_FILE_BYTES_MAX, err);

	if (status != AG_OK)
		return status;
	(void)key_format_detect(&c->format, secret_bytes(text));
	status = passphrase_open_key(&c->key, c->call, c->path,
	    secret_bytes(text), &c->passphrase, err);
	secret_free(text);
	if (status == AG_OK) {
		status = private_key_check(c->key, err);
		if (status != AG_OK)
			ag_error_prefix(err, "private key %s", c->path);
	}
	return status;
}

/* Whether the options say what the passphrase is to be, once at most. */
static bool
are_options_right(const struct applet_call *call, bool is_needed)
{
	int given = options_has(&call->options, "new-passphrase") +
	    options_has(&call->options, "new-passphrase-fd") +
	    options_has(&call->options, "no-passphrase");

	if (given > 1)
		(void)applet_usage(call,
		    "--new-passphrase, --new-passphrase-fd and "
		    "--no-passphrase exclude each other");
	else if (given == 0 && is_needed)
		(void)applet_usage(call,
		    "missing --new-passphrase, --new-passphrase-fd N or "
		    "--no-passphrase");
	else
		return true;
	return false;
}

static enum ag_status
change_passphrase(struct conversion *c, struct ag_error *err)
{
	const struct options *options = &c->call->options;
	struct secret *new;
	enum ag_status status = passphrase_new_option(&new, c->call, err);

	if (status != AG_OK)
		return status;
	if (new == NULL && !options_has(options, "no-passphrase"))
		return AG_OK;
	secret_free(c->passphrase);
	c->passphrase = new;
	return AG_OK;
}

static int
convert_with(struct conversion *c, const char *out)
{
	const struct applet_call *call = c->call;
	const char *name = options_text(&call->options, "format");
	const char *comment = options_text(&call->options, "comment");
	enum ag_status status;
	struct ag_error err;

	if (conversion_load(c, &err) != AG_OK ||
	    change_passphrase(c, &err) != AG_OK)
		return exit_fail_local(call, &err);
	if (name != NULL && key_format_find(&c->format, name, &err) != AG_OK)
		return applet_usage(call, "%s", err.text);
	if (comment != NULL && public_key_check_comment(comment, &err) != AG_OK)
		return applet_usage(call, "%s", err.text);
	if (comment != NULL)
		private_key_set_comment(c->key, comment);
	if (keygen_options_work(&c->work, call, c->format, &err) != AG_OK)
		return applet_usage(call, "%s", err.text);
	status = keygen_convert_put(call, c->key, c->format, c->passphrase,
	    c->work, out, &err);
	if (status == AG_OK && !call->is_quiet)
		status = keygen_show_made(call, c->key,
		    key_format_name(c->format), out, &err);
	return status == AG_OK ? EXIT_YES : exit_fail(call, &err);
}

int
keygen_convert(struct applet_call *call)
{
	const char *out = options_text(&call->options, "out");
	struct conversion c = { .call = call, .path = call->operands[0] };
	int code;

	if (!keygen_options_fit(call))
		return EXIT_USAGE;
	if (out == NULL || out[0] == '\0')
		return applet_usage(call, "missing -o FILE ('-o -' prints it)");
	if (!are_options_right(call, false))
		return EXIT_USAGE;
	code = convert_with(&c, out);
	conversion_fini(&c);
	return code;
}

/*
 * In its place: a link to it stays one, or the key itself would be as before.
 * The new file is ours, so that a node could not read its key any more when
 * root has changed it; and giving it away is no safe thing to do in a directory
 * that is another's.
 */
static enum ag_status
rewrite(const struct conversion *c, struct ag_error *err)
{
	char place[PATH_MAX];
	enum ag_status status;
	struct secret *text;
	struct stat st;

	if (realpath(c->path, place) == NULL || stat(place, &st) == -1)
		return ag_fail_sys(err, "write %s", c->path);
	if (st.st_uid != geteuid())
		return ag_fail(err, AG_EREFUSED,
		    "%s belongs to another user (%u), who alone can change it",
		    place, (unsigned int)st.st_uid);
	status =
	    make_text(&text, c->key, c->format, c->passphrase, c->work, err);
	if (status == AG_OK)
		status = fs_write_file(place, 0600, secret_bytes(text), err);
	secret_free(text);
	return status;
}

int
keygen_convert_passphrase(struct applet_call *call)
{
	struct conversion c = { .call = call, .path = call->operands[0] };
	struct ag_error err;
	int code = EXIT_YES;

	if (!keygen_options_fit(call) || !are_options_right(call, true))
		return EXIT_USAGE;
	if (conversion_load(&c, &err) != AG_OK ||
	    change_passphrase(&c, &err) != AG_OK)
		code = exit_fail_local(call, &err);
	else if (keygen_options_work(&c.work, call, c.format, &err) != AG_OK)
		code = applet_usage(call, "%s", err.text);
	else if (rewrite(&c, &err) != AG_OK)
		code = exit_fail(call, &err);
	else if (!call->is_quiet &&
	    keygen_show_made(call, c.key, key_format_name(c.format), c.path,
		&err) != AG_OK)
		code = exit_fail(call, &err);
	conversion_fini(&c);
	return code;
}
