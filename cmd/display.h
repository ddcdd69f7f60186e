/*
 * Text from elsewhere, made safe to show and measured in columns.
 *
 * Keys, node names and error texts may hold anything.  What could move the
 * cursor, reorder the line or is no UTF-8 is shown as \xNN.
 */
#ifndef AEGIS_CMD_DISPLAY_H
#define AEGIS_CMD_DISPLAY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"

/* Decode one code point; returns its length, 0 when it is not UTF-8. */
size_t display_decode(struct bytes text, uint32_t *code);

/* Append text as it may be shown; *columns is how wide that is. */
enum ag_status display_append(struct buf *out, struct bytes text,
    size_t *columns) AG_MUST_USE;

void display_print(FILE *stream, struct bytes text);

#endif
