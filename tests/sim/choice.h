/*
 * Choices: everything the world does to its inhabitants, numbered as it
 * happens, so that a schedule can be lived through again with some of it
 * left out.
 *
 * A number means the same thing only as long as the same choices are kept;
 * a list of numbers, with its seed, always means the same schedule.
 */
#ifndef AEGIS_SIM_CHOICE_H
#define AEGIS_SIM_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/counters.h"

#define CHOICES_MAX 65536

struct choices {
	uint32_t count;                    /* met in this schedule */
	bool is_filtered;                  /* only those kept strike */
	uint8_t what[CHOICES_MAX];         /* enum counter */
	uint64_t struck[CHOICES_MAX / 64]; /* in this schedule */
	bool dropped[COUNT_COUNT];         /* kinds of which none strikes */
	uint64_t kept[CHOICES_MAX / 64];   /* a bit each */
};

/* Begin a schedule; what is kept stays. */
void choices_begin(struct choices *c);

/* From here on only what choices_keep() names strikes. */
void choices_keep_none(struct choices *c);
void choices_keep(struct choices *c, uint32_t index);

bool choices_has(const struct choices *c, uint32_t index);

/* Did it, in the schedule that is over? */
bool choices_struck(const struct choices *c, uint32_t index);

/* The next choice: does it strike? */
bool choices_next(struct choices *c, enum counter what);

/* "3,17,120-125"; false when it is no such list. */
bool choices_parse(struct choices *c, const char *text);

#endif
