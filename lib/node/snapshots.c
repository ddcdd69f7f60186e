/*
 * Snapshots in waiting.
 *
 * STATES   asked    the applier will pin at the next checkpoint
 *          pinned   holds the state at seq; its certificate is awaited
 *          ready    pinned and proved; the caller's to read and close
 *
 * RULES    1. A pin whose checkpoint was overtaken by a later stable one is
 *             given back and asked for again.
 *          2. A quorum's certificate is waited for a while before f + 1
 *             signatures are enough, even where they are.
 *          3. want() steps the engine, whose effects may come back here: it
 *             is called from the timer or by who opens, never from an effect.
 *          4. What an epoch begins with all its members know to be right: to
 *             them a certificate without signatures is proof enough.
 *          5. A waiter that ran out of time is answered at once but stays
 *             listed until the applier has answered too, because the applier
 *             knows it by address.
 */
#include "node/snapshots.h"

#include <stdlib.h>

#include "base/clock.h"
#include "event/loop.h"
#include "store/snapshot.h"
#include "store/store_proof.h"

#define SNAPSHOTS_WAITING_MAX 8
#define SNAPSHOTS_TICK_MS 500
#define AT_ONCE_MS 10 /* a state that can be had where it stands is there */
#define CERTIFIED_WAIT_US UINT64_C(1000000)

struct waiter {
	struct waiter *next;
	struct snapshots *owner;
	node_snapshot_fn *ready; /* NULL: answered */
	void *arg;
	uint64_t deadline_us;
	uint64_t vouched_us; /* f + 1 signatures do from now on; or never */
	bool is_asked;       /* the applier holds our address */
	struct store_pin *pin;
};

struct node_snapshot {
	struct store_pin *pin;
	struct snapshot_writer *writer; /* once it is read as a stream */
	struct trust_scope scope;
	struct buf certificate;
};

/* The newest state of a kind that can be proved. */
struct proven {
	uint64_t seq;
	struct buf certificate;
};

struct snapshots {
	struct loop_timer *timer;
	struct applier *applier;
	struct trust_scope scope;
	void (*want)(void *arg);
	void *arg;
	struct waiter *list;
	size_t count;
	struct proven stable, vouched, first;
};

static void
waiter_answer(struct waiter *w, enum ag_status status,
    struct node_snapshot *snapshot)
{
	node_snapshot_fn *ready = w->ready;

	w->ready = NULL;
	if (ready != NULL)
		ready(w->arg, status, snapshot);
}

/* Free those that are answered and that nobody else holds. */
static void
snapshots_sweep(struct snapshots *s)
{
	struct waiter **at = &s->list;

	while (*at != NULL) {
		struct waiter *w = *at;

		if (w->ready != NULL || w->is_asked) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		store_unpin(w->pin);
		free(w);
		s->count--;
	}
}

static void
snapshots_ask(struct snapshots *s, struct waiter *w)
{
	bool at_once = w->vouched_us != UINT64_MAX;

	if (applier_pin(s->applier, at_once, w) != AG_OK) {
		waiter_answer(w, AG_ENOMEM, NULL);
		return;
	}
	w->is_asked = true;
}

static enum ag_status
waiter_ready(struct snapshots *s, struct waiter *w, struct bytes certificate)
{
	struct node_snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (snapshot == NULL)
		return AG_ENOMEM;
	buf_init(&snapshot->certificate, CERTIFICATE_BYTES_MAX);
	if (buf_append(&snapshot->certificate, certificate.data,
		certificate.len) != AG_OK) {
		free(snapshot);
		return AG_ENOMEM;
	}
	snapshot->scope = s->scope;
	snapshot->pin = w->pin;
	w->pin = NULL;
	waiter_answer(w, AG_OK, snapshot);
	return AG_OK;
}

/* What proves a waiter's pin; NULL: nothing that it takes yet. */
static const struct proven *
waiter_proof(const struct snapshots *s, const struct waiter *w, uint64_t seq)
{
	if (seq == s->stable.seq)
		return &s->stable;
	if (seq == s->first.seq && w->vouched_us != UINT64_MAX)
		return &s->first;
	if (seq == s->vouched.seq && w->vouched_us <= clock_mono_us())
		return &s->vouched;
	return NULL;
}

/* Was the pin overtaken by what can be proved? */
static bool
waiter_is_late(const struct snapshots *s, const struct waiter *w, uint64_t seq)
{
	return seq < s->stable.seq ||
	    (seq < s->vouched.seq && w->vouched_us <= clock_mono_us());
}

static void
waiter_match(struct snapshots *s, struct waiter *w)
{
	uint64_t seq = store_pin_seq(w->pin);
	const struct proven *proof = waiter_proof(s, w, seq);
	enum ag_status status;

	if (proof != NULL) {
		status = waiter_ready(s, w, buf_bytes(&proof->certificate));
		if (status != AG_OK)
			waiter_answer(w, status, NULL);
	} else if (waiter_is_late(s, w, seq)) {
		store_unpin(w->pin);
		w->pin = NULL;
		snapshots_ask(s, w);
		loop_timer_set(s->timer, 1);
	}
}

static void
snapshots_match(struct snapshots *s)
{
	struct waiter *w;

	for (w = s->list; w != NULL; w = w->next)
		if (w->pin != NULL && w->ready != NULL)
			waiter_match(s, w);
	snapshots_sweep(s);
}

static void
snapshots_on_timer(void *arg)
{
	struct snapshots *s = arg;
	uint64_t now = clock_mono_us();
	struct waiter *w;

	for (w = s->list; w != NULL; w = w->next)
		if (w->ready != NULL && w->deadline_us <= now)
			waiter_answer(w, AG_ENOQUORUM, NULL);
	snapshots_match(s);
	if (s->list != NULL) {
		s->want(s->arg);
		loop_timer_set(s->timer, SNAPSHOTS_TICK_MS);
	}
}

struct snapshots *
snapshots_new(struct loop *loop, struct applier *applier,
    const struct trust_scope *scope, void (*want)(void *arg), void *arg)
{
	struct snapshots *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->applier = applier;
	s->scope = *scope;
	s->want = want;
	s->arg = arg;
	buf_init(&s->stable.certificate, CERTIFICATE_BYTES_MAX);
	buf_init(&s->vouched.certificate, CERTIFICATE_BYTES_MAX);
	buf_init(&s->first.certificate, CERTIFICATE_BYTES_MAX);
	if (loop_timer_new(&s->timer, loop, snapshots_on_timer, s) != AG_OK) {
		free(s);
		return NULL;
	}
	return s;
}

void
snapshots_free(struct snapshots *s)
{
	struct waiter *w;

	if (s == NULL)
		return;
	for (w = s->list; w != NULL; w = w->next) {
		waiter_answer(w, AG_EUNREACH, NULL);
		w->is_asked = false;
	}
	snapshots_sweep(s);
	loop_timer_close(s->timer);
	buf_fini(&s->stable.certificate);
	buf_fini(&s->vouched.certificate);
	buf_fini(&s->first.certificate);
	free(s);
}

enum ag_status
snapshots_open(struct snapshots *s, enum snapshot_proof proof,
    uint32_t timeout_ms, node_snapshot_fn *ready, void *arg,
    struct ag_error *err)
{
	struct waiter *w;

	if (s->count == SNAPSHOTS_WAITING_MAX)
		return ag_fail(err, AG_EBUSY,
		    "open snapshot: %d are being prepared already",
		    SNAPSHOTS_WAITING_MAX);
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return ag_fail(err, AG_ENOMEM, "open snapshot: out of memory");
	w->owner = s;
	w->ready = ready;
	w->arg = arg;
	w->deadline_us = clock_mono_us() + (uint64_t)timeout_ms * 1000;
	w->vouched_us = proof == SNAPSHOT_VOUCHED
	    ? clock_mono_us() + CERTIFIED_WAIT_US
	    : UINT64_MAX;
	w->next = s->list;
	s->list = w;
	s->count++;
	snapshots_ask(s, w);
	if (proof == SNAPSHOT_VOUCHED) {
		loop_timer_set(s->timer, AT_ONCE_MS);
		return AG_OK;
	}
	loop_timer_set(s->timer, SNAPSHOTS_TICK_MS);
	s->want(s->arg);
	return AG_OK;
}

void
snapshots_pinned(struct snapshots *s, void *pin_arg, enum ag_status status,
    struct store_pin *pin)
{
	struct waiter *w = pin_arg;

	w->is_asked = false;
	w->pin = pin;
	if (status != AG_OK)
		waiter_answer(w, status, NULL);
	else if (w->ready != NULL)
		waiter_match(s, w);
	snapshots_sweep(s);
}

/* Keep a proof; without memory for it there is none. */
static void
proven_set(struct proven *p, uint64_t seq, struct bytes certificate)
{
	buf_clear(&p->certificate);
	p->seq = 0;
	if (buf_append(&p->certificate, certificate.data, certificate.len) ==
	    AG_OK)
		p->seq = seq;
}

void
snapshots_stable(struct snapshots *s, uint64_t seq, struct bytes certificate)
{
	proven_set(&s->stable, seq, certificate);
	snapshots_match(s);
}

void
snapshots_vouched(struct snapshots *s, uint64_t seq, struct bytes certificate)
{
	proven_set(&s->vouched, seq, certificate);
	snapshots_match(s);
}

void
snapshots_begin_epoch(struct snapshots *s, const struct trust_scope *scope,
    const struct chain_start *start)
{
	const struct certificate unsigned_one = {
		.phase = VOTE_CHECKPOINT,
		.seq = start->seq,
		.digest = start->state,
	};
	uint8_t room[128];
	struct bytes encoded;
	struct encoder e;

	s->scope = *scope;
	proven_set(&s->stable, 0, bytes_of(NULL, 0));
	proven_set(&s->vouched, 0, bytes_of(NULL, 0));
	encoder_init(&e, room, sizeof(room));
	certificate_encode(&e, &unsigned_one);
	AG_ASSERT(encoder_finish(&e, &encoded) == AG_OK);
	proven_set(&s->first, start->seq, encoded);
}

bool
snapshots_wanted(const struct snapshots *s)
{
	return s->list != NULL;
}

enum ag_status
node_snapshot_read(struct node_snapshot *snapshot, uint8_t *out, size_t cap,
    size_t *len, struct ag_error *err)
{
	enum ag_status status = AG_OK;

	if (snapshot->writer == NULL)
		status = snapshot_writer_new(&snapshot->writer, snapshot->pin,
		    &snapshot->scope, buf_bytes(&snapshot->certificate), err);
	return status == AG_OK
	    ? snapshot_writer_read(snapshot->writer, out, cap, len, err)
	    : status;
}

_Static_assert(NODE_PROOF_BYTES_MAX >=
	PRESENCE_OVERHEAD + PRESENCE_ENTRY_BYTES_MAX,
    "any key can be proved");

enum ag_status
node_snapshot_prove(struct node_snapshot *snapshot, struct bytes key,
    struct buf *out, struct ag_error *err)
{
	struct presence *presence = calloc(1, sizeof(*presence));
	enum ag_status status;
	struct bytes encoded;
	struct encoder e;
	struct buf entry;

	if (presence == NULL ||
	    buf_reserve(out, NODE_PROOF_BYTES_MAX) != AG_OK) {
		free(presence);
		return ag_fail(err, AG_ENOMEM, "prove key: out of memory");
	}
	presence->scope = snapshot->scope;
	buf_init(&entry, PRESENCE_ENTRY_BYTES_MAX);
	status = store_proof_make(presence, snapshot->pin, key, &entry, err);
	if (status == AG_OK) {
		encoder_init(&e, out->data + out->len, out->cap - out->len);
		presence_encode(&e, presence,
		    buf_bytes(&snapshot->certificate));
		AG_ASSERT(encoder_finish(&e, &encoded) == AG_OK);
		out->len += encoded.len;
	}
	buf_fini(&entry);
	free(presence);
	return status;
}

uint64_t
node_snapshot_seq(const struct node_snapshot *snapshot)
{
	return store_pin_seq(snapshot->pin);
}

struct store_pin *
node_snapshot_pin(struct node_snapshot *snapshot)
{
	return snapshot->pin;
}

struct bytes
node_snapshot_certificate(const struct node_snapshot *snapshot)
{
	return buf_bytes(&snapshot->certificate);
}

void
node_snapshot_close(struct node_snapshot *snapshot)
{
	if (snapshot == NULL)
		return;
	snapshot_writer_free(snapshot->writer);
	store_unpin(snapshot->pin);
	buf_fini(&snapshot->certificate);
	free(snapshot);
}
