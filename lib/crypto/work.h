/*
 * How much work it is to try one passphrase.  Each way of stretching one
 * (crypto/stretch.h, and what others' formats have) says what these are in its
 * own factors; the file that is written names them, so that a reader need not
 * be told.
 *
 * Threads    no state.
 */
#ifndef AEGIS_CRYPTO_WORK_H
#define AEGIS_CRYPTO_WORK_H

#include "base/status.h"

enum work_level {
	WORK_USUAL,
	WORK_LOW,  /* for words that nobody guesses, and for small machines */
	WORK_HIGH, /* for keys that are seldom opened */
	WORK_COUNT
};

/* AG_EINVAL for another name than "low", "usual" and "high". */
enum ag_status work_find(enum work_level *out, const char *name,
    struct ag_error *err) AG_MUST_USE;

#endif
