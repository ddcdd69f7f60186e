#!/bin/sh
# aegis crypt: the list of algorithms.
# Environment: AEGIS, the binary.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cli/lib.sh
. "${0%/*}/lib.sh"

exits 0 "$AEGIS" crypt list
for word in ed25519 x25519 rsa-3072 xchacha20-poly1305 chacha20-poly1305 \
	aes-256-gcm rsa-oaep-sha256 ecdsa-p256 rsa-pss argon2id pbkdf2-sha256 \
	scrypt hkdf-sha256 blake2b-256; do
	says $word
done
unmoved
exits 0 "$AEGIS" crypt list -F hash -o value
says sha3-256
grep -q ed25519 out && fail "a key among the hashes: $(cat out)"
exits 0 "$AEGIS" crypt list -F key -o csv
says 'key,rsa-2048,rsa2048,libcrypto,verify-only,'
says 'key,dsa,ssh-dss,,refused,'

# What is refused says why, whatever it is.
command -v jq >/dev/null || exit 0
exits 0 "$AEGIS" crypt list -o json
[ "$(jq '[.algorithms[] | select(.standing != "allowed" and .note == "")]
	| length' out)" = 0 ] || fail "no reason: $(cat out)"
[ "$(jq -r '.algorithms[] | select(.name == "sha-256").providers
	| join(" ")' out)" = "libcrypto libsodium" ] ||
	fail "providers: $(cat out)"

# A library that takes any signature is found out before a key is touched,
# and by what touches none not asked.
if command -v gcc >/dev/null && ! nm -D "$AEGIS" | grep -q __asan_init; then
	echo 'int crypto_sign_verify_detached(void) { return 0; }' >bad.c
	gcc -shared -fPIC -o bad.so bad.c || fail "gcc makes no library"
	exits 12 env LD_PRELOAD="$dir/bad.so" "$AEGIS" keygen -o none
	complains 'libsodium computes Ed25519 wrong'
	exits 1 test -e none
	exits 0 env LD_PRELOAD="$dir/bad.so" "$AEGIS" --version
	# What is used by few is asked for by those alone.
	cat >bad.c <<'EOT'
int crypto_pwhash(void) { return 0; }
int crypto_pwhash_scryptsalsa208sha256_ll(void) { return 0; }
EOT
	gcc -shared -fPIC -o bad.so bad.c || fail "gcc makes no library"
	echo sesame >words
	exits 12 env LD_PRELOAD="$dir/bad.so" "$AEGIS" keygen -o none \
		-F sealed --work low --passphrase-fd 3 3<words
	complains 'libsodium computes Argon2id wrong'
	exits 12 env LD_PRELOAD="$dir/bad.so" "$AEGIS" crypt encrypt -o none \
		--passphrase-fd 3 bad.c 3<words
	complains 'libsodium computes scrypt wrong'
	exits 1 test -e none
	exits 0 env LD_PRELOAD="$dir/bad.so" "$AEGIS" keygen -q -o some
fi

misused "$AEGIS" crypt
misused "$AEGIS" crypt lst
complains 'did you mean list?'
misused "$AEGIS" crypt list -F hashes
exit 0
