/*
 * Metric sets as Prometheus text (exposition format 0.0.4).
 *
 * Threads    any; cells are read while others update them.
 */
#ifndef AEGIS_MONITOR_EXPOSITION_H
#define AEGIS_MONITOR_EXPOSITION_H

#include "base/bytes.h"
#include "base/metric.h"
#include "base/status.h"

#define EXPOSITION_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Append every family of set.  AG_ELIMIT or AG_ENOMEM from out. */
enum ag_status exposition_write(struct buf *out,
    const struct metric_set *set) AG_MUST_USE;

/* Append one family's HELP and TYPE lines; type is "counter" or "gauge". */
enum ag_status exposition_write_head(struct buf *out, const char *name,
    const char *type, const char *help) AG_MUST_USE;

#endif
