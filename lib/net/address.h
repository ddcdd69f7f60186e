/*
 * "host:port" and "[v6]:port", taken apart and looked up.
 */
#ifndef AEGIS_NET_ADDRESS_H
#define AEGIS_NET_ADDRESS_H

#include <netdb.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/status.h"

#define ADDRESS_TEXT_BYTES 256

struct address {
	struct sockaddr_storage storage;
	socklen_t len;
};

/*
 * Look text up; blocks when the host is a name.  The first answer counts.
 * is_passive: for binding.
 * AG_EINVAL not host:port; AG_EUNREACH the name has no address.
 */
enum ag_status address_resolve(struct address *address, const char *text,
    bool is_passive, struct ag_error *err) AG_MUST_USE;

/* The same for numeric hosts only: never blocks.  False for a name. */
bool address_parse(struct address *address, const char *text);

/* The same host, whatever the port; v4-mapped v6 counts as v4. */
bool address_same_host(const struct address *a, const struct address *b);

/* A number for the host's network: its /24 or /64. */
uint64_t address_network(const struct address *address);

/* A number for the host itself. */
uint64_t address_host_key(const struct address *address);

/* "192.0.2.7:7422" for logs. */
void address_format(char text[static ADDRESS_TEXT_BYTES],
    const struct address *address);

#endif
