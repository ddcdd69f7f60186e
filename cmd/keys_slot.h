/*
 * aegis keys add-slot, change-slot, remove-slot.
 */
#ifndef AEGIS_CMD_KEYS_SLOT_H
#define AEGIS_CMD_KEYS_SLOT_H

#include "cmd/applet.h"
#include "cmd/output.h"

extern const struct applet_option keys_slot_add_options[];
extern const struct applet_option keys_slot_change_options[];
extern const struct output_column keys_slot_columns[];

int keys_slot_add(struct applet_call *call);
int keys_slot_change(struct applet_call *call);
int keys_slot_remove(struct applet_call *call);

#endif
