/*
 * Key epochs, at a node.
 *
 * STATES   of the present epoch's predecessors' keys, oldest first:
 *          values     are sealed again, in the background
 *          transfer   what came before is put together, or put aside
 *          log        records sealed with it wait to be cut
 *          destroyed
 *
 * RULES    1. A key is durable before anything is sealed with it, and what
 *             needs a key is gone from the disk before the key is: a crash
 *             between any two steps leaves nothing that can not be read.
 *          2. Who can not write the keyring goes on sealing with the key
 *             there is, votes, tells why, and tries again.  Keys are this
 *             node's own business, and no reason to stop the cluster's.
 *          3. A node that slept makes the key of the present epoch alone,
 *             and none of those that came and went: while it catches up it
 *             waits until no news of epochs comes for a while.
 *          4. One change of the keyring at a time, on the pool: it waits for
 *             the disk twice.
 *          5. Keys that may be known go first: values are sealed again
 *             without pauses, and the log is cut at once.  So they are where
 *             many are kept, for a keyring has only so much room: without any
 *             the next is made when the oldest has gone.
 */
#include "node/rotation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "event/loop.h"
#include "keyring/keyring.h"

#define RETRY_MS_LEAST 1000
#define RETRY_MS_MOST 60000

/* While a decided epoch waits for its sequence, and a key for other things. */
#define TICK_NEXT_MS 250
#define TICK_NEED_MS 2000

/* With so many keys the oldest are to go soon. */
#define KEYS_MANY (KEYRING_EPOCHS_MAX / 2)

/* Who catches up waits for so long without news. */
#define QUIET_MS 3000

enum step { STEP_PREPARE, STEP_ACTIVATE, STEP_DESTROY };

/* One change of the keyring, on the pool. */
struct work {
	struct rotation *owner; /* NULL: it has gone */
	struct keyring *keyring;
	enum step step;
	uint32_t epoch;
	uint64_t now_ms;
	enum ag_status status;
	struct ag_error err;
};

struct rotation {
	struct rotation_config config;
	struct loop_timer *timer;
	struct key_epochs agreed;
	uint64_t seq;      /* of what is agreed */
	uint64_t tick_seq; /* at the last tick */
	bool is_hurrying;
	uint64_t news_ms;  /* mono, when an epoch was decided or began last */
	struct work *work; /* under way */
	uint64_t retry_ms; /* how long after a failure; 0: none */
	uint64_t retry_at_ms; /* mono */
	uint32_t resealed;    /* values need no other epoch's key; 0: unknown */
	size_t kept;          /* keys */
	struct rotation_status status;
	struct metric *agreed_epoch, *epoch, *oldest, *failing;
};

static void consider(struct rotation *r);

static uint64_t
now_ms(void)
{
	return clock_mono_us() / 1000;
}

/* --- changes of the keyring --- */

static void
work_run(void *arg)
{
	struct work *c = arg;

	switch (c->step) {
	case STEP_PREPARE:
		c->status = keyring_epoch_prepare(c->keyring, c->epoch,
		    c->now_ms, &c->err);
		break;
	case STEP_ACTIVATE:
		c->status =
		    keyring_epoch_activate(c->keyring, c->epoch, &c->err);
		break;
	case STEP_DESTROY:
		c->status =
		    keyring_epoch_destroy(c->keyring, c->epoch, &c->err);
		break;
	}
}

static void
tell_trouble(struct rotation *r, enum step step, uint32_t epoch,
    const char *why)
{
	struct rotation_status *s = &r->status;
	char trouble[ROTATION_TROUBLE_BYTES];

	if (step == STEP_DESTROY)
		(void)snprintf(trouble, sizeof(trouble),
		    "the key of epoch %" PRIu32
		    " is not needed any more, and is still there: %s",
		    epoch, why);
	else
		(void)snprintf(trouble, sizeof(trouble),
		    "key epoch %" PRIu32
		    " is agreed, and this node still seals with %" PRIu32
		    ": %s",
		    epoch, keyring_epoch(r->config.keyring), why);
	if (s->trouble[0] == '\0')
		s->trouble_ms = clock_wall_ms();
	if (strcmp(s->trouble, trouble) != 0)
		log_warn("node", trouble);
	(void)snprintf(s->trouble, sizeof(s->trouble), "%s", trouble);
	metric_set_value(r->failing, 1);
}

static void
tell_failure(struct rotation *r, const struct work *c)
{
	tell_trouble(r, c->step, c->epoch, c->err.text);
	r->retry_ms = r->retry_ms == 0 ? RETRY_MS_LEAST : 2 * r->retry_ms;
	if (r->retry_ms > RETRY_MS_MOST)
		r->retry_ms = RETRY_MS_MOST;
	r->retry_at_ms = now_ms() + r->retry_ms;
}

static void
tell_success(struct rotation *r, const struct work *c)
{
	static const char *const texts[] = {
		[STEP_PREPARE] = "the next key epoch's key is made",
		[STEP_ACTIVATE] = "key epoch begins: its key seals",
		[STEP_DESTROY] = "a key that nothing needs is destroyed",
	};

	log_info("node", texts[c->step], LOG_U64("epoch", c->epoch));
	r->retry_ms = 0;
	r->status.trouble[0] = '\0';
	metric_set_value(r->failing, 0);
}

/* On the loop. */
static void
work_done(void *arg)
{
	struct work *c = arg;
	struct rotation *r = c->owner;

	if (r != NULL) {
		r->work = NULL;
		if (c->status == AG_OK)
			tell_success(r, c);
		else
			tell_failure(r, c);
		consider(r);
	}
	free(c);
}

static void
work_begin(struct rotation *r, enum step step, uint32_t epoch)
{
	struct work *c = calloc(1, sizeof(*c));

	/* Without memory the next tick tries again. */
	if (c == NULL)
		return;
	*c = (struct work){
		.owner = r,
		.keyring = r->config.keyring,
		.step = step,
		.epoch = epoch,
		.now_ms = clock_wall_ms(),
	};
	if (loop_work(r->config.loop, work_run, work_done, c) == AG_OK)
		r->work = c;
	else
		free(c);
}

/* --- what is to be done --- */

static void
set_need(struct rotation *r, enum rotation_need need)
{
	if (r->status.need != need)
		r->status.need_ms = clock_wall_ms();
	r->status.need = need;
}

/* Is the oldest key to go whatever that takes? */
static bool
is_urgent(const struct rotation *r)
{
	return r->status.oldest <= r->agreed.suspect || r->kept >= KEYS_MANY;
}

/* The oldest key goes, or what it is kept for. */
static void
retire(struct rotation *r, uint32_t oldest)
{
	const struct rotation_config *config = &r->config;
	uint32_t log_epoch;

	if (r->resealed != r->status.epoch) {
		set_need(r, ROTATION_VALUES);
		config->reseal(config->arg,
		    is_urgent(r) ? 100 : config->percent);
		return;
	}
	log_epoch = config->log_epoch(config->arg);
	if (config->is_transferring(config->arg)) {
		set_need(r, ROTATION_TRANSFER);
	} else if (log_epoch != 0 && log_epoch <= oldest) {
		set_need(r, ROTATION_LOG);
	} else {
		work_begin(r, STEP_DESTROY, oldest);
		return;
	}
	/* What was put aside goes with the next checkpoint, too. */
	if (is_urgent(r))
		config->cut_log(config->arg);
}

/* What there is of keys: the oldest of those that are kept, and the newest. */
static void
look(struct rotation *r, uint32_t *newest, bool *has_agreed)
{
	struct keyring_look look;

	keyring_look(r->config.keyring, &look);
	r->status.oldest = 0;
	r->kept = 0;
	*has_agreed = false;
	for (size_t i = 0; i < look.epoch_count; i++) {
		const struct keyring_look_epoch *e = &look.epochs[i];

		r->kept += e->state != KEYRING_DESTROYED;
		if (e->state != KEYRING_DESTROYED && r->status.oldest == 0)
			r->status.oldest = e->epoch;
		if (e->state == KEYRING_ACTIVE)
			r->status.epoch = e->epoch;
		if (e->epoch == r->agreed.epoch &&
		    e->state == KEYRING_PRE_ACTIVE)
			*has_agreed = true;
		*newest = e->epoch;
	}
	metric_set_value(r->agreed_epoch, r->agreed.epoch);
	metric_set_value(r->epoch, r->status.epoch);
	metric_set_value(r->oldest, r->status.oldest);
}

/* While a node catches up there may soon be other news. */
static bool
is_early(const struct rotation *r)
{
	return now_ms() < r->news_ms + QUIET_MS &&
	    r->config.is_catching_up(r->config.arg);
}

static bool
is_waiting(const struct rotation *r)
{
	return is_early(r) || r->agreed.next != 0 ||
	    r->status.need != ROTATION_NOTHING || r->retry_ms != 0 ||
	    r->status.epoch < r->agreed.epoch;
}

/* Make a key, or have the oldest make room for it. */
static void
prepare(struct rotation *r, uint32_t epoch)
{
	if (r->kept < KEYRING_EPOCHS_MAX) {
		work_begin(r, STEP_PREPARE, epoch);
		return;
	}
	tell_trouble(r, STEP_PREPARE, epoch,
	    "its keyring is full, for something needs the oldest key");
	retire(r, r->status.oldest);
}

static void
consider(struct rotation *r)
{
	uint32_t newest = 0;
	bool has_agreed;

	if (r->work != NULL)
		return;
	look(r, &newest, &has_agreed);
	if ((r->retry_ms != 0 && now_ms() < r->retry_at_ms) || is_early(r))
		;
	else if (r->status.epoch < r->agreed.epoch && has_agreed)
		work_begin(r, STEP_ACTIVATE, r->agreed.epoch);
	else if (r->status.epoch < r->agreed.epoch)
		prepare(r, r->agreed.epoch);
	else if (newest < r->agreed.next)
		prepare(r, r->agreed.next);
	else if (r->status.oldest < r->status.epoch)
		retire(r, r->status.oldest);
	else
		set_need(r, ROTATION_NOTHING);
	if (is_waiting(r))
		loop_timer_set(r->timer,
		    r->agreed.next != 0 || r->status.epoch < r->agreed.epoch
			? TICK_NEXT_MS
			: TICK_NEED_MS);
	else
		loop_timer_cancel(r->timer);
}

/* Nothing came since the last look, and an epoch waits for its sequence. */
static void
hurry(struct rotation *r)
{
	if (r->agreed.next == 0 || r->config.hurry == NULL || r->is_hurrying)
		return;
	r->is_hurrying = true;
	r->config.hurry(r->config.arg);
}

static void
on_tick(void *arg)
{
	struct rotation *r = arg;

	if (r->tick_seq == r->seq)
		hurry(r);
	r->tick_seq = r->seq;
	consider(r);
}

void
rotation_hurried(struct rotation *r, bool is_agreed)
{
	r->is_hurrying = false;
	if (is_agreed)
		hurry(r);
}

/* --- what happens --- */

struct rotation *
rotation_new(const struct rotation_config *config)
{
	struct rotation *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->config = *config;
	key_epochs_init(&r->agreed);
	r->agreed_epoch =
	    metric_new(config->metrics, METRIC_GAUGE, "aegis_key_epoch_agreed",
		"The key epoch the cluster agreed on", NULL);
	r->epoch = metric_new(config->metrics, METRIC_GAUGE, "aegis_key_epoch",
	    "The key epoch this node seals with", NULL);
	r->oldest =
	    metric_new(config->metrics, METRIC_GAUGE, "aegis_key_epoch_oldest",
		"The oldest key epoch whose key is still needed here", NULL);
	r->failing =
	    metric_new(config->metrics, METRIC_GAUGE, "aegis_key_epoch_failing",
		"1 while the keyring can not be changed as is agreed", NULL);
	if (loop_timer_new(&r->timer, config->loop, on_tick, r) == AG_OK)
		return r;
	free(r);
	return NULL;
}

void
rotation_free(struct rotation *r)
{
	if (r == NULL)
		return;
	if (r->work != NULL)
		r->work->owner = NULL;
	loop_timer_close(r->timer);
	free(r);
}

void
rotation_agreed(struct rotation *r, const struct key_epochs *epochs,
    uint64_t seq)
{
	const bool is_news = epochs->serial != r->agreed.serial ||
	    epochs->epoch != r->agreed.epoch || r->seq == 0;

	if (is_news && epochs->next != 0 && epochs->next != r->agreed.next)
		log_info("node", "a key epoch is decided",
		    LOG_U64("epoch", epochs->next),
		    LOG_TEXT("why", key_epochs_cause_name(epochs->cause)),
		    LOG_TEXT("reason", epochs->reason),
		    LOG_U64("from", epochs->next_seq));
	r->agreed = *epochs;
	r->seq = seq;
	if (!is_news)
		return;
	r->news_ms = now_ms();
	consider(r);
}

void
rotation_resealed(struct rotation *r, uint32_t epoch)
{
	r->resealed = epoch;
	consider(r);
}

void
rotation_replaced(struct rotation *r)
{
	r->resealed = 0;
}

bool
rotation_cuts_log(const struct rotation *r)
{
	return r->status.need == ROTATION_LOG && is_urgent(r);
}

void
rotation_status(struct rotation *r, struct rotation_status *status)
{
	*status = r->status;
	status->epoch = keyring_epoch(r->config.keyring);
}
