/*
 * What the kv commands share: a client for the node, keys and values out of
 * its JSON, and failures that keep the request's id.
 */
#ifndef AEGIS_CMD_KV_ASK_H
#define AEGIS_CMD_KV_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/bytes.h"
#include "base/status.h"
#include "client/client.h"
#include "cmd/applet.h"
#include "cmd/output.h"
#include "codec/operation.h"

/* A command's client and its last answer. */
struct kv_ask {
	struct client *client;
	struct client_answer answer;
	struct ag_error err;
	const char *key; /* the question was about; NULL: no one key */
	uint64_t done;   /* keys changed by earlier steps of the command */
};

/* EXIT_YES, or the exit code after the reason was said. */
int kv_ask_open(struct kv_ask *ask, const struct applet_call *call);

/* The same of the node with this socket, whatever the call says. */
int kv_ask_open_at(struct kv_ask *ask, const struct applet_call *call,
    const char *path);
void kv_ask_close(struct kv_ask *ask);

/*
 * Say why the last call failed, with the key, and the request's id if there
 * is one.  Where earlier steps were done the code never says that nothing
 * happened.
 */
int kv_ask_fail(struct kv_ask *ask, const struct applet_call *call);

/* A request of the call's timeout. */
struct client_request kv_ask_request(const struct applet_call *call,
    const char *method, const struct target *target);

/* 1 to 1024 bytes, else a usage error was said and false returned. */
bool kv_ask_check_key(const struct applet_call *call, const char *key);

/* The same of a prefix, which may be empty. */
bool kv_ask_check_prefix(const struct applet_call *call, const char *prefix);

/* The same of --after, --from and --to, as far as they are given. */
bool kv_ask_check_range(const struct applet_call *call);

/* Ask for a page of that range only. */
void kv_ask_add_range(const struct applet_call *call, struct target *target);

/* What --consistency says.  False: a usage error was said. */
bool kv_ask_add_consistency(const struct applet_call *call,
    struct target *target);

/* The same of --at, which goes with local consistency alone. */
bool kv_ask_add_at(const struct applet_call *call, struct target *target);

/* The answer's body as JSON; NULL when it is none, with ask->err filled. */
json_t *kv_ask_json(struct kv_ask *ask);

/* A member that is a number in a string. */
uint64_t kv_ask_u64(const json_t *object, const char *name);

/*
 * Stored bytes: a string, or {"b64": …}.  scratch holds what was decoded.
 * AG_EPROTO when it is neither.
 */
enum ag_status kv_ask_data(const json_t *value, struct buf *scratch,
    struct bytes *out, struct ag_error *err) AG_MUST_USE;

/*
 * Make *out unless it is made: a command that shows no row prints nothing,
 * not even a heading.  End with kv_ask_end_rows().
 */
enum ag_status kv_ask_rows(struct output **out, const struct applet_call *call,
    const char *list, const struct output_column *columns,
    struct ag_error *err) AG_MUST_USE;

/* Print what is left; the code to exit with, which is code if all is well. */
int kv_ask_end_rows(struct output *out, const struct applet_call *call,
    int code);

/* Whether a terminal may be shown data as it is. */
bool kv_ask_is_text(struct bytes data);

/* Write exact bytes to stdout, refusing binary to a terminal. */
int kv_ask_write_value(const struct applet_call *call, struct bytes value);

#endif
