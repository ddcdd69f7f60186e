/*
 * KEY_STEP, KEY_STEP_ACK and SEALED: the keys of datagrams, used on a link.
 *
 * Ownership  the caller's storage.
 * Threads    none of its own.
 */
#ifndef AEGIS_NET_SEALED_H
#define AEGIS_NET_SEALED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "net/datagram_key.h"

/* The most that is sealed into one message. */
#define SEALED_PLAIN_MAX 64
#define SEALED_BYTES_MAX (SEALED_PLAIN_MAX + DATAGRAM_OVERHEAD + 4)

/* An offered step, or the answer to one. */
struct key_step {
	bool is_answer;
	uint64_t step;
	uint8_t public_half[DATAGRAM_PUBLIC_BYTES];
};

struct bytes sealed_step_encode(uint8_t out[static SEALED_BYTES_MAX],
    const struct key_step *step);

/* AG_EPROTO when it is none, or one of another shape. */
enum ag_status sealed_step_decode(struct key_step *step,
    struct bytes body) AG_MUST_USE;

/* Seal a message of at most SEALED_PLAIN_MAX bytes into one.  As
 * datagram_seal(). */
enum ag_status sealed_encode(uint8_t out[static SEALED_BYTES_MAX],
    struct bytes *body, struct datagram_keys *keys, struct bytes plain,
    uint64_t now_us) AG_MUST_USE;

/* What is in it, in plain.  AG_EPROTO, or as datagram_open(). */
enum ag_status sealed_decode(uint8_t plain[static SEALED_BYTES_MAX],
    size_t *len, struct datagram_keys *keys, struct bytes body,
    uint64_t now_us) AG_MUST_USE;

#endif
