/*
 * Where a node's keyring is, and what opens it.
 *
 * FORMAT   DIR/keyring       the keyring (keyring/keyring.h)
 *          DIR/keys/storage  a key file that opens it, unless another is named
 *
 * A command that opens one puts KEYRING_PLACE_OPTIONS into its option table.
 */
#ifndef AEGIS_CMD_KEYRING_PLACE_H
#define AEGIS_CMD_KEYRING_PLACE_H

#include <limits.h>
#include <stdbool.h>

#include "base/status.h"
#include "cmd/applet.h"
#include "cmd/keyring_token.h"
#include "cmd/pin.h"
#include "keyring/keyring.h"

#define KEYRING_PLACE_PASSPHRASE(prefix)                         \
	{ 0, prefix "passphrase", NULL,                          \
		"ask for a passphrase that opens the keyring" }, \
	{                                                        \
		0, prefix "passphrase-fd", "N",                  \
		    "read the keyring's from descriptor N"       \
	}

/* Where one is made, too. */
#define KEYRING_PLACE_MAKE_OPTIONS(prefix)                             \
	{ 0, prefix "key-file", "FILE",                                \
		"the key file that opens the keyring" },               \
	    KEYRING_PLACE_PASSPHRASE(prefix),                          \
	    { 0, prefix "token", "URI", "the token's key that does" }, \
	    PIN_OPTIONS_OF(prefix, "that token's")

#define KEYRING_PLACE_OPTIONS(prefix)                         \
	KEYRING_PLACE_MAKE_OPTIONS(prefix),                   \
	{                                                     \
		0, prefix "escrow-secret", "FILE",            \
		    "what was recovered from escrow opens it" \
	}

/* What opens a keyring, of which it borrows nothing. */
struct keyring_key {
	struct keyring_opener opener; /* of kind 0: nothing */
	struct secret *secret;
	struct keyring_token *token;
};

/* Of what the configuration says. */
#define KEYRING_PLACE_SETTING_BYTES 1024

struct keyring_place {
	char path[PATH_MAX];
	char key_file[PATH_MAX];
	/* What the configuration opens it with: a token, or a passphrase, and
	 * where that is; of kind 0: the key file. */
	enum keyring_kind configured;
	char setting[KEYRING_PLACE_SETTING_BYTES];
	bool has_made_key; /* the key file was not there */
};

/* Of a data directory.  key_file NULL or empty: the usual one. */
enum ag_status keyring_place_init(struct keyring_place *place,
    const char *data_dir, const char *key_file,
    struct ag_error *err) AG_MUST_USE;

/*
 * What is configured to open it where no option says another: the URI of a
 * token's key, a file with a passphrase, or, with both empty, the key file.
 */
enum ag_status keyring_place_configure(struct keyring_place *place,
    const char *token, const char *passphrase_file,
    struct ag_error *err) AG_MUST_USE;

/*
 * What opens the keyring there: what the options --PREFIX… say, or the
 * configured token, or passphrase file; or the key file; or, where there is
 * none but a slot for one, a passphrase asked for.
 */
enum ag_status keyring_place_opener(struct keyring_key *out,
    const struct keyring_place *place, const struct applet_call *call,
    const char *prefix, struct ag_error *err) AG_MUST_USE;

/*
 * The same, of a kind that is not KEYRING_FILE, when an option says it; else of
 * no kind.
 */
enum ag_status keyring_place_given(struct keyring_key *out,
    const struct applet_call *call, const char *prefix, enum keyring_kind kind,
    struct ag_error *err) AG_MUST_USE;

/*
 * What is to open a keyring from now on: the token of --PREFIXtoken, or the
 * passphrase of --PREFIXpass…, with the work of --work; of no kind when there
 * is none.
 */
enum ag_status keyring_place_new(struct keyring_key *out,
    const struct applet_call *call, const char *prefix,
    struct ag_error *err) AG_MUST_USE;

/* AG_EINVAL: such options, of which only one can be meant. */
enum ag_status keyring_place_check_new(const struct applet_call *call,
    const char *prefix, struct ag_error *err) AG_MUST_USE;

void keyring_key_fini(struct keyring_key *key);

/* The bytes of a key file; a new one is made where there is none. */
enum ag_status keyring_place_key(struct secret **out, const char *path,
    bool may_make, struct ag_error *err) AG_MUST_USE;

/*
 * Make a node's keyring, opened by opener, or when that is NULL by the key
 * file, which is made.  AG_EEXIST.
 */
enum ag_status keyring_place_make(struct keyring_place *place, const char *node,
    const struct keyring_opener *opener, struct ag_error *err) AG_MUST_USE;

/* Take back what was made; only for a directory that was not there before. */
void keyring_place_undo(const struct keyring_place *place);

#endif
