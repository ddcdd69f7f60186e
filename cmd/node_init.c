/*
 * aegis node init: keys, a member file for the roster, and a configuration.
 *
 * FORMAT   DIR/keys/node, DIR/keys/link   private keys, and .pub beside them;
 *                                         of a node key in a token .pub alone
 *          DIR/keyring, DIR/keys/storage  the keyring, and what opens it
 *          DIR/member                     this node's part of the roster
 *          DIR/aegis.yaml                 configuration, every key explained
 *
 * RULES    1. A directory that exists is refused and left alone: it may be a
 *             node already.
 *          2. Everything given is checked before anything is made, and what
 *             was made is taken back when a later step fails; but for a key
 *             in a token, of which that is said.
 *          3. A node key is always made here, in a token, too: how one that
 *             was there may have voted nobody could say.
 */
#include "cmd/node_init.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "cmd/display.h"
#include "cmd/exit.h"
#include "cmd/keyring_place.h"
#include "cmd/output.h"
#include "cmd/passphrase.h"
#include "cmd/pin.h"
#include "cmd/token_use.h"
#include "config/config.h"
#include "config/example.h"
#include "crypto/public_key.h"
#include "trust/field.h"
#include "trust/roster.h"
#include "trust/setup.h"

#define NODE_INIT_CONFIG "aegis.yaml"
#define NODE_INIT_MEMBER "member"
#define NODE_INIT_BYTES_MAX (256U << 10)

const struct applet_option node_init_options[] = {
	{ 'D', "data-dir", "DIR", "the directory to make" },
	{ 'n', "name", "NAME", "the node's name in the roster" },
	{ 'l', "listen", "HOST:PORT", "the address peers reach it at" },
	KEYRING_PLACE_MAKE_OPTIONS("keyring-"),
	PASSPHRASE_WORK_OPTION,
	{ 0, "token", "URI", "make the node key in this token" },
	PIN_OPTIONS,
	OPTIONS_END,
};

struct node_init {
	const char *dir;
	const char *name;
	const char *listen;
	struct keyring_place *keyring;
	struct keyring_key key; /* opens the keyring; no kind: a key file */
	bool has_key_file;      /* one elsewhere, for the configuration */
	const char *token;      /* NULL: the node key is in a file */
	const struct applet_call *call;
	struct token_sign_key node_key; /* once it is made */
};

/* A value given on the command line, held against the key it is for. */
static enum ag_status
node_init_check(const char *path, const char *value, struct ag_error *err)
{
	const struct schema_key *key = &schema_keys[schema_find(path)];
	uint64_t number;

	return schema_convert(key, value, &number, err);
}

static enum ag_status
node_init_write(const struct node_init *init, const char *file, mode_t mode,
    const struct buf *text, struct ag_error *err)
{
	char path[PATH_MAX];
	enum ag_status status;

	status = fs_join(path, sizeof(path), init->dir, file, err);
	if (status != AG_OK)
		return status;
	return fs_create_file(path, mode, buf_bytes(text), err);
}

static enum ag_status
node_init_config(const struct node_init *init, struct ag_error *err)
{
	const struct example_setting settings[] = {
		{ "node.name", init->name },
		{ "node.data_dir", "." },
		{ "net.listen", init->listen },
		{ "api.socket", "aegis.sock" },
		{ "keyring.key_file",
		    init->has_key_file ? init->keyring->key_file : NULL },
		{ "keyring.token",
		    options_text(&init->call->options, "keyring-token") },
		{ "node.key", init->token != NULL ? init->token : "" },
	};
	enum ag_status status;
	struct buf text;

	buf_init(&text, NODE_INIT_BYTES_MAX);
	status = example_write(&text, settings,
	    sizeof(settings) / sizeof(settings[0]));
	if (status != AG_OK)
		status = ag_fail(err, status, "write configuration: %s",
		    ag_status_text(status));
	else
		status =
		    node_init_write(init, NODE_INIT_CONFIG, 0600, &text, err);
	buf_fini(&text);
	return status;
}

static enum ag_status
setup_token_member(struct roster_member *member, const struct node_init *init,
    struct ag_error *err)
{
	struct token_sign_key key = init->node_key;
	struct signer signer;
	enum ag_status status = token_sign_signer(&signer, &key, err);

	return status == AG_OK ? setup_member_by(member, &signer, init->dir,
				     init->name, init->listen, err)
			       : status;
}

/* The node key, in the token, before anything is made on the disk. */
static enum ag_status
node_init_token(struct node_init *init, struct ag_error *err)
{
	struct token_making making = { .type = TOKEN_KEY_ED25519 };
	struct token_info info;
	struct token_uri uri;
	enum ag_status status;

	status = token_use_open(&init->node_key.token, &uri, &info, init->call,
	    "", init->token, err);
	if (status != AG_OK)
		return status;
	memcpy(making.label, uri.object, sizeof(making.label));
	memcpy(making.id, uri.id, sizeof(making.id));
	making.id_len = uri.id_len;
	if (making.label[0] == '\0')
		return ag_fail(err, AG_EINVAL,
		    "the URI does not say what the key is called "
		    "(object=LABEL)");
	return token_generate(init->node_key.token, &making,
	    &init->node_key.key, err);
}

/* What tells whose directory it is. */
static enum ag_status
node_init_public(const struct node_init *init, struct ag_error *err)
{
	char line[PUBLIC_KEY_LINE_BYTES], comment[PUBLIC_KEY_COMMENT_BYTES];
	struct token_sign_key key = init->node_key;
	enum ag_status status;
	struct signer signer;
	struct buf text;

	status = token_sign_signer(&signer, &key, err);
	if (status != AG_OK)
		return status;
	(void)snprintf(comment, sizeof(comment), "%s node key", init->name);
	public_key_format(line, signer.public_key, comment);
	buf_init(&text, NODE_INIT_BYTES_MAX);
	status = buf_printf(&text, "%s\n", line);
	if (status == AG_OK)
		status = node_init_write(init, SETUP_NODE_KEY ".pub", 0644,
		    &text, err);
	buf_fini(&text);
	return status;
}

static enum ag_status
node_init_keys(const struct node_init *init, struct ag_error *err)
{
	enum ag_status status;

	if (init->token == NULL)
		return setup_keys(init->dir, init->name, err);
	status = setup_link_key(init->dir, init->name, err);
	return status == AG_OK ? node_init_public(init, err) : status;
}

static enum ag_status
node_init_member(const struct node_init *init, struct ag_error *err)
{
	struct roster_member member;
	enum ag_status status;
	struct buf text;

	status = init->token == NULL
	    ? setup_member(&member, init->dir, init->name, init->listen, err)
	    : setup_token_member(&member, init, err);
	if (status != AG_OK)
		return status;
	buf_init(&text, NODE_INIT_BYTES_MAX);
	status = roster_format_member(&member, &text);
	if (status != AG_OK)
		status = ag_fail(err, status, "write member file: %s",
		    ag_status_text(status));
	else
		status =
		    node_init_write(init, NODE_INIT_MEMBER, 0644, &text, err);
	buf_fini(&text);
	return status;
}

/* Take back what was made; what is not there does no harm. */
static void
node_init_undo(const struct node_init *init)
{
	static const char *const files[] = {
		NODE_INIT_CONFIG,
		NODE_INIT_MEMBER,
	};
	char path[PATH_MAX];
	struct ag_error ignored;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (fs_join(path, sizeof(path), init->dir, files[i],
			&ignored) == AG_OK)
			(void)unlink(path);
	}
	keyring_place_undo(init->keyring);
	setup_undo(init->dir);
}

/* A key file elsewhere is written down where it is, whoever starts the node. */
static enum ag_status
node_init_keyring(struct node_init *init, const char *key_file,
    struct ag_error *err)
{
	const bool is_by_file = init->key.opener.kind == 0;
	enum ag_status status = keyring_place_make(init->keyring, init->name,
	    is_by_file ? NULL : &init->key.opener, err);

	init->has_key_file = key_file != NULL && is_by_file;
	if (status == AG_OK && init->has_key_file &&
	    realpath(key_file, init->keyring->key_file) == NULL)
		status = ag_fail_sys(err, "find key file %s", key_file);
	return status;
}

static enum ag_status
node_init_make(struct node_init *init, const char *key_file,
    struct ag_error *err)
{
	enum ag_status status;

	if (fs_exists(init->dir))
		return ag_fail(err, AG_EEXIST,
		    "make node in %s: it exists already", init->dir);
	status = keyring_place_init(init->keyring, init->dir, key_file, err);
	if (status == AG_OK && init->token != NULL)
		status = node_init_token(init, err);
	if (status != AG_OK)
		return status;
	status = node_init_keys(init, err);
	if (status == AG_OK)
		status = node_init_keyring(init, key_file, err);
	if (status == AG_OK)
		status = node_init_member(init, err);
	if (status == AG_OK)
		status = node_init_config(init, err);
	/* Somebody else's files, made meanwhile, are not ours to remove. */
	if (status != AG_OK && status != AG_EEXIST)
		node_init_undo(init);
	if (status != AG_OK && init->token != NULL)
		ag_error_prefix(err,
		    "after a key was made in the token, which stays there");
	return status;
}

static void
node_init_tell(const struct node_init *init)
{
	struct bytes dir = bytes_from_text(init->dir);

	(void)printf("made node %s in ", init->name);
	display_print(stdout, dir);
	(void)printf("\n\nnext:\n  1. give ");
	display_print(stdout, dir);
	(void)printf("/" NODE_INIT_MEMBER " to whoever makes the roster"
		     " (aegis roster create)\n"
		     "  2. sign the roster with this node's key"
		     " (aegis roster sign)\n"
		     "  3. put the roster all members signed at ");
	display_print(stdout, dir);
	(void)printf("/roster\n  4. aegis node run -c ");
	display_print(stdout, dir);
	(void)printf("/" NODE_INIT_CONFIG "\n");
}

int
node_init_run(struct applet_call *call)
{
	struct node_init init = {
		.dir = options_text(&call->options, "data-dir"),
		.name = options_text(&call->options, "name"),
		.listen = options_text(&call->options, "listen"),
		.token = options_text(&call->options, "token"),
		.call = call,
	};
	struct ag_error err = { 0 };
	enum ag_status status;

	if (init.dir == NULL || init.dir[0] == '\0')
		return applet_usage(call, "--data-dir is needed");
	if (init.name == NULL || init.name[0] == '\0')
		return applet_usage(call, "--name is needed");
	if (init.listen == NULL || init.listen[0] == '\0')
		return applet_usage(call, "--listen is needed");
	if (node_init_check("node.name", init.name, &err) != AG_OK ||
	    field_check_name("node", init.name, &err) != AG_OK)
		return applet_usage(call, "option --name: %s", err.text);
	if (node_init_check("net.listen", init.listen, &err) != AG_OK)
		return applet_usage(call, "option --listen: %s", err.text);
	if (keyring_place_check_new(call, "keyring-", &err) != AG_OK)
		return applet_usage(call, "%s", err.text);
	init.keyring = calloc(1, sizeof(*init.keyring));
	status = init.keyring == NULL
	    ? ag_fail(&err, AG_ENOMEM, "make node in %s: out of memory",
		  init.dir)
	    : keyring_place_new(&init.key, call, "keyring-", &err);
	if (status == AG_OK)
		status = node_init_make(&init,
		    options_text(&call->options, "keyring-key-file"), &err);
	keyring_key_fini(&init.key);
	free(init.keyring);
	token_free(init.node_key.token);
	if (status != AG_OK)
		return exit_fail_local(call, &err);
	if (!call->is_quiet)
		node_init_tell(&init);
	if (output_flush(stdout, &err) != AG_OK)
		return exit_fail(call, &err);
	return EXIT_YES;
}
