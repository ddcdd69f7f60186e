/*
 * The model state machine: what the store does, in a page.
 *
 * RULES    1. At most once: a number that was executed answers its old
 *             result and changes nothing; one at or below the floor is stale.
 *          2. The client table is part of the digest.
 *          3. The first roster of a batch that follows the newest ends the
 *             epoch; another in the same batch conflicts.  Whoever executes
 *             batches stops there.
 */
#include "sim/machine.h"

#include <string.h>

#include "codec/batch.h"
#include "consensus/plant.h"
#include "trust/state.h"

void
machine_principal(uint32_t client, uint8_t principal[static PUBLIC_KEY_BYTES])
{
	memset(principal, 0xc1, PUBLIC_KEY_BYTES);
	principal[0] = (uint8_t)client;
}

int
machine_client_of(const uint8_t principal[static PUBLIC_KEY_BYTES])
{
	size_t i;

	for (i = 1; i < PUBLIC_KEY_BYTES; i++)
		if (principal[i] != 0xc1)
			return -1;
	return principal[0] < MACHINE_CLIENTS ? principal[0] : -1;
}

static struct answered *
session_find(struct sessions *s, uint64_t number)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		if (s->answered[i].number == number)
			return &s->answered[i];
	return NULL;
}

bool
machine_find(const struct machine *m, uint32_t client, uint64_t number,
    struct result *result)
{
	struct sessions copy = m->sessions[client];
	const struct answered *a = session_find(&copy, number);

	if (a == NULL)
		return false;
	*result = (struct result){
		.code = (enum result_code)a->code,
		.seq = a->seq,
		.version = a->version,
		.previous_version = a->previous_version,
	};
	return true;
}

/* Keep the result; the lowest number makes room and raises the floor. */
static void
session_keep(struct sessions *s, uint64_t number, const struct result *result)
{
	size_t at = s->count;
	size_t i;

	if (s->count == MACHINE_WINDOW) {
		at = 0;
		for (i = 1; i < s->count; i++)
			if (s->answered[i].number < s->answered[at].number)
				at = i;
		s->floor = s->answered[at].number;
	} else {
		s->count++;
	}
	s->answered[at] = (struct answered){ number, result->code, result->seq,
		result->version, result->previous_version };
}

struct request {
	uint64_t kind;
	uint32_t key;
	uint64_t value;
	bool has_if_version;
	uint64_t if_version;
	struct machine_roster roster;
	uint32_t compared; /* TXN: keys, a bit each; */
	uint64_t versions[MACHINE_KEYS];
	uint32_t changed; /* and those that are put then */
};

static bool
roster_decode(struct machine_roster *roster, struct decoder *d)
{
	struct bytes raw = decoder_get_bytes_max(d, sizeof(*roster));

	if (decoder_finish(d, NULL) != AG_OK || raw.len != sizeof(*roster))
		return false;
	memcpy(roster, raw.data, sizeof(*roster));
	return true;
}

/* A key's number; or MACHINE_KEYS. */
static uint32_t
key_number(struct bytes key)
{
	return key.len == 1 && key.data[0] >= 'a' &&
		key.data[0] < 'a' + MACHINE_KEYS
	    ? (uint32_t)key.data[0] - 'a'
	    : MACHINE_KEYS;
}

/* Of the store's transactions those that compare versions, and put one value
 * for all keys if they hold. */
static bool
transaction_decode(struct request *r, struct bytes input)
{
	struct operation op;
	uint32_t key;
	size_t i;

	if (operation_decode(&op, input, NULL) != AG_OK ||
	    op.change_count[1] != 0)
		return false;
	for (i = 0; i < op.compare_count; i++) {
		key = key_number(op.compares[i].key);
		if (key == MACHINE_KEYS ||
		    op.compares[i].kind != COMPARE_VERSION)
			return false;
		r->compared |= 1U << key;
		r->versions[key] = op.compares[i].number;
	}
	for (i = 0; i < op.change_count[0]; i++) {
		const struct change *change = &op.changes[0][i];

		key = key_number(change->key);
		if (key == MACHINE_KEYS || change->kind != OPERATION_PUT ||
		    change->has_if_version ||
		    change->value.len != sizeof(r->value))
			return false;
		r->changed |= 1U << key;
		memcpy(&r->value, change->value.data, sizeof(r->value));
	}
	return true;
}

static bool
request_decode(struct request *r, struct bytes input)
{
	struct decoder d;
	struct bytes key, value;
	size_t fields;

	*r = (struct request){ 0 };
	decoder_init(&d, input);
	fields = decoder_get_array_max(&d, 4);
	r->kind = decoder_get_uint(&d);
	if (r->kind == OPERATION_BARRIER)
		return fields == 1 && decoder_finish(&d, NULL) == AG_OK;
	if (r->kind == OPERATION_MEMBERSHIP)
		return fields == 2 && roster_decode(&r->roster, &d);
	if (r->kind == OPERATION_TXN)
		return transaction_decode(r, input);
	key = decoder_get_bytes_max(&d, 1);
	if (r->kind == OPERATION_PUT) {
		value = decoder_get_bytes_max(&d, sizeof(r->value));
		if (value.len != sizeof(r->value))
			return false;
		memcpy(&r->value, value.data, sizeof(r->value));
	} else if (r->kind != OPERATION_DELETE) {
		return false;
	}
	r->has_if_version = !decoder_get_null(&d);
	if (r->has_if_version)
		r->if_version = decoder_get_uint(&d);
	if (decoder_finish(&d, NULL) != AG_OK || key.len != 1)
		return false;
	r->key = (uint32_t)key.data[0] - 'a';
	return r->key < MACHINE_KEYS;
}

static void
membership_execute(struct machine *m, uint64_t seq,
    const struct machine_roster *next, struct result *result)
{
	if (m->roster.since == seq || next->epoch != m->roster.epoch + 1) {
		result->code = RESULT_CONFLICT;
		return;
	}
	m->roster = *next;
	m->roster.since = seq;
	if (PLANT_TABLE_DROPPED)
		memset(m->sessions, 0, sizeof(m->sessions));
	result->version = next->epoch;
	result->previous_version = next->epoch - 1;
}

static void
transaction_execute(struct machine *m, uint64_t seq, const struct request *r,
    struct result *result)
{
	uint32_t i;

	for (i = 0; i < MACHINE_KEYS; i++)
		if ((r->compared >> i & 1) != 0 &&
		    (i == 0 || !PLANT_TXN_ONE_COMPARED) &&
		    r->versions[i] != m->cells[i].version) {
			result->code = RESULT_ELSE;
			return;
		}
	for (i = 0; i < MACHINE_KEYS; i++)
		if ((r->changed >> i & 1) != 0)
			m->cells[i] = (struct cell){
				.value = r->value,
				.version = m->cells[i].version + 1,
				.modified = seq,
			};
}

static void
request_execute(struct machine *m, uint64_t seq, const struct request *r,
    struct result *result)
{
	struct cell *cell;

	*result = (struct result){ .code = RESULT_DONE, .seq = seq };
	if (r->kind == OPERATION_BARRIER)
		return;
	if (r->kind == OPERATION_MEMBERSHIP) {
		membership_execute(m, seq, &r->roster, result);
		return;
	}
	if (r->kind == OPERATION_TXN) {
		transaction_execute(m, seq, r, result);
		return;
	}
	cell = &m->cells[r->key];
	result->previous_version = cell->version;
	result->version = cell->version;
	if (r->has_if_version && r->if_version != cell->version) {
		result->code = RESULT_CONFLICT;
		return;
	}
	if (r->kind == OPERATION_DELETE) {
		if (cell->version == 0)
			result->code = RESULT_NOT_FOUND;
		*cell = (struct cell){ 0 };
		result->version = 0;
		return;
	}
	cell->value = r->value;
	cell->version++;
	cell->modified = seq;
	result->version = cell->version;
}

static void
operation_apply(struct machine *m, uint64_t seq, struct bytes operation,
    struct outcome *outcome)
{
	struct sessions *s = &m->sessions[outcome->client];
	struct request r;

	outcome->is_duplicate =
	    machine_find(m, outcome->client, outcome->number, &outcome->result);
	if (outcome->is_duplicate)
		return;
	if (outcome->number <= s->floor) {
		outcome->result =
		    (struct result){ .code = RESULT_STALE, .seq = seq };
		return;
	}
	if (!request_decode(&r, operation))
		outcome->result =
		    (struct result){ .code = RESULT_INVALID, .seq = seq };
	else
		request_execute(m, seq, &r, &outcome->result);
	session_keep(s, outcome->number, &outcome->result);
}

/* Each operation of an envelope has a number of its own. */
static void
envelope_apply(struct machine *m, uint64_t seq, const struct envelope *envelope,
    struct outcome *outcome, outcome_fn *fn, void *arg)
{
	struct decoder d;
	size_t i;

	decoder_init(&d, envelope->operations);
	for (i = 0; i < envelope->operation_count; i++) {
		outcome->number = envelope->first + i;
		operation_apply(m, seq, decoder_get_bytes(&d), outcome);
		memcpy(outcome->cells, m->cells, sizeof(m->cells));
		if (fn != NULL)
			fn(arg, outcome);
	}
}

void
machine_apply(struct machine *m, uint64_t seq, struct bytes body,
    outcome_fn *fn, void *arg)
{
	struct batch batch;
	struct decoder d;
	uint32_t i;

	AG_ASSERT(seq == m->applied + 1);
	m->applied = seq;
	if (batch_decode(&batch, body, NULL) != AG_OK)
		return;
	if (batch.time_ms > m->time_ms)
		m->time_ms = batch.time_ms;
	decoder_init(&d, batch.envelopes);
	for (i = 0; i < batch.envelope_count; i++) {
		struct outcome outcome = { 0 };
		struct envelope envelope;
		int client;

		envelope_decode_from(&d, &envelope);
		client = machine_client_of(envelope.principal);
		if (decoder_failed(&d) || client < 0)
			continue;
		outcome.client = (uint32_t)client;
		envelope_apply(m, seq, &envelope, &outcome, fn, arg);
	}
}

/* What is stored: the keys, and a roster once there was another. */
static void
stored_digest(const struct machine *m, struct digest *digest)
{
	struct {
		struct digest cells;
		struct machine_roster roster;
	} all = { .roster = m->roster };

	digest_of(&all.cells, bytes_of(m->cells, sizeof(m->cells)));
	*digest = all.cells;
	if (m->roster.epoch > 0)
		digest_of(digest, bytes_of(&all, sizeof(all)));
}

bool
machine_is_last(const struct machine *m, uint64_t epoch)
{
	return m->roster.epoch > epoch;
}

bool
machine_answers(const struct machine *m, uint64_t epoch, uint64_t index)
{
	return m->applied > index ||
	    (m->applied == index &&
		(!machine_is_last(m, epoch) || PLANT_RAFT_LAST_READ));
}

void
machine_digest(const struct machine *m, struct digest *digest)
{
	struct digest cells, sessions = { { 0 } };

	stored_digest(m, &cells);
	if (!PLANT_CLIENTS_UNSEEN)
		digest_of(&sessions,
		    bytes_of(m->sessions, sizeof(m->sessions)));
	state_digest(digest, m->applied, m->time_ms, &cells, &sessions);
}
