#!/bin/bash
# What a value is stands in no file of a node, whatever becomes of the node:
# checkpoints, restarts, kills, a state fetched from others, a tightened disk.
# And a node is closed to who has not what opens its keyring.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck disable=SC2034 # lib_trial.sh reads it
room=400000
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

mark=a-value-that-is-nobodys-business
long=$(for _ in $(seq 200); do printf '%s ' "$mark"; done)

# unseen WHEN: it is in no file of any node.
unseen() {
	grep -rl "$mark" c --include='*' >found &&
		fail "$1: a value stands in $(cat found)"
	return 0
}

# fill FIRST LAST: through n1.
fill() {
	for i in $(seq "$1" "$2"); do
		exits 0 ask n1 put "k$((i % 5))" "$mark $i"
	done
}

exits 0 "$AEGIS" cluster init -q c
hurry n1 n2 n3 n4
exits 0 "$AEGIS" cluster up c
fill 1 30

exits 0 ask n1 put long "$long"
unseen "running"

# A member that is killed, and one that was away while others went on.
exits 0 "$AEGIS" cluster kill c n4
fill 31 60
unseen "with one killed"
exits 0 "$AEGIS" cluster up --any c
within 30 "n4 has it all" has n4 k0 "$mark 60"
exits 0 ask n4 get long --consistency local -o value
[ "$(cat out)" = "$long" ] || fail "a long value is another at n4"
unseen "with all back"

# A member that lost log and state fetches a state.
exits 0 "$AEGIS" cluster down c n3
rm -r c/n3/log c/n3/state
fill 61 90
exits 0 "$AEGIS" cluster up --any c
within 60 "n3 has it all" has n3 k0 "$mark 90"
unseen "after a state was fetched"

# All stopped: nothing in what is left, and who can, reads it.
exits 0 "$AEGIS" cluster down c
unseen "stopped"
exits 0 "$AEGIS" consensus-inspect verify -d c/n1 --roster c/roster
exits 0 "$AEGIS" consensus-inspect rounds -d c/n1 --limit 3
exits 0 "$AEGIS" keys status -D c/n1 -o json
says '"cluster_id":"'

# Without what opens the keyring the node does not start, nor is read.
mv c/n1/keys/storage stick
exits 3 "$AEGIS" consensus-inspect rounds -d c/n1
complains 'its key file c/n1/keys/storage is not there'
exits 3 timeout 60 "$AEGIS" node run -c c/n1/aegis.yaml
complains "its key file $dir/c/n1/keys/storage is not there"
cp c/n2/keys/storage c/n1/keys/storage
exits 4 timeout 60 "$AEGIS" node run -c c/n1/aegis.yaml
complains 'no slot opens with this key file, or it is damaged'
rm c/n1/keys/storage
exits 0 "$AEGIS" consensus-inspect rounds -d c/n1 --limit 3 --key-file stick

# With another keyring than its files are sealed with neither, and they stay.
mv c/n1/keyring keyring
exits 3 timeout 60 "$AEGIS" node run -c c/n1/aegis.yaml
complains "open keyring $dir/c/n1/keyring: there is none"
exits 0 "$AEGIS" keys create -q -D c/n1 -n n1
exits 3 timeout 60 "$AEGIS" node run -c c/n1/aegis.yaml
complains 'sealed with another keyring than the node'
cp keyring c/n1/keyring

# A damaged one is no reason to part with what it opens.
for at in 100 8292; do
	printf damage | dd of=c/n1/keyring bs=1 seek=$at conv=notrunc 2>dd.err
done
cp stick c/n1/keys/storage
exits 8 timeout 60 "$AEGIS" node run -c c/n1/aegis.yaml
complains 'it is damaged; put a copy of it back'
! grep -q 'log and state' err || fail "what to do is wrong: $(cat err)"
mv keyring c/n1/keyring
rm c/n1/keys/storage

# A passphrase does it, too: from a descriptor or a configured file.
echo 'open sesame' >secret
exits 0 "$AEGIS" keys add-slot -q -D c/n1 --key-file stick \
	--new-passphrase-fd 3 3<secret
"$AEGIS" node run -c c/n1/aegis.yaml --keyring-passphrase-fd 3 3<secret \
	2>n1.err &
started="$started $!"
one=$!
within 30 "n1 runs" has n1 k0 "$mark 90"
kill "$one"
within 30 "n1 ends" ended "$one"
printf 'keyring:\n  passphrase_file: %s/secret\n' "$dir" >>c/n1/aegis.yaml
exits 4 timeout 60 "$AEGIS" node run -c c/n1/aegis.yaml
complains 'others may use it'
chmod 600 secret
exits 0 "$AEGIS" cluster up c
within 30 "n1 has it all" has n1 k0 "$mark 90"
unseen "in the end"

# The keyring is a running node's alone.
exits 10 "$AEGIS" keys remove-slot -D c/n2 1
complains 'a running node uses it'
exit 0
