/*
 * Keygen's options are parsed for each of its commands, and say how a key is
 * made.  Passed over, they would be taken to have worked: a key whose
 * passphrase is changed with `-o COPY` is changed itself.
 */
#include "cmd/keygen_options.h"

#include <string.h>

#include "cmd/passphrase.h"

static const struct {
	const char *option;
	const char *commands[3]; /* that take it */
	const char *note;
} table[] = {
	{ "algorithm", { NULL }, "" },
	{ "bits", { NULL }, "" },
	{ "type", { NULL }, "" },
	{ "format", { "public", "convert" }, "" },
	{ "out", { "convert" }, " (--output chooses what is printed)" },
	{ "comment", { "convert" }, "" },
	{ "force", { "convert" }, "" },
	{ "work", { "convert", "passphrase" }, "" },
};

static bool
takes(const char *const *commands, const char *name)
{
	for (; *commands != NULL; commands++)
		if (strcmp(*commands, name) == 0)
			return true;
	return false;
}

bool
keygen_options_fit(const struct applet_call *call)
{
	const char *name = call->command->name;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (!options_has(&call->options, table[i].option) ||
		    takes(table[i].commands, name))
			continue;
		(void)applet_usage(call, "%s has no use for --%s%s", name,
		    table[i].option, table[i].note);
		return false;
	}
	return true;
}

enum ag_status
keygen_options_work(enum work_level *out, const struct applet_call *call,
    enum key_format format, struct ag_error *err)
{
	enum ag_status status = passphrase_work_option(out, call, err);

	if (status == AG_OK && options_has(&call->options, "work") &&
	    format != KEY_FORMAT_SEALED)
		return ag_fail(err, AG_EINVAL,
		    "--work is for format sealed; %s has one amount of it",
		    key_format_name(format));
	return status;
}
