/*
 * Link keys that are replaced: certificates, a node's own files, and what it
 * knows of others.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <sodium.h>

#include "../fixture/directory.h"
#include "base/fs.h"
#include "crypto/openssh_key.h"
#include "trust/link_book.h"
#include "trust/link_certificate.h"
#include "trust/link_key.h"

#define MEMBERS 3

struct fixture {
	char dir[DIRECTORY_PATH_BYTES];
	char path[2 * DIRECTORY_PATH_BYTES];
	char book[2 * DIRECTORY_PATH_BYTES];
	struct roster roster;
	struct secret *node_keys[MEMBERS];
	struct signer signers[MEMBERS];
	struct link_key key; /* of member 0 */
	struct ag_error err;
};

static int
open_fixture(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct secret *link = NULL;
	uint32_t i;

	if (f == NULL || sodium_init() < 0 || directory_make(f->dir) != 0)
		return -1;
	(void)snprintf(f->path, sizeof(f->path), "%s/link", f->dir);
	(void)snprintf(f->book, sizeof(f->book), "%s/book", f->dir);
	f->roster.member_count = MEMBERS;
	randombytes_buf(f->roster.cluster_id, CLUSTER_ID_BYTES);
	for (i = 0; i < MEMBERS; i++) {
		(void)snprintf(f->roster.members[i].name, ROSTER_NAME_BYTES,
		    "n%u", i + 1);
		if (sign_keypair(&f->node_keys[i], NULL) != AG_OK)
			return -1;
		signer_of_key(&f->signers[i], f->node_keys[i]);
		sign_public(f->roster.members[i].node_key, f->node_keys[i]);
	}
	if (sign_keypair(&link, NULL) != AG_OK ||
	    openssh_key_save(link, f->path, "n1 link key", NULL, false, NULL) !=
		AG_OK)
		return -1;
	sign_public(f->roster.members[0].link_key, link);
	secret_free(link);
	*state = f;
	return link_key_load(&f->key, f->path, &f->roster, 0, NULL, &f->err) ==
		AG_OK
	    ? 0
	    : -1;
}

static int
close_fixture(void **state)
{
	struct fixture *f = *state;
	uint32_t i;

	fs_fault_set(NULL, NULL);
	link_key_free(&f->key);
	for (i = 0; i < MEMBERS; i++)
		secret_free(f->node_keys[i]);
	(void)directory_remove(f->dir);
	free(f);
	return 0;
}

static enum ag_status
rotate(struct fixture *f, uint64_t now_ms)
{
	const struct link_holder holder =
	    link_certificate_holder(&f->roster, 0);

	return link_key_rotate(&f->key, f->path, &holder, &f->signers[0],
	    now_ms, NULL, &f->err);
}

static enum ag_status
load_again(struct fixture *f)
{
	link_key_free(&f->key);
	return link_key_load(&f->key, f->path, &f->roster, 0, NULL, &f->err);
}

static void
make(struct fixture *f, uint32_t member, uint64_t serial,
    struct link_certificate *certificate)
{
	const struct link_holder holder =
	    link_certificate_holder(&f->roster, member);
	uint8_t key[PUBLIC_KEY_BYTES];

	memset(key, (int)serial, sizeof(key));
	assert_int_equal(link_certificate_make(certificate, &holder,
			     &f->signers[member], key, 0, serial, &f->err),
	    AG_OK);
}

/* Is it valid for member 0, as the roster is now? */
static bool
is_valid(struct fixture *f, const struct link_certificate *certificate)
{
	const struct link_holder holder =
	    link_certificate_holder(&f->roster, 0);

	return link_certificate_is_valid(certificate, &holder);
}

static void
a_certificate_holds_for_its_holder_serial_and_key(void **state)
{
	struct fixture *f = *state;
	struct roster_member *who = f->roster.members;
	struct link_certificate c, other;

	make(f, 0, 7, &c);
	assert_true(is_valid(f, &c));
	f->roster.cluster_id[0] ^= 1;
	assert_false(is_valid(f, &c));
	f->roster.cluster_id[0] ^= 1;
	who->link_key[0] ^= 1;
	assert_false(is_valid(f, &c));
	who->link_key[0] ^= 1;
	memcpy(who->node_key, who[1].node_key, PUBLIC_KEY_BYTES);
	assert_false(is_valid(f, &c));
	sign_public(who->node_key, f->node_keys[0]);
	assert_true(is_valid(f, &c));
	other = c;
	other.serial++;
	assert_false(is_valid(f, &other));
	other = c;
	other.link_key[0] ^= 1;
	assert_false(is_valid(f, &other));
	other = c;
	other.signature[0] ^= 1;
	assert_false(is_valid(f, &other));
}

static void
a_serial_rises_also_when_the_clock_does_not(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rotate(f, 1000), AG_OK);
	assert_int_equal(f->key.certificate.serial, 1000);
	assert_int_equal(rotate(f, 1000), AG_OK);
	assert_int_equal(f->key.certificate.serial, 1001);
	assert_int_equal(rotate(f, 5), AG_OK);
	assert_int_equal(f->key.certificate.serial, 1002);
}

static void
text_of_a_certificate_is_strict_and_round(void **state)
{
	struct fixture *f = *state;
	char text[LINK_CERTIFICATE_TEXT_BYTES];
	struct link_certificate c, again;

	make(f, 0, 1234567890123, &c);
	link_certificate_format(text, &c);
	assert_int_equal(strlen(text), LINK_CERTIFICATE_TEXT_BYTES - 1);
	again = c;
	again.serial = 0;
	memset(again.signature, 0, sizeof(again.signature));
	assert_int_equal(link_certificate_parse(&again, bytes_from_text(text)),
	    AG_OK);
	assert_memory_equal(&again, &c, sizeof(c));
	assert_int_equal(link_certificate_parse(&again,
			     bytes_of(text, strlen(text) - 4)),
	    AG_EPROTO);
	text[3] = '!';
	assert_int_equal(link_certificate_parse(&again, bytes_from_text(text)),
	    AG_EPROTO);
}

static void
the_key_of_the_roster_has_serial_0_and_the_age_of_its_file(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(f->key.certificate.serial, 0);
	assert_memory_equal(f->key.certificate.link_key,
	    f->roster.members[0].link_key, PUBLIC_KEY_BYTES);
	assert_int_equal(f->key.made_ms, (uint64_t)st.st_mtim.tv_sec * 1000);
}

static void
a_replaced_key_is_what_the_next_start_finds(void **state)
{
	struct fixture *f = *state;
	struct link_certificate made;
	uint8_t shown[PUBLIC_KEY_BYTES];

	assert_int_equal(rotate(f, 1000), AG_OK);
	made = f->key.certificate;
	assert_true(is_valid(f, &made));
	assert_int_equal(load_again(f), AG_OK);
	assert_memory_equal(&f->key.certificate, &made, sizeof(made));
	assert_int_equal(f->key.made_ms, 1000);
	sign_public(shown, f->key.secret);
	assert_memory_equal(shown, made.link_key, sizeof(shown));
}

static void
the_old_private_key_is_in_no_file_nor_in_the_one_it_was_in(void **state)
{
	struct fixture *f = *state;
	uint8_t held[4096];
	size_t len, i;
	int fd;

	/* As who had the file open sees what becomes of its bytes. */
	assert_int_equal(fs_open(&fd, f->path, O_RDONLY, 0, &f->err), AG_OK);
	assert_int_equal(rotate(f, 1000), AG_OK);
	assert_int_equal(fs_read_at(fd, f->path, held, sizeof(held), 0, &len,
			     &f->err),
	    AG_OK);
	assert_true(len > 0);
	for (i = 0; i < len; i++)
		assert_int_equal(held[i], 0);
	(void)close(fd);
	(void)snprintf((char *)held, sizeof(held), "%s.next", f->path);
	assert_false(fs_exists((const char *)held));
}

static void
a_key_with_a_passphrase_is_replaced_by_one_with_the_same(void **state)
{
	struct fixture *f = *state;
	const struct link_holder holder =
	    link_certificate_holder(&f->roster, 0);
	struct secret *word = secret_copy(bytes_from_text("open sesame"));

	assert_int_equal(openssh_key_save(f->key.secret, f->path, "n1", word,
			     true, &f->err),
	    AG_OK);
	assert_int_equal(rotate(f, 1000), AG_EDENIED);
	assert_int_equal(f->key.certificate.serial, 0);
	assert_int_equal(link_key_rotate(&f->key, f->path, &holder,
			     &f->signers[0], 1000, word, &f->err),
	    AG_OK);
	assert_int_equal(load_again(f), AG_EDENIED);
	assert_int_equal(link_key_load(&f->key, f->path, &f->roster, 0, word,
			     &f->err),
	    AG_OK);
	assert_int_equal(f->key.certificate.serial, 1000);
	secret_free(word);
}

static int calls_left;

static int
fail_from_then_on(void *arg, enum fs_op op, const char *path)
{
	(void)arg;
	(void)path;
	return op != FS_READ && calls_left-- <= 0 ? EIO : 0;
}

/* A crash lets no later call through; the next start has to do with it. */
static void
a_crash_at_any_call_leaves_the_old_key_or_the_new(void **state)
{
	struct fixture *f = *state;
	enum ag_status status = AG_ESYS;
	uint64_t serial = 0;
	int calls;

	for (calls = 0; status != AG_OK; calls++) {
		assert_true(calls < 100);
		calls_left = calls;
		fs_fault_set(fail_from_then_on, NULL);
		status = rotate(f, 1000);
		fs_fault_set(NULL, NULL);
		if (load_again(f) != AG_OK)
			fail_msg("after %d calls: %s", calls, f->err.text);
		assert_true(f->key.certificate.serial >= serial);
		serial = f->key.certificate.serial;
	}
	assert_true(calls > 5);
	assert_true(serial >= 1000);
}

/* Try once, up to a fault after some calls. */
static enum ag_status
rotate_to(struct fixture *f, int calls)
{
	enum ag_status status;

	calls_left = calls;
	fs_fault_set(fail_from_then_on, NULL);
	status = rotate(f, 1000);
	fs_fault_set(NULL, NULL);
	return status;
}

/* A node goes on after the first fault, and tries again. */
static void
a_second_try_that_dies_too_leaves_the_old_key_or_a_new(void **state)
{
	struct fixture *f = *state;
	enum ag_status status = AG_ESYS, again;
	int first, second;

	for (first = 0; status != AG_OK; first++) {
		again = AG_ESYS;
		for (second = 0; again != AG_OK; second++) {
			assert_true(first < 100 && second < 100);
			status = rotate_to(f, first);
			again = rotate_to(f, second);
			if (load_again(f) != AG_OK)
				fail_msg("after %d and %d calls: %s", first,
				    second, f->err.text);
		}
	}
}

static void
the_last_serial_there_is_keeps_its_key(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rotate(f, UINT64_MAX), AG_OK);
	assert_int_equal(rotate(f, 1000), AG_ELIMIT);
	assert_int_equal(load_again(f), AG_OK);
	assert_true(f->key.certificate.serial == UINT64_MAX);
}

static void
a_link_key_that_a_roster_replaced_takes_what_was_certified_with_it(void **state)
{
	struct fixture *f = *state;
	struct link_certificate c;
	struct link_book book;

	make(f, 1, 10, &c);
	assert_int_equal(link_book_open(&book, f->book, &f->roster, &f->err),
	    AG_OK);
	assert_int_equal(link_book_put(&book, 1, &c, &f->err), AG_OK);
	f->roster.members[1].link_key[0] ^= 1;
	assert_int_equal(link_book_open(&book, f->book, &f->roster, &f->err),
	    AG_OK);
	assert_int_equal(book.known[1].serial, 0);
	assert_int_equal(link_book_put(&book, 1, &c, &f->err), AG_EFORGED);
}

static enum ag_status
sign_never(void *ctx, struct bytes message,
    uint8_t signature[static SIGN_SIGNATURE_BYTES], struct ag_error *err)
{
	(void)ctx;
	(void)message;
	(void)signature;
	return ag_fail(err, AG_EUNREACH, "the token is away");
}

static void
a_signer_that_fails_leaves_the_old_key(void **state)
{
	struct fixture *f = *state;

	f->signers[0].key = NULL;
	f->signers[0].sign = sign_never;
	assert_int_equal(rotate(f, 1000), AG_EUNREACH);
	assert_int_equal(f->key.certificate.serial, 0);
	assert_int_equal(load_again(f), AG_OK);
	assert_int_equal(f->key.certificate.serial, 0);
}

static void
a_certificate_that_cannot_be_read_is_named(void **state)
{
	struct fixture *f = *state;
	char path[sizeof(f->path) + 16];

	assert_int_equal(rotate(f, 1000), AG_OK);
	(void)snprintf(path, sizeof(path), "%s.certificate", f->path);
	assert_int_equal(fs_write_file(path, 0600, bytes_from_text("\x85x"),
			     &f->err),
	    AG_OK);
	assert_int_equal(load_again(f), AG_ECORRUPT);
	assert_non_null(strstr(f->err.text, path));
}

static void
a_certificate_of_another_cluster_does_not_count(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rotate(f, 1000), AG_OK);
	f->roster.cluster_id[0] ^= 1;
	assert_int_equal(load_again(f), AG_EINVAL);
	assert_non_null(strstr(f->err.text, "is not that of member n1"));
	/* A roster that was made with the key on disk has it all the same. */
	f->roster.cluster_id[0] ^= 1;
	assert_int_equal(load_again(f), AG_OK);
	memcpy(f->roster.members[0].link_key, f->key.certificate.link_key,
	    PUBLIC_KEY_BYTES);
	f->roster.cluster_id[0] ^= 1;
	assert_int_equal(load_again(f), AG_OK);
	assert_int_equal(f->key.certificate.serial, 0);
}

static void
what_is_known_of_others_only_rises_and_outlives_a_restart(void **state)
{
	struct fixture *f = *state;
	struct link_certificate old, new;
	struct link_book book;

	make(f, 1, 10, &old);
	make(f, 1, 20, &new);
	assert_int_equal(link_book_open(&book, f->book, &f->roster, &f->err),
	    AG_OK);
	assert_int_equal(book.known[1].serial, 0);
	assert_int_equal(link_book_put(&book, 1, &new, &f->err), AG_OK);
	assert_int_equal(link_book_put(&book, 1, &old, &f->err), AG_OK);
	assert_int_equal(book.known[1].serial, 20);
	assert_int_equal(link_book_open(&book, f->book, &f->roster, &f->err),
	    AG_OK);
	assert_memory_equal(&book.known[1], &new, sizeof(new));
	assert_int_equal(link_book_put(&book, 1, &old, &f->err), AG_OK);
	assert_int_equal(book.known[1].serial, 20);
}

static void
what_another_node_certified_is_not_taken(void **state)
{
	struct fixture *f = *state;
	struct link_certificate c;
	struct link_book book;

	make(f, 2, 10, &c);
	assert_int_equal(link_book_open(&book, f->book, &f->roster, &f->err),
	    AG_OK);
	assert_int_equal(link_book_put(&book, 1, &c, &f->err), AG_EFORGED);
	assert_string_equal(f->err.text, "a link key that n2 did not certify");
	assert_false(fs_exists(f->book));
}

static void
a_book_that_was_changed_is_refused(void **state)
{
	struct fixture *f = *state;
	struct link_certificate c;
	struct link_book book;
	struct buf file;

	make(f, 1, 10, &c);
	assert_int_equal(link_book_open(&book, f->book, &f->roster, &f->err),
	    AG_OK);
	assert_int_equal(link_book_put(&book, 1, &c, &f->err), AG_OK);
	buf_init(&file, 4096);
	assert_int_equal(fs_read_file(f->book, &file, &f->err), AG_OK);
	file.data[file.len - 1] ^= 1;
	assert_int_equal(fs_write_file(f->book, 0600, buf_bytes(&file),
			     &f->err),
	    AG_OK);
	assert_int_equal(link_book_open(&book, f->book, &f->roster, &f->err),
	    AG_ECORRUPT);
	assert_int_equal(fs_write_file(f->book, 0600,
			     bytes_of(file.data, file.len - 1), &f->err),
	    AG_OK);
	assert_int_equal(link_book_open(&book, f->book, &f->roster, &f->err),
	    AG_ECORRUPT);
	assert_non_null(strstr(f->err.text, f->book));
	buf_fini(&file);
}

static void
nodes_that_left_and_other_clusters_are_forgotten(void **state)
{
	struct fixture *f = *state;
	struct link_certificate c;
	struct link_book book;

	make(f, 2, 10, &c);
	assert_int_equal(link_book_open(&book, f->book, &f->roster, &f->err),
	    AG_OK);
	assert_int_equal(link_book_put(&book, 2, &c, &f->err), AG_OK);
	f->roster.member_count--;
	assert_int_equal(link_book_open(&book, f->book, &f->roster, &f->err),
	    AG_OK);
	f->roster.member_count++;
	assert_int_equal(book.known[2].serial, 0);
	f->roster.cluster_id[0] ^= 1;
	assert_int_equal(link_book_open(&book, f->book, &f->roster, &f->err),
	    AG_OK);
	assert_int_equal(book.known[2].serial, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define SPEC(name) \
	cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
		SPEC(a_certificate_holds_for_its_holder_serial_and_key),
		SPEC(a_serial_rises_also_when_the_clock_does_not),
		SPEC(text_of_a_certificate_is_strict_and_round),
		SPEC(
		    the_key_of_the_roster_has_serial_0_and_the_age_of_its_file),
		SPEC(a_replaced_key_is_what_the_next_start_finds),
		SPEC(
		    the_old_private_key_is_in_no_file_nor_in_the_one_it_was_in),
		SPEC(a_key_with_a_passphrase_is_replaced_by_one_with_the_same),
		SPEC(a_crash_at_any_call_leaves_the_old_key_or_the_new),
		SPEC(a_second_try_that_dies_too_leaves_the_old_key_or_a_new),
		SPEC(the_last_serial_there_is_keeps_its_key),
		SPEC(
		    a_link_key_that_a_roster_replaced_takes_what_was_certified_with_it),
		SPEC(a_signer_that_fails_leaves_the_old_key),
		SPEC(a_certificate_that_cannot_be_read_is_named),
		SPEC(a_certificate_of_another_cluster_does_not_count),
		SPEC(what_is_known_of_others_only_rises_and_outlives_a_restart),
		SPEC(what_another_node_certified_is_not_taken),
		SPEC(a_book_that_was_changed_is_refused),
		SPEC(nodes_that_left_and_other_clusters_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
