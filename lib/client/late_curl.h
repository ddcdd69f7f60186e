/*
 * libcurl's functions, through slots (base/late.h).
 *
 * Threads    any.
 */
#ifndef AEGIS_CLIENT_LATE_CURL_H
#define AEGIS_CLIENT_LATE_CURL_H

#include <curl/curl.h>

#include "base/late.h"

#define LATE_CURL(X)                \
	X(curl_easy_cleanup)        \
	X(curl_easy_getinfo)        \
	X(curl_easy_init)           \
	X(curl_easy_reset)          \
	X(curl_easy_setopt)         \
	X(curl_easy_strerror)       \
	X(curl_global_init)         \
	X(curl_multi_add_handle)    \
	X(curl_multi_cleanup)       \
	X(curl_multi_info_read)     \
	X(curl_multi_init)          \
	X(curl_multi_perform)       \
	X(curl_multi_poll)          \
	X(curl_multi_remove_handle) \
	X(curl_multi_wakeup)        \
	X(curl_slist_append)        \
	X(curl_slist_free_all)

struct late_curl_functions {
	LATE_CURL(LATE_SLOT)
};

extern struct late_curl_functions late_curl_call;

/* Fill the slots.  AG_ESYS: it can not be loaded; nothing may be called. */
enum ag_status late_curl_load(struct ag_error *err) AG_MUST_USE;

/* Its checking macros name the functions themselves, past the slots. */
#undef curl_easy_getinfo
#undef curl_easy_setopt
#define curl_easy_cleanup (*late_curl_call.curl_easy_cleanup)
#define curl_easy_getinfo (*late_curl_call.curl_easy_getinfo)
#define curl_easy_init (*late_curl_call.curl_easy_init)
#define curl_easy_reset (*late_curl_call.curl_easy_reset)
#define curl_easy_setopt (*late_curl_call.curl_easy_setopt)
#define curl_easy_strerror (*late_curl_call.curl_easy_strerror)
#define curl_global_init (*late_curl_call.curl_global_init)
#define curl_multi_add_handle (*late_curl_call.curl_multi_add_handle)
#define curl_multi_cleanup (*late_curl_call.curl_multi_cleanup)
#define curl_multi_info_read (*late_curl_call.curl_multi_info_read)
#define curl_multi_init (*late_curl_call.curl_multi_init)
#define curl_multi_perform (*late_curl_call.curl_multi_perform)
#define curl_multi_poll (*late_curl_call.curl_multi_poll)
#define curl_multi_remove_handle (*late_curl_call.curl_multi_remove_handle)
#define curl_multi_wakeup (*late_curl_call.curl_multi_wakeup)
#define curl_slist_append (*late_curl_call.curl_slist_append)
#define curl_slist_free_all (*late_curl_call.curl_slist_free_all)

#endif
