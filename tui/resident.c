/*
 * Giving back the pages that start-up touched.
 *
 * The program links libraries it needs for other applets too, and each sets
 * itself up before main(): tables are read and symbols bound, a few bytes in
 * each of many pages, and the kernel maps the pages around them as well.  A
 * dashboard stays open all day and looks at hardly any of them again.
 *
 * RULES    Only segments that can not be written are let go: their pages
 *          are what the file has.  Those that can hold relocations and
 *          variables, which exist nowhere else.
 */
#include "tui/resident.h"

#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static int
release_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)arg;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t first = info->dlpi_addr + segment->p_vaddr;
		uintptr_t last = first + segment->p_memsz;

		if (segment->p_type != PT_LOAD ||
		    (segment->p_flags & PF_W) != 0)
			continue;
		/* Whole pages of this segment only.  It is advice. */
		first = (first + page - 1) / page * page;
		last = last / page * page;
		if (first < last)
			(void)madvise((void *)first, last - first,
			    MADV_DONTNEED);
	}
	return 0;
}

void
resident_release(void)
{
	(void)dl_iterate_phdr(release_object, NULL);
}
