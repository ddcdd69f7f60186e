/*
 * Anonymous mappings.
 *
 * FORMAT   The length of the mapping stands in front of what is handed out.
 */
#include "base/pages.h"

#include <errno.h>
#include <stdalign.h>
#include <stdint.h>
#include <sys/mman.h>

struct pages {
	alignas(64) size_t len;
};

void *
pages_new(size_t len)
{
	struct pages *head;

	if (len > SIZE_MAX - sizeof(*head)) {
		errno = ENOMEM;
		return NULL;
	}
	head = mmap(NULL, len + sizeof(*head), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (head == MAP_FAILED)
		return NULL;
	head->len = len + sizeof(*head);
	return head + 1;
}

void
pages_free(void *memory)
{
	struct pages *head = memory;

	if (head != NULL)
		(void)munmap(head - 1, head[-1].len);
}
