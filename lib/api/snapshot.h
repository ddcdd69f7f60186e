/*
 * Snapshot downloads as a whole.
 */
#ifndef AEGIS_API_SNAPSHOT_H
#define AEGIS_API_SNAPSHOT_H

struct api;

/* Wake every download to its end, and cut it loose from the API. */
void snapshot_cut_all(struct api *api);

#endif
