/*
 * Passphrases for commands that handle keys: from a descriptor or typed on
 * the terminal, never from arguments or the environment.
 *
 * A command that takes one puts PASSPHRASE_OPTIONS into its option table.
 */
#ifndef AEGIS_CMD_PASSPHRASE_H
#define AEGIS_CMD_PASSPHRASE_H

#include "base/status.h"
#include "cmd/applet.h"
#include "crypto/private_key.h"
#include "crypto/secret.h"
#include "crypto/work.h"

#define PASSPHRASE_OPTIONS                                                 \
	{ 0, "passphrase", NULL, "ask for a passphrase on the terminal" }, \
	{                                                                  \
		0, "passphrase-fd", "N",                                   \
		    "read the passphrase's line from descriptor N"         \
	}

/* Where one is set. */
#define PASSPHRASE_WORK_OPTION                                            \
	{                                                                 \
		0, "work", "LEVEL",                                       \
		    "low, usual or high: how hard a passphrase is to try" \
	}

#define NEW_PASSPHRASE_OPTIONS                                        \
	{ 0, "new-passphrase", NULL, "ask for the new one, twice" },  \
	    { 0, "new-passphrase-fd", "N",                            \
		    "read the new one's line from descriptor N" },    \
	{                                                             \
		0, "no-passphrase", NULL, "write the key without one" \
	}

/*
 * What --passphrase-fd or --passphrase gives; NULL when neither was given.
 * A new passphrase is typed twice.
 */
enum ag_status passphrase_option(struct secret **out,
    const struct applet_call *call, bool is_new,
    struct ag_error *err) AG_MUST_USE;

/* The same of --new-passphrase-fd and --new-passphrase. */
enum ag_status passphrase_new_option(struct secret **out,
    const struct applet_call *call, struct ag_error *err) AG_MUST_USE;

/* The same of --NAME-fd and --NAME. */
enum ag_status passphrase_named_option(struct secret **out,
    const struct applet_call *call, const char *name, bool is_new,
    struct ag_error *err) AG_MUST_USE;

/* What --work says, WORK_USUAL without it. */
enum ag_status passphrase_work_option(enum work_level *out,
    const struct applet_call *call, struct ag_error *err) AG_MUST_USE;

/* Typed twice, on the terminal. */
enum ag_status passphrase_prompt_new(struct secret **out,
    struct ag_error *err) AG_MUST_USE;

/* AG_EREFUSED without a terminal, or when the user gives up. */
enum ag_status passphrase_prompt(struct secret **out, const char *prompt,
    struct ag_error *err) AG_MUST_USE;

/* The passphrase of a key file: the options' one, or else asked for. */
enum ag_status passphrase_of_file(struct secret **out,
    const struct applet_call *call, const char *path,
    struct ag_error *err) AG_MUST_USE;

/*
 * Parse a private key's text; when it is encrypted, with the passphrase of
 * the options or else asked for, which is handed out, too.
 */
enum ag_status passphrase_open_key(struct private_key **key,
    const struct applet_call *call, const char *path, struct bytes text,
    struct secret **passphrase, struct ag_error *err) AG_MUST_USE;

/* Load an Ed25519 private key in any format, as above. */
enum ag_status passphrase_load_key(struct secret **key,
    const struct applet_call *call, const char *path,
    struct ag_error *err) AG_MUST_USE;

#endif
