/*
 * Durations and sizes, to and from text.
 *
 * RULES    1. Nothing is rounded: no fractions in, the largest unit that
 *             divides evenly out.
 *          2. Overflow is AG_ELIMIT, never a wrapped number.
 *          3. Units are spelled exactly; MB is 1000 kB and MiB is 1024 KiB.
 */
#include "config/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

/* Formatting takes the first that divides, so the largest comes first. */
static const struct unit durations[] = {
	{ "d", 86400000 },
	{ "h", 3600000 },
	{ "m", 60000 },
	{ "s", 1000 },
	{ "ms", 1 },
	{ NULL, 0 },
};

static const struct unit sizes[] = {
	{ "TiB", UINT64_C(1) << 40 },
	{ "GiB", UINT64_C(1) << 30 },
	{ "MiB", UINT64_C(1) << 20 },
	{ "KiB", UINT64_C(1) << 10 },
	{ "B", 1 },
	{ "TB", UINT64_C(1000000000000) },
	{ "GB", UINT64_C(1000000000) },
	{ "MB", UINT64_C(1000000) },
	{ "kB", UINT64_C(1000) },
	{ NULL, 0 },
};

static enum ag_status
unit_digits(const char **text, uint64_t *value)
{
	const char *p = *text;
	uint64_t sum = 0;

	if (*p < '0' || *p > '9')
		return AG_EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(sum, UINT64_C(10), &sum) ||
		    __builtin_add_overflow(sum, (uint64_t)(*p - '0'), &sum))
			return AG_ELIMIT;
	}
	*text = p;
	*value = sum;
	return AG_OK;
}

static const struct unit *
unit_find(const struct unit *units, const char *name, size_t len)
{
	for (; units->name != NULL; units++) {
		if (strlen(units->name) == len &&
		    memcmp(units->name, name, len) == 0)
			return units;
	}
	return NULL;
}

/* One number and its unit, added to *total. */
static enum ag_status
unit_term(const struct unit *units, const char **text, uint64_t *total)
{
	const struct unit *unit;
	enum ag_status status;
	uint64_t value;
	size_t len;

	status = unit_digits(text, &value);
	if (status != AG_OK)
		return status;
	len = strcspn(*text, "0123456789");
	unit = unit_find(units, *text, len);
	if (unit == NULL)
		return AG_EINVAL;
	*text += len;
	if (__builtin_mul_overflow(value, unit->factor, &value) ||
	    __builtin_add_overflow(*total, value, total))
		return AG_ELIMIT;
	return AG_OK;
}

enum ag_status
unit_parse_count(const char *text, uint64_t *count)
{
	enum ag_status status = unit_digits(&text, count);

	if (status == AG_OK && *text != '\0')
		return AG_EINVAL;
	return status;
}

enum ag_status
unit_parse_duration(const char *text, uint64_t *duration_ms)
{
	enum ag_status status;

	*duration_ms = 0;
	if (strcmp(text, "0") == 0)
		return AG_OK;
	do
		status = unit_term(durations, &text, duration_ms);
	while (status == AG_OK && *text != '\0');
	return status;
}

enum ag_status
unit_parse_size(const char *text, uint64_t *bytes)
{
	enum ag_status status;

	*bytes = 0;
	if (strcmp(text, "0") == 0)
		return AG_OK;
	status = unit_term(sizes, &text, bytes);
	if (status == AG_OK && *text != '\0')
		return AG_EINVAL;
	return status;
}

static void
unit_format(const struct unit *units, uint64_t value,
    char out[static UNIT_TEXT_BYTES])
{
	if (value == 0) {
		(void)snprintf(out, UNIT_TEXT_BYTES, "0");
		return;
	}
	while (value % units->factor != 0)
		units++;
	(void)snprintf(out, UNIT_TEXT_BYTES, "%" PRIu64 "%s",
	    value / units->factor, units->name);
}

void
unit_format_duration(uint64_t duration_ms, char out[static UNIT_TEXT_BYTES])
{
	unit_format(durations, duration_ms, out);
}

void
unit_format_size(uint64_t bytes, char out[static UNIT_TEXT_BYTES])
{
	unit_format(sizes, bytes, out);
}
