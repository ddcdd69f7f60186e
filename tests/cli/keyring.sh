#!/bin/sh
# aegis keys: a keyring, what opens it and what does not, and what becomes of
# it when somebody has been at its file.
set -u
# shellcheck source=tests/cli/lib.sh
. "${0%/*}/lib.sh"

printf 'sesame\n' >right
printf 'wrong\n' >wrong

# A node has one, opened by a key file of its own.
exits 0 "$AEGIS" node init -q -D n1 -n n1 -l 127.0.0.1:7001
for file in n1/keyring n1/keys/storage; do
	[ "$(stat -c %a "$file")" = 600 ] || fail "$file is not private"
done
[ "$(stat -c %s n1/keys/storage)" = 32 ] || fail "the key file's length"
exits 0 "$AEGIS" keys status -D n1 -o json
says '"node":"n1"'
says '"cluster_id":null'
says '"checked":false'
exits 0 "$AEGIS" keys check -D n1 -o json
says '"checked":true'
exits 0 "$AEGIS" keys check -q -D n1
silent
exits 0 "$AEGIS" keys epochs -D n1 -o csv
says '1,active,'
exits 0 "$AEGIS" keys slots -D n1 -o json
says '{"slot":"1","kind":"file","label":"",'

# The configuration says where it is.
exits 0 "$AEGIS" keys check -c n1/aegis.yaml -o value
says n1

# A second way in, by passphrase, and a third, by another key file.
exits 0 "$AEGIS" keys add-slot -D n1 --new-passphrase-fd 3 --label words \
	-o value 3<right
says 2
exits 0 "$AEGIS" keys check -q -D n1 --passphrase-fd 3 3<right
exits 4 "$AEGIS" keys check -D n1 --passphrase-fd 3 3<wrong
complains 'no slot opens with this passphrase, or it is damaged'
exits 0 "$AEGIS" keys add-slot -q -D n1 --new-key-file other
[ "$(stat -c %a other)" = 600 ] || fail "a new key file is not private"
exits 0 "$AEGIS" keys check -q -D n1 --key-file other
exits 0 "$AEGIS" keys slots -D n1 -o value
[ "$(cat out)" = "1
2
3" ] || fail "slots are $(cat out)"

# How hard a passphrase is to try stands in its slot.
exits 0 "$AEGIS" keys change-slot -q -D n1 --work low --new-passphrase-fd 3 2 \
	3<right
exits 0 "$AEGIS" keys check -q -D n1 --passphrase-fd 3 3<right
misused "$AEGIS" keys add-slot -D n1 --work much --new-passphrase-fd 3 3<right
misused "$AEGIS" keys add-slot -D n1 --work low --new-key-file none
complains '--work is of passphrases, and none is given'
[ ! -e none ] || fail "a misuse made a key file"

# A slot is changed: what opened it does so no more.
cp n1/keys/storage was
exits 0 "$AEGIS" keys change-slot -q -D n1 --new-key-file third 1
exits 4 "$AEGIS" keys check -D n1
complains 'no slot opens with this key file, or it is damaged'
exits 0 "$AEGIS" keys check -q -D n1 --key-file third

# One is removed; the last one is not.
exits 0 "$AEGIS" keys remove-slot -D n1 --key-file third 1
silent
exits 4 "$AEGIS" keys check -D n1 --key-file third
exits 0 "$AEGIS" keys remove-slot -D n1 --key-file other 2
exits 11 "$AEGIS" keys remove-slot -D n1 --key-file other 3
complains 'slot 3 is the last one that opens it; add another first'
exits 3 "$AEGIS" keys remove-slot -D n1 --key-file other 1
complains 'it has no slot 1'
exits 0 "$AEGIS" keys check -q -D n1 --key-file other

# A key file for a slot that was not made goes again; one that was there not.
for _ in 1 2 4 5 6 7 8; do
	exits 0 "$AEGIS" keys add-slot -q -D n1 --key-file other \
		--new-key-file third
done
exits 3 "$AEGIS" keys add-slot -D n1 --key-file other --new-key-file ninth
complains 'all 8 slots are taken'
[ ! -e ninth ] || fail "a key file of no slot is left"
exits 3 "$AEGIS" keys add-slot -D n1 --key-file other --new-key-file third
[ -e third ] || fail "a key file that was there is gone"

# Key files that are none.
head -c 31 /dev/urandom >short
chmod 600 short
exits 3 "$AEGIS" keys check -D n1 --key-file short
complains 'it has not the 32 bytes of a storage key'
cp third open
chmod 644 open
exits 4 "$AEGIS" keys check -D n1 --key-file open
complains 'others may use it'
exits 3 "$AEGIS" keys check -D n1 --key-file none </dev/null
complains 'its key file none is not there'

# A running node's keyring is not changed.
exec 9<>n1/lock
flock -n 9 || fail 'lock'
exits 10 "$AEGIS" keys add-slot -D n1 --key-file other --new-key-file fourth
complains 'a running node uses it; stop it first'
[ ! -e fourth ] || fail "a refused change made a key file"
exits 0 "$AEGIS" keys check -q -D n1 --key-file other
exec 9<&-

# What is missing is said.
misused "$AEGIS" keys add-slot -D n1
misused "$AEGIS" keys add-slot -D n1 --new-passphrase --new-key-file x
misused "$AEGIS" keys change-slot -D n1 --new-key-file x 9
misused "$AEGIS" keys remove-slot -D n1 x
misused "$AEGIS" keys add-slot -D n1 --new-key-file x --label 'a
b'
misused "$AEGIS" keys create -D n1
misused "$AEGIS" keys create -D n1 -n n1 --key-file x --passphrase
misused "$AEGIS" keys create -D n1 -n n1 --work low
misused "$AEGIS" node init -D n0 -n n0 -l 127.0.0.1:7000 \
	--keyring-key-file x --keyring-passphrase
exits 3 "$AEGIS" keys status -D none
complains 'none/keyring: No such file'

# Another's copy, a damaged one, one that somebody changed.
exits 0 "$AEGIS" node init -q -D n2 -n n2 -l 127.0.0.1:7002
cp n1/keyring good
cp n2/keyring n1/keyring
exits 4 "$AEGIS" keys check -D n1 --key-file other
cp good n1/keyring
printf xxxx | dd of=n1/keyring bs=1 seek=100 conv=notrunc 2>/dev/null
exits 0 "$AEGIS" keys check -q -D n1 --key-file other
printf xxxx | dd of=n1/keyring bs=1 seek=8292 conv=notrunc 2>/dev/null
exits 8 "$AEGIS" keys check -D n1 --key-file other
complains 'it is damaged'
python3 - n1/keyring <<'PY' || exit 1
import hashlib, sys
data = bytearray(open('good', 'rb').read())
for at in (0, 8192):
    copy = data[at:at + 8192]
    end = len(copy.rstrip(b'\0'))
    for length in range(end - 3, end + 32):
        if hashlib.blake2b(bytes(copy[:length - 32]),
                           digest_size=32).digest() == copy[length - 32:length]:
            break
    else:
        sys.exit('no copy is found')
    name = copy.index(b'n1', 60)
    copy[name:name + 2] = b'n7'
    copy[length - 32:length] = hashlib.blake2b(
        bytes(copy[:length - 32]), digest_size=32).digest()
    data[at:at + 8192] = copy
open(sys.argv[1], 'wb').write(data)
PY
exits 0 "$AEGIS" keys status -D n1 -o value
says n7
exits 8 "$AEGIS" keys check -D n1 --key-file other
complains 'it was changed by somebody who could not open it'
cp good n1/keyring
exits 0 "$AEGIS" keys check -q -D n1 --key-file other

# It is made once.
exits 3 "$AEGIS" keys create -D n1 -n n1
complains 'exists already'
rm n1/keyring
exits 0 "$AEGIS" keys create -D n1 -n n1 --passphrase-fd 3 --work low \
	-o json 3<right
says '"generation":"1"'
exits 0 "$AEGIS" keys check -q -D n1 --passphrase-fd 3 3<right

# A node's own ways in: a key file elsewhere, or a passphrase.
mkdir stick
exits 0 "$AEGIS" node init -q -D n3 -n n3 -l 127.0.0.1:7003 \
	--keyring-key-file stick/key
[ ! -e n3/keys/storage ] || fail "there is a second key file"
exits 0 "$AEGIS" config show -c n3/aegis.yaml keyring.key_file
[ "$(cat out)" = "$dir/stick/key" ] || fail "key_file is $(cat out)"
exits 0 "$AEGIS" keys check -q -c n3/aegis.yaml
exits 0 "$AEGIS" node init -q -D n4 -n n4 -l 127.0.0.1:7004 \
	--keyring-passphrase-fd 3 3<right
[ ! -e n4/keys/storage ] || fail "there is a key file"
exits 0 "$AEGIS" keys check -q -D n4 --passphrase-fd 3 3<right
exits 11 "$AEGIS" keys check -D n4
complains 'no terminal to ask for the passphrase on'
# Where the node reads it, these do, too; but not for another directory.
cp right secret
chmod 600 secret
sed -i "s|^  #passphrase_file:.*|  passphrase_file: $dir/secret|" n4/aegis.yaml
exits 0 "$AEGIS" keys check -q -c n4/aegis.yaml
exits 11 "$AEGIS" keys check -c n4/aegis.yaml -D n4
cp wrong secret
exits 4 "$AEGIS" keys check -c n4/aegis.yaml
complains 'no slot opens with this passphrase'
exits 0 "$AEGIS" keys check -q -c n4/aegis.yaml --passphrase-fd 3 3<right
exits 3 "$AEGIS" node init -D n5/n5 -n n5 -l 127.0.0.1:7005 \
	--keyring-key-file stick/key
[ -e stick/key ] || fail "a refused init removed a key file"
exit 0
