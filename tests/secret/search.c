/*
 * Search memory for many needles at once; loaded into needle.py.
 *
 * RULES    1. Each needle has at least eight bytes.  A table says which
 *             needle begins with eight bytes that were met; several that do
 *             are linked.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX sizeof(uint64_t)
#define SLOTS ((size_t)1 << 14)

struct search {
	size_t count;
	const uint8_t **needles;
	size_t *lens;
	size_t *next;        /* with the same slot; 0: none */
	size_t first[SLOTS]; /* number of a needle, from 1 */
};

struct search *search_new(const uint8_t *const *needles, const size_t *lens,
    size_t count);
size_t search_run(const struct search *s, const uint8_t *data, size_t len,
    uint8_t *found);

static size_t
slot_of(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, PREFIX);
	return (size_t)(word * UINT64_C(0x9e3779b97f4a7c15) >> 50);
}

/* Lives as long as the process.  The needles are copied. */
struct search *
search_new(const uint8_t *const *needles, const size_t *lens, size_t count)
{
	struct search *s = calloc(1, sizeof(*s));

	s->count = count;
	s->needles = calloc(count + 1, sizeof(*s->needles));
	s->lens = calloc(count + 1, sizeof(*s->lens));
	s->next = calloc(count + 1, sizeof(*s->next));
	for (size_t i = 1; i <= count; i++) {
		size_t slot = slot_of(needles[i - 1]);
		uint8_t *copy = malloc(lens[i - 1]);

		memcpy(copy, needles[i - 1], lens[i - 1]);
		s->needles[i] = copy;
		s->lens[i] = lens[i - 1];
		s->next[i] = s->first[slot];
		s->first[slot] = i;
	}
	return s;
}

/* Set found[i] of each needle that is there; how often any was. */
size_t
search_run(const struct search *s, const uint8_t *data, size_t len,
    uint8_t *found)
{
	size_t times = 0;

	for (size_t at = 0; at + PREFIX <= len; at++)
		for (size_t i = s->first[slot_of(data + at)]; i != 0;
		     i = s->next[i])
			if (s->lens[i] <= len - at &&
			    memcmp(s->needles[i], data + at, s->lens[i]) == 0) {
				found[i - 1] = 1;
				times++;
			}
	return times;
}
