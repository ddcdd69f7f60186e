/*
 * Status names, error sentences and the assertion that stays in.
 *
 * The name table is an interface: scripts match these words under `-o json`,
 * and the exit codes of aegis(1) follow from the status.  Names are only
 * ever added.
 */
#include "base/status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	const char *text;
} statuses[AG_STATUS_COUNT] = {
	[AG_OK] = { "OK", "success" },
	[AG_ENOMEM] = { "NO_MEMORY", "out of memory" },
	[AG_ESYS] = { "SYSTEM", "the operating system refused" },
	[AG_EINVAL] = { "INVALID", "invalid value" },
	[AG_ENOENT] = { "NOT_FOUND", "not found" },
	[AG_EEXIST] = { "EXISTS", "exists already" },
	[AG_EBUSY] = { "BUSY", "busy" },
	[AG_ELIMIT] = { "LIMIT", "a limit would be exceeded" },
	[AG_ECORRUPT] = { "CORRUPT", "damaged" },
	[AG_EVERSION] = { "VERSION", "unsupported version" },
	[AG_EPROTO] = { "PROTOCOL", "protocol error" },
	[AG_EFORGED] = { "VERIFICATION_FAILED", "verification failed" },
	[AG_EDENIED] = { "DENIED", "not allowed" },
	[AG_EUNREACH] = { "UNREACHABLE", "unreachable" },
	[AG_ETIMEOUT] = { "TIMEOUT", "timed out before sending" },
	[AG_ENOQUORUM] = { "NO_QUORUM", "no quorum" },
	[AG_EUNKNOWN] = { "OUTCOME_UNKNOWN", "outcome unknown" },
	[AG_ECONFLICT] = { "CONFLICT", "conflict" },
	[AG_EREFUSED] = { "REFUSED", "refused" },
	[AG_EAGAIN] = { "AGAIN", "try again" },
	[AG_EINTERNAL] = { "INTERNAL", "internal fault" },
};

enum ag_status
ag_fail_va(struct ag_error *err, enum ag_status status, const char *fmt,
    va_list ap)
{
	if (err == NULL)
		return status;
	err->status = status;
	err->sys_errno = 0;
	if (vsnprintf(err->text, sizeof(err->text), fmt, ap) < 0)
		err->text[0] = '\0';
	return status;
}

enum ag_status
ag_fail(struct ag_error *err, enum ag_status status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)ag_fail_va(err, status, fmt, ap);
	va_end(ap);
	return status;
}

enum ag_status
ag_fail_sys(struct ag_error *err, const char *fmt, ...)
{
	int saved = errno;
	char reason[128];
	va_list ap;
	size_t len;

	if (err == NULL)
		return AG_ESYS;
	va_start(ap, fmt);
	(void)ag_fail_va(err, AG_ESYS, fmt, ap);
	va_end(ap);
	err->sys_errno = saved;
	len = strlen(err->text);
	(void)snprintf(err->text + len, sizeof(err->text) - len, ": %s",
	    strerror_r(saved, reason, sizeof(reason)));
	return AG_ESYS;
}

void
ag_error_prefix(struct ag_error *err, const char *fmt, ...)
{
	char tail[AG_ERROR_TEXT_BYTES];
	va_list ap;
	size_t len;

	if (err == NULL)
		return;
	memcpy(tail, err->text, sizeof(tail));
	va_start(ap, fmt);
	if (vsnprintf(err->text, sizeof(err->text), fmt, ap) < 0)
		err->text[0] = '\0';
	va_end(ap);
	len = strlen(err->text);
	(void)snprintf(err->text + len, sizeof(err->text) - len, ": %s", tail);
}

void
ag_error_suffix(struct ag_error *err, const char *fmt, ...)
{
	size_t len;
	va_list ap;

	if (err == NULL)
		return;
	len = strlen(err->text);
	va_start(ap, fmt);
	if (vsnprintf(err->text + len, sizeof(err->text) - len, fmt, ap) < 0)
		err->text[len] = '\0';
	va_end(ap);
}

const char *
ag_status_name(enum ag_status status)
{
	if ((unsigned)status >= AG_STATUS_COUNT)
		return "INTERNAL";
	return statuses[status].name;
}

const char *
ag_status_text(enum ag_status status)
{
	if ((unsigned)status >= AG_STATUS_COUNT)
		return "internal fault";
	return statuses[status].text;
}

void
ag_assert_failed(const char *expr, const char *file, int line)
{
	(void)fprintf(stderr, "aegis: assertion failed: %s (%s:%d)\n", expr,
	    file, line);
	abort();
}
