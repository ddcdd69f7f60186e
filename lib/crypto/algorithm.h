/*
 * The registry: every algorithm that can be named, and where it stands.
 *
 * Threads    a constant table.
 */
#ifndef AEGIS_CRYPTO_ALGORITHM_H
#define AEGIS_CRYPTO_ALGORITHM_H

#include <stddef.h>

#include "base/status.h"

enum algorithm_family {
	ALGORITHM_HASH,
	ALGORITHM_SIGNATURE,
};

enum algorithm_standing {
	ALGORITHM_ALLOWED,
	ALGORITHM_REFUSED, /* known, and not done: note says why */
};

struct algorithm {
	const char *name;
	const char *aliases; /* words, in lower case; "" for none */
	enum algorithm_family family;
	const char *provider; /* the library that computes it; "" for none */
	enum algorithm_standing standing;
	const char *note; /* why it is refused, or what limits it; or "" */
	int id;           /* what its family's module calls it */
};

extern const struct algorithm algorithm_table[];
extern const size_t algorithm_count;

/*
 * By name or alias, in any case.
 * AG_EINVAL    unknown: the nearest name or all of them in err
 * AG_EREFUSED  known and refused: why, in err
 */
enum ag_status algorithm_find(const struct algorithm **out,
    enum algorithm_family family, const char *name,
    struct ag_error *err) AG_MUST_USE;

/* The row of a family's id. */
const struct algorithm *algorithm_get(enum algorithm_family family, int id);

/* "hash", "signature". */
const char *algorithm_family_name(enum algorithm_family family);

/* "allowed", "refused". */
const char *algorithm_standing_name(enum algorithm_standing standing);

#endif
