/*
 * aegis keys: a node's keyring, its slots and its epochs.
 *
 * RULES    1. What changes it holds the data directory's lock, as the node
 *             does while it runs; what only reads it need not.
 *          2. status, slots and epochs open nothing: what they show is what
 *             the file claims.  check opens it.
 *          3. status asks the node, where one runs and no directory is given.
 *
 * NOT HERE Where it is and what opens it (keyring_place.c), changes of slots
 *          (keys_slot.c), what the cluster decides (keys_order.c).
 */
#include "cmd/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "cmd/exit.h"
#include "cmd/keys_live.h"
#include "cmd/keys_order.h"
#include "cmd/keys_root.h"
#include "cmd/keys_slot.h"
#include "cmd/output.h"
#include "cmd/passphrase.h"
#include "codec/text.h"
#include "config/config.h"
#include "trust/field.h"

static const struct applet_option keys_options[] = {
	{ 'D', "data-dir", "DIR", "the node's data directory" },
	KEYRING_PLACE_OPTIONS(""),
	OPTIONS_END,
};

static const struct applet_option create_options[] = {
	{ 'n', "name", "NAME", "the node's name in the roster" },
	PASSPHRASE_WORK_OPTION,
	OPTIONS_END,
};

static const struct output_column status_columns[] = {
	{ "node", NULL, OUTPUT_VALUE_COLUMN },
	{ "id", NULL, 0 },
	{ "cluster_id", NULL, 0 },
	{ "generation", NULL, OUTPUT_RIGHT },
	{ "epoch", NULL, OUTPUT_RIGHT },
	{ "epochs", NULL, OUTPUT_RIGHT },
	{ "slots", NULL, OUTPUT_RIGHT },
	{ "checked", NULL, 0 },
	{ NULL, NULL, 0 },
};

static const struct output_column epoch_columns[] = {
	{ "epoch", NULL, OUTPUT_RIGHT | OUTPUT_VALUE_COLUMN },
	{ "state", NULL, 0 },
	{ "created", NULL, 0 },
	{ NULL, NULL, 0 },
};

/* --- shared with keys_slot.c --- */

/* The configuration's, where neither option is given. */
static enum ag_status
place_of_config(struct keyring_place *place, const struct applet_call *call,
    const struct config *config, struct ag_error *err)
{
	const char *dir = options_text(&call->options, "data-dir");
	const char *key_file = options_text(&call->options, "key-file");
	const char *token = "", *passphrase_file = "";
	enum ag_status status;

	/* A configured key is that of the configured directory. */
	if (dir == NULL && key_file == NULL) {
		key_file = config_text(config, "keyring.key_file");
		token = config_text(config, "keyring.token");
		passphrase_file =
		    config_text(config, "keyring.passphrase_file");
	}
	if (dir == NULL)
		dir = config_text(config, "node.data_dir");
	status = keyring_place_init(place, dir, key_file, err);
	if (status != AG_OK)
		return status;
	return keyring_place_configure(place, token, passphrase_file, err);
}

enum ag_status
keys_place(struct keyring_place *place, const struct applet_call *call,
    struct ag_error *err)
{
	struct config *config = NULL;
	enum ag_status status;

	if (options_has(&call->options, "data-dir"))
		return place_of_config(place, call, NULL, err);
	status = config_load(&config, call->config_path, NULL, err);
	if (status == AG_OK)
		status = place_of_config(place, call, config, err);
	config_free(config);
	return status;
}

/* The directory of the keyring, which is the node's. */
static enum ag_status
lock_dir(int *fd, const struct keyring_place *place, struct ag_error *err)
{
	const size_t len = (size_t)(strrchr(place->path, '/') - place->path);
	char path[PATH_MAX];
	enum ag_status status;

	*fd = -1;
	(void)snprintf(path, sizeof(path), "%.*s/lock", (int)len, place->path);
	status = fs_open(fd, path, O_RDWR | O_CREAT, 0600, err);
	if (status != AG_OK)
		return status;
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
		return AG_OK;
	status = errno == EWOULDBLOCK
	    ? ag_fail(err, AG_EBUSY,
		  "change keyring %s: a running node uses it; stop it first",
		  place->path)
	    : ag_fail_sys(err, "lock %s", path);
	(void)close(*fd);
	*fd = -1;
	return status;
}

enum ag_status
keys_open_at(struct keys_opened *opened, const struct applet_call *call,
    const char *prefix, bool may_change, struct ag_error *err)
{
	struct keyring_key key = { .secret = NULL };
	enum ag_status status = AG_OK;

	if (!fs_exists(opened->place.path))
		status = ag_fail(err, AG_ENOENT,
		    "open keyring %s: there is none", opened->place.path);
	if (status == AG_OK && may_change)
		status = lock_dir(&opened->lock_fd, &opened->place, err);
	if (status == AG_OK)
		status = keyring_place_opener(&key, &opened->place, call,
		    prefix, err);
	if (status == AG_OK)
		status = keyring_open(&opened->keyring, opened->place.path,
		    &key.opener, may_change, err);
	keyring_key_fini(&key);
	return status;
}

enum ag_status
keys_open(struct keys_opened *opened, const struct applet_call *call,
    bool may_change, struct ag_error *err)
{
	enum ag_status status;

	*opened = (struct keys_opened){ .lock_fd = -1 };
	status = keys_place(&opened->place, call, err);
	if (status == AG_OK)
		status = keys_open_at(opened, call, "", may_change, err);
	if (status != AG_OK)
		keys_close(opened);
	return status;
}

void
keys_close(struct keys_opened *opened)
{
	keyring_close(opened->keyring);
	if (opened->lock_fd != -1)
		(void)close(opened->lock_fd);
}

/* --- showing --- */

static bool
is_blank(const uint8_t *data, size_t len)
{
	return data[0] == 0 && memcmp(data, data + 1, len - 1) == 0;
}

static void
row_hex(struct output *out, const uint8_t *data, size_t len)
{
	char text[TEXT_HEX_BYTES(KEYRING_CLUSTER_BYTES)];

	if (is_blank(data, len)) {
		output_null(out);
		return;
	}
	text_hex(text, sizeof(text), bytes_of(data, len));
	output_text(out, text);
}

static uint32_t
active_epoch(const struct keyring_look *look)
{
	for (size_t i = 0; i < look->epoch_count; i++)
		if (look->epochs[i].state == KEYRING_ACTIVE)
			return look->epochs[i].epoch;
	return 0;
}

static int
show_status(const struct applet_call *call, const struct keyring_look *look,
    bool is_checked)
{
	struct output *out;
	struct ag_error err;

	if (call->is_quiet)
		return EXIT_YES;
	if (output_new(&out, call, stdout, NULL, status_columns, &err) != AG_OK)
		return exit_fail(call, &err);
	output_text(out, look->node);
	row_hex(out, look->id, sizeof(look->id));
	row_hex(out, look->cluster_id, sizeof(look->cluster_id));
	output_u64(out, look->generation);
	output_u64(out, active_epoch(look));
	output_u64(out, look->epoch_count);
	output_u64(out, look->slot_count);
	output_bool(out, is_checked);
	output_row(out);
	return output_end(out, &err) == AG_OK ? EXIT_YES
					      : exit_fail(call, &err);
}

static enum ag_status
look_at(struct keyring_look *look, const struct applet_call *call,
    struct ag_error *err)
{
	struct keyring_place place;
	enum ag_status status = keys_place(&place, call, err);

	return status == AG_OK ? keyring_look_at(look, place.path, err)
			       : status;
}

static int
status_run(struct applet_call *call)
{
	struct keyring_look look;
	struct ag_error err;
	int code;

	if (!options_has(&call->options, "data-dir") &&
	    keys_live_status(call, &code))
		return code;
	if (look_at(&look, call, &err) != AG_OK)
		return exit_fail_local(call, &err);
	return show_status(call, &look, false);
}

static int
check_run(struct applet_call *call)
{
	struct keys_opened opened;
	struct keyring_look look;
	struct ag_error err;

	if (keys_open(&opened, call, false, &err) != AG_OK)
		return exit_fail_local(call, &err);
	keyring_look(opened.keyring, &look);
	keys_close(&opened);
	return show_status(call, &look, true);
}

static void
row_time(struct output *out, uint64_t time_ms)
{
	char text[CLOCK_TEXT_BYTES];

	clock_format_ms(time_ms, text);
	output_text(out, text);
}

static int
epochs_run(struct applet_call *call)
{
	struct keyring_look look;
	struct output *out;
	struct ag_error err;

	if (look_at(&look, call, &err) != AG_OK)
		return exit_fail_local(call, &err);
	if (output_new(&out, call, stdout, "epochs", epoch_columns, &err) !=
	    AG_OK)
		return exit_fail(call, &err);
	for (size_t i = 0; i < look.epoch_count; i++) {
		output_u64(out, look.epochs[i].epoch);
		output_text(out, keyring_state_name(look.epochs[i].state));
		row_time(out, look.epochs[i].created_ms);
		output_row(out);
	}
	return output_end(out, &err) == AG_OK ? EXIT_YES
					      : exit_fail(call, &err);
}

int
keys_show_slots(const struct applet_call *call, const struct keyring_look *look,
    unsigned int only)
{
	struct output *out;
	struct ag_error err;

	if (output_new(&out, call, stdout, only == 0 ? "slots" : NULL,
		keys_slot_columns, &err) != AG_OK)
		return exit_fail(call, &err);
	for (size_t i = 0; i < look->slot_count; i++) {
		const struct keyring_look_slot *slot = &look->slots[i];
		const char *kind = keyring_kind_name(slot->kind);

		if (only != 0 && slot->number != only)
			continue;
		output_u64(out, slot->number);
		if (kind != NULL)
			output_text(out, kind);
		else
			output_printf(out, "unknown-%u", slot->kind);
		output_text(out, slot->label);
		row_time(out, slot->created_ms);
		if (look->openers[i][0] != '\0')
			output_text(out, look->openers[i]);
		else
			output_null(out);
		output_row(out);
	}
	return output_end(out, &err) == AG_OK ? EXIT_YES
					      : exit_fail(call, &err);
}

static int
slots_run(struct applet_call *call)
{
	struct keyring_look look;
	struct ag_error err;

	if (look_at(&look, call, &err) != AG_OK)
		return exit_fail_local(call, &err);
	return keys_show_slots(call, &look, 0);
}

/* --- a new one --- */

static enum ag_status
create(struct keyring_look *look, const struct applet_call *call,
    const char *name, struct ag_error *err)
{
	struct keyring_place place;
	struct keyring_key key;
	enum ag_status status = keyring_place_new(&key, call, "", err);
	int fd = -1;

	if (status == AG_OK)
		status = keys_place(&place, call, err);
	if (status == AG_OK)
		status = lock_dir(&fd, &place, err);
	if (status == AG_OK)
		status = keyring_place_make(&place, name,
		    key.opener.kind != 0 ? &key.opener : NULL, err);
	keyring_key_fini(&key);
	if (fd != -1)
		(void)close(fd);
	return status == AG_OK ? keyring_look_at(look, place.path, err)
			       : status;
}

static int
create_run(struct applet_call *call)
{
	const char *name = options_text(&call->options, "name");
	struct keyring_look look;
	struct ag_error err;

	if (name == NULL)
		return applet_usage(call, "--name is needed");
	if (field_check_name("node", name, &err) != AG_OK)
		return applet_usage(call, "option --name: %s", err.text);
	if (keyring_place_check_new(call, "", &err) != AG_OK)
		return applet_usage(call, "%s", err.text);
	if (create(&look, call, name, &err) != AG_OK)
		return exit_fail_local(call, &err);
	return show_status(call, &look, true);
}

static const struct applet_command keys_commands[] = {
	{ "status", "", "key epochs of a node, or what its keyring says", NULL,
	    status_run },
	{ "rotate", "", "begin the next key epoch, on all nodes",
	    keys_rotate_options, keys_rotate },
	{ "policy", "", "show or change when a key epoch ends by itself",
	    keys_policy_options, keys_policy },
	{ "sign", "ORDER", "approve an order that others are to sign, too",
	    keys_sign_options, keys_sign },
	{ "apply", "ORDER", "have the cluster obey an order", NULL,
	    keys_apply },
	{ "check", "", "open the keyring and check all of it", NULL,
	    check_run },
	{ "epochs", "", "the keys that files are sealed with", NULL,
	    epochs_run },
	{ "slots", "", "what opens the keyring", NULL, slots_run },
	{ "add-slot", "", "let something more open the keyring",
	    keys_slot_add_options, keys_slot_add },
	{ "change-slot", "SLOT", "let something else open the keyring",
	    keys_slot_change_options, keys_slot_change },
	{ "remove-slot", "SLOT", "let something open the keyring no more", NULL,
	    keys_slot_remove },
	{ "renew-root", "", "wrap the node's keys with a new storage root",
	    keys_root_options, keys_root_renew },
	{ "create", "", "make a keyring where there is none", create_options,
	    create_run },
	{ 0 },
};

static const char *const keys_examples[] = {
	"aegis keys status",
	"aegis keys rotate --reason yearly -d /var/lib/aegis",
	"aegis keys status -D /var/lib/aegis",
	"aegis keys add-slot --new-key-file /mnt/stick/n1.key --label stick",
	"aegis keys remove-slot 1 --passphrase",
	NULL,
};

const struct applet applet_keys = {
	.name = "keys",
	.summary = "the keys that nodes' files are sealed with",
	.options = keys_options,
	.commands = keys_commands,
	.examples = keys_examples,
	.flags = APPLET_SECRETS,
};
