/*
 * Packages are made.
 *
 * RULES    1. The secret comes from a file that only its owner reads, or from
 *             standard input; never from arguments.
 *          2. A package that was made for a slot of a keyring that then was not
 *             goes again, unless the keyring's file may have the slot.
 *          3. A rehearsal shares a text that says so, and never reads the
 *             secret, which it does not need.
 */
#include "cmd/escrow_deal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "cmd/escrow_check.h"
#include "cmd/escrow_file.h"
#include "cmd/escrow_keyring.h"
#include "cmd/exit.h"
#include "codec/text.h"
#include "crypto/key_public.h"
#include "crypto/public_key.h"
#include "trust/chain.h"

#define DELAY_MS (UINT64_C(24) * 3600 * 1000)

#define OUT_OPTIONS                                            \
	{ 'o', "out", "FILE", "write the package here" },      \
	{                                                      \
		'f', "force", NULL, "replace an existing file" \
	}

const struct applet_option escrow_deal_init_options[] = {
	{ 'k', "threshold", "K", "how many custodians recover it" },
	{ 'n', "count", "N", "how many there are; only checked" },
	{ 'c', "custodian", "PUB", "a custodian's public key; repeatable" },
	{ 's', "secret", "FILE", "what to put into escrow; - is stdin" },
	ESCROW_KEYRING_OPTIONS,
	{ 'd', "delay", "TIME", "how long a request waits (default 24h)" },
	{ 'r', "roster", "FILE", "the cluster whose operators approve" },
	OUT_OPTIONS,
	OPTIONS_END,
};

const struct applet_option escrow_deal_refresh_options[] = {
	{ 0, "remove", "NAME", "who is no custodian any more; repeatable" },
	OUT_OPTIONS,
	OPTIONS_END,
};

const struct applet_option escrow_deal_rehearse_options[] = {
	OUT_OPTIONS,
	OPTIONS_END,
};

static int
put_package(const struct applet_call *call, struct bytes file)
{
	struct ag_error err;

	if (escrow_file_put(call, 0644, file, &err) != AG_OK)
		return exit_fail_local(call, &err);
	return call->is_quiet ? EXIT_YES : escrow_check_tell_made(call, file);
}

static enum ag_status
add_custodian(struct package *head, const char *path, struct ag_error *err)
{
	char comment[PUBLIC_KEY_COMMENT_BYTES];
	struct key_public key;
	enum ag_status status;
	struct buf text;

	buf_init(&text, PUBLIC_KEY_FILE_BYTES_MAX);
	status = fs_read_file(path, &text, err);
	if (status == AG_OK) {
		status = key_public_parse(&key, comment, buf_bytes(&text), err);
		if (status == AG_OK && key.id != ALGORITHM_KEY_RISTRETTO255)
			status = ag_fail(err, AG_EINVAL,
			    "a custodian's key is made with aegis keygen "
			    "-t ristretto255");
		if (status == AG_OK && comment[0] == '\0')
			status = ag_fail(err, AG_EINVAL,
			    "its line has no name behind the key (-C NAME of "
			    "aegis keygen)");
		if (status == AG_OK)
			status = package_add_custodian(head, comment,
			    &key.ristretto, err);
		if (status != AG_OK)
			ag_error_prefix(err, "%s", path);
	}
	buf_fini(&text);
	return status;
}

static enum ag_status
add_cluster(struct package *head, const char *path, struct ag_error *err)
{
	struct roster *roster;
	enum ag_status status;
	struct buf chain;

	buf_init(&chain, CHAIN_BYTES_MAX);
	status = fs_read_file(path, &chain, err);
	if (status == AG_OK) {
		status = escrow_file_roster(&roster, buf_bytes(&chain),
		    CHAIN_NEWEST, err);
		if (status != AG_OK)
			ag_error_prefix(err, "%s", path);
	}
	if (status == AG_OK) {
		head->has_cluster = true;
		memcpy(head->cluster_id, roster->cluster_id, CLUSTER_ID_BYTES);
		free(roster);
	}
	buf_fini(&chain);
	return status;
}

static enum ag_status
fill_head(struct package *head, const struct applet_call *call,
    struct ag_error *err)
{
	const struct options *o = &call->options;
	enum ag_status status = AG_OK;

	head->created_ms = clock_wall_ms();
	for (size_t i = 0; status == AG_OK && i < options_count(o, "custodian");
	     i++)
		status = add_custodian(head, options_text_at(o, "custodian", i),
		    err);
	if (status == AG_OK && options_has(o, "roster"))
		status = add_cluster(head, options_text(o, "roster"), err);
	return status;
}

static enum ag_status
read_secret(struct secret **out, const char *path, struct ag_error *err)
{
	enum ag_status status;

	*out = NULL;
	if (strcmp(path, "-") == 0)
		status = secret_read_fd(out, STDIN_FILENO,
		    PACKAGE_PAYLOAD_BYTES_MAX, "standard input", err);
	else
		status =
		    secret_read_file(out, path, PACKAGE_PAYLOAD_BYTES_MAX, err);
	if (status == AG_OK && secret_len(*out) == 0)
		status =
		    ag_fail(err, AG_EINVAL, "%s: the secret is empty", path);
	return status;
}

static int
deal(const struct applet_call *call, struct package *head,
    const struct secret *payload)
{
	struct ag_error err;
	struct buf out;
	int code;

	buf_init(&out, PACKAGE_BYTES_MAX);
	code = package_deal(head, payload, &out, &err) == AG_OK
	    ? put_package(call, buf_bytes(&out))
	    : exit_fail(call, &err);
	buf_fini(&out);
	return code;
}

/* EXIT_YES, or EXIT_USAGE with a word why. */
static int
take_numbers(struct package *head, const struct applet_call *call)
{
	const struct options *o = &call->options;
	uint64_t threshold = 0, count = options_count(o, "custodian");
	struct ag_error err;

	head->delay_ms = DELAY_MS;
	if (options_count_value(o, "threshold", PVSS_THRESHOLD_MIN,
		PVSS_CUSTODIANS_MAX, &threshold, &err) != AG_OK ||
	    options_count_value(o, "count", PVSS_THRESHOLD_MIN,
		PVSS_CUSTODIANS_MAX, &count, &err) != AG_OK ||
	    options_duration_ms(o, "delay", &head->delay_ms, &err) != AG_OK)
		return applet_usage(call, "%s", err.text);
	if (threshold == 0)
		return applet_usage(call, "-k K is needed");
	if (options_has(o, "secret") == options_has(o, "keyring"))
		return applet_usage(call,
		    "one of -s FILE and --keyring DIR is needed");
	if (count != options_count(o, "custodian"))
		return applet_usage(call,
		    "-n says %llu custodians, and there are %zu",
		    (unsigned long long)count, options_count(o, "custodian"));
	if (threshold > count)
		return applet_usage(call,
		    "%llu of %llu custodians can not be: give more -c PUB",
		    (unsigned long long)threshold, (unsigned long long)count);
	if (head->delay_ms > PACKAGE_DELAY_MS_MAX)
		return applet_usage(call, "a delay is of a year at most");
	head->threshold = (uint32_t)threshold;
	return EXIT_YES;
}

static int
deal_secret(const struct applet_call *call, struct package *head)
{
	struct secret *payload = NULL;
	struct ag_error err;
	int code = EXIT_YES;

	if (read_secret(&payload, options_text(&call->options, "secret"),
		&err) != AG_OK)
		code = exit_fail_local(call, &err);
	if (code == EXIT_YES)
		code = deal(call, head, payload);
	secret_free(payload);
	return code;
}

/* A slot that was not made: what is with its package? */
static void
undo_package(const struct keyring *keyring, const char *path, bool was_there,
    struct ag_error *err)
{
	if (keyring_is_in_doubt(keyring))
		ag_error_prefix(err,
		    "package %s is kept, for the keyring may need it", path);
	else if (was_there || unlink(path) == -1)
		ag_error_prefix(err, "package %s opens nothing", path);
}

static int
deal_slot(const struct applet_call *call, struct package *head)
{
	const char *path = options_text(&call->options, "out");
	const bool was_there = fs_exists(path);
	struct escrow_keyring *e = calloc(1, sizeof(*e));
	unsigned int number = 0;
	struct ag_error err;
	int code;

	if (e == NULL) {
		(void)ag_fail(&err, AG_ENOMEM, "out of memory");
		return exit_fail(call, &err);
	}
	code = escrow_keyring_open(e, call, &err) == AG_OK
	    ? deal(call, head, e->secret)
	    : exit_fail_local(call, &err);
	if (code == EXIT_YES &&
	    escrow_keyring_fill(e, head, &number, &err) != AG_OK) {
		undo_package(e->opened.keyring, path, was_there, &err);
		code = exit_fail_local(call, &err);
	}
	if (code == EXIT_YES && !call->is_quiet)
		(void)fprintf(stderr,
		    "slot %u of keyring %s opens with what they bring back\n",
		    number, e->opened.place.path);
	escrow_keyring_close(e);
	free(e);
	return code;
}

static int
init_with(struct applet_call *call, struct package *head)
{
	const bool is_slot = options_has(&call->options, "keyring");
	int code = take_numbers(head, call);
	struct ag_error err;

	if (code != EXIT_YES)
		return code;
	if (escrow_file_check_out(call, &err) != AG_OK)
		return err.status == AG_EINVAL
		    ? applet_usage(call, "%s", err.text)
		    : exit_fail_local(call, &err);
	if (is_slot && strcmp(options_text(&call->options, "out"), "-") == 0)
		return applet_usage(call,
		    "a keyring's package goes into a file, before its slot is "
		    "made");
	if (fill_head(head, call, &err) != AG_OK)
		return exit_fail_local(call, &err);
	return is_slot ? deal_slot(call, head) : deal_secret(call, head);
}

int
escrow_deal_init(struct applet_call *call)
{
	struct package *head = package_new();
	struct ag_error err;
	int code;

	if (head == NULL) {
		(void)ag_fail(&err, AG_ENOMEM, "out of memory");
		return exit_fail(call, &err);
	}
	code = init_with(call, head);
	package_free(head);
	return code;
}

/* --- refresh --- */

/* Those who stay; EXIT_YES, or the code after a word why. */
static int
who_stays(uint32_t *members, const struct applet_call *call,
    const struct package *p)
{
	const struct options *o = &call->options;
	struct ag_error err;

	*members = p->members;
	for (size_t i = 0; i < options_count(o, "remove"); i++) {
		const char *name = options_text_at(o, "remove", i);
		int place = package_find_name(p, name);

		if (place == -1) {
			(void)ag_fail(&err, AG_ENOENT,
			    "no custodian is called %s", name);
			return exit_fail(call, &err);
		}
		*members &= ~(UINT32_C(1) << place);
	}
	return EXIT_YES;
}

static int
refresh(const struct applet_call *call, const struct package *p)
{
	enum ag_status status;
	struct ag_error err;
	uint32_t members;
	struct buf out;
	int code = who_stays(&members, call, p);

	if (code != EXIT_YES)
		return code;
	buf_init(&out, PACKAGE_BYTES_MAX);
	status = package_refresh(p, members, clock_wall_ms(), &out, &err);
	if (status == AG_OK)
		code = put_package(call, buf_bytes(&out));
	else
		code = exit_fail_code(call, &err,
		    status == AG_EINVAL || status == AG_ELIMIT
			? EXIT_REFUSED
			: exit_code_of(status));
	buf_fini(&out);
	return code;
}

/* --- rehearsal --- */

static struct secret *
canary_of(const struct package *p)
{
	char hex[TEXT_HEX_BYTES(DIGEST_BYTES)], text[192];

	text_hex(hex, sizeof(hex), bytes_of(p->id.data, DIGEST_BYTES));
	(void)snprintf(text, sizeof(text),
	    "rehearsal of escrow package %s: this is no secret\n", hex);
	return secret_copy(bytes_from_text(text));
}

static enum ag_status
copy_head(struct package *head, const struct package *p, struct ag_error *err)
{
	enum ag_status status = AG_OK;

	head->is_rehearsal = true;
	head->rehearsed = p->id;
	head->created_ms = clock_wall_ms();
	head->delay_ms = p->delay_ms;
	head->has_cluster = p->has_cluster;
	memcpy(head->cluster_id, p->cluster_id, CLUSTER_ID_BYTES);
	head->threshold = p->threshold;
	for (uint32_t i = 0; status == AG_OK && i < p->count; i++)
		if (package_is_member(p, i))
			status = package_add_custodian(head,
			    p->custodians[i].name, &p->custodians[i].key, err);
	return status;
}

static int
rehearse(const struct applet_call *call, const struct package *p)
{
	struct package *head = package_new();
	struct secret *canary = canary_of(p);
	struct ag_error err;
	int code;

	(void)ag_fail(&err, AG_ENOMEM, "out of memory");
	if (head == NULL || canary == NULL || copy_head(head, p, &err) != AG_OK)
		code = exit_fail(call, &err);
	else
		code = deal(call, head, canary);
	secret_free(canary);
	package_free(head);
	return code;
}

/* With the package that the operand names. */
static int
with_package(struct applet_call *call,
    int (*run)(const struct applet_call *call, const struct package *p))
{
	struct escrow_package p = { 0 };
	struct ag_error err;
	int code;

	if (escrow_file_check_out(call, &err) != AG_OK)
		return err.status == AG_EINVAL
		    ? applet_usage(call, "%s", err.text)
		    : exit_fail_local(call, &err);
	code = escrow_file_package(&p, call->operands[0], &err) == AG_OK
	    ? run(call, p.package)
	    : exit_fail_local(call, &err);
	escrow_file_package_fini(&p);
	return code;
}

int
escrow_deal_refresh(struct applet_call *call)
{
	return with_package(call, refresh);
}

int
escrow_deal_rehearse(struct applet_call *call)
{
	return with_package(call, rehearse);
}
