/*
 * The table of configuration keys.
 *
 * RULES    1. Keys are only ever added; a key that has gone stays, refused
 *             with a sentence on what replaced it.
 *          2. Every scalar is text until its kind converts it: no is "no",
 *             010 is ten nowhere, and quantities carry their unit.
 *          3. An empty default means "not set"; the doc says what then.
 */
#include "config/schema.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "config/unit.h"

#define KIB(n) (UINT64_C(n) << 10)
#define MIB(n) (UINT64_C(n) << 20)
#define GIB(n) (UINT64_C(n) << 30)

const struct schema_key schema_keys[] = {
	{ .path = "node.name",
	    .kind = SCHEMA_NAME,
	    .value = "",
	    .doc = "This node's name in the roster. When empty, the node key "
		   "decides which member it is." },
	{ .path = "node.data_dir",
	    .kind = SCHEMA_PATH,
	    .value = "/var/lib/aegis",
	    .doc = "Where keys, log and state are kept. An ordinary user's "
		   "default is aegis below XDG_STATE_HOME." },
	{ .path = "node.roster",
	    .kind = SCHEMA_PATH,
	    .value = "",
	    .doc = "The cluster's roster, signed by every member. When empty, "
		   "the file roster in the data directory." },
	{ .path = "node.key",
	    .kind = SCHEMA_TEXT,
	    .value = "",
	    .doc = "The node key when it is in a token: a pkcs11: URI, whose "
		   "pin-source says where the PIN is. When empty, the file "
		   "keys/node in the data directory." },
	{ .path = "node.key_timeout",
	    .kind = SCHEMA_DURATION,
	    .least = 10,
	    .most = 10000,
	    .value = "250ms",
	    .doc = "How long a token may take for a signature. One that takes "
		   "longer is away, and the node does not vote until it is "
		   "back." },
	{ .path = "net.listen",
	    .kind = SCHEMA_ADDRESS,
	    .value = "",
	    .doc = "HOST:PORT to accept peers on. When empty, the address the "
		   "roster gives this node." },
	{ .path = "net.heartbeat",
	    .kind = SCHEMA_DURATION,
	    .least = 50,
	    .most = 60000,
	    .value = "500ms",
	    .doc = "How often an idle link is asked for a sign of life." },
	{ .path = "net.silent_after",
	    .kind = SCHEMA_DURATION,
	    .least = 100,
	    .most = 600000,
	    .value = "3s",
	    .doc = "A peer unheard for this long is shown as silent. At least "
		   "twice net.heartbeat." },
	{ .path = "net.link_key_age",
	    .kind = SCHEMA_DURATION,
	    .least = UINT64_C(3600000),
	    .most = UINT64_C(315360000000),
	    .value = "30d",
	    .doc = "A link key older than this is replaced. One with a "
		   "passphrase only when the node starts." },
	{ .path = "net.rekey_bytes",
	    .kind = SCHEMA_SIZE,
	    .least = MIB(64),
	    .most = GIB(1),
	    .value = "1GiB",
	    .doc = "A session of a link changes its keys after so much in one "
		   "direction." },
	{ .path = "net.rekey_after",
	    .kind = SCHEMA_DURATION,
	    .least = 60000,
	    .most = 3600000,
	    .value = "1h",
	    .doc = "A session of a link changes its keys after this long." },
	{ .path = "api.socket",
	    .kind = SCHEMA_PATH,
	    .value = "/run/aegis/aegis.sock",
	    .variable = "AEGIS_SOCKET",
	    .doc = "Unix socket of the API. An ordinary user's default is "
		   "aegis/aegis.sock below XDG_RUNTIME_DIR." },
	{ .path = "api.socket_mode",
	    .kind = SCHEMA_MODE,
	    .least = 0600,
	    .most = 0666,
	    .value = "0660",
	    .doc = "Permissions of the socket: who may connect may read and "
		   "write every key." },
	{ .path = "consensus.view_timeout",
	    .kind = SCHEMA_DURATION,
	    .least = 50,
	    .most = 600000,
	    .value = "1s",
	    .doc = "How long a request may wait before the primary is "
		   "replaced. Doubles with each failed attempt. With Raft: "
		   "how long a leader may be silent." },
	{ .path = "consensus.checkpoint_interval",
	    .kind = SCHEMA_COUNT,
	    .least = 8,
	    .most = 2048,
	    .value = "128",
	    .doc = "Batches between two checkpoints. The same on every "
		   "member." },
	{ .path = "consensus.pipeline",
	    .kind = SCHEMA_COUNT,
	    .least = 1,
	    .most = 256,
	    .value = "32",
	    .doc = "Batches that may be in agreement at one time. At most "
		   "twice consensus.checkpoint_interval." },
	{ .path = "consensus.batch_bytes",
	    .kind = SCHEMA_SIZE,
	    .least = KIB(64),
	    .most = MIB(8),
	    .value = "2MiB",
	    .doc = "The largest batch. The same on every member." },
	{ .path = "consensus.clock_skew",
	    .kind = SCHEMA_DURATION,
	    .least = 100,
	    .most = 3600000,
	    .value = "10s",
	    .doc = "How far a primary's clock may be from ours before its "
		   "proposals are refused." },
	{ .path = "store.log_retain",
	    .kind = SCHEMA_SIZE,
	    .least = MIB(1),
	    .most = GIB(1024),
	    .value = "64MiB",
	    .doc = "History kept in the log below the last checkpoint, for "
		   "members that were away." },
	{ .path = "store.history_age",
	    .kind = SCHEMA_DURATION,
	    .least = 0,
	    .most = UINT64_C(315360000000),
	    .value = "24h",
	    .doc = "How long superseded versions of keys are kept, by the "
		   "time the cluster agrees on: for reads at an earlier "
		   "sequence, histories and watches from the past." },
	{ .path = "store.history_bytes",
	    .kind = SCHEMA_SIZE,
	    .least = 0,
	    .most = GIB(1024),
	    .value = "1GiB",
	    .doc = "How much of them is kept at most, counted before "
		   "compression; the oldest go first. 0B: none." },
	{ .path = "token.module_dirs",
	    .kind = SCHEMA_TEXT,
	    .value = "",
	    .doc = "Absolute folders, with colons between, in which a PKCS#11 "
		   "module that a URI names by module-name is looked for "
		   "before those of the system." },
	{ .path = "keyring.key_file",
	    .kind = SCHEMA_PATH,
	    .value = "",
	    .doc = "The key file that opens the keyring, best on another disk "
		   "than the data. When empty, keys/storage in the data "
		   "directory." },
	{ .path = "keyring.token",
	    .kind = SCHEMA_TEXT,
	    .value = "",
	    .doc = "A key in a token that opens the keyring: a pkcs11: URI, "
		   "whose pin-source says where the PIN is. When set, neither "
		   "the passphrase file nor the key file is used." },
	{ .path = "keyring.passphrase_file",
	    .kind = SCHEMA_PATH,
	    .value = "",
	    .doc = "A private file whose first line is a passphrase that opens "
		   "the keyring. When set, the key file is not used." },
	{ .path = "keyring.reseal_percent",
	    .kind = SCHEMA_COUNT,
	    .least = 1,
	    .most = 100,
	    .value = "4",
	    .doc = "Of a hundred parts of the time that executes batches, how "
		   "many may seal values again after a key epoch has begun. "
		   "Keys that may be known are replaced without such a "
		   "limit." },
	{ .path = "log.level",
	    .kind = SCHEMA_CHOICE,
	    .choices = "debug|info|warn|error",
	    .value = "info",
	    .is_reloadable = true,
	    .doc = "The least severe lines that are written." },
	{ .path = "log.format",
	    .kind = SCHEMA_CHOICE,
	    .choices = "logfmt|json",
	    .value = "logfmt",
	    .is_reloadable = true,
	    .doc = "How a line is written." },
	{ .path = "log.file",
	    .kind = SCHEMA_PATH,
	    .value = "",
	    .is_reloadable = true,
	    .doc = "A file to append to. When empty, standard error." },
};

const size_t schema_count = sizeof(schema_keys) / sizeof(schema_keys[0]);

int
schema_find(const char *path)
{
	for (size_t i = 0; i < schema_count; i++) {
		if (strcmp(schema_keys[i].path, path) == 0)
			return (int)i;
	}
	return -1;
}

bool
schema_is_section(const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < schema_count; i++) {
		if (strncmp(schema_keys[i].path, path, len) == 0 &&
		    schema_keys[i].path[len] == '.')
			return true;
	}
	return false;
}

/* The key after the last dot decides before the whole path does. */
const char *
schema_nearest(const char *path)
{
	const char *dot = strrchr(path, '.');
	struct nearest search;

	nearest_init(&search, path);
	for (size_t i = 0; i < schema_count; i++)
		nearest_offer(&search, schema_keys[i].path);
	if (search.best != NULL)
		return search.best;
	for (size_t i = 0; i < schema_count; i++) {
		const char *last = strrchr(schema_keys[i].path, '.') + 1;

		if (strcmp(last, dot != NULL ? dot + 1 : path) == 0)
			return schema_keys[i].path;
	}
	return NULL;
}

static bool
schema_is_plain(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
		/* C1 controls and Unicode's own line ends. */
		if (text[0] == '\xc2' && (unsigned char)text[1] < 0xa0)
			return false;
		if (strncmp(text, "\xe2\x80\xa8", 3) == 0 ||
		    strncmp(text, "\xe2\x80\xa9", 3) == 0 ||
		    strncmp(text, "\xef\xbb\xbf", 3) == 0)
			return false;
	}
	return true;
}

static bool
schema_is_name(const char *text)
{
	size_t len = strspn(text,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789-_.");

	return text[len] == '\0' && len < 64 && text[0] != '-' &&
	    text[0] != '.';
}

/* HOST:PORT or [V6]:PORT; whether the host exists is found out later. */
static bool
schema_is_address(const char *text)
{
	const char *colon = strrchr(text, ':');
	uint64_t port;

	if (*text == '\0')
		return true;
	if (colon == NULL || colon == text || strlen(text) > 255 ||
	    strchr(text, ' ') != NULL)
		return false;
	if (memchr(text, ':', (size_t)(colon - text)) != NULL &&
	    (text[0] != '[' || colon[-1] != ']'))
		return false;
	return unit_parse_count(colon + 1, &port) == AG_OK && port > 0 &&
	    port <= 65535;
}

static bool
schema_is_choice(const char *choices, const char *text)
{
	size_t len = strlen(text);

	for (;;) {
		size_t word = strcspn(choices, "|");

		if (word == len && memcmp(choices, text, len) == 0)
			return true;
		if (choices[word] == '\0')
			return false;
		choices += word + 1;
	}
}

static enum ag_status
schema_octal(const char *text, uint64_t *number)
{
	size_t len = strlen(text);

	*number = 0;
	if (len < 3 || len > 5 || strspn(text, "01234567") != len)
		return AG_EINVAL;
	for (; *text != '\0'; text++)
		*number = *number << 3 | (uint64_t)(*text - '0');
	return AG_OK;
}

static enum ag_status
schema_bool(const char *text, uint64_t *number)
{
	*number = strcmp(text, "true") == 0;
	return *number == 1 || strcmp(text, "false") == 0 ? AG_OK : AG_EINVAL;
}

static enum ag_status
schema_number(const struct schema_key *key, const char *text, uint64_t *number)
{
	switch (key->kind) {
	case SCHEMA_COUNT:
		return unit_parse_count(text, number);
	case SCHEMA_DURATION:
		return unit_parse_duration(text, number);
	case SCHEMA_SIZE:
		return unit_parse_size(text, number);
	case SCHEMA_MODE:
		return schema_octal(text, number);
	case SCHEMA_BOOL:
		return schema_bool(text, number);
	case SCHEMA_TEXT:
	case SCHEMA_NAME:
	case SCHEMA_PATH:
	case SCHEMA_ADDRESS:
	case SCHEMA_CHOICE:
		break;
	}
	return AG_EINTERNAL;
}

static bool
schema_is_text_kind(enum schema_kind kind)
{
	return kind <= SCHEMA_ADDRESS || kind == SCHEMA_CHOICE;
}

static bool
schema_text_fits(const struct schema_key *key, const char *text)
{
	if (!schema_is_plain(text))
		return false;
	if (key->kind == SCHEMA_NAME)
		return schema_is_name(text);
	if (key->kind == SCHEMA_ADDRESS)
		return schema_is_address(text);
	if (key->kind == SCHEMA_CHOICE)
		return schema_is_choice(key->choices, text);
	return true;
}

static const char *
schema_expected(const struct schema_key *key)
{
	static const char *const expected[] = {
		[SCHEMA_TEXT] = "text without control characters",
		[SCHEMA_NAME] = "a name of letters, digits, '-', '_' and '.'",
		[SCHEMA_PATH] = "a path",
		[SCHEMA_ADDRESS] = "an address such as 192.0.2.1:7422",
		[SCHEMA_COUNT] = "a whole number",
		[SCHEMA_DURATION] = "a duration such as 500ms or 30s",
		[SCHEMA_SIZE] = "a size such as 64MiB",
		[SCHEMA_MODE] = "an octal mode such as 0660",
		[SCHEMA_BOOL] = "true or false",
		[SCHEMA_CHOICE] = "one of",
	};

	return expected[key->kind];
}

enum ag_status
schema_convert(const struct schema_key *key, const char *text, uint64_t *number,
    struct ag_error *err)
{
	char range[SCHEMA_RANGE_BYTES];
	enum ag_status status;

	*number = 0;
	if (schema_is_text_kind(key->kind))
		status = schema_text_fits(key, text) ? AG_OK : AG_EINVAL;
	else
		status = schema_number(key, text, number);
	if (status != AG_OK)
		return ag_fail(err, AG_EINVAL, "'%.64s' is not %s%s%s", text,
		    schema_expected(key), key->kind == SCHEMA_CHOICE ? " " : "",
		    key->kind == SCHEMA_CHOICE ? key->choices : "");
	if (key->most != 0 && (*number < key->least || *number > key->most)) {
		schema_describe(key, range);
		return ag_fail(err, AG_EINVAL, "'%.64s' is out of range: %s",
		    text, range);
	}
	return AG_OK;
}

static void
schema_format_number(const struct schema_key *key, uint64_t number,
    char out[static UNIT_TEXT_BYTES])
{
	if (key->kind == SCHEMA_DURATION)
		unit_format_duration(number, out);
	else if (key->kind == SCHEMA_SIZE)
		unit_format_size(number, out);
	else if (key->kind == SCHEMA_MODE)
		(void)snprintf(out, UNIT_TEXT_BYTES, "0%03o",
		    (unsigned int)number);
	else
		(void)snprintf(out, UNIT_TEXT_BYTES, "%" PRIu64, number);
}

void
schema_describe(const struct schema_key *key,
    char out[static SCHEMA_RANGE_BYTES])
{
	static const char *const names[] = {
		[SCHEMA_TEXT] = "text",
		[SCHEMA_NAME] = "name",
		[SCHEMA_PATH] = "path",
		[SCHEMA_ADDRESS] = "address",
		[SCHEMA_COUNT] = "number",
		[SCHEMA_DURATION] = "duration",
		[SCHEMA_SIZE] = "size",
		[SCHEMA_MODE] = "mode",
		[SCHEMA_BOOL] = "true|false",
	};
	char least[UNIT_TEXT_BYTES], most[UNIT_TEXT_BYTES];

	if (key->kind == SCHEMA_CHOICE) {
		(void)snprintf(out, SCHEMA_RANGE_BYTES, "%s", key->choices);
	} else if (key->most == 0) {
		(void)snprintf(out, SCHEMA_RANGE_BYTES, "%s", names[key->kind]);
	} else {
		schema_format_number(key, key->least, least);
		schema_format_number(key, key->most, most);
		(void)snprintf(out, SCHEMA_RANGE_BYTES, "%s %s..%s",
		    names[key->kind], least, most);
	}
}

void
schema_variable(const struct schema_key *key, char out[static 64])
{
	if (key->variable != NULL) {
		(void)snprintf(out, 64, "%s", key->variable);
		return;
	}
	(void)snprintf(out, 64, "AEGIS_%s", key->path);
	for (char *p = out; *p != '\0'; p++)
		*p = *p == '.' ? '_' : (char)toupper((unsigned char)*p);
}
