/*
 * Tell a service manager where we stand (the protocol of sd_notify(3)).
 */
#ifndef AEGIS_CMD_NOTIFY_H
#define AEGIS_CMD_NOTIFY_H

/*
 * Send lines such as "READY=1\nSTATUS=…" to NOTIFY_SOCKET, if there is one.
 * A manager that does not listen is its own problem: nothing is reported.
 */
void notify_send(const char *text);

#endif
