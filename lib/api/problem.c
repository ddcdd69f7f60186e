/*
 * Problem documents.
 *
 * FORMAT   {"type": "urn:aegis:problem:SLUG", "title": T, "status": HTTP,
 *          "detail": a sentence about this case, "code": the status's name,
 *          "exit": what the command line exits with, …}
 */
#include "api/problem.h"

#include <stdio.h>

static const struct {
	const char *slug;
	const char *title;
	unsigned int http;
	enum ag_status status;
	int exit;
} kinds[PROBLEM_KIND_COUNT] = {
	[PROBLEM_BAD_REQUEST] = { "bad-request", "The request is wrong", 400,
	    AG_EINVAL, 2 },
	[PROBLEM_DENIED] = { "denied", "Not allowed", 403, AG_EDENIED, 4 },
	[PROBLEM_NO_ROUTE] = { "no-such-route", "No such route", 404,
	    AG_EVERSION, 2 },
	[PROBLEM_ABSENT] = { "absent", "Not there", 404, AG_ENOENT, 1 },
	[PROBLEM_METHOD] = { "method-not-allowed", "Method not allowed", 405,
	    AG_EVERSION, 2 },
	[PROBLEM_CONFLICT] = { "conflict", "The comparison failed", 412,
	    AG_ECONFLICT, 10 },
	[PROBLEM_GONE] = { "gone", "No longer kept", 410, AG_ENOENT, 1 },
	[PROBLEM_COMPACTED] = { "compacted", "Before what is kept", 410,
	    AG_EREFUSED, 11 },
	[PROBLEM_TOO_LARGE] = { "too-large", "Larger than the limit", 413,
	    AG_ELIMIT, 2 },
	[PROBLEM_UNPROCESSABLE] = { "unprocessable", "Not acceptable as it is",
	    422, AG_EINVAL, 3 },
	[PROBLEM_BUSY] = { "busy", "Too much is waiting", 429, AG_EBUSY, 10 },
	[PROBLEM_INTERNAL] = { "internal", "A fault of this node", 500,
	    AG_EINTERNAL, 12 },
	[PROBLEM_NO_QUORUM] = { "no-quorum", "No quorum: nothing happened", 503,
	    AG_ENOQUORUM, 6 },
	[PROBLEM_UNAVAILABLE] = { "unavailable", "Not ready", 503, AG_EUNREACH,
	    5 },
	[PROBLEM_UNKNOWN_OUTCOME] = { "outcome-unknown",
	    "The outcome is unknown", 504, AG_EUNKNOWN, 7 },
};

/* By status; what is not listed is a fault of ours. */
static const struct {
	enum ag_status status;
	enum problem_kind kind;
} by_status[] = {
	{ AG_EINVAL, PROBLEM_BAD_REQUEST },
	{ AG_EDENIED, PROBLEM_DENIED },
	{ AG_EREFUSED, PROBLEM_DENIED },
	{ AG_ENOENT, PROBLEM_ABSENT },
	{ AG_ECONFLICT, PROBLEM_CONFLICT },
	{ AG_ELIMIT, PROBLEM_TOO_LARGE },
	{ AG_EBUSY, PROBLEM_BUSY },
	{ AG_EAGAIN, PROBLEM_BUSY },
	{ AG_ENOQUORUM, PROBLEM_NO_QUORUM },
	{ AG_EUNREACH, PROBLEM_UNAVAILABLE },
	{ AG_ETIMEOUT, PROBLEM_NO_QUORUM },
	{ AG_EUNKNOWN, PROBLEM_UNKNOWN_OUTCOME },
};

enum problem_kind
problem_of_status(enum ag_status status)
{
	size_t i;

	for (i = 0; i < sizeof(by_status) / sizeof(by_status[0]); i++)
		if (by_status[i].status == status)
			return by_status[i].kind;
	return PROBLEM_INTERNAL;
}

unsigned int
problem_http(enum problem_kind kind)
{
	AG_ASSERT((unsigned)kind < PROBLEM_KIND_COUNT);
	return kinds[kind].http;
}

void
problem_begin(struct emitter *e, enum problem_kind kind, const char *detail)
{
	char type[64];

	AG_ASSERT((unsigned)kind < PROBLEM_KIND_COUNT);
	(void)snprintf(type, sizeof(type), "urn:aegis:problem:%s",
	    kinds[kind].slug);
	emit_object_begin(e);
	emit_text_member(e, "type", type);
	emit_text_member(e, "title", kinds[kind].title);
	emit_number_member(e, "status", kinds[kind].http);
	emit_text_member(e, "detail", detail);
	emit_text_member(e, "code", ag_status_name(kinds[kind].status));
	emit_number_member(e, "exit", kinds[kind].exit);
}
