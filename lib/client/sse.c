/*
 * Server-sent events.
 *
 * FORMAT   Lines that end in LF, CR or CRLF.  "field: value" sets a field of
 *          the event being gathered, ":" begins a comment, an empty line
 *          ends the event.  Fields: data (several are joined by LF), event,
 *          id; others are ignored.
 *
 * RULES    1. How the stream is cut into pieces changes nothing.
 *          2. An event without data is no event, but its id counts.  The id
 *             of an event that has not ended does not: its data is not here.
 *          3. A name or id that does not fit is ignored like an unknown
 *             field: an id cut short would resume at the wrong place.
 */
#include "client/sse.h"

#include <string.h>

void
sse_init(struct sse_parser *p, size_t max, sse_event_fn *fn, void *arg)
{
	*p = (struct sse_parser){ .fn = fn, .arg = arg };
	buf_init(&p->line, max);
	buf_init(&p->data, max);
}

void
sse_fini(struct sse_parser *p)
{
	buf_fini(&p->line);
	buf_fini(&p->data);
}

void
sse_restart(struct sse_parser *p)
{
	buf_clear(&p->line);
	buf_clear(&p->data);
	p->name[0] = '\0';
	memcpy(p->next_id, p->id, sizeof(p->next_id));
	p->has_data = false;
	p->last_was_return = false;
}

static void
dispatch(struct sse_parser *p)
{
	struct sse_event event = {
		.name = p->name[0] != '\0' ? p->name : "message",
		.data = buf_bytes(&p->data),
	};

	memcpy(p->id, p->next_id, sizeof(p->id));
	event.id = p->id;
	if (p->has_data && !p->is_stopped)
		p->is_stopped = !p->fn(p->arg, &event);
	buf_clear(&p->data);
	p->name[0] = '\0';
	p->has_data = false;
}

static void
set_text(char *out, size_t cap, struct bytes value)
{
	if (value.len >= cap ||
	    (value.len > 0 && memchr(value.data, '\0', value.len) != NULL))
		return;
	if (value.len > 0)
		memcpy(out, value.data, value.len);
	out[value.len] = '\0';
}

void
sse_resume_from(struct sse_parser *p, const char *id)
{
	set_text(p->id, sizeof(p->id), bytes_from_text(id));
	memcpy(p->next_id, p->id, sizeof(p->next_id));
}

static enum ag_status
add_data(struct sse_parser *p, struct bytes value)
{
	enum ag_status status = AG_OK;

	if (p->has_data)
		status = buf_append(&p->data, "\n", 1);
	p->has_data = true;
	return status != AG_OK ? status
			       : buf_append(&p->data, value.data, value.len);
}

static enum ag_status
take_field(struct sse_parser *p, struct bytes name, struct bytes value)
{
	if (bytes_equal(name, bytes_from_text("data")))
		return add_data(p, value);
	if (bytes_equal(name, bytes_from_text("event")))
		set_text(p->name, sizeof(p->name), value);
	else if (bytes_equal(name, bytes_from_text("id")))
		set_text(p->next_id, sizeof(p->next_id), value);
	return AG_OK;
}

static enum ag_status
take_line(struct sse_parser *p)
{
	const struct bytes line = buf_bytes(&p->line);
	struct bytes name = line, value = bytes_of(NULL, 0);
	const uint8_t *colon;

	if (line.len == 0) {
		dispatch(p);
		return AG_OK;
	}
	colon = memchr(line.data, ':', line.len);
	if (colon != NULL) {
		name.len = (size_t)(colon - line.data);
		value = bytes_of(colon + 1, line.len - name.len - 1);
		if (value.len > 0 && value.data[0] == ' ')
			value = bytes_of(value.data + 1, value.len - 1);
	}
	return name.len == 0 ? AG_OK : take_field(p, name, value);
}

/* The length of piece up to the first line end. */
static size_t
until_line_end(struct bytes piece)
{
	size_t i;

	for (i = 0; i < piece.len; i++)
		if (piece.data[i] == '\n' || piece.data[i] == '\r')
			break;
	return i;
}

enum ag_status
sse_feed(struct sse_parser *p, struct bytes piece)
{
	enum ag_status status;
	size_t len;

	while (piece.len > 0 && !p->is_stopped) {
		/* The LF of a CRLF ends no second line. */
		if (p->last_was_return && piece.data[0] == '\n') {
			p->last_was_return = false;
			piece = bytes_of(piece.data + 1, piece.len - 1);
			continue;
		}
		p->last_was_return = false;
		len = until_line_end(piece);
		status = buf_append(&p->line, piece.data, len);
		if (status != AG_OK || len == piece.len)
			return status;
		p->last_was_return = piece.data[len] == '\r';
		status = take_line(p);
		buf_clear(&p->line);
		if (status != AG_OK)
			return status;
		piece = bytes_of(piece.data + len + 1, piece.len - len - 1);
	}
	return AG_OK;
}
