/*
 * aegis keygen: make keys, and turn them into what other programs read.
 *
 * RULES    1. A key is never replaced unless --force says so.
 *          2. A private key is printed only when asked for with `-o -`.
 *          3. The type says what a key is for, makes the comment, and settles
 *             the algorithm: node, link and operator keys are Ed25519, backup
 *             keys X25519.
 */
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "cmd/applet.h"
#include "cmd/exit.h"
#include "cmd/keygen_convert.h"
#include "cmd/keygen_options.h"
#include "cmd/keygen_show.h"
#include "cmd/passphrase.h"

static const struct applet_option keygen_options[] = {
	{ 't', "algorithm", "NAME", "ed25519 (default), ecdsa-p256, rsa, …" },
	{ 'b', "bits", "N", "with -t rsa or ecdsa: the key's length" },
	{ 'T', "type", "TYPE", "ed25519, node, link, operator or backup" },
	{ 'F', "format", "FORMAT", "openssh, pkcs8, age, sealed or backup" },
	{ 'o', "out", "FILE", "private key to FILE, public one to FILE.pub" },
	{ 'C', "comment", "TEXT", "a note kept with the public key" },
	{ 'f', "force", NULL, "replace existing files" },
	PASSPHRASE_OPTIONS,
	PASSPHRASE_WORK_OPTION,
	OPTIONS_END,
};

/* What is to be made. */
struct making {
	const struct applet_call *call;
	const struct algorithm *algorithm;
	const char *comment;
	enum key_format format;
	enum work_level work;
};

static enum ag_status
check_type(const char *type, struct ag_error *err)
{
	static const char *const types[] = { "ed25519", "node", "link",
		"operator", "backup" };
	struct nearest search;

	nearest_init(&search, type);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
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

/* "-t rsa -b 4096", as ssh-keygen has it, is rsa-4096. */
static enum ag_status
choose_by_bits(struct making *m, const char *name, struct ag_error *err)
{
	enum ag_status status;
	uint64_t bits;
	char full[32];

	status = options_count_value(&m->call->options, "bits", 1, 65535, &bits,
	    err);
	if (status != AG_OK)
		return status;
	if (strcasecmp(name, "rsa") != 0 && strcasecmp(name, "ecdsa") != 0)
		return ag_fail(err, AG_EINVAL,
		    "-b is for -t rsa and -t ecdsa; '%s' has one length", name);
	(void)snprintf(full, sizeof(full), "%s-%s%u", name,
	    strcasecmp(name, "ecdsa") == 0 ? "p" : "", (unsigned int)bits);
	return algorithm_find(&m->algorithm, ALGORITHM_KEY, full, err);
}

static enum ag_status
choose_algorithm(struct making *m, const char *type, struct ag_error *err)
{
	const char *name = options_text(&m->call->options, "algorithm");
	bool is_backup = type != NULL && strcmp(type, "backup") == 0;
	const char *settled = is_backup ? "x25519" : "ed25519";
	enum ag_status status;

	if (name == NULL)
		name = settled;
	status = options_has(&m->call->options, "bits")
	    ? choose_by_bits(m, name, err)
	    : algorithm_find(&m->algorithm, ALGORITHM_KEY, name, err);
	if (status != AG_OK)
		return status;
	if (m->algorithm->standing != ALGORITHM_ALLOWED)
		return ag_fail(err, AG_EREFUSED, "key '%s' is refused: %s",
		    name, m->algorithm->note);
	if (type != NULL && strcmp(m->algorithm->name, settled) != 0)
		return ag_fail(err, AG_EINVAL, "%s keys are %s; leave out -t",
		    type, settled);
	return AG_OK;
}

static enum ag_status
choose_format(struct making *m, const char *type, struct ag_error *err)
{
	const char *name = options_text(&m->call->options, "format");
	bool has_passphrase = options_has(&m->call->options, "passphrase") ||
	    options_has(&m->call->options, "passphrase-fd");
	enum ag_status status;

	if (type != NULL && strcmp(type, "backup") == 0)
		m->format = KEY_FORMAT_BACKUP;
	else if (m->algorithm->id == ALGORITHM_KEY_RISTRETTO255)
		m->format = KEY_FORMAT_SEALED;
	else if (m->algorithm->id != ALGORITHM_KEY_X25519)
		m->format = KEY_FORMAT_OPENSSH;
	else
		m->format = has_passphrase ? KEY_FORMAT_SEALED : KEY_FORMAT_AGE;
	if (name == NULL)
		return AG_OK;
	status = key_format_find(&m->format, name, err);
	if (status == AG_OK && m->format != KEY_FORMAT_OPENSSH &&
	    type != NULL &&
	    (strcmp(type, "node") == 0 || strcmp(type, "link") == 0))
		return ag_fail(err, AG_EINVAL,
		    "a node reads its keys in OpenSSH's format");
	return status;
}

static enum ag_status
choose(struct making *m, struct ag_error *err)
{
	const char *type = options_text(&m->call->options, "type");
	enum ag_status status = AG_OK;

	if (type != NULL)
		status = check_type(type, err);
	if (status == AG_OK)
		status = choose_algorithm(m, type, err);
	if (status == AG_OK)
		status = choose_format(m, type, err);
	if (status != AG_OK)
		return status;
	status = keygen_options_work(&m->work, m->call, m->format, err);
	if (status != AG_OK)
		return status;
	m->comment = options_text(&m->call->options, "comment");
	if (m->comment != NULL && m->algorithm->id == ALGORITHM_KEY_X25519 &&
	    m->format != KEY_FORMAT_SEALED)
		return ag_fail(err, AG_EINVAL,
		    "a key in format %s has no comment; leave out -C",
		    key_format_name(m->format));
	if (m->comment == NULL)
		m->comment = type == NULL || strcmp(type, "ed25519") == 0 ||
			strcmp(type, "backup") == 0
		    ? ""
		    : type;
	return public_key_check_comment(m->comment, err);
}

static enum ag_status
ask_passphrase(const struct making *m, struct secret **passphrase,
    struct ag_error *err)
{
	enum ag_status status =
	    passphrase_option(passphrase, m->call, true, err);

	if (status == AG_OK && *passphrase == NULL &&
	    m->format == KEY_FORMAT_SEALED)
		status = passphrase_prompt_new(passphrase, err);
	return status;
}

static enum ag_status
make_key(const struct making *m, const char *path, struct ag_error *err)
{
	struct secret *passphrase;
	struct private_key *key = NULL;
	enum ag_status status = ask_passphrase(m, &passphrase, err);

	if (status == AG_OK)
		status = private_key_generate(&key, m->algorithm, err);
	if (status == AG_OK) {
		private_key_set_comment(key, m->comment);
		status = keygen_convert_put(m->call, key, m->format, passphrase,
		    m->work, path, err);
	}
	if (status == AG_OK && !m->call->is_quiet)
		status = keygen_show_made(m->call, key,
		    key_format_name(m->format), path, err);
	private_key_free(key);
	secret_free(passphrase);
	return status;
}

static int
keygen_run(struct applet_call *call)
{
	const char *path = options_text(&call->options, "out");
	struct making m = { .call = call };
	enum ag_status status;
	struct ag_error err;

	if (call->output == OUTPUT_CBOR)
		return applet_usage(call,
		    "-o cbor: there is no such form of this");
	status = choose(&m, &err);
	if (status == AG_EREFUSED)
		return exit_fail(call, &err);
	if (status != AG_OK)
		return applet_usage(call, "%s", err.text);
	if (path == NULL || path[0] == '\0')
		return applet_usage(call, "missing -o FILE ('-o -' prints it)");
	return make_key(&m, path, &err) == AG_OK ? EXIT_YES
						 : exit_fail(call, &err);
}

static const struct applet_command keygen_commands[] = {
	{ "show", "FILE...", "fingerprints, and what keys are good for", NULL,
	    keygen_show },
	{ "check", "FILE...", "whether keys are sound, as a whole", NULL,
	    keygen_show_check },
	{ "public", "FILE", "print a key's public half",
	    keygen_show_public_options, keygen_show_public },
	{ "convert", "FILE", "write a key to -o FILE in format -F",
	    keygen_convert_options, keygen_convert },
	{ "passphrase", "FILE", "give a key another passphrase, or none",
	    keygen_convert_options, keygen_convert_passphrase },
	{ 0 },
};

static const char *const keygen_examples[] = {
	"aegis keygen -T operator -o alice",
	"aegis keygen -t ecdsa-p256 -F sealed -o alice",
	"aegis keygen show alice.pub",
	"aegis keygen convert -F pkcs8 -o alice.pem alice",
	NULL,
};

const struct applet applet_keygen = {
	.name = "keygen",
	.summary = "make, convert and check keys",
	.operands = "",
	.options = keygen_options,
	.commands = keygen_commands,
	.examples = keygen_examples,
	.flags = APPLET_OFFLINE | APPLET_SECRETS,
	.run = keygen_run,
};
