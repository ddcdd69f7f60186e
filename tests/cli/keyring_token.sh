#!/bin/sh
# Slots of a keyring that keys in tokens open: AES and RSA keys of SoftHSM, and
# a token that is told to hang, to lie, and to be away.
# Environment: AEGIS, the binary; TOKEN_MODULE.  Exit: 0 when all holds, 1 with
# a word.
set -u
# shellcheck source=tests/cli/lib.sh
. "${0%/*}/lib.sh"

module=$(find /usr/lib -name libsofthsm2.so | head -n 1)
if [ -z "$module" ] || ! command -v softhsm2-util >/dev/null; then
	echo "keyring_token.sh: skipped, no SoftHSM"
	exit 0
fi
mkdir tokens
export SOFTHSM2_CONF="$dir/softhsm.conf"
cat >"$SOFTHSM2_CONF" <<END
directories.tokendir = $dir/tokens
objectstore.backend = file
log.level = ERROR
END
for label in ops spare; do
	softhsm2-util --init-token --free --label $label --so-pin 87654321 \
		--pin 1234 >made 2>&1 || fail "softhsm2-util: $(cat made)"
done
pin=$dir/pin
(umask 077 && echo 1234 >"$pin" && echo 4321 >wrong)

# uri TOKEN LABEL: of a key.
uri() {
	echo "pkcs11:token=$1;object=$2?module-name=softhsm2&pin-source=file:$pin"
}
named='pkcs11:token=ops;object=aes?module-name=softhsm2'

# Keys that wrap are made like others; an AES key has no public half.
exits 0 "$AEGIS" token generate -t aes "$(uri ops aes)"
silent
exits 0 "$AEGIS" token generate -t rsa-3072 -o rsa.pub "$(uri ops rsa)"
exits 0 "$AEGIS" token generate -t aes "$(uri spare aes)"
exits 0 "$AEGIS" token generate -t ecdsa-p256 -o p256.pub "$(uri ops p256)"
misused "$AEGIS" token generate -t aes -o aes.pub "$(uri ops more)"

# A slot is added, and opens; the slot says which key it is, without a PIN.
exits 0 "$AEGIS" node init -q -D n1 -n n1 -l 127.0.0.1:7001
exits 0 "$AEGIS" keys add-slot -D n1 --new-token "$(uri ops aes)" \
	--label ops -o value
says 2
exits 0 "$AEGIS" keys add-slot -q -D n1 --new-token "$(uri ops rsa)"
for key in aes rsa; do
	exits 0 "$AEGIS" keys check -q -D n1 --token "$(uri ops $key)"
done
exits 0 "$AEGIS" keys slots -D n1 -o json
says '"kind":"hsm","label":"ops"'
grep -qE '"opener":"pkcs11:token=ops;serial=[0-9a-f]+;object=aes;id=' out ||
	fail "the slot does not say its key: $(cat out)"
! grep -qE 'pin|module' out || fail "more than the key is shown: $(cat out)"
exits 4 "$AEGIS" keys check -D n1 --token "$(uri spare aes)"
complains "no slot opens with this token's key, or it is damaged"

# With the token alone: it opens for every change, and is the last to stay.
exits 0 "$AEGIS" keys remove-slot -D n1 --token "$(uri ops aes)" 1
exits 4 "$AEGIS" keys check -D n1
exits 0 "$AEGIS" keys remove-slot -D n1 --token "$(uri ops aes)" 3
exits 11 "$AEGIS" keys remove-slot -D n1 --token "$(uri ops aes)" 2
exits 0 "$AEGIS" keys change-slot -q -D n1 --token "$(uri ops aes)" \
	--new-token "$(uri spare aes)" 2
exits 4 "$AEGIS" keys check -D n1 --token "$(uri ops aes)"
exits 0 "$AEGIS" keys change-slot -q -D n1 --token "$(uri spare aes)" \
	--new-token "$(uri ops aes)" 2

# Without its key file the keyring says what opens it, and asks no token.
rm n1/keys/storage
exits 3 "$AEGIS" keys check -D n1
complains "slot 2 is opened by a token's key (--token): pkcs11:token=ops"

# Where PINs come from; one is for its own token alone, and tried once.
exits 0 "$AEGIS" keys check -q -D n1 --token "$named" --pin-file "$pin"
exits 11 setsid "$AEGIS" keys check -D n1 --token "$named"
complains '--pin-file'
exits 0 "$AEGIS" keys add-slot -q -D n1 --token "$named" --pin-file "$pin" \
	--new-token "${named%%\?*}?module-name=softhsm2" --new-pin-file "$pin"
exits 0 "$AEGIS" keys remove-slot -D n1 --token "$named" --pin-file "$pin" 1
exits 4 "$AEGIS" keys check -D n1 --token "$named" --pin-file wrong
complains 'wrong PIN'
complains 'tried once and is not tried again'
exits 11 setsid "$AEGIS" keys add-slot -D n1 --token "$(uri ops aes)" \
	--pin-file "$pin" --new-token "${named%%ops*}spare;${named#*;}"
complains '--new-pin-file'

# Keys that wrap nothing, and what is refused leaves the keyring as it is.
cp n1/keyring before
exits 11 "$AEGIS" keys add-slot -D n1 --token "$(uri ops aes)" \
	--new-token "$(uri ops p256)"
complains 'it is neither AES nor RSA'
exits 3 "$AEGIS" keys add-slot -D n1 --token "$(uri ops aes)" \
	--new-token "$(uri ops none)"
exits 11 "$AEGIS" keys add-slot -D n1 --token "$(uri ops aes)" \
	--new-token "pkcs11:token=ops;object=aes?pin-value=1234"
complains 'no PIN is taken from pin-value'
misused "$AEGIS" keys add-slot -D n1 --new-token "$named" --new-passphrase
misused "$AEGIS" keys create -D n2 -n n2 --token "$named" --key-file x
cmp -s before n1/keyring || fail "a refusal changed the keyring"

# Made with a token at once, and configured so.
exits 0 "$AEGIS" node init -q -D n3 -n n3 -l 127.0.0.1:7003 \
	--keyring-token "$(uri ops aes)"
[ ! -e n3/keys/storage ] || fail "there is a key file, too"
exits 0 "$AEGIS" config show -c n3/aegis.yaml keyring.token
[ "$(cat out)" = "$(uri ops aes)" ] || fail "configured is $(cat out)"
exits 0 "$AEGIS" keys check -q -c n3/aegis.yaml
rm n3/keyring
exits 0 "$AEGIS" keys create -q -D n3 -n n3 --token "$(uri ops rsa)"
exits 0 "$AEGIS" keys check -q -D n3 --token "$(uri ops rsa)"
exits 4 "$AEGIS" keys check -c n3/aegis.yaml
exits 3 "$AEGIS" node init -q -D n4 -n n4 -l 127.0.0.1:7004 \
	--keyring-token "$(uri gone aes)"
[ ! -e n4 ] || fail "a refused init left a directory"

# The configured token is away: what else opens it is said, and does.
printf 'sesame\n' >words
exits 0 "$AEGIS" keys add-slot -q -D n3 --token "$(uri ops rsa)" --work low \
	--new-passphrase-fd 3 3<words
mv tokens tokens.away
mkdir tokens
exits 3 "$AEGIS" keys check -c n3/aegis.yaml
complains 'keyring.token: '
complains 'a passphrase opens the keyring, too (--passphrase)'
exits 0 "$AEGIS" keys check -q -c n3/aegis.yaml --passphrase-fd 3 3<words
rmdir tokens
mv tokens.away tokens

# A token that can be told what to do.
fake=${TOKEN_MODULE:-$top/build/release/tests/fixture/token_module.so}
if [ ! -e "$fake" ]; then
	echo "keyring_token.sh: no $fake, so no token that lies"
	exit 0
fi
mkdir fake
: >fake/made
export TOKEN_TEST_DIR="$dir/fake"
lying="pkcs11:token=fake;object=node;type=secret-key?module-path=$fake&pin-source=file:$pin"

told() {
	echo "$1" >fake/fault
}
exits 0 "$AEGIS" keys add-slot -q -D n1 --token "$(uri ops aes)" \
	--new-token "$lying"
exits 0 "$AEGIS" keys check -q -D n1 --token "$lying"
told hang
exits 124 "$AEGIS" keys check -D n1 -t 300ms --token "$lying"
complains 'no answer within 300 ms'
told hang-login
exits 124 "$AEGIS" keys check -D n1 -t 300ms --token "$lying"
told removed
exits 3 "$AEGIS" keys check -D n1 --token "$lying"
complains 'there is no token fake'
for lie in wrong-unwrap short-unwrap long-unwrap; do
	told $lie
	exits 4 "$AEGIS" keys check -D n1 --token "$lying"
	complains "no slot opens with this token's key"
done
cp n1/keyring before
for lie in long-wrap wrong-unwrap short-unwrap extractable; do
	told $lie
	"$AEGIS" keys add-slot -D n1 --token "$(uri ops aes)" \
		--new-token "$lying" >out 2>err && fail "$lie: a slot is made"
done
cmp -s before n1/keyring || fail "a lie changed the keyring"
exits 0 "$AEGIS" keys check -q -D n1 --token "$(uri ops aes)"
exit 0
