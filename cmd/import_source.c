/*
 * Exported entries out of a file, with as much of it in memory as the longest
 * of them takes.
 */
#include "cmd/import_source.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

#define READ_BYTES 65536

enum ag_status
import_source_open(struct import_source *s, const char *name, bool is_cbor,
    struct ag_error *err)
{
	const bool is_stdin = strcmp(name, "-") == 0;

	*s = (struct import_source){ .name = is_stdin ? "stdin" : name,
		.is_cbor = is_cbor,
		.fd = is_stdin ? STDIN_FILENO : -1 };
	/* One byte more, so that too long is told from just long enough. */
	buf_init(&s->data, EXPORT_ENTRY_BYTES_MAX + READ_BYTES + 1);
	buf_init(&s->arena, EXPORT_ENTRY_BYTES_MAX);
	return is_stdin ? AG_OK : fs_open(&s->fd, name, O_RDONLY, 0, err);
}

void
import_source_close(struct import_source *s)
{
	if (s->fd != -1 && s->fd != STDIN_FILENO)
		(void)close(s->fd);
	buf_fini(&s->data);
	buf_fini(&s->arena);
}

static enum ag_status
wrong(const struct import_source *s, struct ag_error *err)
{
	ag_error_prefix(err, s->is_cbor ? "%s: entry %" PRIu64 : "%s:%" PRIu64,
	    s->name, s->count + 1);
	return AG_EINVAL;
}

static enum ag_status
read_more(struct import_source *s, struct ag_error *err)
{
	ssize_t len;

	if (s->data.len > EXPORT_ENTRY_BYTES_MAX) {
		(void)ag_fail(err, AG_EINVAL, "longer than %u bytes",
		    EXPORT_ENTRY_BYTES_MAX);
		return wrong(s, err);
	}
	if (buf_reserve(&s->data, READ_BYTES) != AG_OK)
		return ag_fail(err, AG_ENOMEM, "read %s: out of memory",
		    s->name);
	len = read(s->fd, s->data.data + s->data.len, READ_BYTES);
	if (len < 0)
		return ag_fail_sys(err, "read %s", s->name);
	s->has_ended = len == 0;
	s->data.len += (size_t)len;
	return AG_OK;
}

/* AG_EAGAIN: its end is still to be read. */
static enum ag_status
take_line(struct import_source *s, struct export_entry *entry,
    struct ag_error *err)
{
	const uint8_t *end = memchr(s->data.data, '\n', s->data.len);
	size_t len = s->data.len;

	if (end == NULL && !s->has_ended)
		return AG_EAGAIN;
	if (end != NULL)
		len = (size_t)(end - s->data.data);
	s->taken = end != NULL ? len + 1 : len;
	if (len > 0 && s->data.data[len - 1] == '\r')
		len--;
	return export_entry_read_json(entry, &s->arena,
	    bytes_of(s->data.data, len), err);
}

static enum ag_status
take_item(struct import_source *s, struct export_entry *entry,
    struct ag_error *err)
{
	enum ag_status status;

	status =
	    export_entry_read_cbor(entry, &s->taken, buf_bytes(&s->data), err);
	if (status == AG_EAGAIN && s->has_ended)
		return ag_fail(err, AG_EINVAL, "the file ends in its midst");
	return status;
}

enum ag_status
import_source_next(struct import_source *s, struct export_entry *entry,
    bool *has_entry, struct ag_error *err)
{
	enum ag_status status = AG_EAGAIN;

	*has_entry = false;
	if (s->taken > 0)
		buf_consume(&s->data, s->taken);
	s->taken = 0;
	while (status == AG_EAGAIN) {
		if (s->data.len == 0 && s->has_ended)
			return AG_OK;
		if (s->data.len > 0)
			status = s->is_cbor ? take_item(s, entry, err)
					    : take_line(s, entry, err);
		if (status == AG_EAGAIN && read_more(s, err) != AG_OK)
			return err->status;
	}
	if (status == AG_EINVAL)
		return wrong(s, err);
	s->count += status == AG_OK;
	*has_entry = status == AG_OK;
	return status;
}
