/*
 * libmicrohttpd's functions, through slots (base/late.h).
 *
 * Threads    any.
 */
#ifndef AEGIS_API_LATE_HTTP_H
#define AEGIS_API_LATE_HTTP_H

#include <microhttpd.h>

#include "base/late.h"

#define LATE_HTTP(X)                         \
	X(MHD_add_response_header)           \
	X(MHD_create_response_from_buffer)   \
	X(MHD_create_response_from_callback) \
	X(MHD_destroy_response)              \
	X(MHD_get_connection_info)           \
	X(MHD_get_connection_values)         \
	X(MHD_get_connection_values_n)       \
	X(MHD_get_daemon_info)               \
	X(MHD_get_timeout)                   \
	X(MHD_lookup_connection_value)       \
	X(MHD_queue_response)                \
	X(MHD_quiesce_daemon)                \
	X(MHD_resume_connection)             \
	X(MHD_run)                           \
	X(MHD_start_daemon)                  \
	X(MHD_stop_daemon)                   \
	X(MHD_suspend_connection)

struct late_http_functions {
	LATE_HTTP(LATE_SLOT)
};

extern struct late_http_functions late_http_call;

/* Fill the slots.  AG_ESYS: it can not be loaded; nothing may be called. */
enum ag_status late_http_load(struct ag_error *err) AG_MUST_USE;

#define MHD_add_response_header (*late_http_call.MHD_add_response_header)
#define MHD_create_response_from_buffer \
	(*late_http_call.MHD_create_response_from_buffer)
#define MHD_create_response_from_callback \
	(*late_http_call.MHD_create_response_from_callback)
#define MHD_destroy_response (*late_http_call.MHD_destroy_response)
#define MHD_get_connection_info (*late_http_call.MHD_get_connection_info)
#define MHD_get_connection_values (*late_http_call.MHD_get_connection_values)
#define MHD_get_connection_values_n \
	(*late_http_call.MHD_get_connection_values_n)
#define MHD_get_daemon_info (*late_http_call.MHD_get_daemon_info)
#define MHD_get_timeout (*late_http_call.MHD_get_timeout)
#define MHD_lookup_connection_value \
	(*late_http_call.MHD_lookup_connection_value)
#define MHD_queue_response (*late_http_call.MHD_queue_response)
#define MHD_quiesce_daemon (*late_http_call.MHD_quiesce_daemon)
#define MHD_resume_connection (*late_http_call.MHD_resume_connection)
#define MHD_run (*late_http_call.MHD_run)
#define MHD_start_daemon (*late_http_call.MHD_start_daemon)
#define MHD_stop_daemon (*late_http_call.MHD_stop_daemon)
#define MHD_suspend_connection (*late_http_call.MHD_suspend_connection)

#endif
