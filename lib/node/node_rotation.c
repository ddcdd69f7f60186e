/*
 * Key epochs, for a node: its parts to rotation.c, and that to callers.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "node/node_parts.h"
#include "trust/key_order.h"

/* How long a batch that only moves things on is waited for. */
#define HURRY_MS 5000

/* What is executed later than this after it was proposed is of yesterday. */
#define CATCHING_UP_MS 3000

static void
on_reseal(void *arg, unsigned int percent)
{
	applier_reseal(((struct node *)arg)->applier, percent);
}

static uint32_t
on_log_epoch(void *arg)
{
	const struct node *n = arg;

	/* Between two epochs of the members nobody knows. */
	return n->driver == NULL ? 1 : driver_log_epoch(n->driver);
}

/* Parts of a state, or the log of the members' last epoch, may need any key. */
static bool
on_is_transferring(void *arg)
{
	static const char *const names[] = { "state.sync", "log.old" };
	const struct node *n = arg;
	char path[PATH_MAX];
	struct ag_error err;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (fs_join(path, sizeof(path), n->data_dir, names[i], &err) !=
			AG_OK ||
		    fs_exists(path))
			return true;
	return false;
}

/* Batches of now are proposed with the time of now. */
static bool
on_is_catching_up(void *arg)
{
	return clock_wall_ms() >
	    applier_time_ms(((struct node *)arg)->applier) + CATCHING_UP_MS;
}

/*
 * What an earlier start has left of a fetch, though the log then brought what
 * was missing, would keep keys for ever.
 */
void
node_forget_fetch(struct node *n, uint64_t stable)
{
	if (n->sync != NULL && !sync_is_fetching(n->sync) &&
	    applier_seq(n->applier) >= stable && !on_is_catching_up(n))
		sync_cancel(n->sync);
}

/* The next stable checkpoint is made durable, and the log cut behind it. */
static void
on_cut_log(void *arg)
{
	struct node *n = arg;

	n->sync_due_seq = 0;
	if (n->driver != NULL)
		driver_want_checkpoint(n->driver);
}

static void
on_hurried(void *arg, enum ag_status status, const struct result *result)
{
	(void)result;
	rotation_hurried(((struct node *)arg)->rotation, status == AG_OK);
}

static void
on_hurry(void *arg)
{
	static const uint8_t barrier[] = { 0x81, OPERATION_BARRIER };
	struct node_request_id id;
	struct node *n = arg;
	struct ag_error err;

	if (node_is_observer(n) || n->driver == NULL ||
	    node_submit(n, bytes_of(barrier, sizeof(barrier)), HURRY_MS,
		on_hurried, n, &id, &err) != AG_OK)
		rotation_hurried(n->rotation, false);
}

enum ag_status
node_rotation_open(struct node *n, struct ag_error *err)
{
	const struct rotation_config config = {
		.loop = n->loop,
		.keyring = n->keyring,
		.percent = n->config.reseal_percent,
		.metrics = n->metrics,
		.arg = n,
		.reseal = on_reseal,
		.log_epoch = on_log_epoch,
		.is_transferring = on_is_transferring,
		.is_catching_up = on_is_catching_up,
		.cut_log = on_cut_log,
		.hurry = on_hurry,
	};

	n->rotation = rotation_new(&config);
	return n->rotation == NULL
	    ? ag_fail(err, AG_ENOMEM, "start node: out of memory")
	    : AG_OK;
}

void
node_rotation_resealed(void *arg, uint32_t epoch)
{
	rotation_resealed(((struct node *)arg)->rotation, epoch);
}

/* --- for callers --- */

static const char *
need_name(enum rotation_need need)
{
	switch (need) {
	case ROTATION_VALUES:
		return "values";
	case ROTATION_TRANSFER:
		return "transfer";
	case ROTATION_LOG:
		return "log";
	case ROTATION_NOTHING:
	default:
		return NULL;
	}
}

static void
fill_agreed(struct node_key_epochs *out, const struct key_epochs *k)
{
	out->serial = k->serial;
	out->epoch = k->epoch;
	out->since_seq = k->since_seq;
	out->since_ms = k->since_ms;
	out->bytes = k->bytes;
	out->next = k->next;
	out->next_seq = k->next_seq;
	out->cause = key_epochs_cause_name(k->cause);
	memcpy(out->reason, k->reason, sizeof(k->reason));
	out->suspect = k->suspect;
	out->max_age_ms = k->policy.max_age_ms;
	out->max_bytes = k->policy.max_bytes;
	out->on_member_change = k->policy.on_member_change;
}

_Static_assert(sizeof(((struct node_key_epochs *)0)->reason) ==
	    KEY_ORDER_REASON_BYTES &&
	NODE_KEY_TROUBLE_BYTES == ROTATION_TROUBLE_BYTES &&
	NODE_KEY_EPOCHS_MAX == KEYRING_EPOCHS_MAX,
    "what is told has room");

static void
fill_list(struct node_key_epochs *out, struct keyring *keyring)
{
	struct keyring_look look;

	keyring_look(keyring, &look);
	out->count = look.epoch_count;
	for (size_t i = 0; i < look.epoch_count; i++) {
		out->list[i].epoch = look.epochs[i].epoch;
		out->list[i].state = keyring_state_name(look.epochs[i].state);
		out->list[i].created_ms = look.epochs[i].created_ms;
	}
}

void
node_key_epochs(struct node *n, struct node_key_epochs *out)
{
	struct store_resealing progress;
	struct rotation_status status;
	uint64_t bytes;

	memset(out, 0, sizeof(*out));
	fill_agreed(out, applier_key_epochs(n->applier));
	fill_list(out, n->keyring);
	rotation_status(n->rotation, &status);
	applier_resealing(n->applier, &progress);
	out->active = status.epoch;
	out->need = need_name(status.need);
	out->need_ms = status.need_ms;
	if (progress.epoch == status.epoch) {
		out->passed = progress.passed;
		out->resealed = progress.resealed;
	}
	applier_size(n->applier, &out->keys, &bytes);
	if (n->driver != NULL)
		out->log_epoch = driver_log_epoch(n->driver);
	memcpy(out->trouble, status.trouble, sizeof(out->trouble));
	out->trouble_ms = status.trouble_ms;
}

/* What it would be refused for is said at once. */
static enum ag_status
judge_order(const struct node *n, struct bytes encoded, struct ag_error *err)
{
	const struct key_epochs *agreed = applier_key_epochs(n->applier);
	struct key_order order;
	enum ag_status status = key_order_decode(&order, encoded, err);

	if (status != AG_OK)
		return ag_fail(err, AG_EINVAL,
		    "it is no order about key epochs, or is damaged");
	status = key_order_verify(&order, &n->roster, err);
	if (status != AG_OK)
		return status;
	if (order.serial < agreed->serial)
		return ag_fail(err, AG_ECONFLICT,
		    "the order was made before the last decision on key "
		    "epochs; make another, if it is still to be");
	return AG_OK;
}

enum ag_status
node_order_keys(struct node *n, struct bytes order, uint32_t timeout_ms,
    node_done_fn *done, void *arg, struct node_request_id *id,
    struct ag_error *err)
{
	uint8_t out[OPERATION_KEY_ORDER_BYTES_MAX + 16];
	enum ag_status status = judge_order(n, order, err);
	struct encoder e;
	struct bytes encoded;

	if (status != AG_OK)
		return status;
	encoder_init(&e, out, sizeof(out));
	encoder_put_array(&e, 2);
	encoder_put_uint(&e, OPERATION_KEYS);
	encoder_put_bytes(&e, order);
	status = encoder_finish(&e, &encoded);
	if (status != AG_OK)
		return ag_fail(err, AG_EINVAL, "the order is too long");
	return node_submit(n, encoded, timeout_ms, done, arg, id, err);
}
