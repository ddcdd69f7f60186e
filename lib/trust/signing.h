/*
 * What is signed or hashed for a purpose: the purpose string first, then
 * fixed fields, integers big-endian, into a small buffer on the stack.
 *
 * All purposes stand here together, so that one look shows that no two
 * uses can be mistaken for each other: each is a string with its NUL, and
 * none is a prefix of another.
 *
 * Threads    none of its own.
 */
#ifndef AEGIS_TRUST_SIGNING_H
#define AEGIS_TRUST_SIGNING_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define PURPOSE_VOTE "aegis/vote/v1"
#define PURPOSE_REQUEST "aegis/request/v1"
#define PURPOSE_STATE "aegis/state/v1"
#define PURPOSE_ROSTER "aegis/roster/v1"
#define PURPOSE_SUCCESSION "aegis/succession/v1"
#define PURPOSE_LINK_KEY "aegis/link-key/v1"
#define PURPOSE_LINK_CERTIFICATE "aegis/link-certificate/v1"
#define PURPOSE_AUTH "aegis/auth/v1"
#define PURPOSE_VIEW_CHANGE "aegis/view-change/v1"
#define PURPOSE_NEW_VIEW "aegis/new-view/v1"
#define PURPOSE_STATE_PART "aegis/state-part/v1"
#define PURPOSE_TOKEN_CHECK "aegis/token-check/v1"
#define PURPOSE_ESCROW_APPROVAL "aegis/escrow-approval/v1"
#define PURPOSE_KEY_ORDER "aegis/key-order/v1"

#define SIGNING_BYTES_MAX 256

struct signing {
	size_t len;
	uint8_t data[SIGNING_BYTES_MAX];
};

/* Start with the purpose and its NUL. */
void signing_begin(struct signing *s, const char *purpose);

/* Fields have sizes fixed by their purpose: running over is our mistake. */
void signing_put(struct signing *s, const void *data, size_t len);
void signing_put_u64(struct signing *s, uint64_t value);

static inline struct bytes
signing_bytes(const struct signing *s)
{
	return bytes_of(s->data, s->len);
}

#endif
