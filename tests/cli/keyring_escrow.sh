#!/bin/sh
# A slot of a keyring that custodians bring back: made in escrow, recovered,
# and replaced by another.
# Environment: AEGIS, the binary.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cli/lib.sh
. "${0%/*}/lib.sh"

echo 'correct horse' >pass
for who in alice bob carol; do
	exits 0 "$AEGIS" keygen -q -t ristretto255 -C $who -F sealed \
		--work low -o $who --passphrase-fd 3 3<pass
done
exits 0 "$AEGIS" keygen -q -t x25519 -o dora
exits 0 "$AEGIS" node init -q -D n1 -n n1 -l 127.0.0.1:7001

# init OPTION...: two of three custodians, who wait for nothing.
# shellcheck disable=SC2317,SC2329 # by exits
init() {
	"$AEGIS" escrow init -k 2 -c alice.pub -c bob.pub -c carol.pub -d 0s \
		"$@"
}

# The slot and its package are made together; the slot says which.
exits 0 init --keyring n1 -o n1.escrow
[ "$(tail -n 1 err)" = \
	'slot 2 of keyring n1/keyring opens with what they bring back' ] ||
	fail "init says: $(cat err)"
exits 0 "$AEGIS" escrow check n1.escrow -o json
base=$(sed 's/.*"base":"\([0-9a-f]*\)".*/\1/' out)
says '"secret_bytes":"32"'
exits 0 "$AEGIS" keys slots -D n1 -o json
says '"kind":"escrow","label":"2 of 3 custodians"'
says "\"opener\":\"$base\""

# It opens nothing by itself, and is not the last slot to stay.
exits 11 "$AEGIS" keys remove-slot -D n1 1
complains 'slot 1 is the last one that opens it'

# A refresh of the shares leaves the slot as it is.
exits 0 "$AEGIS" escrow refresh n1.escrow -o fresh
exits 0 "$AEGIS" escrow check fresh -o json
says "\"base\":\"$base\""

# bring_back PACKAGE FILE: all that recovery takes.
bring_back() {
	rm -f ask a.share b.share
	exits 0 "$AEGIS" escrow request "$1" --offline --reason 'n1 forgot' \
		--to dora.pub -o ask
	exits 0 "$AEGIS" escrow submit ask -q --offline -i alice -o a.share \
		--passphrase-fd 3 3<pass
	exits 0 "$AEGIS" escrow submit ask -q --offline -i bob -o b.share \
		--passphrase-fd 3 3<pass
	exits 0 "$AEGIS" escrow recover ask a.share b.share -q -i dora -o "$2"
}
bring_back fresh back
[ "$(stat -c '%a %s' back)" = '600 32' ] || fail "what came back is open"
rm n1/keys/storage
exits 3 "$AEGIS" keys check -D n1
complains 'what opens it is in escrow, too (aegis escrow request)'
exits 0 "$AEGIS" keys check -q -D n1 --escrow-secret back
exits 4 "$AEGIS" keys check -D n1 --key-file back
exits 0 "$AEGIS" keys add-slot -q -D n1 --escrow-secret back \
	--new-key-file key
exits 0 "$AEGIS" keys remove-slot -D n1 --key-file key 1

# What was out is replaced: another slot, and the old one goes.
exits 0 init -q --keyring n1 --keyring-escrow-secret back -o second
exits 0 "$AEGIS" keys slots -D n1 -o value
[ "$(tr '\n' ' ' <out)" = '1 2 3 ' ] || fail "slots are $(cat out)"
exits 0 "$AEGIS" keys remove-slot -D n1 --key-file key 2
exits 4 "$AEGIS" keys check -D n1 --escrow-secret back
complains 'no slot opens with this secret from escrow, or it is damaged'
bring_back second again
exits 0 "$AEGIS" keys check -q -D n1 --escrow-secret again
cmp -s back again && fail "the same secret was put into escrow twice"

# Secrets that are none, and another keyring's.
head -c 31 back >short
chmod 600 short
exits 3 "$AEGIS" keys check -D n1 --escrow-secret short
cp again open
chmod 644 open
exits 4 "$AEGIS" keys check -D n1 --escrow-secret open
complains 'others may use it'
exits 0 "$AEGIS" node init -q -D n2 -n n2 -l 127.0.0.1:7002
exits 4 "$AEGIS" keys check -D n2 --escrow-secret again

# What is refused leaves neither a package nor a slot.
cp n1/keyring before
misused init --keyring n1 -s back -o no
misused init -o no
misused init --keyring n1 --keyring-key-file key -o -
misused "$AEGIS" keys create -D n3 -n n3 --escrow-secret again
exits 3 init --keyring none -o no
exits 3 init --keyring n1 -o no
exec 9<>n1/lock
flock -n 9 || fail lock
exits 10 init --keyring n1 --keyring-key-file key -o no
exec 9<&-
for _ in 2 4 5 6 7 8; do
	exits 0 "$AEGIS" keys add-slot -q -D n1 --key-file key \
		--new-key-file more
done
cp n1/keyring before
exits 3 init --keyring n1 --keyring-key-file key -o no
complains 'all 8 slots are taken'
[ ! -e no ] || fail "a package of no slot is left"
exits 3 init --keyring n1 --keyring-key-file key -f -o fresh
complains 'package fresh opens nothing'
cmp -s before n1/keyring || fail "a refusal changed the keyring"
exit 0
