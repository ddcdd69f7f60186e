/*
 * aegis crypt: files encrypted as age does, and what cryptography there is.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/applet.h"
#include "cmd/crypt_decrypt.h"
#include "cmd/crypt_encrypt.h"
#include "cmd/crypt_inspect.h"
#include "cmd/crypt_rewrap.h"
#include "cmd/exit.h"
#include "cmd/output.h"
#include "crypto/algorithm.h"

static const struct output_column list_columns[] = {
	{ "family", NULL, 0 },
	{ "name", NULL, OUTPUT_VALUE_COLUMN },
	{ "aliases", NULL, OUTPUT_WIDE_ONLY },
	{ "providers", NULL, 0 },
	{ "standing", NULL, 0 },
	{ "note", NULL, 0 },
	{ NULL, NULL, 0 },
};

static const struct applet_option list_options[] = {
	{ 'F', "family", "NAME", "key, cipher, hash, signature or kdf" },
	OPTIONS_END,
};

/* -1: all of them.  False when the name is none. */
static bool
find_family(int *family, const char *name)
{
	*family = -1;
	for (int i = 0; name != NULL && i < ALGORITHM_FAMILY_COUNT; i++)
		if (strcmp(name,
			algorithm_family_name((enum algorithm_family)i)) == 0)
			*family = i;
	return name == NULL || *family != -1;
}

static void
put_row(struct output *out, const struct algorithm *row)
{
	const char *second = algorithm_provider_name(row->providers[1]);
	char providers[64];

	(void)snprintf(providers, sizeof(providers), "%s%s%s",
	    algorithm_provider_name(row->providers[0]),
	    second[0] != '\0' ? "," : "", second);
	output_text(out, algorithm_family_name(row->family));
	output_text(out, row->name);
	output_text(out, row->aliases);
	output_list(out, providers);
	output_text(out, algorithm_standing_name(row->standing));
	output_text(out, row->note);
	output_row(out);
}

static int
crypt_list(struct applet_call *call)
{
	const char *name = options_text(&call->options, "family");
	struct output *out;
	struct ag_error err;
	int family;

	if (!find_family(&family, name))
		return applet_usage(call,
		    "family '%s' is not one of key, cipher, hash, signature, kdf",
		    name);
	if (output_new(&out, call, stdout, "algorithms", list_columns, &err) !=
	    AG_OK)
		return exit_fail(call, &err);
	for (size_t i = 0; i < algorithm_count; i++)
		if (family == -1 || (int)algorithm_table[i].family == family)
			put_row(out, &algorithm_table[i]);
	return output_end(out, &err) == AG_OK ? EXIT_YES
					      : exit_fail(call, &err);
}

static const struct applet_command crypt_commands[] = {
	{ "encrypt", "[FILE]", "encrypt a file to keys or a passphrase",
	    crypt_encrypt_options, crypt_encrypt },
	{ "decrypt", "[FILE]", "decrypt it, whole or not at all",
	    crypt_decrypt_options, crypt_decrypt },
	{ "inspect", "[FILE]", "show what it says of itself without a key",
	    NULL, crypt_inspect },
	{ "rewrap", "[FILE]", "encrypt it to others, the payload unchanged",
	    crypt_rewrap_options, crypt_rewrap },
	{ "list", "", "which algorithms are allowed, and who computes them",
	    list_options, crypt_list },
	{ 0 },
};

static const char *const crypt_examples[] = {
	"aegis crypt encrypt -r age1… -o notes.age notes",
	"aegis crypt decrypt -i ~/.ssh/id_ed25519 -o notes notes.age",
	"aegis crypt list -F key -o value",
	NULL,
};

const struct applet applet_crypt = {
	.name = "crypt",
	.summary = "encrypt and decrypt files as age does",
	.commands = crypt_commands,
	.examples = crypt_examples,
	.flags = APPLET_OFFLINE | APPLET_SECRETS,
};
