/*
 * Forgeries: what a VIEW_CHANGE or NEW_VIEW shows that its signer can not
 * have found to be right.
 *
 * Threads    none of its own.
 */
#ifndef AEGIS_TRUST_FORGERY_H
#define AEGIS_TRUST_FORGERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "trust/certificate.h"

/* Whose signatures count: those of one epoch's members. */
struct forgery_judge {
	const struct trust_scope *scope;
	uint32_t member_count;
	const struct authority *authority;
	void *ctx;
};

enum forgery {
	FORGERY_PROVED,
	FORGERY_NONE,     /* it is signed, and nothing in it is forged */
	FORGERY_UNSIGNED, /* or not such a message at all */
};

/* Did the member sign this message, and is something in it forged? */
enum forgery forgery_in_view_change(const struct forgery_judge *judge,
    uint32_t member, struct bytes message);

/* The same of a message by the primary of its view. */
enum forgery forgery_in_new_view(const struct forgery_judge *judge,
    uint32_t primary, struct bytes message);

#endif
