/*
 * A request's query arguments, checked.
 *
 * What is wrong is answered here, with a problem that names the argument;
 * the caller then only returns.
 */
#ifndef AEGIS_API_ARGUMENT_H
#define AEGIS_API_ARGUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/exchange.h"

/* Take all that came; false (answered) when one is unknown or repeated. */
bool argument_take_all(struct exchange *x);

bool argument_is_given(const struct exchange *x, const char *name);

/* The argument as it came; data is NULL when it was not given. */
struct bytes argument_text(const struct exchange *x, const char *name);

/* *out keeps its value when it was not given.  False: answered. */
bool argument_u64(struct exchange *x, const char *name, uint64_t least,
    uint64_t most, uint64_t *out);

/* base64url of at most cap bytes; *len is 0 when not given.  False: answered. */
bool argument_bytes(struct exchange *x, const char *name, uint8_t *out,
    size_t cap, size_t *len);

/*
 * "1", "true" or no value: *out is true.  "0", "false" or not given: false.
 * Returns false when it was something else, and is answered.
 */
bool argument_flag(struct exchange *x, const char *name, bool *out);

/* "linearizable", which it is when not given, or "local".  False: answered. */
bool argument_consistency(struct exchange *x,
    enum node_consistency *consistency);

/* Decimal digits only, no sign, no more than 64 bits. */
bool argument_parse_u64(struct bytes text, uint64_t *value);

#endif
