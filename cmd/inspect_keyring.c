/*
 * A dead node's keyring.
 */
#include "cmd/inspect_keyring.h"

#include "base/fs.h"
#include "cmd/keyring_place.h"

enum ag_status
inspect_keyring_open(struct keyring **out, const struct applet_call *call,
    const char *dir, struct ag_error *err)
{
	struct keyring_key key;
	struct keyring_place place;
	enum ag_status status;

	*out = NULL;
	status = keyring_place_init(&place, dir,
	    options_text(&call->options, "key-file"), err);
	if (status != AG_OK || !fs_exists(place.path))
		return status;
	secret_forbid_dumps();
	status = keyring_place_opener(&key, &place, call, "", err);
	if (status == AG_OK)
		status = keyring_open(out, place.path, &key.opener, false, err);
	keyring_key_fini(&key);
	return status;
}
