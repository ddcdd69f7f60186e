/*
 * `aegis escrow show`: what a request asks for, and where it stands.
 */
#ifndef AEGIS_CMD_ESCROW_SHOW_H
#define AEGIS_CMD_ESCROW_SHOW_H

#include "cmd/applet.h"
#include "cmd/escrow_file.h"

extern const struct applet_option escrow_show_options[];

int escrow_show_run(struct applet_call *call);

/* The same of a file, after another command; nothing with --quiet. */
int escrow_show_file(const struct applet_call *call, const char *path);

#endif
