#!/bin/sh
# Files that age or aegis encrypted to an RSA key that is in a token: of a token
# that can, SoftHSM, which can not, and one that lies.
# Environment: AEGIS, the binary; TOKEN_MODULE.  Exit: 0 when all holds, 1 with
# a word.
set -u
# shellcheck source=tests/cli/lib.sh
. "${0%/*}/lib.sh"

fake=${TOKEN_MODULE:-$top/build/release/tests/fixture/token_module.so}
[ -e "$fake" ] || fail "there is no $fake: make fake-programs"
mkdir fake
: >fake/made
export TOKEN_TEST_DIR="$dir/fake"
(umask 077 && echo 1234 >pin && echo 4321 >wrong)
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:3072 \
	-out fake/rsa.pem
bare="pkcs11:token=fake;object=node?module-path=$fake"
key="$bare&pin-source=file:$dir/pin"

told() {
	echo "$1" >fake/fault
}

echo 'a text' >text
exits 0 "$AEGIS" token public "$key"
cut -d' ' -f1,2 out >key.pub
exits 0 "$AEGIS" crypt encrypt -r "$(cat key.pub)" -o sealed text
exits 0 "$AEGIS" crypt decrypt -i "$key" sealed
cmp -s out text || fail "another text: $(cat out)"
exits 0 "$AEGIS" crypt decrypt -i "$bare" --pin-file pin sealed
if command -v age >/dev/null; then
	age -R key.pub -o theirs text
	exits 0 "$AEGIS" crypt decrypt -i "$key" theirs
	cmp -s out text || fail "age's: another text: $(cat out)"
fi

# A module by its name, in a folder of one's own.
named="pkcs11:token=fake;object=node?module-name=token_module"
named="$named&pin-source=file:$dir/pin"
exits 3 "$AEGIS" crypt decrypt -i "$named" sealed
complains 'PKCS#11 module token_module: not found'
exits 0 env AEGIS_TOKEN_MODULE_DIRS="/nowhere:$(dirname "$fake")" \
	"$AEGIS" crypt decrypt -i "$named" sealed
exits 0 env AEGIS_TOKEN_MODULE_DIRS="$(dirname "$fake")" \
	"$AEGIS" token list "$named"
says fake
exits 3 env AEGIS_TOKEN_MODULE_DIRS=. "$AEGIS" crypt decrypt -i "$named" sealed
complains "they begin with '/'"

# Behind other identities, and rewrapped to others.
exits 0 "$AEGIS" keygen -q -t x25519 -o x
exits 0 "$AEGIS" crypt decrypt -i x -i "$key" sealed
exits 0 "$AEGIS" crypt rewrap -i "$key" -r "$(head -n 1 x.pub)" -o again sealed
exits 0 "$AEGIS" crypt decrypt -i x again
cmp -s out text || fail "rewrapped: another text"

# What does not open is told in one sentence, and nothing comes out.
exits 8 "$AEGIS" crypt decrypt -i "$key" again
complains 'again does not decrypt'
silent
for lie in wrong-unwrap long-unwrap short-unwrap; do
	told $lie
	exits 8 "$AEGIS" crypt decrypt -i "$key" sealed
	silent
done
told ''
exits 4 "$AEGIS" crypt decrypt -i "$bare" --pin-file wrong sealed
complains 'wrong PIN'
exits 0 "$AEGIS" crypt decrypt -i "$key" sealed

# Tokens and keys that can not say so.
told sha-1-alone
exits 3 "$AEGIS" crypt decrypt -i "$key" sealed
complains 'decrypt by RSA-OAEP with SHA-256: the token can not do that'
told asks-always
exits 11 "$AEGIS" crypt decrypt -i "$key" sealed
complains 'it asks for the PIN at every use, which is not supported'
told hang
exits 124 "$AEGIS" crypt decrypt -i "$key" -t 300ms sealed
told ''
rm fake/rsa.pem
exits 11 "$AEGIS" crypt decrypt -i "$key" sealed
complains 'of keys in tokens, RSA ones'

command -v softhsm2-util >/dev/null || exit 0
mkdir tokens
export SOFTHSM2_CONF="$dir/softhsm.conf"
printf 'directories.tokendir = %s\nlog.level = ERROR\n' "$dir/tokens" \
	>"$SOFTHSM2_CONF"
softhsm2-util --init-token --free --label ops --so-pin 87654321 --pin 1234 \
	>made 2>&1 || fail "softhsm2-util: $(cat made)"
key="pkcs11:token=ops;object=rsa?module-name=softhsm2&pin-source=file:$dir/pin"
exits 0 "$AEGIS" token generate -t rsa-3072 -o rsa.pub "$key"
exits 0 "$AEGIS" crypt encrypt -r "$(cut -d' ' -f1,2 rsa.pub)" -f -o sealed text
exits 3 "$AEGIS" crypt decrypt -i "$key" sealed
complains 'decrypt by RSA-OAEP with SHA-256: the token can not do that'
