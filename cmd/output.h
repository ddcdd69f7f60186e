/*
 * The one printer: rows of cells, in whichever form was asked for.
 *
 *	struct output *out;
 *	status = output_new(&out, call, stdout, "members", columns, err);
 *	output_text(out, name);          one call a column, in order
 *	output_u64(out, lag);
 *	output_row(out);
 *	status = output_end(out, err);   prints tables, frees out
 *
 * table  columns padded to their widest cell, wide columns left out; for
 *        people, and may change.  Cut to the terminal's width on a terminal,
 *        never elsewhere.
 * wide   the same with every column, never cut
 * json   {"v":1,"members":[{…},…]}
 * jsonl  {"v":1,…} a row, printed as it comes
 * csv    RFC 4180 with a header
 * value  the columns marked OUTPUT_VALUE_COLUMN (else the first), raw
 *
 * Memory refused on the way is remembered and told by output_end().
 */
#ifndef AEGIS_CMD_OUTPUT_H
#define AEGIS_CMD_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"
#include "cmd/applet.h"

enum output_flag {
	OUTPUT_RIGHT = 1,        /* numbers */
	OUTPUT_WIDE_ONLY = 2,    /* left out of table */
	OUTPUT_VALUE_COLUMN = 4, /* what -o value prints */
};

#define OUTPUT_COLUMNS_MAX 24

/* A list of columns ends with a NULL name. */
struct output_column {
	const char *name;  /* in JSON and CSV: lower_case, unit last */
	const char *title; /* in tables; NULL: name in capitals */
	unsigned int flags;
};

struct output;

/*
 * list names the array in JSON; NULL means there is exactly one row: JSON
 * prints a single object and table one "name  value" line a column.
 * AG_EINVAL when the format asked for is not one of rows (cbor).
 */
enum ag_status output_new(struct output **out, const struct applet_call *call,
    FILE *stream, const char *list, const struct output_column *columns,
    struct ag_error *err) AG_MUST_USE;

void output_bytes(struct output *out, struct bytes text);
void output_text(struct output *out, const char *text); /* NULL: nothing */
void output_u64(struct output *out, uint64_t value);
void output_i64(struct output *out, int64_t value);
void output_bool(struct output *out, bool value);
void output_null(struct output *out);

/* Words with commas between; JSON shows them as an array. */
void output_list(struct output *out, const char *words);
void output_printf(struct output *out, const char *fmt, ...) AG_PRINTF(2, 3);
void output_row(struct output *out);

/* Print what is left and free out.  AG_ESYS when the stream took no more. */
enum ag_status output_end(struct output *out, struct ag_error *err) AG_MUST_USE;

/* "table", "json", …; false when text names none. */
bool output_parse_format(const char *text, enum output_format *format);

/* Flush stdout; a failed write is told as "aegis …: write …". */
enum ag_status output_flush(FILE *stream, struct ag_error *err) AG_MUST_USE;

#endif
