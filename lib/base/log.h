/*
 * Structured log lines: emitted here, written by whoever set the sink.
 *
 * The sink is the one process-wide variable in lib/: a log line must be
 * possible from any place, also before and after everything else.
 * Threads    log_sink_set() before threads start; log_emit() from any.
 */
#ifndef AEGIS_BASE_LOG_H
#define AEGIS_BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARN,
	LOG_LEVEL_ERROR,
	LOG_LEVEL_COUNT
};

enum log_field_kind {
	LOG_FIELD_TEXT,
	LOG_FIELD_U64,
	LOG_FIELD_I64,
	LOG_FIELD_HEX,
};

/* One key and its value; the value is borrowed for the call. */
struct log_field {
	const char *key;
	enum log_field_kind kind;
	const void *data; /* TEXT: a C string; HEX: len bytes */
	size_t len;
	uint64_t u64;
	int64_t i64;
};

#define LOG_TEXT(k, v)                                          \
	{                                                       \
		.key = (k), .kind = LOG_FIELD_TEXT, .data = (v) \
	}
#define LOG_U64(k, v)                                         \
	{                                                     \
		.key = (k), .kind = LOG_FIELD_U64, .u64 = (v) \
	}
#define LOG_I64(k, v)                                         \
	{                                                     \
		.key = (k), .kind = LOG_FIELD_I64, .i64 = (v) \
	}
#define LOG_HEX(k, p, n)                                                   \
	{                                                                  \
		.key = (k), .kind = LOG_FIELD_HEX, .data = (p), .len = (n) \
	}

struct log_line {
	uint64_t wall_ms;
	enum log_level level;
	const char *component; /* a folder's name: "net", "store" */
	const char *message;   /* a constant sentence, no values inside */
	const struct log_field *fields;
	size_t field_count;
};

/* May be called from several threads at once. */
typedef void log_sink_fn(void *arg, const struct log_line *line);

/* NULL restores the default sink: logfmt to stderr, info and above. */
void log_sink_set(log_sink_fn *sink, void *arg);

void log_emit(enum log_level level, const char *component, const char *message,
    const struct log_field *fields, size_t field_count);

/* log_info("net", "link up", LOG_TEXT("peer", name), LOG_U64("rtt_us", 3)) */
#define LOG_AT(level, component, message, ...)                                \
	log_emit((level), (component), (message),                             \
	    (const struct log_field[]){ { .key = NULL }, __VA_ARGS__ } + 1,   \
	    sizeof(                                                           \
		(const struct log_field[]){ { .key = NULL }, __VA_ARGS__ }) / \
		    sizeof(struct log_field) -                                \
		1)
#define log_debug(...) LOG_DISPATCH(LOG_LEVEL_DEBUG, __VA_ARGS__, )
#define log_info(...) LOG_DISPATCH(LOG_LEVEL_INFO, __VA_ARGS__, )
#define log_warn(...) LOG_DISPATCH(LOG_LEVEL_WARN, __VA_ARGS__, )
#define log_error(...) LOG_DISPATCH(LOG_LEVEL_ERROR, __VA_ARGS__, )
#define LOG_DISPATCH(level, component, message, ...) \
	LOG_AT(level, component, message, __VA_ARGS__)

const char *log_level_name(enum log_level level);

/*
 * Write line as logfmt ("ts=… level=info comp=net msg=… k=v\n") into out,
 * cut at cap; returns the length without the NUL.  Control bytes and quotes
 * in values are escaped, so one line is always one line.
 */
size_t log_format_logfmt(const struct log_line *line, char *out, size_t cap);

/* The same as one JSON object and a newline; 64-bit integers as strings. */
size_t log_format_json(const struct log_line *line, char *out, size_t cap);

#endif
