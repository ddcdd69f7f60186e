/*
 * The text of rosters and of member files; see trust/roster.h.
 */
#ifndef AEGIS_TRUST_ROSTER_TEXT_H
#define AEGIS_TRUST_ROSTER_TEXT_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "trust/roster.h"

/* Where each member's block begins, for errors found later. */
struct roster_lines {
	uint32_t members[TRUST_MEMBERS_MAX];
	uint32_t operators[ROSTER_OPERATORS_MAX];
};

/* Syntax and single values; nothing is compared or verified. */
enum ag_status roster_text_parse(struct roster *roster,
    struct roster_lines *lines, struct bytes text, const char *name,
    struct ag_error *err) AG_MUST_USE;
enum ag_status roster_text_parse_member(struct roster_member *member,
    struct bytes text, const char *name, struct ag_error *err) AG_MUST_USE;

enum ag_status roster_text_format(const struct roster *roster,
    struct buf *out) AG_MUST_USE;
enum ag_status roster_text_format_member(const struct roster_member *member,
    struct buf *out) AG_MUST_USE;

#endif
