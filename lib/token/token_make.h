/*
 * Keys made in a token.
 *
 * Threads    the worker's.
 */
#ifndef AEGIS_TOKEN_TOKEN_MAKE_H
#define AEGIS_TOKEN_TOKEN_MAKE_H

#include "token/token_session.h"

/* See token_generate(). */
enum ag_status token_make_key(struct token_session *s,
    const struct token_making *making, struct token_key *out,
    struct ag_error *err) AG_MUST_USE;

#endif
