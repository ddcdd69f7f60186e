/*
 * consensus-inspect with --data DIR: a dead node's files.
 */
#ifndef AEGIS_CMD_INSPECT_DATA_H
#define AEGIS_CMD_INSPECT_DATA_H

#include "base/status.h"
#include "cmd/applet.h"
#include "trust/roster.h"

/*
 * The roster of --roster, else DIR/roster of --data when there is one, else
 * NULL.  The caller frees it.
 */
enum ag_status inspect_data_roster(struct roster **out,
    const struct applet_call *call, struct ag_error *err) AG_MUST_USE;

/* The same beside another node's data; dir NULL: of --roster only. */
enum ag_status inspect_data_roster_of(struct roster **out,
    const struct applet_call *call, const char *dir,
    struct ag_error *err) AG_MUST_USE;

/*
 * Turn to the roster of another epoch, from the chain that the one before
 * came from: what is signed in an epoch is verified by its own members.
 * AG_ENOENT the file has none of it.
 */
enum ag_status inspect_data_turn(struct roster *roster,
    const struct applet_call *call, uint64_t epoch,
    struct ag_error *err) AG_MUST_USE;

int inspect_data_status(struct applet_call *call);
int inspect_data_rounds(struct applet_call *call);
int inspect_data_votes(struct applet_call *call);
int inspect_data_views(struct applet_call *call);
int inspect_data_certificate(struct applet_call *call);

#endif
