/*
 * aegis keys renew-root: a new storage root for a node.
 */
#ifndef AEGIS_CMD_KEYS_ROOT_H
#define AEGIS_CMD_KEYS_ROOT_H

#include "cmd/applet.h"

extern const struct applet_option keys_root_options[];

int keys_root_renew(struct applet_call *call);

#endif
