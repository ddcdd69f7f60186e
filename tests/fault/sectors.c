/*
 * The disk as nodes: files and folders, each as the cache has it, which is
 * as the file system below us has it, and as the disk has it.
 */
#include "fault/sectors.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "fixture/directory.h"
#include "sim/dice.h"

#define NODES_MAX 128
#define SECTOR_BYTES 512
#define FILE_BYTES_MAX 8192
#define NAME_BYTES 64

struct place {
	ino_t folder;
	char name[NAME_BYTES]; /* "": nowhere */
};

struct node {
	ino_t inode;
	bool is_folder;
	struct place cached, kept;

	/* On the disk; and what is to come there with the next sync: sectors,
	 * a bit each, of a file that was no longer than this meanwhile. */
	uint8_t bytes[FILE_BYTES_MAX];
	size_t len;
	uint32_t dirty;
	bool is_resized;
	size_t shortest;
};

static struct {
	char root[DIRECTORY_PATH_BYTES];
	ino_t inode;
	struct dice dice;
	struct node nodes[NODES_MAX];
	size_t count;

	enum sectors_trouble trouble;
	uint64_t left; /* calls until then; 0: it has happened */
	bool is_on;    /* calls are ours to judge */
	ino_t bad;     /* file and place that can't be read */
	size_t bad_at;
} disk;

ssize_t __real_pwrite(int fd, const void *data, size_t len, off_t at);
ssize_t __real_pread(int fd, void *data, size_t len, off_t at);
ssize_t __real_write(int fd, const void *data, size_t len);
int __real_fdatasync(int fd);
int __real_fsync(int fd);
int __real_ftruncate(int fd, off_t len);

ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t at);
ssize_t __wrap_pread(int fd, void *data, size_t len, off_t at);
ssize_t __wrap_write(int fd, const void *data, size_t len);
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);
int __wrap_ftruncate(int fd, off_t len);

/* --- names --- */

static struct node *
node_of(ino_t inode)
{
	size_t i;

	for (i = 0; i < disk.count; i++)
		if (disk.nodes[i].inode == inode)
			return &disk.nodes[i];
	return NULL;
}

static struct node *
node_found(ino_t inode, bool is_folder)
{
	struct node *node = node_of(inode);

	if (node != NULL)
		return node;
	AG_ASSERT(disk.count < NODES_MAX);
	node = &disk.nodes[disk.count++];
	memset(node, 0, sizeof(*node));
	node->inode = inode;
	node->is_folder = is_folder;
	node->shortest = SIZE_MAX;
	return node;
}

static void
look_through(const char *path, ino_t folder)
{
	char inner[3 * DIRECTORY_PATH_BYTES];
	struct dirent *entry;
	struct node *node;
	struct stat st;
	DIR *dir = opendir(path);

	AG_ASSERT(dir != NULL);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(inner, sizeof(inner), "%s/%s", path,
		    entry->d_name);
		AG_ASSERT(lstat(inner, &st) == 0);
		node = node_found(st.st_ino, S_ISDIR(st.st_mode));
		node->cached.folder = folder;
		(void)snprintf(node->cached.name, NAME_BYTES, "%.63s",
		    entry->d_name);
		if (node->is_folder)
			look_through(inner, node->inode);
	}
	(void)closedir(dir);
}

/* See which names there are now. */
static void
names_learn(void)
{
	size_t i;

	for (i = 0; i < disk.count; i++)
		disk.nodes[i].cached.name[0] = '\0';
	look_through(disk.root, disk.inode);
}

static void
folder_synced(ino_t folder)
{
	size_t i;

	names_learn();
	for (i = 0; i < disk.count; i++)
		if (disk.nodes[i].cached.folder == folder ||
		    disk.nodes[i].kept.folder == folder)
			disk.nodes[i].kept = disk.nodes[i].cached;
}

/* --- contents --- */

static struct node *
file_of(int fd)
{
	struct stat st;

	if (!disk.is_on || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		return NULL;
	return node_found(st.st_ino, false);
}

/* What the cache has of a sector, zeros behind the end of the file. */
static void
sector_read(int fd, size_t sector, uint8_t out[static SECTOR_BYTES])
{
	memset(out, 0, SECTOR_BYTES);
	AG_ASSERT(__real_pread(fd, out, SECTOR_BYTES,
		      (off_t)(sector * SECTOR_BYTES)) >= 0);
}

static void
sector_put(struct node *node, size_t sector, const uint8_t *data)
{
	memcpy(node->bytes + sector * SECTOR_BYTES, data, SECTOR_BYTES);
}

/* The file was cut: what it has beyond is new, or zeros. */
static void
cut_keep(struct node *node)
{
	if (node->shortest < node->len) {
		memset(node->bytes + node->shortest, 0,
		    sizeof(node->bytes) - node->shortest);
		node->len = node->shortest;
	}
}

/* One sector goes over another, of whatever file. */
static void
sector_stray(const uint8_t *data)
{
	struct node *node;
	size_t i, start = (size_t)dice_below(&disk.dice, disk.count);

	for (i = 0; i < disk.count; i++) {
		node = &disk.nodes[(start + i) % disk.count];
		if (node->is_folder || node->len < SECTOR_BYTES)
			continue;
		sector_put(node,
		    (size_t)dice_below(&disk.dice, node->len / SECTOR_BYTES),
		    data);
		return;
	}
}

static uint32_t
bit_drawn(uint32_t bits)
{
	return bits == 0 ? 0 : 1U << dice_member(&disk.dice, bits);
}

/* Each of the sectors named reaches the disk, but for the one astray. */
static void
sectors_keep(struct node *node, int fd, uint32_t which, uint32_t astray)
{
	uint8_t data[SECTOR_BYTES];
	char name[32];
	size_t i;

	/* It may be open for writing only. */
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	AG_ASSERT(fd != -1);

	for (i = 0; i < FILE_BYTES_MAX / SECTOR_BYTES; i++) {
		if ((which >> i & 1) == 0)
			continue;
		sector_read(fd, i, data);
		if ((astray >> i & 1) == 0)
			sector_put(node, i, data);
		else if (disk.trouble == SECTORS_ELSEWHERE)
			sector_stray(data);
	}
	(void)close(fd);
}

static void
file_clean(struct node *node)
{
	node->dirty = 0;
	node->is_resized = false;
	node->shortest = SIZE_MAX;
}

static size_t
length_of(int fd)
{
	struct stat st;

	AG_ASSERT(fstat(fd, &st) == 0 && (size_t)st.st_size <= FILE_BYTES_MAX);
	return (size_t)st.st_size;
}

static void
file_synced(struct node *node, int fd, uint32_t astray)
{
	cut_keep(node);
	sectors_keep(node, fd, node->dirty, astray);
	node->len = length_of(fd);
	file_clean(node);
}

/* Some of what was on its way is there, in no order. */
static void
file_interrupted(struct node *node, int fd)
{
	uint32_t which = (uint32_t)dice_next(&disk.dice) & node->dirty;
	size_t len = length_of(fd), i;

	if (node->is_resized && dice_chance(&disk.dice, 500))
		cut_keep(node);
	sectors_keep(node, fd, which, 0);
	for (i = 0; i < FILE_BYTES_MAX / SECTOR_BYTES; i++)
		if ((which >> i & 1) != 0 && node->len < (i + 1) * SECTOR_BYTES)
			node->len = (i + 1) * SECTOR_BYTES;
	if (node->len < len && dice_chance(&disk.dice, 500))
		node->len = len;
	file_clean(node);
}

/* --- calls --- */

/* Is this the call, of a kind that the trouble can strike? */
static bool
strikes(bool can_be)
{
	if (!disk.is_on || !can_be || disk.left == 0)
		return false;
	return --disk.left == 0;
}

static bool
is_refused(bool is_write)
{
	const bool stays = disk.trouble == SECTORS_POWER ||
	    (disk.trouble == SECTORS_FULL && is_write);
	const bool is_now = strikes(disk.trouble == SECTORS_POWER ||
	    disk.trouble == SECTORS_FAILING ||
	    (disk.trouble == SECTORS_FULL && is_write));

	if (!is_now && (!disk.is_on || !stays || disk.left > 0))
		return false;
	errno = disk.trouble == SECTORS_FULL ? ENOSPC : EIO;
	return true;
}

/* So much of a write that fails is done: up to where some sector begins. */
static size_t
half_done(size_t at, size_t len)
{
	size_t end = (at + (size_t)dice_below(&disk.dice, len)) / SECTOR_BYTES *
	    SECTOR_BYTES;

	return end > at ? end - at : 0;
}

ssize_t
__wrap_pwrite(int fd, const void *data, size_t len, off_t at)
{
	struct node *node = file_of(fd);
	size_t done = len, i;

	if (node == NULL)
		return __real_pwrite(fd, data, len, at);
	if (is_refused(true))
		done = half_done((size_t)at, len);
	AG_ASSERT((size_t)at + len <= FILE_BYTES_MAX);
	if (done > 0)
		AG_ASSERT(__real_pwrite(fd, data, done, at) == (ssize_t)done);
	for (i = (size_t)at; i < (size_t)at + done; i++)
		node->dirty |= 1U << i / SECTOR_BYTES;
	return done < len ? -1 : (ssize_t)len;
}

ssize_t
__wrap_write(int fd, const void *data, size_t len)
{
	const off_t at = lseek(fd, 0, SEEK_CUR);
	ssize_t done;

	if (at == -1 || file_of(fd) == NULL)
		return __real_write(fd, data, len);
	done = __wrap_pwrite(fd, data, len, at);
	if (done > 0)
		AG_ASSERT(lseek(fd, done, SEEK_CUR) == at + done);
	return done;
}

static int
synced(int fd, bool is_failing)
{
	const bool is_lying =
	    disk.trouble == SECTORS_LOST || disk.trouble == SECTORS_ELSEWHERE;
	struct node *node = file_of(fd);
	struct stat st;

	if (node == NULL) {
		AG_ASSERT(fstat(fd, &st) == 0);
		if (disk.is_on && !is_failing)
			folder_synced(st.st_ino);
	} else if (is_failing) {
		if (disk.trouble != SECTORS_POWER)
			file_interrupted(node, fd);
	} else {
		file_synced(node, fd,
		    strikes(is_lying && node->dirty != 0)
			? bit_drawn(node->dirty)
			: 0);
	}
	return is_failing ? -1 : 0;
}

int
__wrap_fdatasync(int fd)
{
	return synced(fd, is_refused(false));
}

int
__wrap_fsync(int fd)
{
	return synced(fd, is_refused(false));
}

int
__wrap_ftruncate(int fd, off_t len)
{
	struct node *node = file_of(fd);
	size_t i;

	if (is_refused(false))
		return -1;
	if (node != NULL) {
		node->is_resized = true;
		if ((size_t)len < node->shortest)
			node->shortest = (size_t)len;
		for (i = (size_t)len / SECTOR_BYTES + 1;
		     i < FILE_BYTES_MAX / SECTOR_BYTES; i++)
			node->dirty &= ~(1U << i);
	}
	return __real_ftruncate(fd, len);
}

ssize_t
__wrap_pread(int fd, void *data, size_t len, off_t at)
{
	struct node *node = file_of(fd);
	ssize_t got = __real_pread(fd, data, len, at);
	uint8_t *bytes = data;

	if (node == NULL || got <= 0)
		return got;
	if (strikes(disk.trouble == SECTORS_UNREADABLE ||
		disk.trouble == SECTORS_FLIPPED)) {
		disk.bad = node->inode;
		disk.bad_at =
		    (size_t)at + (size_t)dice_below(&disk.dice, (uint64_t)got);
	}
	if (disk.bad != node->inode || disk.bad_at < (size_t)at ||
	    disk.bad_at >= (size_t)at + (size_t)got)
		return got;
	if (disk.trouble == SECTORS_FLIPPED) {
		bytes[disk.bad_at - (size_t)at] ^= 0x10;
		return got;
	}
	errno = EIO;
	return -1;
}

/* --- power --- */

/* As the cache has it, or the disk. */
static void
path_of(const struct node *node, bool is_cached,
    char out[static 3 * DIRECTORY_PATH_BYTES])
{
	const struct place *at = is_cached ? &node->cached : &node->kept;
	const struct node *folder = node_of(at->folder);
	const char *name = folder == NULL ? ""
	    : is_cached                   ? folder->cached.name
					  : folder->kept.name;

	(void)snprintf(out, 3 * DIRECTORY_PATH_BYTES, "%s/%s/%s", disk.root,
	    name, at->name);
}

/* Of the names that were not synced some are there. */
static void
names_settle(void)
{
	size_t i;

	names_learn();
	for (i = 0; i < disk.count; i++)
		if (dice_chance(&disk.dice, 500))
			disk.nodes[i].kept = disk.nodes[i].cached;
}

static void
contents_settle(void)
{
	char path[3 * DIRECTORY_PATH_BYTES];
	size_t i;
	int fd;

	for (i = 0; i < disk.count; i++) {
		struct node *node = &disk.nodes[i];

		if (node->is_folder || node->cached.name[0] == '\0')
			continue;
		path_of(node, true, path);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		AG_ASSERT(fd != -1);
		file_interrupted(node, fd);
		(void)close(fd);
	}
}

/* Make anew what the disk has of folders, or of files. */
static void
nodes_restore(bool are_folders)
{
	char path[3 * DIRECTORY_PATH_BYTES];
	size_t i;
	int fd;

	for (i = 0; i < disk.count; i++) {
		const struct node *node = &disk.nodes[i];
		const struct node *folder = node_of(node->kept.folder);

		if (node->is_folder != are_folders ||
		    node->kept.name[0] == '\0' ||
		    (folder != NULL && folder->kept.name[0] == '\0'))
			continue;
		path_of(node, false, path);
		if (are_folders) {
			AG_ASSERT(mkdir(path, 0700) == 0);
			continue;
		}
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		AG_ASSERT(fd != -1);
		AG_ASSERT(__real_pwrite(fd, node->bytes, node->len, 0) ==
		    (ssize_t)node->len);
		(void)close(fd);
	}
}

/* What is there now is on the disk. */
static void
take_stock(void)
{
	char path[3 * DIRECTORY_PATH_BYTES];
	struct stat st;
	size_t i;
	int fd;

	disk.count = 0;
	AG_ASSERT(stat(disk.root, &st) == 0);
	disk.inode = st.st_ino;
	names_learn();
	for (i = 0; i < disk.count; i++) {
		struct node *node = &disk.nodes[i];

		node->kept = node->cached;
		if (node->is_folder)
			continue;
		path_of(node, false, path);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		AG_ASSERT(fd != -1);
		node->len = length_of(fd);
		AG_ASSERT(__real_pread(fd, node->bytes, node->len, 0) ==
		    (ssize_t)node->len);
		(void)close(fd);
	}
}

void
sectors_cut_power(void)
{
	disk.is_on = false;
	names_settle();
	contents_settle();
	AG_ASSERT(directory_remove(disk.root) == 0);
	AG_ASSERT(mkdir(disk.root, 0700) == 0);
	nodes_restore(true);
	nodes_restore(false);
	take_stock();
	sectors_plan(SECTORS_FINE, 0);
}

void
sectors_plan(enum sectors_trouble trouble, uint64_t call)
{
	disk.trouble = trouble;
	disk.left = call;
	disk.bad = 0;
	disk.is_on = true;
}

bool
sectors_struck(void)
{
	return disk.trouble != SECTORS_FINE && disk.left == 0;
}

void
sectors_begin(const char *root, uint64_t seed)
{
	(void)snprintf(disk.root, sizeof(disk.root), "%s", root);
	dice_init(&disk.dice, seed, 1);
	take_stock();
	sectors_plan(SECTORS_FINE, 0);
}

void
sectors_end(void)
{
	disk.is_on = false;
	disk.count = 0;
}
