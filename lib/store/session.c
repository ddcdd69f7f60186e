/*
 * The client table.
 *
 * STATES   A place is free or holds one principal.  Its slots are a ring:
 *          number n lives in slot n % window, and belongs to the window
 *          floor .. floor + window - 1, so position and floor name it.
 *
 * FORMAT   slot       u8 code + 1, or 0 when not executed | u64 seq |
 *                     u64 version | u64 previous version, big-endian
 *          principal  u64 floor | u64 last seq | window / 8 bytes of bits,
 *                     bit i of byte k for floor + 8k + i | the slots whose
 *                     bit is set, by rising number, without the zero ones
 *          digest     BLAKE2b-256 of "aegis/sessions/v1" NUL | u32 window |
 *                     u32 principals | each principal's key and
 *                     BLAKE2b-256 of its encoding, by rising key
 *
 * RULES    1. What a table answers depends only on the records made, in
 *             order: never on memory, places or time.
 *          2. One content, one encoding; a decoder checks that.
 *
 * NOT HERE Where pages are stored (store/state.c).
 */
#include "store/session.h"

#include <string.h>

#include <sodium.h>

#define SESSION_PURPOSE "aegis/sessions/v1"
#define SLOT_BYTES 25

struct slot {
	uint64_t seq;
	uint64_t version;
	uint64_t previous_version;
	uint8_t code; /* enum result_code + 1; 0: not executed */
};

struct place {
	uint8_t principal[PRINCIPAL_BYTES];
	uint64_t floor;
	uint64_t last_seq;
	uint64_t changed; /* pages to store */
	bool is_used;
	bool is_changed; /* head to store */
	bool is_hashed;
	struct digest digest;
};

struct session_table {
	struct session_config config;
	uint32_t count;
	struct place *places;
	struct slot *slots;
	uint16_t *order; /* places by rising principal */
};

static size_t
round_up(size_t len)
{
	return (len + 63) & ~(size_t)63;
}

size_t
session_size(const struct session_config *config)
{
	size_t principals = config->principals;

	return round_up(sizeof(struct session_table)) +
	    round_up(principals * sizeof(struct place)) +
	    round_up(principals * sizeof(uint16_t)) +
	    principals * config->window * sizeof(struct slot);
}

struct session_table *
session_init(void *memory, size_t len, const struct session_config *config)
{
	struct session_table *table = memory;
	uint8_t *at = memory;

	AG_ASSERT(config->principals >= 1 && config->principals <= UINT16_MAX);
	AG_ASSERT(config->window >= SESSION_PAGES);
	AG_ASSERT(config->window <= SESSION_WINDOW);
	AG_ASSERT((config->window & (config->window - 1)) == 0);
	AG_ASSERT(len >= session_size(config));
	table->config = *config;
	table->count = 0;
	at += round_up(sizeof(*table));
	table->places = (struct place *)(void *)at;
	at += round_up(config->principals * sizeof(struct place));
	table->order = (uint16_t *)(void *)at;
	at += round_up(config->principals * sizeof(uint16_t));
	table->slots = (struct slot *)(void *)at;
	return table;
}

static struct slot *
slot_at(const struct session_table *table, uint32_t place, uint64_t number)
{
	return &table->slots[(size_t)place * table->config.window +
	    (number & (table->config.window - 1))];
}

static uint64_t
page_bit(const struct session_table *table, uint64_t number)
{
	uint64_t slot = number & (table->config.window - 1);

	return UINT64_C(1) << (slot / (table->config.window / SESSION_PAGES));
}

/* Where principal is in the order, or would be; true when it is there. */
static bool
order_find(const struct session_table *table, const uint8_t *principal,
    uint32_t *at)
{
	uint32_t low = 0, high = table->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order =
		    memcmp(table->places[table->order[middle]].principal,
			principal, PRINCIPAL_BYTES);

		if (order == 0) {
			*at = middle;
			return true;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*at = low;
	return false;
}

static void
result_of(struct result *result, const struct slot *slot)
{
	*result = (struct result){
		.code = (enum result_code)(slot->code - 1),
		.seq = slot->seq,
		.version = slot->version,
		.previous_version = slot->previous_version,
	};
}

enum session_answer
session_find(const struct session_table *table,
    const uint8_t principal[static PRINCIPAL_BYTES], uint64_t number,
    struct result *result)
{
	const struct place *place;
	const struct slot *slot;
	uint32_t at;

	if (!order_find(table, principal, &at))
		return SESSION_NEW;
	place = &table->places[table->order[at]];
	if (number < place->floor)
		return SESSION_STALE;
	if (number - place->floor >= table->config.window)
		return SESSION_NEW;
	slot = slot_at(table, table->order[at], number);
	if (slot->code == 0)
		return SESSION_NEW;
	result_of(result, slot);
	return SESSION_EXECUTED;
}

uint64_t
session_next(const struct session_table *table,
    const uint8_t principal[static PRINCIPAL_BYTES])
{
	uint32_t at;

	if (!order_find(table, principal, &at))
		return 1;
	return table->places[table->order[at]].floor + table->config.window;
}

static void
place_clear(struct session_table *table, uint32_t index)
{
	memset(slot_at(table, index, 0), 0,
	    table->config.window * sizeof(struct slot));
	memset(&table->places[index], 0, sizeof(struct place));
}

/* The principal that executed least recently leaves; its place is free. */
static uint32_t
evict(struct session_table *table)
{
	uint32_t i, oldest = 0, index;

	for (i = 1; i < table->count; i++)
		if (table->places[table->order[i]].last_seq <
		    table->places[table->order[oldest]].last_seq)
			oldest = i;
	index = table->order[oldest];
	memmove(&table->order[oldest], &table->order[oldest + 1],
	    (table->count - oldest - 1) * sizeof(table->order[0]));
	table->count--;
	place_clear(table, index);
	return index;
}

static uint32_t
free_place(const struct session_table *table)
{
	uint32_t i = 0;

	while (i < table->config.principals && table->places[i].is_used)
		i++;
	AG_ASSERT(i < table->config.principals);
	return i;
}

/* Take a place, given the rank order_find() named. */
static void
place_take(struct session_table *table, uint32_t index, uint32_t rank,
    const uint8_t *principal)
{
	struct place *place = &table->places[index];

	memmove(&table->order[rank + 1], &table->order[rank],
	    (table->count - rank) * sizeof(table->order[0]));
	table->order[rank] = (uint16_t)index;
	table->count++;
	memcpy(place->principal, principal, PRINCIPAL_BYTES);
	place->is_used = true;
	place->is_changed = true;
	place->changed = UINT64_MAX;
}

static uint32_t
place_of(struct session_table *table, const uint8_t *principal)
{
	uint32_t rank, index;

	if (order_find(table, principal, &rank))
		return table->order[rank];
	if (table->count == table->config.principals) {
		index = evict(table);
		(void)order_find(table, principal, &rank);
	} else {
		index = free_place(table);
	}
	place_take(table, index, rank, principal);
	return index;
}

/* Move the window so that number is its last. */
static void
place_slide(struct session_table *table, uint32_t index, uint64_t number)
{
	struct place *place = &table->places[index];
	uint64_t floor = number - table->config.window + 1;
	uint64_t gone;

	if (floor - place->floor >= table->config.window) {
		memset(slot_at(table, index, 0), 0,
		    table->config.window * sizeof(struct slot));
		place->changed = UINT64_MAX;
	} else {
		for (gone = place->floor; gone < floor; gone++) {
			memset(slot_at(table, index, gone), 0,
			    sizeof(struct slot));
			place->changed |= page_bit(table, gone);
		}
	}
	place->floor = floor;
}

void
session_record(struct session_table *table,
    const uint8_t principal[static PRINCIPAL_BYTES], uint64_t number,
    const struct result *result)
{
	uint32_t index = place_of(table, principal);
	struct place *place = &table->places[index];
	struct slot *slot;

	AG_ASSERT(number >= place->floor);
	if (number - place->floor >= table->config.window)
		place_slide(table, index, number);
	slot = slot_at(table, index, number);
	AG_ASSERT(slot->code == 0);
	*slot = (struct slot){
		.seq = result->seq,
		.version = result->version,
		.previous_version = result->previous_version,
		.code = (uint8_t)(result->code + 1),
	};
	if (result->seq > place->last_seq)
		place->last_seq = result->seq;
	place->changed |= page_bit(table, number);
	place->is_changed = true;
	place->is_hashed = false;
}

static void
put_u64(uint8_t *out, uint64_t value)
{
	int i;

	for (i = 7; i >= 0; i--, value >>= 8)
		out[i] = (uint8_t)value;
}

static uint64_t
get_u64(const uint8_t *in)
{
	uint64_t value = 0;
	int i;

	for (i = 0; i < 8; i++)
		value = value << 8 | in[i];
	return value;
}

static void
slot_encode(const struct slot *slot, uint8_t *out)
{
	out[0] = slot->code;
	put_u64(out + 1, slot->seq);
	put_u64(out + 9, slot->version);
	put_u64(out + 17, slot->previous_version);
}

/* False when the bytes are not what slot_encode() writes. */
static bool
slot_decode(struct slot *slot, const uint8_t *in)
{
	static const uint8_t empty[SLOT_BYTES];

	*slot = (struct slot){
		.code = in[0],
		.seq = get_u64(in + 1),
		.version = get_u64(in + 9),
		.previous_version = get_u64(in + 17),
	};
	if (slot->code == 0)
		return memcmp(in, empty, SLOT_BYTES) == 0;
	return slot->code <= RESULT_CODE_COUNT;
}

size_t
session_bytes_max(const struct session_table *table)
{
	return 16 + table->config.window / 8 +
	    (size_t)table->config.window * SLOT_BYTES;
}

size_t
session_encode(const struct session_table *table, size_t i, uint8_t *out,
    size_t cap)
{
	uint32_t index = table->order[i], window = table->config.window;
	const struct place *place = &table->places[index];
	size_t len = 16 + window / 8;
	uint64_t k;

	AG_ASSERT(i < table->count);
	AG_ASSERT(cap >= session_bytes_max(table));
	put_u64(out, place->floor);
	put_u64(out + 8, place->last_seq);
	memset(out + 16, 0, window / 8);
	for (k = 0; k < window; k++) {
		const struct slot *slot =
		    slot_at(table, index, place->floor + k);

		if (slot->code == 0)
			continue;
		out[16 + k / 8] |= (uint8_t)(1U << (k % 8));
		slot_encode(slot, out + len);
		len += SLOT_BYTES;
	}
	return len;
}

static enum ag_status
slots_decode(struct session_table *table, uint32_t index, struct bytes input,
    struct ag_error *err)
{
	struct place *place = &table->places[index];
	uint32_t window = table->config.window;
	size_t at = 16 + window / 8;
	uint64_t k;

	for (k = 0; k < window; k++) {
		struct slot *slot = slot_at(table, index, place->floor + k);

		if ((input.data[16 + k / 8] >> (k % 8) & 1) == 0)
			continue;
		if (input.len - at < SLOT_BYTES ||
		    !slot_decode(slot, input.data + at) || slot->code == 0)
			return ag_fail(err, AG_EPROTO,
			    "session: byte %zu: not a result", at);
		at += SLOT_BYTES;
	}
	if (at != input.len)
		return ag_fail(err, AG_EPROTO, "session: %zu bytes too many",
		    input.len - at);
	return AG_OK;
}

enum ag_status
session_decode(struct session_table *table,
    const uint8_t principal[static PRINCIPAL_BYTES], struct bytes input,
    struct ag_error *err)
{
	enum ag_status status;
	uint32_t rank, index;

	if (order_find(table, principal, &rank))
		return ag_fail(err, AG_EEXIST, "session: principal twice");
	if (table->count == table->config.principals)
		return ag_fail(err, AG_ELIMIT,
		    "session: more than %u "
		    "principals",
		    table->config.principals);
	if (input.len < 16 + table->config.window / 8)
		return ag_fail(err, AG_EPROTO, "session: cut short");
	if (get_u64(input.data) > INT64_MAX - SESSION_WINDOW ||
	    get_u64(input.data + 8) > INT64_MAX)
		return ag_fail(err, AG_EPROTO, "session: number out of range");
	index = free_place(table);
	table->places[index].floor = get_u64(input.data);
	table->places[index].last_seq = get_u64(input.data + 8);
	status = slots_decode(table, index, input, err);
	if (status != AG_OK) {
		place_clear(table, index);
		return status;
	}
	place_take(table, index, rank, principal);
	return AG_OK;
}

/* As session_encode(), without needing its memory. */
static void
place_hash(const struct session_table *table, uint32_t index)
{
	struct place *place = &table->places[index];
	uint8_t head[16], bits[SESSION_WINDOW / 8] = { 0 }, out[SLOT_BYTES];
	crypto_generichash_state hash;
	uint32_t window = table->config.window;
	uint64_t k;

	put_u64(head, place->floor);
	put_u64(head + 8, place->last_seq);
	for (k = 0; k < window; k++)
		if (slot_at(table, index, place->floor + k)->code != 0)
			bits[k / 8] |= (uint8_t)(1U << (k % 8));
	(void)crypto_generichash_init(&hash, NULL, 0, DIGEST_BYTES);
	(void)crypto_generichash_update(&hash, head, sizeof(head));
	(void)crypto_generichash_update(&hash, bits, window / 8);
	for (k = 0; k < window; k++) {
		const struct slot *slot =
		    slot_at(table, index, place->floor + k);

		if (slot->code == 0)
			continue;
		slot_encode(slot, out);
		(void)crypto_generichash_update(&hash, out, sizeof(out));
	}
	(void)crypto_generichash_final(&hash, place->digest.data, DIGEST_BYTES);
	place->is_hashed = true;
}

static void
digest_begin(crypto_generichash_state *hash,
    const struct session_config *config)
{
	uint8_t limits[8];

	put_u64(limits, (uint64_t)config->window << 32 | config->principals);
	(void)crypto_generichash_init(hash, NULL, 0, DIGEST_BYTES);
	(void)crypto_generichash_update(hash, (const uint8_t *)SESSION_PURPOSE,
	    sizeof(SESSION_PURPOSE));
	(void)crypto_generichash_update(hash, limits, sizeof(limits));
}

void
session_list_digest(const struct session_config *config, struct bytes list,
    struct digest *digest)
{
	crypto_generichash_state hash;

	digest_begin(&hash, config);
	(void)crypto_generichash_update(&hash, list.data, list.len);
	(void)crypto_generichash_final(&hash, digest->data, DIGEST_BYTES);
}

void
session_item_digest(struct session_table *table, size_t i,
    struct digest *digest)
{
	struct place *place;

	AG_ASSERT(i < table->count);
	place = &table->places[table->order[i]];
	if (!place->is_hashed)
		place_hash(table, table->order[i]);
	*digest = place->digest;
}

void
session_digest(struct session_table *table, struct digest *digest)
{
	crypto_generichash_state hash;
	struct digest item;
	uint32_t i;

	digest_begin(&hash, &table->config);
	for (i = 0; i < table->count; i++) {
		session_item_digest(table, i, &item);
		(void)crypto_generichash_update(&hash,
		    session_principal(table, i), PRINCIPAL_BYTES);
		(void)crypto_generichash_update(&hash, item.data, DIGEST_BYTES);
	}
	(void)crypto_generichash_final(&hash, digest->data, DIGEST_BYTES);
}

size_t
session_count(const struct session_table *table)
{
	return table->count;
}

const uint8_t *
session_principal(const struct session_table *table, size_t i)
{
	AG_ASSERT(i < table->count);
	return table->places[table->order[i]].principal;
}

bool
session_take_changed(struct session_table *table, struct session_head *head,
    uint64_t *pages)
{
	uint32_t i;

	for (i = 0; i < table->count; i++) {
		struct place *place = &table->places[table->order[i]];

		if (!place->is_changed)
			continue;
		head->place = table->order[i];
		head->floor = place->floor;
		head->last_seq = place->last_seq;
		memcpy(head->principal, place->principal, PRINCIPAL_BYTES);
		*pages = place->changed;
		place->is_changed = false;
		place->changed = 0;
		return true;
	}
	return false;
}

size_t
session_page_bytes(const struct session_table *table)
{
	return (size_t)(table->config.window / SESSION_PAGES) * SLOT_BYTES;
}

void
session_page_encode(const struct session_table *table, uint32_t place,
    uint32_t page, uint8_t *out)
{
	uint32_t per_page = table->config.window / SESSION_PAGES, i;

	for (i = 0; i < per_page; i++)
		slot_encode(slot_at(table, place, page * per_page + i),
		    out + (size_t)i * SLOT_BYTES);
}

enum ag_status
session_head_load(struct session_table *table, const struct session_head *head,
    struct ag_error *err)
{
	struct place *place;
	uint32_t rank;

	if (head->place >= table->config.principals ||
	    table->places[head->place].is_used ||
	    order_find(table, head->principal, &rank))
		return ag_fail(err, AG_ECORRUPT,
		    "session: place %u is out of range or taken", head->place);
	place_take(table, head->place, rank, head->principal);
	place = &table->places[head->place];
	place->floor = head->floor;
	place->last_seq = head->last_seq;
	place->is_changed = false;
	place->changed = 0;
	return AG_OK;
}

enum ag_status
session_page_load(struct session_table *table, uint32_t place, uint32_t page,
    struct bytes input, struct ag_error *err)
{
	uint32_t per_page = table->config.window / SESSION_PAGES, i;

	if (place >= table->config.principals ||
	    !table->places[place].is_used || page >= SESSION_PAGES ||
	    input.len != session_page_bytes(table))
		return ag_fail(err, AG_ECORRUPT,
		    "session: page %u of place %u is not one", page, place);
	for (i = 0; i < per_page; i++)
		if (!slot_decode(slot_at(table, place, page * per_page + i),
			input.data + (size_t)i * SLOT_BYTES))
			return ag_fail(err, AG_ECORRUPT,
			    "session: page %u of place %u is damaged", page,
			    place);
	return AG_OK;
}
