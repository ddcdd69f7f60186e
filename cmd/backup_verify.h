/*
 * aegis backup verify and restore.
 */
#ifndef AEGIS_CMD_BACKUP_VERIFY_H
#define AEGIS_CMD_BACKUP_VERIFY_H

#include "cmd/applet.h"

int backup_verify_run(struct applet_call *call);
int backup_verify_restore_run(struct applet_call *call);

#endif
