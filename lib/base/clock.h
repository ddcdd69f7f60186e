/*
 * The two clocks.  Monotonic time measures, wall time labels; nothing in
 * consensus or the state machine calls either.
 */
#ifndef AEGIS_BASE_CLOCK_H
#define AEGIS_BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_TEXT_BYTES 32

/* Microseconds since some fixed moment; never goes back. */
uint64_t clock_mono_us(void);

/* Milliseconds since 1970-01-01T00:00:00Z. */
uint64_t clock_wall_ms(void);

/* RFC 3339, UTC, milliseconds: 2026-11-24T04:31:07.415Z. */
void clock_format_ms(uint64_t wall_ms, char text[static CLOCK_TEXT_BYTES]);

#endif
