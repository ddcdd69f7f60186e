/*
 * Headers of age files.
 *
 * RULES    1. There is one text for each header: whatever else means the
 *             same is refused, so nobody can change it unnoticed.
 *          2. Work factors are bounded here, before memory is asked for.
 *          3. Stanzas of types that are not known may be anything that is
 *             well formed: who writes them is greasing the format.
 *
 * NOT HERE What wraps file keys (crypto/age_wrap.c), what follows the header
 *          (crypto/age_reader.c).
 */
#include "crypto/age_header.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "codec/text.h"
#include "crypto/hkdf.h"

#define COLUMNS 64
#define LINE_BODY_BYTES (COLUMNS / 4 * 3)
#define FORMAT_NAME "age-encryption.org/"
#define STANZA_BEGIN "-> "
#define MAC_BEGIN "---"
#define WORDS_MAX 4

static enum ag_status
malformed(struct ag_error *err, const char *what)
{
	return ag_fail(err, AG_ECORRUPT, "its header is malformed: %s", what);
}

enum ag_status
age_header_measure(size_t *len, struct bytes text, struct ag_error *err)
{
	const struct bytes first = bytes_from_text(AGE_HEADER_VERSION_LINE);
	const struct bytes name = bytes_from_text(FORMAT_NAME);
	const struct bytes last = bytes_from_text("\n" MAC_BEGIN);
	const uint8_t *at, *end = NULL;

	if (!bytes_has_prefix(text, first)) {
		if (text.len < first.len && bytes_has_prefix(first, text))
			return AG_EAGAIN;
		if (bytes_has_prefix(text, name))
			return ag_fail(err, AG_EVERSION,
			    "it is of another version of age than 1, or its "
			    "header is malformed");
		return ag_fail(err, AG_ECORRUPT, "it is not an age file");
	}
	at = memmem(text.data, text.len, last.data, last.len);
	if (at != NULL)
		end = memchr(at + 1, '\n',
		    text.len - (size_t)(at + 1 - text.data));
	*len = end != NULL ? (size_t)(end + 1 - text.data) : text.len;
	if (*len > AGE_HEADER_BYTES_MAX)
		return ag_fail(err, AG_ELIMIT,
		    "its header is longer than any that is taken (%zu bytes)",
		    AGE_HEADER_BYTES_MAX);
	return end != NULL ? AG_OK : AG_EAGAIN;
}

/* The next line, which ends with LF and nothing else; false without one. */
static bool
next_line(struct bytes *text, struct bytes *line)
{
	const uint8_t *end = memchr(text->data, '\n', text->len);

	if (end == NULL)
		return false;
	*line = bytes_of(text->data, (size_t)(end - text->data));
	*text = bytes_of(end + 1, text->len - line->len - 1);
	return true;
}

/*
 * Words with one blank between two; all are counted and the first WORDS_MAX
 * kept.  Zero when one is empty, or has what no word may have.
 */
static size_t
split_words(struct bytes words[static WORDS_MAX], struct bytes line)
{
	size_t count = 0, began = 0;

	for (size_t i = 0; i <= line.len; i++) {
		if (i < line.len && line.data[i] != ' ') {
			if (line.data[i] < 0x21 || line.data[i] > 0x7e)
				return 0;
			continue;
		}
		if (i == began)
			return 0;
		if (count < WORDS_MAX)
			words[count] = bytes_of(line.data + began, i - began);
		count++;
		began = i + 1;
	}
	return count;
}

/* Exactly len bytes. */
static bool
get_base64(uint8_t *out, size_t len, struct bytes text)
{
	size_t got;

	return text_base64_decode(out, len, &got, text, BASE64_UNPADDED) ==
	    AG_OK &&
	    got == len;
}

/* A decimal number without a sign or leading zeros. */
static bool
get_work_factor(unsigned int *out, struct bytes text)
{
	*out = 0;
	if (text.len == 0 || text.data[0] == '0')
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		/* Whatever has more digits is as far out of bounds. */
		if (i < 4)
			*out = *out * 10 + (text.data[i] - '0');
	}
	return true;
}

static const struct {
	const char *word;
	size_t words;
} kinds[] = {
	[AGE_STANZA_OTHER] = { "", 0 },
	[AGE_STANZA_X25519] = { "X25519", 2 },
	[AGE_STANZA_SSH_ED25519] = { "ssh-ed25519", 3 },
	[AGE_STANZA_SSH_RSA] = { "ssh-rsa", 2 },
	[AGE_STANZA_SCRYPT] = { "scrypt", 3 },
	[AGE_STANZA_HYBRID] = { "mlkem768x25519", 2 },
};

const char *
age_header_kind_word(enum age_stanza_kind kind)
{
	return kinds[kind].word;
}

static enum age_stanza_kind
find_kind(struct bytes type)
{
	for (size_t i = AGE_STANZA_X25519; i <= AGE_STANZA_HYBRID; i++)
		if (bytes_equal(type, bytes_from_text(kinds[i].word)))
			return (enum age_stanza_kind)i;
	return AGE_STANZA_OTHER;
}

/* What a stanza of a known kind says beside its type. */
static bool
get_arguments(struct age_stanza *s, const struct bytes *words, size_t count)
{
	if (s->kind != AGE_STANZA_OTHER && count != kinds[s->kind].words)
		return false;
	switch (s->kind) {
	case AGE_STANZA_X25519:
		return get_base64(s->share, sizeof(s->share), words[1]);
	case AGE_STANZA_SSH_ED25519:
		return get_base64(s->tag, sizeof(s->tag), words[1]) &&
		    get_base64(s->share, sizeof(s->share), words[2]);
	case AGE_STANZA_SSH_RSA:
		return get_base64(s->tag, sizeof(s->tag), words[1]);
	case AGE_STANZA_SCRYPT:
		return get_base64(s->salt, sizeof(s->salt), words[1]) &&
		    get_work_factor(&s->work_factor, words[2]);
	case AGE_STANZA_HYBRID:
	case AGE_STANZA_OTHER:
		break;
	}
	return true;
}

static enum ag_status
check_stanza(const struct age_header *header, const struct age_stanza *s,
    struct ag_error *err)
{
	if (s->kind == AGE_STANZA_OTHER || s->kind == AGE_STANZA_SSH_RSA)
		return AG_OK;
	if (s->body.len != AGE_WRAPPED_BYTES)
		return malformed(err, "a wrapped key is of another length");
	if (s->kind != AGE_STANZA_SCRYPT)
		return AG_OK;
	if (header->count != 1)
		return malformed(err,
		    "beside a passphrase there is another recipient");
	if (s->work_factor > AGE_WORK_FACTOR_MAX)
		return ag_fail(err, AG_ELIMIT,
		    "its passphrase asks for a work factor of 2^%u; up to "
		    "2^%d, which takes 1 GiB, is taken",
		    s->work_factor, AGE_WORK_FACTOR_MAX);
	return AG_OK;
}

/* The body's lines, up to the short one, to where *at is. */
static bool
get_body(struct age_stanza *s, struct bytes *text, uint8_t **at)
{
	struct bytes line;
	size_t len;

	s->body = bytes_of(*at, 0);
	do {
		if (!next_line(text, &line) || line.len > COLUMNS ||
		    text_base64_decode(*at, LINE_BODY_BYTES, &len, line,
			BASE64_UNPADDED) != AG_OK)
			return false;
		*at += len;
		s->body.len += len;
	} while (line.len == COLUMNS);
	return true;
}

static enum ag_status
parse_stanza(struct age_stanza *s, struct bytes line, struct bytes *text,
    uint8_t **at, struct ag_error *err)
{
	const struct bytes begin = bytes_from_text(STANZA_BEGIN);
	struct bytes words[WORDS_MAX];
	size_t count;

	if (!bytes_has_prefix(line, begin))
		return malformed(err, "a line is neither a stanza nor its end");
	count = split_words(words,
	    bytes_of(line.data + begin.len, line.len - begin.len));
	if (count == 0)
		return malformed(err, "a stanza's words are not words");
	s->type = words[0];
	s->kind = find_kind(words[0]);
	if (!get_arguments(s, words, count))
		return malformed(err, "a stanza's arguments are wrong");
	return get_body(s, text, at)
	    ? AG_OK
	    : malformed(err, "a stanza's body is not base64 in lines of 64");
}

static size_t
count_stanzas(struct bytes text)
{
	const struct bytes begin = bytes_from_text("\n" STANZA_BEGIN);
	size_t count = 0;

	for (;;) {
		const uint8_t *at =
		    memmem(text.data, text.len, begin.data, begin.len);

		if (at == NULL)
			return count;
		count++;
		text =
		    bytes_of(at + 1, text.len - (size_t)(at + 1 - text.data));
	}
}

static enum ag_status
reserve(struct age_header *header, struct bytes text, struct ag_error *err)
{
	size_t count = count_stanzas(text);

	if (count > AGE_HEADER_STANZAS_MAX)
		return ag_fail(err, AG_ELIMIT,
		    "its header has more than %d recipients",
		    AGE_HEADER_STANZAS_MAX);
	header->stanzas = calloc(count + 1, sizeof(*header->stanzas));
	header->bodies = malloc(text.len);
	return header->stanzas != NULL && header->bodies != NULL
	    ? AG_OK
	    : ag_fail(err, AG_ENOMEM, "read header: out of memory");
}

/* line is the last one, and nothing follows it. */
static enum ag_status
parse_mac(struct age_header *header, struct bytes line, struct bytes rest,
    struct ag_error *err)
{
	const struct bytes begin = bytes_from_text(MAC_BEGIN " ");

	if (rest.len > 0 || !bytes_has_prefix(line, begin) ||
	    !get_base64(header->mac, sizeof(header->mac),
		bytes_of(line.data + begin.len, line.len - begin.len)))
		return malformed(err, "its last line is no MAC");
	return AG_OK;
}

enum ag_status
age_header_parse(struct age_header *header, struct bytes text,
    struct ag_error *err)
{
	const struct bytes last = bytes_from_text(MAC_BEGIN);
	struct bytes line, whole = text;
	enum ag_status status;
	uint8_t *at;

	*header = (struct age_header){ 0 };
	if (!next_line(&text, &line) ||
	    !bytes_equal(line,
		bytes_of(AGE_HEADER_VERSION_LINE,
		    sizeof(AGE_HEADER_VERSION_LINE) - 2)))
		return ag_fail(err, AG_ECORRUPT, "it is not an age file");
	status = reserve(header, whole, err);
	at = header->bodies;
	while (status == AG_OK) {
		if (!next_line(&text, &line))
			return malformed(err, "it is cut short");
		if (bytes_has_prefix(line, last))
			break;
		status = parse_stanza(&header->stanzas[header->count], line,
		    &text, &at, err);
		header->count++;
	}
	if (status != AG_OK)
		return status;
	header->authentic =
	    bytes_of(whole.data, (size_t)(line.data - whole.data) + last.len);
	status = header->count > 0 ? parse_mac(header, line, text, err)
				   : malformed(err, "it has no recipient");
	for (size_t i = 0; status == AG_OK && i < header->count; i++)
		status = check_stanza(header, &header->stanzas[i], err);
	return status;
}

void
age_header_fini(struct age_header *header)
{
	free(header->stanzas);
	free(header->bodies);
	*header = (struct age_header){ 0 };
}

/* False when memory is refused. */
static bool
make_mac(uint8_t mac[static AGE_HEADER_MAC_BYTES], struct bytes authentic,
    const struct secret *file_key)
{
	struct secret *key =
	    hkdf_sha256(secret_bytes(file_key), bytes_from_text(""), "header");

	if (key == NULL)
		return false;
	(void)crypto_auth_hmacsha256(mac, authentic.data, authentic.len,
	    secret_bytes(key).data);
	secret_free(key);
	return true;
}

bool
age_header_is_authentic(const struct age_header *header,
    const struct secret *file_key)
{
	uint8_t mac[AGE_HEADER_MAC_BYTES];

	return make_mac(mac, header->authentic, file_key) &&
	    sodium_memcmp(mac, header->mac, sizeof(mac)) == 0;
}

enum ag_status
age_header_begin(struct buf *out)
{
	return buf_printf(out, "%s", AGE_HEADER_VERSION_LINE);
}

enum ag_status
age_header_put(struct buf *out, const char *words, struct bytes body)
{
	char line[TEXT_BASE64_BYTES(LINE_BODY_BYTES)];
	enum ag_status status = buf_printf(out, "%s%s\n", STANZA_BEGIN, words);
	size_t at = 0, len;

	while (status == AG_OK) {
		len = body.len - at < LINE_BODY_BYTES ? body.len - at
						      : LINE_BODY_BYTES;
		text_base64(line, sizeof(line), bytes_of(body.data + at, len),
		    BASE64_UNPADDED);
		status = buf_printf(out, "%s\n", line);
		at += len;
		if (len < LINE_BODY_BYTES)
			break;
	}
	return status;
}

enum ag_status
age_header_finish(struct buf *out, const struct secret *file_key)
{
	char text[TEXT_BASE64_BYTES(AGE_HEADER_MAC_BYTES)];
	uint8_t mac[AGE_HEADER_MAC_BYTES];
	enum ag_status status = buf_printf(out, "%s", MAC_BEGIN);

	if (status != AG_OK)
		return status;
	if (!make_mac(mac, buf_bytes(out), file_key))
		return AG_ENOMEM;
	text_base64(text, sizeof(text), bytes_of(mac, sizeof(mac)),
	    BASE64_UNPADDED);
	return buf_printf(out, " %s\n", text);
}
