/*
 * Problem documents (RFC 9457): how the API says no.
 *
 * One table gives each kind its slug, HTTP status, code and exit code, so
 * that curl, scripts and the command line all hear the same.
 */
#ifndef AEGIS_API_PROBLEM_H
#define AEGIS_API_PROBLEM_H

#include "api/emit.h"
#include "base/status.h"

#define PROBLEM_CONTENT_TYPE "application/problem+json"

enum problem_kind {
	PROBLEM_BAD_REQUEST,
	PROBLEM_DENIED,
	PROBLEM_NO_ROUTE,
	PROBLEM_ABSENT,
	PROBLEM_METHOD,
	PROBLEM_CONFLICT,
	PROBLEM_GONE,
	PROBLEM_COMPACTED,
	PROBLEM_TOO_LARGE,
	PROBLEM_UNPROCESSABLE,
	PROBLEM_BUSY,
	PROBLEM_INTERNAL,
	PROBLEM_NO_QUORUM,
	PROBLEM_UNAVAILABLE,
	PROBLEM_UNKNOWN_OUTCOME,
	PROBLEM_KIND_COUNT
};

enum problem_kind problem_of_status(enum ag_status status);
unsigned int problem_http(enum problem_kind kind);

/*
 * Begin the document's object and write what every problem has; the caller
 * adds members and ends the object.
 */
void problem_begin(struct emitter *e, enum problem_kind kind,
    const char *detail);

#endif
