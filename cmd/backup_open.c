/*
 * What the backup commands share.
 */
#include "cmd/backup_open.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "cmd/exit.h"
#include "cmd/passphrase.h"
#include "codec/text.h"
#include "crypto/recipient.h"
#include "trust/chain.h"

#define MIB 1048576.0

const struct output_column backup_open_columns[] = {
	{ "name", "BACKUP", 0 },
	{ "id", NULL, OUTPUT_VALUE_COLUMN | OUTPUT_WIDE_ONLY },
	{ "cluster", NULL, OUTPUT_WIDE_ONLY },
	{ "cluster_id", NULL, OUTPUT_WIDE_ONLY },
	{ "number", NULL, OUTPUT_RIGHT | OUTPUT_WIDE_ONLY },
	{ "previous", NULL, OUTPUT_WIDE_ONLY },
	{ "epoch", NULL, OUTPUT_RIGHT | OUTPUT_WIDE_ONLY },
	{ "seq", NULL, OUTPUT_RIGHT },
	{ "time", "STATE OF", 0 },
	{ "created", NULL, 0 },
	{ "bytes", NULL, OUTPUT_RIGHT },
	{ "stored_bytes", "STORED", OUTPUT_RIGHT },
	{ "packs", NULL, OUTPUT_RIGHT },
	{ NULL, NULL, 0 },
};

enum ag_status
backup_open_repository(struct repository **repo, const struct applet_call *call,
    bool create, struct ag_error *err)
{
	const char *dir = options_text(&call->options, "repo");

	*repo = NULL;
	if (dir == NULL || *dir == '\0')
		return ag_fail(err, AG_EINVAL, "--repo DIR is needed");
	return repository_open(repo, dir, create, err);
}

enum ag_status
backup_open_key(struct secret **key, const struct applet_call *call,
    struct ag_error *err)
{
	const char *path = options_text(&call->options, "identity");
	struct secret *passphrase, *text = NULL;
	enum ag_status status;

	*key = NULL;
	if (path == NULL)
		return AG_OK;
	status = passphrase_option(&passphrase, call, false, err);
	if (status != AG_OK)
		return status;
	status = secret_read_file(&text, path, RECIPIENT_FILE_BYTES_MAX, err);
	if (status == AG_OK && passphrase == NULL &&
	    recipient_key_is_sealed(secret_bytes(text)))
		status = passphrase_prompt(&passphrase,
		    "Passphrase of the backup key: ", err);
	if (status == AG_OK)
		status = recipient_parse_key(key, secret_bytes(text),
		    passphrase, path, err);
	secret_free(text);
	secret_free(passphrase);
	return status;
}

enum ag_status
backup_open_roster(struct roster **roster, const struct applet_call *call,
    struct ag_error *err)
{
	const char *path = options_text(&call->options, "roster");
	enum ag_status status;

	*roster = NULL;
	if (path == NULL)
		return AG_OK;
	*roster = calloc(1, sizeof(**roster));
	if (*roster == NULL)
		return ag_fail(err, AG_ENOMEM, "read %s: out of memory", path);
	status = chain_load(*roster, path, err);
	if (status != AG_OK) {
		free(*roster);
		*roster = NULL;
	}
	return status;
}

enum ag_status
backup_open_rosters(struct buf *rosters, const struct applet_call *call,
    struct ag_error *err)
{
	const char *path = options_text(&call->options, "roster");

	buf_init(rosters, CHAIN_BYTES_MAX);
	return path == NULL ? AG_OK : fs_read_file(path, rosters, err);
}

static void
row_hex(struct output *out, const uint8_t *data)
{
	char text[TEXT_HEX_BYTES(DIGEST_BYTES)];

	text_hex(text, sizeof(text), bytes_of(data, DIGEST_BYTES));
	output_text(out, text);
}

static void
row_time(struct output *out, uint64_t time_ms)
{
	char text[CLOCK_TEXT_BYTES];

	clock_format_ms(time_ms, text);
	output_text(out, text);
}

void
backup_open_row(struct output *out, const struct repository_entry *entry,
    const struct manifest *m)
{
	output_printf(out, "%s-%llu", m->cluster,
	    (unsigned long long)m->number);
	row_hex(out, entry->id.data);
	output_text(out, m->cluster);
	row_hex(out, m->scope.cluster_id);
	output_u64(out, m->number);
	if (m->has_previous)
		row_hex(out, m->previous.data);
	else
		output_null(out);
	output_u64(out, m->scope.epoch);
	output_u64(out, m->seq);
	row_time(out, m->time_ms);
	row_time(out, m->created_ms);
	output_u64(out, m->bytes);
	output_u64(out, m->stored_bytes);
	output_u64(out, m->pack_count);
	output_row(out);
}

int
backup_open_tell(const struct applet_call *call,
    const struct repository_entry *entry, const struct manifest *m)
{
	struct output *out;
	struct ag_error err;

	if (call->is_quiet)
		return EXIT_YES;
	if (output_new(&out, call, stdout, NULL, backup_open_columns, &err) !=
	    AG_OK)
		return exit_fail(call, &err);
	backup_open_row(out, entry, m);
	if (output_end(out, &err) != AG_OK)
		return exit_fail(call, &err);
	return EXIT_YES;
}

static bool
shows_progress(const struct applet_call *call)
{
	return !call->is_quiet && isatty(STDERR_FILENO) == 1;
}

void
backup_open_progress(void *arg, uint64_t done, uint64_t bytes)
{
	const struct applet_call *call = arg;

	if (!shows_progress(call))
		return;
	if (bytes == 0)
		(void)fprintf(stderr, "\r%.1f MiB ", (double)done / MIB);
	else
		(void)fprintf(stderr, "\r%.1f of %.1f MiB ", (double)done / MIB,
		    (double)bytes / MIB);
}

void
backup_open_progress_end(const struct applet_call *call)
{
	if (shows_progress(call))
		(void)fputs("\r\033[K", stderr);
}
