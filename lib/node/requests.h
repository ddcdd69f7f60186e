/*
 * Requests of this node's own callers: numbered, put in envelopes, answered.
 *
 * The node is the principal.  Everything that waits at the end of a turn
 * goes into one envelope under one signature.
 *
 * Ownership  requests_open() hands out a handle, requests_close() takes it
 *            back; waiting callers are then answered AG_EUNKNOWN.
 * Threads    the loop's.
 */
#ifndef AEGIS_NODE_REQUESTS_H
#define AEGIS_NODE_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/metric.h"
#include "base/status.h"
#include "node/applier.h"
#include "node/node.h"
#include "trust/request.h"

struct requests;
struct loop;

/*
 * dir holds the file that keeps numbers from being used twice, and none below
 * least is used.  signer is borrowed until requests_close().
 * batch_bytes_max bounds an envelope.  What comes to agreement so much later
 * than its caller gave up, patience_ms, is not executed: clocks may differ by
 * half of it.
 */
enum ag_status requests_open(struct requests **out, const char *dir,
    uint64_t least, struct loop *loop, const struct request_signer *signer,
    size_t batch_bytes_max, uint64_t patience_ms, struct metric_set *metrics,
    struct ag_error *err) AG_MUST_USE;
void requests_close(struct requests *requests);

/* The agreed time of what was executed last. */
void requests_set_time(struct requests *requests, uint64_t agreed_ms);

/* Take one operation; AG_EBUSY when too much waits. */
enum ag_status requests_add(struct requests *requests, struct bytes operation,
    uint32_t timeout_ms, node_done_fn *done, void *arg,
    struct node_request_id *id) AG_MUST_USE;

/*
 * Make the next signed envelope of what waits; AG_EAGAIN when nothing does
 * or the window is full.  Borrowed until the next call.
 */
enum ag_status requests_envelope(struct requests *requests,
    struct bytes *envelope) AG_MUST_USE;

/* The engine had no room for an envelope: answer its callers AG_EBUSY. */
void requests_refuse(struct requests *requests, struct bytes envelope);

/* Answer whoever waits for these. */
void requests_applied(struct requests *requests,
    const struct store_outcome *outcomes, size_t count);

/*
 * A snapshot was installed: what it executed is answered by look-up, and
 * numbers go on above those it knows.
 */
void requests_recheck(struct requests *requests, struct applier *applier);

/* What is remembered of one of our callers' requests. */
struct request_trace {
	uint64_t number;
	uint64_t received_us; /* monotonic, like those below */
	uint64_t sent_us;     /* handed to agreement; 0: not yet, or never */
	uint64_t answered_us; /* 0: not yet */
	enum ag_status answer;
};

/* False when nothing is remembered, or it is another node's. */
bool requests_trace(const struct requests *requests, uint64_t number,
    struct request_trace *out);

/*
 * An epoch has ended: what was sent in it and not answered never will be
 * executed there.  It is signed and sent anew, with the same numbers.
 */
void requests_renew(struct requests *requests);

/*
 * The epoch that has ended was our last: what it did not execute never will
 * be, which is what whoever still waits is told, AG_ENOQUORUM.
 */
void requests_abandon(struct requests *requests);

/* Callers not yet answered. */
size_t requests_waiting(const struct requests *requests);

/* Latency of our callers' requests. */
uint64_t requests_quantile_us(const struct requests *requests, double q);

/* Call done once nobody waits any more. */
void requests_on_idle(struct requests *requests, void (*done)(void *arg),
    void *arg);

#endif
