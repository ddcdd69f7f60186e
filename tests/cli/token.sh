#!/bin/sh
# aegis token and keys in SoftHSM: made here and used by pkcs11-tool, made
# there and used here; signatures verified by ssh-keygen, minisign and openssl.
# Environment: AEGIS, the binary.  Exit: 0 when all holds, 1 with a word.
# shellcheck disable=SC2094 # file is a namespace's name, too
set -u
# shellcheck source=tests/cli/lib.sh
. "${0%/*}/lib.sh"

for program in softhsm2-util pkcs11-tool ssh-keygen minisign openssl jq; do
	command -v "$program" >/dev/null || {
		echo "token.sh: skipped, no $program"
		exit 0
	}
done
module=$(find /usr/lib -name libsofthsm2.so | head -n 1)
[ -n "$module" ] || {
	echo "token.sh: skipped, no libsofthsm2.so"
	exit 0
}

mkdir tokens
export SOFTHSM2_CONF="$dir/softhsm.conf"
cat >"$SOFTHSM2_CONF" <<END
directories.tokendir = $dir/tokens
objectstore.backend = file
log.level = ERROR
END
softhsm2-util --init-token --free --label ops --so-pin 87654321 --pin 1234 \
	>made 2>&1 || fail "softhsm2-util: $(cat made)"
pin=$dir/pin
(umask 077 && echo 1234 >"$pin")
from="module-name=softhsm2&pin-source=file:$pin"

theirs() {
	pkcs11-tool --module "$module" --token-label ops -l -p 1234 "$@" \
		>theirs 2>&1 || fail "pkcs11-tool $*: $(cat theirs)"
}

# uri LABEL: of a key.
uri() {
	echo "pkcs11:token=ops;object=$1?$from"
}

# What is there; tokens that are not initialised have no label.
exits 0 "$AEGIS" token list "pkcs11:?$from"
says ops
exits 0 "$AEGIS" token list -o json "pkcs11:token=ops?$from"
jq -e '.tokens | length == 1 and .[0].token == "ops" and .[0].pin == "ok"' \
	<out >/dev/null || fail "list says $(cat out)"
exits 0 "$AEGIS" token list -o value "pkcs11:token=ops?module-name=softhsm2"
grep -qE '^pkcs11:token=ops;serial=[0-9a-f]+\?module-name=softhsm2$' out ||
	fail "no URI: $(cat out)"

# Keys made here stay there, and sign for pkcs11-tool.
head -c 3000 /dev/urandom >file
for algorithm in ed25519 ecdsa-p256 rsa-3072; do
	exits 0 "$AEGIS" token generate -t "$algorithm" -o "$algorithm.pub" \
		"$(uri "$algorithm")"
	silent
	ssh-keygen -lf "$algorithm.pub" >/dev/null || fail "$algorithm.pub"
	exits 0 "$AEGIS" token public "$(uri "$algorithm")"
	cmp -s out "$algorithm.pub" || fail "$algorithm: another public half"
	exits 0 "$AEGIS" token public -F pem "$(uri "$algorithm")"
	mv out "$algorithm.pem"
done
exits 0 "$AEGIS" token generate -t aes "$(uri wrap)"
silent
exits 0 "$AEGIS" token keys -o json "pkcs11:token=ops;type=private?$from"
jq -e '.keys | length == 3 and all(.stays)' <out >/dev/null ||
	fail "keys that can leave: $(cat out)"
id=$(jq -r '.keys[] | select(.label == "ecdsa-p256") | .id' <out)
theirs -O
grep -q 'sensitive, always sensitive, never extractable' theirs ||
	fail "not kept: $(cat theirs)"
openssl dgst -sha256 -binary file >digest
theirs -s -m ECDSA --signature-format openssl -d "$id" -i digest -o made
openssl dgst -sha256 -verify ecdsa-p256.pem -signature made file >/dev/null ||
	fail "openssl refuses what pkcs11-tool signed with our key"

# The same by keys made there; each signature is verified by ssh-keygen.
theirs -k --key-type EC:edwards25519 -d 01 -a their-ed --usage-sign
theirs -k --key-type EC:prime256v1 -d 02 -a their-p256 --usage-sign
theirs -k --key-type rsa:3072 -d 03 -a their-rsa
theirs -k --key-type rsa:2048 -d 04 -a their-short
for key in ed25519 ecdsa-p256 rsa-3072 their-ed their-p256 their-rsa; do
	exits 0 "$AEGIS" sign -q -f -i "$(uri "$key")" file
	exits 0 "$AEGIS" token public "$(uri "$key")"
	echo "$key@example.org $(cut -d' ' -f1,2 out)" >signers
	mv out "$key.pub"
	ssh-keygen -q -Y verify -n file -f signers -I "$key@example.org" \
		-s file.sig <file >theirs || fail "ssh-keygen refuses $key's"
	exits 0 "$AEGIS" verify -p "$key.pub" file
done
exits 0 "$AEGIS" sign -q -f -i "pkcs11:id=%02?$from" file
exits 0 "$AEGIS" verify -p their-p256.pub file
exits 11 "$AEGIS" sign -f -i "$(uri their-short)" file
complains 'RSA of 2048 bits signs nothing new'

# minisign's, whose key id is always the same.
exits 0 "$AEGIS" token public -F minisign "$(uri their-ed)"
mv out minisign.pub
exits 0 "$AEGIS" sign -q -F minisign -i "$(uri their-ed)" -t "release 7" file
minisign -V -q -p minisign.pub -m file || fail "minisign refuses ours"
exits 3 "$AEGIS" sign -F minisign -f -i "$(uri ecdsa-p256)" file
complains 'not an Ed25519 key'

# Where the PIN comes from; it is never asked for twice.
named="pkcs11:token=ops;object=ed25519?module-name=softhsm2"
exits 0 "$AEGIS" token public --pin-file "$pin" "$named"
exits 11 setsid "$AEGIS" token public "$named"
complains '--pin-file'
"$AEGIS" token public --pin-fd 3 "$named" 3<"$pin" >out 2>err ||
	fail "--pin-fd: $(cat err)"
cmp -s out ed25519.pub || fail "--pin-fd: another key"
cp "$pin" open_pin
chmod 644 open_pin
exits 4 "$AEGIS" token public --pin-file open_pin "$named"
(umask 077 && echo 4321 >wrong)
exits 4 "$AEGIS" token public --pin-file wrong "$named"
complains 'wrong PIN'
exits 11 "$AEGIS" token public "$named&pin-value=1234"
complains 'no PIN is taken from pin-value'
! grep -q 1234 err || fail "the PIN is shown"

# typed PIN: at a terminal; what is said there goes to said.
typed() {
	python3 - "$AEGIS" "$1" "$named" >said <<'EOT'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], ['aegis', 'token', 'public', sys.argv[3]])
text = b''
while not text.endswith(b'PIN of token ops: '):
    text += os.read(fd, 100)
os.write(fd, sys.argv[2].encode() + b'\n')
try:
    while True:
        more = os.read(fd, 1000)
        if not more:
            break
        text += more
except OSError:
    pass
print(text.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
EOT
}
typed 1234 || fail "a PIN that is typed is not taken: $(cat said)"
grep -qF "$(cut -d' ' -f2 ed25519.pub)" said || fail "another key: $(cat said)"
! grep -q 1234 said || fail "the PIN is shown"
typed 9999 && fail "a wrong PIN is taken"
grep -q 'wrong PIN.*tried once and is not tried again' said ||
	fail "not told of a wrong PIN: $(cat said)"
typed 1234 || fail "the right PIN after a wrong one: $(cat said)"
grep -q 'token ops: a wrong PIN was given, and few tries are left' said ||
	fail "not warned: $(cat said)"

# A label is the token's word: one of several lines makes no second key.
exits 0 "$AEGIS" token generate "$(uri 'a%0assh-ed25519%20AAAA%20b')"
[ "$(wc -l <out)" = 1 ] || fail "lines of a label: $(cat out)"
exits 0 "$AEGIS" token public "$(uri 'a%0assh-ed25519%20AAAA%20b')"
[ "$(wc -l <out)" = 1 ] || fail "lines of a label: $(cat out)"

# What is refused, with nothing changed.
exits 3 "$AEGIS" token generate "$(uri ed25519)"
complains 'a key ed25519 with that label already'
exits 3 "$AEGIS" token generate "pkcs11:token=ops?$from"
complains 'object=LABEL'
exits 3 "$AEGIS" token generate -o file "$(uri more)"
complains '--force replaces it'
misused "$AEGIS" token generate -t x25519 "$(uri more)"
misused "$AEGIS" token generate -t ristretto255 "$(uri more)"
complains 'ristretto255 keys are not made in tokens'
misused "$AEGIS" token generate -t nothing "$(uri more)"
misused "$AEGIS" token public -F nothing "$(uri ed25519)"
exits 3 "$AEGIS" token public "$(uri none)"
complains 'no key of type private and label none'
exits 3 "$AEGIS" token keys "pkcs11:token=none?$from"
complains 'there is no token none'
exits 3 "$AEGIS" token list 'pkcs11:?module-path=/nowhere/x.so'
complains '/nowhere/x.so: No such file'
exits 3 "$AEGIS" token list 'pkcs11:colour=red'
complains "'colour' is not known"
