/*
 * The accept side where descriptors run out.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/clock.h"
#include "crypto/sign.h"
#include "net/server.h"

#define REST_US 100000

struct scene {
	struct server server;
	struct secret *key;
	struct metric_set *metrics;
	struct rlimit limit;
	int dialled;
};

static void
dial(struct scene *s)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);

	assert_int_equal(getsockname(s->server.fd, (struct sockaddr *)&address,
			     &len),
	    0);
	s->dialled = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_not_equal(s->dialled, -1);
	assert_int_equal(connect(s->dialled, (struct sockaddr *)&address, len),
	    0);
}

/* One that nobody listens on at this moment. */
static unsigned
free_port(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	(void)close(fd);
	return ntohs(in.sin_port);
}

static int
open_scene(void **state)
{
	static struct scene s;
	char address[32];
	struct ag_error err;

	s.dialled = -1;
	(void)snprintf(address, sizeof(address), "127.0.0.1:%u", free_port());
	if (sodium_init() < 0 || sign_keypair(&s.key, NULL) != AG_OK ||
	    getrlimit(RLIMIT_NOFILE, &s.limit) != 0)
		return -1;
	s.metrics = metric_set_new();
	*state = &s;
	return server_open(&s.server, address, s.key,
		   &(struct link_certificate){ .serial = 0 }, s.metrics,
		   &err) == AG_OK
	    ? 0
	    : -1;
}

static int
close_scene(void **state)
{
	struct scene *s = *state;

	if (s->dialled != -1)
		(void)close(s->dialled);
	server_close(&s->server);
	metric_set_free(s->metrics);
	secret_free(s->key);
	return 0;
}

static void
a_connection_waits_without_turns_when_no_descriptor_is_free(void **state)
{
	struct scene *s = *state;
	struct rlimit none = s->limit;
	struct server_view view = { .peer_count = 0 };
	uint64_t now_us = clock_mono_us();
	bool has_more;
	struct link *link;

	dial(s);
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	link = server_accept(&s->server, &view, &has_more, now_us);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &s->limit), 0);
	assert_null(link);
	assert_false(has_more);
	assert_true(server_rests(&s->server, now_us));
	assert_true(server_rests(&s->server, now_us + REST_US - 1));
	assert_false(server_rests(&s->server, now_us + REST_US));
}

static void
nobody_waiting_is_no_reason_to_rest(void **state)
{
	struct scene *s = *state;
	struct server_view view = { .peer_count = 0 };
	uint64_t now_us = clock_mono_us();
	bool has_more;

	assert_null(server_accept(&s->server, &view, &has_more, now_us));
	assert_false(has_more);
	assert_false(server_rests(&s->server, now_us));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define SPEC(name) \
	cmocka_unit_test_setup_teardown(name, open_scene, close_scene)
		SPEC(
		    a_connection_waits_without_turns_when_no_descriptor_is_free),
		SPEC(nobody_waiting_is_no_reason_to_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
