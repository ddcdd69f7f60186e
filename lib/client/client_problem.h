/*
 * Problem documents (RFC 9457) as the client reads them.
 */
#ifndef AEGIS_CLIENT_CLIENT_PROBLEM_H
#define AEGIS_CLIENT_CLIENT_PROBLEM_H

#include "base/bytes.h"
#include "base/status.h"
#include "client/client.h"

/*
 * The status a problem stands for; its detail goes to err, its exit code
 * and request id to answer.  AG_EPROTO when body is no problem of a node.
 */
enum ag_status client_problem_read(struct bytes body,
    struct client_answer *answer, struct ag_error *err) AG_MUST_USE;

#endif
