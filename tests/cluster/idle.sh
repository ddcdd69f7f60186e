#!/bin/bash
# A member that was emptied of all but its keys while nobody writes: it is
# level, and votes, in seconds.  With a state that others' logs still have and
# with one that must be fetched, with its horizon and without, and with Raft.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck disable=SC2034 # lib_trial looks for it
room=2500000
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

seconds=10 # where nobody else has more of the machine than
share=20   # percent
values=24 # of 1 MiB, the largest

# trial STRATEGY NODE ...: a cluster of these.
trial() {
	rm -rf c
	exits 0 "$AEGIS" cluster init -q --strategy "$1" --nodes $(($# - 1)) c
	hurry "${@:2}"
	exits 0 "$AEGIS" cluster up -q c
}

# votes NODE: it gives votes, and says nothing else.
votes() {
	"$AEGIS" node status --socket "c/$1/aegis.sock" -o json >state || true
	grep -q '"rejoining":false' state
}

# settled NODE KEY VALUE: it has that, and votes.
settled() {
	has "$1" "$2" "$3" && votes "$1"
}

# work: ticks of processors that others had, and all there were; ours are those
# of this script and of the nodes that run.
work() {
	local ours
	ours=$(sed 's|.*|/proc/&/stat|' c/*/pid |
		xargs -d '\n' cat "/proc/$$/stat" 2>/dev/null |
		awk '{ ticks += $14 + $15 + $16 + $17 } END { print ticks }')
	awk -v ours="$ours" '/^cpu / {
		all = $2 + $3 + $4 + $5 + $6 + $7 + $8 + $9
		print all - $5 - $6 - ours, all
	}' /proc/stat
}

# in_time WHO TOOK: what takes longer is no fault of ours while others work.
in_time() {
	local others=$others all=$all part
	read -r others_now all_now < <(work)
	part=$(((others_now - others) * 100 / (all_now - all + 1)))
	[ "$2" -gt "$seconds" ] || return 0
	[ "$part" -gt "$share" ] ||
		fail "$1 was back after $2 s, others had $part %"
	echo "$name: $1 was back after $2 s, but others had $part %"
}

# comes_back NODE KEY VALUE FILE...: it is emptied, of these files too.
comes_back() {
	node=$1 key=$2 value=$3
	shift 3
	exits 0 "$AEGIS" cluster kill -q c "$node"
	(cd "c/$node" &&
		rm -rf log state state.sync request-number evidence "$@") ||
		fail "empty $node"
	: >"c/$node/node.log"
	read -r others all < <(work)
	exits 0 "$AEGIS" cluster up -q c
	began=$(date +%s)
	within 90 "$node is level and votes" \
		settled "$node" "$key" "$value"
	in_time "$node" $(($(date +%s) - began))
}

# fetched NODE: its state came whole.
fetched() {
	grep -q 'msg="state installed"' "c/$1/node.log" ||
		fail "$1 fetched no state"
}

trial pbft n1 n2 n3 n4
for i in 1 2 3 4 5; do
	exits 0 ask n2 put "k$i" "v$i"
done
comes_back n4 k5 v5
comes_back n4 k5 v5 keys/horizon
comes_back n1 k5 v5
fill_until_cut "$values" n1 n2 n3
exits 0 ask n2 put last large
comes_back n4 last large
fetched n4
comes_back n4 last large keys/horizon
fetched n4

# It counts: with it and without another there is a quorum.
exits 0 "$AEGIS" cluster kill -q c n3
exits 0 ask n4 put after "with n4"
exits 0 "$AEGIS" cluster down -q c

trial raft n1 n2 n3
within 20 "a leader" ask n1 put k v
comes_back n3 k v
comes_back n2 k v keys/horizon
fill_until_cut "$values" n1 n2 n3
# More than a leader keeps in memory.
for i in $(seq 300); do
	exits 0 ask n2 put last "$i"
done
comes_back n3 last 300
fetched n3
comes_back n1 last 300 keys/horizon
fetched n1
