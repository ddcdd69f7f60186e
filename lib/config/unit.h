/*
 * Quantities as people write them: `30s`, `64MiB`.
 *
 * A number without a unit is refused, zero excepted: "30" of what is the
 * question that brings clusters down.
 */
#ifndef AEGIS_CONFIG_UNIT_H
#define AEGIS_CONFIG_UNIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define UNIT_TEXT_BYTES 32

/* Decimal digits alone.  AG_EINVAL; AG_ELIMIT past 64 bits. */
enum ag_status unit_parse_count(const char *text, uint64_t *count) AG_MUST_USE;

/* ms, s, m, h, d; several may follow each other, as in 1m30s. */
enum ag_status unit_parse_duration(const char *text,
    uint64_t *duration_ms) AG_MUST_USE;

/* B, KiB, MiB, GiB, TiB and kB, MB, GB, TB. */
enum ag_status unit_parse_size(const char *text, uint64_t *bytes) AG_MUST_USE;

/* The shortest exact way to write it; parses back to the same value. */
void unit_format_duration(uint64_t duration_ms,
    char out[static UNIT_TEXT_BYTES]);
void unit_format_size(uint64_t bytes, char out[static UNIT_TEXT_BYTES]);

#endif
