/*
 * Log lines: one event, one line, in logfmt or JSON.
 *
 * RULES    1. A message is a constant; what varies is a field, so that lines
 *             can be counted by message.
 *          2. Values may come from a peer.  Quotes, backslashes, control
 *             bytes and everything outside printable ASCII leave as escapes:
 *             a value can neither end the line nor reach a terminal raw.
 *          3. A line too long for its buffer is cut inside a value and still
 *             ends with its newline (and closing brace).
 */
#include "base/log.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define LOG_LINE_BYTES 4096

static struct {
	log_sink_fn *fn;
	void *arg;
} log_sink;

static const char *const level_names[LOG_LEVEL_COUNT] = {
	[LOG_LEVEL_DEBUG] = "debug",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_ERROR] = "error",
};

/* A cursor that silently stops at its end, leaving room for the tail. */
struct pen {
	char *out;
	size_t len;
	size_t cap;
};

static void
pen_put(struct pen *pen, const char *text, size_t len)
{
	if (len > pen->cap - pen->len)
		len = pen->cap - pen->len;
	memcpy(pen->out + pen->len, text, len);
	pen->len += len;
}

static void
pen_text(struct pen *pen, const char *text)
{
	pen_put(pen, text, strlen(text));
}

/* JSON escapes serve both formats. */
static void
pen_escaped(struct pen *pen, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	char esc[8];

	for (; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			(void)snprintf(esc, sizeof(esc), "\\%c", *p);
		else if (*p < 0x20 || *p >= 0x7f)
			(void)snprintf(esc, sizeof(esc), "\\u%04x", *p);
		else
			(void)snprintf(esc, sizeof(esc), "%c", *p);
		pen_text(pen, esc);
	}
}

static void
pen_hex(struct pen *pen, const uint8_t *data, size_t len)
{
	char pair[3];
	size_t i;

	for (i = 0; i < len; i++) {
		(void)snprintf(pair, sizeof(pair), "%02x", data[i]);
		pen_put(pen, pair, 2);
	}
}

static bool
is_bare(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	if (*p == '\0')
		return false;
	for (; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("\"\\=", *p) != NULL)
			return false;
	return true;
}

static void
pen_value(struct pen *pen, const struct log_field *f, bool json)
{
	const char *quote = json ? "\"" : "";
	char number[24];

	switch (f->kind) {
	case LOG_FIELD_TEXT:
		if (!json && is_bare(f->data)) {
			pen_text(pen, f->data);
			return;
		}
		pen_text(pen, "\"");
		pen_escaped(pen, f->data);
		pen_text(pen, "\"");
		return;
	case LOG_FIELD_HEX:
		pen_text(pen, quote);
		pen_hex(pen, f->data, f->len);
		pen_text(pen, quote);
		return;
	case LOG_FIELD_U64:
		(void)snprintf(number, sizeof(number), "%" PRIu64, f->u64);
		break;
	case LOG_FIELD_I64:
	default:
		(void)snprintf(number, sizeof(number), "%" PRId64, f->i64);
		break;
	}
	pen_text(pen, quote);
	pen_text(pen, number);
	pen_text(pen, quote);
}

size_t
log_format_logfmt(const struct log_line *line, char *out, size_t cap)
{
	const struct log_field message = LOG_TEXT("msg", line->message);
	struct pen pen = { .out = out, .cap = cap - 2 };
	char when[CLOCK_TEXT_BYTES];
	size_t i;

	clock_format_ms(line->wall_ms, when);
	pen_text(&pen, "ts=");
	pen_text(&pen, when);
	pen_text(&pen, " level=");
	pen_text(&pen, log_level_name(line->level));
	pen_text(&pen, " comp=");
	pen_text(&pen, line->component);
	pen_text(&pen, " msg=");
	pen_value(&pen, &message, false);
	for (i = 0; i < line->field_count; i++) {
		pen_text(&pen, " ");
		pen_text(&pen, line->fields[i].key);
		pen_text(&pen, "=");
		pen_value(&pen, &line->fields[i], false);
	}
	pen.out[pen.len++] = '\n';
	pen.out[pen.len] = '\0';
	return pen.len;
}

size_t
log_format_json(const struct log_line *line, char *out, size_t cap)
{
	struct pen pen = { .out = out, .cap = cap - 4 };
	char when[CLOCK_TEXT_BYTES];
	size_t i;

	clock_format_ms(line->wall_ms, when);
	pen_text(&pen, "{\"ts\":\"");
	pen_text(&pen, when);
	pen_text(&pen, "\",\"level\":\"");
	pen_text(&pen, log_level_name(line->level));
	pen_text(&pen, "\",\"comp\":\"");
	pen_text(&pen, line->component);
	pen_text(&pen, "\",\"msg\":\"");
	pen_escaped(&pen, line->message);
	pen_text(&pen, "\"");
	for (i = 0; i < line->field_count; i++) {
		size_t before = pen.len;

		pen_text(&pen, ",\"");
		pen_text(&pen, line->fields[i].key);
		pen_text(&pen, "\":");
		pen_value(&pen, &line->fields[i], true);
		/* Half a field is not JSON: a field that does not fit is
		 * left out whole. */
		if (pen.len == pen.cap) {
			pen.len = before;
			break;
		}
	}
	memcpy(pen.out + pen.len, "}\n", 3);
	return pen.len + 2;
}

const char *
log_level_name(enum log_level level)
{
	if ((unsigned)level >= LOG_LEVEL_COUNT)
		return "error";
	return level_names[level];
}

void
log_sink_set(log_sink_fn *sink, void *arg)
{
	log_sink.fn = sink;
	log_sink.arg = arg;
}

void
log_emit(enum log_level level, const char *component, const char *message,
    const struct log_field *fields, size_t field_count)
{
	const struct log_line line = {
		.wall_ms = clock_wall_ms(),
		.level = level,
		.component = component,
		.message = message,
		.fields = fields,
		.field_count = field_count,
	};
	char text[LOG_LINE_BYTES];
	size_t len;

	if (log_sink.fn != NULL) {
		log_sink.fn(log_sink.arg, &line);
		return;
	}
	if (level < LOG_LEVEL_INFO)
		return;
	len = log_format_logfmt(&line, text, sizeof(text));
	/* A log that cannot be written has nowhere left to say so. */
	if (write(STDERR_FILENO, text, len) < 0)
		return;
}
