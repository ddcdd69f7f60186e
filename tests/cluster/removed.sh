#!/bin/bash
# A removed member that nobody has told of what follows: it takes no writes,
# brings one that slept to the end, and leaves when enough have gone on without
# it, or a minute after one has.  By PBFT, and by Raft.
# Environment: AEGIS, SEAM.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cluster/lib_member.sh
. "${0%/*}/lib_member.sh"

process_n4='' process_n5='' # set by run

# It makes connections come from a host; from one that is not here, none do.
seam=${SEAM:-$top/build/release/tests/chaos/seam.so}
[ -e "$seam" ] || fail "there is no $seam: make test-programs"

# run_mute NODE: it dials nobody, and so nobody tells it what follows.
run_mute() {
	LD_PRELOAD=$seam SEAM_SOURCE=192.0.2.1 run "$1"
}

removed_at() {
	[ "$(status "$1" | jq -r .removed_at)" = "$2" ]
}

# told_by NODE: that member has shown the one which is gone what follows.
told_by() {
	grep -qF "former member turned away" "c/$1/node.log"
}

# die NODE...
die() {
	for node; do
		stop "$node" 9
	done
}

# remove GONE LATE OTHERS...: GONE is removed while LATE sleeps.
remove() {
	gone=$1 late=$2
	shift 2
	often "$gone" "$late" "$@"
	for node in "$@" "$late"; do
		run "$node"
	done
	run_mute "$gone"
	within 30 "all are well" health_is "$gone" OK
	exits 0 ask "$gone" put early kept
	stop "$late" 9
	within 30 "the others go on" ask "$gone" put missed "by one"
	signers=
	for node in "$gone" "$late" "$@"; do
		signers="$signers -d c/$node"
	done
	# shellcheck disable=SC2086 # a list
	exits 0 member "$1" rm "$gone" -y $signers
	for node in "$@"; do
		within 30 "$node is at epoch 1" epoch_is "$node" 1
	done
	exits 0 ask "$1" put later "in the next epoch"

	# It is where it was, says why, and takes nothing more.
	within 20 "$gone knows" removed_at "$gone" 1
	epoch_is "$gone" 0 || fail "$gone has gone on: $(status "$gone")"
	exits 1 "$AEGIS" node status --socket "c/$gone/aegis.sock"
	says "removed: no member from epoch 1 on, stops when enough"
	exits 6 ask "$gone" put more "than there may be"
	complains "this node is no member any more: it was removed at epoch 1"
	exits 6 ask "$gone" get early
	has "$gone" missed "by one" || fail "$gone has lost what it had"
	grep -q 'msg="removed: stops when the others go on" epoch=1' \
		"c/$gone/node.log" || fail "$gone does not log it"
}

# wake LATE: it comes to the end of the epoch, and what is beyond.
wake() {
	run "$1"
	within 40 "$1 comes to the end" epoch_is "$1" 1
	within 20 "$1 has what it slept through" has "$1" missed "by one"
	grep -q 'msg="epoch begins" epoch=1' "c/$1/node.log" ||
		fail "$1 does not log it"
}

# stays GONE LATE: a restart leaves it where it is, and so does the word of
# one, who may be lost next.
stays() {
	gone=$1 late=$2
	stop "$gone" TERM
	run "$gone"
	within 30 "$late shows $gone what follows" told_by "$late"
	within 20 "$gone knows again" removed_at "$gone" 1
}

# left GONE: it has ended, said why, and does not start again.
left() {
	eval "process=\$process_$1"
	wait "$process"
	code=$?
	[ $code = 4 ] || fail "$1 ended with $code: $(cat "c/$1/out")"
	grep -q "no member of cluster trial any more: it was removed at epoch 1" \
		"c/$1/out" || fail "$1 does not say why: $(cat "c/$1/out")"
	grep -q "removed at epoch 1" "c/$1/node.log" ||
		fail "$1 does not log why"
	exits 3 timeout 60 "$AEGIS" node run -c "c/$1/aegis.yaml"
	complains "this node is no member at epoch 1"
}

# whole NODE...: all are well, and have all that was acknowledged.
whole() {
	for node; do
		within 60 "$node is well" health_is "$node" OK
		within 20 "$node has the first" has "$node" early kept
		within 20 "$node has the second" has "$node" missed "by one"
		within 20 "$node has the third" has "$node" later \
			"in the next epoch"
	done
	exits 0 ask "$1" put last "of all"
}

# Nobody but the removed one is there to bring n4 to the end.  f + 1 of the
# others have gone on: it goes at once.
exits 0 "$AEGIS" cluster init -q --nodes 5 c
remove n5 n4 n1 n2 n3
die n1 n2 n3
wake n4
stays n5 n4
ended "$process_n5" && fail "n5 left on the word of one: $(cat c/n5/out)"
run n1
within 30 "n5 leaves" ended "$process_n5"
left n5
run n2
run n3
whole n1 n2 n3 n4
for node in n1 n2 n3 n4; do
	stop "$node" TERM
done
rm -r c

# In Raft a leader does it, or whoever has gone on.  The others are lost for
# good, as far as the removed one can know: it goes after a minute.
exits 0 "$AEGIS" cluster init -q --strategy raft --nodes 4 c
remove n4 n3 n1 n2
wake n3
die n1 n2
stays n4 n3
began=$(date +%s)
within 90 "n4 leaves" ended "$process_n4"
[ $(($(date +%s) - began)) -ge 50 ] || fail "n4 left on the word of one"
left n4
run n1
run n2
whole n1 n2 n3
