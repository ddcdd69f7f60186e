/*
 * The inside of an engine, as the search of a small scope needs to see it.
 */
#ifndef AEGIS_SIM_INSIGHT_H
#define AEGIS_SIM_INSIGHT_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct engine;

/* Engines with the same fingerprint go on alike. */
uint64_t insight_fingerprint(const struct engine *e);

/* The part of its memory that each step begins anew with. */
struct bytes insight_scratch(const struct engine *e);

#endif
