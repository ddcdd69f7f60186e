/*
 * Reading lines of words, strictly.
 *
 * RULES    1. A value has one spelling: numbers without leading zeros, times
 *             to the millisecond in UTC, canonical base64.  Two files with
 *             the same meaning differ in blanks and comments only.
 *          2. The files are shown on terminals, so control characters other
 *             than newline and tab are refused, carriage returns included.
 */
#include "trust/field.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "codec/text.h"

#define NAME_CHARACTERS_MAX 32
#define TIME_TEXT_LEN 24

void
field_reader_init(struct field_reader *r, struct bytes text, const char *name)
{
	*r = (struct field_reader){ .name = name, .rest = text };
}

enum ag_status
field_fail(const struct field_reader *r, size_t word, enum ag_status status,
    struct ag_error *err, const char *fmt, ...)
{
	va_list ap;
	uint32_t column = word < r->count ? r->columns[word] : 1;

	va_start(ap, fmt);
	(void)ag_fail_va(err, status, fmt, ap);
	va_end(ap);
	ag_error_prefix(err, "%s:%u:%u", r->name, r->line, column);
	return status;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* Cut the next line off the rest. */
static struct bytes
take_line(struct field_reader *r)
{
	const uint8_t *newline = memchr(r->rest.data, '\n', r->rest.len);
	struct bytes line = r->rest;

	if (newline != NULL) {
		line.len = (size_t)(newline - line.data);
		r->rest = bytes_of(newline + 1, r->rest.len - line.len - 1);
	} else {
		r->rest = bytes_of(line.data + line.len, 0);
	}
	r->line++;
	return line;
}

static enum ag_status
split_line(struct field_reader *r, struct bytes line, struct ag_error *err)
{
	size_t i = 0;

	r->count = 0;
	for (;;) {
		size_t start;

		while (i < line.len && is_blank(line.data[i]))
			i++;
		if (i == line.len)
			return AG_OK;
		if (r->count == 0 && line.data[i] == '#')
			return AG_OK;
		start = i;
		while (i < line.len && !is_blank(line.data[i]))
			i++;
		if (r->count == FIELD_WORDS_MAX)
			return field_fail(r, 0, AG_EINVAL, err,
			    "too many words");
		r->columns[r->count] = (uint32_t)start + 1;
		r->words[r->count++] = bytes_of(line.data + start, i - start);
	}
}

enum ag_status
field_reader_next(struct field_reader *r, struct ag_error *err)
{
	r->count = 0;
	while (r->rest.len > 0) {
		struct bytes line = take_line(r);
		enum ag_status status;
		size_t i;

		for (i = 0; i < line.len; i++) {
			if ((line.data[i] >= 0x20 && line.data[i] != 0x7f) ||
			    line.data[i] == '\t')
				continue;
			r->columns[0] = (uint32_t)i + 1;
			r->count = 1;
			return field_fail(r, 0, AG_EINVAL, err,
			    "control character 0x%02x", line.data[i]);
		}
		status = split_line(r, line, err);
		if (status != AG_OK)
			return status;
		if (r->count > 0)
			return AG_OK;
	}
	return AG_ENOENT;
}

bool
field_is(struct bytes word, const char *text)
{
	return bytes_equal(word, bytes_from_text(text));
}

bool
field_parse_u64(uint64_t *value, struct bytes word)
{
	uint64_t sum = 0;
	size_t i;

	if (word.len == 0 || word.len > 20 ||
	    (word.len > 1 && word.data[0] == '0'))
		return false;
	for (i = 0; i < word.len; i++) {
		uint64_t digit = (uint64_t)word.data[i] - '0';

		if (digit > 9 || sum > (UINT64_MAX - digit) / 10)
			return false;
		sum = sum * 10 + digit;
	}
	*value = sum;
	return true;
}

/* The number in len digits; -1 when there is something else. */
static int
digits_at(const uint8_t *at, size_t len)
{
	int value = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		if (at[i] < '0' || at[i] > '9')
			return -1;
		value = value * 10 + (at[i] - '0');
	}
	return value;
}

bool
field_parse_time(uint64_t *wall_ms, struct bytes word)
{
	char again[CLOCK_TEXT_BYTES];
	struct tm tm = { 0 };
	int year, month, ms;
	time_t seconds;

	if (word.len != TIME_TEXT_LEN)
		return false;
	year = digits_at(word.data, 4);
	month = digits_at(word.data + 5, 2);
	tm.tm_mday = digits_at(word.data + 8, 2);
	tm.tm_hour = digits_at(word.data + 11, 2);
	tm.tm_min = digits_at(word.data + 14, 2);
	tm.tm_sec = digits_at(word.data + 17, 2);
	ms = digits_at(word.data + 20, 3);
	if (year < 1970 || month < 1 || tm.tm_mday < 1 || tm.tm_hour < 0 ||
	    tm.tm_min < 0 || tm.tm_sec < 0 || ms < 0)
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	seconds = timegm(&tm);
	if (seconds < 0)
		return false;
	*wall_ms = (uint64_t)seconds * 1000 + (uint64_t)ms;
	/* Written again it must read the same: no 31st of February. */
	clock_format_ms(*wall_ms, again);
	return field_is(word, again);
}

static void
copy_text(char *out, size_t cap, struct bytes word)
{
	AG_ASSERT(word.len < cap);
	memcpy(out, word.data, word.len);
	out[word.len] = '\0';
}

bool
field_parse_name(char *out, size_t cap, struct bytes word)
{
	size_t i;

	if (word.len < 1 || word.len > NAME_CHARACTERS_MAX)
		return false;
	for (i = 0; i < word.len; i++) {
		uint8_t c = word.data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-')
			return false;
	}
	copy_text(out, cap, word);
	return true;
}

static bool
is_host_character(uint8_t c, bool in_brackets)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') || c == '.')
		return true;
	return in_brackets ? c == ':' || c == '%' : c == '-';
}

bool
field_parse_address(char *out, size_t cap, struct bytes word)
{
	const uint8_t *colon = memrchr(word.data, ':', word.len);
	struct bytes host, port;
	bool in_brackets;
	uint64_t number;
	size_t i;

	if (colon == NULL || word.len >= cap)
		return false;
	host = bytes_of(word.data, (size_t)(colon - word.data));
	port = bytes_of(colon + 1, word.len - host.len - 1);
	if (!field_parse_u64(&number, port) || number < 1 || number > 65535)
		return false;
	in_brackets = host.len > 2 && host.data[0] == '[' &&
	    host.data[host.len - 1] == ']';
	if (in_brackets)
		host = bytes_of(host.data + 1, host.len - 2);
	for (i = 0; i < host.len; i++)
		if (!is_host_character(host.data[i], in_brackets))
			return false;
	if (host.len == 0)
		return false;
	copy_text(out, cap, word);
	return true;
}

bool
field_parse_signature(uint8_t out[static SIGNATURE_BYTES], struct bytes word)
{
	size_t len;

	return text_base64_decode(out, SIGNATURE_BYTES, &len, word,
		   BASE64_STANDARD) == AG_OK &&
	    len == SIGNATURE_BYTES;
}

enum ag_status
field_check_name(const char *what, const char *text, struct ag_error *err)
{
	char name[NAME_CHARACTERS_MAX + 1];

	if (field_parse_name(name, sizeof(name), bytes_from_text(text)))
		return AG_OK;
	return ag_fail(err, AG_EINVAL,
	    "%s \"%s\": a name is 1 to %d of a-z, 0-9 and -", what, text,
	    NAME_CHARACTERS_MAX);
}

enum ag_status
field_check_address(const char *text, struct ag_error *err)
{
	char address[256];

	if (field_parse_address(address, sizeof(address),
		bytes_from_text(text)))
		return AG_OK;
	return ag_fail(err, AG_EINVAL,
	    "address \"%s\": expected host:port or [v6]:port", text);
}
