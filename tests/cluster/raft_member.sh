#!/bin/bash
# Members of a Raft cluster come, go and are replaced while clients write and
# leaders are killed: three, four and three again.  Nothing is lost, the one
# that sleeps through it catches up, and the one that was removed is out.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck disable=SC2034 # lib_trial looks for it
room=1500000
# shellcheck source=tests/cluster/lib_member.sh
. "${0%/*}/lib_member.sh"

# leads NODE...: they follow one of them; it is in $leader.
leads() {
	leader=$(for of in "$@"; do
		"$AEGIS" consensus-inspect status -s "c/$of/aegis.sock" -o json |
			jq -r .primary
	done | sort -u)
	case " $* " in *" $leader "*) return 0 ;; esac
	return 1
}

# others_than NODE NODE...: all but the first, which is one of them.
others_than() {
	printf '%s\n' "${@:2}" | grep -vx "$1"
}

exits 0 "$AEGIS" cluster init -q --strategy raft --nodes 3 c
often n1 n2 n3
exits 0 "$AEGIS" cluster up -q c
"$AEGIS" cluster down -q c
for node in n1 n2 n3; do
	run "$node"
done
within 20 "all are well" health_is n1 OK
writer a n1 &
writers=$!
writer b n2 &
writers="$writers $!"
started="$started $writers"

# Three become four.
newcomer n4
exits 0 member n1 plan add c/n4/member -o next
says "n              4"
says "quorum         3"
exits 0 member n1 sign next -d c/n4 -d c/n1
exits 4 member n1 apply -y next
complains "1 of the members approved it, and it takes 2"

# Another in the place of one of three: two of them would have signed, one goes
# and one may be lost.
exits 11 member n1 plan replace n3 c/n4/member -o no
complains "add n4, and then remove n3"

# The leader is killed when the change is in its log and nobody else's.  One that
# was not heard for too long leads no more, and takes it no more.
hit=
for round in 1 2 3 4 5; do
	within 30 "one leads in round $round" leads n1 n2 n3
	mapfile -t others < <(others_than "$leader" n1 n2 n3)
	exits 0 member "$leader" plan add c/n4/member -f -o next
	exits 0 member "$leader" sign next -d c/n4 -d c/n1 -d c/n2
	signal STOP "${others[@]}"
	member "$leader" apply -y next >applied 2>&1 &
	apply=$!
	for _ in $(seq 100); do
		! proposed "$leader" n4 || break
		sleep 0.02
	done
	stop "$leader" 9
	! proposed "$leader" n4 || hit=$leader
	signal CONT "${others[@]}"
	wait "$apply" && fail "it was done by one: $(cat applied)"
	run "$leader"
	within 40 "they come back in round $round" serves "$leader"
	[ -z "$hit" ] || break
done
[ -n "$hit" ] || fail "no leader had the change in its log: $(cat applied)"
# It may come true by that log, or by what was sent of it.
comes_true() {
	epoch_is n1 1 || member n1 apply -y next
}
within 60 "n1 is at epoch 1" comes_true
for node in n1 n2 n3; do
	within 30 "$node is at epoch 1" epoch_is "$node" 1
done
exits 0 member n3 export -o c/n4/roster
run n4
within 40 "n4 takes part" health_is n1 OK
within 20 "n4 serves" health_is n4 OK
members_are n4 "n1 n2 n3 n4" || fail "$(member n4 list)"

# Another takes the place of n3, whose machine is gone.
stop n3 9
newcomer n5
exits 0 member n1 replace n3 c/n5/member -y -d c/n5 -d c/n1 -d c/n2 -d c/n4
within 20 "epoch 2" epoch_is n4 2
exits 0 member n1 export -o c/n5/roster
run n5
within 40 "n5 takes part" health_is n1 OK
members_are n5 "n1 n2 n5 n4" || fail "$(member n5 list)"

# n2 sleeps through the next change, wakes with an old epoch, and is told.
stop n2 9
within 30 "one leads without n2" leads n1 n4 n5
exits 0 member n1 rm n4 -y -d c/n1 -d c/n4 -d c/n5
within 20 "epoch 3" epoch_is n1 3
run n2
within 40 "n2 has heard of epoch 3" epoch_is n2 3
within 40 "all are well again" health_is n1 OK
members_are n2 "n1 n2 n5" || fail "$(member n2 list)"
within 20 "n4 stops" grep -q "no member of cluster trial any more" c/n4/out

# Three of them bear the loss of any one: the leader.
within 30 "one leads" leads n1 n2 n5
stop "$leader" 9
run "$leader"
within 40 "all are well" health_is n2 OK
exits 11 member n1 plan rm n5 -o no
complains "2 members would be left, which tolerate no fault"

# The leader is killed when the first is in the next epoch, and one has heard
# nothing of it.
newcomer n6
within 30 "one leads all" leads n1 n2 n5
mapfile -t others < <(others_than "$leader" n1 n2 n5)
exits 0 member "${others[0]}" plan add c/n6/member -f -o next
exits 0 member "${others[0]}" sign next -d c/n6 -d c/n1 -d c/n2 -d c/n5
signal STOP "${others[1]}"
member "${others[0]}" apply -y next >applied 2>&1 &
apply=$!
within 40 "one is at epoch 4" epoch_is "${others[0]}" 4
stop "$leader" 9
signal CONT "${others[1]}"
run "$leader"
wait "$apply" || fail "the change is not in force: $(cat applied)"
for node in n1 n2 n5; do
	within 30 "$node is at epoch 4" epoch_is "$node" 4
done

# What a majority of each epoch signed is proved by the chain.
exits 0 member n5 export -o chain
within 60 "a checkpoint of epoch 4" "$AEGIS" consensus-inspect cert 1 \
	--checkpoint -o cbor --socket c/n5/aegis.sock
cp out last.cert
exits 0 "$AEGIS" consensus-inspect verify last.cert --roster chain
exits 8 "$AEGIS" consensus-inspect verify last.cert --roster c/roster
complains "it is of another epoch: 4, and the roster's is 0"

touch stop
# shellcheck disable=SC2086 # a list
wait $writers
[ "$(cat -- *.done | wc -l)" -gt 10 ] || fail "hardly anything was written"
nothing_lost n5
nothing_lost n2
