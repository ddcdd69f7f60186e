/*
 * Server-sent events, taken apart as they arrive in pieces.
 *
 * Ownership  the parser is the caller's; sse_fini() returns its memory.
 * Threads    none of its own.
 */
#ifndef AEGIS_CLIENT_SSE_H
#define AEGIS_CLIENT_SSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

#define SSE_NAME_BYTES 32
#define SSE_ID_BYTES 64

/* Everything is borrowed for the call. */
struct sse_event {
	const char *name; /* "message" when the stream named none */
	const char *id;   /* the newest id of the stream, "" before any */
	struct bytes data;
};

/* Return false to be called no more. */
typedef bool sse_event_fn(void *arg, const struct sse_event *event);

struct sse_parser {
	struct buf line; /* the line that has not ended */
	struct buf data; /* data lines of the event that has not ended */
	char name[SSE_NAME_BYTES];
	char id[SSE_ID_BYTES];      /* of the newest whole event */
	char next_id[SSE_ID_BYTES]; /* of the event being gathered */
	bool has_data;
	bool last_was_return;
	bool is_stopped;
	sse_event_fn *fn;
	void *arg;
};

/* No line and no event may be longer than max. */
void sse_init(struct sse_parser *p, size_t max, sse_event_fn *fn, void *arg);
void sse_fini(struct sse_parser *p);

/* The stream begins after this event; one too long is ignored. */
void sse_resume_from(struct sse_parser *p, const char *id);

/* Forget a half event; the id stays, for the stream to be resumed by. */
void sse_restart(struct sse_parser *p);

/*
 * Take the next piece; fn is called for each event it ends.
 * AG_ELIMIT  a line or event is longer than max
 */
enum ag_status sse_feed(struct sse_parser *p, struct bytes piece) AG_MUST_USE;

#endif
