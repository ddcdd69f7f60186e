/*
 * aegis crypt decrypt: what age encrypted, whole or not at all.
 *
 * RULES    1. Nothing comes out before it was verified, and without --stream
 *             nothing before all of it was: into a file, which appears at
 *             the end; to standard output a regular file is read twice, and
 *             of anything else no more than is held in memory is taken.
 *          2. Whatever fails once a key was tried is told in one sentence,
 *             and why under -v alone: whoever sends files and sees answers
 *             shall learn nothing from them.
 *          3. --range verifies the last chunk, and with it how long the file
 *             is, before it reads its own.
 */
#include "cmd/crypt_decrypt.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/crypt_file.h"
#include "cmd/crypt_keys.h"
#include "cmd/crypt_range.h"
#include "cmd/exit.h"
#include "cmd/passphrase.h"
#include "cmd/pin.h"

/* Of what is not a regular file. */
#define HELD_BYTES_MAX ((size_t)1 << 20)

const struct applet_option crypt_decrypt_options[] = {
	{ 'i', "identity", "FILE",
	    "private key that opens it; or a pkcs11: URI" },
	PIN_OPTIONS,
	PASSPHRASE_OPTIONS,
	{ 0, "range", "FROM-TO", "only these bytes of it, from 0" },
	{ 0, "stream", NULL, "print as far as it is verified" },
	CRYPT_OUT_OPTIONS,
	OPTIONS_END,
};

struct decrypt_job {
	const struct applet_call *call;
	struct crypt_source from;
	struct age_input *in;
	struct secret *file_key;
	struct stream_reader *reader;
};

static void
close_input(struct decrypt_job *job)
{
	stream_reader_close(job->reader);
	age_input_close(job->in);
	job->reader = NULL;
	job->in = NULL;
}

static enum ag_status
open_reader(struct decrypt_job *job, struct ag_error *err)
{
	return stream_reader_open(&job->reader, job->file_key, age_input_get,
	    job->in, err);
}

/* All of it to a sink, which may be none. */
static enum ag_status
copy_all(struct decrypt_job *job, stream_sink_fn *sink, void *arg,
    struct ag_error *err)
{
	enum ag_status status;
	struct bytes plain;

	for (;;) {
		status = stream_reader_next(job->reader, &plain, err);
		if (status != AG_OK || plain.len == 0)
			return status;
		if (sink != NULL)
			status = sink(arg, plain, err);
		if (status != AG_OK)
			return status;
	}
}

/* Once to see whether it is whole, and then once more. */
static enum ag_status
copy_twice(struct decrypt_job *job, struct crypt_sink *to, struct ag_error *err)
{
	enum ag_status status = copy_all(job, NULL, NULL, err);

	close_input(job);
	if (status == AG_OK)
		status = crypt_source_seek(&job->from, 0, err);
	if (status == AG_OK)
		status =
		    age_input_open(&job->in, crypt_source_get, &job->from, err);
	if (status == AG_OK)
		status = age_input_check(job->in, job->file_key, err);
	if (status == AG_OK)
		status = open_reader(job, err);
	return status == AG_OK ? copy_all(job, crypt_sink_put, to, err)
			       : status;
}

static enum ag_status
hold(void *arg, struct bytes data, struct ag_error *err)
{
	struct buf *held = arg;

	if (buf_append(held, data.data, data.len) == AG_OK)
		return AG_OK;
	return ag_fail(err, AG_EREFUSED,
	    "it is too long to be held until it is known to be whole: give -o "
	    "FILE, or --stream to print as far as it is verified");
}

static enum ag_status
copy_held(struct decrypt_job *job, struct crypt_sink *to, struct ag_error *err)
{
	enum ag_status status;
	struct buf held;

	buf_init(&held, HELD_BYTES_MAX);
	status = buf_reserve(&held, HELD_BYTES_MAX);
	if (status == AG_OK)
		status = copy_all(job, hold, &held, err);
	else
		status = ag_fail(err, status, "decrypt: out of memory");
	if (status == AG_OK)
		status = crypt_sink_put(to, buf_bytes(&held), err);
	if (held.data != NULL)
		secret_wipe(held.data, held.cap);
	buf_fini(&held);
	return status;
}

static enum ag_status
copy_out(struct decrypt_job *job, struct crypt_sink *to, struct ag_error *err)
{
	const struct options *o = &job->call->options;

	if (options_has(o, "range"))
		return crypt_range_copy(options_text(o, "range"), &job->from,
		    job->in, job->reader, to, err);
	if (to->file != NULL || options_has(o, "stream"))
		return copy_all(job, crypt_sink_put, to, err);
	return job->from.is_regular ? copy_twice(job, to, err)
				    : copy_held(job, to, err);
}

static enum ag_status
write_out(struct decrypt_job *job, struct ag_error *err)
{
	struct crypt_sink to;
	enum ag_status status = open_reader(job, err);

	if (status == AG_OK)
		status = crypt_sink_open(&to, job->call, 0600, err);
	if (status != AG_OK)
		return status;
	status = copy_out(job, &to, err);
	return crypt_sink_close(&to, status, err);
}

/* Rule 2. */
static int
fail_closed(const struct applet_call *call, const char *name,
    const struct ag_error *err)
{
	struct ag_error told = { 0 };

	(void)ag_fail(&told, AG_EFORGED,
	    "%s does not decrypt: it is for another key or passphrase, or "
	    "damaged%s%s",
	    name, call->verbosity > 0 ? ": " : "",
	    call->verbosity > 0 ? err->text : "");
	return exit_fail(call, &told);
}

int
crypt_tell(const struct applet_call *call, const char *name,
    enum ag_status status, const struct ag_error *err)
{
	if (status == AG_OK)
		return EXIT_YES;
	return status == AG_EFORGED || status == AG_ECORRUPT
	    ? fail_closed(call, name, err)
	    : exit_fail_local(call, err);
}

int
crypt_open_input(struct age_input **in, const struct applet_call *call,
    struct crypt_source *from)
{
	struct ag_error err = { 0 };
	enum ag_status status =
	    age_input_open(in, crypt_source_get, from, &err);

	if (status != AG_OK) {
		ag_error_prefix(&err, "read %s", from->name);
		return status == AG_ELIMIT
		    ? exit_fail_code(call, &err, EXIT_REFUSED)
		    : exit_fail(call, &err);
	}
	if (crypt_lacks_identity(call, *in))
		return applet_usage(call,
		    "%s is encrypted to keys: give one of them with -i",
		    from->name);
	return EXIT_YES;
}

static int
decrypt_source(struct decrypt_job *job)
{
	int code = crypt_open_input(&job->in, job->call, &job->from);
	struct ag_error err = { 0 };
	enum ag_status status;

	if (code != EXIT_YES)
		return code;
	status = crypt_unlock(&job->file_key, job->call, job->in, &err);
	if (status != AG_OK)
		return crypt_tell(job->call, job->from.name, status, &err);
	status = write_out(job, &err);
	if (status == AG_EINVAL)
		return applet_usage(job->call, "%s: %s", job->from.name,
		    err.text);
	return crypt_tell(job->call, job->from.name, status, &err);
}

int
crypt_decrypt(struct applet_call *call)
{
	struct decrypt_job job = { .call = call };
	struct ag_error err;
	int code;

	if (options_has(&call->options, "stream") &&
	    (options_has(&call->options, "out") ||
		options_has(&call->options, "range")))
		return applet_usage(call,
		    "--stream is for all of it, to standard output");
	if (crypt_source_open(&job.from, call, &err) != AG_OK)
		return exit_fail_local(call, &err);
	code = decrypt_source(&job);
	close_input(&job);
	secret_free(job.file_key);
	crypt_source_close(&job.from);
	return code;
}
