/*
 * Names of tokens and of what is in them: pkcs11: URIs (RFC 7512).
 *
 *	pkcs11:token=ops;object=alice?pin-source=file:/etc/aegis/pin
 *
 * FORMAT   path   token, manufacturer, model, serial; object, id, type
 *                 (public, private or secret-key); separated by ";"
 *          query  module-path (absolute), module-name, pin-source
 *                 (file:/PATH, or a path); separated by "&"
 *
 * What is not named is not asked for: an empty path is any token.
 *
 * Threads    no shared state.
 */
#ifndef AEGIS_TOKEN_TOKEN_URI_H
#define AEGIS_TOKEN_TOKEN_URI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

/* What PKCS#11 has room for, and a NUL. */
#define TOKEN_LABEL_BYTES 33
#define TOKEN_SERIAL_BYTES 17

#define TOKEN_OBJECT_BYTES 65
#define TOKEN_ID_BYTES_MAX 64
#define TOKEN_PATH_BYTES 1024
#define TOKEN_URI_BYTES_MAX 4096

enum token_class {
	TOKEN_CLASS_ANY,
	TOKEN_CLASS_PUBLIC,
	TOKEN_CLASS_PRIVATE,
	TOKEN_CLASS_SECRET,
};

/* Texts that are empty were not given. */
struct token_uri {
	char token[TOKEN_LABEL_BYTES];
	char manufacturer[TOKEN_LABEL_BYTES];
	char model[TOKEN_SERIAL_BYTES];
	char serial[TOKEN_SERIAL_BYTES];
	char object[TOKEN_OBJECT_BYTES];
	uint8_t id[TOKEN_ID_BYTES_MAX];
	size_t id_len;
	enum token_class class;
	char module_path[TOKEN_PATH_BYTES];
	char module_name[TOKEN_LABEL_BYTES];
	char pin_source[TOKEN_PATH_BYTES]; /* a path, without file: */
};

/* Does text say that it is one? */
bool token_uri_is_one(const char *text);

/*
 * AG_EINVAL    not such a URI, or it has what is not known here twice or at all
 * AG_EREFUSED  it has a PIN in it
 */
enum ag_status token_uri_parse(struct token_uri *uri, const char *text,
    struct ag_error *err) AG_MUST_USE;

/* Append its one form, which parses to the same. */
enum ag_status token_uri_format(struct buf *out,
    const struct token_uri *uri) AG_MUST_USE;

/* "public", "private", "secret-key"; "" for any. */
const char *token_uri_class_name(enum token_class class);

#endif
