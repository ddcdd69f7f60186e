/*
 * What the commands of aegis keys share, and others that open a keyring.
 */
#ifndef AEGIS_CMD_KEYS_H
#define AEGIS_CMD_KEYS_H

#include <stdbool.h>

#include "base/status.h"
#include "cmd/applet.h"
#include "cmd/keyring_place.h"
#include "keyring/keyring.h"

struct keys_opened {
	struct keyring_place place;
	struct keyring *keyring;
	int lock_fd; /* of the data directory; -1: nothing is changed */
};

/* Of --data-dir and --key-file, else of the configuration. */
enum ag_status keys_place(struct keyring_place *place,
    const struct applet_call *call, struct ag_error *err) AG_MUST_USE;

/* AG_EBUSY when it is to be changed and a node runs. */
enum ag_status keys_open(struct keys_opened *opened,
    const struct applet_call *call, bool may_change,
    struct ag_error *err) AG_MUST_USE;

/* The same of a place that is set, by the options --PREFIX…. */
enum ag_status keys_open_at(struct keys_opened *opened,
    const struct applet_call *call, const char *prefix, bool may_change,
    struct ag_error *err) AG_MUST_USE;
void keys_close(struct keys_opened *opened);

/* All slots, or (only not 0) one.  Returns the exit code. */
int keys_show_slots(const struct applet_call *call,
    const struct keyring_look *look, unsigned int only);

#endif
