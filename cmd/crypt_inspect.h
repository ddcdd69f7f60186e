/*
 * aegis crypt inspect.
 */
#ifndef AEGIS_CMD_CRYPT_INSPECT_H
#define AEGIS_CMD_CRYPT_INSPECT_H

#include "cmd/applet.h"

int crypt_inspect(struct applet_call *call);

#endif
