/*
 * The book of link keys.
 *
 * FORMAT   ["aegis-link-keys", 1, cluster id,
 *           [[node key, the roster's link key, serial, link key, signature],
 *            ...]], canonical CBOR
 *
 * RULES    1. One key for each node, the newest: with the certificate that
 *             replaces it a key is dead, also after a restart.
 *          2. Nothing is taken without the node key's signature, from the
 *             file neither.
 *          3. Nodes that are in the roster no more, or with another link
 *             key, are forgotten when the file is next written, and so is
 *             another cluster.
 */
#include "trust/link_book.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"

#define BOOK_MAGIC "aegis-link-keys"
#define BOOK_VERSION 1
#define BOOK_BYTES_MAX          \
	(128 +                  \
	    TRUST_MEMBERS_MAX * \
		(8 + 2 * PUBLIC_KEY_BYTES + LINK_CERTIFICATE_ENCODED_MAX))

static void
read_entry(struct link_book *book, struct decoder *d)
{
	uint8_t node_key[PUBLIC_KEY_BYTES], roster_key[PUBLIC_KEY_BYTES];
	const struct roster *roster = book->roster;
	const struct link_holder holder = {
		.cluster_id = roster->cluster_id,
		.node_key = node_key,
		.roster_key = roster_key,
	};
	struct link_certificate certificate;
	int member;

	decoder_expect_array(d, 2 + LINK_CERTIFICATE_FIELDS);
	decoder_get_fixed(d, node_key, sizeof(node_key));
	decoder_get_fixed(d, roster_key, sizeof(roster_key));
	link_certificate_get(d, &certificate);
	if (decoder_failed(d))
		return;
	if (!link_certificate_is_valid(&certificate, &holder)) {
		decoder_fail(d, "an entry its node key did not sign");
		return;
	}
	member = roster_find_node_key(roster, node_key);
	if (member >= 0 &&
	    memcmp(roster_key, roster->members[member].link_key,
		PUBLIC_KEY_BYTES) == 0)
		book->known[member] = certificate;
}

static enum ag_status
read_book(struct link_book *book, struct bytes file, struct ag_error *err)
{
	uint8_t cluster_id[CLUSTER_ID_BYTES];
	struct decoder d;
	struct bytes magic;
	size_t count;

	decoder_init(&d, file);
	decoder_expect_array(&d, 4);
	magic = decoder_get_text_max(&d, sizeof(BOOK_MAGIC) - 1);
	if (!bytes_equal(magic, bytes_from_text(BOOK_MAGIC)) ||
	    decoder_get_uint(&d) != BOOK_VERSION)
		decoder_fail(&d, "not a book of link keys");
	decoder_get_fixed(&d, cluster_id, sizeof(cluster_id));
	if (!decoder_failed(&d) &&
	    memcmp(cluster_id, book->roster->cluster_id, CLUSTER_ID_BYTES) != 0)
		return AG_OK;
	for (count = decoder_get_array_max(&d, TRUST_MEMBERS_MAX);
	     count > 0 && !decoder_failed(&d); count--)
		read_entry(book, &d);
	if (decoder_finish(&d, err) == AG_OK)
		return AG_OK;
	ag_error_prefix(err, "link keys %s", book->path);
	return err->status = AG_ECORRUPT;
}

enum ag_status
link_book_open(struct link_book *book, const char *path,
    const struct roster *roster, struct ag_error *err)
{
	enum ag_status status;
	struct buf file;

	*book = (struct link_book){ .roster = roster };
	if ((size_t)snprintf(book->path, PATH_MAX, "%s", path) >= PATH_MAX)
		return ag_fail(err, AG_ELIMIT, "link keys %s: path too long",
		    path);
	if (!fs_exists(path))
		return AG_OK;
	buf_init(&file, BOOK_BYTES_MAX);
	status = fs_read_file(path, &file, err);
	if (status == AG_OK)
		status = read_book(book, buf_bytes(&file), err);
	buf_fini(&file);
	return status;
}

static enum ag_status
write_book(const struct link_book *book, struct ag_error *err)
{
	const struct roster *roster = book->roster;
	uint8_t memory[BOOK_BYTES_MAX];
	size_t count = 0, i;
	struct bytes body;
	struct encoder e;

	for (i = 0; i < roster_node_count(roster); i++)
		count += book->known[i].serial > 0;
	encoder_init(&e, memory, sizeof(memory));
	encoder_put_array(&e, 4);
	encoder_put_text(&e, bytes_from_text(BOOK_MAGIC));
	encoder_put_uint(&e, BOOK_VERSION);
	encoder_put_bytes(&e, bytes_of(roster->cluster_id, CLUSTER_ID_BYTES));
	encoder_put_array(&e, count);
	for (i = 0; i < roster_node_count(roster); i++) {
		if (book->known[i].serial == 0)
			continue;
		encoder_put_array(&e, 2 + LINK_CERTIFICATE_FIELDS);
		encoder_put_bytes(&e,
		    bytes_of(roster->members[i].node_key, PUBLIC_KEY_BYTES));
		encoder_put_bytes(&e,
		    bytes_of(roster->members[i].link_key, PUBLIC_KEY_BYTES));
		link_certificate_put(&e, &book->known[i]);
	}
	AG_ASSERT(encoder_finish(&e, &body) == AG_OK);
	return fs_write_file(book->path, 0600, body, err);
}

enum ag_status
link_book_put(struct link_book *book, uint32_t member,
    const struct link_certificate *certificate, struct ag_error *err)
{
	const struct link_holder holder =
	    link_certificate_holder(book->roster, member);
	const struct link_certificate before = book->known[member];
	enum ag_status status;

	AG_ASSERT(member < roster_node_count(book->roster));
	if (certificate->serial <= before.serial)
		return AG_OK;
	if (!link_certificate_is_valid(certificate, &holder))
		return ag_fail(err, AG_EFORGED,
		    "a link key that %s did not certify",
		    book->roster->members[member].name);
	book->known[member] = *certificate;
	status = write_book(book, err);
	if (status != AG_OK)
		book->known[member] = before;
	return status;
}
