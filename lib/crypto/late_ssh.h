/*
 * libssh's functions, through slots (base/late.h).
 *
 * Threads    any.
 */
#ifndef AEGIS_CRYPTO_LATE_SSH_H
#define AEGIS_CRYPTO_LATE_SSH_H

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include "base/late.h"

#define LATE_SSH(X)                      \
	X(ssh_bind_accept_fd)            \
	X(ssh_bind_free)                 \
	X(ssh_bind_new)                  \
	X(ssh_bind_options_set)          \
	X(ssh_channel_is_closed)         \
	X(ssh_channel_is_eof)            \
	X(ssh_channel_new)               \
	X(ssh_channel_open_session)      \
	X(ssh_channel_request_subsystem) \
	X(ssh_channel_window_size)       \
	X(ssh_channel_write)             \
	X(ssh_connect)                   \
	X(ssh_disconnect)                \
	X(ssh_event_add_session)         \
	X(ssh_event_dopoll)              \
	X(ssh_event_free)                \
	X(ssh_event_new)                 \
	X(ssh_event_remove_session)      \
	X(ssh_free)                      \
	X(ssh_get_error)                 \
	X(ssh_get_fd)                    \
	X(ssh_get_poll_flags)            \
	X(ssh_get_server_publickey)      \
	X(ssh_get_serverbanner)          \
	X(ssh_get_status)                \
	X(ssh_handle_key_exchange)       \
	X(ssh_is_connected)              \
	X(ssh_key_dup)                   \
	X(ssh_key_free)                  \
	X(ssh_key_type)                  \
	X(ssh_new)                       \
	X(ssh_options_set)               \
	X(ssh_pki_export_pubkey_base64)  \
	X(ssh_pki_import_privkey_base64) \
	X(ssh_remove_channel_callbacks)  \
	X(ssh_set_auth_methods)          \
	X(ssh_set_blocking)              \
	X(ssh_set_channel_callbacks)     \
	X(ssh_set_counters)              \
	X(ssh_set_message_callback)      \
	X(ssh_set_server_callbacks)      \
	X(ssh_string_free_char)          \
	X(ssh_userauth_publickey)

struct late_ssh_functions {
	LATE_SSH(LATE_SLOT)
};

extern struct late_ssh_functions late_ssh_call;

/* Fill the slots.  AG_ESYS: it can not be loaded; nothing may be called. */
enum ag_status late_ssh_load(struct ag_error *err) AG_MUST_USE;

#define ssh_bind_accept_fd (*late_ssh_call.ssh_bind_accept_fd)
#define ssh_bind_free (*late_ssh_call.ssh_bind_free)
#define ssh_bind_new (*late_ssh_call.ssh_bind_new)
#define ssh_bind_options_set (*late_ssh_call.ssh_bind_options_set)
#define ssh_channel_is_closed (*late_ssh_call.ssh_channel_is_closed)
#define ssh_channel_is_eof (*late_ssh_call.ssh_channel_is_eof)
#define ssh_channel_new (*late_ssh_call.ssh_channel_new)
#define ssh_channel_open_session (*late_ssh_call.ssh_channel_open_session)
#define ssh_channel_request_subsystem \
	(*late_ssh_call.ssh_channel_request_subsystem)
#define ssh_channel_window_size (*late_ssh_call.ssh_channel_window_size)
#define ssh_channel_write (*late_ssh_call.ssh_channel_write)
#define ssh_connect (*late_ssh_call.ssh_connect)
#define ssh_disconnect (*late_ssh_call.ssh_disconnect)
#define ssh_event_add_session (*late_ssh_call.ssh_event_add_session)
#define ssh_event_dopoll (*late_ssh_call.ssh_event_dopoll)
#define ssh_event_free (*late_ssh_call.ssh_event_free)
#define ssh_event_new (*late_ssh_call.ssh_event_new)
#define ssh_event_remove_session (*late_ssh_call.ssh_event_remove_session)
#define ssh_free (*late_ssh_call.ssh_free)
#define ssh_get_error (*late_ssh_call.ssh_get_error)
#define ssh_get_fd (*late_ssh_call.ssh_get_fd)
#define ssh_get_poll_flags (*late_ssh_call.ssh_get_poll_flags)
#define ssh_get_server_publickey (*late_ssh_call.ssh_get_server_publickey)
#define ssh_get_serverbanner (*late_ssh_call.ssh_get_serverbanner)
#define ssh_get_status (*late_ssh_call.ssh_get_status)
#define ssh_handle_key_exchange (*late_ssh_call.ssh_handle_key_exchange)
#define ssh_is_connected (*late_ssh_call.ssh_is_connected)
#define ssh_key_dup (*late_ssh_call.ssh_key_dup)
#define ssh_key_free (*late_ssh_call.ssh_key_free)
#define ssh_key_type (*late_ssh_call.ssh_key_type)
#define ssh_new (*late_ssh_call.ssh_new)
#define ssh_options_set (*late_ssh_call.ssh_options_set)
#define ssh_pki_export_pubkey_base64 \
	(*late_ssh_call.ssh_pki_export_pubkey_base64)
#define ssh_pki_import_privkey_base64 \
	(*late_ssh_call.ssh_pki_import_privkey_base64)
#define ssh_remove_channel_callbacks \
	(*late_ssh_call.ssh_remove_channel_callbacks)
#define ssh_set_auth_methods (*late_ssh_call.ssh_set_auth_methods)
#define ssh_set_blocking (*late_ssh_call.ssh_set_blocking)
#define ssh_set_channel_callbacks (*late_ssh_call.ssh_set_channel_callbacks)
#define ssh_set_counters (*late_ssh_call.ssh_set_counters)
#define ssh_set_message_callback (*late_ssh_call.ssh_set_message_callback)
#define ssh_set_server_callbacks (*late_ssh_call.ssh_set_server_callbacks)
#define ssh_string_free_char (*late_ssh_call.ssh_string_free_char)
#define ssh_userauth_publickey (*late_ssh_call.ssh_userauth_publickey)

#endif
