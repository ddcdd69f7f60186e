/*
 * Files as of their last sync, by inode, because a file that is renamed
 * keeps what was synced under its first name.
 */
#include "fault/disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"

#define FILES_MAX 64
#define PATH_BYTES 512

static struct {
	ino_t inode;
	size_t len;
	uint8_t *data;
} files[FILES_MAX];
static size_t count;

static size_t
slot_of(ino_t inode)
{
	size_t i;

	for (i = 0; i < count && files[i].inode != inode; i++)
		continue;
	return i;
}

void
disk_synced(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t i;

	if (fd == -1 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		if (fd != -1)
			(void)close(fd);
		return;
	}
	i = slot_of(st.st_ino);
	AG_ASSERT(i < FILES_MAX);
	if (i == count)
		files[count++].inode = st.st_ino;
	free(files[i].data);
	files[i].len = (size_t)st.st_size;
	files[i].data = malloc(files[i].len + 1);
	AG_ASSERT(files[i].data != NULL);
	AG_ASSERT(
	    read(fd, files[i].data, files[i].len) == (ssize_t)files[i].len);
	(void)close(fd);
}

void
disk_removed(const char *path)
{
	struct stat st;
	size_t i;

	if (lstat(path, &st) == -1)
		return;
	i = slot_of(st.st_ino);
	if (i == count)
		return;
	free(files[i].data);
	files[i] = files[--count];
	memset(&files[count], 0, sizeof(files[count]));
}

static void
cut_file(const char *path, ino_t inode)
{
	size_t i = slot_of(inode);
	size_t len = i < count ? files[i].len : 0;
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	AG_ASSERT(fd != -1);
	if (len > 0)
		AG_ASSERT(write(fd, files[i].data, len) == (ssize_t)len);
	(void)close(fd);
}

void
disk_cut_power(const char *root)
{
	struct dirent *entry;
	char path[PATH_BYTES];
	struct stat st;
	DIR *dir = opendir(root);

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", root,
		    entry->d_name);
		if (lstat(path, &st) == -1)
			continue;
		if (S_ISDIR(st.st_mode))
			disk_cut_power(path);
		else if (S_ISREG(st.st_mode))
			cut_file(path, st.st_ino);
	}
	(void)closedir(dir);
}

void
disk_forget(void)
{
	while (count > 0)
		free(files[--count].data);
	memset(files, 0, sizeof(files));
}
