/*
 * What is in a token: keys found and read.
 *
 * Threads    the worker's.
 */
#ifndef AEGIS_TOKEN_TOKEN_OBJECT_H
#define AEGIS_TOKEN_TOKEN_OBJECT_H

#include "token/token_session.h"

/*
 * The keys that match in object, id and class, at most cap, public halves
 * looked up.
 */
enum ag_status token_object_find(struct token_session *s,
    const struct token_uri *uri, enum token_class class, struct token_key *out,
    size_t cap, size_t *count, struct ag_error *err) AG_MUST_USE;

#endif
