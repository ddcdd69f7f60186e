/*
 * The nearest known word, by Damerau-Levenshtein distance.
 *
 * Insertion, deletion, substitution and the swap of two neighbours each
 * count one (optimal string alignment).
 *
 * RULES    1. At most two slips, and fewer than half the typed letters:
 *             past that a suggestion is a guess.
 *          2. Words longer than NEAREST_LEN_MAX are never near anything, so
 *             the rows fit on the stack.
 */
#include "base/nearest.h"

#include <string.h>

#define NEAREST_LEN_MAX 64
#define NEAREST_SLIPS_MAX 2

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* One row of the table; rows[i] is the row i steps before. */
static void
nearest_row(const char *a, const char *b, size_t i, size_t b_len,
    size_t rows[3][NEAREST_LEN_MAX + 1])
{
	size_t *row = rows[i % 3];
	const size_t *previous = rows[(i + 2) % 3];
	const size_t *before = rows[(i + 1) % 3];

	row[0] = i;
	for (size_t j = 1; j <= b_len; j++) {
		size_t cost = a[i - 1] != b[j - 1];

		row[j] = least(least(row[j - 1], previous[j]) + 1,
		    previous[j - 1] + cost);
		if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
		    a[i - 2] == b[j - 1])
			row[j] = least(row[j], before[j - 2] + 1);
	}
}

static size_t
nearest_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t rows[3][NEAREST_LEN_MAX + 1];

	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_len; i++)
		nearest_row(a, b, i, b_len, rows);
	return rows[a_len % 3][b_len];
}

void
nearest_init(struct nearest *search, const char *word)
{
	search->word = word;
	search->best = NULL;
	search->distance = NEAREST_SLIPS_MAX + 1;
}

void
nearest_offer(struct nearest *search, const char *candidate)
{
	size_t word_len = strlen(search->word);
	size_t candidate_len = strlen(candidate);
	size_t distance;

	if (word_len > NEAREST_LEN_MAX || candidate_len > NEAREST_LEN_MAX)
		return;
	distance =
	    nearest_distance(search->word, word_len, candidate, candidate_len);
	if (distance < search->distance && distance * 2 < word_len) {
		search->best = candidate;
		search->distance = distance;
	}
}
