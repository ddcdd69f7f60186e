/*
 * What one node has at each sequence: the digest of its batch, and of its own
 * state after it, as far as they are kept.
 *
 * Ownership  inspect_side_open() fills the caller's storage, and
 *            inspect_side_close() frees what it points to.
 */
#ifndef AEGIS_CMD_INSPECT_SIDE_H
#define AEGIS_CMD_INSPECT_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/inspect_log.h"
#include "cmd/inspect_place.h"
#include "cmd/inspect_show.h"

struct inspect_point {
	uint64_t seq;
	bool has_batch, has_state;
	struct digest batch, state;
};

struct inspect_side {
	const struct applet_call *call;
	struct inspect_place place;
	char name[ROSTER_NAME_BYTES]; /* the member, or its place */
	char cluster_id[INSPECT_DIGEST_TEXT];
	uint64_t executed;
	uint64_t state_seq;           /* of the newest state; 0 unknown */
	struct inspect_point *points; /* by rising sequence */
	size_t count, cap;
	struct roster *roster;   /* of a dead one; or NULL */
	struct inspect_log *log; /* of a dead one */
};

/*
 * at: of this sequence alone, 0: of all that are kept.  EXIT_YES, or the exit
 * code after the reason was said.
 */
int inspect_side_open(struct inspect_side *side, const struct applet_call *call,
    const char *node, uint64_t at);
void inspect_side_close(struct inspect_side *side);

/* A running node's state as it is now becomes a point too. */
int inspect_side_ask_state(struct inspect_side *side);

#endif
