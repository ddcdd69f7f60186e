/*
 * Who may connect, and how often, before anybody has proved anything.
 *
 * Ownership  the caller's storage.
 * Threads    one thread at a time.
 */
#ifndef AEGIS_NET_LIMITS_H
#define AEGIS_NET_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"
#include "resource/bucket.h"
#include "trust/certificate.h"

/* Sessions of one member's host that have not authenticated: one of each
 * kind, and their successors. */
#define LIMITS_PREAUTH_MEMBER 4

/* Of the slots, those no stranger gets: room for every member's host. */
#define LIMITS_PREAUTH_RESERVED (LIMITS_PREAUTH_MEMBER * TRUST_MEMBERS_MAX)

/* Sessions that have not authenticated, all together. */
#define LIMITS_PREAUTH_MAX (48 + LIMITS_PREAUTH_RESERVED)

/* From here on strangers are refused at random, the more the fuller. */
#define LIMITS_PREAUTH_SOFT 16

#define LIMITS_NETWORKS 64

struct limits_network {
	uint64_t network;
	uint64_t used_us;
	struct bucket bucket;
};

struct limits {
	struct bucket strangers;
	struct limits_network hosts[TRUST_MEMBERS_MAX]; /* of members */
	struct limits_network networks[LIMITS_NETWORKS];
};

void limits_init(struct limits *limits, uint64_t now_us);

/* Who asks to come in, while how many others wait. */
struct limits_asker {
	const struct address *from;
	size_t
	    members; /* of the roster that live on this host, 0: a stranger */
	size_t waiting;      /* sessions before authentication, all of them */
	size_t waiting_here; /* those from the same host */
	uint32_t random;     /* uniform in 0..UINT32_MAX */
};

/*
 * May one more connection come in?  Anybody can be next to a member on its
 * host, so that is bounded too.
 */
bool limits_admit(struct limits *limits, const struct limits_asker *asker,
    uint64_t now_us);

#endif
