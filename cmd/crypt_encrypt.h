/*
 * aegis crypt encrypt.
 */
#ifndef AEGIS_CMD_CRYPT_ENCRYPT_H
#define AEGIS_CMD_CRYPT_ENCRYPT_H

#include "cmd/applet.h"

extern const struct applet_option crypt_encrypt_options[];

int crypt_encrypt(struct applet_call *call);

#endif
