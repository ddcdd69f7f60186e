/*
 * What a node knows of the others' link keys: for each the newest certificate
 * it was shown, on disk.
 *
 * Ownership  the caller's storage; nothing to free.
 * Threads    one at a time.
 */
#ifndef AEGIS_TRUST_LINK_BOOK_H
#define AEGIS_TRUST_LINK_BOOK_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "trust/link_certificate.h"
#include "trust/roster.h"

struct link_book {
	char path[PATH_MAX];
	const struct roster *roster;
	struct link_certificate known[TRUST_MEMBERS_MAX]; /* serial 0: none */
};

/*
 * Read what is at path about the nodes of a roster, which is borrowed; no
 * file is an empty book.
 * AG_ECORRUPT  it can't be read, or the node keys did not sign what it has
 */
enum ag_status link_book_open(struct link_book *book, const char *path,
    const struct roster *roster, struct ag_error *err) AG_MUST_USE;

/*
 * Take a certificate of a node's, durably; one that is not newer than what
 * is known changes nothing.  AG_EFORGED: it is not the node's.
 */
enum ag_status link_book_put(struct link_book *book, uint32_t member,
    const struct link_certificate *certificate,
    struct ag_error *err) AG_MUST_USE;

#endif
