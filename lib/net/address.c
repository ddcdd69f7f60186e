/*
 * Addresses as text and as sockets want them.
 *
 * RULES    1. A port is a number from 1 to 65535; services are not looked up.
 *          2. A v6 host stands in brackets, so that its colons are its own.
 */
#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_TEXT_BYTES 6

/* Cut text into host and port.  False when it has another shape. */
static bool
address_split(const char *text, char *host, size_t cap, char *port)
{
	const char *colon = strrchr(text, ':'), *p;
	size_t len, digits;
	bool bracketed;

	if (colon == NULL)
		return false;
	digits = strlen(colon + 1);
	if (digits == 0 || digits >= PORT_TEXT_BYTES)
		return false;
	for (p = colon + 1; *p != '\0'; p++)
		if (*p < '0' || *p > '9')
			return false;
	if (strtoul(colon + 1, NULL, 10) == 0 ||
	    strtoul(colon + 1, NULL, 10) > UINT16_MAX)
		return false;
	len = (size_t)(colon - text);
	bracketed = len > 2 && text[0] == '[' && text[len - 1] == ']';
	if (bracketed) {
		text++;
		len -= 2;
	} else if (strcspn(text, ":[]") < len) {
		return false;
	}
	if (len == 0 || len >= cap)
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	memcpy(port, colon + 1, digits + 1);
	return true;
}

/* getaddrinfo's answer, 0 or an EAI_ code. */
static int
address_lookup(struct address *address, const char *host, const char *port,
    int flags)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV | flags,
	};
	struct addrinfo *found = NULL;
	int code = getaddrinfo(host, port, &hints, &found);

	if (code != 0)
		return code;
	memcpy(&address->storage, found->ai_addr, found->ai_addrlen);
	address->len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

enum ag_status
address_resolve(struct address *address, const char *text, bool is_passive,
    struct ag_error *err)
{
	char host[ADDRESS_TEXT_BYTES], port[PORT_TEXT_BYTES];
	int code;

	if (!address_split(text, host, sizeof(host), port))
		return ag_fail(err, AG_EINVAL,
		    "address %s: not of the form host:port", text);
	code = address_lookup(address, host, port, is_passive ? AI_PASSIVE : 0);
	if (code != 0)
		return ag_fail(err, AG_EUNREACH, "look up %s: %s", host,
		    gai_strerror(code));
	return AG_OK;
}

bool
address_parse(struct address *address, const char *text)
{
	char host[ADDRESS_TEXT_BYTES], port[PORT_TEXT_BYTES];

	return address_split(text, host, sizeof(host), port) &&
	    address_lookup(address, host, port, AI_NUMERICHOST) == 0;
}

/* The host as 16 bytes, v4 in its mapped form. */
static void
address_host(const struct address *address, uint8_t host[static 16])
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	memset(host, 0, 16);
	if (address->storage.ss_family == AF_INET) {
		memcpy(&v4, &address->storage, sizeof(v4));
		host[10] = host[11] = 0xff;
		memcpy(host + 12, &v4.sin_addr, 4);
	} else if (address->storage.ss_family == AF_INET6) {
		memcpy(&v6, &address->storage, sizeof(v6));
		memcpy(host, &v6.sin6_addr, 16);
	}
}

bool
address_same_host(const struct address *a, const struct address *b)
{
	uint8_t one[16], other[16];

	address_host(a, one);
	address_host(b, other);
	return memcmp(one, other, sizeof(one)) == 0;
}

uint64_t
address_network(const struct address *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	uint64_t network = 0;
	uint8_t host[16];
	bool is_v4;
	size_t i;

	address_host(address, host);
	is_v4 = memcmp(host, mapped, sizeof(mapped)) == 0;
	for (i = is_v4 ? 8 : 0; i < (is_v4 ? 15U : 8U); i++)
		network = network << 8 | host[i];
	return network;
}

uint64_t
address_host_key(const struct address *address)
{
	uint64_t halves[2];
	uint8_t host[16];

	address_host(address, host);
	memcpy(halves, host, sizeof(halves));
	/* Two members whose keys are equal share a rate, no more. */
	return halves[0] ^ halves[1];
}

void
address_format(char text[static ADDRESS_TEXT_BYTES],
    const struct address *address)
{
	char host[INET6_ADDRSTRLEN] = "?", port[PORT_TEXT_BYTES] = "?";

	(void)getnameinfo((const struct sockaddr *)&address->storage,
	    address->len, host, sizeof(host), port, sizeof(port),
	    NI_NUMERICHOST | NI_NUMERICSERV);
	(void)snprintf(text, ADDRESS_TEXT_BYTES,
	    strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, port);
}
