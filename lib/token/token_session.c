/*
 * One session with one token.
 *
 * RULES    1. A PIN is tried once.  Most tokens lock themselves after three
 *             wrong ones, and only their owner may spend the last.
 *          2. Texts of tokens are padded with blanks, may be anything, and
 *             are cut to what can be shown.
 */
#include "token/token_session.h"

#include <stdio.h>
#include <string.h>

/* A padded text, whose bytes that can not be shown become '?'. */
static void
take_text(char *out, const unsigned char *text, size_t len)
{
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\0'))
		len--;
	for (size_t i = 0; i < len; i++)
		out[i] =
		    text[i] < 0x20 || text[i] == 0x7f ? '?' : (char)text[i];
	out[len] = '\0';
}

static void
info_of(struct token_info *out, CK_SLOT_ID slot, const CK_TOKEN_INFO *token)
{
	*out = (struct token_info){
		.slot = slot,
		.is_initialized = (token->flags & CKF_TOKEN_INITIALIZED) != 0,
		.needs_login = (token->flags & CKF_LOGIN_REQUIRED) != 0,
		.has_pinpad =
		    (token->flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0,
		.is_pin_low = (token->flags & CKF_USER_PIN_COUNT_LOW) != 0,
		.is_pin_final = (token->flags & CKF_USER_PIN_FINAL_TRY) != 0,
		.is_pin_locked = (token->flags & CKF_USER_PIN_LOCKED) != 0,
	};
	take_text(out->label, token->label, sizeof(token->label));
	take_text(out->manufacturer, token->manufacturerID,
	    sizeof(token->manufacturerID));
	take_text(out->model, token->model, sizeof(token->model));
	take_text(out->serial, token->serialNumber,
	    sizeof(token->serialNumber));
}

bool
token_session_is_wrong_data(CK_RV code)
{
	return code == CKR_GENERAL_ERROR || code == CKR_FUNCTION_FAILED ||
	    code == CKR_ENCRYPTED_DATA_INVALID ||
	    code == CKR_ENCRYPTED_DATA_LEN_RANGE || code == CKR_DATA_INVALID ||
	    code == CKR_DATA_LEN_RANGE;
}

enum ag_status
token_session_fail(const struct token_session *s, struct ag_error *err,
    CK_RV code, const char *what)
{
	enum ag_status status = token_module_fail(err, code, what);

	ag_error_prefix(err, "token %s", s->info.label);
	return status;
}

enum ag_status
token_session_load(struct token_session *s, const struct token_uri *uri,
    struct ag_error *err)
{
	enum ag_status status = token_module_open(&s->module, uri, err);

	if (status == AG_OK)
		s->f = token_module_functions(s->module);
	return status;
}

void
token_session_fini(struct token_session *s)
{
	token_session_close(s);
	token_module_close(s->module);
	s->module = NULL;
}

void
token_session_close(struct token_session *s)
{
	if (s->is_open)
		(void)s->f->C_CloseSession(s->handle);
	s->is_open = false;
}

static bool
is_like(const char *wanted, const char *is)
{
	return wanted[0] == '\0' || strcmp(wanted, is) == 0;
}

static bool
matches(const struct token_uri *uri, const struct token_info *info)
{
	return is_like(uri->token, info->label) &&
	    is_like(uri->manufacturer, info->manufacturer) &&
	    is_like(uri->model, info->model) &&
	    is_like(uri->serial, info->serial);
}

/* Slots with tokens in them, at most TOKEN_SLOTS_MAX. */
static enum ag_status
list_slots(struct token_session *s, CK_SLOT_ID *slots, CK_ULONG *count,
    struct ag_error *err)
{
	/* Asked for their number, modules look at their readers anew. */
	CK_RV code = s->f->C_GetSlotList(CK_TRUE, NULL, count);
	enum ag_status status;

	*count = TOKEN_SLOTS_MAX;
	if (code == CKR_OK)
		code = s->f->C_GetSlotList(CK_TRUE, slots, count);
	if (code == CKR_BUFFER_TOO_SMALL ||
	    (code == CKR_OK && *count > TOKEN_SLOTS_MAX))
		return ag_fail(err, AG_ELIMIT,
		    "PKCS#11 module %s: more than %d slots",
		    token_module_path(s->module), TOKEN_SLOTS_MAX);
	if (code == CKR_OK)
		return AG_OK;
	status = token_module_fail(err, code, "list slots");
	ag_error_prefix(err, "PKCS#11 module %s", token_module_path(s->module));
	return status;
}

enum ag_status
token_session_tokens(struct token_session *s, const struct token_uri *uri,
    struct token_info *out, size_t cap, size_t *count, struct ag_error *err)
{
	CK_SLOT_ID slots[TOKEN_SLOTS_MAX];
	CK_ULONG slot_count;
	enum ag_status status = list_slots(s, slots, &slot_count, err);

	*count = 0;
	if (status != AG_OK)
		return status;
	for (CK_ULONG i = 0; i < slot_count && *count < cap; i++) {
		CK_TOKEN_INFO token = { 0 };

		/* One that is taken out meanwhile is not there. */
		if (s->f->C_GetTokenInfo(slots[i], &token) != CKR_OK)
			continue;
		info_of(&out[*count], slots[i], &token);
		if (matches(uri, &out[*count]))
			(*count)++;
	}
	return AG_OK;
}

static enum ag_status
not_one(const struct token_session *s, const struct token_uri *uri,
    size_t count, struct ag_error *err)
{
	const char *wanted = uri->token[0] != '\0' ? uri->token : uri->serial;

	if (count > 0)
		return ag_fail(err, AG_ECONFLICT,
		    "PKCS#11 module %s: %zu tokens match; say which by "
		    "token=LABEL or serial=NUMBER in the URI",
		    token_module_path(s->module), count);
	return ag_fail(err, AG_ENOENT,
	    "PKCS#11 module %s: there is no token%s%s",
	    token_module_path(s->module), wanted[0] != '\0' ? " " : "", wanted);
}

enum ag_status
token_session_open(struct token_session *s, const struct token_uri *uri,
    struct ag_error *err)
{
	struct token_info found[TOKEN_SLOTS_MAX];
	size_t count, usable = 0;
	enum ag_status status =
	    token_session_tokens(s, uri, found, TOKEN_SLOTS_MAX, &count, err);
	CK_RV code;

	token_session_close(s);
	if (status != AG_OK)
		return status;
	for (size_t i = 0; i < count; i++)
		if (found[i].is_initialized)
			found[usable++] = found[i];
	if (usable != 1)
		return not_one(s, uri, usable, err);
	s->info = found[0];
	s->slot = s->info.slot;
	code = s->f->C_OpenSession(s->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION,
	    NULL, NULL, &s->handle);
	if (code == CKR_TOKEN_WRITE_PROTECTED)
		code = s->f->C_OpenSession(s->slot, CKF_SERIAL_SESSION, NULL,
		    NULL, &s->handle);
	if (code != CKR_OK)
		return token_session_fail(s, err, code, "open a session");
	s->is_open = true;
	return AG_OK;
}

static void
refresh_flags(struct token_session *s)
{
	CK_TOKEN_INFO token = { 0 };

	if (s->f->C_GetTokenInfo(s->slot, &token) == CKR_OK)
		info_of(&s->info, s->slot, &token);
}

static enum ag_status
locked(const struct token_session *s, const char *before, struct ag_error *err)
{
	return ag_fail(err, AG_EDENIED,
	    "token %s: %sthe PIN is locked; its security officer can set a "
	    "new one",
	    s->info.label, before);
}

/* What a wrong PIN leaves. */
static enum ag_status
wrong_pin(struct token_session *s, struct ag_error *err)
{
	refresh_flags(s);
	if (s->info.is_pin_locked)
		return locked(s, "wrong PIN, and now ", err);
	return ag_fail(err, AG_EDENIED,
	    "token %s: wrong PIN%s; it was tried once and is not tried again",
	    s->info.label,
	    s->info.is_pin_final     ? ", and one more locks the token"
		: s->info.is_pin_low ? ", and few tries are left"
				     : "");
}

static enum ag_status
check_tries(struct token_session *s, bool is_typed, struct ag_error *err)
{
	refresh_flags(s);
	if (s->info.is_pin_locked)
		return locked(s, "", err);
	if (s->info.is_pin_final && !is_typed)
		return ag_fail(err, AG_EREFUSED,
		    "token %s: one more wrong PIN locks it, so one from a "
		    "file is not tried; give it on the terminal once",
		    s->info.label);
	return AG_OK;
}

enum ag_status
token_session_login(struct token_session *s, const struct secret *pin,
    bool is_typed, struct ag_error *err)
{
	enum ag_status status = check_tries(s, is_typed, err);
	CK_UTF8CHAR text[PASSPHRASE_BYTES_MAX];
	CK_ULONG len = 0;
	CK_RV code;

	if (status != AG_OK)
		return status;
	if (pin == NULL && !s->info.has_pinpad)
		return ag_fail(err, AG_EDENIED, "token %s: it needs a PIN",
		    s->info.label);
	if (pin != NULL) {
		len = secret_len(pin);
		AG_ASSERT(len <= sizeof(text));
		memcpy(text, secret_bytes(pin).data, len);
	}
	code =
	    s->f->C_Login(s->handle, CKU_USER, pin != NULL ? text : NULL, len);
	secret_wipe(text, sizeof(text));
	if (code == CKR_OK || code == CKR_USER_ALREADY_LOGGED_IN)
		return AG_OK;
	if (code == CKR_PIN_INCORRECT || code == CKR_PIN_INVALID ||
	    code == CKR_PIN_LEN_RANGE)
		return wrong_pin(s, err);
	if (code == CKR_PIN_LOCKED)
		return locked(s, "", err);
	return token_session_fail(s, err, code, "log in");
}
