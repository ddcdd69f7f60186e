/*
 * aegis crypt rewrap.
 */
#ifndef AEGIS_CMD_CRYPT_REWRAP_H
#define AEGIS_CMD_CRYPT_REWRAP_H

#include "cmd/applet.h"

extern const struct applet_option crypt_rewrap_options[];

int crypt_rewrap(struct applet_call *call);

#endif
