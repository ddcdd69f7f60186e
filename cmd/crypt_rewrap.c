/*
 * aegis crypt rewrap: the same file to other recipients.
 *
 * The file key and the salt stay, so the payload comes out the same to the
 * byte; it is opened on the way, because what is damaged must not be given a
 * new header and taken for sound.  Who could open the file before, and kept
 * its key, can still: the manual says so.
 */
#include "cmd/crypt_rewrap.h"

#include "cmd/crypt_decrypt.h"
#include "cmd/crypt_file.h"
#include "cmd/crypt_keys.h"
#include "cmd/exit.h"
#include "cmd/passphrase.h"
#include "cmd/pin.h"

const struct applet_option crypt_rewrap_options[] = {
	{ 'i', "identity", "FILE",
	    "private key that opens it; or a pkcs11: URI" },
	PIN_OPTIONS,
	PASSPHRASE_OPTIONS,
	CRYPT_RECIPIENT_OPTIONS,
	{ 0, "new-passphrase", NULL, "ask for the new one, twice" },
	{ 0, "new-passphrase-fd", "N",
	    "read the new one's line from descriptor N" },
	PASSPHRASE_WORK_OPTION,
	{ 'a', "armor", NULL, "write text, for mail and terminals" },
	CRYPT_OUT_OPTIONS,
	OPTIONS_END,
};

static enum ag_status
copy_payload(struct stream_reader *reader, const struct secret *file_key,
    struct crypt_sink *to, struct ag_error *err)
{
	struct stream_writer *writer;
	struct bytes plain = { 0 };
	enum ag_status status = stream_writer_open(&writer, file_key,
	    stream_reader_salt(reader), crypt_sink_put, to, err);

	while (status == AG_OK) {
		status = stream_reader_next(reader, &plain, err);
		if (status != AG_OK || plain.len == 0)
			break;
		status = stream_writer_put(writer, plain, err);
	}
	if (status == AG_OK)
		status = stream_writer_finish(writer, err);
	stream_writer_close(writer);
	return status;
}

static enum ag_status
write_file(const struct applet_call *call, struct age_input *in,
    const struct secret *file_key, struct bytes header, struct ag_error *err)
{
	struct stream_reader *reader;
	struct crypt_sink to;
	enum ag_status status =
	    stream_reader_open(&reader, file_key, age_input_get, in, err);

	if (status == AG_OK)
		status = crypt_sink_open(&to, call, 0666, err);
	if (status == AG_OK) {
		status = crypt_sink_put(&to, header, err);
		if (status == AG_OK)
			status = copy_payload(reader, file_key, &to, err);
		status = crypt_sink_close(&to, status, err);
	}
	stream_reader_close(reader);
	return status;
}

static int
rewrap_with(const struct applet_call *call, const struct crypt_source *from,
    struct age_input *in, const struct secret *file_key)
{
	struct secret *passphrase;
	struct ag_error err;
	struct buf header;
	enum ag_status status = passphrase_new_option(&passphrase, call, &err);
	int code = EXIT_YES;

	buf_init(&header, AGE_HEADER_BYTES_MAX);
	if (status == AG_OK)
		status = crypt_make_header(&header, call, file_key, passphrase,
		    &err);
	secret_free(passphrase);
	if (status == AG_EINVAL) {
		code = applet_usage(call, "%s", err.text);
	} else {
		if (status == AG_OK)
			status = write_file(call, in, file_key,
			    buf_bytes(&header), &err);
		code = crypt_tell(call, from->name, status, &err);
	}
	buf_fini(&header);
	return code;
}

static int
rewrap_source(const struct applet_call *call, struct crypt_source *from)
{
	struct secret *file_key = NULL;
	struct age_input *in = NULL;
	struct ag_error err = { 0 };
	int code = crypt_open_input(&in, call, from);

	if (code == EXIT_YES) {
		enum ag_status status = crypt_unlock(&file_key, call, in, &err);

		code = status == AG_OK
		    ? rewrap_with(call, from, in, file_key)
		    : crypt_tell(call, from->name, status, &err);
	}
	secret_free(file_key);
	age_input_close(in);
	return code;
}

int
crypt_rewrap(struct applet_call *call)
{
	struct crypt_source from;
	struct ag_error err;
	int code;

	if (!options_has(&call->options, "out"))
		return applet_usage(call,
		    "missing -o FILE: nothing is printed before it is known "
		    "to be whole");
	if (crypt_source_open(&from, call, &err) != AG_OK)
		return exit_fail_local(call, &err);
	code = rewrap_source(call, &from);
	crypt_source_close(&from);
	return code;
}
