/*
 * Changing the slots of a keyring.
 *
 * RULES    1. The new secret is at hand before the keyring is touched, and a
 *             key file that was made for a slot that then was not goes again,
 *             unless the keyring's file may have the slot all the same.
 */
#include "cmd/keys_slot.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "cmd/exit.h"
#include "cmd/keys.h"
#include "cmd/passphrase.h"
#include "codec/decoder.h"
#include "trust/field.h"

#define NEW_OPTIONS                                                         \
	{ 0, "new-key-file", "FILE", "this, made if it is not there" },     \
	    { 0, "new-token", "URI", "a key in a token" },                  \
	    PIN_OPTIONS_OF("new-", "the new token's"),                      \
	    { 0, "new-passphrase", NULL, "a passphrase, asked for twice" }, \
	    { 0, "new-passphrase-fd", "N",                                  \
		    "read its line from descriptor N" },                    \
	    PASSPHRASE_WORK_OPTION

const struct applet_option keys_slot_add_options[] = {
	NEW_OPTIONS,
	{ 0, "label", "TEXT", "what to call the slot" },
	OPTIONS_END,
};

const struct applet_option keys_slot_change_options[] = {
	NEW_OPTIONS,
	OPTIONS_END,
};

const struct output_column keys_slot_columns[] = {
	{ "slot", NULL, OUTPUT_RIGHT | OUTPUT_VALUE_COLUMN },
	{ "kind", NULL, 0 },
	{ "label", NULL, 0 },
	{ "created", NULL, 0 },
	{ "opener", NULL, OUTPUT_WIDE_ONLY },
	{ NULL, NULL, 0 },
};

struct slot_change {
	struct keyring_key key;
	const char *made; /* a key file, that was not there; or NULL */
	unsigned int number;
};

/* What the slot is to be opened by; exactly one way. */
static enum ag_status
new_opener(struct slot_change *c, const struct applet_call *call,
    struct ag_error *err)
{
	const char *path = options_text(&call->options, "new-key-file");
	enum ag_status status = keyring_place_new(&c->key, call, "new-", err);

	if (status != AG_OK || path == NULL)
		return status;
	if (!fs_exists(path))
		c->made = path;
	status = keyring_place_key(&c->key.secret, path, true, err);
	if (status != AG_OK)
		c->made = NULL;
	c->key.opener.kind = KEYRING_FILE;
	c->key.opener.secret = c->key.secret;
	return status;
}

/* Exactly one way for a slot is named; else EXIT_USAGE, after complaining. */
static int
check_way(const struct applet_call *call)
{
	const struct options *o = &call->options;
	struct ag_error err;

	if (!options_has(o, "new-key-file") && !options_has(o, "new-token") &&
	    !options_has(o, "new-passphrase") &&
	    !options_has(o, "new-passphrase-fd"))
		return applet_usage(call,
		    "one of --new-key-file FILE, --new-token URI, "
		    "--new-passphrase and --new-passphrase-fd N is needed");
	return keyring_place_check_new(call, "new-", &err) == AG_OK
	    ? EXIT_YES
	    : applet_usage(call, "%s", err.text);
}

static void
change_fini(struct slot_change *c, const struct keyring *keyring,
    enum ag_status status, struct ag_error *err)
{
	keyring_key_fini(&c->key);
	if (status == AG_OK || c->made == NULL)
		return;
	if (keyring_is_in_doubt(keyring))
		ag_error_prefix(err,
		    "key file %s is kept, for the keyring may need it",
		    c->made);
	else
		(void)unlink(c->made);
}

/* Tell the slot as it is now. */
static int
changed(const struct applet_call *call, struct keys_opened *opened,
    unsigned int number)
{
	struct keyring_look look;

	keyring_look(opened->keyring, &look);
	keys_close(opened);
	return call->is_quiet ? EXIT_YES : keys_show_slots(call, &look, number);
}

/* A text that can be shown in a line. */
static bool
is_label(const char *text)
{
	const struct bytes bytes = bytes_from_text(text);

	for (size_t i = 0; i < bytes.len; i++)
		if (bytes.data[i] < 0x20 || bytes.data[i] == 0x7f)
			return false;
	return bytes.len < KEYRING_LABEL_BYTES && utf8_valid(bytes);
}

int
keys_slot_add(struct applet_call *call)
{
	const char *label = options_text(&call->options, "label");
	struct slot_change c = { .made = NULL };
	struct keys_opened opened;
	struct ag_error err;
	enum ag_status status;

	if (check_way(call) != EXIT_YES)
		return EXIT_USAGE;
	if (label != NULL && !is_label(label))
		return applet_usage(call,
		    "option --label: at most %d bytes in a line",
		    KEYRING_LABEL_BYTES - 1);
	status = keys_open(&opened, call, true, &err);
	if (status != AG_OK)
		return exit_fail_local(call, &err);
	status = new_opener(&c, call, &err);
	if (status == AG_OK)
		status = keyring_slot_add(opened.keyring, &c.key.opener,
		    label == NULL ? "" : label, clock_wall_ms(), &c.number,
		    &err);
	change_fini(&c, opened.keyring, status, &err);
	if (status == AG_OK)
		return changed(call, &opened, c.number);
	keys_close(&opened);
	return exit_fail_local(call, &err);
}

/* The operand.  False after complaining. */
static bool
slot_of(struct applet_call *call, unsigned int *number)
{
	uint64_t value;

	if (field_parse_u64(&value, bytes_from_text(call->operands[0])) &&
	    value >= 1 && value <= KEYRING_SLOTS_MAX) {
		*number = (unsigned int)value;
		return true;
	}
	(void)applet_usage(call, "SLOT '%s' is not a slot's number, 1 to %d",
	    call->operands[0], KEYRING_SLOTS_MAX);
	return false;
}

int
keys_slot_change(struct applet_call *call)
{
	struct slot_change c = { .made = NULL };
	struct keys_opened opened;
	struct ag_error err;
	enum ag_status status;

	if (!slot_of(call, &c.number))
		return EXIT_USAGE;
	if (check_way(call) != EXIT_YES)
		return EXIT_USAGE;
	status = keys_open(&opened, call, true, &err);
	if (status != AG_OK)
		return exit_fail_local(call, &err);
	status = new_opener(&c, call, &err);
	if (status == AG_OK)
		status = keyring_slot_change(opened.keyring, c.number,
		    &c.key.opener, clock_wall_ms(), &err);
	change_fini(&c, opened.keyring, status, &err);
	if (status == AG_OK)
		return changed(call, &opened, c.number);
	keys_close(&opened);
	return exit_fail_local(call, &err);
}

int
keys_slot_remove(struct applet_call *call)
{
	struct keys_opened opened;
	struct ag_error err;
	enum ag_status status;
	unsigned int number;

	if (!slot_of(call, &number))
		return EXIT_USAGE;
	status = keys_open(&opened, call, true, &err);
	if (status != AG_OK)
		return exit_fail_local(call, &err);
	status = keyring_slot_remove(opened.keyring, number, &err);
	keys_close(&opened);
	if (status == AG_OK)
		return EXIT_YES;
	/* Refused by what it is, and not by who asks. */
	return status == AG_EREFUSED ? exit_fail(call, &err)
				     : exit_fail_local(call, &err);
}
