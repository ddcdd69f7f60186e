/*
 * Libraries that are loaded when they are first used, not at the start.
 *
 * Some libraries bring dozens of others along, and most commands need none
 * of them.  Such a library has a header that lists the functions we call as
 * LIST(X); here the list becomes slots, typed as the library's own header
 * declares them, and names to fill them by.  Macros named as the functions
 * send calls through the slots, so that callers read as ever and are checked
 * as ever.  A call that goes past its slot does not link.
 *
 * RULES    1. A slot is empty until the load has succeeded, so whatever can
 *             make a library's first object loads it before that.  Objects
 *             come from there alone: who has one may call.  Freeing is for
 *             objects that are there, too.
 *          2. A library that was loaded stays.
 *
 * Threads    any; the first load of several goes, the others wait for it.
 */
#ifndef AEGIS_BASE_LATE_H
#define AEGIS_BASE_LATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

#define LATE_SLOT(function) __typeof__(function) *function;
#define LATE_NAME(function) #function "\0"

struct late_library {
	const char *soname;
	const char *package; /* of Debian, that has it */
	const char *names;   /* one after another, an empty one at the end */
	void *slots;         /* function pointers in the same order */
	size_t slots_size;
	/* NULL, or what must hold of it, called through its slots. */
	enum ag_status (*check)(struct ag_error *err);
	atomic_bool is_loaded;
};

/*
 * Load it unless it was, and fill its slots.
 * AG_ESYS  it is not there, damaged, or lacks a function; or what its check
 *          says
 */
enum ag_status late_load(struct late_library *library,
    struct ag_error *err) AG_MUST_USE;

#endif
