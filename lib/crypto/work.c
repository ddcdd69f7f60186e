/*
 * Names of how much work passphrases take.
 */
#include "crypto/work.h"

#include <string.h>

static const char *const names[WORK_COUNT] = {
	[WORK_LOW] = "low",
	[WORK_USUAL] = "usual",
	[WORK_HIGH] = "high",
};

enum ag_status
work_find(enum work_level *out, const char *name, struct ag_error *err)
{
	for (int i = 0; i < WORK_COUNT; i++)
		if (strcmp(names[i], name) == 0) {
			*out = (enum work_level)i;
			return AG_OK;
		}
	return ag_fail(err, AG_EINVAL,
	    "work '%s' is not one of low, usual, high", name);
}
