/*
 * Choices: numbered, and left out at will.
 *
 * RULES    1. The dice are thrown whether a choice strikes or not: leaving
 *             one out does not shift the throws before the world reacts.
 *          2. What comes after CHOICES_MAX has no number: it strikes in a
 *             whole schedule, never in one of which some is left out.
 */
#include "sim/choice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
choices_begin(struct choices *c)
{
	c->count = 0;
}

void
choices_keep_none(struct choices *c)
{
	c->is_filtered = true;
	memset(c->kept, 0, sizeof(c->kept));
}

void
choices_keep(struct choices *c, uint32_t index)
{
	c->kept[index / 64] |= UINT64_C(1) << (index % 64);
}

bool
choices_has(const struct choices *c, uint32_t index)
{
	return !c->is_filtered ||
	    (c->kept[index / 64] >> (index % 64) & 1) != 0;
}

bool
choices_next(struct choices *c, enum counter what)
{
	uint32_t index = c->count;

	if (index == CHOICES_MAX)
		return !c->is_filtered;
	c->count++;
	c->what[index] = (uint8_t)what;
	if (c->dropped[what] || !choices_has(c, index)) {
		c->struck[index / 64] &= ~(UINT64_C(1) << (index % 64));
		return false;
	}
	c->struck[index / 64] |= UINT64_C(1) << (index % 64);
	return true;
}

bool
choices_struck(const struct choices *c, uint32_t index)
{
	return index < c->count &&
	    (c->struck[index / 64] >> (index % 64) & 1) != 0;
}

static bool
parse_number(const char **at, uint32_t *number)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(*at, &end, 10);
	if (end == *at || errno != 0 || value >= CHOICES_MAX)
		return false;
	*at = end;
	*number = (uint32_t)value;
	return true;
}

bool
choices_parse(struct choices *c, const char *text)
{
	const char *at = text;

	choices_keep_none(c);
	while (*at != '\0') {
		uint32_t first, last;

		if (!parse_number(&at, &first))
			return false;
		last = first;
		if (*at == '-') {
			at++;
			if (!parse_number(&at, &last))
				return false;
		}
		for (; first <= last; first++)
			choices_keep(c, first);
		if (*at == ',')
			at++;
		else if (*at != '\0')
			return false;
	}
	return true;
}
