/*
 * A range of an encrypted file, without the rest of it being read.
 */
#ifndef AEGIS_CMD_CRYPT_RANGE_H
#define AEGIS_CMD_CRYPT_RANGE_H

#include "base/status.h"
#include "cmd/crypt_file.h"
#include "crypto/age_input.h"
#include "crypto/stream.h"

/*
 * text is FROM-TO, both counted from 0 and within it; TO may be left out.
 * AG_EINVAL  no such range, or the file is armored or no regular one
 */
enum ag_status crypt_range_copy(const char *text, struct crypt_source *from,
    struct age_input *in, struct stream_reader *reader, struct crypt_sink *to,
    struct ag_error *err) AG_MUST_USE;

#endif
