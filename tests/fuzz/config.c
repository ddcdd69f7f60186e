/*
 * Configuration files from anywhere.
 *
 * Oracle: what is refused has at least one problem, each on one line that
 * begins with the file's name; what is accepted has none and is accepted
 * again when written out as an example with the same values.
 */
#include "config/config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/example.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define SETTINGS_MAX 64

static void
check_problems(const struct buf *problems)
{
	const uint8_t *line = problems->data;
	const uint8_t *end = problems->data + problems->len;

	AG_ASSERT(problems->len > 0);
	while (line < end) {
		const uint8_t *stop = memchr(line, '\n', (size_t)(end - line));

		AG_ASSERT(stop != NULL);
		AG_ASSERT(stop - line > 2);
		AG_ASSERT(memcmp(line, "f:", 2) == 0);
		line = stop + 1;
	}
}

static void
check_round_trip(const struct config *config)
{
	struct example_setting settings[SETTINGS_MAX];
	struct config *again;
	struct ag_error err;
	struct buf text;

	AG_ASSERT(schema_count <= SETTINGS_MAX);
	for (size_t i = 0; i < schema_count; i++) {
		settings[i].path = schema_keys[i].path;
		settings[i].value = config_text(config, schema_keys[i].path);
	}
	buf_init(&text, 16U << 20);
	AG_ASSERT(example_write(&text, settings, schema_count) == AG_OK);
	if (text.len <= (1U << 20)) {
		AG_ASSERT(config_parse(&again, buf_bytes(&text), "f", NULL,
			      &err) == AG_OK);
		for (size_t i = 0; i < schema_count; i++)
			AG_ASSERT(
			    strcmp(settings[i].value,
				config_text(again, settings[i].path)) == 0);
		config_free(again);
	}
	buf_fini(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct config *config;
	struct ag_error err;
	struct buf problems;
	enum ag_status status;

	buf_init(&problems, 64U << 20);
	status =
	    config_parse(&config, bytes_of(data, len), "f", &problems, &err);
	if (status == AG_EINVAL)
		check_problems(&problems);
	if (status == AG_OK) {
		AG_ASSERT(problems.len == 0);
		check_round_trip(config);
		config_free(config);
	}
	buf_fini(&problems);
	return 0;
}
