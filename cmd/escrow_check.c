/*
 * Packages are checked and shown: a head and a table for people, one document
 * as JSON, and rows of custodians in the other forms.
 *
 * RULES    1. Nothing is shown of a package that does not verify.
 *          2. It takes no key; a custodian's own only adds that this
 *             custodian's share opens.
 */
#include "cmd/escrow_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cmd/escrow_file.h"
#include "cmd/exit.h"
#include "cmd/json.h"
#include "cmd/output.h"
#include "cmd/passphrase.h"
#include "codec/text.h"
#include "crypto/algorithm.h"
#include "crypto/public_key.h"
#include "crypto/seal.h"

const struct applet_option escrow_check_options[] = {
	{ 'i', "identity", "FILE", "a custodian's key: does its share open?" },
	PASSPHRASE_OPTIONS,
	OPTIONS_END,
};

static const struct output_column custodian_columns[] = {
	{ "number", NULL, OUTPUT_RIGHT },
	{ "name", NULL, OUTPUT_VALUE_COLUMN },
	{ "share", NULL, 0 },
	{ "key", NULL, 0 },
	{ NULL, NULL, 0 },
};

/* What is to be shown, and by whose key. */
struct showing {
	const struct applet_call *call;
	const struct package *p;
	int own; /* place of the custodian whose share was opened; or -1 */
};

static void
hex_of(char hex[static TEXT_HEX_BYTES(DIGEST_BYTES)], const uint8_t *data)
{
	text_hex(hex, TEXT_HEX_BYTES(DIGEST_BYTES),
	    bytes_of(data, DIGEST_BYTES));
}

static const char *
share_of(const struct showing *s, uint32_t place)
{
	if (!package_is_member(s->p, place))
		return "removed";
	return (int)place == s->own ? "opens" : "verified";
}

static void
show_head(const struct package *p)
{
	char hex[TEXT_HEX_BYTES(DIGEST_BYTES)], created[CLOCK_TEXT_BYTES];

	hex_of(hex, p->id.data);
	clock_format_ms(p->created_ms, created);
	(void)printf("package   %s\n", hex);
	if (p->is_rehearsal) {
		hex_of(hex, p->rehearsed.data);
		(void)printf("REHEARSAL of package %s: no secret is in it\n",
		    hex);
	}
	hex_of(hex, p->base.data);
	(void)printf("base      %s\n", hex);
	(void)printf("created   %s\nsecret    %zu bytes, back with %u of %u "
		     "custodians\ndelay     %" PRIu64 " s at least\n",
	    created, p->sealed.len - SEAL_OVERHEAD, p->threshold,
	    package_member_count(p), p->delay_ms / 1000);
	if (p->has_cluster) {
		hex_of(hex, p->cluster_id);
		(void)printf("cluster   %s approves\n", hex);
	} else {
		(void)printf("cluster   none: the custodians alone decide\n");
	}
	if (p->refresh_count > 0) {
		clock_format_ms(p->refreshes[p->refresh_count - 1].time_ms,
		    created);
		(void)printf("refreshed %u times, last %s\n", p->refresh_count,
		    created);
	}
	(void)fputc('\n', stdout);
}

static enum ag_status
show_rows(const struct showing *s, struct ag_error *err)
{
	char key[FINGERPRINT_BYTES];
	struct output *out;
	enum ag_status status = output_new(&out, s->call, stdout, "custodians",
	    custodian_columns, err);

	if (status != AG_OK)
		return status;
	if (s->call->output == OUTPUT_TABLE || s->call->output == OUTPUT_WIDE)
		show_head(s->p);
	for (uint32_t i = 0; i < s->p->count; i++) {
		ristretto_key_fingerprint(key, &s->p->keys[i]);
		output_u64(out, i + 1);
		output_text(out, s->p->custodians[i].name);
		output_text(out, share_of(s, i));
		output_text(out, key);
		output_row(out);
	}
	return output_end(out, err);
}

static void
json_hex(struct json *json, const char *key, bool is_there,
    const uint8_t *digest)
{
	char hex[TEXT_HEX_BYTES(DIGEST_BYTES)];

	json_key(json, key);
	hex_of(hex, digest);
	json_text(json, is_there ? hex : NULL);
}

static void
json_time(struct json *json, const char *key, uint64_t time_ms)
{
	char text[CLOCK_TEXT_BYTES];

	clock_format_ms(time_ms, text);
	json_key(json, key);
	json_text(json, text);
}

static void
json_custodians(struct json *json, const struct showing *s)
{
	char fingerprint[FINGERPRINT_BYTES];

	json_key(json, "custodians");
	json_array_begin(json);
	for (uint32_t i = 0; i < s->p->count; i++) {
		json_object_begin(json);
		json_key(json, "number");
		json_number(json, (int)i + 1);
		json_key(json, "name");
		json_text(json, s->p->custodians[i].name);
		json_key(json, "share");
		json_text(json, share_of(s, i));
		ristretto_key_fingerprint(fingerprint, &s->p->keys[i]);
		json_key(json, "fingerprint");
		json_text(json, fingerprint);
		json_object_end(json);
	}
	json_array_end(json);
}

static enum ag_status
show_json(const struct showing *s, struct ag_error *err)
{
	const struct package *p = s->p;
	struct json json;

	json_init(&json, stdout);
	json_object_begin(&json);
	json_key(&json, "v");
	json_number(&json, 1);
	json_hex(&json, "package", true, p->id.data);
	json_hex(&json, "base", true, p->base.data);
	json_hex(&json, "rehearsal_of", p->is_rehearsal, p->rehearsed.data);
	json_time(&json, "created", p->created_ms);
	json_key(&json, "k");
	json_number(&json, (int)p->threshold);
	json_key(&json, "n");
	json_number(&json, (int)package_member_count(p));
	json_key(&json, "delay_ms");
	json_u64(&json, p->delay_ms);
	json_hex(&json, "cluster_id", p->has_cluster, p->cluster_id);
	json_key(&json, "secret_bytes");
	json_u64(&json, p->sealed.len - SEAL_OVERHEAD);
	json_key(&json, "refreshes");
	json_number(&json, (int)p->refresh_count);
	json_custodians(&json, s);
	json_object_end(&json);
	json_line_end(&json);
	return output_flush(stdout, err);
}

static int
show(const struct showing *s)
{
	struct ag_error err;
	enum ag_status status = s->call->output == OUTPUT_JSON
	    ? show_json(s, &err)
	    : show_rows(s, &err);

	return status == AG_OK ? EXIT_YES : exit_fail(s->call, &err);
}

/* The custodian whose key this is, and whether it takes the share's off. */
static enum ag_status
open_own(struct showing *s, const struct secret *key, struct ag_error *err)
{
	struct ristretto_key public;
	struct point share;
	struct scalar x;
	bool is_open;

	ristretto_key_of(&public, key);
	s->own = package_find_key(s->p, &public.point);
	if (s->own == -1)
		return ag_fail(err, AG_ENOENT,
		    "the key is no custodian's who has a share of this "
		    "package");
	memcpy(x.data, secret_bytes(key).data, sizeof(x.data));
	is_open = pvss_open(&share, &x, &s->p->shares[s->own]);
	secret_wipe(&x, sizeof(x));
	secret_wipe(&share, sizeof(share));
	return is_open ? AG_OK
		       : ag_fail(err, AG_EFORGED, "the share does not open");
}

static int
check(struct showing *s)
{
	const char *path = options_text(&s->call->options, "identity");
	struct secret *key;
	enum ag_status status;
	struct ag_error err;

	if (path == NULL)
		return show(s);
	if (escrow_file_key(&key, s->call, path, ALGORITHM_KEY_RISTRETTO255,
		&err) != AG_OK)
		return exit_fail_local(s->call, &err);
	status = open_own(s, key, &err);
	secret_free(key);
	return status == AG_OK ? show(s) : exit_fail(s->call, &err);
}

int
escrow_check_run(struct applet_call *call)
{
	struct showing s = { .call = call, .own = -1 };
	struct escrow_package p = { 0 };
	struct ag_error err;
	int code;

	if (escrow_file_package(&p, call->operands[0], &err) == AG_OK) {
		s.p = p.package;
		code = check(&s);
	} else {
		code = exit_fail_local(call, &err);
	}
	escrow_file_package_fini(&p);
	return code;
}

int
escrow_check_tell_made(const struct applet_call *call, struct bytes file)
{
	struct package *p = package_new();
	const char *out = options_text(&call->options, "out");
	struct ag_error err;
	int code = EXIT_YES;

	if (p == NULL) {
		(void)ag_fail(&err, AG_ENOMEM, "out of memory");
		return exit_fail(call, &err);
	}
	if (package_decode(p, file, &err) != AG_OK)
		code = exit_fail(call, &err);
	else if (call->output != OUTPUT_TABLE && strcmp(out, "-") != 0)
		code =
		    show(&(struct showing){ .call = call, .p = p, .own = -1 });
	else
		(void)fprintf(stderr,
		    "%s of %zu bytes: any %u of %u custodians bring it back\n",
		    p->is_rehearsal ? "a rehearsal" : "a secret",
		    p->sealed.len - SEAL_OVERHEAD, p->threshold,
		    package_member_count(p));
	package_free(p);
	return code;
}
