/*
 * Numbers, sizes and times in the few columns a dashboard has.
 */
#ifndef AEGIS_TUI_FORMAT_H
#define AEGIS_TUI_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORMAT_BYTES 32

/* 999, 14.7k, 2.1M: at most five columns. */
void format_count(char out[static FORMAT_BYTES], double value);

/* Microseconds as milliseconds: 0.3, 9.8, 1200. */
void format_ms(char out[static FORMAT_BYTES], uint64_t us);

/* Milliseconds as an age: 850ms, 12s, 3h12m, 2d04h. */
void format_age(char out[static FORMAT_BYTES], uint64_t ms);

/* RFC 3339 in UTC to milliseconds since 1970; false when it is not that. */
bool format_parse_time(const char *text, uint64_t *wall_ms);

/* The HH:MM:SS of an RFC 3339 time, "-" for anything else. */
void format_clock(char out[static FORMAT_BYTES], const char *text);

/* How long ago an RFC 3339 time was, "-" when it is none. */
void format_since(char out[static FORMAT_BYTES], const char *text,
    uint64_t now_ms);

#endif
