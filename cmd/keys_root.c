/*
 * A new storage root.
 *
 * RULES    1. Which slots fall away is told before anything is changed, and
 *             is confirmed.
 *          2. What is given to keep a slot must open one: a passphrase with a
 *             slip in it would cost its slot.
 */
#include "cmd/keys_root.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/exit.h"
#include "cmd/keys.h"
#include "cmd/passphrase.h"

const struct applet_option keys_root_options[] = {
	{ 0, "keep-key-file", "FILE",
	    "keep the slot that this opens, too; repeatable" },
	{ 0, "keep-passphrase", NULL,
	    "keep the slot of a passphrase, asked for" },
	{ 0, "keep-passphrase-fd", "N", "read its line from descriptor N" },
	{ 0, "keep-token", "URI", "keep the slot of this token's key" },
	PIN_OPTIONS_OF("keep-", "that token's"),
	{ 0, "keep-escrow-secret", "FILE",
	    "keep the slot of what was recovered from escrow" },
	{ 'y', "yes", NULL, "do not ask about slots that fall away" },
	OPTIONS_END,
};

/* All but key files, of which there may be several. */
static const enum keyring_kind kinds[] = { KEYRING_PASSPHRASE, KEYRING_HSM,
	KEYRING_ESCROW };
#define OTHER_KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* And what opens the keyring. */
#define FILES_MAX (KEYRING_SLOTS_MAX - (int)OTHER_KINDS - 1)

/* What opens the slots that are to stay. */
struct openers {
	struct keyring_key keys[KEYRING_SLOTS_MAX];
	struct keyring_opener list[KEYRING_SLOTS_MAX]; /* theirs */
	size_t count;
};

static void
openers_fini(struct openers *o)
{
	while (o->count > 0)
		keyring_key_fini(&o->keys[--o->count]);
}

/* What is in key, whether or not it has come to be whole. */
static void
openers_take(struct openers *o, const struct keyring_key *key)
{
	o->keys[o->count] = *key;
	o->list[o->count++] = key->opener;
}

static enum ag_status
openers_take_files(struct openers *o, const struct applet_call *call,
    struct ag_error *err)
{
	const size_t files = options_count(&call->options, "keep-key-file");
	enum ag_status status = AG_OK;

	if (files > FILES_MAX)
		return ag_fail(err, AG_EINVAL,
		    "option --keep-key-file: at most %d", FILES_MAX);
	for (size_t i = 0; status == AG_OK && i < files; i++) {
		struct keyring_key key = { .opener.kind = KEYRING_FILE };

		status = keyring_place_key(&key.secret,
		    options_text_at(&call->options, "keep-key-file", i), false,
		    err);
		key.opener.secret = key.secret;
		openers_take(o, &key);
	}
	return status;
}

static enum ag_status
openers_collect(struct openers *o, const struct keyring_place *place,
    const struct applet_call *call, struct ag_error *err)
{
	struct keyring_key key;
	enum ag_status status;

	status = keyring_place_opener(&key, place, call, "", err);
	openers_take(o, &key);
	if (status == AG_OK)
		status = openers_take_files(o, call, err);
	for (size_t i = 0; status == AG_OK && i < OTHER_KINDS; i++) {
		status =
		    keyring_place_given(&key, call, "keep-", kinds[i], err);
		if (key.opener.kind != 0)
			openers_take(o, &key);
	}
	return status;
}

static const char *
opener_name(enum keyring_kind kind)
{
	switch (kind) {
	case KEYRING_PASSPHRASE:
		return "passphrase";
	case KEYRING_HSM:
		return "token's key";
	case KEYRING_ESCROW:
		return "secret from escrow";
	case KEYRING_FILE:
	default:
		return "key file";
	}
}

/* Does each of them open a slot? */
static enum ag_status
openers_check(const struct openers *o, const struct keyring *keyring,
    struct ag_error *err)
{
	for (size_t i = 0; i < o->count; i++) {
		bool fits[KEYRING_SLOTS_MAX] = { false };

		keyring_root_fit(keyring, &o->list[i], 1, fits);
		if (memchr(fits, true, sizeof(fits)) == NULL)
			return ag_fail(err, AG_EDENIED,
			    "nothing was changed: the %s that was given opens "
			    "no slot",
			    opener_name(o->list[i].kind));
	}
	return AG_OK;
}

/* How many slots fall away, each told. */
static size_t
tell_losses(const struct keyring_look *look, const bool *fits)
{
	size_t losses = 0;

	for (size_t i = 0; i < look->slot_count; i++) {
		const struct keyring_look_slot *slot = &look->slots[i];
		const char *kind = keyring_kind_name(slot->kind);

		if (fits[i])
			continue;
		(void)fprintf(stderr,
		    "slot %u (%s%s%s) falls away: nothing that was given "
		    "opens it\n",
		    slot->number, kind != NULL ? kind : "unknown",
		    slot->label[0] != '\0' ? ", " : "", slot->label);
		losses++;
	}
	return losses;
}

static enum ag_status
confirm(const struct applet_call *call, size_t losses, struct ag_error *err)
{
	char typed[16];

	if (losses == 0 || options_has(&call->options, "yes"))
		return AG_OK;
	if (isatty(STDIN_FILENO) == 1) {
		(void)fprintf(stderr, "Type yes to go on without: ");
		if (fgets(typed, sizeof(typed), stdin) != NULL &&
		    strcmp(typed, "yes\n") == 0)
			return AG_OK;
	}
	return ag_fail(err, AG_EREFUSED,
	    "nothing was changed: say --yes, or give what opens %s",
	    losses == 1 ? "that slot" : "those slots");
}

static enum ag_status
renew(struct keys_opened *opened, const struct applet_call *call,
    struct ag_error *err)
{
	bool fits[KEYRING_SLOTS_MAX] = { false };
	struct openers openers = { .count = 0 };
	struct keyring_look look;
	enum ag_status status =
	    openers_collect(&openers, &opened->place, call, err);

	if (status == AG_OK)
		status = openers_check(&openers, opened->keyring, err);
	if (status == AG_OK) {
		keyring_look(opened->keyring, &look);
		keyring_root_fit(opened->keyring, openers.list, openers.count,
		    fits);
		status = confirm(call, tell_losses(&look, fits), err);
	}
	if (status == AG_OK)
		status = keyring_root_renew(opened->keyring, openers.list,
		    openers.count, clock_wall_ms(), err);
	openers_fini(&openers);
	return status;
}

int
keys_root_renew(struct applet_call *call)
{
	struct keys_opened opened;
	struct keyring_look look;
	struct ag_error err;
	enum ag_status status;

	status = keys_open(&opened, call, true, &err);
	if (status != AG_OK)
		return exit_fail_local(call, &err);
	status = renew(&opened, call, &err);
	keyring_look(opened.keyring, &look);
	keys_close(&opened);
	if (status == AG_EREFUSED)
		return exit_fail(call, &err);
	if (status != AG_OK)
		return exit_fail_local(call, &err);
	return call->is_quiet ? EXIT_YES : keys_show_slots(call, &look, 0);
}
