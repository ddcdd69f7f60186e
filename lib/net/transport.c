/*
 * libssh, set up our way.
 *
 * RULES    1. Nothing is read from the host's SSH configuration: no user or
 *             system config, known hosts, agent or identity files.
 *          2. One list of algorithms, all of them modern; the dialler's
 *             order decides, so it puts what its processor does best first.
 *          3. libssh closes a socket it was handed only when the other side
 *             goes first, unless it is told to forget who handed it.
 *          4. libssh leaves sockets blocking: they are made non-blocking
 *             here, before a session reaches the I/O thread.
 */
#include "net/transport.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>

#include "codec/text.h"
#include "crypto/late_ssh.h"
#include "crypto/openssh_key.h"
#include "crypto/public_key.h"

#define KEX "curve25519-sha256,curve25519-sha256@libssh.org"
#define MACS "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com"
#define GCM "aes256-gcm@openssh.com"
#define CHACHA "chacha20-poly1305@openssh.com"

/* Keys of a session change after this much or this long. */
#define REKEY_BYTES (UINT64_C(1) << 30)
#define REKEY_S 3600U

#define UNACKED_MS 10000
#define BULK_UNSENT_BYTES (64 << 10)

const char *
transport_subsystem(enum link_kind kind)
{
	return kind == LINK_PEER ? "aegis-peer" : "aegis-bulk";
}

enum ag_status
transport_key_import(ssh_key *key, const struct secret *secret,
    struct ag_error *err)
{
	struct secret *text = NULL, *terminated;
	enum ag_status status;
	int rc;

	*key = NULL;
	status = late_ssh_load(err);
	if (status == AG_OK)
		status = openssh_key_format(&text, secret, "", NULL, err);
	if (status != AG_OK)
		return status;
	terminated = secret_new(secret_len(text) + 1);
	if (terminated == NULL) {
		secret_free(text);
		return ag_fail(err, AG_ENOMEM, "import link key: no memory");
	}
	memcpy(secret_data(terminated), secret_bytes(text).data,
	    secret_len(text));
	rc =
	    ssh_pki_import_privkey_base64((const char *)secret_bytes(terminated)
					      .data,
		NULL, NULL, NULL, key);
	secret_free(terminated);
	secret_free(text);
	if (rc != SSH_OK)
		return ag_fail(err, AG_EINVAL,
		    "import link key: libssh refuses it");
	return AG_OK;
}

bool
transport_key_public(uint8_t out[static SIGN_PUBLIC_BYTES], ssh_key key)
{
	uint8_t blob[PUBLIC_KEY_BLOB_BYTES];
	char *text = NULL;
	size_t len = 0;
	bool is_whole;

	if (ssh_key_type(key) != SSH_KEYTYPE_ED25519 ||
	    ssh_pki_export_pubkey_base64(key, &text) != SSH_OK)
		return false;
	is_whole = text_base64_decode(blob, sizeof(blob), &len,
		       bytes_from_text(text), BASE64_STANDARD) == AG_OK &&
	    len == sizeof(blob);
	if (is_whole)
		memcpy(out, blob + sizeof(blob) - SIGN_PUBLIC_BYTES,
		    SIGN_PUBLIC_BYTES);
	ssh_string_free_char(text);
	return is_whole;
}

static const char *
cipher_list(void)
{
#if defined(__x86_64__)
	bool has_aes = __builtin_cpu_supports("aes") != 0;
#elif defined(__aarch64__)
	bool has_aes = (getauxval(AT_HWCAP) & (1UL << 3)) != 0;
#else
	bool has_aes = false;
#endif
	return has_aes ? GCM "," CHACHA : CHACHA "," GCM;
}

enum ag_status
transport_bind_open(ssh_bind *out, const struct secret *link_key,
    struct ag_error *err)
{
	static const struct {
		enum ssh_bind_options_e option;
		const char *value;
	} lists[] = {
		{ SSH_BIND_OPTIONS_KEY_EXCHANGE, KEX },
		{ SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS, "ssh-ed25519" },
		{ SSH_BIND_OPTIONS_PUBKEY_ACCEPTED_KEY_TYPES, "ssh-ed25519" },
		{ SSH_BIND_OPTIONS_HMAC_C_S, MACS },
		{ SSH_BIND_OPTIONS_HMAC_S_C, MACS },
		{ SSH_BIND_OPTIONS_CIPHERS_C_S, GCM "," CHACHA },
		{ SSH_BIND_OPTIONS_CIPHERS_S_C, GCM "," CHACHA },
	};
	enum ag_status status;
	const bool no = false;
	ssh_key key = NULL;
	ssh_bind sshbind;
	int rc;
	size_t i;

	*out = NULL;
	status = transport_key_import(&key, link_key, err);
	if (status != AG_OK)
		return status;
	sshbind = ssh_bind_new();
	if (sshbind == NULL) {
		ssh_key_free(key);
		return ag_fail(err, AG_ENOMEM, "set up SSH: no memory");
	}
	rc =
	    ssh_bind_options_set(sshbind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no);
	for (i = 0; rc == SSH_OK && i < sizeof(lists) / sizeof(lists[0]); i++)
		rc = ssh_bind_options_set(sshbind, lists[i].option,
		    lists[i].value);
	/* The bind takes the key over when it accepts it. */
	if (rc == SSH_OK)
		rc = ssh_bind_options_set(sshbind, SSH_BIND_OPTIONS_IMPORT_KEY,
		    key);
	if (rc != SSH_OK) {
		status = ag_fail(err, AG_EINTERNAL, "set up SSH: %s",
		    ssh_get_error(sshbind));
		ssh_key_free(key);
		ssh_bind_free(sshbind);
		return status;
	}
	*out = sshbind;
	return AG_OK;
}

/* Options of either end.  True when libssh took them all. */
static bool
session_set_common(ssh_session session)
{
	const uint64_t rekey_bytes = REKEY_BYTES;
	const uint32_t rekey_s = REKEY_S;
	const int no = 0;
	int rc = 0;

	rc |= ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &no);
	rc |= ssh_options_set(session, SSH_OPTIONS_COMPRESSION, "none");
	rc |= ssh_options_set(session, SSH_OPTIONS_REKEY_DATA, &rekey_bytes);
	rc |= ssh_options_set(session, SSH_OPTIONS_REKEY_TIME, &rekey_s);
	return rc == SSH_OK;
}

static bool
session_set_client(ssh_session session, int fd, uint32_t timeout_s)
{
	const long timeout = (long)timeout_s;
	const int yes = 1, no = 0;
	int rc = 0;

	rc |= ssh_options_set(session, SSH_OPTIONS_HOST, "member");
	rc |= ssh_options_set(session, SSH_OPTIONS_USER, TRANSPORT_USER);
	rc |= ssh_options_set(session, SSH_OPTIONS_TIMEOUT, &timeout);
	rc |= ssh_options_set(session, SSH_OPTIONS_NODELAY, &yes);
	rc |= ssh_options_set(session, SSH_OPTIONS_KNOWNHOSTS, "/dev/null");
	rc |= ssh_options_set(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS,
	    "/dev/null");
	rc |= ssh_options_set(session, SSH_OPTIONS_GSSAPI_AUTH, &no);
	rc |= ssh_options_set(session, SSH_OPTIONS_KEY_EXCHANGE, KEX);
	rc |= ssh_options_set(session, SSH_OPTIONS_HOSTKEYS, "ssh-ed25519");
	rc |= ssh_options_set(session, SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES,
	    "ssh-ed25519");
	rc |= ssh_options_set(session, SSH_OPTIONS_CIPHERS_C_S, cipher_list());
	rc |= ssh_options_set(session, SSH_OPTIONS_CIPHERS_S_C, cipher_list());
	rc |= ssh_options_set(session, SSH_OPTIONS_HMAC_C_S, MACS);
	rc |= ssh_options_set(session, SSH_OPTIONS_HMAC_S_C, MACS);
	if (rc == SSH_OK)
		rc = ssh_options_set(session, SSH_OPTIONS_FD, &fd);
	return rc == SSH_OK;
}

enum ag_status
transport_client_open(ssh_session *out, int fd, uint32_t timeout_s,
    struct ag_error *err)
{
	enum ag_status status = late_ssh_load(err);
	ssh_session session;

	*out = NULL;
	if (status != AG_OK)
		return status;
	session = ssh_new();
	if (session == NULL)
		return ag_fail(err, AG_ENOMEM, "dial: no memory");
	if (!session_set_common(session) ||
	    !session_set_client(session, fd, timeout_s)) {
		status = ag_fail(err, AG_EINTERNAL, "set up SSH: %s",
		    ssh_get_error(session));
		ssh_free(session);
		return status;
	}
	*out = session;
	return AG_OK;
}

enum ag_status
transport_client_connect(ssh_session session, struct ag_error *err)
{
	enum ag_status status = AG_OK;

	if (ssh_connect(session) != SSH_OK)
		status =
		    ag_fail(err, AG_EUNREACH, "%s", ssh_get_error(session));
	/* It calls this an error, and does it. */
	(void)ssh_options_set(session, SSH_OPTIONS_FD, NULL);
	return status;
}

enum ag_status
transport_server_open(ssh_session *out, struct ag_error *err)
{
	enum ag_status status = late_ssh_load(err);
	ssh_session session;

	*out = NULL;
	if (status != AG_OK)
		return status;
	session = ssh_new();
	if (session == NULL)
		return ag_fail(err, AG_ENOMEM, "accept: no memory");
	if (!session_set_common(session)) {
		status = ag_fail(err, AG_EINTERNAL, "set up SSH: %s",
		    ssh_get_error(session));
		ssh_free(session);
		return status;
	}
	ssh_set_auth_methods(session, SSH_AUTH_METHOD_PUBLICKEY);
	ssh_set_blocking(session, 0);
	*out = session;
	return AG_OK;
}

void
transport_tune(int fd, enum link_kind kind)
{
	const int unsent = BULK_UNSENT_BYTES, unacked = UNACKED_MS, yes = 1;
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked,
	    sizeof(unacked));
	if (kind == LINK_BULK)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent,
		    sizeof(unsent));
}
