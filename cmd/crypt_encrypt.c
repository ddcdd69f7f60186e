/*
 * aegis crypt encrypt: a file to keys or to a passphrase, as age does it.
 */
#include "cmd/crypt_encrypt.h"

#include <stdlib.h>
#include <unistd.h>

#include "cmd/crypt_file.h"
#include "cmd/crypt_keys.h"
#include "cmd/exit.h"
#include "cmd/passphrase.h"

#define READ_BYTES ((size_t)512 << 10)

const struct applet_option crypt_encrypt_options[] = {
	CRYPT_RECIPIENT_OPTIONS,
	PASSPHRASE_OPTIONS,
	PASSPHRASE_WORK_OPTION,
	{ 'a', "armor", NULL, "write text, for mail and terminals" },
	CRYPT_OUT_OPTIONS,
	OPTIONS_END,
};

static enum ag_status
write_payload(struct stream_writer *writer, struct crypt_source *from,
    struct ag_error *err)
{
	uint8_t *piece = malloc(READ_BYTES);
	enum ag_status status = AG_OK;
	size_t len = 1;

	if (piece == NULL)
		return ag_fail(err, AG_ENOMEM, "read %s: out of memory",
		    from->name);
	while (status == AG_OK && len > 0) {
		status = crypt_source_get(from, piece, READ_BYTES, &len, err);
		if (status == AG_OK && len > 0)
			status = stream_writer_put(writer, bytes_of(piece, len),
			    err);
	}
	secret_wipe(piece, READ_BYTES);
	free(piece);
	return status == AG_OK ? stream_writer_finish(writer, err) : status;
}

static enum ag_status
write_file(struct bytes header, const struct secret *file_key,
    struct crypt_source *from, struct crypt_sink *to, struct ag_error *err)
{
	enum ag_status status = crypt_sink_put(to, header, err);
	struct stream_writer *writer = NULL;

	if (status == AG_OK)
		status = stream_writer_open(&writer, file_key, NULL,
		    crypt_sink_put, to, err);
	if (status == AG_OK)
		status = write_payload(writer, from, err);
	stream_writer_close(writer);
	return status;
}

static int
encrypt_with(const struct applet_call *call, struct bytes header,
    const struct secret *file_key)
{
	struct crypt_source from;
	struct crypt_sink to;
	struct ag_error err;
	enum ag_status status = crypt_source_open(&from, call, &err);

	if (status != AG_OK)
		return exit_fail_local(call, &err);
	status = crypt_sink_open(&to, call, 0666, &err);
	if (status == AG_OK) {
		status = write_file(header, file_key, &from, &to, &err);
		status = crypt_sink_close(&to, status, &err);
	}
	crypt_source_close(&from);
	return status == AG_OK ? EXIT_YES : exit_fail_local(call, &err);
}

/* For whom the options say. */
static enum ag_status
make_header(struct buf *header, const struct applet_call *call,
    const struct secret *file_key, struct ag_error *err)
{
	struct secret *passphrase;
	enum ag_status status = passphrase_option(&passphrase, call, true, err);

	if (status == AG_OK)
		status =
		    crypt_make_header(header, call, file_key, passphrase, err);
	secret_free(passphrase);
	return status;
}

int
crypt_encrypt(struct applet_call *call)
{
	struct secret *file_key;
	enum ag_status status;
	struct ag_error err;
	struct buf header;
	int code;

	if (!options_has(&call->options, "out") &&
	    !options_has(&call->options, "armor") && isatty(STDOUT_FILENO))
		return applet_usage(call,
		    "standard output is a terminal: give -o FILE, or -a for "
		    "text");
	buf_init(&header, AGE_HEADER_BYTES_MAX);
	file_key = secret_random(AGE_FILE_KEY_BYTES);
	status = file_key != NULL
	    ? make_header(&header, call, file_key, &err)
	    : ag_fail(&err, AG_ENOMEM, "encrypt: out of memory");
	if (status == AG_EINVAL)
		code = applet_usage(call, "%s", err.text);
	else if (status != AG_OK)
		code = exit_fail_local(call, &err);
	else
		code = encrypt_with(call, buf_bytes(&header), file_key);
	secret_free(file_key);
	buf_fini(&header);
	return code;
}
