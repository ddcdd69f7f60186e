/*
 * VIEW_CHANGE and NEW_VIEW as their signers signed them.  The formats are in
 * consensus/view_change.c and consensus/new_view.c.
 *
 * Ownership  fields borrow from the message.
 * Threads    none of its own.
 */
#ifndef AEGIS_TRUST_VIEW_MESSAGE_H
#define AEGIS_TRUST_VIEW_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "trust/certificate.h"

/* A VIEW_CHANGE read; certificates stay encoded, one after another. */
struct view_change_fields {
	uint32_t member;
	uint64_t view;
	uint64_t stable;
	struct bytes certificate; /* of stable; empty: the beginning */
	size_t prepared_count;
	struct bytes prepared;
	size_t pledge_count;
	struct bytes pledges;
	struct bytes statement; /* what its signature is over */
	uint8_t signature[SIGNATURE_BYTES];
};

/* A NEW_VIEW read; so do its view changes, and what it goes on with. */
struct new_view_fields {
	uint64_t view;
	size_t change_count;
	struct bytes changes;
	size_t chosen_count;
	struct bytes chosen;
	struct bytes statement;
	uint8_t signature[SIGNATURE_BYTES];
};

/* From hostile bytes: shape only.  False: it is not such a message. */
bool view_message_read_change(struct view_change_fields *fields,
    struct bytes message);
bool view_message_read_new_view(struct new_view_fields *fields,
    struct bytes message);

/* Sign the digest of a statement, as ourselves. */
void view_message_sign(const struct trust_scope *scope, const char *purpose,
    uint32_t self, uint64_t view, const struct digest *statement,
    const struct authority *authority, void *ctx,
    uint8_t signature[static SIGNATURE_BYTES]);

/* Did the member sign a statement of this digest? */
bool view_message_is_signed(const struct trust_scope *scope,
    const char *purpose, uint32_t member, uint64_t view,
    const struct digest *statement,
    const uint8_t signature[static SIGNATURE_BYTES],
    const struct authority *authority, void *ctx);

#endif
