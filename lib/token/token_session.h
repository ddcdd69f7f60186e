/*
 * One session with one token, as its worker's thread sees it.
 *
 * NOT HERE Deadlines (token/token_worker.h) and what is in a token
 *          (token/token_object.h).
 *
 * Threads    the worker's.
 */
#ifndef AEGIS_TOKEN_TOKEN_SESSION_H
#define AEGIS_TOKEN_TOKEN_SESSION_H

#include <stdbool.h>

#include <p11-kit/pkcs11.h>

#include "base/status.h"
#include "crypto/secret.h"
#include "token/token.h"
#include "token/token_module.h"

struct token_session {
	struct token_module *module; /* NULL: none is loaded */
	CK_FUNCTION_LIST *f;
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE handle;
	bool is_open;
	struct token_info info;
};

/* Load the module that a URI names. */
enum ag_status token_session_load(struct token_session *s,
    const struct token_uri *uri, struct ag_error *err) AG_MUST_USE;
void token_session_fini(struct token_session *s);

/* The tokens that are there and match, initialised or not. */
enum ag_status token_session_tokens(struct token_session *s,
    const struct token_uri *uri, struct token_info *out, size_t cap,
    size_t *count, struct ag_error *err) AG_MUST_USE;

/*
 * Open a session with the one initialised token that matches.
 * AG_ENOENT none, AG_ECONFLICT several
 */
enum ag_status token_session_open(struct token_session *s,
    const struct token_uri *uri, struct ag_error *err) AG_MUST_USE;
void token_session_close(struct token_session *s);

/* See token_login(). */
enum ag_status token_session_login(struct token_session *s,
    const struct secret *pin, bool is_typed, struct ag_error *err) AG_MUST_USE;

/* Codes by which tokens say that what they were given is not theirs. */
bool token_session_is_wrong_data(CK_RV code);

/* "token LABEL: WHAT: why". */
enum ag_status token_session_fail(const struct token_session *s,
    struct ag_error *err, CK_RV code, const char *what);

#endif
