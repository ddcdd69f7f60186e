/*
 * Large memory of which little is used: zeroed, and a page costs nothing
 * before it is touched.
 *
 * calloc() gives the same from a plain heap; a checked heap writes down what
 * each byte is, which for these sizes takes longer than their use.  Here a
 * page of no access follows instead.
 *
 * Errors     NULL, and errno says why
 */
#ifndef AEGIS_BASE_PAGES_H
#define AEGIS_BASE_PAGES_H

#include <stddef.h>

/* Aligned for anything. */
void *pages_new(size_t len);
/* NULL is allowed. */
void pages_free(void *memory);

#endif
