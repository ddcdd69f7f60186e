/*
 * A node's keyring in its directory.
 *
 * RULES    1. A key file is written before the keyring that it opens.
 *          2. No slot says itself which token is asked: whoever can write the
 *             file would have a PIN typed where he likes.
 */
#include "cmd/keyring_place.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "cmd/passphrase.h"

#define KEYRING_NAME "keyring"
#define KEY_NAME "keys/storage"

/* One more than may be, so that a longer file is noticed. */
#define KEY_FILE_BYTES_MAX (KEYRING_KEY_BYTES + 1)

enum ag_status
keyring_place_init(struct keyring_place *place, const char *data_dir,
    const char *key_file, struct ag_error *err)
{
	enum ag_status status = fs_join(place->path, sizeof(place->path),
	    data_dir, KEYRING_NAME, err);

	place->configured = 0;
	place->has_made_key = false;
	if (status != AG_OK)
		return status;
	if (key_file == NULL || key_file[0] == '\0')
		return fs_join(place->key_file, sizeof(place->key_file),
		    data_dir, KEY_NAME, err);
	if ((size_t)snprintf(place->key_file, sizeof(place->key_file), "%s",
		key_file) >= sizeof(place->key_file))
		return ag_fail(err, AG_ELIMIT, "key file %s: path too long",
		    key_file);
	return AG_OK;
}

enum ag_status
keyring_place_configure(struct keyring_place *place, const char *token,
    const char *passphrase_file, struct ag_error *err)
{
	const bool is_token = token[0] != '\0';
	const char *setting = is_token ? token : passphrase_file;

	if (setting[0] == '\0')
		return AG_OK;
	place->configured = is_token ? KEYRING_HSM : KEYRING_PASSPHRASE;
	if ((size_t)snprintf(place->setting, sizeof(place->setting), "%s",
		setting) < sizeof(place->setting))
		return AG_OK;
	return ag_fail(err, AG_ELIMIT, "%s: longer than %zu bytes",
	    is_token ? "keyring.token" : "keyring.passphrase_file",
	    sizeof(place->setting) - 1);
}

enum ag_status
keyring_place_key(struct secret **out, const char *path, bool may_make,
    struct ag_error *err)
{
	enum ag_status status =
	    secret_read_file(out, path, KEY_FILE_BYTES_MAX, err);

	if (status == AG_ENOENT && may_make) {
		*out = secret_random(KEYRING_KEY_BYTES);
		if (*out == NULL)
			return ag_fail(err, AG_ENOMEM,
			    "key file %s: out of memory", path);
		status = fs_create_file(path, 0600, secret_bytes(*out), err);
	} else if (status == AG_OK && secret_len(*out) != KEYRING_KEY_BYTES) {
		status = ag_fail(err, AG_EINVAL,
		    "key file %s: it has not the %d bytes of a storage key",
		    path, KEYRING_KEY_BYTES);
	}
	if (status != AG_OK) {
		secret_free(*out);
		*out = NULL;
	}
	return status;
}

/* --- opening --- */

static bool
has_slot(const struct keyring_look *look, enum keyring_kind kind)
{
	for (size_t i = 0; i < look->slot_count; i++)
		if (look->slots[i].kind == kind)
			return true;
	return false;
}

static enum ag_status
passphrase_in(struct secret **out, const char *path, struct ag_error *err)
{
	struct secret *text;
	const uint8_t *end;
	enum ag_status status;

	*out = NULL;
	/* With the end of its line. */
	status = secret_read_file(&text, path, PASSPHRASE_BYTES_MAX + 1, err);
	if (status != AG_OK)
		return status;
	end = memchr(secret_data(text), '\n', secret_len(text));
	if (end != NULL)
		secret_shorten(text, (size_t)(end - secret_data(text)));
	status = secret_check_passphrase(text, err);
	if (status == AG_OK) {
		*out = text;
		return AG_OK;
	}
	ag_error_prefix(err, "%s", path);
	secret_free(text);
	return status;
}

/*
 * No key file, and no passphrase: what says the keyring itself?  It is not
 * believed, but shown.
 */
static enum ag_status
no_way_in(const struct keyring_place *place, const struct keyring_look *look,
    const char *prefix, struct ag_error *err)
{
	for (size_t i = 0; i < look->slot_count; i++) {
		const struct keyring_look_slot *slot = &look->slots[i];

		if (slot->kind == KEYRING_HSM)
			return ag_fail(err, AG_ENOENT,
			    "open keyring %s: its key file %s is not there; "
			    "slot %u is opened by a token's key (--%stoken): "
			    "%s",
			    place->path, place->key_file, slot->number, prefix,
			    look->openers[i]);
	}
	return ag_fail(err, AG_ENOENT,
	    "open keyring %s: its key file %s is not there%s", place->path,
	    place->key_file,
	    has_slot(look, KEYRING_ESCROW)
		? "; what opens it is in escrow, too (aegis escrow request)"
		: "");
}

/* No key file, or none that is known of: is there another way in? */
static enum ag_status
ask_for_it(struct keyring_key *key, const struct keyring_place *place,
    const char *prefix, struct ag_error *err)
{
	struct keyring_look look;
	char prompt[PATH_MAX + 32];
	enum ag_status status;

	status = keyring_look_at(&look, place->path, err);
	if (status != AG_OK)
		return status;
	if (!has_slot(&look, KEYRING_PASSPHRASE))
		return no_way_in(place, &look, prefix, err);
	key->opener.kind = KEYRING_PASSPHRASE;
	(void)snprintf(prompt, sizeof(prompt),
	    "Passphrase of %.200s: ", place->path);
	return passphrase_prompt(&key->secret, prompt, err);
}

static enum ag_status
token_of(struct keyring_key *key, const struct applet_call *call,
    const char *prefix, const char *uri, struct ag_error *err)
{
	key->opener.kind = KEYRING_HSM;
	return keyring_token_open(&key->token, call, prefix, uri, err);
}

/* The token that is always used is away: is it the only way? */
static enum ag_status
configured_token(struct keyring_key *key, const struct keyring_place *place,
    const struct applet_call *call, const char *prefix, struct ag_error *err)
{
	enum ag_status status =
	    token_of(key, call, prefix, place->setting, err);
	struct keyring_look look;

	if (status == AG_OK)
		return AG_OK;
	ag_error_prefix(err, "keyring.token");
	if (keyring_look_at(&look, place->path, NULL) == AG_OK &&
	    has_slot(&look, KEYRING_PASSPHRASE))
		ag_error_suffix(err,
		    "; a passphrase opens the keyring, too (--%spassphrase)",
		    prefix);
	return status;
}

/* The key borrows nothing that goes before it. */
static void
opener_finish(struct keyring_key *key)
{
	key->opener.secret = key->secret;
	if (key->token != NULL)
		key->opener.device = keyring_token_device(key->token);
}

enum ag_status
keyring_place_given(struct keyring_key *key, const struct applet_call *call,
    const char *prefix, enum keyring_kind kind, struct ag_error *err)
{
	static const char *const names[] = {
		[KEYRING_PASSPHRASE] = "passphrase",
		[KEYRING_HSM] = "token",
		[KEYRING_ESCROW] = "escrow-secret",
	};
	enum ag_status status = AG_OK;
	const char *text;
	char name[32];

	*key = (struct keyring_key){ .secret = NULL };
	(void)snprintf(name, sizeof(name), "%s%s", prefix, names[kind]);
	text = options_text(&call->options, name);
	if (kind == KEYRING_PASSPHRASE)
		status = passphrase_named_option(&key->secret, call, name,
		    false, err);
	else if (text != NULL && kind == KEYRING_ESCROW)
		status = keyring_place_key(&key->secret, text, false, err);
	else if (text != NULL)
		status = token_of(key, call, prefix, text, err);
	if (status != AG_OK || key->secret != NULL || key->token != NULL)
		key->opener.kind = kind;
	opener_finish(key);
	return status;
}

/* What the options say, of kind 0 when they say nothing. */
static enum ag_status
opener_of_options(struct keyring_key *key, const struct applet_call *call,
    const char *prefix, struct ag_error *err)
{
	static const enum keyring_kind kinds[] = { KEYRING_PASSPHRASE,
		KEYRING_ESCROW, KEYRING_HSM };
	enum ag_status status = AG_OK;

	key->opener.kind = 0;
	for (size_t i = 0; status == AG_OK && key->opener.kind == 0 &&
	     i < sizeof(kinds) / sizeof(kinds[0]);
	     i++)
		status = keyring_place_given(key, call, prefix, kinds[i], err);
	return status;
}

enum ag_status
keyring_place_opener(struct keyring_key *key, const struct keyring_place *place,
    const struct applet_call *call, const char *prefix, struct ag_error *err)
{
	enum ag_status status;

	*key = (struct keyring_key){ .secret = NULL };
	status = opener_of_options(key, call, prefix, err);
	if (status == AG_OK && key->opener.kind == 0) {
		if (place->configured == KEYRING_HSM) {
			status =
			    configured_token(key, place, call, prefix, err);
		} else if (place->configured == KEYRING_PASSPHRASE) {
			key->opener.kind = KEYRING_PASSPHRASE;
			status =
			    passphrase_in(&key->secret, place->setting, err);
		} else if (fs_exists(place->key_file)) {
			key->opener.kind = KEYRING_FILE;
			status = keyring_place_key(&key->secret,
			    place->key_file, false, err);
		} else {
			status = ask_for_it(key, place, prefix, err);
		}
	}
	opener_finish(key);
	return status;
}

enum ag_status
keyring_place_check_new(const struct applet_call *call, const char *prefix,
    struct ag_error *err)
{
	static const char *const ways[] = { "key-file", "token", "passphrase",
		"passphrase-fd", "escrow-secret" };
	const char *way = "";
	enum work_level work;
	size_t given = 0;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "%s%s", prefix, ways[i]);
		if (!options_has(&call->options, name))
			continue;
		given++;
		way = ways[i];
	}
	if (given > 1)
		return ag_fail(err, AG_EINVAL,
		    "one of --%skey-file, --%stoken, --%spassphrase and "
		    "--%spassphrase-fd opens it",
		    prefix, prefix, prefix, prefix);
	if (strcmp(way, "escrow-secret") == 0)
		return ag_fail(err, AG_EINVAL,
		    "what was in escrow opens no new keyring (aegis escrow "
		    "init --keyring)");
	if (strncmp(way, "passphrase", 10) != 0 &&
	    options_has(&call->options, "work"))
		return ag_fail(err, AG_EINVAL,
		    "--work is of passphrases, and none is given");
	return passphrase_work_option(&work, call, err);
}

enum ag_status
keyring_place_new(struct keyring_key *key, const struct applet_call *call,
    const char *prefix, struct ag_error *err)
{
	enum ag_status status;
	const char *uri;
	char name[32];

	*key = (struct keyring_key){ .secret = NULL };
	(void)snprintf(name, sizeof(name), "%stoken", prefix);
	uri = options_text(&call->options, name);
	(void)snprintf(name, sizeof(name), "%spassphrase", prefix);
	status = passphrase_work_option(&key->opener.work, call, err);
	if (status == AG_OK && uri != NULL)
		status = token_of(key, call, prefix, uri, err);
	else if (status == AG_OK)
		status = passphrase_named_option(&key->secret, call, name, true,
		    err);
	if (key->secret != NULL)
		key->opener.kind = KEYRING_PASSPHRASE;
	opener_finish(key);
	return status;
}

void
keyring_key_fini(struct keyring_key *key)
{
	secret_free(key->secret);
	keyring_token_close(key->token);
	*key = (struct keyring_key){ .secret = NULL };
}

/* --- making --- */

enum ag_status
keyring_place_make(struct keyring_place *place, const char *node,
    const struct keyring_opener *opener, struct ag_error *err)
{
	struct keyring_opener by_file = { .kind = KEYRING_FILE };
	struct secret *key = NULL;
	enum ag_status status = AG_OK;

	if (fs_exists(place->path))
		return ag_fail(err, AG_EEXIST,
		    "make keyring %s: it exists already", place->path);
	if (opener == NULL) {
		place->has_made_key = !fs_exists(place->key_file);
		status = keyring_place_key(&key, place->key_file, true, err);
		by_file.secret = key;
		opener = &by_file;
	}
	if (status == AG_OK)
		status = keyring_create(place->path, node, opener, "",
		    clock_wall_ms(), err);
	secret_free(key);
	return status;
}

void
keyring_place_undo(const struct keyring_place *place)
{
	(void)unlink(place->path);
	if (place->has_made_key)
		(void)unlink(place->key_file);
}
