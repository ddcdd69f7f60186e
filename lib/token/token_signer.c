/*
 * A token's key that signs for as long as a node runs.
 *
 * STATES   there   signatures are made; every few seconds one is asked for,
 *                  so that it is noticed when nobody does
 *          away    one was not made, or was wrong: none is asked for, and
 *                  the token is looked for once a second
 *          barred  the token is there and does not take the PIN: it is not
 *                  given again, for that would lock it, before the token,
 *                  which had counted wrong ones, counts none any more
 *
 * RULES    1. Whoever signs waits for deadline_ms once: then it is away, and
 *             nobody waits any more.
 *          2. It is there again when the same key has signed the probe.  A
 *             token with another key of that name is another.
 *          3. Who asked for a signature and got none must not go on as if it
 *             had: that is remembered until it says that it began anew, also
 *             when the token is back before it asks.
 *          4. A token that says that it is removed may be known to its module
 *             under another slot, or only when that is restarted.
 */
#include "token/token_signer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "token/token_sign.h"

#define RETRY_S 1
#define CHECK_S 5
#define OPEN_MS 10000

struct token_signer {
	struct token *token;
	uint8_t public_key[SIGN_PUBLIC_BYTES];
	struct secret *pin;
	bool is_typed;
	uint32_t deadline_ms;
	struct bytes probe;
	void (*returned)(void *arg);
	void *arg;
	char name[TOKEN_SIGNER_TEXT_BYTES];
	pthread_t thread;
	bool has_thread;
	bool has_counted; /* the token, wrong PINs, since it is barred; the
			   * thread's */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	atomic_bool is_away;
	atomic_bool has_missed; /* a signature was asked for, and not made */
	/* With the lock held. */
	struct token_key key; /* as the present session knows it */
	bool is_closing;
	char reason[TOKEN_SIGNER_TEXT_BYTES];
};

/* A token that has shown that it signs. */
struct ready {
	struct token_info info;
	struct token_sign_key at;
	struct signer signer;
	bool is_barred; /* it does not take the PIN */
};

static enum ag_status
check_key(const struct ready *r, struct ag_error *err)
{
	const struct token_key *key = &r->at.key;

	if (key->is_sensitive && !key->is_extractable)
		return AG_OK;
	return ag_fail(err, AG_EREFUSED,
	    "key %s in token %s: it can leave the token, and others may have "
	    "it",
	    key->label, r->info.label);
}

static enum ag_status
log_in(struct token_signer *s, struct ready *r, struct ag_error *err)
{
	enum ag_status status;

	if (!r->info.needs_login)
		return AG_OK;
	status = token_login(s->token, s->pin, s->is_typed, err);
	r->is_barred = status == AG_EDENIED || status == AG_EREFUSED;
	return status;
}

/*
 * The PIN was refused.  Has somebody given a right one meanwhile?  Then one try
 * more locks nothing.  A token that never counted says nothing of that.
 */
static bool
is_pin_free_again(struct token_signer *s)
{
	struct token_info info;

	if (token_open(s->token, &info, NULL) != AG_OK)
		return false;
	if (info.is_pin_low || info.is_pin_final || info.is_pin_locked) {
		s->has_counted = true;
		return false;
	}
	return s->has_counted;
}

/* Open, log in, find, and sign: what makes a token usable, also again. */
static enum ag_status
make_ready(struct token_signer *s, struct ready *r, struct ag_error *err)
{
	uint8_t signature[SIGN_SIGNATURE_BYTES];
	enum ag_status status;

	*r = (struct ready){ .at.token = s->token };
	status = token_open(s->token, &r->info, err);
	if (status == AG_OK)
		status = log_in(s, r, err);
	if (status == AG_OK)
		status = token_find_key(s->token, TOKEN_CLASS_PRIVATE,
		    &r->at.key, err);
	if (status == AG_OK)
		status = check_key(r, err);
	if (status == AG_OK)
		status = token_sign_signer(&r->signer, &r->at, err);
	if (status == AG_OK)
		status = signer_sign(&r->signer, s->probe, signature, err);
	return status;
}

static void
tell_away(struct token_signer *s, const struct ag_error *err)
{
	(void)pthread_mutex_lock(&s->lock);
	(void)snprintf(s->reason, sizeof(s->reason), "%.*s",
	    (int)sizeof(s->reason) - 1, err->text);
	atomic_store(&s->is_away, true);
	(void)pthread_cond_signal(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
}

static enum ag_status
try_sign(struct token_signer *s, struct bytes message,
    uint8_t signature[static SIGN_SIGNATURE_BYTES], struct ag_error *err)
{
	struct token_sign_key at = { .token = s->token };
	struct signer signer;
	enum ag_status status;
	struct ag_error why;

	if (atomic_load(&s->is_away))
		return ag_fail(err, AG_EUNREACH, "%s is away", s->name);
	(void)pthread_mutex_lock(&s->lock);
	at.key = s->key;
	(void)pthread_mutex_unlock(&s->lock);
	status = token_sign_signer(&signer, &at, &why);
	if (status == AG_OK)
		status = signer_sign(&signer, message, signature, &why);
	if (status == AG_OK)
		return AG_OK;
	tell_away(s, &why);
	return ag_fail(err, status, "%s", why.text);
}

static enum ag_status
sign(void *ctx, struct bytes message,
    uint8_t signature[static SIGN_SIGNATURE_BYTES], struct ag_error *err)
{
	struct token_signer *s = ctx;
	enum ag_status status = try_sign(s, message, signature, err);

	if (status != AG_OK)
		atomic_store(&s->has_missed, true);
	return status;
}

/* The same token, or one that its module knows only when it looks anew. */
static enum ag_status
find_again(struct token_signer *s, struct ready *r, struct ag_error *err)
{
	enum ag_status status = make_ready(s, r, err);

	if (status != AG_ENOENT && status != AG_ESYS)
		return status;
	status = token_restart(s->token, err);
	return status == AG_OK ? make_ready(s, r, err) : status;
}

static bool
is_same_key(const struct token_signer *s, const struct ready *r)
{
	return memcmp(s->public_key, r->signer.public_key, SIGN_PUBLIC_BYTES) ==
	    0;
}

/* One try to have it back; false: none is to follow. */
static bool
look_for_it(struct token_signer *s)
{
	enum ag_status status;
	struct ag_error err;
	struct ready r;

	token_set_deadline(s->token, OPEN_MS);
	status = find_again(s, &r, &err);
	if (status == AG_OK && !is_same_key(s, &r))
		status = ag_fail(&err, AG_ENOENT,
		    "token %s: its key %s is another one", r.info.label,
		    r.at.key.label);
	if (status != AG_OK) {
		s->has_counted = false;
		if (r.is_barred && !is_pin_free_again(s))
			ag_error_suffix(&err,
			    "; once a right one is given elsewhere (aegis "
			    "token keys) it is tried again, or at a restart");
		tell_away(s, &err);
		return !r.is_barred;
	}
	token_set_deadline(s->token, s->deadline_ms);
	(void)pthread_mutex_lock(&s->lock);
	s->key = r.at.key;
	s->reason[0] = '\0';
	atomic_store(&s->is_away, false);
	(void)pthread_mutex_unlock(&s->lock);
	if (s->returned != NULL)
		s->returned(s->arg);
	return true;
}

/* Nobody has asked it for a while: does it still sign? */
static void
check(struct token_signer *s)
{
	uint8_t signature[SIGN_SIGNATURE_BYTES];

	/* It is told of by being away. */
	if (try_sign(s, s->probe, signature, NULL) != AG_OK)
		return;
}

/*
 * With the lock held: false when it goes away meanwhile, or is closed, before
 * as many seconds are over.
 */
static bool
rest(struct token_signer *s, bool is_away)
{
	struct timespec until;
	int code = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += is_away ? RETRY_S : CHECK_S;
	while (
	    !s->is_closing && code == 0 && atomic_load(&s->is_away) == is_away)
		code = pthread_cond_timedwait(&s->changed, &s->lock, &until);
	return !s->is_closing && code != 0;
}

static void *
signer_main(void *arg)
{
	struct token_signer *s = arg;
	bool may_try = true;

	(void)pthread_mutex_lock(&s->lock);
	while (!s->is_closing) {
		bool is_away = atomic_load(&s->is_away);

		if (!rest(s, is_away))
			continue;
		(void)pthread_mutex_unlock(&s->lock);
		if (!is_away)
			check(s);
		else if (may_try || is_pin_free_again(s))
			may_try = look_for_it(s);
		(void)pthread_mutex_lock(&s->lock);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return NULL;
}

static void
init_waits(struct token_signer *s)
{
	pthread_condattr_t attributes;

	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->changed, &attributes);
	(void)pthread_condattr_destroy(&attributes);
}

static enum ag_status
keep_config(struct token_signer *s, const struct token_signer_config *config,
    struct ag_error *err)
{
	s->is_typed = config->is_typed;
	s->deadline_ms = config->deadline_ms;
	s->probe = config->probe;
	s->returned = config->returned;
	s->arg = config->arg;
	if (config->pin == NULL)
		return AG_OK;
	s->pin = secret_copy(secret_bytes(config->pin));
	return s->pin != NULL ? AG_OK
			      : ag_fail(err, AG_ENOMEM, "PIN: out of memory");
}

static enum ag_status
start(struct token_signer *s, const struct ready *r, struct ag_error *err)
{
	(void)snprintf(s->name, sizeof(s->name),
	    "key %s in token %s (%s, serial %s)", r->at.key.label,
	    r->info.label, r->info.manufacturer, r->info.serial);
	memcpy(s->public_key, r->signer.public_key, sizeof(s->public_key));
	s->key = r->at.key;
	/* Whoever has typed it is not there the next time. */
	s->is_typed = false;
	token_set_deadline(s->token, s->deadline_ms);
	s->has_thread = pthread_create(&s->thread, NULL, signer_main, s) == 0;
	return s->has_thread
	    ? AG_OK
	    : ag_fail(err, AG_ENOMEM, "token: no thread can be made");
}

enum ag_status
token_signer_open(struct token_signer **out,
    const struct token_signer_config *config, struct ag_error *err)
{
	struct token_signer *s = calloc(1, sizeof(*s));
	enum ag_status status;
	struct ready r;

	*out = NULL;
	if (s == NULL)
		return ag_fail(err, AG_ENOMEM, "token: out of memory");
	init_waits(s);
	status = keep_config(s, config, err);
	if (status == AG_OK)
		status = token_new(&s->token, config->uri, OPEN_MS, err);
	if (status == AG_OK)
		status = make_ready(s, &r, err);
	if (status == AG_OK)
		status = start(s, &r, err);
	if (status != AG_OK) {
		token_signer_close(s);
		return status;
	}
	*out = s;
	return AG_OK;
}

void
token_signer_close(struct token_signer *s)
{
	if (s == NULL)
		return;
	(void)pthread_mutex_lock(&s->lock);
	s->is_closing = true;
	(void)pthread_cond_signal(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
	if (s->has_thread)
		(void)pthread_join(s->thread, NULL);
	token_free(s->token);
	secret_free(s->pin);
	(void)pthread_cond_destroy(&s->changed);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

void
token_signer_get(struct token_signer *s, struct signer *out)
{
	*out = (struct signer){ .sign = sign, .ctx = s };
	memcpy(out->public_key, s->public_key, SIGN_PUBLIC_BYTES);
}

const char *
token_signer_name(const struct token_signer *s)
{
	return s->name;
}

bool
token_signer_is_away(struct token_signer *s)
{
	return atomic_load(&s->is_away);
}

bool
token_signer_has_missed(struct token_signer *s)
{
	return atomic_load(&s->has_missed) || atomic_load(&s->is_away);
}

void
token_signer_begin_anew(struct token_signer *s)
{
	atomic_store(&s->has_missed, false);
}

void
token_signer_reason(struct token_signer *s,
    char text[static TOKEN_SIGNER_TEXT_BYTES])
{
	(void)pthread_mutex_lock(&s->lock);
	memcpy(text, s->reason, TOKEN_SIGNER_TEXT_BYTES);
	(void)pthread_mutex_unlock(&s->lock);
}
