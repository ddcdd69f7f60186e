/*
 * Feeding observers; consensus/observer.c is the other end.
 *
 * STATES   An observer that asks us to feed it is sent what we have kept of
 *          the newest decisions, or what our log has, and once it is at the
 *          head each decision as it is made.  One that asks another only
 *          tells us where it stands.
 *
 * RULES    1. An observer costs a member a bounded memory, a bounded number
 *             of questions answered, and no wait.
 *          2. What is on its way is not sent again, until it is asked for
 *             twice.  At most FEED_AHEAD decisions are sent beyond what an
 *             observer says it has.
 *          3. Its requests are taken while little waits here: our own clients
 *             come first.  Whoever signed them, each is checked.
 *          4. Whatever else it sends is a member's to send: it is counted,
 *             told of once, and goes no further.
 *
 * NOT HERE Reading the log (history.c), serving states (sync_serve.c).
 */
#include "node/feed.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "codec/batch.h"
#include "codec/decoder.h"
#include "codec/encoder.h"
#include "codec/message.h"
#include "resource/bucket.h"
#include "trust/request.h"

/* Decisions kept for who is a little behind. */
#define FEED_KEPT 256
#define FEED_KEPT_BYTES ((size_t)8 << 20)

#define FEED_AHEAD 256

/* Sent again at once to who asks twice. */
#define FEED_AGAIN 16

/* Questions of one observer answered in an interval. */
#define FEED_QUESTIONS 64
#define FEED_INTERVAL_US UINT64_C(500000)

/* Requests are taken while no more bytes than this wait here. */
#define FEED_WAITING_BYTES ((size_t)4 << 20)

/* Requests of one observer looked at in a second. */
#define FEED_REQUESTS 2000

/* Checkpoints for observers: one in so long. */
#define FEED_CHECKPOINT_US UINT64_C(1000000)

struct kept {
	uint64_t seq;
	struct buf message; /* COMMITTED */
};

struct follower {
	struct feed_told told;
	uint64_t asked; /* for what follows, last; 0: another feeds it */
	uint64_t next;  /* to be sent; 0: the log's reader is at it */
	uint64_t interval_us;
	uint32_t questions; /* in this interval */
	struct bucket requests;
	bool has_lied;
	struct metric *refused;
};

struct feed {
	struct feed_config config;
	struct kept kept[FEED_KEPT];
	size_t kept_bytes;
	uint64_t first, delivered; /* kept, unless first is above it */
	uint64_t stable;
	struct buf checkpoint; /* CHECKPOINT */
	uint64_t wanted_us;
	struct follower followers[TRUST_MEMBERS_MAX];
};

static void
drop_first(struct feed *f)
{
	struct kept *k = &f->kept[f->first % FEED_KEPT];

	f->kept_bytes -= k->message.len;
	buf_fini(&k->message);
	k->seq = 0;
	f->first++;
}

static void
drop_all(struct feed *f)
{
	while (f->first <= f->delivered)
		drop_first(f);
}

struct feed *
feed_new(const struct feed_config *config)
{
	struct feed *f = calloc(1, sizeof(*f));
	char labels[ROSTER_NAME_BYTES + 16];
	uint32_t i;

	if (f == NULL)
		return NULL;
	f->config = *config;
	f->delivered = config->delivered;
	f->first = config->delivered + 1;
	buf_init(&f->checkpoint, CERTIFICATE_BYTES_MAX + 16);
	for (i = config->roster->member_count;
	     i < roster_node_count(config->roster); i++) {
		(void)snprintf(labels, sizeof(labels), "peer=\"%s\"",
		    config->roster->members[i].name);
		f->followers[i].refused = metric_new(config->metrics,
		    METRIC_COUNTER, "aegis_observer_refused_total",
		    "Messages of this observer that were not taken: no "
		    "observer's to send, wrong, or too many",
		    labels);
		bucket_init(&f->followers[i].requests, FEED_REQUESTS,
		    FEED_REQUESTS, 0);
	}
	return f;
}

void
feed_free(struct feed *f)
{
	if (f == NULL)
		return;
	drop_all(f);
	buf_fini(&f->checkpoint);
	free(f);
}

/* --- sending --- */

/* Send what is kept from w->next on, as far as it may run ahead. */
static void
send_kept(struct feed *f, uint32_t node, uint64_t limit)
{
	struct follower *w = &f->followers[node];

	for (; w->next <= f->delivered && w->next < limit; w->next++)
		f->config.send(f->config.arg, UINT32_C(1) << node,
		    buf_bytes(&f->kept[w->next % FEED_KEPT].message));
}

/* Keep a decision; none is better than one with a gap before it. */
static bool
keep(struct feed *f, uint64_t seq, struct bytes certificate, struct bytes batch)
{
	struct kept *k = &f->kept[seq % FEED_KEPT];
	const size_t most = certificate.len + batch.len + 32;
	struct bytes message;
	struct encoder e;

	if (seq != f->delivered + 1)
		drop_all(f);
	if (f->first > f->delivered)
		f->first = seq;
	while (f->first < seq &&
	    (seq - f->first >= FEED_KEPT ||
		f->kept_bytes + most > FEED_KEPT_BYTES))
		drop_first(f);
	f->delivered = seq;
	buf_init(&k->message, most);
	k->seq = seq;
	if (buf_reserve(&k->message, most) != AG_OK) {
		drop_all(f);
		return false;
	}
	encoder_init(&e, k->message.data, most);
	encoder_put_array(&e, 3);
	encoder_put_uint(&e, MESSAGE_COMMITTED);
	encoder_put_raw(&e, certificate);
	encoder_put_bytes(&e, batch);
	AG_ASSERT(encoder_finish(&e, &message) == AG_OK);
	k->message.len = message.len;
	f->kept_bytes += message.len;
	return true;
}

void
feed_decided(struct feed *f, uint64_t seq, struct bytes certificate,
    struct bytes batch)
{
	uint32_t i;

	if (!keep(f, seq, certificate, batch))
		return;
	for (i = 0; i < TRUST_MEMBERS_MAX; i++)
		if (f->followers[i].asked != 0 && f->followers[i].next == seq)
			send_kept(f, i, f->followers[i].asked + FEED_AHEAD);
}

void
feed_stable(struct feed *f, uint64_t seq, struct bytes certificate)
{
	uint8_t out[CERTIFICATE_BYTES_MAX + 16];
	struct bytes message;
	struct encoder e;

	encoder_init(&e, out, sizeof(out));
	encoder_put_array(&e, 2);
	encoder_put_uint(&e, MESSAGE_CHECKPOINT);
	encoder_put_raw(&e, certificate);
	buf_clear(&f->checkpoint);
	if (encoder_finish(&e, &message) != AG_OK ||
	    buf_append(&f->checkpoint, message.data, message.len) != AG_OK)
		return;
	f->stable = seq;
	f->config.send(f->config.arg, roster_observers(f->config.roster),
	    message);
}

/* --- what observers send --- */

static bool
may_ask(struct follower *w, uint64_t now_us)
{
	if (now_us - w->interval_us >= FEED_INTERVAL_US) {
		w->interval_us = now_us;
		w->questions = 0;
	}
	return w->questions++ < FEED_QUESTIONS;
}

/* It has everything below `from`, and asks for the rest. */
static void
go_on_from(struct feed *f, uint32_t node, uint64_t from)
{
	struct follower *w = &f->followers[node];
	const bool is_repeated = w->asked == from;

	if (is_repeated || w->next < from)
		w->next = from;
	w->asked = from;
	if (w->next > f->delivered)
		return;
	if (w->next >= f->first) {
		send_kept(f, node,
		    from + (is_repeated ? FEED_AGAIN : FEED_AHEAD));
		return;
	}
	w->next = 0;
	f->config.history(f->config.arg, node, from);
}

static void
on_follow(struct feed *f, uint32_t node, struct decoder *d, uint64_t now_us)
{
	struct follower *w = &f->followers[node];
	const uint64_t delivered = decoder_get_uint(d);
	const uint64_t applied = decoder_get_uint(d);
	const uint64_t stable = decoder_get_uint(d);
	const bool wants_checkpoint = decoder_get_bool(d);
	const bool feeds = decoder_get_bool(d);

	if (decoder_finish(d, NULL) != AG_OK || delivered == UINT64_MAX ||
	    !may_ask(w, now_us)) {
		metric_add(w->refused, 1);
		return;
	}
	w->told = (struct feed_told){
		.applied = applied,
		.stable = stable,
		.lag = applied < f->delivered ? f->delivered - applied : 0,
	};
	if (stable < f->stable)
		f->config.send(f->config.arg, UINT32_C(1) << node,
		    buf_bytes(&f->checkpoint));
	if (wants_checkpoint && feeds &&
	    now_us - f->wanted_us >= FEED_CHECKPOINT_US) {
		f->wanted_us = now_us;
		f->config.want_checkpoint(f->config.arg);
	}
	if (feeds)
		go_on_from(f, node, delivered + 1);
	else
		w->asked = 0;
}

static bool
is_right(const struct feed *f, struct bytes raw)
{
	struct envelope envelope;

	return envelope_decode(&envelope, raw, NULL) == AG_OK &&
	    request_verify(&envelope, f->config.scope, f->config.authority,
		f->config.authority_ctx);
}

static void
on_request(struct feed *f, uint32_t node, struct decoder *d, uint64_t now_us)
{
	struct follower *w = &f->followers[node];
	struct bytes raw = decoder_get_bytes(d);

	if (decoder_finish(d, NULL) != AG_OK ||
	    !bucket_take(&w->requests, 1, now_us) ||
	    f->config.waiting(f->config.arg) + raw.len > FEED_WAITING_BYTES ||
	    !is_right(f, raw))
		metric_add(w->refused, 1);
	else
		f->config.submit(f->config.arg, raw);
}

static void
refuse(struct feed *f, uint32_t node, uint64_t type)
{
	struct follower *w = &f->followers[node];
	const char *name = message_name(type);

	metric_add(w->refused, 1);
	if (w->has_lied)
		return;
	w->has_lied = true;
	log_warn("node", "an observer sends what only members may send",
	    LOG_TEXT("observer", f->config.roster->members[node].name),
	    LOG_TEXT("message", name == NULL ? "unknown" : name));
}

void
feed_message(struct feed *f, uint32_t node, struct bytes body, uint64_t now_us)
{
	const uint64_t type = message_type_of(body);
	struct decoder d;

	AG_ASSERT(node >= f->config.roster->member_count);
	AG_ASSERT(node < roster_node_count(f->config.roster));
	decoder_init(&d, body);
	(void)decoder_get_array_max(&d, 8);
	(void)decoder_get_uint(&d);
	if (type == MESSAGE_FOLLOW)
		on_follow(f, node, &d, now_us);
	else if (type == MESSAGE_REQUEST)
		on_request(f, node, &d, now_us);
	else
		refuse(f, node, type);
}

void
feed_told(const struct feed *f, uint32_t node, struct feed_told *told)
{
	*told = f->followers[node].told;
}
