/*
 * Reading allowed-signers files as ssh-keygen does.
 *
 * RULES    1. A line that can not be understood ends the search: what it
 *             was to forbid can not be known.  Keys of types that are not
 *             done here are no such thing; they are passed over.
 *          2. A certificate authority's line allows no plain key, its own
 *             included, and says so when it is the reason.
 *          3. A pattern with ! that fits takes the name out, whatever the
 *             others say.
 *          4. A time limit includes its own second.
 *
 * NOT HERE Whether the key signed at all (crypto/sshsig.c).
 */
#include "crypto/allowed_signers.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "codec/text.h"

/* No wildcard is worth more work than this. */
#define PATTERN_STEPS_MAX 100000

struct line {
	struct bytes principals;
	struct bytes namespaces; /* data NULL: any */
	uint64_t valid_after;    /* 0: no limit */
	uint64_t valid_before;
	bool is_authority;
	struct bytes type;
	struct bytes base64;
};

/* How near a line came: the furthest is what the user is told of. */
enum nearness {
	NEAR_NOTHING,
	NEAR_IDENTITY, /* the identity is there, with other keys */
	NEAR_KEY,      /* the key is there, for other identities */
	NEAR_BOTH,     /* both, and a limit is in the way */
};

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static void
skip(struct bytes *text, size_t len)
{
	text->data += len;
	text->len -= len;
}

static void
skip_blanks(struct bytes *text)
{
	while (text->len > 0 && is_blank(text->data[0]))
		skip(text, 1);
}

/* Up to a blank outside of quotes; false when a quote is left open. */
static bool
take_field(struct bytes *text, struct bytes *field)
{
	bool is_quoted = false;
	size_t len = 0;

	for (; len < text->len; len++) {
		uint8_t c = text->data[len];

		if (c == '\\' && len + 1 < text->len &&
		    text->data[len + 1] == '"')
			len++;
		else if (c == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted && is_blank(c))
			break;
	}
	*field = bytes_of(text->data, len);
	skip(text, len);
	skip_blanks(text);
	return !is_quoted;
}

/* Take the quotes off; false when they are not a pair around it all. */
static bool
unquote(struct bytes *text)
{
	if (text->len < 2 || text->data[0] != '"' ||
	    text->data[text->len - 1] != '"')
		return false;
	skip(text, 1);
	text->len--;
	return memchr(text->data, '"', text->len) == NULL;
}

static bool
fits_one(struct bytes pattern, struct bytes word, unsigned int *steps)
{
	size_t p = 0, w = 0, star = SIZE_MAX, star_word = 0;

	while (w < word.len) {
		if (++*steps > PATTERN_STEPS_MAX)
			return false;
		if (p < pattern.len && pattern.data[p] == '*') {
			star = p++;
			star_word = w;
		} else if (p < pattern.len &&
		    (pattern.data[p] == '?' ||
			pattern.data[p] == word.data[w])) {
			p++;
			w++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			w = ++star_word;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.data[p] == '*')
		p++;
	return p == pattern.len;
}

/* Does a list of patterns take the word in, and none of them take it out? */
static bool
fits(struct bytes patterns, const char *word)
{
	unsigned int steps = 0;
	bool is_in = false;

	while (patterns.len > 0) {
		const uint8_t *comma = memchr(patterns.data, ',', patterns.len);
		size_t len = comma == NULL ? patterns.len
					   : (size_t)(comma - patterns.data);
		struct bytes pattern = bytes_of(patterns.data, len);
		bool takes_out = len > 0 && pattern.data[0] == '!';

		if (takes_out)
			skip(&pattern, 1);
		if (fits_one(pattern, bytes_from_text(word), &steps)) {
			if (takes_out)
				return false;
			is_in = true;
		}
		skip(&patterns, comma == NULL ? len : len + 1);
	}
	return is_in && steps <= PATTERN_STEPS_MAX;
}

static bool
take_number(struct bytes *text, size_t digits, int *value)
{
	*value = 0;
	if (text->len < digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		if (text->data[i] < '0' || text->data[i] > '9')
			return false;
		*value = *value * 10 + (text->data[i] - '0');
	}
	skip(text, digits);
	return true;
}

/* mktime() mends dates such as the 31st of June; those are no dates. */
static enum ag_status
time_of(uint64_t *at, const struct tm *wanted, bool is_utc)
{
	struct tm tm = *wanted;
	time_t seconds = is_utc ? timegm(&tm) : mktime(&tm);

	if (seconds < 0 || tm.tm_mday != wanted->tm_mday ||
	    tm.tm_mon != wanted->tm_mon || wanted->tm_hour > 23 ||
	    wanted->tm_min > 59 || wanted->tm_sec > 59)
		return AG_EINVAL;
	*at = (uint64_t)seconds;
	return AG_OK;
}

/* Take "Z" or "UTC" off the end, as ssh-keygen knows them. */
static bool
take_zone(struct bytes *text, const char *zone)
{
	size_t len = strlen(zone);

	if (text->len < len ||
	    strncasecmp((const char *)text->data + text->len - len, zone,
		len) != 0)
		return false;
	text->len -= len;
	return true;
}

enum ag_status
allowed_signers_parse_time(uint64_t *at, struct bytes text)
{
	struct tm tm = { .tm_isdst = -1 };
	bool is_utc = take_zone(&text, "Z") || take_zone(&text, "UTC");
	bool is_right;

	is_right = take_number(&text, 4, &tm.tm_year) &&
	    take_number(&text, 2, &tm.tm_mon) &&
	    take_number(&text, 2, &tm.tm_mday);
	if (is_right && text.len > 0)
		is_right = take_number(&text, 2, &tm.tm_hour) &&
		    take_number(&text, 2, &tm.tm_min);
	if (is_right && text.len > 0)
		is_right = take_number(&text, 2, &tm.tm_sec);
	if (!is_right || text.len != 0)
		return AG_EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return time_of(at, &tm, is_utc);
}

static bool
is_option(struct bytes name, const char *option)
{
	return name.len == strlen(option) &&
	    strncasecmp((const char *)name.data, option, name.len) == 0;
}

static enum ag_status
option_limit(uint64_t *limit, struct bytes value, const char *name,
    struct ag_error *err)
{
	if (*limit != 0)
		return ag_fail(err, AG_EINVAL, "%s is given twice", name);
	if (allowed_signers_parse_time(limit, value) != AG_OK || *limit == 0)
		return ag_fail(err, AG_EINVAL,
		    "%s is no time such as \"20261231\" or \"202612312359Z\"",
		    name);
	return AG_OK;
}

static enum ag_status
option_apply(struct line *line, struct bytes name, struct bytes value,
    struct ag_error *err)
{
	bool has_value = value.data != NULL;

	if (is_option(name, "cert-authority") && !has_value) {
		line->is_authority = true;
		return AG_OK;
	}
	if (has_value && !unquote(&value))
		return ag_fail(err, AG_EINVAL,
		    "the value of option %.*s is not \"quoted\"", (int)name.len,
		    (const char *)name.data);
	if (is_option(name, "namespaces") && has_value) {
		if (line->namespaces.data != NULL)
			return ag_fail(err, AG_EINVAL,
			    "namespaces is given twice");
		line->namespaces = value;
		return AG_OK;
	}
	if (is_option(name, "valid-after") && has_value)
		return option_limit(&line->valid_after, value, "valid-after",
		    err);
	if (is_option(name, "valid-before") && has_value)
		return option_limit(&line->valid_before, value, "valid-before",
		    err);
	return ag_fail(err, AG_EINVAL,
	    "\"%.*s\" is neither an option nor a type of key",
	    name.len > 64 ? 64 : (int)name.len, (const char *)name.data);
}

/* One option of a list: its name, and its value with quotes or data NULL. */
static void
take_option(struct bytes *options, struct bytes *name, struct bytes *value)
{
	bool is_quoted = false;
	size_t len = 0, equals = SIZE_MAX;

	for (; len < options->len; len++) {
		uint8_t c = options->data[len];

		if (c == '"')
			is_quoted = !is_quoted;
		else if (c == ',' && !is_quoted)
			break;
		else if (c == '=' && equals == SIZE_MAX)
			equals = len;
	}
	*name = bytes_of(options->data, equals < len ? equals : len);
	*value = bytes_of(NULL, 0);
	if (equals < len)
		*value = bytes_of(options->data + equals + 1, len - equals - 1);
	skip(options, len);
}

static enum ag_status
parse_options(struct line *line, struct bytes options, struct ag_error *err)
{
	struct bytes name, value;
	enum ag_status status = AG_OK;

	while (status == AG_OK && options.len > 0) {
		take_option(&options, &name, &value);
		status = option_apply(line, name, value, err);
		if (status != AG_OK || options.len == 0)
			break;
		skip(&options, 1);
		if (options.len == 0)
			status = ag_fail(err, AG_EINVAL,
			    "its options end with a comma");
	}
	if (status == AG_OK && line->valid_after != 0 &&
	    line->valid_before != 0 && line->valid_before <= line->valid_after)
		status = ag_fail(err, AG_EINVAL,
		    "valid-before is not later than valid-after");
	return status;
}

static enum ag_status
parse_line(struct line *line, struct bytes text, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	struct bytes field;
	bool is_closed;

	*line = (struct line){ 0 };
	is_closed = take_field(&text, &line->principals);
	if (line->principals.data[0] == '"' && !unquote(&line->principals))
		is_closed = false;
	is_closed = is_closed && take_field(&text, &field);
	if (!is_closed)
		return ag_fail(err, AG_EINVAL, "a quote is not closed");
	if (!ssh_key_is_type(field)) {
		if (field.len == 0)
			return ag_fail(err, AG_EINVAL, "it has no key");
		status = parse_options(line, field, err);
		if (status != AG_OK)
			return status;
		if (!take_field(&text, &field) || !ssh_key_is_type(field))
			return ag_fail(err, AG_EINVAL,
			    "no known type of key follows its options");
	}
	line->type = field;
	(void)take_field(&text, &line->base64);
	return AG_OK;
}

/* AG_ENOENT for a key of a type that is not done here. */
static enum ag_status
line_key(struct ssh_key *key, const struct line *line, struct ag_error *err)
{
	enum ag_status status =
	    ssh_key_parse_words(key, line->type, line->base64, err);

	/* Known, and of no use here: it is nobody's mistake. */
	if (status == AG_EVERSION || status == AG_EREFUSED)
		return AG_ENOENT;
	return status;
}

static enum ag_status
check_limits(const struct line *line, const struct allowed_question *question,
    struct ag_error *why)
{
	if (line->is_authority)
		return ag_fail(why, AG_EDENIED,
		    "the key is a certificate authority's there, and "
		    "certificates are not supported");
	if (line->namespaces.data != NULL &&
	    !fits(line->namespaces, question->namespace))
		return ag_fail(why, AG_EDENIED,
		    "the key is not for namespace \"%s\" there",
		    question->namespace);
	if (line->valid_after != 0 && question->at < line->valid_after)
		return ag_fail(why, AG_EDENIED,
		    "the key is not valid yet there (valid-after)");
	if (line->valid_before != 0 && question->at > line->valid_before)
		return ag_fail(why, AG_EDENIED,
		    "the key is not valid any more there (valid-before)");
	return AG_OK;
}

/*
 * Does this line allow it?  AG_EDENIED when not, with how near it came and
 * the reason in why.
 */
static enum ag_status
line_judge(const struct line *line, const struct allowed_question *question,
    enum nearness *near, struct ag_error *why)
{
	bool is_identity = fits(line->principals, question->identity);
	struct ssh_key key;
	enum ag_status status = line_key(&key, line, why);
	bool is_key = status == AG_OK && ssh_key_equal(&key, question->key);

	*near = NEAR_NOTHING;
	if (status != AG_OK && status != AG_ENOENT)
		return status;
	if (is_key && is_identity) {
		*near = NEAR_BOTH;
		return check_limits(line, question, why);
	}
	if (is_key) {
		*near = NEAR_KEY;
		return ag_fail(why, AG_EDENIED,
		    "the key is there for others, not for %s",
		    question->identity);
	}
	if (is_identity) {
		*near = NEAR_IDENTITY;
		return ag_fail(why, AG_EDENIED,
		    "%s has another key there than the one that signed",
		    question->identity);
	}
	return AG_EDENIED;
}

enum ag_status
allowed_signers_check(struct bytes text, const char *name,
    const struct allowed_question *question, size_t *line, struct ag_error *err)
{
	enum nearness best = NEAR_NOTHING, near = NEAR_NOTHING;
	struct ag_error why = { 0 };
	struct bytes content;

	(void)ag_fail(err, AG_EDENIED, "%s: neither %s nor the key is there",
	    name, question->identity);
	for (*line = 1; text_next_line(&text, &content); (*line)++) {
		enum ag_status status;
		struct line parsed;

		skip_blanks(&content);
		if (content.len == 0 || content.data[0] == '#')
			continue;
		status = parse_line(&parsed, content, &why);
		if (status == AG_OK)
			status = line_judge(&parsed, question, &near, &why);
		if (status == AG_OK)
			return AG_OK;
		if (status != AG_EDENIED)
			return ag_fail(err, status, "%s:%zu: %s", name, *line,
			    why.text);
		if (near > best)
			(void)ag_fail(err, AG_EDENIED, "%s:%zu: %s", name,
			    *line, why.text);
		best = near > best ? near : best;
	}
	return AG_EDENIED;
}
