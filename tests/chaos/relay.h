/*
 * What the relay's parts share: one network, its rules and what has passed.
 *
 * Ownership  the relay is main's; connections are relay_pipe.c's, which frees
 *            them in pipe_bury() alone.
 */
#ifndef AEGIS_CHAOS_RELAY_H
#define AEGIS_CHAOS_RELAY_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELAY_MEMBERS_MAX 32

/* What becomes of the bytes from one member to another. */
struct rule {
	uint64_t delay_us;
	uint64_t jitter_us;
	uint64_t loss;
	uint64_t rate;
	bool is_blocked;
};

struct pipe;

/* What epoll speaks of: a listener has no pipe, stdin no member either. */
struct handle {
	struct pipe *pipe;
	int fd;
	size_t side; /* or the listener's member */
	uint32_t events;
};

struct member {
	struct in_addr from;
	struct sockaddr_in address, target;
	struct handle listener;
};

struct relay {
	int poll;
	size_t count;
	uint64_t now_us, random;
	struct member members[RELAY_MEMBERS_MAX];
	struct rule rules[RELAY_MEMBERS_MAX][RELAY_MEMBERS_MAX];
	struct pipe *pipes;
	struct handle orders;
	uint64_t passed, late, lost, held, resets;
};

extern struct relay relay;

/* Say what could not be done, and end. */
void relay_fail(const char *what) __attribute__((noreturn));

/* Have epoll speak of the handle for these events; 0: no more. */
void relay_watch(struct handle *h, uint32_t events);

/* Somebody connects to this member's address. */
void pipe_take(size_t to);

/* Events of an end of a connection. */
void pipe_serve(struct handle *h, uint32_t events);

/* Pass on what is due everywhere, and forget what has ended. */
void pipe_pump_all(void);
void pipe_bury(void);

/* Both ends of every connection between the two hear of a reset. */
void pipe_reset_between(size_t a, size_t b);

/* How long nothing becomes due, in microseconds. */
uint64_t pipe_idle_us(void);

#endif
