/*
 * What both ends of an SSH session have in common: keys and options.
 *
 * Ownership  keys and binds handed out are the caller's to free.
 * Threads    no shared state; a session belongs to one thread at a time.
 */
#ifndef AEGIS_NET_TRANSPORT_H
#define AEGIS_NET_TRANSPORT_H

#include <libssh/libssh.h>
#include <libssh/server.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "crypto/secret.h"
#include "crypto/sign.h"
#include "net/handshake.h"
#include "trust/link_certificate.h"

#define TRANSPORT_USER "peer"

/* The longest name that a user of ours has, with its NUL. */
#define TRANSPORT_USER_BYTES \
	(sizeof(TRANSPORT_USER) + 45 + LINK_CERTIFICATE_TEXT_BYTES)

/* What a dialler with such a key calls itself, and who that was. */
void transport_user(char user[static TRANSPORT_USER_BYTES],
    const uint8_t node_key[static PUBLIC_KEY_BYTES],
    const struct link_certificate *certificate);

/* False: not one of ours.  Serial 0: it has shown no certificate; else link
 * key and signature are still to be put together and verified. */
bool transport_user_parse(const char *user,
    uint8_t node_key[static PUBLIC_KEY_BYTES],
    struct link_certificate *certificate);

/* The same of what an acceptor shows before its host key; false: nothing. */
bool transport_banner_parse(ssh_session session,
    struct link_certificate *certificate);

/* "aegis-peer" and "aegis-bulk". */
const char *transport_subsystem(enum link_kind kind);

/* libssh's form of an Ed25519 secret key. */
enum ag_status transport_key_import(ssh_key *key, const struct secret *secret,
    struct ag_error *err) AG_MUST_USE;

/* The 32 bytes of an Ed25519 public key; false for another kind. */
bool transport_key_public(uint8_t out[static SIGN_PUBLIC_BYTES], ssh_key key);

/* A listener's settings: host key, what certifies it (serial 0: the roster),
 * algorithms, no configuration files. */
enum ag_status transport_bind_open(ssh_bind *bind,
    const struct secret *link_key, const struct link_certificate *certificate,
    struct ag_error *err) AG_MUST_USE;

/* When the keys of a session change: after so much in one direction, or so
 * long.  0: after a GiB, and an hour. */
struct transport_rekey {
	uint64_t bytes;
	uint32_t seconds;
};

/* A dialler's session over a connected socket, which stays the caller's. */
enum ag_status transport_client_open(ssh_session *session, int fd,
    uint32_t timeout_s, const struct transport_rekey *rekey,
    struct ag_error *err) AG_MUST_USE;

/* ssh_connect().  From here on, however it ends, the socket is the session's. */
enum ag_status transport_client_connect(ssh_session session,
    struct ag_error *err) AG_MUST_USE;

/* An acceptor's session, before ssh_bind_accept_fd(). */
enum ag_status transport_server_open(ssh_session *session,
    const struct transport_rekey *rekey, struct ag_error *err) AG_MUST_USE;

/* O_NONBLOCK, TCP_NODELAY, TCP_USER_TIMEOUT and, for bulk, a short queue. */
void transport_tune(int fd, enum link_kind kind);

#endif
