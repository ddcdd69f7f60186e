/*
 * aegis config: what is configured, whether it is right, and what could be.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/applet.h"
#include "cmd/display.h"
#include "cmd/exit.h"
#include "cmd/json.h"
#include "cmd/output.h"
#include "config/config.h"
#include "config/example.h"

#define PROBLEM_BYTES_MAX (4U << 20)

static void
config_print_problems_json(const struct buf *problems, const char *file)
{
	struct bytes rest = buf_bytes(problems);
	struct json json;

	json_init(&json, stdout);
	json_object_begin(&json);
	json_key(&json, "v");
	json_number(&json, 1);
	json_key(&json, "file");
	json_text(&json, file);
	json_key(&json, "valid");
	json_bool(&json, problems->len == 0);
	json_key(&json, "problems");
	json_array_begin(&json);
	while (rest.len > 0) {
		const uint8_t *end = memchr(rest.data, '\n', rest.len);
		size_t len = end != NULL ? (size_t)(end - rest.data) : rest.len;

		json_bytes(&json, bytes_of(rest.data, len));
		len += end != NULL;
		rest = bytes_of(rest.data + len, rest.len - len);
	}
	json_array_end(&json);
	json_object_end(&json);
	json_line_end(&json);
}

/* Each line of problems on stderr, safe for a terminal. */
static void
config_print_problems(const struct buf *problems)
{
	struct bytes rest = buf_bytes(problems);

	while (rest.len > 0) {
		const uint8_t *end = memchr(rest.data, '\n', rest.len);
		size_t len = end != NULL ? (size_t)(end - rest.data) : rest.len;

		display_print(stderr, bytes_of(rest.data, len));
		(void)fputc('\n', stderr);
		len += end != NULL;
		rest = bytes_of(rest.data + len, rest.len - len);
	}
}

static int
config_told(const struct applet_call *call, const struct config *config,
    const char *file, const struct buf *problems)
{
	struct ag_error err;

	if (file == NULL && config != NULL)
		file = config_file(config);
	if (file == NULL)
		file = "built-in defaults";
	if (call->output == OUTPUT_JSON || call->output == OUTPUT_JSONL)
		config_print_problems_json(problems, file);
	else if (problems->len > 0)
		config_print_problems(problems);
	else if (!call->is_quiet)
		(void)printf("%s: valid\n", file);
	if (output_flush(stdout, &err) != AG_OK)
		return exit_fail(call, &err);
	return problems->len > 0 ? EXIT_LOCAL : EXIT_YES;
}

static int
config_check(struct applet_call *call)
{
	const char *path =
	    call->operand_count > 0 ? call->operands[0] : call->config_path;
	struct config *config = NULL;
	struct ag_error err;
	struct buf problems;
	enum ag_status status;
	int code;

	buf_init(&problems, PROBLEM_BYTES_MAX);
	status = config_load(&config, path, &problems, &err);
	if (status != AG_OK && problems.len == 0)
		code = exit_fail_local(call, &err);
	else
		code = config_told(call, config, path, &problems);
	config_free(config);
	buf_fini(&problems);
	return code;
}

/* Complain about a key that is not there, in the way of a mistyped word. */
static int
config_no_key(const struct applet_call *call, const char *path)
{
	const char *nearest = schema_nearest(path);

	if (nearest != NULL)
		return applet_usage(call, "unknown key '%s'; did you mean %s?",
		    path, nearest);
	return applet_usage(call,
	    "unknown key '%s'; 'aegis config keys' lists them", path);
}

static const struct output_column config_show_columns[] = {
	{ "key", NULL, 0 },
	{ "value", NULL, OUTPUT_VALUE_COLUMN },
	{ NULL, NULL, 0 },
};

static const struct output_column config_origin_columns[] = {
	{ "key", NULL, 0 },
	{ "value", NULL, OUTPUT_VALUE_COLUMN },
	{ "origin", NULL, 0 },
	{ NULL, NULL, 0 },
};

/* only -1: every key. */
static enum ag_status
config_print(const struct applet_call *call, const struct config *config,
    int only, struct ag_error *err)
{
	bool with_origin = options_has(&call->options, "origin");
	struct output *out;
	enum ag_status status;

	status = output_new(&out, call, stdout, "settings",
	    with_origin ? config_origin_columns : config_show_columns, err);
	if (status != AG_OK)
		return status;
	for (size_t i = 0; i < schema_count; i++) {
		if (only != -1 && (size_t)only != i)
			continue;
		output_text(out, schema_keys[i].path);
		output_text(out, config_shown(config, i));
		if (with_origin)
			output_text(out, config_origin(config, i));
		output_row(out);
	}
	return output_end(out, err);
}

/* The flag layer: --socket is the one flag that is also a key. */
static enum ag_status
config_load_call(struct config **config, const struct applet_call *call,
    struct buf *problems, struct ag_error *err)
{
	const char *socket = options_text(&call->options, "socket");
	enum ag_status status;

	status = config_load(config, call->config_path, problems, err);
	if (status != AG_OK || socket == NULL)
		return status;
	status = config_set(*config, "api.socket", socket, "--socket", err);
	if (status != AG_OK)
		config_free(*config);
	return status;
}

static int
config_show(struct applet_call *call)
{
	struct config *config;
	struct ag_error err;
	struct buf problems;
	enum ag_status status;
	int only = -1;
	int code;

	if (call->operand_count > 0) {
		only = schema_find(call->operands[0]);
		if (only == -1)
			return config_no_key(call, call->operands[0]);
	}
	buf_init(&problems, PROBLEM_BYTES_MAX);
	status = config_load_call(&config, call, &problems, &err);
	if (status != AG_OK) {
		if (problems.len > 0 && call->output != OUTPUT_JSON)
			config_print_problems(&problems);
		code = problems.len > 0 && call->output != OUTPUT_JSON
		    ? EXIT_LOCAL
		    : exit_fail_local(call, &err);
		buf_fini(&problems);
		return code;
	}
	buf_fini(&problems);
	/* One key asked for on a terminal or in a script is its value. */
	if (only != -1 && call->output == OUTPUT_TABLE &&
	    !options_has(&call->options, "origin"))
		call->output = OUTPUT_VALUE;
	status = config_print(call, config, only, &err);
	config_free(config);
	return status == AG_OK ? EXIT_YES : exit_fail(call, &err);
}

static const struct output_column config_keys_columns[] = {
	{ "key", NULL, OUTPUT_VALUE_COLUMN },
	{ "type", NULL, 0 },
	{ "default", NULL, 0 },
	{ "reloadable", "RELOAD", 0 },
	{ "variable", NULL, OUTPUT_WIDE_ONLY },
	{ "doc", NULL, OUTPUT_WIDE_ONLY },
	{ NULL, NULL, 0 },
};

static void
config_key_row(struct output *out, const struct schema_key *key)
{
	char range[SCHEMA_RANGE_BYTES];
	char variable[64];

	schema_describe(key, range);
	schema_variable(key, variable);
	output_text(out, key->path);
	output_text(out, range);
	output_text(out, key->value);
	output_bool(out, key->is_reloadable);
	output_text(out, variable);
	output_text(out, key->doc);
	output_row(out);
}

static int
config_keys(struct applet_call *call)
{
	struct output *out;
	struct ag_error err;

	if (output_new(&out, call, stdout, "keys", config_keys_columns, &err) !=
	    AG_OK)
		return exit_fail(call, &err);
	for (size_t i = 0; i < schema_count; i++)
		config_key_row(out, &schema_keys[i]);
	if (output_end(out, &err) != AG_OK)
		return exit_fail(call, &err);
	return EXIT_YES;
}

static const struct output_column config_explain_columns[] = {
	{ "key", NULL, 0 },
	{ "type", NULL, 0 },
	{ "default", NULL, 0 },
	{ "reloadable", NULL, 0 },
	{ "variable", NULL, 0 },
	{ "doc", NULL, OUTPUT_VALUE_COLUMN },
	{ NULL, NULL, 0 },
};

static int
config_explain(struct applet_call *call)
{
	int key = schema_find(call->operands[0]);
	struct output *out;
	struct ag_error err;

	if (key == -1)
		return config_no_key(call, call->operands[0]);
	if (output_new(&out, call, stdout, NULL, config_explain_columns,
		&err) != AG_OK)
		return exit_fail(call, &err);
	config_key_row(out, &schema_keys[key]);
	if (output_end(out, &err) != AG_OK)
		return exit_fail(call, &err);
	return EXIT_YES;
}

static int
config_example(struct applet_call *call)
{
	struct ag_error err = { 0 };
	struct buf text;
	enum ag_status status;

	buf_init(&text, PROBLEM_BYTES_MAX);
	status = example_write(&text, NULL, 0);
	if (status != AG_OK) {
		(void)ag_fail(&err, status, "%s", ag_status_text(status));
	} else {
		(void)fwrite(text.data, 1, text.len, stdout);
		status = output_flush(stdout, &err);
	}
	buf_fini(&text);
	return status == AG_OK ? EXIT_YES : exit_fail(call, &err);
}

static const struct applet_option config_show_options[] = {
	{ 0, "origin", NULL, "say which layer set each value" },
	OPTIONS_END,
};

static const struct applet_command config_commands[] = {
	{ "check", "[FILE]", "say everything that is wrong with a file", NULL,
	    config_check },
	{ "show", "[KEY]", "print the values in force", config_show_options,
	    config_show },
	{ "keys", "", "list every key with type and default", NULL,
	    config_keys },
	{ "explain", "KEY", "say what a key is for", NULL, config_explain },
	{ "example", "", "print a file with every key explained", NULL,
	    config_example },
	{ NULL, NULL, NULL, NULL, NULL },
};

static const char *const config_examples[] = {
	"aegis config check /etc/aegis/aegis.yaml",
	"aegis config show --origin",
	"aegis config explain consensus.view_timeout",
	NULL,
};

const struct applet applet_config = {
	.name = "config",
	.summary = "check, show and explain the configuration",
	.commands = config_commands,
	.examples = config_examples,
	.flags = APPLET_OFFLINE,
};
