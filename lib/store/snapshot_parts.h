/*
 * What a snapshot's writer and reader share.
 */
#ifndef AEGIS_STORE_SNAPSHOT_PARTS_H
#define AEGIS_STORE_SNAPSHOT_PARTS_H

#define SNAPSHOT_MAGIC "AEGISSN1"
#define SNAPSHOT_MAGIC_BYTES 8
#define SNAPSHOT_VERSION 1

/* No item is longer: an entry with the largest value is the largest. */
#define SNAPSHOT_ITEM_BYTES_MAX (VALUE_BYTES_MAX + (64U << 10))

#endif
