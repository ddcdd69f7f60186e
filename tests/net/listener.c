/*
 * A net that listens on 127.0.0.1 for tests/net/ssh_audit.sh: prints its
 * port, then waits until its standard input ends.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sodium.h>

#include "crypto/signer.h"
#include "net/net.h"

static struct roster roster;

/* A port nobody listens on at this moment. */
static unsigned
free_port(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(sin);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (const struct sockaddr *)&sin, len) != 0 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) != 0)
		return 0;
	(void)close(fd);
	return ntohs(sin.sin_port);
}

int
main(void)
{
	struct net_config config = {
		.roster = &roster,
		.listen = roster.members[0].address,
		.heartbeat_ms = 1000,
		.silent_ms = 5000,
	};
	struct secret *node_key = NULL, *link_key = NULL;
	unsigned port = free_port();
	struct signer signer;
	struct net *net = NULL;
	struct ag_error err;
	char byte;

	roster.member_count = 1;
	(void)snprintf(roster.members[0].name, ROSTER_NAME_BYTES, "n1");
	(void)snprintf(roster.members[0].address, ROSTER_ADDRESS_BYTES,
	    "127.0.0.1:%u", port);
	if (sodium_init() < 0 || port == 0 ||
	    sign_keypair(&node_key, &err) != AG_OK ||
	    sign_keypair(&link_key, &err) != AG_OK)
		return 2;
	signer_of_key(&signer, node_key);
	config.signer = &signer;
	config.link_key = link_key;
	if (net_start(&net, &config, &err) != AG_OK) {
		(void)fprintf(stderr, "net_listener: %s\n", err.text);
		return 3;
	}
	(void)printf("%u\n", port);
	(void)fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
	net_stop(net);
	secret_free(node_key);
	secret_free(link_key);
	return 0;
}
