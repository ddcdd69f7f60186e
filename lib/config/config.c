/*
 * Layers of settings.
 *
 * RULES    1. All problems of all layers are collected; a configuration with
 *             any is not handed out.
 *          2. A relative path in a file is taken from that file's folder, so
 *             that a data directory with its file can be moved as one.
 *          3. Nothing is half set: a value replaces another only once it
 *             has been converted.
 *
 * NOT HERE What a value means to the part that uses it.
 */
#include "config/config.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "config/document.h"

struct config_value {
	char *text;
	char *origin;
	uint64_t number;
};

struct config {
	char *file;
	struct config_value *values; /* schema_count of them */
};

/* One layer being read. */
struct config_layer {
	struct config *config;
	const char *name; /* of the file, for messages */
	const char *folder;
	struct buf *problems;
	struct ag_error *err;
	size_t problem_count;
};

/* Append "name:line:col: path: text"; the first also goes into err. */
static void
config_problem(void *arg, struct document_mark mark, const char *path,
    const char *text)
{
	struct config_layer *layer = arg;
	char line[AG_ERROR_TEXT_BYTES];
	int len;

	if (mark.line > 0)
		len = snprintf(line, sizeof(line), "%s:%zu:%zu: %s%s%s",
		    layer->name, mark.line, mark.column, path,
		    path[0] != '\0' ? ": " : "", text);
	else
		len = snprintf(line, sizeof(line), "%s: %s: %s", layer->name,
		    path, text);
	if (len < 0)
		line[0] = '\0';
	for (char *p = line; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20)
			*p = '?'; /* a line stays one line */
	}
	if (layer->problem_count++ == 0)
		(void)ag_fail(layer->err, AG_EINVAL, "%s", line);
	/* A list cut at its bound is still a list of problems. */
	if (layer->problems != NULL &&
	    buf_printf(layer->problems, "%s\n", line) != AG_OK)
		return;
}

static void AG_PRINTF(4, 5) config_problem_f(struct config_layer *layer,
    struct document_mark mark, const char *path, const char *fmt, ...)
{
	char text[AG_ERROR_TEXT_BYTES];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	config_problem(layer, mark, path, text);
}

/* The text to keep: a relative path is joined to folder. */
static char *
config_keep(const struct schema_key *key, const char *text, const char *folder)
{
	char *joined;

	if (key->kind != SCHEMA_PATH || folder == NULL || text[0] == '/' ||
	    text[0] == '\0')
		return strdup(text);
	if (strcmp(text, ".") == 0)
		return strdup(folder);
	if (asprintf(&joined, "%s/%s", folder, text) == -1)
		return NULL;
	return joined;
}

static enum ag_status
config_assign(struct config *config, size_t key, const char *text,
    const char *folder, const char *origin, struct ag_error *err)
{
	struct config_value *value = &config->values[key];
	struct config_value fresh = { 0 };
	enum ag_status status;

	status = schema_convert(&schema_keys[key], text, &fresh.number, err);
	if (status != AG_OK)
		return status;
	fresh.text = config_keep(&schema_keys[key], text, folder);
	fresh.origin = strdup(origin);
	if (fresh.text == NULL || fresh.origin == NULL) {
		free(fresh.text);
		free(fresh.origin);
		return ag_fail(err, AG_ENOMEM, "out of memory");
	}
	free(value->text);
	free(value->origin);
	*value = fresh;
	return AG_OK;
}

static void
config_unknown(struct config_layer *layer, struct document_mark mark,
    const char *path)
{
	const char *nearest = schema_nearest(path);

	if (nearest != NULL)
		config_problem_f(layer, mark, path,
		    "unknown key, did you mean %s?", nearest);
	else
		config_problem_f(layer, mark, path, "unknown key");
}

static void
config_scalar(void *arg, struct document_mark mark, const char *path,
    const char *text)
{
	struct config_layer *layer = arg;
	char origin[PATH_MAX + 32];
	struct ag_error err;
	int key = schema_find(path);

	if (key == -1 && schema_is_section(path)) {
		/* "net:" with nothing below it is an empty section. */
		if (text[0] != '\0')
			config_problem_f(layer, mark, path,
			    "'%.64s' is not a section with keys", text);
		return;
	}
	if (key == -1) {
		config_unknown(layer, mark, path);
		return;
	}
	(void)snprintf(origin, sizeof(origin), "%s:%zu", layer->name,
	    mark.line);
	if (config_assign(layer->config, (size_t)key, text, layer->folder,
		origin, &err) != AG_OK)
		config_problem(layer, mark, path, err.text);
}

static bool
config_enter(void *arg, struct document_mark mark, const char *path)
{
	struct config_layer *layer = arg;

	if (schema_is_section(path))
		return true;
	if (schema_find(path) != -1)
		config_problem(layer, mark, path,
		    "a section is not expected here");
	else
		config_unknown(layer, mark, path);
	return false;
}

static enum ag_status
config_read_text(struct config_layer *layer, struct bytes text)
{
	struct document_reader reader = {
		.arg = layer,
		.scalar = config_scalar,
		.enter = config_enter,
		.problem = config_problem,
	};

	if (document_read(text, &reader) == AG_ENOMEM)
		return ag_fail(layer->err, AG_ENOMEM, "read %s: out of memory",
		    layer->name);
	return AG_OK;
}

/* The absolute folder of a file that exists. */
static enum ag_status
config_folder(const char *path, char out[static PATH_MAX], struct ag_error *err)
{
	char *slash;

	if (realpath(path, out) == NULL)
		return ag_fail_sys(err, "find %s", path);
	slash = strrchr(out, '/');
	slash[slash == out] = '\0';
	return AG_OK;
}

static enum ag_status
config_read_file(struct config_layer *layer, const char *path, bool may_miss)
{
	char folder[PATH_MAX];
	struct buf text;
	enum ag_status status;
	char *file;

	buf_init(&text, DOCUMENT_BYTES_MAX + 1);
	status = fs_read_file(path, &text, layer->err);
	if (status == AG_ENOENT && may_miss) {
		buf_fini(&text);
		return AG_OK;
	}
	if (status == AG_OK)
		status = config_folder(path, folder, layer->err);
	file = status == AG_OK ? strdup(path) : NULL;
	if (status == AG_OK && file == NULL)
		status = ag_fail(layer->err, AG_ENOMEM, "out of memory");
	if (status == AG_OK) {
		free(layer->config->file);
		layer->config->file = file;
		layer->name = path;
		layer->folder = folder;
		status = config_read_text(layer, buf_bytes(&text));
		layer->folder = NULL;
	}
	buf_fini(&text);
	return status;
}

/* A file below the directory a variable names, or below HOME. */
static bool
config_user_path(char out[static PATH_MAX], const char *variable,
    const char *below_home, const char *name)
{
	const char *dir = getenv(variable);
	const char *home = getenv("HOME");
	int len;

	if (dir != NULL && dir[0] == '/')
		len = snprintf(out, PATH_MAX, "%s/%s", dir, name);
	else if (below_home != NULL && home != NULL && home[0] == '/')
		len =
		    snprintf(out, PATH_MAX, "%s/%s/%s", home, below_home, name);
	else
		return false;
	return len > 0 && len < PATH_MAX;
}

/* What an ordinary user may write to differs from what root may. */
static void
config_default_text(size_t key, char out[static PATH_MAX])
{
	const char *path = schema_keys[key].path;

	if (geteuid() != 0) {
		if (strcmp(path, "node.data_dir") == 0 &&
		    config_user_path(out, "XDG_STATE_HOME", ".local/state",
			"aegis"))
			return;
		if (strcmp(path, "api.socket") == 0 &&
		    config_user_path(out, "XDG_RUNTIME_DIR", NULL,
			"aegis/aegis.sock"))
			return;
	}
	(void)snprintf(out, PATH_MAX, "%s", schema_keys[key].value);
}

static enum ag_status
config_new(struct config **out, struct ag_error *err)
{
	struct config *config = calloc(1, sizeof(*config));
	enum ag_status status = AG_OK;

	*out = NULL;
	if (config == NULL)
		return ag_fail(err, AG_ENOMEM, "out of memory");
	config->values = calloc(schema_count, sizeof(*config->values));
	if (config->values == NULL)
		status = ag_fail(err, AG_ENOMEM, "out of memory");
	for (size_t i = 0; i < schema_count && status == AG_OK; i++) {
		char text[PATH_MAX];

		config_default_text(i, text);
		status = config_assign(config, i, text, NULL, "default", err);
	}
	if (status != AG_OK) {
		config_free(config);
		return status;
	}
	*out = config;
	return AG_OK;
}

static void
config_read_environment(struct config_layer *layer)
{
	struct document_mark nowhere = { 0, 0 };

	layer->name = "environment";
	for (size_t i = 0; i < schema_count; i++) {
		char variable[64], origin[96];
		struct ag_error err;
		const char *text;

		schema_variable(&schema_keys[i], variable);
		text = getenv(variable);
		if (text == NULL || text[0] == '\0')
			continue;
		(void)snprintf(origin, sizeof(origin), "environment %s",
		    variable);
		if (config_assign(layer->config, i, text, NULL, origin, &err) !=
		    AG_OK)
			config_problem(layer, nowhere, variable, err.text);
	}
}

/* Name where one of two keys that do not fit was set, path's if it was. */
static void
config_blame(struct config_layer *layer, const char *path, const char *other)
{
	const struct config *config = layer->config;
	int key = schema_find(path);

	if (strcmp(config->values[key].origin, "default") == 0)
		key = schema_find(other);
	layer->name = config->values[key].origin;
}

/* What only the whole can be asked for. */
static void
config_check_together(struct config_layer *layer)
{
	const struct config *config = layer->config;
	struct document_mark nowhere = { 0, 0 };

	if (config_duration_ms(config, "net.silent_after") <
	    2 * config_duration_ms(config, "net.heartbeat")) {
		config_blame(layer, "net.silent_after", "net.heartbeat");
		config_problem_f(layer, nowhere, "net.silent_after",
		    "'%s' is too short, expected at least twice net.heartbeat "
		    "(%s)",
		    config_text(config, "net.silent_after"),
		    config_text(config, "net.heartbeat"));
	}
	if (config_u64(config, "consensus.pipeline") >
	    2 * config_u64(config, "consensus.checkpoint_interval")) {
		config_blame(layer, "consensus.pipeline",
		    "consensus.checkpoint_interval");
		config_problem_f(layer, nowhere, "consensus.pipeline",
		    "'%s' is too much, expected at most twice "
		    "consensus.checkpoint_interval (%s)",
		    config_text(config, "consensus.pipeline"),
		    config_text(config, "consensus.checkpoint_interval"));
	}
}

/* Defaults that follow from other values. */
static enum ag_status
config_derive(struct config *config, struct ag_error *err)
{
	size_t key = (size_t)schema_find("node.roster");
	char path[PATH_MAX];
	enum ag_status status;

	if (config->values[key].text[0] != '\0')
		return AG_OK;
	status = fs_join(path, sizeof(path),
	    config_text(config, "node.data_dir"), "roster", err);
	if (status != AG_OK)
		return status;
	return config_assign(config, key, path, NULL, "default", err);
}

/* Hand out what was read, unless something was wrong with it. */
static enum ag_status
config_finish(struct config **out, struct config_layer *layer,
    enum ag_status status)
{
	if (status == AG_OK)
		config_check_together(layer);
	if (status == AG_OK && layer->problem_count > 0)
		status = AG_EINVAL;
	if (status == AG_OK)
		status = config_derive(layer->config, layer->err);
	if (status != AG_OK) {
		config_free(layer->config);
		return status;
	}
	*out = layer->config;
	return AG_OK;
}

enum ag_status
config_load(struct config **out, const char *path, struct buf *problems,
    struct ag_error *err)
{
	struct config_layer layer = { .problems = problems, .err = err };
	char user[PATH_MAX];
	enum ag_status status;

	*out = NULL;
	status = config_new(&layer.config, err);
	if (status != AG_OK)
		return status;
	if (path != NULL) {
		status = config_read_file(&layer, path, false);
	} else {
		status = config_read_file(&layer, CONFIG_SYSTEM_FILE, true);
		if (status == AG_OK &&
		    config_user_path(user, "XDG_CONFIG_HOME", ".config",
			"aegis/aegis.yaml"))
			status = config_read_file(&layer, user, true);
	}
	if (status == AG_OK)
		config_read_environment(&layer);
	return config_finish(out, &layer, status);
}

enum ag_status
config_parse(struct config **out, struct bytes text, const char *name,
    struct buf *problems, struct ag_error *err)
{
	struct config_layer layer = {
		.name = name,
		.problems = problems,
		.err = err,
	};
	enum ag_status status;

	*out = NULL;
	status = config_new(&layer.config, err);
	if (status != AG_OK)
		return status;
	status = config_read_text(&layer, text);
	return config_finish(out, &layer, status);
}

void
config_free(struct config *config)
{
	if (config == NULL)
		return;
	for (size_t i = 0; config->values != NULL && i < schema_count; i++) {
		free(config->values[i].text);
		free(config->values[i].origin);
	}
	free(config->values);
	free(config->file);
	free(config);
}

enum ag_status
config_set(struct config *config, const char *path, const char *text,
    const char *origin, struct ag_error *err)
{
	const char *nearest;
	int key = schema_find(path);
	enum ag_status status;

	if (key == -1) {
		nearest = schema_nearest(path);
		return ag_fail(err, AG_ENOENT, "%s: unknown key%s%s%s", path,
		    nearest != NULL ? ", did you mean " : "",
		    nearest != NULL ? nearest : "", nearest != NULL ? "?" : "");
	}
	status = config_assign(config, (size_t)key, text, NULL, origin, err);
	if (status != AG_OK)
		ag_error_prefix(err, "%s: %s", origin, path);
	return status;
}

static const struct config_value *
config_value(const struct config *config, const char *path,
    enum schema_kind kind)
{
	int key = schema_find(path);

	AG_ASSERT(key != -1);
	AG_ASSERT(schema_keys[key].kind == kind);
	return &config->values[key];
}

const char *
config_text(const struct config *config, const char *path)
{
	int key = schema_find(path);

	AG_ASSERT(key != -1);
	return config->values[key].text;
}

uint64_t
config_u64(const struct config *config, const char *path)
{
	int key = schema_find(path);

	AG_ASSERT(key != -1);
	AG_ASSERT(schema_keys[key].kind == SCHEMA_COUNT ||
	    schema_keys[key].kind == SCHEMA_MODE);
	return config->values[key].number;
}

uint64_t
config_duration_ms(const struct config *config, const char *path)
{
	return config_value(config, path, SCHEMA_DURATION)->number;
}

uint64_t
config_size(const struct config *config, const char *path)
{
	return config_value(config, path, SCHEMA_SIZE)->number;
}

const char *
config_shown(const struct config *config, size_t key)
{
	AG_ASSERT(key < schema_count);
	if (schema_keys[key].is_secret && config->values[key].text[0] != '\0')
		return "***";
	return config->values[key].text;
}

const char *
config_origin(const struct config *config, size_t key)
{
	AG_ASSERT(key < schema_count);
	return config->values[key].origin;
}

const char *
config_file(const struct config *config)
{
	return config->file;
}

void
config_diff(const struct config *old, const struct config *new,
    config_diff_fn *fn, void *arg)
{
	for (size_t i = 0; i < schema_count; i++) {
		if (strcmp(old->values[i].text, new->values[i].text) != 0)
			fn(arg, &schema_keys[i], config_shown(old, i),
			    config_shown(new, i));
	}
}
