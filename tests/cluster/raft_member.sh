#!/bin/bash
# Members of a Raft cluster come, go and are replaced while clients write and
# leaders are killed: three, four and three again.  Nothing is lost, the one
# that sleeps through it catches up, and the one that was removed is out.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# What takes part here is bytes, not how fast a disk syncs them.
memory=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)
[ "${memory:-0}" -lt 1500000 ] || export TMPDIR=/dev/shm
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

# often NODE: it takes checkpoints often.
often() {
	printf 'consensus:\n  checkpoint_interval: 16\n' >>"c/$1/aegis.yaml"
}

exits 0 "$AEGIS" cluster init -q --strategy raft --nodes 3 c
often n1
often n2
often n3
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

# Three become four.  The leader is killed in the middle of the change, again
# and again until one gets through.
newcomer n4
often n4
exits 0 member n1 plan add c/n4/member -o next
says "n              4"
says "quorum         3"
exits 0 member n1 sign next -d c/n4 -d c/n1
exits 4 member n1 apply -y next
complains "1 of the members approved it, and it takes 2"
for round in 1 2 3 4 5 6 7 8; do
	within 30 "one leads in round $round" leads n1 n2 n3
	asks=n1
	[ "$leader" != n1 ] || asks=n2
	exits 0 member "$asks" plan add c/n4/member -f -o next
	exits 0 member "$asks" sign next -d c/n4 -d c/n1 -d c/n2
	member "$asks" apply -y next >applied 2>&1 &
	apply=$!
	sleep "0.$round"
	stop "$leader" 9
	wait "$apply"
	run "$leader"
	within 40 "they come back in round $round" serves "$asks"
	[ "$(status "$asks" | jq -r .epoch)" != 1 ] || break
done
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
often n5
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

# What a majority of each epoch signed is proved by the chain.
exits 0 member n5 export -o chain
within 60 "a checkpoint of epoch 3" "$AEGIS" consensus-inspect cert 1 \
	--checkpoint -o cbor --socket c/n5/aegis.sock
cp out last.cert
exits 0 "$AEGIS" consensus-inspect verify last.cert --roster chain
exits 8 "$AEGIS" consensus-inspect verify last.cert --roster c/roster
complains "it is of another epoch: 3, and the roster's is 0"

touch stop
# shellcheck disable=SC2086 # a list
wait $writers
[ "$(cat -- *.done | wc -l)" -gt 10 ] || fail "hardly anything was written"
nothing_lost n5
nothing_lost n2
