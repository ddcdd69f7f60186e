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

/* Sessions that have not authenticated, all together. */
#define LIMITS_PREAUTH_MAX 64

/* From here on strangers are refused at random, the more the fuller. */
#define LIMITS_PREAUTH_SOFT 16

/* Of the slots, those no stranger gets. */
#define LIMITS_PREAUTH_RESERVED 16

#define LIMITS_NETWORKS 64

struct limits_network {
	uint64_t network;
	uint64_t used_us;
	struct bucket bucket;
};

struct limits {
	struct bucket strangers;
	struct bucket members;
	struct limits_network networks[LIMITS_NETWORKS];
};

void limits_init(struct limits *limits, uint64_t now_us);

/*
 * May one more connection come in?  waiting: sessions before authentication;
 * random: uniform in 0..UINT32_MAX; is_member: the host is one a member of
 * the roster lives on, which anybody can be next to, so it is bounded too.
 */
bool limits_admit(struct limits *limits, const struct address *from,
    bool is_member, size_t waiting, uint32_t random, uint64_t now_us);

#endif
