/*
 * `aegis kv get --consistency proved` and `aegis kv verify`: what a cluster
 * agreed on, believed for its members' signatures and not for a node's word.
 */
#ifndef AEGIS_CMD_KV_PROVED_H
#define AEGIS_CMD_KV_PROVED_H

#include <stdbool.h>

#include "cmd/applet.h"

/* Of get, too. */
#define KV_PROVED_OPTIONS                                        \
	{ 0, "roster", "FILE",                                   \
		"believe the members in this roster or chain" }, \
	{                                                        \
		0, "max-age", "DURATION",                        \
		    "of what is proved (default 1m); 0s: any"    \
	}

extern const struct applet_option kv_proved_verify_options[];

/* Does --consistency say so? */
bool kv_proved_is_asked(const struct applet_call *call);

/* `get` of that consistency; keys were checked. */
int kv_proved_get(struct applet_call *call);
int kv_proved_verify(struct applet_call *call);

#endif
