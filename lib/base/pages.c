/*
 * Anonymous mappings.
 *
 * FORMAT   unused | what was mapped | what is handed out | a page of no access
 *          What is handed out ends where that page begins, or less than an
 *          alignment before: to go beyond it is to die, in every build.
 */
#include "base/pages.h"

#include <errno.h>
#include <stdalign.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

struct pages {
	alignas(64) uint8_t *base;
	size_t len;
};

static size_t
round_up(size_t len, size_t to)
{
	return (len + to - 1) / to * to;
}

void *
pages_new(size_t len)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct pages *head;
	uint8_t *base;
	size_t whole;

	if (len > SIZE_MAX / 2) {
		errno = ENOMEM;
		return NULL;
	}
	len = round_up(len, alignof(struct pages));
	whole = round_up(sizeof(*head) + len, page) + page;
	base = mmap(NULL, whole, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return NULL;
	if (mprotect(base + whole - page, page, PROT_NONE) == -1) {
		(void)munmap(base, whole);
		return NULL;
	}
	head = (struct pages *)(void *)(base + whole - page - len) - 1;
	*head = (struct pages){ .base = base, .len = whole };
	return head + 1;
}

void
pages_free(void *memory)
{
	struct pages *head = memory;

	if (head != NULL)
		(void)munmap(head[-1].base, head[-1].len);
}
