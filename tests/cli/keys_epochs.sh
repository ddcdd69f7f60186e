#!/bin/sh
# aegis keys, of epochs and roots: what is asked of whom, without a cluster.
set -u
# shellcheck source=tests/cli/lib.sh
. "${0%/*}/lib.sh"

printf 'sesame\n' >words

exits 0 "$AEGIS" node init -q -D n1 -n n1 -l 127.0.0.1:7001

# No node answers: the directory's keyring is shown, unless it was asked for.
exits 0 "$AEGIS" keys status -c n1/aegis.yaml -o json
says '"node":"n1"'
exits 5 "$AEGIS" keys status -s nowhere
exits 5 "$AEGIS" keys rotate -s nowhere
exits 5 "$AEGIS" keys policy -s nowhere

# What is wrong with the words is said before anybody is asked.
exits 2 "$AEGIS" keys rotate -s nowhere --reason "$(printf 'two\nlines')"
complains 'option --reason: at most 200 bytes in a line'
printf 'no order' >order
exits 3 "$AEGIS" keys apply -s nowhere order
complains 'order: it is no order about key epochs, or is damaged'
exits 3 "$AEGIS" keys sign -s nowhere absent

# A new storage root keeps the slots that are shown to it, and tells the rest.
exits 0 "$AEGIS" keys add-slot -q -D n1 --new-key-file stick --label stick
exits 0 "$AEGIS" keys add-slot -q -D n1 --new-passphrase-fd 3 3<words
cp n1/keyring before
exits 11 "$AEGIS" keys renew-root -D n1 --keep-key-file stick </dev/null
complains 'slot 3 (passphrase) falls away: nothing that was given opens it'
complains 'nothing was changed: say --yes, or give what opens that slot'
cmp -s n1/keyring before || fail "a refused change changed the keyring"

# A slip in what is to keep a slot does not cost that slot.
printf 'sesam\n' >slip
exits 4 "$AEGIS" keys renew-root -y -D n1 --keep-key-file stick \
	--keep-passphrase-fd 3 3<slip
complains 'nothing was changed: the passphrase that was given opens no slot'
cmp -s n1/keyring before || fail "a refused change changed the keyring"
exits 0 "$AEGIS" keys renew-root -D n1 --keep-key-file stick \
	--keep-passphrase-fd 3 -o value 3<words
[ "$(cat out)" = "1
2
3" ] || fail "slots are $(cat out)"
cmp -s n1/keyring before && fail "the root is the old one"
exits 0 "$AEGIS" keys renew-root -q -y -D n1 --key-file stick
exits 0 "$AEGIS" keys check -q -D n1 --key-file stick
exits 4 "$AEGIS" keys check -q -D n1
exits 4 "$AEGIS" keys check -q -D n1 --passphrase-fd 3 3<words
exits 4 "$AEGIS" keys renew-root -q -y -D n1
exit 0
