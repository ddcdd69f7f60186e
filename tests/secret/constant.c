/*
 * Under valgrind: nothing branches on a secret, or looks up by one.
 *
 * Secrets are marked as undefined memory.  memcheck then reports each jump
 * and each address that depends on them, in our code and in libsodium's.
 * What may be known are verdicts, such as whether a key opens something: they
 * are listed, with the function that acts on each, in constant.supp.
 *
 * Passphrases are not tried.  scrypt and Argon2id look up by what they derive,
 * which is what makes them hard; they run on this machine alone, and nobody
 * is told how long they took.
 *
 * Sources are included for their inner functions.
 */
#include <stdio.h>
#include <string.h>

#include <sodium.h>
#include <valgrind/memcheck.h>

#include "crypto/age_key.c"
#include "crypto/age_wrap.h"
#include "crypto/armour.h"
#include "crypto/hkdf.h"
#include "crypto/openssh_container.c"
#include "crypto/pbes2.c"
#include "crypto/seal.h"
#include "crypto/sign.h"

#define KEY_BYTES_MADE 32

static void
hide(const void *data, size_t len)
{
	(void)VALGRIND_MAKE_MEM_UNDEFINED(data, len);
}

static void
show(const void *data, size_t len)
{
	(void)VALGRIND_MAKE_MEM_DEFINED(data, len);
}

static struct secret *
hidden(size_t len)
{
	struct secret *secret = secret_random(len);

	AG_ASSERT(secret != NULL);
	hide(secret_data(secret), len);
	return secret;
}

/* What canaries are compared with is around it, and known. */
static void
forget(struct secret *secret)
{
	show(secret_data(secret), secret_len(secret));
	secret_free(secret);
}

static bool
verdict(bool is_so)
{
	show(&is_so, sizeof(is_so));
	return is_so;
}

static void
compare(void)
{
	struct secret *a = hidden(KEY_BYTES_MADE);
	struct secret *b = hidden(KEY_BYTES_MADE);
	struct secret *c = secret_copy(secret_bytes(a));

	AG_ASSERT(!verdict(secret_equal(a, b)));
	AG_ASSERT(verdict(secret_equal(a, c)));
	forget(a);
	forget(b);
	forget(c);
}

static void
armour_and_take_off(void)
{
	struct secret *raw = hidden(99), *back;
	struct secret *text = armour_put_on(secret_bytes(raw), "TEST", 64);
	char *at = (char *)secret_data(text);
	size_t len = secret_len(text);

	/* Where its lines are is no secret; what is in them is. */
	show(at, len);
	for (size_t i = sizeof("-----BEGIN TEST-----");
	     i < len - sizeof("-----END TEST-----"); i++)
		if (at[i] != '\n')
			hide(at + i, 1);
	AG_ASSERT(armour_take_off(&back, secret_bytes(text), "TEST", "it",
		      NULL) == AG_OK);
	AG_ASSERT(verdict(secret_equal(back, raw)));
	forget(back);
	forget(text);
	forget(raw);
}

static void
code_identities(void)
{
	struct secret *key = hidden(AGE_KEY_BYTES);
	uint8_t back[AGE_KEY_BYTES];
	char text[CHARACTERS];

	encode(text, IDENTITY_PREFIX, secret_bytes(key).data);
	for (size_t i = 0; i < CHARACTERS; i++)
		text[i] = (char)(text[i] & ~((text[i] & 0x40) >> 1));
	AG_ASSERT(verdict(
	    decode(back, IDENTITY_PREFIX, bytes_of(text, CHARACTERS), true)));
	AG_ASSERT(verdict(
	    sodium_memcmp(back, secret_bytes(key).data, AGE_KEY_BYTES) == 0));
	text[9] ^= 1;
	AG_ASSERT(!verdict(
	    decode(back, IDENTITY_PREFIX, bytes_of(text, CHARACTERS), true)));
	show(back, sizeof(back));
	forget(key);
}

static void
take_padding_off(void)
{
	uint8_t plain[2 * BLOCK_BYTES];
	size_t len;

	for (unsigned int pad = 0; pad < 256; pad++) {
		memset(plain, (int)pad, sizeof(plain));
		hide(plain, sizeof(plain));
		len = unpadded_len(bytes_of(plain, sizeof(plain)));
		show(&len, sizeof(len));
		AG_ASSERT(len ==
		    (pad >= 1 && pad <= BLOCK_BYTES ? sizeof(plain) - pad : 0));
		if (pad < 2 || pad > BLOCK_BYTES)
			continue;
		plain[sizeof(plain) - pad] ^= 0x80;
		len = unpadded_len(bytes_of(plain, sizeof(plain)));
		show(&len, sizeof(len));
		AG_ASSERT(len == 0);
	}
}

static void
check_sections(void)
{
	static const uint8_t right[] = { 9, 8, 7, 6, 9, 8, 7, 6, 1, 2, 3, 4 };
	uint8_t section[sizeof(right)];

	for (size_t i = 0; i <= sizeof(right); i++) {
		memcpy(section, right, sizeof(right));
		if (i < sizeof(right))
			section[i] ^= 0x10;
		hide(section, sizeof(section));
		AG_ASSERT(verdict(is_checked(
			      bytes_of(section, sizeof(section)))) == (i >= 8));
		AG_ASSERT(verdict(is_padding(bytes_of(section + 8, 4))) ==
		    (i < 8 || i == sizeof(right)));
	}
}

static void
open_sealed_buffers(void)
{
	struct secret *key = hidden(SEAL_KEY_BYTES);
	struct secret *other = hidden(SEAL_KEY_BYTES);
	uint8_t plain[64], sealed[sizeof(plain) + SEAL_OVERHEAD];

	hide(plain, sizeof(plain));
	seal_buffer(sealed, key, bytes_of(NULL, 0),
	    bytes_of(plain, sizeof(plain)));
	show(sealed, sizeof(sealed));
	AG_ASSERT(seal_open(plain, key, bytes_of(NULL, 0),
		      bytes_of(sealed, sizeof(sealed))) == AG_OK);
	AG_ASSERT(seal_open(plain, other, bytes_of(NULL, 0),
		      bytes_of(sealed, sizeof(sealed))) == AG_EFORGED);
	forget(key);
	forget(other);
}

static struct private_key *
x25519_key(void)
{
	struct private_key *key;

	AG_ASSERT(private_key_take_x25519(&key, secret_random(AGE_KEY_BYTES),
		      NULL) == AG_OK);
	return key;
}

/* For three, the one at place being mine. */
static void
make_header(struct buf *text, const struct private_key *mine,
    const struct private_key *other, size_t place,
    const struct secret *file_key)
{
	buf_init(text, AGE_HEADER_BYTES_MAX);
	AG_ASSERT(age_header_begin(text) == AG_OK);
	for (size_t i = 0; i < 3; i++)
		AG_ASSERT(age_wrap_to_key(text,
			      private_key_public(i == place ? mine : other),
			      file_key, NULL) == AG_OK);
	AG_ASSERT(age_header_finish(text, file_key) == AG_OK);
}

static void
open_age_file(size_t place)
{
	struct private_key *mine = x25519_key(), *other = x25519_key();
	struct secret *file_key = secret_random(AGE_FILE_KEY_BYTES), *opened;
	struct bytes number = secret_bytes(private_key_secret(mine));
	struct age_header header;
	struct buf text;

	make_header(&text, mine, other, place, file_key);
	AG_ASSERT(age_header_parse(&header, buf_bytes(&text), NULL) == AG_OK);
	hide(number.data, number.len);
	AG_ASSERT(age_wrap_open(&opened, &header, mine, NULL) ==
	    (place < 3 ? AG_OK : AG_EDENIED));
	if (opened != NULL) {
		AG_ASSERT(verdict(age_header_is_authentic(&header, opened)));
		AG_ASSERT(verdict(secret_equal(opened, file_key)));
		forget(opened);
	}
	show(number.data, number.len);
	age_header_fini(&header);
	buf_fini(&text);
	secret_free(file_key);
	private_key_free(mine);
	private_key_free(other);
}

/* The key's place among its recipients being any, or none. */
static void
open_age_files(void)
{
	for (size_t place = 0; place <= 3; place++)
		open_age_file(place);
}

static void
sign_and_derive(void)
{
	uint8_t seed[SIGN_SEED_BYTES], signature[SIGN_SIGNATURE_BYTES];
	struct secret *key, *derived;

	randombytes_buf(seed, sizeof(seed));
	hide(seed, sizeof(seed));
	AG_ASSERT(sign_key_from_seed(&key, seed, NULL) == AG_OK);
	/* The half that is public. */
	show(secret_data(key) + SIGN_SEED_BYTES, SIGN_PUBLIC_BYTES);
	AG_ASSERT(verdict(sign_key_is_sound(key)));
	sign_message(signature, key, bytes_from_text("a message"));
	derived = hkdf_sha256(bytes_of(seed, sizeof(seed)),
	    bytes_from_text("salt"), "purpose");
	forget(derived);
	forget(key);
	show(seed, sizeof(seed));
}

/* Mistakes that must be reported. */
static void
planted_branch(void)
{
	struct secret *a = hidden(KEY_BYTES_MADE);
	struct secret *b = secret_copy(secret_bytes(a));

	AG_ASSERT(verdict(
	    memcmp(secret_data(a), secret_data(b), KEY_BYTES_MADE) == 0));
	forget(a);
	forget(b);
}

static void
planted_table(void)
{
	static const char digits[] = "0123456789abcdef";
	struct secret *key = hidden(KEY_BYTES_MADE);
	volatile char text[2];

	text[0] = digits[secret_data(key)[0] >> 4];
	text[1] = digits[secret_data(key)[0] & 15];
	AG_ASSERT(text[0] != text[1] || verdict(text[0] == text[1]));
	forget(key);
}

static const struct {
	const char *name;
	void (*run)(void);
	bool is_planted;
} cases[] = {
	{ "secrets are compared", compare, false },
	{ "armour is put on and taken off", armour_and_take_off, false },
	{ "identities are coded", code_identities, false },
	{ "padding is taken off", take_padding_off, false },
	{ "sections of OpenSSH are checked", check_sections, false },
	{ "sealed buffers are opened", open_sealed_buffers, false },
	{ "age files are opened", open_age_files, false },
	{ "keys sign and derive", sign_and_derive, false },
	{ "a branch is planted", planted_branch, true },
	{ "a table is planted", planted_table, true },
};

int
main(void)
{
	int code = 0;

	if (!RUNNING_ON_VALGRIND || sodium_init() == -1) {
		(void)fprintf(stderr, "constant: to be run by valgrind\n");
		return 2;
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned long before = VALGRIND_COUNT_ERRORS, found;

		cases[i].run();
		found = VALGRIND_COUNT_ERRORS - before;
		if ((found > 0) == cases[i].is_planted)
			continue;
		(void)printf("%s: %lu reports\n", cases[i].name, found);
		code = 1;
	}
	return code;
}
