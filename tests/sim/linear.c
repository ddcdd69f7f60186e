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
 *          2. The search is bounded in steps and memory.  Giving up is no
 *             verdict, and is counted.
 */
#include "sim/linear.h"

#include <string.h>

#define STEPS_MAX 200000
#define TRIED_MAX 16384
#define WORDS (LINEAR_OPERATIONS_MAX / 64)

/* Of a key that is absent both are 0. */
struct reg {
	uint64_t value;
	uint64_t version;
};

struct search {
	const struct linear_operation *operations;
	size_t count;
	size_t answered_left;
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
	uint64_t hash = mix(mix(1, reg->value), reg->version);
	size_t i, at;

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
change(const struct linear_operation *o, const struct reg *before,
    struct reg *after, enum result_code *code)
{
	*after = *before;
	*code = RESULT_DONE;
	if (o->has_if_version && o->if_version != before->version) {
		*code = RESULT_CONFLICT;
	} else if (o->kind == LINEAR_DELETE) {
		if (before->version == 0)
			*code = RESULT_NOT_FOUND;
		*after = (struct reg){ 0, 0 };
	} else {
		after->value = o->value;
		after->version = before->version + 1;
	}
}

/* Could it have happened now, with the answer it got? */
static bool
fits(const struct linear_operation *o, const struct reg *before,
    struct reg *after)
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
	struct reg after;
	size_t i;

	if (s->answered_left == 0)
		return true;
	if (++s->steps > STEPS_MAX || was_tried(s, reg))
		return false;
	for (i = 0; i < s->count; i++) {
		const struct linear_operation *o = &s->operations[i];

		if (is_done(s, i) || o->called > first || !fits(o, reg, &after))
			continue;
		if (search_after(s, i, &after))
			return true;
		if (o->other == 0 || after.value != o->value)
			continue;
		after.value = o->other;
		if (search_after(s, i, &after))
			return true;
	}
	return false;
}

enum linear_verdict
linear_check(const struct linear_operation *operations, size_t count)
{
	static struct search s; /* too large for the stack */
	const struct reg absent = { 0, 0 };
	size_t i;

	s.operations = operations;
	s.count = count;
	s.answered_left = 0;
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
