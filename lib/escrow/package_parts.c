/*
 * What reading and making packages share.
 */
#include "escrow/package_parts.h"

#include <sodium/crypto_generichash.h>

uint32_t
package_parts_first(uint32_t count)
{
	return count >= PVSS_CUSTODIANS_MAX ? UINT32_MAX
					    : (UINT32_C(1) << count) - 1;
}

void
package_parts_bind_next(struct digest *out, const struct digest *before,
    struct bytes part)
{
	crypto_generichash_state hash;

	(void)crypto_generichash_init(&hash, NULL, 0, DIGEST_BYTES);
	(void)crypto_generichash_update(&hash, before->data, DIGEST_BYTES);
	(void)crypto_generichash_update(&hash, part.data, part.len);
	(void)crypto_generichash_final(&hash, out->data, DIGEST_BYTES);
}

void
package_parts_checksum(struct digest *out, const struct package *package,
    const uint8_t commitment[static SEAL_KEY_BYTES], struct bytes sealed)
{
	crypto_generichash_state hash;

	(void)crypto_generichash_init(&hash, NULL, 0, DIGEST_BYTES);
	(void)crypto_generichash_update(&hash, package->bounds[0].data,
	    DIGEST_BYTES);
	(void)crypto_generichash_update(&hash, commitment, SEAL_KEY_BYTES);
	(void)crypto_generichash_update(&hash, sealed.data, sealed.len);
	(void)crypto_generichash_final(&hash, out->data, DIGEST_BYTES);
}

void
package_parts_bind(struct package *package)
{
	digest_of(&package->base, package->head_raw);
	package_parts_bind_next(&package->bounds[0], &package->base,
	    package->deal_raw);
	for (uint32_t i = 0; i < package->refresh_count; i++)
		package_parts_bind_next(&package->bounds[i + 1],
		    &package->bounds[i], package->refreshes[i].raw);
}
