/*
 * How every call in AEGIS says what became of it.
 *
 * Three kinds of failure, never mixed.  The world (files, memory, network)
 * and peers (bytes that break a rule) are returned as enum ag_status; what
 * only our own mistake can cause is AG_ASSERT, compiled into every build: a
 * crash is a fault the protocol tolerates, a wrong vote is not.
 *
 * Ownership  struct ag_error is the caller's; a callee only writes it.
 * Threads    no shared state.
 */
#ifndef AEGIS_BASE_STATUS_H
#define AEGIS_BASE_STATUS_H

#include <stdarg.h>

#define AG_MUST_USE __attribute__((warn_unused_result))
#define AG_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define AG_NORETURN __attribute__((noreturn))
#define AG_UNUSED __attribute__((unused))

enum ag_status {
	AG_OK = 0,
	AG_ENOMEM,   /* memory refused */
	AG_ESYS,     /* the operating system refused; text says why */
	AG_EINVAL,   /* a value given by the operator or caller is wrong */
	AG_ENOENT,   /* the thing asked for is not there */
	AG_EEXIST,   /* the thing to be made is there already */
	AG_EBUSY,    /* in use by another, or too busy to take more */
	AG_ELIMIT,   /* a stated bound would be passed */
	AG_ECORRUPT, /* stored bytes do not match their checksum or format */
	AG_EVERSION, /* a format or protocol version we do not speak */
	AG_EPROTO,   /* a peer's bytes break the protocol */
	AG_EFORGED,  /* a signature, tag, root or certificate does not verify */
	AG_EDENIED,  /* authentication or authorisation failed */
	AG_EUNREACH, /* nobody answered at the address */
	AG_ETIMEOUT, /* time ran out before anything was sent */
	AG_ENOQUORUM, /* too few members; nothing happened */
	AG_EUNKNOWN,  /* sent, but whether it happened is not known */
	AG_ECONFLICT, /* a comparison failed or another got there first */
	AG_EREFUSED,  /* read-only, or a confirmation is missing */
	AG_EAGAIN,    /* nothing now; try after the next event */
	AG_EINTERNAL, /* our own fault, reported instead of a crash */
	AG_STATUS_COUNT
};

#define AG_ERROR_TEXT_BYTES 512

/*
 * What went wrong, as one sentence an operator can act on: verb, object,
 * reason ("open log /x: Permission denied").  No trailing stop or newline.
 */
struct ag_error {
	enum ag_status status;
	int sys_errno;
	char text[AG_ERROR_TEXT_BYTES];
};

/* Fill err (which may be NULL) and return status. */
enum ag_status ag_fail(struct ag_error *err, enum ag_status status,
    const char *fmt, ...) AG_PRINTF(3, 4);
enum ag_status ag_fail_va(struct ag_error *err, enum ag_status status,
    const char *fmt, va_list ap) AG_PRINTF(3, 0);

/* The same for a failed system call: appends ": " and errno's text. */
enum ag_status ag_fail_sys(struct ag_error *err, const char *fmt, ...)
    AG_PRINTF(2, 3);

/* Put "context: " in front of what err already says; keeps its status. */
void ag_error_prefix(struct ag_error *err, const char *fmt, ...)
    AG_PRINTF(2, 3);

/* Put more behind it, such as what to do: "; restart it". */
void ag_error_suffix(struct ag_error *err, const char *fmt, ...)
    AG_PRINTF(2, 3);

/* The stable upper-case name scripts see: AG_ENOQUORUM is "NO_QUORUM". */
const char *ag_status_name(enum ag_status status);

/* A short sentence for a status that came without a text. */
const char *ag_status_text(enum ag_status status);

AG_NORETURN void ag_assert_failed(const char *expr, const char *file, int line);

#define AG_ASSERT(expr) \
	((expr) ? (void)0 : ag_assert_failed(#expr, __FILE__, __LINE__))

#endif
