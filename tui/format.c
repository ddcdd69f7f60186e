/*
 * Numbers, sizes and times in the few columns a dashboard has.
 *
 * NOT HERE Where they are shown (the panes).
 */
#include "tui/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void
format_count(char out[static FORMAT_BYTES], double value)
{
	static const char units[] = "kMGTPE";
	size_t unit = 0;

	if (value < 9999.5) {
		(void)snprintf(out, FORMAT_BYTES, "%.0f", value);
		return;
	}
	value /= 1000;
	while (value >= 999.5 && unit + 2 < sizeof(units)) {
		value /= 1000;
		unit++;
	}
	(void)snprintf(out, FORMAT_BYTES, value < 99.95 ? "%.1f%c" : "%.0f%c",
	    value, units[unit]);
}

void
format_ms(char out[static FORMAT_BYTES], uint64_t us)
{
	if (us < 99950)
		(void)snprintf(out, FORMAT_BYTES, "%.1f", (double)us / 1000);
	else
		(void)snprintf(out, FORMAT_BYTES, "%" PRIu64,
		    (us + 500) / 1000);
}

void
format_age(char out[static FORMAT_BYTES], uint64_t ms)
{
	uint64_t s = ms / 1000;

	if (s == 0)
		(void)snprintf(out, FORMAT_BYTES, "%" PRIu64 "ms", ms);
	else if (s < 120)
		(void)snprintf(out, FORMAT_BYTES, "%" PRIu64 "s", s);
	else if (s < 3600)
		(void)snprintf(out, FORMAT_BYTES, "%" PRIu64 "m", s / 60);
	else if (s < 86400)
		(void)snprintf(out, FORMAT_BYTES, "%" PRIu64 "h%02" PRIu64 "m",
		    s / 3600, s / 60 % 60);
	else
		(void)snprintf(out, FORMAT_BYTES, "%" PRIu64 "d%02" PRIu64 "h",
		    s / 86400, s / 3600 % 24);
}

bool
format_parse_time(const char *text, uint64_t *wall_ms)
{
	struct tm tm = { .tm_isdst = 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	uint64_t scale = 100;
	time_t seconds = 0;

	if (rest == NULL)
		return false;
	seconds = timegm(&tm);
	if (seconds < 0)
		return false;
	*wall_ms = (uint64_t)seconds * 1000;
	if (*rest == '.') {
		for (rest++; *rest >= '0' && *rest <= '9'; rest++) {
			*wall_ms += scale * (uint64_t)(*rest - '0');
			scale /= 10;
		}
	}
	return *rest == 'Z' && rest[1] == '\0';
}

void
format_clock(char out[static FORMAT_BYTES], const char *text)
{
	uint64_t ms = 0;

	if (format_parse_time(text, &ms))
		(void)snprintf(out, FORMAT_BYTES, "%.8s", text + 11);
	else
		(void)snprintf(out, FORMAT_BYTES, "-");
}

void
format_since(char out[static FORMAT_BYTES], const char *text, uint64_t now_ms)
{
	uint64_t ms = 0;

	if (format_parse_time(text, &ms))
		format_age(out, now_ms > ms ? now_ms - ms : 0);
	else
		(void)snprintf(out, FORMAT_BYTES, "-");
}
