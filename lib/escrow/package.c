/*
 * Packages as they are read and verified.
 *
 * RULES    1. A package that was decoded was verified: there is no other way
 *             to have one.
 *          2. Whatever it says of itself is bounded before it is used, and
 *             nothing it says decides how much memory is taken.
 *
 * NOT HERE Making one (escrow/package_make.c).
 */
#include "escrow/package.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/decoder.h"
#include "crypto/public_key.h"
#include "crypto/seal.h"
#include "escrow/package_parts.h"

struct package *
package_new(void)
{
	return calloc(1, sizeof(struct package));
}

void
package_free(struct package *package)
{
	free(package);
}

bool
package_is_member(const struct package *package, uint32_t place)
{
	return place < package->count && (package->members >> place & 1) != 0;
}

uint32_t
package_member_count(const struct package *package)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < package->count; i++)
		count += package_is_member(package, i);
	return count;
}

int
package_find_name(const struct package *package, const char *name)
{
	for (uint32_t i = 0; i < package->count; i++)
		if (package_is_member(package, i) &&
		    strcmp(package->custodians[i].name, name) == 0)
			return (int)i;
	return -1;
}

int
package_find_key(const struct package *package, const struct point *key)
{
	for (uint32_t i = 0; i < package->count; i++)
		if (package_is_member(package, i) &&
		    point_equal(&package->keys[i], key))
			return (int)i;
	return -1;
}

enum ag_status
package_add_custodian(struct package *package, const char *name,
    const struct ristretto_key *key, struct ag_error *err)
{
	struct package_custodian *c;
	enum ag_status status;

	if (package->count == PVSS_CUSTODIANS_MAX)
		return ag_fail(err, AG_ELIMIT, "more than %d custodians",
		    PVSS_CUSTODIANS_MAX);
	status = public_key_check_comment(name, err);
	if (status != AG_OK)
		return status;
	if (name[0] == '\0' || strlen(name) >= PACKAGE_NAME_BYTES)
		return ag_fail(err, AG_EINVAL,
		    "a custodian's name has 1 to %d bytes",
		    PACKAGE_NAME_BYTES - 1);
	for (uint32_t i = 0; i < package->count; i++) {
		if (strcmp(package->custodians[i].name, name) == 0)
			return ag_fail(err, AG_EINVAL,
			    "two custodians have the name %s", name);
		if (point_equal(&package->keys[i], &key->point))
			return ag_fail(err, AG_EEXIST,
			    "%s has the key of %s: who is there twice would "
			    "count twice",
			    name, package->custodians[i].name);
	}
	c = &package->custodians[package->count];
	(void)snprintf(c->name, sizeof(c->name), "%s", name);
	c->key = *key;
	package->keys[package->count] = key->point;
	package->members |= UINT32_C(1) << package->count;
	package->count++;
	return AG_OK;
}

static void
get_point(struct decoder *d, struct point *point)
{
	decoder_get_fixed(d, point->data, sizeof(point->data));
	if (!decoder_failed(d) && !point_is_valid(point))
		decoder_fail(d, "a point is none");
}

/* An array of count points for the places of a set. */
static void
get_points(struct decoder *d, struct point *points, uint32_t set)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < PVSS_CUSTODIANS_MAX; i++)
		count += set >> i & 1;
	decoder_expect_array(d, count);
	for (uint32_t i = 0; i < PVSS_CUSTODIANS_MAX; i++)
		if ((set >> i & 1) != 0)
			get_point(d, &points[i]);
}

static void
get_proofs(struct decoder *d, struct pvss *sharing)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < PVSS_CUSTODIANS_MAX; i++)
		count += sharing->members >> i & 1;
	decoder_expect_array(d, count);
	for (uint32_t i = 0; i < PVSS_CUSTODIANS_MAX; i++)
		if ((sharing->members >> i & 1) != 0)
			decoder_get_fixed(d, sharing->proofs[i], DLEQ_BYTES);
}

static void
get_sharing(struct decoder *d, struct pvss *sharing)
{
	uint32_t all = package_parts_first(sharing->threshold);

	get_points(d, sharing->commitments,
	    sharing->is_of_zero ? all & ~UINT32_C(1) : all);
	get_points(d, sharing->shares, sharing->members);
	get_proofs(d, sharing);
}

static void
get_custodian(struct decoder *d, struct package *package)
{
	char name[PACKAGE_NAME_BYTES];
	struct ristretto_key key;
	struct ag_error why;
	struct bytes text;

	decoder_expect_array(d, 3);
	text = decoder_get_text_max(d, sizeof(name) - 1);
	decoder_get_fixed(d, key.point.data, sizeof(key.point.data));
	decoder_get_fixed(d, key.possession, sizeof(key.possession));
	if (decoder_failed(d))
		return;
	(void)snprintf(name, sizeof(name), "%.*s", (int)text.len,
	    (const char *)text.data);
	if (strlen(name) != text.len)
		decoder_fail(d, "a custodian's name has a NUL");
	else if (package_add_custodian(package, name, &key, &why) != AG_OK)
		decoder_fail(d, "custodians are not named or different");
}

static bool
get_digest_or_null(struct decoder *d, uint8_t *out)
{
	if (decoder_get_null(d))
		return false;
	decoder_get_fixed(d, out, DIGEST_BYTES);
	return true;
}

static void
get_head(struct decoder *d, struct package *p)
{
	size_t count;

	decoder_expect_array(d, 7);
	p->is_rehearsal = get_digest_or_null(d, p->rehearsed.data);
	decoder_get_fixed(d, p->nonce, sizeof(p->nonce));
	p->created_ms = decoder_get_uint(d);
	p->delay_ms = decoder_get_uint_max(d, PACKAGE_DELAY_MS_MAX);
	p->has_cluster = get_digest_or_null(d, p->cluster_id);
	p->threshold = (uint32_t)decoder_get_uint_max(d, PVSS_CUSTODIANS_MAX);
	count = decoder_get_array_max(d, PVSS_CUSTODIANS_MAX);
	for (size_t i = 0; i < count && !decoder_failed(d); i++)
		get_custodian(d, p);
	if (!decoder_failed(d) &&
	    (p->threshold < PVSS_THRESHOLD_MIN || p->threshold > p->count))
		decoder_fail(d, "k is below 2 or above n");
}

static void
get_deal(struct decoder *d, struct package *p)
{
	p->deal.threshold = p->threshold;
	p->deal.members = p->members;
	decoder_expect_array(d, 3);
	get_sharing(d, &p->deal);
}

static void
get_payload(struct decoder *d, struct package *p)
{
	decoder_expect_array(d, 3);
	decoder_get_fixed(d, p->commitment, sizeof(p->commitment));
	p->sealed =
	    decoder_get_bytes_max(d, PACKAGE_PAYLOAD_BYTES_MAX + SEAL_OVERHEAD);
	decoder_get_fixed(d, p->checksum.data, DIGEST_BYTES);
	if (!decoder_failed(d) && p->sealed.len <= SEAL_OVERHEAD)
		decoder_fail(d, "the payload is empty");
}

static void
get_refresh(struct decoder *d, struct package *p, struct package_refresh *r)
{
	r->sharing.threshold = p->threshold;
	r->sharing.is_of_zero = true;
	decoder_expect_array(d, 5);
	r->time_ms = decoder_get_uint(d);
	r->sharing.members = (uint32_t)decoder_get_uint_max(d, UINT32_MAX);
	if (decoder_failed(d))
		return;
	if ((r->sharing.members & ~p->members) != 0) {
		decoder_fail(d, "a refresh brings a custodian back");
		return;
	}
	p->members = r->sharing.members;
	if (package_member_count(p) < p->threshold)
		decoder_fail(d, "fewer custodians than k are left");
	else
		get_sharing(d, &r->sharing);
}

/* The next item, and a decoder on it alone, which ends where it does. */
static struct bytes
begin_item(struct decoder *d, struct decoder *item)
{
	struct bytes raw = decoder_get_raw(d);

	/* What has failed has no address to count from. */
	decoder_init(item, raw.len > 0 ? raw : bytes_of("", 0));
	if (decoder_failed(d))
		decoder_fail(item, d->why);
	return raw;
}

static void
end_item(struct decoder *d, const struct decoder *item)
{
	if (!decoder_failed(d) && decoder_failed(item))
		decoder_fail(d, item->why);
}

static void
get_all(struct decoder *d, struct package *p)
{
	struct decoder item;
	size_t count;

	p->head_raw = begin_item(d, &item);
	get_head(&item, p);
	end_item(d, &item);
	p->deal_raw = begin_item(d, &item);
	get_deal(&item, p);
	end_item(d, &item);
	p->payload_raw = begin_item(d, &item);
	get_payload(&item, p);
	end_item(d, &item);
	count = decoder_get_array_max(d, PACKAGE_REFRESHES_MAX);
	for (size_t i = 0; i < count && !decoder_failed(d); i++) {
		struct package_refresh *r = &p->refreshes[i];

		r->raw = begin_item(d, &item);
		get_refresh(&item, p, r);
		end_item(d, &item);
		p->refresh_count++;
	}
}

static enum ag_status
read_shape(struct package *p, struct bytes file, struct ag_error *err)
{
	struct ag_error why;
	struct bytes magic;
	struct decoder d;
	uint64_t version;

	decoder_init(&d, file);
	decoder_expect_array(&d, 6);
	magic = decoder_get_text_max(&d, sizeof(PACKAGE_MAGIC) - 1);
	if (decoder_failed(&d) ||
	    !bytes_equal(magic, bytes_from_text(PACKAGE_MAGIC)))
		return ag_fail(err, AG_ECORRUPT,
		    "it is no escrow package, or its beginning is damaged");
	version = decoder_get_uint(&d);
	if (!decoder_failed(&d) && version != PACKAGE_VERSION)
		return ag_fail(err, AG_EVERSION,
		    "a package of format %llu, this program reads %d",
		    (unsigned long long)version, PACKAGE_VERSION);
	get_all(&d, p);
	if (decoder_finish(&d, &why) != AG_OK)
		return ag_fail(err, AG_ECORRUPT, "the package is damaged: %s",
		    why.text);
	return AG_OK;
}

static enum ag_status
verify_payload(const struct package *p, struct ag_error *err)
{
	struct digest checksum;

	package_parts_checksum(&checksum, p, p->commitment, p->sealed);
	return digest_equal(&checksum, &p->checksum)
	    ? AG_OK
	    : ag_fail(err, AG_ECORRUPT,
		  "the package is damaged: its checksum is wrong");
}

static enum ag_status
verify_keys(const struct package *p, struct ag_error *err)
{
	for (uint32_t i = 0; i < p->count; i++)
		if (!ristretto_key_is_possessed(&p->custodians[i].key))
			return ag_fail(err, AG_EFORGED,
			    "nothing proves that %s has the key it is said to "
			    "have",
			    p->custodians[i].name);
	return AG_OK;
}

/* One sharing, and its shares added to those before. */
static enum ag_status
verify_sharing(struct package *p, const struct pvss *sharing,
    const struct digest *context, struct ag_error *err)
{
	enum ag_status status;
	uint32_t place;

	status = pvss_verify(sharing, p->keys,
	    bytes_of(context->data, DIGEST_BYTES), &place, err);
	if (status != AG_OK) {
		ag_error_prefix(err, "%s: the share of %s",
		    sharing->is_of_zero ? "a refresh" : "the deal",
		    p->custodians[place].name);
		return status;
	}
	for (uint32_t i = 0; i < p->count; i++) {
		if ((sharing->members >> i & 1) == 0)
			continue;
		if (!sharing->is_of_zero)
			p->shares[i] = sharing->shares[i];
		else if (!point_add(&p->shares[i], &p->shares[i],
			     &sharing->shares[i]))
			return ag_fail(err, AG_EFORGED,
			    "a refresh leaves %s with nothing",
			    p->custodians[i].name);
	}
	return AG_OK;
}

enum ag_status
package_decode(struct package *package, struct bytes file, struct ag_error *err)
{
	enum ag_status status;

	*package = (struct package){ 0 };
	status = read_shape(package, file, err);
	if (status != AG_OK)
		return status;
	digest_of(&package->id, file);
	package_parts_bind(package);
	status = verify_keys(package, err);
	if (status == AG_OK)
		status = verify_sharing(package, &package->deal, &package->base,
		    err);
	/* Who is wrong is known by now, if anybody is. */
	if (status == AG_OK)
		status = verify_payload(package, err);
	for (uint32_t i = 0; status == AG_OK && i < package->refresh_count; i++)
		status = verify_sharing(package, &package->refreshes[i].sharing,
		    &package->bounds[i], err);
	return status;
}
