/*
 * Rosters as people and programs want to see them.
 */
#ifndef AEGIS_CMD_ROSTER_SHOW_H
#define AEGIS_CMD_ROSTER_SHOW_H

#include <stdio.h>

#include "base/status.h"
#include "cmd/applet.h"
#include "trust/roster.h"

/* In whichever form the call asks for. */
enum ag_status roster_show(const struct applet_call *call,
    const struct roster *roster, struct ag_error *err) AG_MUST_USE;

/* "member" or "observer" */
const char *roster_show_role(const struct roster_member *member);

/* "signed by 2 of 4; missing: n3 n4" */
void roster_show_missing(FILE *stream, const struct roster *roster);

/* "cluster demo 1f3c…: all 4 members have signed" */
void roster_show_verdict(FILE *stream, const struct roster *roster);

#endif
