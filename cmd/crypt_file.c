/*
 * Files of `aegis crypt`.
 */
#include "cmd/crypt_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

enum ag_status
crypt_source_open(struct crypt_source *s, const struct applet_call *call,
    struct ag_error *err)
{
	const char *path = call->operand_count > 0 ? call->operands[0] : "-";
	enum ag_status status = AG_OK;
	struct stat st;
	off_t at;

	*s = (struct crypt_source){ .fd = STDIN_FILENO,
		.name = "standard input" };
	if (strcmp(path, "-") != 0) {
		s->name = path;
		status = fs_open(&s->fd, path, O_RDONLY | O_NOCTTY, 0, err);
	}
	if (status != AG_OK)
		return status;
	(void)posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	at = lseek(s->fd, 0, SEEK_CUR);
	if (at >= 0 && fstat(s->fd, &st) == 0 && S_ISREG(st.st_mode)) {
		s->is_regular = true;
		s->begins = (uint64_t)at;
		s->len = st.st_size > at ? (uint64_t)(st.st_size - at) : 0;
	}
	return AG_OK;
}

void
crypt_source_close(struct crypt_source *s)
{
	if (s->fd > STDIN_FILENO)
		(void)close(s->fd);
}

enum ag_status
crypt_source_get(void *source, uint8_t *out, size_t cap, size_t *len,
    struct ag_error *err)
{
	const struct crypt_source *s = source;
	ssize_t n;

	do
		n = read(s->fd, out, cap);
	while (n == -1 && errno == EINTR);
	*len = n > 0 ? (size_t)n : 0;
	return n >= 0 ? AG_OK : ag_fail_sys(err, "read %s", s->name);
}

enum ag_status
crypt_source_seek(struct crypt_source *s, uint64_t at, struct ag_error *err)
{
	return lseek(s->fd, (off_t)(s->begins + at), SEEK_SET) >= 0
	    ? AG_OK
	    : ag_fail_sys(err, "read %s", s->name);
}

static enum ag_status
put_raw(void *arg, struct bytes data, struct ag_error *err)
{
	struct crypt_sink *s = arg;

	return s->file != NULL
	    ? whole_file_put(s->file, data, err)
	    : fs_write(STDOUT_FILENO, "standard output", data, err);
}

enum ag_status
crypt_sink_open(struct crypt_sink *s, const struct applet_call *call,
    mode_t mode, struct ag_error *err)
{
	const char *path = options_text(&call->options, "out");
	enum ag_status status = AG_OK;

	*s = (struct crypt_sink){ 0 };
	if (path != NULL && strcmp(path, "-") != 0)
		status = whole_file_open(&s->file, path, mode,
		    options_has(&call->options, "force"), err);
	if (status == AG_OK && options_has(&call->options, "armor"))
		status = age_armor_writer_open(&s->armor, put_raw, s, err);
	return status == AG_OK ? AG_OK : crypt_sink_close(s, status, err);
}

enum ag_status
crypt_sink_put(void *sink, struct bytes data, struct ag_error *err)
{
	struct crypt_sink *s = sink;

	return s->armor != NULL ? age_armor_put(s->armor, data, err)
				: put_raw(s, data, err);
}

enum ag_status
crypt_sink_close(struct crypt_sink *s, enum ag_status status,
    struct ag_error *err)
{
	if (s->armor != NULL && status == AG_OK)
		status = age_armor_finish(s->armor, err);
	age_armor_writer_close(s->armor);
	if (s->file != NULL && status == AG_OK)
		status = whole_file_finish(s->file, err);
	else
		whole_file_drop(s->file);
	*s = (struct crypt_sink){ 0 };
	return status;
}
