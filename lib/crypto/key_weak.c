/*
 * RSA moduli that were made badly, as far as the modulus alone shows it.
 *
 * A library in smart cards made primes of the form k * M + (65537^a mod M),
 * M being the product of the first primes (ROCA, CVE-2017-15361).  A modulus
 * of such primes is a power of 65537 modulo each of the first primes; one
 * that was made well is so for all of them once in 2^27.
 */
#include "crypto/key_weak.h"

#include <stdbool.h>

static const unsigned int primes[] = { 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37,
	41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
	113, 127, 131, 137, 139, 149, 151, 157, 163, 167 };

#define PRIMES (sizeof(primes) / sizeof(primes[0]))

static unsigned int
rest_of(struct bytes number, unsigned int prime)
{
	unsigned int rest = 0;

	for (size_t i = 0; i < number.len; i++)
		rest = (rest << 8 | number.data[i]) % prime;
	return rest;
}

static bool
is_power(unsigned int rest, unsigned int prime)
{
	const unsigned int base = 65537 % prime;
	unsigned int power = 1;

	for (unsigned int i = 0; i < prime; i++) {
		if (power == rest)
			return true;
		power = power * base % prime;
	}
	return false;
}

const char *
key_weak_modulus(struct bytes modulus)
{
	bool is_roca = true;

	for (size_t i = 0; i < PRIMES; i++) {
		unsigned int rest = rest_of(modulus, primes[i]);

		if (rest == 0)
			return "its modulus has a small factor";
		is_roca = is_roca && is_power(rest, primes[i]);
	}
	return is_roca ? "its primes are of a kind that can be factored "
			 "(ROCA, CVE-2017-15361)"
		       : NULL;
}
