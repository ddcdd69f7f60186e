/*
 * Asking for passphrases.
 *
 * RULES    1. Typed bytes go one by one into locked memory; stdio would keep
 *             a copy.
 *          2. While the echo is off, signals that would end us wait: the
 *             terminal is put back first.  ^C is read as a character.
 *          3. The echo is off before the prompt is seen: whoever answers it
 *             at once is neither shown nor, with what was typed before,
 *             thrown away.
 */
#include "cmd/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/fs.h"
#include "crypto/key_format.h"

/* One more than may be, so that too many are noticed. */
#define TYPED_BYTES_MAX (PASSPHRASE_BYTES_MAX + 1)

enum typed {
	TYPED_MORE,
	TYPED_DONE,
	TYPED_CANCEL,
};

/* What a key stroke does to the line typed so far. */
static enum typed
take_key(uint8_t *line, size_t *len, uint8_t c)
{
	switch (c) {
	case '\n':
	case '\r':
		return TYPED_DONE;
	case 0x03: /* ^C */
	case 0x04: /* ^D */
		return TYPED_CANCEL;
	case 0x15: /* ^U */
		*len = 0;
		return TYPED_MORE;
	case 0x08:
	case 0x7f:
		if (*len > 0)
			(*len)--;
		return TYPED_MORE;
	default:
		if (*len < TYPED_BYTES_MAX)
			line[(*len)++] = c;
		return TYPED_MORE;
	}
}

static enum typed
read_line(int fd, uint8_t *line, size_t *len)
{
	enum typed typed = TYPED_MORE;

	*len = 0;
	while (typed == TYPED_MORE) {
		uint8_t c;
		ssize_t n = read(fd, &c, 1);

		if (n == -1 && errno == EINTR)
			continue;
		typed = n == 1 ? take_key(line, len, c) : TYPED_CANCEL;
		secret_wipe(&c, sizeof(c));
	}
	return typed;
}

static enum ag_status
terminal_say(int fd, const char *text, struct ag_error *err)
{
	return fs_write(fd, "/dev/tty", bytes_from_text(text), err);
}

/* Prompt and read a line with the echo off, whatever happens. */
static enum ag_status
ask_hidden(int fd, const char *prompt, struct secret *line, enum typed *typed,
    struct ag_error *err)
{
	struct termios old, quiet;
	sigset_t hold, before;
	enum ag_status status;
	size_t len = 0;

	if (tcgetattr(fd, &old) == -1)
		return ag_fail_sys(err, "ask for the passphrase");
	(void)sigemptyset(&hold);
	(void)sigaddset(&hold, SIGTERM);
	(void)sigaddset(&hold, SIGHUP);
	(void)sigaddset(&hold, SIGINT);
	(void)sigaddset(&hold, SIGTSTP);
	(void)sigprocmask(SIG_BLOCK, &hold, &before);
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG);
	*typed = TYPED_CANCEL;
	status = tcsetattr(fd, TCSAFLUSH, &quiet) == -1
	    ? ag_fail_sys(err, "turn the terminal's echo off")
	    : terminal_say(fd, prompt, err);
	if (status == AG_OK)
		*typed = read_line(fd, secret_data(line), &len);
	secret_shorten(line, len);
	(void)tcsetattr(fd, TCSAFLUSH, &old);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return status == AG_OK ? terminal_say(fd, "\n", err) : status;
}

enum ag_status
passphrase_prompt(struct secret **out, const char *prompt, struct ag_error *err)
{
	struct secret *line;
	enum ag_status status;
	enum typed typed;
	int fd;

	*out = NULL;
	if (fs_open(&fd, "/dev/tty", O_RDWR | O_NOCTTY, 0, NULL) != AG_OK)
		return ag_fail(err, AG_EREFUSED,
		    "no terminal to ask for the passphrase on; use "
		    "--passphrase-fd");
	line = secret_new(TYPED_BYTES_MAX);
	if (line == NULL) {
		(void)close(fd);
		return ag_fail(err, AG_ENOMEM, "passphrase: out of memory");
	}
	status = ask_hidden(fd, prompt, line, &typed, err);
	(void)close(fd);
	if (status == AG_OK && (typed == TYPED_CANCEL || secret_len(line) == 0))
		status = ag_fail(err, AG_EREFUSED, "no passphrase was given");
	if (status == AG_OK)
		status = secret_check_passphrase(line, err);
	if (status != AG_OK) {
		secret_free(line);
		return status;
	}
	*out = line;
	return AG_OK;
}

enum ag_status
passphrase_prompt_new(struct secret **out, struct ag_error *err)
{
	struct secret *again;
	enum ag_status status;
	bool is_same;

	status = passphrase_prompt(out, "New passphrase: ", err);
	if (status != AG_OK)
		return status;
	status = passphrase_prompt(&again, "The same again: ", err);
	if (status == AG_OK) {
		is_same = secret_equal(*out, again);
		secret_free(again);
		if (is_same)
			return AG_OK;
		status = ag_fail(err, AG_EREFUSED,
		    "the two passphrases differ; nothing was written");
	}
	secret_free(*out);
	*out = NULL;
	return status;
}

enum ag_status
passphrase_named_option(struct secret **out, const struct applet_call *call,
    const char *name, bool is_new, struct ag_error *err)
{
	enum ag_status status;
	char fd_name[32];
	uint64_t fd;

	*out = NULL;
	(void)snprintf(fd_name, sizeof(fd_name), "%s-fd", name);
	if (options_has(&call->options, fd_name)) {
		status = options_count_value(&call->options, fd_name, 0, 65535,
		    &fd, err);
		if (status != AG_OK)
			return status;
		return secret_read_passphrase(out, (int)fd, err);
	}
	if (!options_has(&call->options, name))
		return AG_OK;
	if (is_new)
		return passphrase_prompt_new(out, err);
	return passphrase_prompt(out, "Passphrase: ", err);
}

enum ag_status
passphrase_option(struct secret **out, const struct applet_call *call,
    bool is_new, struct ag_error *err)
{
	return passphrase_named_option(out, call, "passphrase", is_new, err);
}

enum ag_status
passphrase_new_option(struct secret **out, const struct applet_call *call,
    struct ag_error *err)
{
	return passphrase_named_option(out, call, "new-passphrase", true, err);
}

enum ag_status
passphrase_work_option(enum work_level *out, const struct applet_call *call,
    struct ag_error *err)
{
	const char *name = options_text(&call->options, "work");

	*out = WORK_USUAL;
	return name != NULL ? work_find(out, name, err) : AG_OK;
}

enum ag_status
passphrase_of_file(struct secret **out, const struct applet_call *call,
    const char *path, struct ag_error *err)
{
	enum ag_status status = passphrase_option(out, call, false, err);
	char prompt[256];

	if (status != AG_OK || *out != NULL)
		return status;
	(void)snprintf(prompt, sizeof(prompt), "Passphrase of %.200s: ", path);
	return passphrase_prompt(out, prompt, err);
}

enum ag_status
passphrase_open_key(struct private_key **key, const struct applet_call *call,
    const char *path, struct bytes text, struct secret **passphrase,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;

	*key = NULL;
	*passphrase = NULL;
	if (key_format_is_encrypted(text))
		status = passphrase_of_file(passphrase, call, path, err);
	if (status == AG_OK)
		status = key_format_parse(key, text, *passphrase, path, err);
	if (status != AG_OK) {
		secret_free(*passphrase);
		*passphrase = NULL;
	}
	return status;
}

enum ag_status
passphrase_load_key(struct secret **key, const struct applet_call *call,
    const char *path, struct ag_error *err)
{
	struct secret *text, *passphrase;
	struct private_key *loaded;
	enum ag_status status;

	*key = NULL;
	status = secret_read_file(&text, path, KEY_FORMAT_FILE_BYTES_MAX, err);
	if (status != AG_OK)
		return status;
	status = passphrase_open_key(&loaded, call, path, secret_bytes(text),
	    &passphrase, err);
	secret_free(passphrase);
	secret_free(text);
	if (status != AG_OK)
		return status;
	if (private_key_public(loaded)->id != SSH_KEY_ED25519)
		status = ag_fail(err, AG_EVERSION,
		    "private key %s: not an Ed25519 key", path);
	else
		*key = secret_copy(secret_bytes(private_key_secret(loaded)));
	private_key_free(loaded);
	if (status == AG_OK && *key == NULL)
		status = ag_fail(err, AG_ENOMEM,
		    "private key %s: out of memory", path);
	return status;
}
