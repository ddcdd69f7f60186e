/*
 * How many requests for what is in escrow stand in the store, so that all
 * operators are alerted of them.
 *
 * Ownership  an answer that is awaited outlives the API.
 * Threads    the loop's.
 */
#ifndef AEGIS_API_OPEN_REQUESTS_H
#define AEGIS_API_OPEN_REQUESTS_H

struct api;

/* Look again, unless a look is under way; the count is then in the API. */
void open_requests_look(struct api *api);

/* The API is about to go: an answer to come is nobody's. */
void open_requests_forget(struct api *api);

#endif
