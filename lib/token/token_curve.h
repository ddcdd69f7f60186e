/*
 * Curves as PKCS#11 names them, and their points.
 *
 * Threads    no shared state.
 */
#ifndef AEGIS_TOKEN_TOKEN_CURVE_H
#define AEGIS_TOKEN_TOKEN_CURVE_H

#include "base/bytes.h"
#include "token/token.h"

/* TOKEN_KEY_OTHER: one that is not done here. */
enum token_key_type token_curve_find(struct bytes params);

/*
 * The i-th way to name a curve, the usual one first: empty when there are no
 * more.
 */
struct bytes token_curve_params(enum token_key_type type, size_t i);

/*
 * An SSH blob of a point, with or without the head of its OCTET STRING; its
 * length, or 0 when the point has another.
 */
size_t token_curve_blob(uint8_t *blob, enum token_key_type type,
    struct bytes point);

#endif
