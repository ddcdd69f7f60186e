#!/bin/bash
# Members are upgraded one after another while clients write, and one is taken
# back: nothing is lost, and each says who runs what.  One that speaks another
# protocol is told so, and does no harm.
# Environment: AEGIS, NEXT, LATER.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck disable=SC2034 # lib_trial looks for it
room=1000000
# shellcheck source=tests/cluster/lib_member.sh
. "${0%/*}/lib_member.sh"

NEXT=${NEXT:-$top/build/release/next/aegis}
LATER=${LATER:-$top/build/release/later/aegis}
for program in "$NEXT" "$LATER"; do
	[ -x "$program" ] || fail "there is no $program: make next"
done

version_of() {
	"$1" --version | cut -d ' ' -f 2
}
now=$(version_of "$AEGIS")
next=$(version_of "$NEXT")
[ "$now" != "$next" ] || fail "both programs are of version $now"

# run_as PROGRAM NODE
run_as() {
	AEGIS=$1 run "$2"
}

# versions_are NODE NAME=VERSION...: as that node tells them.
versions_are() {
	said=$(status "$1" | jq -r '[.members[] | .name + "=" + .version] |
		join(" ")')
	shift
	[ "$said" = "$*" ]
}

# change NODE PROGRAM: in a cluster that goes on.
change() {
	stop "$1" TERM
	# shellcheck disable=SC2154 # stop sets it
	run_as "$2" "$1"
	within 40 "$1 is back, and all are well" health_is "$1" OK
}

exits 0 "$AEGIS" cluster init -q c
often n1 n2 n3 n4
for node in n1 n2 n3 n4; do
	run_as "$AEGIS" "$node"
done
within 30 "all are well" health_is n1 OK
within 20 "all are of one version" versions_are n1 \
	"n1=$now" "n2=$now" "n3=$now" "n4=$now"
exits 0 "$AEGIS" node status --socket c/n1/aegis.sock
grep -q runs out && fail "n1 tells of versions: $(cat out)"

writer a n1 &
writers=$!
writer b n3 &
writers="$writers $!"
started="$started $writers"

# The primary among them; also the newest reads what the oldest wrote.
change n2 "$NEXT"
within 20 "n1 knows" versions_are n1 "n1=$now" "n2=$next" "n3=$now" "n4=$now"
exits 0 "$AEGIS" node status --socket c/n1/aegis.sock
says "n2 runs $next; this node $now"
exits 0 "$AEGIS" node status --socket c/n2/aegis.sock -o wide
says "n1 runs $now, n3 runs $now, n4 runs $now; this node $next"
grep -q "^n3 .* $now" out || fail "no column of versions: $(cat out)"
exits 0 "$AEGIS" consensus-inspect status -s c/n2/aegis.sock -o json
says "\"version\":\"$next\""
change n1 "$NEXT"
change n3 "$NEXT"
change n4 "$NEXT"
for node in n1 n2 n3 n4; do
	within 20 "$node has all of the next version" versions_are "$node" \
		"n1=$next" "n2=$next" "n3=$next" "n4=$next"
done
exits 0 "$AEGIS" node status --socket c/n4/aegis.sock
grep -q runs out && fail "n4 tells of versions: $(cat out)"

# And back, by what the other left on the disk.
change n3 "$AEGIS"
within 20 "n4 knows" versions_are n4 \
	"n1=$next" "n2=$next" "n3=$now" "n4=$next"

touch stop
# shellcheck disable=SC2086 # a list
wait $writers
[ "$(cat -- *.done | wc -l)" -gt 20 ] || fail "hardly anything was written"
# But for those that found nobody at the node that was being changed.
cat -- *.err | grep -v 'no such socket; is the node running' >complaints
[ ! -s complaints ] || fail "writes failed meanwhile: $(cat complaints)"
nothing_lost n1
nothing_lost n3

# Of another protocol it has no links, whoever dials: both ends name both
# versions, and who is to be upgraded.  The others go on without it.
stop n4 TERM
run_as "$LATER" n4
# says_why NODE LINE: in its log, and of n4 in its status.
logs() {
	grep -qF "$2" "c/$1/node.log"
}
for node in n1 n2 n3; do
	within 30 "$node says why n4 has no link" logs "$node" \
		"n4 speaks protocol 2 to 2, we speak 1 to 1; upgrade $node"
	within 30 "n4 says why $node has none" logs n4 \
		"$node speaks protocol 1 to 1, we speak 2 to 2; upgrade $node"
	within 30 "n4 was told by $node" logs n4 \
		"$node refused: n4 speaks protocol 2 to 2, we speak 1 to 1"
done
why() {
	status "$1" | jq -r --arg name "$2" \
		'.members[] | select(.name == $name) | .error' | grep -q protocol
}
within 20 "n1's status says why" why n1 n4
within 20 "n4's status says why" why n4 n1
health_is n1 DEGRADED || fail "n1 is $(status n1 | jq -r .health)"
exits 0 ask n1 put without n4
within 20 "n4 is alone" health_is n4 NO_QUORUM
exits 6 ask n4 put without others

# It was not harmed by that.
stop n4 TERM
run_as "$NEXT" n4
within 40 "n4 is back" health_is n4 OK
within 20 "n4 has what it missed" has n4 without n4
nothing_lost n4
