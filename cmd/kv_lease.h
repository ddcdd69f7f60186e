/*
 * aegis kv lease: granted, kept alive, revoked, looked at.
 */
#ifndef AEGIS_CMD_KV_LEASE_H
#define AEGIS_CMD_KV_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/applet.h"

extern const struct applet_option kv_lease_options[];

/* The operands of the command. */
#define KV_LEASE_OPERANDS "grant|keepalive|revoke|list|show [DURATION|ID]"

/* Whole seconds, as many as a lease may live; a lease's number. */
bool kv_lease_parse_ttl(const char *text, uint64_t *ttl_s);
bool kv_lease_parse_id(const char *text, uint64_t *id);

int kv_lease_run(struct applet_call *call);

#endif
