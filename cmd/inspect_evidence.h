/*
 * consensus-inspect evidence: of a dead node's directory, or of a file.
 *
 * Ownership  the caller's memory throughout.
 */
#ifndef AEGIS_CMD_INSPECT_EVIDENCE_H
#define AEGIS_CMD_INSPECT_EVIDENCE_H

#include "base/bytes.h"
#include "base/status.h"
#include "cmd/applet.h"
#include "cmd/inspect_show.h"
#include "cmd/output.h"
#include "trust/evidence.h"

/* One record in a list. */
struct inspect_evidence_row {
	const char *id, *member, *kind;
	bool has_view, has_seq;
	uint64_t view, seq;
	const char *found;
	const char *text; /* who did what */
};

extern const struct output_column inspect_evidence_columns[];
void inspect_evidence_row(struct output *out,
    const struct inspect_evidence_row *row);

/*
 * One record whole: as a card, or with -o cbor as the file it is.  source
 * is its name.  The exit code, after a failure was said.
 */
int inspect_evidence_show(const struct applet_call *call, const char *source,
    const struct evidence *evidence, struct bytes file,
    const struct inspect_names *names, bool is_verified);

/* evidence with --data DIR. */
int inspect_evidence_data(struct applet_call *call);

/* evidence with --verify FILE. */
int inspect_evidence_verify(struct applet_call *call);

#endif
