/*
 * Mutations of encoded messages.
 *
 * What is given was encoded by us, so its CBOR is whole and canonical; the
 * heads are read here, since the product's decoder must be told what to
 * expect.  A byte string that holds an array, as a batch does, is looked
 * into like the rest.
 *
 * Reference: Winter et al., "Randomized Testing of Byzantine Fault Tolerant
 * Algorithms" (OOPSLA 2023).
 *
 * NOT HERE Signing again: a liar's universal signature holds for what it
 *          says, and nobody else's does (authority.c).
 */
#include "sim/mutate.h"

#include "codec/encoder.h"

#define ITEMS_MAX 4096
#define NESTING_MAX 8

enum major {
	MAJOR_UINT = 0,
	MAJOR_BYTES = 2,
	MAJOR_ARRAY = 4,
	MAJOR_SIMPLE = 7,
};

struct head {
	enum major major;
	uint64_t value;
	size_t len; /* of the head alone */
};

/* One item of a message, and the byte strings that it lies in. */
struct item {
	struct head head;
	struct bytes raw; /* the whole item */
	size_t outer;     /* index + 1 of the byte string around it; 0: none */
};

struct items {
	struct item list[ITEMS_MAX];
	size_t count;
};

static bool
head_read(struct bytes input, struct head *out)
{
	uint8_t info;
	size_t i, extra;

	if (input.len == 0)
		return false;
	info = input.data[0] & 0x1f;
	out->major = (enum major)(input.data[0] >> 5);
	extra = info < 24 ? 0 : info < 28 ? (size_t)1 << (info - 24) : 9;
	if (extra > 8 || input.len < 1 + extra)
		return false;
	out->value = extra == 0 ? info : 0;
	for (i = 0; i < extra; i++)
		out->value = out->value << 8 | input.data[1 + i];
	out->len = 1 + extra;
	return true;
}

static size_t items_read(struct items *items, struct bytes input, size_t outer,
    size_t depth);

/* Note what is in a byte string, if it holds an array and nothing else. */
static void
items_look_into(struct items *items, struct bytes inside, size_t outer,
    size_t depth)
{
	size_t count = items->count;

	if (inside.len == 0 || inside.data[0] >> 5 != MAJOR_ARRAY ||
	    items_read(items, inside, outer, depth + 1) != inside.len)
		items->count = count;
}

/* Note the item at the front of input, and what is in it; its length or 0. */
static size_t
items_read(struct items *items, struct bytes input, size_t outer, size_t depth)
{
	struct item item = { .outer = outer };
	size_t at, i, index = items->count;

	if (index == ITEMS_MAX || depth == NESTING_MAX ||
	    !head_read(input, &item.head))
		return 0;
	items->count++;
	at = item.head.len;
	if (item.head.major == MAJOR_BYTES) {
		if (item.head.value > input.len - at)
			return 0;
		items_look_into(items,
		    bytes_of(input.data + at, item.head.value), index + 1,
		    depth);
		at += item.head.value;
	} else if (item.head.major == MAJOR_ARRAY) {
		for (i = 0; i < item.head.value; i++) {
			size_t len = items_read(items,
			    bytes_of(input.data + at, input.len - at), outer,
			    depth + 1);

			if (len == 0)
				return 0;
			at += len;
		}
	}
	item.raw = bytes_of(input.data, at);
	items->list[index] = item;
	return at;
}

/* whole with the part that lies in it replaced. */
static struct bytes
splice(struct arena *arena, struct bytes whole, struct bytes part,
    struct bytes by)
{
	size_t before = (size_t)(part.data - whole.data);
	size_t after = whole.len - before - part.len;
	uint8_t *out = arena_take(arena, whole.len - part.len + by.len);

	memcpy(out, whole.data, before);
	if (by.len > 0)
		memcpy(out + before, by.data, by.len);
	memcpy(out + before + by.len, part.data + part.len, after);
	return bytes_of(out, before + by.len + after);
}

/* The same for an item, whose byte strings around get new lengths. */
static struct bytes
item_replace(struct arena *arena, const struct items *items,
    const struct item *item, struct bytes by)
{
	struct bytes whole = items->list[0].raw, part = item->raw;

	while (item->outer != 0) {
		struct bytes inside;
		struct encoder e;
		size_t cap;

		item = &items->list[item->outer - 1];
		inside = bytes_of(item->raw.data + item->head.len,
		    item->raw.len - item->head.len);
		inside = splice(arena, inside, part, by);
		cap = inside.len + 9;
		encoder_init(&e, arena_take(arena, cap), cap);
		encoder_put_bytes(&e, inside);
		AG_ASSERT(encoder_finish(&e, &by) == AG_OK);
		part = item->raw;
	}
	return splice(arena, whole, part, by);
}

/* The item of another message at the same place, else any of its kind. */
static const struct item *
old_item(const struct items *old, size_t index, enum major major,
    struct dice *d)
{
	size_t i;

	if (index < old->count && old->list[index].head.major == major)
		return &old->list[index];
	for (i = 0; i < old->count; i++) {
		const struct item *item = &old->list[dice_below(d, old->count)];

		if (item->head.major == major)
			return item;
	}
	return NULL;
}

/* An array that lacks an element, or has one twice. */
static struct bytes
array_changed(struct arena *arena, struct dice *d, const struct item *item)
{
	size_t at = dice_below(d, item->head.value), i, cap;
	bool doubles = dice_chance(d, 500);
	struct bytes out;
	struct encoder e;

	cap = 2 * item->raw.len + 9;
	encoder_init(&e, arena_take(arena, cap), cap);
	encoder_put_array(&e,
	    doubles ? item->head.value + 1 : item->head.value - 1);
	for (i = 0; i < item->head.value; i++) {
		struct bytes element = mutate_field(item->raw, i);

		if (i != at || doubles)
			encoder_put_raw(&e, element);
		if (i == at && doubles)
			encoder_put_raw(&e, element);
	}
	AG_ASSERT(encoder_finish(&e, &out) == AG_OK);
	return out;
}

static struct bytes
bytes_changed(struct arena *arena, struct dice *d, const struct item *item)
{
	struct bytes copy = arena_copy(arena, item->raw);
	uint8_t *at = arena_take(arena, copy.len);

	memcpy(at, copy.data, copy.len);
	if (item->head.value > 0)
		at[item->head.len + dice_below(d, item->head.value)] ^= 1;
	return bytes_of(at, copy.len);
}

static struct bytes
uint_changed(struct arena *arena, struct dice *d, const struct item *item)
{
	uint8_t *room = arena_take(arena, 9);
	uint64_t value = item->head.value;
	struct bytes out;
	struct encoder e;

	encoder_init(&e, room, 9);
	encoder_put_uint(&e,
	    value == 0 || dice_chance(d, 500) ? value + 1 : value - 1);
	AG_ASSERT(encoder_finish(&e, &out) == AG_OK);
	return out;
}

static struct bytes
item_changed(struct arena *arena, struct dice *d, const struct item *item)
{
	static const uint8_t is_true[] = { 0xf5 }, is_false[] = { 0xf4 };

	switch (item->head.major) {
	case MAJOR_UINT:
		return uint_changed(arena, d, item);
	case MAJOR_BYTES:
		return bytes_changed(arena, d, item);
	case MAJOR_ARRAY:
		return item->head.value == 0 ? item->raw
					     : array_changed(arena, d, item);
	case MAJOR_SIMPLE:
	default:
		return bytes_of(item->head.value == 20 ? is_true : is_false, 1);
	}
}

struct bytes
mutate_message(struct arena *arena, struct dice *d, struct bytes body,
    struct bytes old)
{
	static struct items items[2]; /* too large for the stack */
	const struct item *item, *other = NULL;
	size_t index;

	items[0].count = 0;
	items[1].count = 0;
	if (items_read(&items[0], body, 0, 0) != body.len || items[0].count < 3)
		return body;
	/* Neither the message itself nor its type. */
	index = 2 + dice_below(d, items[0].count - 2);
	item = &items[0].list[index];
	if (old.len > 0 && dice_chance(d, 500) &&
	    items_read(&items[1], old, 0, 0) == old.len)
		other = old_item(&items[1], index, item->head.major, d);
	return item_replace(arena, &items[0], item,
	    other != NULL ? other->raw : item_changed(arena, d, item));
}

/* 0: it is not whole.  A liar's bytes may announce anything. */
static size_t
item_len(struct bytes input)
{
	struct head head;
	size_t at, len, i;

	if (!head_read(input, &head))
		return 0;
	at = head.len;
	if (head.major == MAJOR_BYTES)
		return head.value <= input.len - at ? at + head.value : 0;
	for (i = 0; head.major == MAJOR_ARRAY && i < head.value; i++) {
		len = item_len(bytes_of(input.data + at, input.len - at));
		if (len == 0)
			return 0;
		at += len;
	}
	return at;
}

struct bytes
mutate_field(struct bytes array, size_t index)
{
	struct head head;
	size_t at, i;

	if (!head_read(array, &head) || head.major != MAJOR_ARRAY ||
	    index >= head.value)
		return bytes_of(NULL, 0);
	at = head.len;
	for (i = 0;; i++) {
		size_t len =
		    item_len(bytes_of(array.data + at, array.len - at));

		if (len == 0)
			return bytes_of(NULL, 0);
		if (i == index)
			return bytes_of(array.data + at, len);
		at += len;
	}
}

struct bytes
mutate_replace(struct arena *arena, struct bytes array, size_t index,
    struct bytes item)
{
	struct bytes old = mutate_field(array, index);

	return old.len == 0 ? array : splice(arena, array, old, item);
}
