/*
 * aegis crypt decrypt.
 */
#ifndef AEGIS_CMD_CRYPT_DECRYPT_H
#define AEGIS_CMD_CRYPT_DECRYPT_H

#include "cmd/applet.h"

extern const struct applet_option crypt_decrypt_options[];

int crypt_decrypt(struct applet_call *call);

#endif
