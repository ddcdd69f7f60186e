/*
 * How long secrets take, by statistics: two kinds of input, in random order,
 * and Welch's t-test of the times each took.
 *
 * Beyond 4.5 the two differ by more than chance.  Chance also brings other
 * programs on the machine, so a difference counts when it is there each of
 * three times.  One that is planted must be.
 *
 * FORMAT   what was done | t of the last time | samples
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "crypto/age_key.h"
#include "crypto/late_crypto.h"
#include "crypto/private_key.h"
#include "crypto/recipient.h"
#include "crypto/rsa_oaep.h"
#include "crypto/seal.h"

#define T_MAX 4.5
#define ATTEMPTS 3
#define INPUT_BYTES_MAX 1024
#define COMPARED_BYTES 1024

/* Its inputs differ in what may not be told from outside. */
struct subject {
	const char *name;
	void (*prepare)(uint8_t *input, int kind);
	void (*run)(const uint8_t *input);
	size_t samples;
	bool is_planted;
};

static struct secret *known, *scratch, *key;
static struct private_key *rsa;
static volatile bool sunk;

static void
prepare_equal(uint8_t *input, int kind)
{
	memcpy(input, secret_bytes(known).data, COMPARED_BYTES);
	input[0] ^= (uint8_t)kind;
}

static void
run_equal(const uint8_t *input)
{
	memcpy(secret_data(scratch), input, COMPARED_BYTES);
	sunk = secret_equal(scratch, known);
}

static void
run_memcmp(const uint8_t *input)
{
	memcpy(secret_data(scratch), input, COMPARED_BYTES);
	sunk = memcmp(secret_data(scratch), secret_data(known),
		   COMPARED_BYTES) == 0;
}

/* The tag's first byte is wrong, or its last. */
static void
prepare_seal(uint8_t *input, int kind)
{
	seal_buffer(input, key, bytes_of(NULL, 0), bytes_of(input, 64));
	input[SEAL_OVERHEAD + 64 - (kind == 0 ? 16 : 1)] ^= 1;
}

static void
run_seal(const uint8_t *input)
{
	uint8_t out[64];

	sunk = seal_open(out, key, bytes_of(NULL, 0),
		   bytes_of(input, SEAL_OVERHEAD + 64)) == AG_OK;
}

/* For somebody else, or damaged at its end. */
static void
prepare_unwrap(uint8_t *input, int kind)
{
	uint8_t recipient[RECIPIENT_KEY_BYTES];
	struct secret *other = secret_random(RECIPIENT_KEY_BYTES);
	struct secret *file_key = secret_random(RECIPIENT_FILE_KEY_BYTES);

	recipient_public(recipient, kind == 0 ? other : key);
	AG_ASSERT(recipient_wrap(input, recipient, file_key, NULL) == AG_OK);
	input[RECIPIENT_WRAPPED_BYTES - 1] ^= (uint8_t)kind;
	secret_free(other);
	secret_free(file_key);
}

static void
run_unwrap(const uint8_t *input)
{
	struct secret *opened;

	sunk = recipient_unwrap(&opened, input, key, NULL) == AG_OK;
}

/* One character is wrong, near the beginning or the end. */
static void
prepare_identity(uint8_t *input, int kind)
{
	static const uint8_t nobody[AGE_KEY_BYTES];
	struct secret *text = age_key_format(key, nobody);

	memcpy(input, secret_bytes(text).data, secret_len(text));
	input[secret_len(text)] = '\0';
	input[secret_len(text) - (kind == 0 ? 55 : 12)] ^= 0x80;
	secret_free(text);
}

static void
run_identity(const uint8_t *input)
{
	struct secret *parsed;

	sunk = age_key_parse(&parsed, bytes_from_text((const char *)input),
		   "it", NULL) == AG_OK;
	secret_free(parsed);
}

/* Another label, which OAEP sees late, or no padding at all. */
static void
prepare_oaep(uint8_t *input, int kind)
{
	size_t len;

	if (kind == 0) {
		AG_ASSERT(
		    rsa_oaep_encrypt(input, &len, private_key_evp(rsa), "other",
			bytes_of("0123456789abcdef", 16), NULL) == AG_OK);
		return;
	}
	randombytes_buf(input, 384);
	input[0] &= 0x3f;
}

static void
run_oaep(const uint8_t *input)
{
	struct secret *opened;

	sunk = rsa_oaep_decrypt(&opened, private_key_evp(rsa), "label",
		   bytes_of(input, 384), NULL) == AG_OK;
}

static const struct subject subjects[] = {
	{ "secrets are compared", prepare_equal, run_equal, 1000000, false },
	{ "sealed buffers do not open", prepare_seal, run_seal, 1000000,
	    false },
	{ "wrapped keys do not open", prepare_unwrap, run_unwrap, 40000,
	    false },
	{ "RSA-OAEP does not open", prepare_oaep, run_oaep, 10000, false },
	{ "identities are damaged", prepare_identity, run_identity, 200000,
	    false },
	{ "planted: memcmp compares", prepare_equal, run_memcmp, 1000000,
	    true },
};

static uint64_t
now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int
compare_times(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Of times below limit, which leaves out when something else ran. */
static double
welch(const double *times, const uint8_t *kinds, size_t count, double limit)
{
	double n[2] = { 0 }, mean[2] = { 0 }, sum[2] = { 0 };

	for (size_t i = 0; i < count; i++) {
		const uint8_t kind = kinds[i];
		double off;

		if (times[i] > limit)
			continue;
		n[kind]++;
		off = times[i] - mean[kind];
		mean[kind] += off / n[kind];
		sum[kind] += off * (times[i] - mean[kind]);
	}
	return (mean[0] - mean[1]) /
	    sqrt(sum[0] / (n[0] - 1) / n[0] + sum[1] / (n[1] - 1) / n[1] +
		1e-12);
}

/* What is done before the time is taken must be the same for both, too. */
static void
choose(uint8_t *input, uint8_t prepared[static 2][INPUT_BYTES_MAX],
    uint8_t kind)
{
	const uint8_t mask = (uint8_t)(0 - kind);

	for (size_t i = 0; i < INPUT_BYTES_MAX; i++)
		input[i] = (uint8_t)((prepared[0][i] & (uint8_t)~mask) |
		    (prepared[1][i] & mask));
}

static double
measure(const struct subject *s, double *times, double *sorted, uint8_t *kinds)
{
	uint8_t prepared[2][INPUT_BYTES_MAX] = { 0 }, input[INPUT_BYTES_MAX];

	for (size_t i = 0; i < s->samples; i++) {
		uint64_t begin;

		/* Fresh now and then, so that no single input counts. */
		if (i % 1000 == 0)
			for (int kind = 0; kind < 2; kind++)
				s->prepare(prepared[kind], kind);
		kinds[i] = (uint8_t)(randombytes_random() & 1);
		choose(input, prepared, kinds[i]);
		begin = now_ns();
		s->run(input);
		times[i] = (double)(now_ns() - begin);
	}
	memcpy(sorted, times, s->samples * sizeof(*times));
	qsort(sorted, s->samples, sizeof(*sorted), compare_times);
	return welch(times, kinds, s->samples, sorted[s->samples / 10 * 9]);
}

static bool
judge(const struct subject *s, double *times, double *sorted, uint8_t *kinds)
{
	bool is_different = true;
	double t = 0;

	for (int i = 0; i < ATTEMPTS && is_different; i++) {
		t = measure(s, times, sorted, kinds);
		is_different = fabs(t) > T_MAX;
	}
	(void)printf("%-4s %-30s t = %7.2f  %zu samples\n",
	    is_different == s->is_planted ? "ok" : "BAD", s->name, t,
	    s->samples);
	(void)fflush(stdout);
	return is_different == s->is_planted;
}

static bool
start(void)
{
	const struct algorithm *algorithm;

	known = secret_random(COMPARED_BYTES);
	scratch = secret_new(COMPARED_BYTES);
	key = secret_random(SEAL_KEY_BYTES);
	return known != NULL && scratch != NULL && key != NULL &&
	    late_crypto_load(NULL) == AG_OK &&
	    algorithm_find(&algorithm, ALGORITHM_KEY, "rsa-3072", NULL) ==
	    AG_OK &&
	    private_key_generate(&rsa, algorithm, NULL) == AG_OK;
}

int
main(void)
{
	static double times[1000000], sorted[1000000];
	static uint8_t kinds[1000000];
	bool is_well = true;

	if (!start())
		return 2;
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++)
		is_well = judge(&subjects[i], times, sorted, kinds) && is_well;
	return is_well ? 0 : 1;
}
