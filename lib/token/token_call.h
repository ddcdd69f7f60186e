/*
 * A call on a token's thread, for the files of this folder.
 */
#ifndef AEGIS_TOKEN_TOKEN_CALL_H
#define AEGIS_TOKEN_TOKEN_CALL_H

#include "token/token.h"
#include "token/token_session.h"
#include "token/token_worker.h"

/* fn's state is the token's struct token_session; else as the worker has it. */
enum ag_status token_call(struct token *token, token_worker_fn *fn,
    const void *in, size_t in_bytes, void *out, size_t out_bytes,
    struct ag_error *err) AG_MUST_USE;

#endif
