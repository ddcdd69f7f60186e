/*
 * PINs of tokens: from a file, a descriptor, or typed on the terminal, never
 * from arguments or the environment.
 *
 * A command that takes one puts PIN_OPTIONS into its option table.
 */
#ifndef AEGIS_CMD_PIN_H
#define AEGIS_CMD_PIN_H

#include <stdbool.h>

#include "base/status.h"
#include "cmd/applet.h"
#include "crypto/secret.h"
#include "token/token.h"

#define PIN_OPTIONS PIN_OPTIONS_OF("", "a token's")

/* The same as --PREFIXpin-…, where there are tokens of several uses. */
#define PIN_OPTIONS_OF(prefix, whose)                                      \
	{ 0, prefix "pin-file", "FILE",                                    \
		"read " whose " PIN from a private file" },                \
	{                                                                  \
		0, prefix "pin-fd", "N", "read its line from descriptor N" \
	}

/*
 * The PIN of a token: --PREFIXpin-fd, --PREFIXpin-file, the URI's pin-source,
 * or else it is asked for, unless the reader has a pinpad: then *out is NULL.
 * is_typed says that somebody has just typed it.
 */
enum ag_status pin_of_token(struct secret **out, bool *is_typed,
    const struct applet_call *call, const char *prefix,
    const struct token_uri *uri, const struct token_info *info,
    struct ag_error *err) AG_MUST_USE;

#endif
