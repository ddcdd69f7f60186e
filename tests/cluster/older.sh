#!/bin/bash
# A directory that came back older as a whole: log, state and horizon, as a
# machine has them that was restored from an image.  Its node finds out before
# it votes, by PBFT and by Raft, says so, and is level with the others in the
# end; nobody has evidence against it.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# What takes part here is bytes, not how fast a disk syncs them.
memory=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)
[ "${memory:-0}" -lt 1500000 ] || export TMPDIR=/dev/shm
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

# says_of NODE JQ: what the node's status says.
says_of() {
	"$AEGIS" node status --socket "c/$1/aegis.sock" -o json >state
	[ "$(jq "$2" state)" = true ]
}

# shown_at NODE MEMBER: as rejoining, by another node, and in its dashboard.
shown_at() {
	"$AEGIS" node status --socket "c/$1/aegis.sock" >out
	grep -q "^$2 .*REJOINING" out &&
		"$AEGIS" tui --once overview -s "c/$1/aegis.sock" \
			--size 140x40 >out && grep -q "$2.*REJOINING" out
}

# write FIRST LAST: through n1.
write() {
	for i in $(seq "$1" "$2"); do
		exits 0 ask n1 put "k$((i % 8))" "$i"
	done
}

# put_back MISSING OTHERS...: n2 starts from an image, and as one member is
# missing nobody brings it past what it forgot.
put_back() {
	missing=$1
	shift
	exits 0 "$AEGIS" cluster down c n2
	cp -a c/n2 older
	exits 0 "$AEGIS" cluster up --any c
	within 20 "n2 votes" says_of n2 '.rejoining == false'
	write 1 50
	within 20 "n2 has it all" has n2 k2 50
	exits 0 "$AEGIS" cluster kill c n2
	exits 0 "$AEGIS" cluster kill c "$missing"
	rm -r c/n2
	mv older c/n2
	"$AEGIS" node run -c c/n2/aegis.yaml 2>n2.err &
	n2=$!
	started="$started $n2"
	within 20 "n2 says so" says_of n2 '.rejoining == true'
	grep -q 'level=warn .*msg="not voting' c/n2/node.log ||
		fail "node.log does not say so: $(tail c/n2/node.log)"
	for other; do
		within 20 "$other knows of it" shown_at "$other" n2
	done
	kill "$n2"
	wait "$n2" || fail "n2 exited $?: $(cat n2.err)"
}

# level NODE...: all hold the last write, n2 votes, and nobody accuses it.
level() {
	exits 0 "$AEGIS" cluster up --any c
	within 20 "a quorum serves" ask n1 put serves again
	write 51 60
	within 20 "n2 votes again" says_of n2 '.rejoining == false'
	grep -q 'msg="voting again' c/n2/node.log || fail "n2 does not say so"
	for node; do
		within 20 "$node is level" has "$node" k4 60
		"$AEGIS" consensus-inspect evidence \
			-s "c/$node/aegis.sock" -o json >out
		grep -qF '"evidence":[]' out ||
			fail "$node accuses somebody: $(cat out)"
	done
}

exits 0 "$AEGIS" cluster init -q c
hurry n1 n2 n3 n4
exits 0 "$AEGIS" cluster up c
exits 0 ask n1 put k0 first
put_back n4 n1 n3
level n1 n2 n3 n4

# A plain restart is none of that.
before=$(grep -c 'msg="not voting' c/n2/node.log)
exits 0 "$AEGIS" cluster down c n2
write 1 10
exits 0 "$AEGIS" cluster up --any c
within 20 "n2 has it all" has n2 k2 10
[ "$(grep -c 'msg="not voting' c/n2/node.log)" = "$before" ] ||
	fail "n2 rejoins for no reason: $(tail c/n2/node.log)"
exits 0 "$AEGIS" cluster down c
rm -r c

exits 0 "$AEGIS" cluster init -q c --nodes 3 --strategy raft
hurry n1 n2 n3
exits 0 "$AEGIS" cluster up c
within 20 "somebody leads" ask n1 put k0 first
# What n2 acknowledged its leader knows, which is to stay.
exits 0 "$AEGIS" cluster down c n2
within 20 "another leads" ask n1 put k0 second
exits 0 "$AEGIS" cluster up --any c
leader=$("$AEGIS" consensus-inspect status -s c/n1/aegis.sock -o json |
	jq -r .primary)
put_back "$(echo n1 n3 | tr ' ' '\n' | grep -vx "$leader")" "$leader"
level n1 n2 n3
