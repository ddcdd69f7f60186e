/*
 * Watchers as a whole.
 */
#ifndef AEGIS_API_WATCH_H
#define AEGIS_API_WATCH_H

struct api;

/* Tell every watcher how far the state is; finds dead ones. */
void watch_ping_all(struct api *api);

/* End every stream with the reason that the node stops. */
void watch_cut_all(struct api *api);

#endif
