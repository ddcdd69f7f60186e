/*
 * Linearizability by search: Wing & Gong, "Testing and Verifying Concurrent
 * Objects" (1993), with Lowe's memory of what was tried ("Testing for
 * linearizability", 2017).
 *
 * One operation after another is given its moment: any that was called
 * before the first of the others was answered.  Where the register's answer
 * would have differed, or the same operations with the same outcome were
 * tried before, the search goes back.
 *
 * RULES    1. Keys are judged one by one: a history is linearizable when
 *             that of each key is (Herlihy & Wing 1990).
 *          2. That is not so when an operation has several keys: those are
 *             judged together, as one register with all of them.  There would
 *             be too many ways, so what answers say of the order is believed:
 *             nothing has its moment before what has a smaller number.  If
 *             there is such an order, all answers follow from it, and it
 *             follows real time: the history is strictly serializable.  One
 *             that could be explained by another order only is refused too;
 *             that its numbers are wrong is reason enough.  What was not
 *             answered has no number, and any moment, or none.
 *          3. The search is bounded in steps and memory.  Giving up is no
 *             verdict, and is counted.
 */
#include "sim/linear.h"

#include <string.h>

#define STEPS_MAX 200000
#define TRIED_MAX 16384
#define WORDS (LINEAR_OPERATIONS_MAX / 64)

/* One key is the first. */
struct reg {
	struct linear_cell keys[LINEAR_KEYS];
};

struct search {
	const struct linear_operation *operations;
	size_t count;
	size_t answered_left;
	size_t keys; /* of a register that are used */
	uint64_t done[WORDS];
	uint64_t steps;
	size_t tried_max;
	uint64_t tried[TRIED_MAX]; /* hashes; 0: free */
};

static bool
is_done(const struct search *s, size_t i)
{
	return (s->done[i / 64] >> (i % 64) & 1) != 0;
}

static uint64_t
mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15U;
	return hash ^ hash >> 29;
}

/* Was this met before?  Then it led nowhere.  A full table forgets. */
static bool
was_tried(struct search *s, const struct reg *reg)
{
	uint64_t hash = 1;
	size_t i, at;

	for (i = 0; i < s->keys; i++)
		hash = mix(mix(hash, reg->keys[i].value), reg->keys[i].version);
	for (i = 0; i < WORDS; i++)
		hash = mix(hash, s->done[i]);
	hash |= 1;
	for (i = 0; i < 8; i++) {
		at = (hash + i) % s->tried_max;
		if (s->tried[at] == hash)
			return true;
		if (s->tried[at] == 0)
			break;
	}
	s->tried[at] = hash;
	return false;
}

/* The register's answer to a change, were it made now. */
static void
change(const struct linear_operation *o, const struct linear_cell *before,
    struct linear_cell *after, enum result_code *code)
{
	*after = *before;
	*code = RESULT_DONE;
	if (o->has_if_version && o->if_version != before->version) {
		*code = RESULT_CONFLICT;
	} else if (o->kind == LINEAR_DELETE) {
		if (before->version == 0)
			*code = RESULT_NOT_FOUND;
		*after = (struct linear_cell){ 0, 0 };
	} else {
		after->value = o->value;
		after->version = before->version + 1;
	}
}

/* The same of operations over several keys. */
static bool
fits_all(const struct linear_operation *o, const struct reg *before,
    struct reg *after)
{
	bool holds = true;
	size_t i;

	*after = *before;
	for (i = 0; i < LINEAR_KEYS; i++)
		holds = holds &&
		    ((o->keys >> i & 1) == 0 ||
			(o->cells[i].version == before->keys[i].version &&
			    (o->kind == LINEAR_TXN ||
				o->cells[i].value == before->keys[i].value)));
	if (o->kind == LINEAR_RANGE)
		return o->answered == LINEAR_NEVER || holds;
	for (i = 0; i < LINEAR_KEYS && holds; i++)
		if ((o->keys >> i & 1) != 0)
			after->keys[i] = (struct linear_cell){ o->value,
				before->keys[i].version + 1 };
	return o->answered == LINEAR_NEVER ||
	    o->code == (holds ? RESULT_DONE : RESULT_ELSE);
}

/* Could it have happened now, with the answer it got? */
static bool
fits_one(const struct linear_operation *o, const struct linear_cell *before,
    struct linear_cell *after)
{
	enum result_code code;

	if (o->kind == LINEAR_GET) {
		*after = *before;
		return o->answered == LINEAR_NEVER ||
		    (o->read == before->value && o->version == before->version);
	}
	change(o, before, after, &code);
	return o->answered == LINEAR_NEVER ||
	    (o->code == code && o->version == after->version &&
		o->previous_version == before->version);
}

static bool
fits(const struct linear_operation *o, const struct reg *before,
    struct reg *after)
{
	if (o->keys != 0)
		return fits_all(o, before, after);
	return fits_one(o, &before->keys[0], &after->keys[0]);
}

/* The lowest number among those. */
static uint64_t
first_seq(const struct search *s)
{
	uint64_t first = UINT64_MAX;
	size_t i;

	for (i = 0; i < s->count; i++)
		if (!is_done(s, i) &&
		    s->operations[i].answered != LINEAR_NEVER &&
		    s->operations[i].seq < first)
			first = s->operations[i].seq;
	return first;
}

/* When the first of those still without a moment was answered. */
static uint64_t
first_answer(const struct search *s)
{
	uint64_t first = LINEAR_NEVER;
	size_t i;

	for (i = 0; i < s->count; i++)
		if (!is_done(s, i) && s->operations[i].answered < first)
			first = s->operations[i].answered;
	return first;
}

static bool search_on(struct search *s, const struct reg *reg);

static bool
search_after(struct search *s, size_t i, const struct reg *after)
{
	bool is_answered = s->operations[i].answered != LINEAR_NEVER;
	bool is_found;

	s->done[i / 64] |= UINT64_C(1) << (i % 64);
	s->answered_left -= is_answered ? 1 : 0;
	is_found = search_on(s, after);
	s->answered_left += is_answered ? 1 : 0;
	s->done[i / 64] &= ~(UINT64_C(1) << (i % 64));
	return is_found;
}

static bool
search_on(struct search *s, const struct reg *reg)
{
	uint64_t first = first_answer(s);
	uint64_t seq = s->keys > 1 ? first_seq(s) : UINT64_MAX;
	struct reg after = { 0 };
	size_t i;

	if (s->answered_left == 0)
		return true;
	if (++s->steps > STEPS_MAX || was_tried(s, reg))
		return false;
	for (i = 0; i < s->count; i++) {
		const struct linear_operation *o = &s->operations[i];

		if (is_done(s, i) || o->called > first ||
		    (o->answered != LINEAR_NEVER && o->seq > seq) ||
		    !fits(o, reg, &after))
			continue;
		if (search_after(s, i, &after))
			return true;
		if (o->other == 0 || after.keys[0].value != o->value)
			continue;
		after.keys[0].value = o->other;
		if (search_after(s, i, &after))
			return true;
	}
	return false;
}

enum linear_verdict
linear_check(const struct linear_operation *operations, size_t count)
{
	static struct search s; /* too large for the stack */
	const struct reg absent = { 0 };
	size_t i;

	s.operations = operations;
	s.count = count;
	s.answered_left = 0;
	s.keys = count > 0 && operations[0].keys != 0 ? LINEAR_KEYS : 1;
	s.steps = 0;
	memset(s.done, 0, sizeof(s.done));
	/* Little room for little histories: it has to be cleared. */
	s.tried_max =
	    64 * (count + 1) < TRIED_MAX ? 64 * (count + 1) : TRIED_MAX;
	memset(s.tried, 0, s.tried_max * sizeof(s.tried[0]));
	for (i = 0; i < count; i++)
		if (operations[i].answered != LINEAR_NEVER)
			s.answered_left++;
	if (search_on(&s, &absent))
		return LINEAR_YES;
	return s.steps > STEPS_MAX ? LINEAR_UNDECIDED : LINEAR_NO;
}
