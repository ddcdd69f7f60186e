/*
 * Clients.
 *
 * RULES    1. A client has one request at a time, and asks another replica
 *             with the same signed envelope when no answer comes.
 *          2. Values are unique, so a read names its write.
 *          3. An answer is believed when an honest replica executed the
 *             request; it must be the reference's.
 *          4. Where reads need not be put in order they are not: what they
 *             saw is judged by the search alone.
 *          5. Where there are transactions there is nothing else but reads of
 *             all keys.  A transaction compares the versions of some keys, as
 *             its client last heard of them, and puts one value for all.  A
 *             read is of a state between two batches, and tells which.
 *          6. A request is signed for the epoch of whom it is asked of, by the
 *             same number in each.
 */
#include "sim/client.h"

#include <inttypes.h>

#include "codec/batch.h"
#include "sim/attack.h"
#include "sim/fair.h"
#include "sim/invariant.h"
#include "sim/linear.h"
#include "sim/replica.h"
#include "trust/request.h"

#define NEVER UINT64_MAX
#define OPERATION_BYTES (sizeof(struct machine_roster) + 64)

static uint32_t
operators(const struct world *w)
{
	return w->profile.client_count;
}

static void
client_soon(struct world *w, uint32_t client, enum happen_kind kind,
    uint64_t after, uint64_t value)
{
	world_push(w,
	    (struct happening){
		.at = w->now + after,
		.kind = kind,
		.replica = client,
		.value = value,
	    });
}

void
client_begin(struct world *w)
{
	uint32_t i;

	for (i = 0; i < w->profile.client_count; i++) {
		w->clients[i].current = -1;
		w->clients[i].next_number = 1;
		client_soon(w, i, HAPPEN_THINK,
		    dice_waiting(&w->work_dice, w->profile.think_us), 0);
	}
	w->changes = 0;
	if (w->profile.changes == 0)
		return;
	AG_ASSERT(operators(w) < MACHINE_CLIENTS);
	w->clients[operators(w)].current = -1;
	w->clients[operators(w)].next_number = 1;
	client_soon(w, operators(w), HAPPEN_THINK,
	    dice_waiting(&w->work_dice, w->profile.change_us), 0);
}

static void
encode_transaction(struct encoder *e, const struct operation_history *op)
{
	static const uint8_t names[MACHINE_KEYS] = { 'a', 'b', 'c', 'd' };
	struct operation txn = { .kind = OPERATION_TXN };
	uint32_t i;

	for (i = 0; i < MACHINE_KEYS; i++) {
		if ((op->keys >> i & 1) == 0)
			continue;
		txn.compares[txn.compare_count++] = (struct compare){
			.kind = COMPARE_VERSION,
			.key = bytes_of(&names[i], 1),
			.number = op->versions[i],
		};
		txn.changes[0][txn.change_count[0]++] = (struct change){
			.kind = OPERATION_PUT,
			.key = bytes_of(&names[i], 1),
			.value = bytes_of(&op->value, sizeof(op->value)),
		};
	}
	operation_encode(e, &txn);
}

static struct bytes
encode_operation(struct world *w, const struct operation_history *op,
    uint64_t value)
{
	size_t cap = op->roster == NULL && op->keys == 0 ? 64 : OPERATION_BYTES;
	uint8_t *room = arena_take(&w->arena, cap);
	uint8_t key = (uint8_t)('a' + op->key);
	struct bytes bytes;
	struct encoder e;

	encoder_init(&e, room, cap);
	if (op->kind == OPERATION_TXN) {
		encode_transaction(&e, op);
		AG_ASSERT(encoder_finish(&e, &bytes) == AG_OK);
		return bytes;
	}
	encoder_put_array(&e,
	    op->kind == OPERATION_BARRIER   ? 1
		: op->kind == OPERATION_PUT ? 4
		: op->roster != NULL        ? 2
					    : 3);
	encoder_put_uint(&e, op->kind);
	if (op->roster != NULL) {
		encoder_put_bytes(&e,
		    bytes_of(op->roster, sizeof(*op->roster)));
	} else if (op->kind != OPERATION_BARRIER) {
		encoder_put_bytes(&e, bytes_of(&key, 1));
		if (op->kind == OPERATION_PUT)
			encoder_put_bytes(&e, bytes_of(&value, sizeof(value)));
		if (op->has_if_version)
			encoder_put_uint(&e, op->if_version);
		else
			encoder_put_null(&e);
	}
	AG_ASSERT(encoder_finish(&e, &bytes) == AG_OK);
	return bytes;
}

/* An envelope of the operations from first on, for their epoch. */
static struct bytes
encode_envelope(struct world *w, const struct operation_history *first,
    uint64_t value)
{
	struct membership *m = &w->memberships[first->epoch];
	struct request_signer signer = {
		.scope = &m->scope,
		.authority = &keyring_authority,
		.ctx = &m->signers[PROFILE_MEMBERS_MAX + first->client],
	};
	struct bytes operations[MACHINE_WINDOW];
	size_t cap = 512 +
	    first->count * (first->keys == 0 ? (size_t)64 : OPERATION_BYTES);
	uint8_t *room = arena_take(&w->arena, cap);
	struct bytes bytes;
	struct encoder e;
	uint32_t i;

	for (i = 0; i < first->count; i++)
		operations[i] = encode_operation(w, &first[i],
		    i == 0 ? value : first[i].value);
	machine_principal(first->client, signer.principal);
	encoder_init(&e, room, cap);
	request_encode(&e, &signer, first->number, 0, operations, first->count);
	AG_ASSERT(encoder_finish(&e, &bytes) == AG_OK);
	return bytes;
}

static void
encode_envelopes(struct world *w, struct operation_history *op)
{
	op->envelope = encode_envelope(w, op, op->value);
	if (op->is_other_body)
		op->other = encode_envelope(w, op, op->other_value);
}

/* Any replica; or always the same, which is correct.  Where rosters change, a
 * node of the newest. */
static uint32_t
client_chooses(struct world *w, uint32_t client)
{
	const struct membership *m = membership_newest(w);
	uint32_t i = client;

	if (w->profile.changes > 0)
		return m->nodes[dice_below(&w->work_dice, m->node_count)];
	if (!w->profile.has_loyal_clients)
		return (uint32_t)dice_below(&w->work_dice, w->replica_count);
	while (!w->replicas[i % w->replica_count].is_honest)
		i++;
	return i % w->replica_count;
}

static void
client_ask(struct world *w, uint32_t client)
{
	struct client *c = &w->clients[client];
	struct operation_history *op = &w->history[c->current];
	uint32_t to = client_chooses(w, client);
	bool other = op->is_other_body && dice_chance(&w->work_dice, 500);

	c->asked |= 1U << to;
	world_push(w,
	    (struct happening){
		.at = w->now + 100,
		.kind = HAPPEN_SUBMIT,
		.replica = to,
		.from = other,
		.value = (uint64_t)c->current,
	    });
	client_soon(w, client, HAPPEN_RETRY,
	    dice_range(&w->work_dice, w->profile.retry_us / 2,
		w->profile.retry_us * 2),
	    (uint64_t)c->current);
}

/* Some keys, and what the client believes of them. */
static void
draw_transaction(struct world *w, struct operation_history *op)
{
	const uint32_t all = (1U << MACHINE_KEYS) - 1;
	struct dice *d = &w->work_dice;
	uint32_t i;

	op->kind = dice_chance(d, 600) ? OPERATION_TXN : OPERATION_BARRIER;
	op->keys = op->kind == OPERATION_BARRIER
	    ? all
	    : 1U << dice_below(d, MACHINE_KEYS) |
		1U << dice_below(d, MACHINE_KEYS) |
		1U << dice_below(d, MACHINE_KEYS);
	for (i = 0; i < MACHINE_KEYS; i++)
		op->versions[i] = w->clients[op->client].known[i];
	op->has_if_version = false;
}

/* The next operation a client makes, not encoded yet. */
static void
draw_operation(struct world *w, uint32_t client, struct operation_history *op)
{
	struct dice *d = &w->work_dice;
	uint64_t kind = dice_below(d, 10);

	if (w->profile.has_depositions)
		kind = kind < 3 ? 0 : 6;

	*op = (struct operation_history){
		.client = client,
		.number = w->clients[client].next_number++,
		.kind = kind < 6 ? OPERATION_PUT
		    : kind < 8   ? OPERATION_BARRIER
				 : OPERATION_DELETE,
		.value = w->history_count,
		.called_at = w->now,
		.answered_at = NEVER,
	};
	op->key = (uint32_t)dice_below(d, MACHINE_KEYS);
	op->has_if_version = dice_chance(d, 250);
	op->if_version = dice_below(d, 4);
	if (w->profile.has_transactions)
		draw_transaction(w, op);
}

static uint32_t
requests_left(const struct world *w)
{
	uint32_t asked = w->profile.requests + w->changes;
	uint32_t most = asked < WORLD_REQUESTS_MAX ? asked : WORLD_REQUESTS_MAX;

	return most - w->history_count;
}

/*
 * What a client should not do: leave numbers out, or ask again for what was
 * answered long ago.
 */
static void
client_trick(struct world *w, uint32_t client)
{
	struct dice *d = &w->work_dice;
	uint64_t skipped = dice_range(d, 1, 20);
	uint64_t at = dice_below(d, w->history_count + 1);
	uint32_t to = (uint32_t)dice_below(d, w->replica_count);

	if (dice_chance(d, 100) && world_strikes(w, COUNT_SKIPPED))
		w->clients[client].next_number += skipped;
	if (at == w->history_count || w->history[at].client != client ||
	    w->history[at].answered_at == NEVER ||
	    !world_strikes(w, COUNT_RESUBMITTED))
		return;
	world_push(w,
	    (struct happening){
		.at = w->now + 100,
		.kind = HAPPEN_SUBMIT,
		.replica = to,
		.value = w->history[at].first,
	    });
}

static void
client_think(struct world *w, uint32_t client)
{
	uint32_t i, first = w->history_count, count = 1;
	struct client *c = &w->clients[client];
	struct dice *d = &w->work_dice;
	struct operation_history *op = &w->history[first];

	if (requests_left(w) == 0) {
		/* As older seeds did. */
		(void)dice_next(d);
		return;
	}
	if (w->profile.operations_max > 1)
		count = (uint32_t)dice_range(d, 1, w->profile.operations_max);
	if (count > requests_left(w))
		count = requests_left(w);
	if (w->profile.has_client_tricks)
		client_trick(w, client);
	c->current = (int)first;
	c->asked = 0;
	for (i = 0; i < count; i++) {
		w->history_count++;
		draw_operation(w, client, &op[i]);
		op[i].first = first;
		op[i].count = count;
	}
	if (w->profile.has_two_faced_requests && op->kind == OPERATION_PUT &&
	    dice_chance(d, 400) && world_strikes(w, COUNT_TWO_FACED_REQUESTS)) {
		op->is_other_body = true;
		op->other_value = op->value + 1000;
	}
	encode_envelopes(w, op);
	client_ask(w, client);
}

/* Operators ask for another roster. */
static void
operators_think(struct world *w)
{
	struct operation_history *op = &w->history[w->history_count];
	struct client *c = &w->clients[operators(w)];
	struct machine_roster *next = arena_take(&w->arena, sizeof(*next));

	if (w->is_healed || w->changes == w->profile.changes ||
	    w->history_count == WORLD_REQUESTS_MAX)
		return;
	if (!membership_draw(w, next) || !world_strikes(w, COUNT_CHANGED)) {
		client_soon(w, operators(w), HAPPEN_THINK, w->profile.change_us,
		    0);
		return;
	}
	w->changes++;
	c->current = (int)w->history_count;
	c->asked = 0;
	*op = (struct operation_history){
		.client = operators(w),
		.number = c->next_number++,
		.kind = OPERATION_MEMBERSHIP,
		.called_at = w->now,
		.answered_at = NEVER,
		.first = w->history_count,
		.count = 1,
		.roster = next,
	};
	w->history_count++;
	encode_envelopes(w, op);
	client_ask(w, operators(w));
}

void
client_happen(struct world *w, const struct happening *h)
{
	struct client *c = &w->clients[h->replica];

	if (h->kind == HAPPEN_THINK) {
		if (c->current < 0 && h->replica == operators(w))
			operators_think(w);
		else if (c->current < 0)
			client_think(w, h->replica);
		return;
	}
	if (c->current != (int)h->value)
		return;
	if (h->kind == HAPPEN_RETRY) {
		world_count(w, COUNT_RETRIED);
		client_ask(w, h->replica);
	}
}

static bool
is_envelope_answered(const struct world *w, const struct operation_history *op)
{
	uint32_t i;

	for (i = op->first; i < op->first + op->count; i++)
		if (w->history[i].answered_at == NEVER)
			return false;
	return true;
}

/* What the answer says of versions. */
static void
learn_versions(struct client *c, const struct operation_history *op)
{
	uint32_t i;

	for (i = 0; i < MACHINE_KEYS; i++) {
		if ((op->keys >> i & 1) == 0)
			continue;
		if (op->kind == OPERATION_BARRIER)
			c->known[i] = op->range[i].version;
		else if (op->result.code == RESULT_DONE)
			c->known[i] = op->versions[i] + 1;
	}
}

void
client_answered(struct world *w, const struct operation_history *op)
{
	struct client *c = &w->clients[op->client];

	learn_versions(c, op);
	if (op->kind == OPERATION_TXN && op->result.code == RESULT_ELSE)
		world_count(w, COUNT_REACHED_TXN_VAIN);
	else if (op->kind == OPERATION_TXN && (op->keys & (op->keys - 1)) != 0)
		world_count(w, COUNT_REACHED_TXN);

	if (c->current != (int)op->first || !is_envelope_answered(w, op))
		return;
	c->current = -1;
	client_soon(w, op->client, HAPPEN_THINK,
	    dice_waiting(&w->work_dice,
		op->roster != NULL ? w->profile.change_us
				   : w->profile.think_us),
	    0);
}

/* --- reads that are not put in order --- */

static bool
is_read(const struct world *w, const struct operation_history *op)
{
	return w->strategy->reads_by_index && op->kind == OPERATION_BARRIER &&
	    op->count == 1;
}

/* All that wait share the question. */
static void
ask_index(struct world *w, struct replica *r, uint32_t index)
{
	uint32_t client = w->history[index].client;

	r->readers |= 1U << client;
	r->reads[client] = index;
	r->is_indexed = false;
	r->read_number = ++w->read_numbers;
	replica_step(w, r,
	    (struct event){ .kind = EVENT_READ, .token = r->read_number });
}

void
client_indexed(struct world *w, struct replica *r, uint64_t number,
    uint64_t seq)
{
	if (number != r->read_number)
		return;
	world_count(w, COUNT_REACHED_READ);
	r->is_indexed = true;
	r->read_seq = seq;
	client_read(w, r);
}

/* A read of the state as it is here. */
static void
read_state(const struct replica *r, struct operation_history *op)
{
	op->read = r->machine.cells[op->key];
	memcpy(op->range, r->machine.cells, sizeof(op->range));
	op->range_seq = r->machine.applied;
}

static void
answer_read(struct world *w, const struct replica *r,
    struct operation_history *op)
{
	if (op->answered_at != NEVER)
		return;
	world_trace(w, "replica %u reads %c at %" PRIu64, r->index,
	    (int)('a' + op->key), r->machine.applied);
	op->answered_at = w->now;
	op->result = (struct result){ .code = RESULT_DONE };
	read_state(r, op);
	client_answered(w, op);
}

void
client_read(struct world *w, struct replica *r)
{
	uint32_t i;

	if (!r->is_indexed ||
	    !machine_answers(&r->machine, r->epoch, r->read_seq))
		return;
	for (i = 0; i < MACHINE_CLIENTS; i++)
		if ((r->readers >> i & 1) != 0)
			answer_read(w, r, &w->history[r->reads[i]]);
	r->readers = 0;
	r->is_indexed = false;
}

/* A node answers from its table what was executed before. */
static bool
answer_from_table(struct world *w, struct replica *r,
    struct operation_history *first)
{
	struct result results[MACHINE_WINDOW];
	uint32_t i, last = first->count - 1;

	if (!r->is_honest || first[last].answered_at != NEVER)
		return false;
	for (i = 0; i < first->count; i++)
		if (!machine_find(&r->machine, first->client, first[i].number,
			&results[i]))
			return false;
	for (i = 0; i < first->count; i++) {
		if (first[i].answered_at != NEVER)
			continue;
		read_state(r, &first[i]);
		invariant_answer(w, r, &first[i], &results[i]);
	}
	return true;
}

void
client_submit(struct world *w, struct replica *r, size_t index, bool is_other)
{
	struct operation_history *first = &w->history[index];

	if (is_read(w, first)) {
		ask_index(w, r, (uint32_t)index);
		return;
	}
	if (answer_from_table(w, r, first) ||
	    attack_refuses(w, r, first->client))
		return;
	if (first->epoch != r->epoch) {
		first->epoch = r->epoch;
		encode_envelopes(w, first);
	}
	fair_asked(w, r, first);
	replica_step(w, r,
	    (struct event){
		.kind = EVENT_SUBMIT,
		.body = is_other ? first->other : first->envelope,
	    });
}

static struct operation_history *
history_find(struct world *w, uint32_t client, uint64_t number)
{
	uint32_t i;

	for (i = 0; i < w->history_count; i++)
		if (w->history[i].client == client &&
		    w->history[i].number == number)
			return &w->history[i];
	return NULL;
}

struct execution {
	struct world *w;
	struct replica *r;
	uint64_t seq;
	uint32_t ranges[MACHINE_CLIENTS * MACHINE_WINDOW]; /* to be answered */
	uint32_t range_count;
};

static void
on_reference(void *arg, const struct outcome *outcome)
{
	struct world *w = ((struct execution *)arg)->w;
	struct operation_history *op =
	    history_find(w, outcome->client, outcome->number);

	if (op == NULL) {
		world_violate(w, "a request nobody made was executed");
		return;
	}
	if (outcome->is_duplicate || outcome->result.code == RESULT_STALE) {
		world_count(w, COUNT_REACHED_DUPLICATE);
		return;
	}
	if (op->is_executed) {
		world_violate(w,
		    "client %u request %" PRIu64 " was executed twice",
		    outcome->client, outcome->number);
		return;
	}
	op->is_executed = true;
	op->outcome = *outcome;
	op->position = ++w->executed_count;
}

void
client_refer(struct world *w, uint64_t seq, struct bytes batch)
{
	struct execution x = { .w = w, .seq = seq };

	machine_apply(&w->reference, seq, batch, on_reference, &x);
	fair_judge(w);
}

static bool
same_result(const struct result *a, const struct result *b)
{
	return a->code == b->code && a->seq == b->seq &&
	    a->version == b->version &&
	    a->previous_version == b->previous_version;
}

static void
on_outcome(void *arg, const struct outcome *outcome)
{
	struct execution *x = arg;
	struct world *w = x->w;
	struct operation_history *op =
	    history_find(w, outcome->client, outcome->number);

	if (!x->r->is_honest || op == NULL || w->is_violated ||
	    outcome->result.code == RESULT_STALE)
		return;
	if (!w->profile.is_beyond_faults &&
	    !same_result(&outcome->result, &op->outcome.result)) {
		world_violate(w,
		    "replica %u executed client %u request %" PRIu64
		    " differently at %" PRIu64,
		    x->r->index, outcome->client, outcome->number, x->seq);
		return;
	}
	if (op->answered_at != NEVER ||
	    (w->clients[op->client].asked >> x->r->index & 1) == 0)
		return;
	if (op->kind == OPERATION_BARRIER && op->keys != 0) {
		x->ranges[x->range_count++] = (uint32_t)(op - w->history);
		return;
	}
	op->read = outcome->cells[op->key];
	invariant_answer(w, x->r, op, &outcome->result);
}

/* Of all that the batch has left. */
static void
answer_ranges(struct execution *x)
{
	uint32_t i;

	for (i = 0; i < x->range_count; i++) {
		struct operation_history *op = &x->w->history[x->ranges[i]];

		if (op->answered_at != NEVER)
			continue;
		read_state(x->r, op);
		invariant_answer(x->w, x->r, op, &op->outcome.result);
	}
}

void
client_execute(struct world *w, struct replica *r, uint64_t seq,
    struct bytes batch)
{
	struct execution x = { .w = w, .r = r, .seq = seq };

	machine_apply(&r->machine, seq, batch, on_outcome, &x);
	answer_ranges(&x);
}

bool
client_all_answered(const struct world *w)
{
	uint32_t i;

	for (i = 0; i < w->history_count; i++)
		if (w->history[i].answered_at == NEVER)
			return false;
	return requests_left(w) == 0;
}

/* What the client saw of an operation, and nothing else. */
static struct linear_operation
as_seen(const struct operation_history *op)
{
	bool is_get = op->kind == OPERATION_BARRIER;

	return (struct linear_operation){
		.kind = is_get                  ? LINEAR_GET
		    : op->kind == OPERATION_PUT ? LINEAR_PUT
						: LINEAR_DELETE,
		.called = op->called_at,
		.answered = op->answered_at,
		.value = op->value,
		.other = op->other_value,
		.has_if_version = op->has_if_version && !is_get,
		.if_version = op->if_version,
		.code = op->result.code,
		.version = is_get ? op->read.version : op->result.version,
		.previous_version = op->result.previous_version,
		.read = op->read.value,
	};
}

static void
judge_seen(struct world *w, const struct linear_operation *seen, size_t count,
    uint32_t key)
{
	switch (linear_check(seen, count)) {
	case LINEAR_YES:
		break;
	case LINEAR_NO:
		if (w->profile.has_transactions)
			world_violate(w,
			    "what clients saw of transactions has no order");
		else
			world_violate(w,
			    "what clients saw of key %c is not linearizable",
			    (int)('a' + key));
		break;
	case LINEAR_UNDECIDED:
		world_count(w, COUNT_UNDECIDED);
		w->is_undecided = true;
		break;
	}
}

static void
judge_key(struct world *w, uint32_t key)
{
	static struct linear_operation seen[LINEAR_OPERATIONS_MAX];
	size_t count = 0;
	uint32_t i;

	for (i = 0; i < w->history_count && count < LINEAR_OPERATIONS_MAX; i++)
		if (w->history[i].key == key && w->history[i].roster == NULL)
			seen[count++] = as_seen(&w->history[i]);
	judge_seen(w, seen, count, key);
}

/* All keys at once. */
static void
judge_transactions(struct world *w)
{
	static struct linear_operation seen[LINEAR_OPERATIONS_MAX];
	size_t count = 0;
	uint32_t i, k;

	for (i = 0; i < w->history_count && count < LINEAR_OPERATIONS_MAX;
	     i++) {
		const struct operation_history *op = &w->history[i];
		struct linear_operation *s = &seen[count++];
		bool is_read = op->kind == OPERATION_BARRIER;

		*s = as_seen(op);
		s->kind = is_read ? LINEAR_RANGE : LINEAR_TXN;
		s->seq = is_read ? op->range_seq : op->result.seq;
		s->keys = op->keys;
		for (k = 0; k < MACHINE_KEYS; k++)
			s->cells[k] = is_read
			    ? (struct linear_cell){ op->range[k].value,
				      op->range[k].version }
			    : (struct linear_cell){ 0, op->versions[k] };
	}
	judge_seen(w, seen, count, 0);
}

void
client_judge(struct world *w)
{
	uint32_t key;

	uint32_t i, k;

	for (i = 0; i < w->history_count; i++)
		for (k = 0; k < w->history_count; k++) {
			const struct operation_history *a = &w->history[i];
			const struct operation_history *b = &w->history[k];

			if (a->answered_at < b->called_at && b->is_executed &&
			    a->position > b->position)
				world_violate(w,
				    "request %u was answered before %u was "
				    "made, but is ordered after it",
				    i, k);
		}
	if (w->profile.has_transactions && !w->is_violated)
		judge_transactions(w);
	for (key = 0; key < MACHINE_KEYS && !w->is_violated &&
	     !w->profile.has_transactions;
	     key++)
		judge_key(w, key);
}
