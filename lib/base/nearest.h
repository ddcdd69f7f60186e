/*
 * "Did you mean …?": the known word closest to one mistyped.
 *
 * A search keeps the best candidate offered so far; only words near enough
 * to be a slip of the finger are kept.
 *
 * Ownership  words are borrowed and must outlive the search.
 */
#ifndef AEGIS_BASE_NEAREST_H
#define AEGIS_BASE_NEAREST_H

#include <stddef.h>

struct nearest {
	const char *word; /* what was typed */
	const char *best; /* NULL: nothing is near */
	size_t distance;
};

void nearest_init(struct nearest *search, const char *word);
void nearest_offer(struct nearest *search, const char *candidate);

#endif
