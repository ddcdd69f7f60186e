/*
 * Armor, from anywhere.
 *
 * Oracle: what is inside, put into armor again, comes out the same; and it
 * does not matter in what steps it is read.
 */
#include "crypto/age_armor.h"

#define BYTES_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct input {
	struct bytes left;
	size_t step;
};

static enum ag_status
get(void *arg, uint8_t *out, size_t cap, size_t *len, struct ag_error *err)
{
	struct input *in = arg;

	(void)err;
	*len = in->left.len < cap ? in->left.len : cap;
	if (*len > in->step)
		*len = in->step;
	if (*len > 0)
		memcpy(out, in->left.data, *len);
	in->left = bytes_of(in->left.data + *len, in->left.len - *len);
	return AG_OK;
}

static enum ag_status
put(void *arg, struct bytes data, struct ag_error *err)
{
	(void)err;
	return buf_append(arg, data.data, data.len);
}

static enum ag_status
take_off(struct buf *out, struct bytes text, size_t step)
{
	struct input in = { text, step };
	struct age_armor_reader *reader;
	uint8_t piece[1000];
	enum ag_status status;
	size_t len;

	AG_ASSERT(age_armor_reader_open(&reader, get, &in, NULL) == AG_OK);
	do {
		status =
		    age_armor_get(reader, piece, sizeof(piece), &len, NULL);
		if (len > 0)
			AG_ASSERT(buf_append(out, piece, len) == AG_OK);
	} while (status == AG_OK && len > 0);
	age_armor_reader_close(reader);
	return status;
}

static void
put_on(struct buf *out, struct bytes data)
{
	struct age_armor_writer *writer;

	AG_ASSERT(age_armor_writer_open(&writer, put, out, NULL) == AG_OK);
	if (data.len > 0)
		AG_ASSERT(age_armor_put(writer, data, NULL) == AG_OK);
	AG_ASSERT(age_armor_finish(writer, NULL) == AG_OK);
	age_armor_writer_close(writer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf once, slowly, text, back;

	if (len > BYTES_MAX / 2)
		return 0;
	buf_init(&once, BYTES_MAX);
	buf_init(&slowly, BYTES_MAX);
	buf_init(&text, 2 * BYTES_MAX);
	buf_init(&back, BYTES_MAX);
	if (take_off(&once, bytes_of(data, len), SIZE_MAX) == AG_OK) {
		AG_ASSERT(take_off(&slowly, bytes_of(data, len), 1) == AG_OK);
		AG_ASSERT(bytes_equal(buf_bytes(&once), buf_bytes(&slowly)));
		put_on(&text, buf_bytes(&once));
		AG_ASSERT(take_off(&back, buf_bytes(&text), SIZE_MAX) == AG_OK);
		AG_ASSERT(bytes_equal(buf_bytes(&once), buf_bytes(&back)));
	} else {
		AG_ASSERT(take_off(&slowly, bytes_of(data, len), 1) != AG_OK);
	}
	buf_fini(&once);
	buf_fini(&slowly);
	buf_fini(&text);
	buf_fini(&back);
	return 0;
}
