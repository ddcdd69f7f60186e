/*
 * Armor, as fast as files are read: most lines are full ones, and are coded
 * by table.  What is inside is encrypted, so tables tell nobody anything.
 *
 * RULES    1. A line that the fast way does not take is judged by the slow
 *             one, which alone knows what is wrong and what is the end.
 *          2. Between the two lines there is one text for each file.
 */
#include "crypto/age_armor.h"

#include <stdlib.h>
#include <string.h>

#include "codec/text.h"

#define FIRST_LINE "-----BEGIN AGE ENCRYPTED FILE-----"
#define LAST_LINE "-----END AGE ENCRYPTED FILE-----"
#define COLUMNS 64
#define LINE_BYTES 48
#define BATCH_LINES 1024

/* Of two characters, which 12 bits make. */
#define PAIRS 4096
#define PAIR_BYTES 2

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool
age_armor_begins(struct bytes text)
{
	size_t at = 0;

	while (at < text.len && at < AGE_ARMOR_BLANKS_MAX &&
	    is_blank(text.data[at]))
		at++;
	return bytes_has_prefix(bytes_of(text.data + at, text.len - at),
	    bytes_from_text("-----"));
}

struct age_armor_writer {
	stream_sink_fn *sink;
	void *arg;
	bool is_begun;
	size_t waiting; /* bytes that make no whole line yet */
	uint8_t line[LINE_BYTES];
	size_t len;
	char pairs[PAIRS][PAIR_BYTES];
	char text[BATCH_LINES * (COLUMNS + 1)];
};

enum ag_status
age_armor_writer_open(struct age_armor_writer **out, stream_sink_fn *sink,
    void *arg, struct ag_error *err)
{
	struct age_armor_writer *w = calloc(1, sizeof(*w));

	*out = w;
	if (w == NULL)
		return ag_fail(err, AG_ENOMEM, "write armor: out of memory");
	w->sink = sink;
	w->arg = arg;
	for (size_t i = 0; i < PAIRS; i++) {
		w->pairs[i][0] = alphabet[i >> 6];
		w->pairs[i][1] = alphabet[i & 0x3f];
	}
	return AG_OK;
}

static enum ag_status
writer_flush(struct age_armor_writer *w, struct ag_error *err)
{
	size_t len = w->len;

	w->len = 0;
	return len > 0 ? w->sink(w->arg, bytes_of(w->text, len), err) : AG_OK;
}

static enum ag_status
put_line(struct age_armor_writer *w, const uint8_t *data, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	char *at;

	if (w->len + COLUMNS + 1 > sizeof(w->text))
		status = writer_flush(w, err);
	at = w->text + w->len;
	for (size_t i = 0; i < LINE_BYTES; i += 3, at += 2 * PAIR_BYTES) {
		uint32_t bits = (uint32_t)data[i] << 16 |
		    (uint32_t)data[i + 1] << 8 | data[i + 2];

		memcpy(at, w->pairs[bits >> 12], PAIR_BYTES);
		memcpy(at + PAIR_BYTES, w->pairs[bits & 0xfff], PAIR_BYTES);
	}
	*at = '\n';
	w->len += COLUMNS + 1;
	return status;
}

static enum ag_status
writer_begin(struct age_armor_writer *w, struct ag_error *err)
{
	if (w->is_begun)
		return AG_OK;
	w->is_begun = true;
	return w->sink(w->arg, bytes_from_text(FIRST_LINE "\n"), err);
}

enum ag_status
age_armor_put(void *writer, struct bytes data, struct ag_error *err)
{
	struct age_armor_writer *w = writer;
	enum ag_status status = writer_begin(w, err);
	size_t len;

	if (w->waiting > 0) {
		len = LINE_BYTES - w->waiting;
		if (len > data.len)
			len = data.len;
		memcpy(w->line + w->waiting, data.data, len);
		w->waiting += len;
		data = bytes_of(data.data + len, data.len - len);
		if (w->waiting < LINE_BYTES)
			return status;
		w->waiting = 0;
		if (status == AG_OK)
			status = put_line(w, w->line, err);
	}
	while (status == AG_OK && data.len >= LINE_BYTES) {
		status = put_line(w, data.data, err);
		data = bytes_of(data.data + LINE_BYTES, data.len - LINE_BYTES);
	}
	if (status != AG_OK)
		return status;
	memcpy(w->line, data.data, data.len);
	w->waiting = data.len;
	return writer_flush(w, err);
}

enum ag_status
age_armor_finish(struct age_armor_writer *w, struct ag_error *err)
{
	char last[COLUMNS + 2];
	enum ag_status status = writer_begin(w, err);

	if (status == AG_OK && w->waiting > 0) {
		text_base64(last, sizeof(last), bytes_of(w->line, w->waiting),
		    BASE64_STANDARD);
		status = w->sink(w->arg, bytes_from_text(last), err);
		if (status == AG_OK)
			status = w->sink(w->arg, bytes_of("\n", 1), err);
	}
	if (status != AG_OK)
		return status;
	return w->sink(w->arg, bytes_from_text(LAST_LINE "\n"), err);
}

void
age_armor_writer_close(struct age_armor_writer *w)
{
	free(w);
}

enum reader_state {
	READER_BEFORE, /* the first line */
	READER_INSIDE,
	READER_SHORT, /* a short line was the last one */
	READER_AFTER, /* the last line */
};

/* A character's six bits at each of four places; this one is of none. */
#define NO_CHARACTER 0x80000000U

struct age_armor_reader {
	stream_source_fn *source;
	void *arg;
	enum reader_state state;
	bool is_at_end; /* of the source */
	size_t blanks;
	size_t at;  /* text begins here */
	size_t len; /* and ends here */
	size_t line_at;
	size_t line_len;
	uint8_t line[LINE_BYTES]; /* decoded, and not handed out yet */
	uint32_t bits[4][256];
	uint8_t text[BATCH_LINES * (COLUMNS + 1)];
};

enum ag_status
age_armor_reader_open(struct age_armor_reader **out, stream_source_fn *source,
    void *arg, struct ag_error *err)
{
	struct age_armor_reader *r = calloc(1, sizeof(*r));

	*out = r;
	if (r == NULL)
		return ag_fail(err, AG_ENOMEM, "read armor: out of memory");
	r->source = source;
	r->arg = arg;
	for (size_t place = 0; place < 4; place++) {
		for (size_t c = 0; c < 256; c++)
			r->bits[place][c] = NO_CHARACTER;
		for (uint32_t i = 0; i < 64; i++)
			r->bits[place][(uint8_t)alphabet[i]] = i
			    << (18 - 6 * place);
	}
	return AG_OK;
}

static enum ag_status
malformed(struct ag_error *err, const char *what)
{
	return ag_fail(err, AG_ECORRUPT, "its armor is malformed: %s", what);
}

/* A full line's characters; false when one is none. */
static bool
decode_line(const struct age_armor_reader *r, uint8_t *out, const uint8_t *text)
{
	uint32_t all = 0;

	for (size_t i = 0; i < COLUMNS; i += 4, out += 3) {
		uint32_t bits = r->bits[0][text[i]] | r->bits[1][text[i + 1]] |
		    r->bits[2][text[i + 2]] | r->bits[3][text[i + 3]];

		all |= bits;
		out[0] = (uint8_t)(bits >> 16);
		out[1] = (uint8_t)(bits >> 8);
		out[2] = (uint8_t)bits;
	}
	return (all & NO_CHARACTER) == 0;
}

/* Full lines, as many as there are and fit; returns what was written. */
static size_t
get_full_lines(struct age_armor_reader *r, uint8_t *out, size_t cap)
{
	size_t done = 0;

	while (cap - done >= LINE_BYTES && r->len - r->at > COLUMNS + 1) {
		const uint8_t *text = r->text + r->at;
		size_t ends = text[COLUMNS] == '\r' ? COLUMNS + 1 : COLUMNS;

		if (text[ends] != '\n' || !decode_line(r, out + done, text))
			break;
		r->at += ends + 1;
		done += LINE_BYTES;
	}
	return done;
}

static enum ag_status
reader_fill(struct age_armor_reader *r, struct ag_error *err)
{
	size_t len;

	memmove(r->text, r->text + r->at, r->len - r->at);
	r->len -= r->at;
	r->at = 0;
	while (!r->is_at_end && r->len < sizeof(r->text)) {
		enum ag_status status = r->source(r->arg, r->text + r->len,
		    sizeof(r->text) - r->len, &len, err);

		if (status != AG_OK)
			return status;
		r->is_at_end = len == 0;
		r->len += len;
	}
	return AG_OK;
}

/*
 * The next line without its end.  AG_ECORRUPT at the end of the text, and for
 * one that is longer than blanks may be.
 */
static enum ag_status
next_line(struct age_armor_reader *r, struct bytes *line, struct ag_error *err)
{
	const uint8_t *begin = r->text + r->at, *end;
	size_t len = r->len - r->at;
	size_t most = AGE_ARMOR_BLANKS_MAX + 2;

	end = memchr(begin, '\n', len < most ? len : most);
	if (end == NULL && (!r->is_at_end || len == 0 || len > most))
		return malformed(err,
		    len == 0 ? "its last line is missing"
			     : "a line is too long");
	*line = bytes_of(begin,
	    end != NULL ? (size_t)(end - begin) : r->len - r->at);
	r->at += line->len + (end != NULL);
	if (line->len > 0 && line->data[line->len - 1] == '\r')
		line->len--;
	return AG_OK;
}

static bool
is_blank_line(struct bytes line)
{
	for (size_t i = 0; i < line.len; i++)
		if (!is_blank(line.data[i]))
			return false;
	return true;
}

/* Blank lines may stand in front of it, and nothing in its own. */
static enum ag_status
get_begin(struct age_armor_reader *r, struct ag_error *err)
{
	enum ag_status status;
	struct bytes line;

	do {
		if (r->blanks > AGE_ARMOR_BLANKS_MAX)
			return malformed(err, "too many blanks around it");
		status = next_line(r, &line, err);
		if (status != AG_OK)
			return status;
		r->blanks += line.len + 1;
	} while (is_blank_line(line));
	if (!bytes_equal(line, bytes_from_text(FIRST_LINE)))
		return malformed(err, "its first line is another");
	r->state = READER_INSIDE;
	r->blanks = 0;
	return AG_OK;
}

static enum ag_status
get_line(struct age_armor_reader *r, struct ag_error *err)
{
	struct bytes line;
	enum ag_status status = next_line(r, &line, err);

	if (status != AG_OK)
		return status;
	if (bytes_equal(line, bytes_from_text(LAST_LINE))) {
		r->state = READER_AFTER;
		return AG_OK;
	}
	if (r->state == READER_SHORT)
		return malformed(err, "a line is too short");
	if (line.len == 0 || line.len > COLUMNS ||
	    text_base64_decode(r->line, sizeof(r->line), &r->line_len, line,
		BASE64_STANDARD) != AG_OK)
		return malformed(err, "a line is not of 64 base64 characters");
	r->line_at = 0;
	if (r->line_len < LINE_BYTES)
		r->state = READER_SHORT;
	return AG_OK;
}

/* Nothing but blanks may follow. */
static enum ag_status
get_end(struct age_armor_reader *r, struct ag_error *err)
{
	while (r->at < r->len) {
		if (!is_blank(r->text[r->at++]))
			return malformed(err, "something follows it");
		if (++r->blanks > AGE_ARMOR_BLANKS_MAX)
			return malformed(err, "too many blanks around it");
	}
	return AG_OK;
}

/* One step further: a line, or more text. */
static enum ag_status
reader_step(struct age_armor_reader *r, struct ag_error *err)
{
	enum ag_status status = AG_OK;

	if (!r->is_at_end && r->len - r->at <= AGE_ARMOR_BLANKS_MAX + 2)
		status = reader_fill(r, err);
	if (status != AG_OK)
		return status;
	switch (r->state) {
	case READER_BEFORE:
		return get_begin(r, err);
	case READER_INSIDE:
	case READER_SHORT:
		return get_line(r, err);
	case READER_AFTER:
		break;
	}
	return get_end(r, err);
}

enum ag_status
age_armor_get(void *reader, uint8_t *out, size_t cap, size_t *len,
    struct ag_error *err)
{
	struct age_armor_reader *r = reader;
	enum ag_status status = AG_OK;
	bool is_over = false;

	*len = 0;
	while (status == AG_OK && *len == 0 && !is_over) {
		if (r->line_at < r->line_len) {
			*len = r->line_len - r->line_at;
			if (*len > cap)
				*len = cap;
			memcpy(out, r->line + r->line_at, *len);
			r->line_at += *len;
			break;
		}
		if (r->state == READER_INSIDE)
			*len = get_full_lines(r, out, cap);
		if (*len > 0)
			break;
		is_over =
		    r->state == READER_AFTER && r->is_at_end && r->at == r->len;
		if (!is_over)
			status = reader_step(r, err);
	}
	return status;
}

void
age_armor_reader_close(struct age_armor_reader *r)
{
	free(r);
}
