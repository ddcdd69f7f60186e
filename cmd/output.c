/*
 * The one printer.
 *
 * Cells are kept as text with their kind until a row (jsonl, csv, value) or
 * all rows (table, json) can be printed.
 *
 * RULES    1. JSON says "v":1; fields are only ever added.
 *          2. Tables hold nothing a terminal would act on (cmd/display).
 *             csv and value are exact bytes.
 *          3. Too few or too many cells in a row is our own fault.
 */
#include "cmd/output.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/display.h"
#include "cmd/json.h"

#define OUTPUT_BYTES_MAX (256U << 20)
#define OUTPUT_GAP 2

enum cell_kind {
	CELL_TEXT,
	CELL_U64,
	CELL_RAW, /* JSON as it stands: true, false, -3 */
	CELL_NULL,
	CELL_LIST, /* words with commas between */
};

/* A cell is a part of text; kept as an offset because text may move. */
struct cell {
	enum cell_kind kind;
	size_t offset;
	size_t len;
	size_t width; /* in columns, once measured */
};

struct output {
	enum output_format format;
	FILE *stream;
	const char *list;
	const struct output_column *columns;
	size_t column_count;
	struct buf text;
	struct buf cells; /* of struct cell */
	size_t in_row;    /* cells of the row being filled */
	size_t rows;
	struct json json;
	enum ag_status status;
};

static const struct {
	const char *name;
	enum output_format format;
} formats[] = {
	{ "table", OUTPUT_TABLE },
	{ "wide", OUTPUT_WIDE },
	{ "json", OUTPUT_JSON },
	{ "jsonl", OUTPUT_JSONL },
	{ "csv", OUTPUT_CSV },
	{ "value", OUTPUT_VALUE },
	{ "cbor", OUTPUT_CBOR },
};

bool
output_parse_format(const char *text, enum output_format *format)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(formats[i].name, text) == 0) {
			*format = formats[i].format;
			return true;
		}
	}
	return false;
}

enum ag_status
output_new(struct output **out, const struct applet_call *call, FILE *stream,
    const char *list, const struct output_column *columns, struct ag_error *err)
{
	struct output *o;

	*out = NULL;
	if (call->output == OUTPUT_CBOR)
		return ag_fail(err, AG_EINVAL,
		    "-o cbor: there is no such form of this");
	o = calloc(1, sizeof(*o));
	if (o == NULL)
		return ag_fail(err, AG_ENOMEM, "out of memory");
	o->format = call->output;
	o->stream = stream;
	o->list = list;
	o->columns = columns;
	while (columns[o->column_count].name != NULL)
		o->column_count++;
	AG_ASSERT(o->column_count > 0);
	AG_ASSERT(o->column_count <= OUTPUT_COLUMNS_MAX);
	buf_init(&o->text, OUTPUT_BYTES_MAX);
	buf_init(&o->cells, OUTPUT_BYTES_MAX);
	json_init(&o->json, stream);
	*out = o;
	return AG_OK;
}

static struct cell *
output_cell(struct output *o, size_t row, size_t column)
{
	return (struct cell *)(void *)o->cells.data + row * o->column_count +
	    column;
}

static struct bytes
output_cell_text(const struct output *o, const struct cell *cell)
{
	return bytes_of(o->text.data + cell->offset, cell->len);
}

static void
output_add(struct output *o, enum cell_kind kind, struct bytes text)
{
	struct cell cell = { kind, o->text.len, text.len, 0 };

	AG_ASSERT(o->in_row < o->column_count);
	o->in_row++;
	if (o->status == AG_OK)
		o->status = buf_append(&o->text, text.data, text.len);
	if (o->status == AG_OK)
		o->status = buf_append(&o->cells, &cell, sizeof(cell));
}

void
output_bytes(struct output *out, struct bytes text)
{
	output_add(out, CELL_TEXT, text);
}

void
output_text(struct output *out, const char *text)
{
	if (text == NULL)
		output_null(out);
	else
		output_add(out, CELL_TEXT, bytes_from_text(text));
}

void
output_u64(struct output *out, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	output_add(out, CELL_U64, bytes_from_text(text));
}

void
output_i64(struct output *out, int64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	output_add(out, CELL_U64, bytes_from_text(text));
}

void
output_bool(struct output *out, bool value)
{
	output_add(out, CELL_RAW, bytes_from_text(value ? "true" : "false"));
}

void
output_null(struct output *out)
{
	output_add(out, CELL_NULL, bytes_of(NULL, 0));
}

void
output_list(struct output *out, const char *words)
{
	output_add(out, CELL_LIST, bytes_from_text(words));
}

void
output_printf(struct output *out, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	output_text(out, text);
}

static void
output_json_list(struct json *json, struct bytes words)
{
	json_array_begin(json);
	while (words.len > 0) {
		const uint8_t *comma = memchr(words.data, ',', words.len);
		size_t len =
		    comma == NULL ? words.len : (size_t)(comma - words.data);

		json_bytes(json, bytes_of(words.data, len));
		len += comma == NULL ? 0 : 1;
		words = bytes_of(words.data + len, words.len - len);
	}
	json_array_end(json);
}

static void
output_json_row(struct output *o, size_t row, bool with_version)
{
	json_object_begin(&o->json);
	if (with_version) {
		json_key(&o->json, "v");
		json_number(&o->json, 1);
	}
	for (size_t i = 0; i < o->column_count; i++) {
		struct cell *cell = output_cell(o, row, i);
		struct bytes text = output_cell_text(o, cell);

		json_key(&o->json, o->columns[i].name);
		if (cell->kind == CELL_NULL)
			json_null(&o->json);
		else if (cell->kind == CELL_RAW)
			json_bool(&o->json, text.data[0] == 't');
		else if (cell->kind == CELL_LIST)
			output_json_list(&o->json, text);
		else
			json_bytes(&o->json, text);
	}
	json_object_end(&o->json);
}

static void
output_csv_cell(FILE *stream, struct bytes text)
{
	bool quoted = false;

	for (size_t i = 0; i < text.len; i++)
		quoted |= strchr(",\"\r\n", text.data[i]) != NULL;
	if (!quoted) {
		(void)fwrite(text.data, 1, text.len, stream);
		return;
	}
	(void)fputc('"', stream);
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '"')
			(void)fputc('"', stream);
		(void)fputc(text.data[i], stream);
	}
	(void)fputc('"', stream);
}

static void
output_csv_header(struct output *o)
{
	for (size_t i = 0; i < o->column_count; i++)
		(void)fprintf(o->stream, "%s%s", i == 0 ? "" : ",",
		    o->columns[i].name);
	(void)fputs("\r\n", o->stream);
}

static void
output_csv_row(struct output *o)
{
	for (size_t i = 0; i < o->column_count; i++) {
		if (i > 0)
			(void)fputc(',', o->stream);
		output_csv_cell(o->stream,
		    output_cell_text(o, output_cell(o, 0, i)));
	}
	(void)fputs("\r\n", o->stream);
}

static void
output_value_row(struct output *o)
{
	bool any = false;

	for (size_t i = 0; i < o->column_count; i++)
		any |= (o->columns[i].flags & OUTPUT_VALUE_COLUMN) != 0;
	for (size_t i = 0; i < o->column_count; i++) {
		struct bytes text = output_cell_text(o, output_cell(o, 0, i));

		if (any ? (o->columns[i].flags & OUTPUT_VALUE_COLUMN) == 0
			: i > 0)
			continue;
		(void)fwrite(text.data, 1, text.len, o->stream);
		(void)fputc('\n', o->stream);
	}
}

/* Print the only row held, and forget it; it is seen at once in a pipe. */
static void
output_stream_row(struct output *o)
{
	if (o->format == OUTPUT_JSONL) {
		output_json_row(o, 0, true);
		json_line_end(&o->json);
	} else if (o->format == OUTPUT_CSV) {
		if (o->rows == 0)
			output_csv_header(o);
		output_csv_row(o);
	} else {
		output_value_row(o);
	}
	(void)fflush(o->stream);
	buf_clear(&o->text);
	buf_clear(&o->cells);
}

void
output_row(struct output *out)
{
	AG_ASSERT(out->in_row == out->column_count);
	out->in_row = 0;
	if (out->status != AG_OK)
		return;
	switch (out->format) {
	case OUTPUT_JSONL:
	case OUTPUT_CSV:
	case OUTPUT_VALUE:
		output_stream_row(out);
		break;
	case OUTPUT_TABLE:
	case OUTPUT_WIDE:
	case OUTPUT_JSON:
	case OUTPUT_CBOR:
		break;
	}
	out->rows++;
}

/* The title of a column: given, or its name in capitals. */
static void
output_title(const struct output_column *column, char out[static 64])
{
	(void)snprintf(out, 64, "%s",
	    column->title != NULL ? column->title : column->name);
	for (char *p = out; column->title == NULL && *p != '\0'; p++)
		*p = *p == '_' ? ' ' : (char)toupper((unsigned char)*p);
}

/* Columns a terminal has; SIZE_MAX when the stream is not one. */
static size_t
output_terminal_width(FILE *stream)
{
	struct winsize size;

	if (!isatty(fileno(stream)) ||
	    ioctl(fileno(stream), TIOCGWINSZ, &size) == -1 || size.ws_col == 0)
		return SIZE_MAX;
	return size.ws_col;
}

/* Print line, cut to width columns with a mark where it was cut. */
static void
output_line(FILE *stream, struct bytes line, size_t width)
{
	size_t used = 0;
	size_t done = 0;

	while (line.len > 0 && line.data[line.len - 1] == ' ')
		line.len--;
	while (done < line.len) {
		struct bytes rest = bytes_of(line.data + done, line.len - done);
		struct buf one;
		size_t columns, len;
		uint32_t code;

		buf_init(&one, 16);
		len = display_decode(rest, &code);
		if (display_append(&one, bytes_of(rest.data, len), &columns) !=
		    AG_OK)
			columns = 1;
		buf_fini(&one);
		if (used + columns > width ||
		    (used + columns == width && done + len < line.len)) {
			(void)fputc('>', stream);
			break;
		}
		(void)fwrite(rest.data, 1, len, stream);
		used += columns;
		done += len;
	}
	(void)fputc('\n', stream);
}

static enum ag_status
output_pad(struct buf *line, size_t count)
{
	enum ag_status status = AG_OK;

	while (status == AG_OK && count-- > 0)
		status = buf_append(line, " ", 1);
	return status;
}

/* Append text, padded to width on the side its column asks for. */
static enum ag_status
output_padded(struct buf *line, struct bytes text, size_t width, bool right)
{
	enum ag_status status;
	struct buf shown;
	size_t columns;

	buf_init(&shown, text.len * 4 + 1);
	status = display_append(&shown, text, &columns);
	if (status == AG_OK && right && columns < width)
		status = output_pad(line, width - columns);
	if (status == AG_OK)
		status = buf_append(line, shown.data, shown.len);
	if (status == AG_OK && !right && columns < width)
		status = output_pad(line, width - columns);
	buf_fini(&shown);
	return status;
}

static struct bytes
output_shown(const struct output *o, const struct cell *cell)
{
	if (cell->kind == CELL_NULL)
		return bytes_from_text("-");
	return output_cell_text(o, cell);
}

static enum ag_status
output_width(struct bytes text, size_t *widest)
{
	enum ag_status status;
	struct buf shown;
	size_t columns;

	buf_init(&shown, text.len * 4 + 1);
	status = display_append(&shown, text, &columns);
	buf_fini(&shown);
	if (status == AG_OK && columns > *widest)
		*widest = columns;
	return status;
}

static bool
output_is_shown(const struct output *o, size_t column)
{
	return o->format == OUTPUT_WIDE ||
	    (o->columns[column].flags & OUTPUT_WIDE_ONLY) == 0;
}

/* row SIZE_MAX is the header. */
static enum ag_status
output_table_line(struct output *o, size_t row, const size_t *widths,
    size_t width)
{
	enum ag_status status = AG_OK;
	struct buf line;
	bool first = true;

	buf_init(&line, OUTPUT_BYTES_MAX);
	for (size_t i = 0; i < o->column_count && status == AG_OK; i++) {
		char title[64];
		struct bytes text;

		if (!output_is_shown(o, i))
			continue;
		output_title(&o->columns[i], title);
		text = row == SIZE_MAX
		    ? bytes_from_text(title)
		    : output_shown(o, output_cell(o, row, i));
		if (!first)
			status = output_pad(&line, OUTPUT_GAP);
		first = false;
		if (status == AG_OK)
			status = output_padded(&line, text, widths[i],
			    (o->columns[i].flags & OUTPUT_RIGHT) != 0);
	}
	if (status == AG_OK)
		output_line(o->stream, buf_bytes(&line), width);
	buf_fini(&line);
	return status;
}

static enum ag_status
output_table(struct output *o)
{
	size_t widths[OUTPUT_COLUMNS_MAX] = { 0 };
	size_t width = o->format == OUTPUT_WIDE
	    ? SIZE_MAX
	    : output_terminal_width(o->stream);
	enum ag_status status = AG_OK;

	for (size_t i = 0; i < o->column_count; i++) {
		char title[64];

		output_title(&o->columns[i], title);
		widths[i] = strlen(title);
		for (size_t row = 0; row < o->rows && status == AG_OK; row++)
			status = output_width(output_shown(o,
						  output_cell(o, row, i)),
			    &widths[i]);
	}
	if (status == AG_OK)
		status = output_table_line(o, SIZE_MAX, widths, width);
	for (size_t row = 0; row < o->rows && status == AG_OK; row++)
		status = output_table_line(o, row, widths, width);
	return status;
}

/* One row, a line a column. */
static enum ag_status
output_card(struct output *o)
{
	size_t widest = 0;
	enum ag_status status = AG_OK;

	for (size_t i = 0; i < o->column_count; i++) {
		size_t len = strlen(o->columns[i].name);

		widest = len > widest ? len : widest;
	}
	for (size_t i = 0; i < o->column_count && status == AG_OK; i++) {
		struct buf line;

		if (!output_is_shown(o, i))
			continue;
		buf_init(&line, OUTPUT_BYTES_MAX);
		status = output_padded(&line,
		    bytes_from_text(o->columns[i].title != NULL
			    ? o->columns[i].title
			    : o->columns[i].name),
		    widest + OUTPUT_GAP, false);
		if (status == AG_OK)
			status = output_padded(&line,
			    output_shown(o, output_cell(o, 0, i)), 0, false);
		if (status == AG_OK)
			output_line(o->stream, buf_bytes(&line), SIZE_MAX);
		buf_fini(&line);
	}
	return status;
}

static void
output_json(struct output *o)
{
	if (o->list == NULL) {
		output_json_row(o, 0, true);
		json_line_end(&o->json);
		return;
	}
	json_object_begin(&o->json);
	json_key(&o->json, "v");
	json_number(&o->json, 1);
	json_key(&o->json, o->list);
	json_array_begin(&o->json);
	for (size_t row = 0; row < o->rows; row++)
		output_json_row(o, row, false);
	json_array_end(&o->json);
	json_object_end(&o->json);
	json_line_end(&o->json);
}

static enum ag_status
output_finish(struct output *o)
{
	AG_ASSERT(o->in_row == 0);
	if (o->status != AG_OK)
		return o->status;
	AG_ASSERT(o->list != NULL || o->rows == 1);
	switch (o->format) {
	case OUTPUT_JSON:
		output_json(o);
		return AG_OK;
	case OUTPUT_CSV:
		if (o->rows == 0)
			output_csv_header(o);
		return AG_OK;
	case OUTPUT_TABLE:
	case OUTPUT_WIDE:
		return o->list == NULL ? output_card(o) : output_table(o);
	case OUTPUT_JSONL:
	case OUTPUT_VALUE:
	case OUTPUT_CBOR:
		break;
	}
	return AG_OK;
}

enum ag_status
output_flush(FILE *stream, struct ag_error *err)
{
	errno = 0;
	if (fflush(stream) != 0 || ferror(stream))
		return ag_fail_sys(err, "write standard output");
	return AG_OK;
}

enum ag_status
output_end(struct output *out, struct ag_error *err)
{
	enum ag_status status = output_finish(out);
	FILE *stream = out->stream;

	buf_fini(&out->text);
	buf_fini(&out->cells);
	free(out);
	if (status != AG_OK)
		return ag_fail(err, status, "print: %s",
		    ag_status_text(status));
	return output_flush(stream, err);
}
