/*
 * The log's sink.
 *
 * STATES   Each message (component and sentence) has a tally for the current
 *          window: shown, or suppressed once its burst is used up.
 *
 * RULES    1. Nothing is dropped silently: when a window ends, every message
 *             that lost lines gets one line saying how many.
 *          2. Messages are constants (base/log.h), so the table of tallies is
 *             small and fixed.  One that finds no place is never limited.
 *          3. The ring holds what was written, as JSON, whatever the file's
 *             format; its lines and their length are bounded.
 *          4. A line that cannot be written is counted; the sink never blocks
 *             the caller on anything but the file.
 *
 * NOT HERE Formatting (base/log), rotation's policy (logrotate and SIGHUP).
 */
#include "monitor/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"

#define LINE_BYTES 4096
#define TALLIES 512
#define BURST_DEFAULT 100
#define WINDOW_MS_DEFAULT 10000
#define RING_LINES_DEFAULT 1000

struct tally {
	const char *component; /* NULL: free */
	const char *message;
	enum log_level level; /* of its last line */
	uint32_t shown;
	uint64_t suppressed;
};

struct recent {
	enum log_level level;
	char *text;
	size_t len;
};

struct log_sink {
	pthread_mutex_t lock; /* guards all below */
	char *path;
	int fd;
	enum log_level level;
	bool is_json;
	bool is_cut; /* the last line may be there in part */
	uint32_t burst;
	uint64_t window_us;
	uint64_t window_began_us;
	bool has_suppressed;
	struct tally tallies[TALLIES];
	struct recent *ring;
	size_t ring_cap;
	uint64_t ring_next; /* lines ever put in */
	struct metric *written;
	struct metric *suppressed;
	struct metric *lost;
};

static void
ring_put(struct log_sink *sink, enum log_level level, const char *text,
    size_t len)
{
	struct recent *slot = &sink->ring[sink->ring_next % sink->ring_cap];
	char *copy = malloc(len);

	/* Without memory the ring misses a line that the file has. */
	if (copy == NULL)
		return;
	memcpy(copy, text, len);
	free(slot->text);
	slot->text = copy;
	slot->len = len;
	slot->level = level;
	sink->ring_next++;
}

static void
write_line(struct log_sink *sink, const struct log_line *line)
{
	/* With a newline before it, for what may be left of another. */
	char json[1 + LINE_BYTES], text[1 + LINE_BYTES];
	const size_t skipped = sink->is_cut ? 0 : 1;
	size_t json_len, len;
	const char *out = json;

	json[0] = text[0] = '\n';
	json_len = len = log_format_json(line, json + 1, LINE_BYTES);
	/* Without the newline: it becomes an element of an array. */
	ring_put(sink, line->level, json + 1, json_len - 1);
	if (!sink->is_json) {
		len = log_format_logfmt(line, text + 1, LINE_BYTES);
		out = text;
	}
	sink->is_cut =
	    fs_write(sink->fd, "log",
		bytes_of(out + skipped, 1 + len - skipped), NULL) != AG_OK;
	metric_add(sink->is_cut ? sink->lost : sink->written, 1);
}

static void
write_suppressed(struct log_sink *sink, struct tally *tally)
{
	const struct log_field fields[] = {
		LOG_TEXT("message", tally->message),
		LOG_U64("lines", tally->suppressed),
	};
	const struct log_line line = {
		.wall_ms = clock_wall_ms(),
		.level = tally->level,
		.component = tally->component,
		.message = "lines suppressed",
		.fields = fields,
		.field_count = sizeof(fields) / sizeof(fields[0]),
	};

	write_line(sink, &line);
}

static void
end_window(struct log_sink *sink, uint64_t now_us)
{
	size_t i;

	for (i = 0; i < TALLIES; i++) {
		if (sink->has_suppressed && sink->tallies[i].suppressed > 0)
			write_suppressed(sink, &sink->tallies[i]);
		sink->tallies[i].shown = 0;
		sink->tallies[i].suppressed = 0;
	}
	sink->has_suppressed = false;
	sink->window_began_us = now_us;
}

static void
end_window_when_due(struct log_sink *sink)
{
	const uint64_t now_us = clock_mono_us();

	if (now_us - sink->window_began_us >= sink->window_us)
		end_window(sink, now_us);
}

/* FNV-1a over both texts; only spreads, nothing depends on it. */
static size_t
tally_place(const char *component, const char *message)
{
	uint64_t hash = 14695981039346656037U;
	const char *p;

	for (p = component; *p != '\0'; p++)
		hash = (hash ^ (unsigned char)*p) * 1099511628211U;
	for (p = message; *p != '\0'; p++)
		hash = (hash ^ (unsigned char)*p) * 1099511628211U;
	return (size_t)(hash % TALLIES);
}

static struct tally *
tally_of(struct log_sink *sink, const struct log_line *line)
{
	size_t i, at = tally_place(line->component, line->message);
	struct tally *tally;

	for (i = 0; i < TALLIES; i++, at = (at + 1) % TALLIES) {
		tally = &sink->tallies[at];
		if (tally->component == NULL) {
			tally->component = line->component;
			tally->message = line->message;
			return tally;
		}
		if (strcmp(tally->message, line->message) == 0 &&
		    strcmp(tally->component, line->component) == 0)
			return tally;
	}
	return NULL;
}

static bool
admits(struct log_sink *sink, const struct log_line *line)
{
	struct tally *tally = tally_of(sink, line);

	if (tally == NULL)
		return true;
	tally->level = line->level;
	if (tally->shown < sink->burst) {
		tally->shown++;
		return true;
	}
	tally->suppressed++;
	sink->has_suppressed = true;
	metric_add(sink->suppressed, 1);
	return false;
}

static void
take_line(void *arg, const struct log_line *line)
{
	struct log_sink *sink = arg;

	(void)pthread_mutex_lock(&sink->lock);
	if (line->level >= sink->level) {
		end_window_when_due(sink);
		if (admits(sink, line))
			write_line(sink, line);
	}
	(void)pthread_mutex_unlock(&sink->lock);
}

static enum ag_status
open_file(const char *path, int *fd, struct ag_error *err)
{
	*fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY,
	    0640);
	if (*fd == -1)
		return ag_fail_sys(err, "open log file %s", path);
	return AG_OK;
}

static void
register_metrics(struct log_sink *sink, struct metric_set *set)
{
	sink->written = metric_new(set, METRIC_COUNTER, "aegis_log_lines_total",
	    "Log lines written", NULL);
	sink->suppressed = metric_new(set, METRIC_COUNTER,
	    "aegis_log_lines_suppressed_total",
	    "Log lines not written because their message came too often", NULL);
	sink->lost =
	    metric_new(set, METRIC_COUNTER, "aegis_log_lines_lost_total",
		"Log lines the file system did not take", NULL);
}

/* path NULL: stderr, and no copy of the path. */
static enum ag_status
open_target(const char *path, char **copy, int *fd, struct ag_error *err)
{
	enum ag_status status;

	*copy = NULL;
	*fd = STDERR_FILENO;
	if (path == NULL)
		return AG_OK;
	*copy = strdup(path);
	if (*copy == NULL)
		return ag_fail(err, AG_ENOMEM, "open log: out of memory");
	status = open_file(path, fd, err);
	if (status != AG_OK) {
		free(*copy);
		*copy = NULL;
	}
	return status;
}

enum ag_status
log_sink_open(struct log_sink **out, const struct log_sink_config *config,
    struct ag_error *err)
{
	enum ag_status status;
	struct log_sink *sink;

	*out = NULL;
	sink = calloc(1, sizeof(*sink));
	if (sink == NULL)
		return ag_fail(err, AG_ENOMEM, "open log: out of memory");
	(void)pthread_mutex_init(&sink->lock, NULL);
	sink->level = config->level;
	sink->is_json = config->is_json;
	sink->burst = config->burst > 0 ? config->burst : BURST_DEFAULT;
	sink->window_us = 1000U *
	    (uint64_t)(config->window_ms > 0 ? config->window_ms
					     : WINDOW_MS_DEFAULT);
	sink->window_began_us = clock_mono_us();
	sink->ring_cap =
	    config->ring_lines > 0 ? config->ring_lines : RING_LINES_DEFAULT;
	sink->ring = calloc(sink->ring_cap, sizeof(*sink->ring));
	status = sink->ring == NULL
	    ? ag_fail(err, AG_ENOMEM, "open log: out of memory")
	    : open_target(config->path, &sink->path, &sink->fd, err);
	if (status != AG_OK) {
		free(sink->ring);
		(void)pthread_mutex_destroy(&sink->lock);
		free(sink);
		return status;
	}
	register_metrics(sink, config->metrics);
	log_sink_set(take_line, sink);
	*out = sink;
	return AG_OK;
}

void
log_sink_close(struct log_sink *sink)
{
	size_t i;

	if (sink == NULL)
		return;
	log_sink_set(NULL, NULL);
	end_window(sink, 0);
	if (sink->path != NULL)
		(void)close(sink->fd);
	for (i = 0; i < sink->ring_cap; i++)
		free(sink->ring[i].text);
	free(sink->ring);
	free(sink->path);
	(void)pthread_mutex_destroy(&sink->lock);
	free(sink);
}

enum ag_status
log_sink_change(struct log_sink *sink, const struct log_sink_config *config,
    struct ag_error *err)
{
	enum ag_status status;
	char *path, *old_path;
	int fd, old_fd;

	status = open_target(config->path, &path, &fd, err);
	if (status != AG_OK)
		return status;
	(void)pthread_mutex_lock(&sink->lock);
	old_path = sink->path;
	old_fd = sink->fd;
	sink->path = path;
	sink->fd = fd;
	sink->level = config->level;
	sink->is_json = config->is_json;
	(void)pthread_mutex_unlock(&sink->lock);
	if (old_path != NULL)
		(void)close(old_fd);
	free(old_path);
	return AG_OK;
}

void
log_sink_flush(struct log_sink *sink)
{
	(void)pthread_mutex_lock(&sink->lock);
	end_window_when_due(sink);
	(void)pthread_mutex_unlock(&sink->lock);
}

/* The first of the newest limit lines of at least level. */
static uint64_t
first_wanted(const struct log_sink *sink, enum log_level level, size_t limit)
{
	uint64_t at = sink->ring_next;
	size_t seen = 0, matched = 0;

	while (at > 0 && seen < sink->ring_cap && matched < limit) {
		at--;
		seen++;
		if (sink->ring[at % sink->ring_cap].level >= level)
			matched++;
	}
	return at;
}

enum ag_status
log_sink_recent(struct log_sink *sink, enum log_level level, size_t limit,
    struct buf *out)
{
	enum ag_status status = AG_OK;
	const struct recent *line;
	bool is_first = true;
	uint64_t at;

	(void)pthread_mutex_lock(&sink->lock);
	end_window_when_due(sink);
	at = first_wanted(sink, level, limit);
	for (; at < sink->ring_next && status == AG_OK; at++) {
		line = &sink->ring[at % sink->ring_cap];
		if (line->level < level)
			continue;
		if (!is_first)
			status = buf_append(out, ",", 1);
		is_first = false;
		if (status == AG_OK)
			status = buf_append(out, line->text, line->len);
	}
	(void)pthread_mutex_unlock(&sink->lock);
	return status;
}
