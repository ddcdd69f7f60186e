/*
 * State transfer, both ends.
 *
 * Who needs a state asks several members for an offer: which state they hold
 * fast for it, with the certificate of it.  The first that is proved is what
 * it gathers, part by part (store/part.h), from all who hold the same, and
 * from others what both states have in common.  Each part is judged by itself
 * when it is whole.
 *
 * FORMAT   SYNC_REQUEST   [48, transfer, 0, least seq, digest | null] offer
 *                         [48, transfer, 1, part, name]  a part of it
 *                         [48, transfer, 2]              no more is needed
 *          SYNC_RESPONSE  [49, transfer, code, offer | null]
 *                         code: 0 an offer, 1 busy, 2 gone
 *          DATA_CHUNK     [50, transfer, part, piece, bytes, null | signature]
 *          DATA_ACK       [51, transfer, part, piece]
 *
 *          An offer and a part's name are as in store/part.h.  Parts are
 *          numbered by who asks, pieces of each from 0.  The digest is of a
 *          state that is half gathered: whoever holds that fast offers it.
 *          The last piece has its sender's signature for the whole part
 *          (trust/receipt.h), or, where nobody lies, an empty string.
 *
 * RULES    1. Nothing a server says is believed: the certificate is checked
 *             against the roster, each part against the certificate.
 *          2. Memory is bounded on both ends: SYNC_ASKED_MAX parts are asked
 *             of a member at once, and SYNC_WINDOW pieces on the way to one.
 *          3. A member whose part is wrong has lied: it is told of, counted
 *             and not asked again while there is another.  One that is
 *             silent or busy is asked again later.  What was right stays
 *             right, whoever it came from.
 *          4. The signature for a part is looked at when the part is wrong,
 *             and then is evidence with it.  Whoever leaves it out, or signs
 *             something else, is refused as before, and not proved a liar.
 *          5. What was gathered is kept over a restart, and a server holds a
 *             state fast for a while for who does not ask just now.
 *
 * NOT HERE Serving (sync_serve.c), fetching (sync_fetch.c, sync_source.c),
 *          when a node needs a state (consensus), putting it in place
 *          (node/driver.c).
 */
#include "node/sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "event/loop.h"
#include "node/sync_parts.h"

void
sync_release(struct sync *s)
{
	size_t i;

	if (!s->is_freed || s->working > 0)
		return;
	for (i = 0; i < TRUST_MEMBERS_MAX; i++)
		sync_serve_free(s->servings[i]);
	sync_fetch_free(s);
	free(s);
}

enum ag_status
sync_send(struct sync *s, uint32_t member, const struct encoder *e)
{
	enum ag_status status;
	struct bytes body;

	AG_ASSERT(encoder_finish(e, &body) == AG_OK);
	status = s->config.send(s->config.arg, member, &body, 1);
	if (status != AG_OK)
		log_debug("node", "state transfer frame not sent",
		    LOG_U64("member", member));
	return status;
}

static void
on_timer(void *arg)
{
	struct sync *s = arg;
	uint64_t now_us = clock_mono_us();

	sync_serve_tick(s, now_us);
	sync_fetch_tick(s, now_us);
	loop_timer_set(s->timer, SYNC_TICK_MS);
}

static void
metrics_init(struct sync *s)
{
	char labels[ROSTER_NAME_BYTES + 16];
	uint32_t i;

	s->received_bytes = metric_new(s->config.metrics, METRIC_COUNTER,
	    "aegis_transfer_received_bytes_total",
	    "Bytes of states fetched from other members, and right", NULL);
	for (i = 0; i < s->config.roster->member_count; i++) {
		(void)snprintf(labels, sizeof(labels), "peer=\"%s\"",
		    s->config.roster->members[i].name);
		s->refused[i] = metric_new(s->config.metrics, METRIC_COUNTER,
		    "aegis_transfer_refused_total",
		    "Parts of states from this member that were wrong", labels);
	}
}

struct sync *
sync_new(const struct sync_config *config)
{
	struct sync *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->config = *config;
	s->config.dir = s->dir;
	/* Transfers of an earlier start are not mistaken for ours. */
	s->last_transfer = clock_wall_ms() << 16;
	(void)snprintf(s->dir, sizeof(s->dir), "%s", config->dir);
	s->fetch.offer = calloc(2, sizeof(*s->fetch.offer));
	if (s->fetch.offer == NULL ||
	    loop_timer_new(&s->timer, config->loop, on_timer, s) != AG_OK) {
		free(s->fetch.offer);
		free(s);
		return NULL;
	}
	s->fetch.heard = s->fetch.offer + 1;
	metrics_init(s);
	loop_timer_set(s->timer, SYNC_TICK_MS);
	return s;
}

void
sync_free(struct sync *s)
{
	if (s == NULL)
		return;
	loop_timer_close(s->timer);
	s->fetch.is_active = false;
	atomic_store(&s->fetch.stop, true);
	s->is_freed = true;
	sync_release(s);
}

void
sync_frame(struct sync *s, uint32_t member, struct bytes body)
{
	uint64_t type = message_type_of(body), transfer;
	struct decoder d;

	decoder_init(&d, body);
	(void)decoder_get_array_max(&d, 8);
	(void)decoder_get_uint(&d);
	if (type == MESSAGE_SYNC_RESPONSE)
		sync_fetch_response(s, member, &d);
	else if (type == MESSAGE_DATA_CHUNK)
		sync_source_chunk(s, member, &d);
	else if (type == MESSAGE_DATA_ACK)
		sync_serve_ack(s, member, &d);
	if (type != MESSAGE_SYNC_REQUEST)
		return;
	transfer = decoder_get_uint(&d);
	sync_serve_request(s, member, transfer,
	    (enum sync_what)decoder_get_uint_max(&d, SYNC_DONE), &d);
}
