/*
 * libssh, set up our way.
 *
 * FORMAT   A link key of the roster is shown as it is: as host key, and by the
 *          user "peer".  Beside one that is certified since stands what
 *          certifies it (trust/link_certificate.h), where whoever does not
 *          know the key yet can read it before anything depends on it:
 *          user    "peer:" node key in base64 ":" certificate
 *          server  "SSH-2.0-aegis " certificate, its identification string
 *          Neither is a secret, and both are in what SSH signs.
 *
 * RULES    1. Nothing is read from the host's SSH configuration: no user or
 *             system config, known hosts, agent or identity files.
 *          2. One list of algorithms, all of them modern; the dialler's
 *             order decides, so it puts what its processor does best first.
 *          3. libssh closes a socket it was handed only when the other side
 *             goes first, unless it is told to forget who handed it.
 *          4. Either end may change keys, so each has its own limits.  libssh
 *             looks at them with every packet that it sends or gets, and the
 *             heartbeats of an idle link are packets, too.
 *          5. libssh leaves sockets blocking: they are made non-blocking
 *             here, before a session reaches the I/O thread.
 */
#include "net/transport.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
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

void
transport_user(char user[static TRANSPORT_USER_BYTES],
    const uint8_t node_key[static PUBLIC_KEY_BYTES],
    const struct link_certificate *certificate)
{
	char node[TEXT_BASE64_BYTES(PUBLIC_KEY_BYTES)];
	char text[LINK_CERTIFICATE_TEXT_BYTES];

	(void)snprintf(user, TRANSPORT_USER_BYTES, "%s", TRANSPORT_USER);
	if (certificate->serial == 0)
		return;
	text_base64(node, sizeof(node), bytes_of(node_key, PUBLIC_KEY_BYTES),
	    BASE64_STANDARD);
	link_certificate_format(text, certificate);
	(void)snprintf(user, TRANSPORT_USER_BYTES, "%s:%s:%s", TRANSPORT_USER,
	    node, text);
}

bool
transport_user_parse(const char *user,
    uint8_t node_key[static PUBLIC_KEY_BYTES],
    struct link_certificate *certificate)
{
	const size_t name = strlen(TRANSPORT_USER);
	struct bytes node, text;
	const char *colon;
	size_t len;

	*certificate = (struct link_certificate){ .serial = 0 };
	if (strncmp(user, TRANSPORT_USER, name) != 0)
		return false;
	if (user[name] == '\0')
		return true;
	colon = strchr(user + name + 1, ':');
	if (user[name] != ':' || colon == NULL)
		return false;
	node = bytes_of(user + name + 1, (size_t)(colon - user) - name - 1);
	text = bytes_from_text(colon + 1);
	return text_base64_decode(node_key, PUBLIC_KEY_BYTES, &len, node,
		   BASE64_STANDARD) == AG_OK &&
	    len == PUBLIC_KEY_BYTES &&
	    link_certificate_parse(certificate, text) == AG_OK;
}

bool
transport_banner_parse(ssh_session session,
    struct link_certificate *certificate)
{
	const char *banner = ssh_get_serverbanner(session);
	const char *space = banner != NULL ? strchr(banner, ' ') : NULL;

	*certificate = (struct link_certificate){ .serial = 0 };
	return space != NULL &&
	    link_certificate_parse(certificate, bytes_from_text(space + 1)) ==
	    AG_OK;
}

static enum ag_status
bind_show_certificate(ssh_bind sshbind,
    const struct link_certificate *certificate)
{
	char banner[sizeof("aegis ") + LINK_CERTIFICATE_TEXT_BYTES];
	char text[LINK_CERTIFICATE_TEXT_BYTES];

	if (certificate->serial == 0)
		return AG_OK;
	link_certificate_format(text, certificate);
	(void)snprintf(banner, sizeof(banner), "aegis %s", text);
	return ssh_bind_options_set(sshbind, SSH_BIND_OPTIONS_BANNER, banner) ==
		SSH_OK
	    ? AG_OK
	    : AG_ENOMEM;
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
    const struct link_certificate *certificate, struct ag_error *err)
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
	if (bind_show_certificate(sshbind, certificate) != AG_OK) {
		ssh_bind_free(sshbind);
		return ag_fail(err, AG_ENOMEM, "set up SSH: no memory");
	}
	*out = sshbind;
	return AG_OK;
}

/* Options of either end.  True when libssh took them all. */
static bool
session_set_common(ssh_session session, const struct transport_rekey *rekey)
{
	const uint64_t rekey_bytes =
	    rekey->bytes > 0 ? rekey->bytes : REKEY_BYTES;
	const uint32_t rekey_s = rekey->seconds > 0 ? rekey->seconds : REKEY_S;
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
    const struct transport_rekey *rekey, struct ag_error *err)
{
	enum ag_status status = late_ssh_load(err);
	ssh_session session;

	*out = NULL;
	if (status != AG_OK)
		return status;
	session = ssh_new();
	if (session == NULL)
		return ag_fail(err, AG_ENOMEM, "dial: no memory");
	if (!session_set_common(session, rekey) ||
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
transport_server_open(ssh_session *out, const struct transport_rekey *rekey,
    struct ag_error *err)
{
	enum ag_status status = late_ssh_load(err);
	ssh_session session;

	*out = NULL;
	if (status != AG_OK)
		return status;
	session = ssh_new();
	if (session == NULL)
		return ag_fail(err, AG_ENOMEM, "accept: no memory");
	if (!session_set_common(session, rekey)) {
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
