/*
 * What a successor means, told before anybody signs it.
 */
#ifndef AEGIS_CMD_MEMBER_PLAN_H
#define AEGIS_CMD_MEMBER_PLAN_H

#include <jansson.h>

#include "base/status.h"
#include "cmd/applet.h"
#include "trust/roster.h"
#include "trust/succession.h"

/*
 * Print the change, what is tolerated before and after, and who has signed.
 * status is a node's /v1/status, for members that are down now; or NULL.
 */
enum ag_status member_plan_show(const struct applet_call *call,
    const struct roster *next, const struct roster *roster,
    const json_t *status, struct ag_error *err) AG_MUST_USE;

#endif
