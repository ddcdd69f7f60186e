/*
 * The inbox: frames from the links' thread on their way to the loop.
 *
 * Ownership  inbox_new() hands out a handle, inbox_free() takes it back when
 *            no thread can put frames in any more.
 * Threads    inbox_put() and inbox_put_link() from any; callbacks on the
 *            loop's.
 */
#ifndef AEGIS_NODE_INBOX_H
#define AEGIS_NODE_INBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/metric.h"
#include "codec/frame.h"
#include "trust/link_certificate.h"

struct inbox;
struct loop;

struct inbox_callbacks {
	void *arg;
	void (*frame)(void *arg, uint32_t member, const struct frame *frame);
	void (*link)(void *arg, uint32_t member, bool is_up);
	/* What member says follows our epoch; NULL: not asked for. */
	void (*behind)(void *arg, uint32_t member, struct bytes epoch);
	/* A member's new link key, verified. */
	void (*link_key)(void *arg, uint32_t member,
	    const struct link_certificate *certificate);
};

struct inbox *inbox_new(struct loop *loop,
    const struct inbox_callbacks *callbacks, size_t member_bytes_max,
    struct metric_set *metrics);
void inbox_free(struct inbox *inbox);

/* Copy a frame in.  A member with too much waiting loses it, counted. */
void inbox_put(struct inbox *inbox, uint32_t member, const struct frame *frame);
void inbox_put_epoch(struct inbox *inbox, uint32_t member, struct bytes epoch);
void inbox_put_link_key(struct inbox *inbox, uint32_t member,
    const struct link_certificate *certificate);
void inbox_put_link(struct inbox *inbox, uint32_t member, bool is_up);

#endif
