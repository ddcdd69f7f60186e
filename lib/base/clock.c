/*
 * Monotonic and wall clocks, and the one way AEGIS writes a moment down.
 */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "base/status.h"

static struct timespec
clock_read(clockid_t id)
{
	struct timespec ts;

	AG_ASSERT(clock_gettime(id, &ts) == 0);
	return ts;
}

uint64_t
clock_mono_us(void)
{
	struct timespec ts = clock_read(CLOCK_MONOTONIC);

	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t
clock_wall_ms(void)
{
	struct timespec ts = clock_read(CLOCK_REALTIME);

	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void
clock_format_ms(uint64_t wall_ms, char text[static CLOCK_TEXT_BYTES])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	char day[CLOCK_TEXT_BYTES];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL ||
	    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
		(void)snprintf(text, CLOCK_TEXT_BYTES, "invalid");
		return;
	}
	(void)snprintf(text, CLOCK_TEXT_BYTES, "%.20s.%03uZ", day,
	    (unsigned)(wall_ms % 1000));
}
