#!/bin/bash
# Members come, go and are replaced while clients write: nothing is lost, the
# one that sleeps through it catches up, and the one that was removed is out.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck disable=SC2034 # lib_trial looks for it
room=1500000
# shellcheck source=tests/cluster/lib_member.sh
. "${0%/*}/lib_member.sh"

exits 0 "$AEGIS" cluster init -q c
often n1 n2 n3 n4
exits 0 "$AEGIS" cluster up -q c
"$AEGIS" cluster down -q c
for node in n1 n2 n3 n4; do
	run "$node"
done
within 20 "all are well" health_is n1 OK

inspect() {
	"$AEGIS" consensus-inspect "$@"
}
exits 0 ask n1 put before "the first change"
exits 0 inspect cert 1 -o cbor --socket c/n1/aegis.sock
cp out first.cert

# What it will mean is told first, and nothing is done without signatures.
newcomer n5
process_n5=
exits 0 member n1 plan add c/n5/member -o next
says "n              5"
says "quorum         4"
complains "5 members tolerate no more than 4 did: 7 tolerate 2"
exits 4 member n1 apply -y next
complains "member n5 has not signed it"
exits 0 member n1 sign next -d c/n5 -d c/n1 -d c/n2
exits 4 member n1 apply -y next
complains "2 of the members approved it, and it takes 3"
exits 11 member n1 apply next </dev/null
complains "nothing was changed: say --yes"
exits 11 member n1 plan rm n2 -o no
complains "3 members would be left, which tolerate no fault"
exits 1 member n1 plan rm nobody -o no
epoch_is n1 0 || fail "something changed"

# Four become five, while clients write through three of them.
writer a n1 &
writers=$!
writer b n2 &
writers="$writers $!"
writer c n4 &
writers="$writers $!"
started="$started $writers"
exits 0 member n2 sign next -d c/n3
exits 0 member n2 apply -y next
says "epoch    1"
for node in n1 n2 n3 n4; do
	within 30 "$node is at epoch 1" epoch_is "$node" 1
done
exits 0 member n3 export -o c/n5/roster
run n5
within 30 "n5 takes part" health_is n1 OK
within 30 "n5 serves" health_is n5 OK
members_are n5 "n1 n2 n3 n4 n5" || fail "$(member n5 list)"

# Whoever read the old roster finds out that the plan is of yesterday.
exits 10 member n1 apply -y next
complains "follows another than the present one"

# Another takes the place of n3, whose machine is gone.
stop n3 9
newcomer n6
exits 0 member n1 replace n3 c/n6/member -y -d c/n6 -d c/n1 -d c/n2 \
	-d c/n4 -d c/n5
within 30 "epoch 2" epoch_is n4 2
exits 0 member n1 export -o c/n6/roster
run n6
within 30 "n6 takes part" health_is n1 OK
members_are n6 "n1 n2 n6 n4 n5" || fail "$(member n6 list)"

# n2 sleeps through the next change, wakes with an old epoch, and is told.
stop n2 9
exits 0 member n1 rm n5 -y -d c/n1 -d c/n4 -d c/n5 -d c/n6
within 30 "epoch 3" epoch_is n1 3
run n2
within 30 "n2 has heard of epoch 3" epoch_is n2 3
within 30 "all are well again" health_is n1 OK
members_are n2 "n1 n2 n6 n4" || fail "$(member n2 list)"

# n5 was told too, has stopped and says why; started again it does not serve.
within 30 "n5 stops" grep -q "no member of cluster trial any more" c/n5/out
wait "$process_n5"
[ $? -eq 4 ] || fail "n5 ended otherwise"
exits 3 timeout 60 "$AEGIS" node run -c c/n5/aegis.yaml
complains "this node is no member at epoch 3"
# One that slept through it, with the chain that leads to its membership alone,
# is shown the proof when it comes back, and nobody counts it.
cp -r c/n5 c/old
rm -rf c/old/chain c/old/log c/old/state
sed -i "s|c/n5|c/old|" c/old/aegis.yaml
: >c/old/node.log
exits 4 timeout 60 "$AEGIS" node run -c c/old/aegis.yaml
complains "no member of cluster trial any more: it was removed at epoch 3"
grep -q "removed at epoch 3" c/old/node.log ||
	fail "it does not say so in its log: $(cat c/old/node.log)"
health_is n1 OK || fail "a removed member does harm"
within 30 "who told it says so" sh -c \
	'grep -qF "former member turned away" c/n*/node.log'
exits 3 timeout 60 "$AEGIS" node run -c c/old/aegis.yaml
complains "this node is no member at epoch 3"

# All are killed when the change is in the primary's log, and half of them have
# not heard of it.  A primary that is changing views takes it no more.
four="n1 n2 n6 n4"
newcomer n7
hit=
for round in 1 2 3 4 5; do
	primary=$(inspect status -s c/n1/aegis.sock -o json | jq -r .primary)
	exits 0 member n1 plan add c/n7/member -f -o next
	exits 0 member n1 sign next -d c/n7 -d c/n1 -d c/n2 -d c/n4
	# shellcheck disable=SC2046,SC2086 # lists
	signal STOP $(printf '%s\n' $four | grep -vx "$primary" | tail -n 2)
	member "$primary" apply -y next >applied 2>&1 &
	apply=$!
	for _ in $(seq 100); do
		! proposed "$primary" n7 || break
		sleep 0.02
	done
	for node in $four; do
		stop "$node" 9
	done
	! proposed "$primary" n7 || hit=$primary
	wait "$apply" && fail "it was done by two: $(cat applied)"
	for node in $four; do
		run "$node"
	done
	within 40 "they come back in round $round" serves n1
	[ -z "$hit" ] || break
done
[ -n "$hit" ] || fail "no primary had the change in its log: $(cat applied)"
# It may come true by that log.
comes_true() {
	epoch_is n1 4 || member n1 apply -y next
}
within 60 "n1 is at epoch 4" comes_true
for node in n2 n4 n6; do
	within 20 "$node is there too" epoch_is "$node" 4
done
exits 0 member n2 export -o c/n7/roster
run n7
within 40 "n7 takes part" health_is n2 OK

# And when the first is in the next epoch, and one has heard nothing of it.
exits 0 member n1 plan rm n6 -o next -f
exits 0 member n1 sign next -d c/n1 -d c/n2 -d c/n4 -d c/n7
signal STOP n4
member n1 apply -y next >applied 2>&1 &
apply=$!
within 40 "n1 is at epoch 5" epoch_is n1 5
for node in $four n7; do
	stop "$node" 9
done
for node in n1 n2 n4 n7; do
	run "$node"
done
wait "$apply"
for node in n1 n2 n4 n7; do
	within 40 "$node is at epoch 5" epoch_is "$node" 5
done
within 40 "all are well in the end" health_is n1 OK
members_are n4 "n1 n2 n4 n7" || fail "$(member n4 list)"
within 60 "a checkpoint of epoch 5" inspect cert 1 --checkpoint -o cbor \
	--socket c/n4/aegis.sock
cp out last.cert

touch stop
# shellcheck disable=SC2086 # a list
wait $writers
[ "$(cat -- *.done | wc -l)" -gt 10 ] || fail "hardly anything was written"
nothing_lost n7
nothing_lost n4

# What is signed in any epoch is proved by the chain, and by nothing less.
exits 0 member n4 export -o chain
exits 0 inspect verify first.cert last.cert --roster chain
exits 0 inspect verify first.cert --roster c/roster
exits 8 inspect verify last.cert --roster c/roster
complains "it is of another epoch: 5, and the roster's is 0"
stop n4 TERM
exits 0 inspect verify --data c/n4
