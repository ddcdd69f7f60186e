/*
 * Values that several commands of consensus-inspect take.
 */
#ifndef AEGIS_CMD_INSPECT_OPTIONS_H
#define AEGIS_CMD_INSPECT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/applet.h"

#define INSPECT_LIMIT 50

/* --limit, or INSPECT_LIMIT; false: a usage error was said. */
bool inspect_options_limit(struct applet_call *call, uint64_t *limit);

/* --from, or *from as it is; false: a usage error was said. */
bool inspect_options_from(struct applet_call *call, uint64_t *from);

/* The operand SEQ; false: a usage error was said. */
bool inspect_options_seq(struct applet_call *call, uint64_t *seq);

#endif
