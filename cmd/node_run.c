/*
 * aegis node run: configuration, log, signals, and a node between them.
 *
 * STATES   starting   the configuration is read, the disk recovered
 *          serving    READY=1 was told; the health is told when it changes
 *          draining   SIGTERM or SIGINT: no new requests, those in flight
 *                     are answered, then links say goodbye.  A second
 *                     signal, or ten seconds, ends the waiting.
 *
 * RULES    1. SIGHUP reloads what can be reloaded and says what cannot; a
 *             file with a mistake in it changes nothing.
 */
#include "cmd/node_run.h"

#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "cmd/exit.h"
#include "cmd/keyring_place.h"
#include "cmd/notify.h"
#include "cmd/passphrase.h"
#include "cmd/pin.h"
#include "cmd/token_use.h"
#include "config/config.h"
#include "crypto/secret.h"
#include "event/loop.h"
#include "monitor/log_sink.h"
#include "node/node.h"
#include "token/token_module.h"

#define DRAIN_MS 10000
#define HEALTH_MS 500
#define CLOCK_TELL_US 60000000
#define PROBLEM_BYTES_MAX (1U << 20)

const struct applet_option node_run_options[] = {
	PASSPHRASE_OPTIONS,
	KEYRING_PLACE_PASSPHRASE("keyring-"),
	PIN_OPTIONS_OF("keyring-", "the keyring's token's"),
	PIN_OPTIONS,
	OPTIONS_END,
};

struct run {
	struct applet_call *call;
	struct config *config;
	struct metric_set *metrics;
	struct log_sink *sink;
	struct loop *loop;
	struct node *node;
	struct api *api;
	struct loop_timer *health_timer, *drain_timer;
	struct loop_signal *signals[3];
	struct node_status status; /* as last asked for */
	enum node_health health;
	uint64_t clock_refusals, clock_told_us;
	bool was_told, was_memory_told, is_draining;
	char node_key[PATH_MAX], link_key[PATH_MAX], roster[PATH_MAX];
	struct keyring_place keyring;
	struct keyring *opened;
	struct ag_error err;
	struct ag_error failure; /* AG_OK while there is none */
};

static const char *const health_words[] = {
	[NODE_OK] = "OK",
	[NODE_DEGRADED] = "DEGRADED",
	[NODE_NO_QUORUM] = "NO_QUORUM",
	[NODE_STARTING] = "STARTING",
};

static enum log_level
level_of(const char *name)
{
	int level;

	for (level = LOG_LEVEL_DEBUG; level < LOG_LEVEL_COUNT; level++)
		if (strcmp(log_level_name((enum log_level)level), name) == 0)
			return (enum log_level)level;
	return LOG_LEVEL_INFO;
}

/* --- health --- */

static void
health_tell(struct run *r)
{
	const struct node_status *status = &r->status;
	char text[256];

	node_status(r->node, &r->status);
	log_sink_flush(r->sink);
	if (r->was_told && status->health == r->health)
		return;
	r->health = status->health;
	r->was_told = true;
	(void)snprintf(text, sizeof(text),
	    "STATUS=%s: %u of %u members take part, margin %d",
	    health_words[status->health],
	    status->member_count - status->missing, status->member_count,
	    status->margin);
	notify_send(text);
	log_info("node", "health",
	    LOG_TEXT("health", health_words[status->health]),
	    LOG_I64("margin", status->margin));
}

/* Clocks that differ are told when they are noticed, then once a minute. */
static void
clock_tell(struct run *r)
{
	const struct node_status *status = &r->status;
	uint64_t now = clock_mono_us();

	if (status->clock_refusals == r->clock_refusals ||
	    (r->clock_told_us != 0 && now - r->clock_told_us < CLOCK_TELL_US))
		return;
	r->clock_refusals = status->clock_refusals;
	r->clock_told_us = now;
	log_warn("node",
	    "proposals refused: their time is far from this node's clock",
	    LOG_TEXT("member", status->members[status->clock_member].name),
	    LOG_I64("ahead_ms", status->clock_ahead_ms),
	    LOG_U64("refused", status->clock_refusals));
}

/* Once: what was swapped out can not be taken back. */
static void
memory_tell(struct run *r)
{
	if (r->status.are_secrets_locked || r->was_memory_told)
		return;
	r->was_memory_told = true;
	log_warn("node",
	    "secrets are not locked in memory and may be swapped out: raise "
	    "RLIMIT_MEMLOCK (systemd: LimitMEMLOCK=16M), or have no swap");
}

static void
on_health_timer(void *arg)
{
	struct run *r = arg;

	health_tell(r);
	clock_tell(r);
	memory_tell(r);
	loop_timer_set(r->health_timer, HEALTH_MS);
}

/* --- the log, and reload --- */

static struct log_sink_config
log_config(const struct config *config)
{
	const char *path = config_text(config, "log.file");

	return (struct log_sink_config){
		.path = path[0] == '\0' ? NULL : path,
		.level = level_of(config_text(config, "log.level")),
		.is_json =
		    strcmp(config_text(config, "log.format"), "json") == 0,
	};
}

struct reload {
	struct run *run;
	const struct config *config; /* the new one */
	api_reload_fn *emit;
	void *to;
	enum api_reload_kind kind; /* of differences to tell */
};

static void
reload_tell(const struct reload *reload, enum api_reload_kind kind,
    const char *text)
{
	switch (kind) {
	case API_RELOAD_APPLIED:
		log_info("config", "reloaded", LOG_TEXT("what", text));
		break;
	case API_RELOAD_NEEDS_RESTART:
		log_warn("config", "needs a restart", LOG_TEXT("what", text));
		break;
	case API_RELOAD_ERROR:
	default:
		log_error("config", "configuration refused",
		    LOG_TEXT("what", text));
		break;
	}
	if (reload->emit != NULL)
		reload->emit(reload->to, kind, text);
}

/* Tell of one kind of differences; what was applied is in force from now. */
static void
on_difference(void *arg, const struct schema_key *key, const char *old_value,
    const char *new_value)
{
	const struct reload *reload = arg;
	const size_t at = (size_t)(key - schema_keys);
	struct ag_error err;

	(void)old_value;
	if (reload->kind !=
	    (key->is_reloadable ? API_RELOAD_APPLIED
				: API_RELOAD_NEEDS_RESTART))
		return;
	if (reload->kind == API_RELOAD_APPLIED &&
	    config_set(reload->run->config, key->path, new_value,
		config_origin(reload->config, at), &err) != AG_OK)
		reload_tell(reload, API_RELOAD_ERROR, err.text);
	else
		reload_tell(reload, reload->kind, key->path);
}

static void
tell_problems(const struct reload *reload, struct buf *problems)
{
	char *line, *rest;

	if (buf_append(problems, "", 1) != AG_OK)
		return;
	rest = (char *)problems->data;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			reload_tell(reload, API_RELOAD_ERROR, line);
}

static enum ag_status
run_reload(void *arg, api_reload_fn *emit, void *to)
{
	struct reload reload = { .run = arg, .emit = emit, .to = to };
	struct log_sink_config log;
	struct config *config = NULL;
	struct run *r = arg;
	struct buf problems;
	struct ag_error err;
	enum ag_status status;

	buf_init(&problems, PROBLEM_BYTES_MAX);
	status = config_load(&config, r->call->config_path, &problems, &err);
	if (status != AG_OK) {
		if (problems.len > 0)
			tell_problems(&reload, &problems);
		else
			reload_tell(&reload, API_RELOAD_ERROR, err.text);
		buf_fini(&problems);
		return status;
	}
	buf_fini(&problems);
	reload.config = config;
	reload.kind = API_RELOAD_NEEDS_RESTART;
	config_diff(r->config, config, on_difference, &reload);
	log = log_config(config);
	status = log_sink_change(r->sink, &log, &err);
	reload.kind = API_RELOAD_APPLIED;
	if (status != AG_OK)
		reload_tell(&reload, API_RELOAD_ERROR, err.text);
	else
		config_diff(r->config, config, on_difference, &reload);
	/* What needs a restart keeps its old value until then. */
	config_free(config);
	return status;
}

static void
each_setting(void *arg, api_setting_fn *emit, void *to)
{
	const struct run *r = arg;
	size_t i;

	for (i = 0; i < schema_count; i++)
		emit(to, schema_keys[i].path, config_shown(r->config, i),
		    config_origin(r->config, i));
}

/* --- signals and the end --- */

static void
on_drained(void *arg)
{
	loop_stop(((struct run *)arg)->loop);
}

static void
run_drain(struct run *r)
{
	if (r->is_draining) {
		loop_stop(r->loop);
		return;
	}
	r->is_draining = true;
	notify_send("STOPPING=1");
	log_info("node", "draining", LOG_U64("limit_ms", DRAIN_MS));
	loop_timer_set(r->drain_timer, DRAIN_MS);
	node_drain(r->node, on_drained, r);
}

static void
on_signal(void *arg, int signo)
{
	struct run *r = arg;

	if (signo == SIGHUP) {
		notify_send("RELOADING=1");
		(void)run_reload(r, NULL, NULL);
		notify_send("READY=1");
		return;
	}
	run_drain(r);
}

static void
on_failure(void *arg, const struct ag_error *err)
{
	struct run *r = arg;

	r->failure = *err;
	loop_stop(r->loop);
}

/* --- start --- */

static enum ag_status
run_open_log(struct run *r)
{
	struct log_sink_config config = log_config(r->config);

	config.metrics = r->metrics;
	return log_sink_open(&r->sink, &config, &r->err);
}

static enum ag_status
run_paths(struct run *r)
{
	const char *dir = config_text(r->config, "node.data_dir");
	const char *roster = config_text(r->config, "node.roster");
	enum ag_status status;

	status = fs_join(r->node_key, sizeof(r->node_key), dir, "keys/node",
	    &r->err);
	if (status == AG_OK)
		status = fs_join(r->link_key, sizeof(r->link_key), dir,
		    "keys/link", &r->err);
	if (status == AG_OK && roster[0] == '\0')
		status = fs_join(r->roster, sizeof(r->roster), dir, "roster",
		    &r->err);
	else if (status == AG_OK)
		(void)snprintf(r->roster, sizeof(r->roster), "%s", roster);
	return status;
}

/* What the keyring is opened with, while the node does so. */
static enum ag_status
run_keyring(struct run *r, struct keyring_key *key)
{
	enum ag_status status = keyring_place_init(&r->keyring,
	    config_text(r->config, "node.data_dir"),
	    config_text(r->config, "keyring.key_file"), &r->err);

	if (status != AG_OK)
		return status;
	/* What is missing first is told first, and not by who asks here. */
	if (!fs_exists(r->keyring.path))
		return AG_OK;
	status = keyring_place_configure(&r->keyring,
	    config_text(r->config, "keyring.token"),
	    config_text(r->config, "keyring.passphrase_file"), &r->err);
	if (status != AG_OK)
		return status;
	return keyring_place_opener(key, &r->keyring, r->call, "keyring-",
	    &r->err);
}

static enum ag_status
run_open_node(struct run *r)
{
	const struct config *c = r->config;
	const char *listen = config_text(c, "net.listen");
	const char *token = config_text(c, "node.key");
	struct secret *passphrase, *pin = NULL;
	struct keyring_key key = { .secret = NULL };
	struct token_uri uri;
	struct node_config config = {
		.data_dir = config_text(c, "node.data_dir"),
		.name = config_text(c, "node.name"),
		.roster_path = r->roster,
		.listen = listen[0] == '\0' ? NULL : listen,
		.node_key_path = r->node_key,
		.link_key_path = r->link_key,
		.keyring_path = r->keyring.path,
		.keyring_opener = &key.opener,
		.keyring = &r->opened,
		.view_timeout_ms =
		    (uint32_t)config_duration_ms(c, "consensus.view_timeout"),
		.checkpoint_interval =
		    (uint32_t)config_u64(c, "consensus.checkpoint_interval"),
		.pipeline_max = (uint32_t)config_u64(c, "consensus.pipeline"),
		.batch_bytes_max =
		    (uint32_t)config_size(c, "consensus.batch_bytes"),
		.link_key_age_ms = config_duration_ms(c, "net.link_key_age"),
		.rekey_bytes = config_size(c, "net.rekey_bytes"),
		.rekey_ms = config_duration_ms(c, "net.rekey_after"),
		.heartbeat_ms =
		    (uint32_t)config_duration_ms(c, "net.heartbeat"),
		.silent_ms =
		    (uint32_t)config_duration_ms(c, "net.silent_after"),
		.log_retain_bytes = config_size(c, "store.log_retain"),
		.history_age_ms = config_duration_ms(c, "store.history_age"),
		.history_bytes = config_size(c, "store.history_bytes"),
		.reseal_percent =
		    (unsigned int)config_u64(c, "keyring.reseal_percent"),
		.clock_skew_max_ms =
		    config_duration_ms(c, "consensus.clock_skew"),
		.key_timeout_ms =
		    (uint32_t)config_duration_ms(c, "node.key_timeout"),
		.metrics = r->metrics,
	};
	enum ag_status status;

	status = passphrase_option(&passphrase, r->call, false, &r->err);
	if (status == AG_OK)
		status =
		    token_module_set_dirs(config_text(c, "token.module_dirs"),
			&r->err);
	if (status == AG_OK && token[0] != '\0') {
		config.token = &uri;
		status = token_use_pin(&pin, &config.is_pin_typed, &uri,
		    r->call, token, &r->err);
		if (status != AG_OK)
			ag_error_prefix(&r->err, "node.key");
	}
	config.passphrase = passphrase;
	config.pin = pin;
	if (status == AG_OK)
		status = run_keyring(r, &key);
	if (status == AG_OK)
		status = node_open(&r->node, &config, r->loop, &r->err);
	keyring_key_fini(&key);
	secret_free(passphrase);
	secret_free(pin);
	return status;
}

static enum ag_status
run_open_api(struct run *r)
{
	const struct api_config config = {
		.socket_path = r->call->socket_path != NULL
		    ? r->call->socket_path
		    : config_text(r->config, "api.socket"),
		.socket_mode = (mode_t)config_u64(r->config, "api.socket_mode"),
		.log = r->sink,
		.each_setting = each_setting,
		.reload = run_reload,
		.arg = r,
	};

	return api_start(&r->api, r->loop, r->node, &config, &r->err);
}

static enum ag_status
run_open_signals(struct run *r)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
	enum ag_status status = AG_OK;
	size_t i;

	for (i = 0; i < 3 && status == AG_OK; i++)
		status = loop_signal_new(&r->signals[i], r->loop, numbers[i],
		    on_signal, r, &r->err);
	if (status == AG_OK)
		status = loop_timer_new(&r->health_timer, r->loop,
		    on_health_timer, r);
	if (status == AG_OK)
		status =
		    loop_timer_new(&r->drain_timer, r->loop, on_drained, r);
	if (status == AG_ENOMEM)
		(void)ag_fail(&r->err, status, "start node: out of memory");
	return status;
}

static void
run_close(struct run *r)
{
	size_t i;

	if (r->api != NULL)
		api_stop(r->api);
	node_close(r->node);
	for (i = 0; i < 3; i++)
		if (r->signals[i] != NULL)
			loop_signal_close(r->signals[i]);
	if (r->health_timer != NULL)
		loop_timer_close(r->health_timer);
	if (r->drain_timer != NULL)
		loop_timer_close(r->drain_timer);
	if (r->loop != NULL)
		loop_free(r->loop);
	keyring_close(r->opened);
	if (r->sink != NULL)
		log_sink_close(r->sink);
	metric_set_free(r->metrics);
	config_free(r->config);
}

/* Read the configuration; every problem is printed, a line each. */
static enum ag_status
run_load_config(struct run *r)
{
	enum ag_status status;
	struct buf problems;

	buf_init(&problems, PROBLEM_BYTES_MAX);
	status =
	    config_load(&r->config, r->call->config_path, &problems, &r->err);
	if (problems.len > 0)
		(void)fwrite(problems.data, 1, problems.len, stderr);
	buf_fini(&problems);
	return status;
}

static enum ag_status
run_open(struct run *r)
{
	enum ag_status status = run_paths(r);

	if (status == AG_OK) {
		r->metrics = metric_set_new();
		status = r->metrics == NULL
		    ? ag_fail(&r->err, AG_ENOMEM, "start node: out of memory")
		    : run_open_log(r);
	}
	if (status == AG_OK)
		status = loop_new(&r->loop, &r->err);
	if (status == AG_OK)
		status = run_open_signals(r);
	if (status == AG_OK)
		status = run_open_node(r);
	if (status == AG_OK)
		status = run_open_api(r);
	return status;
}

/*
 * What a node cannot run with is a local matter: also a directory of another
 * cluster, or one that another node uses.
 */
static int
run_fail(const struct run *r, const struct ag_error *err)
{
	if (err->status == AG_ECONFLICT || err->status == AG_EBUSY)
		return exit_fail_code(r->call, err, EXIT_LOCAL);
	return exit_fail_local(r->call, err);
}

static int
run_serve(struct run *r)
{
	int code = EXIT_YES;

	if (run_load_config(r) != AG_OK || run_open(r) != AG_OK)
		return run_fail(r, &r->err);
	node_on_failure(r->node, on_failure, r);
	notify_send("READY=1");
	on_health_timer(r);
	loop_run(r->loop);
	if (r->failure.status != AG_OK)
		code = run_fail(r, &r->failure);
	return code;
}

int
node_run(struct applet_call *call)
{
	struct run *r = calloc(1, sizeof(*r));
	struct ag_error err;
	int code;

	if (r == NULL) {
		(void)ag_fail(&err, AG_ENOMEM, "start node: out of memory");
		return exit_fail(call, &err);
	}
	r->call = call;
	(void)umask(077);
	/* Started by `cluster up` it would be called exe. */
	(void)prctl(PR_SET_NAME, "aegis");
	code = run_serve(r);
	run_close(r);
	free(r);
	return code;
}
