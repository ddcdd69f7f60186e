/*
 * Feed kept inputs to a fuzz target: every file of the folders named.
 *
 * Usage: NAME-replay [--whole] FOLDER ...
 *
 * Replaces libFuzzer's main where there is none (gcc).  Besides each file as
 * it is, beginnings of a small one are tried, all of the smallest: what is
 * cut off is the commonest damage there is.  Not so with --whole, for targets
 * whose inputs are scripts, and whose every run takes a while.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"

#define REPLAY_BYTES_MAX (16U << 20)
#define REPLAY_CUT_BYTES_MAX 4096
#define REPLAY_CUTS 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A copy of exact size, so that a read past its end is seen. */
static void
replay_bytes(struct bytes input)
{
	uint8_t *copy = malloc(input.len > 0 ? input.len : 1);

	AG_ASSERT(copy != NULL);
	if (input.len > 0)
		memcpy(copy, input.data, input.len);
	(void)LLVMFuzzerTestOneInput(copy, input.len);
	free(copy);
}

static void
replay_file(const char *path, bool is_whole)
{
	struct ag_error err;
	struct buf input;

	buf_init(&input, REPLAY_BYTES_MAX);
	if (fs_read_file(path, &input, &err) != AG_OK) {
		(void)fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	replay_bytes(buf_bytes(&input));
	for (size_t len = 0;
	     !is_whole && input.len <= REPLAY_CUT_BYTES_MAX && len < input.len;
	     len += 1 + input.len / REPLAY_CUTS)
		replay_bytes(bytes_of(input.data, len));
	buf_fini(&input);
}

static size_t
replay_folder(const char *path, bool is_whole)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	size_t count = 0;

	if (folder == NULL)
		return 0;
	while ((entry = readdir(folder)) != NULL) {
		char file[4096];
		struct ag_error err;

		if (entry->d_name[0] == '.')
			continue;
		if (fs_join(file, sizeof(file), path, entry->d_name, &err) !=
		    AG_OK)
			continue;
		replay_file(file, is_whole);
		count++;
	}
	(void)closedir(folder);
	return count;
}

int
main(int argc, char **argv)
{
	bool is_whole = argc > 1 && strcmp(argv[1], "--whole") == 0;

	for (int i = is_whole ? 2 : 1; i < argc; i++) {
		size_t count = replay_folder(argv[i], is_whole);

		(void)printf("%s: %zu inputs\n", argv[i], count);
		if (count == 0)
			return 1;
	}
	return 0;
}
