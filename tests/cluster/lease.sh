#!/bin/bash
# Leases and locks of a real cluster: what expires while nobody does anything,
# a lock handed on in the order of asking, holders and nodes that are killed,
# stopped, or cut off.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

# absent NODE KEY: the node itself does not have it.
absent() {
	ask "$1" get "$2" --consistency local >/dev/null 2>&1
	[ $? = 1 ]
}

# batches: how many all nodes asked for so that leases expire.
batches() {
	for node in n1 n2 n3 n4; do
		curl -sf --unix-socket "c/$node/aegis.sock" http://n/metrics ||
			fail "no metrics of $node"
	done | awk '/^aegis_lease_batches_total / { sum += $2 }
		END { print sum + 0 }'
}

# digests: what nodes have executed, each as it says.
same_state() {
	for node in n1 n2 n3 n4; do
		curl -sf --unix-socket "c/$node/aegis.sock" \
			http://n/v1/consensus/state | jq -c '[.seq, .digest]'
	done >digests
	[ "$(sort -u digests | wc -l)" = 1 ]
}

exits 0 "$AEGIS" cluster init -q c
exits 0 "$AEGIS" cluster up -q c

# Nobody asks for anything while a lease expires: one batch is enough, and a
# watch sees that its keys are deleted.
id=$(ask n1 lease grant 2s -o value) || fail "grant"
from=$(ask n2 put idle/a v --lease "$id" -o value) || fail "put --lease"
exits 0 ask n3 put -q idle/b v --lease "$id"
exits 0 ask n4 put -q idle/c v
mkfifo changes
"$AEGIS" kv --socket c/n3/aegis.sock watch idle/ --from "$from" -o jsonl \
	>changes &
watcher=$!
started="$started $watcher"
exec 3<changes
for want in 'put idle/a' 'put idle/b' 'put idle/c' 'delete idle/a' \
	'delete idle/b'; do
	read -rt 30 change <&3 || fail "no change that is a $want"
	[ "$(jq -r '"\(.event) \(.key)"' <<<"$change")" = "$want" ] ||
		fail "not $want: $change"
done
exec 3<&-
kill "$watcher"
wait "$watcher" 2>/dev/null
within 10 "all have let it expire" same_state
for node in n1 n2 n3 n4; do
	absent "$node" idle/a || fail "$node still has idle/a"
	has "$node" idle/c v || fail "$node has no idle/c"
done
[ "$(batches)" -le 2 ] || fail "$(batches) batches for one lease"

# Many at one moment, over a restart of all in between.
for i in $(seq 70); do
	id=$(ask n1 lease grant 8s -o value) || fail "grant"
	exits 0 ask n1 put -q "many/$i" v --lease "$id"
done
exits 0 "$AEGIS" cluster kill -q c
exits 0 "$AEGIS" cluster up -q c
none_many() {
	[ -z "$(ask n2 list many/ -k -o value --consistency local)" ]
}
within 40 "seventy leases expire" none_many
within 10 "all have let them expire" same_state
[ -z "$(ask n1 lease list -o value)" ] || fail "leases are left"

# hold NODE WORD OPTION...: what has the lock says so with its token, and ends
# when told.
hold() {
	# shellcheck disable=SC2016 # for the command
	exec "$AEGIS" kv --socket "$dir/c/$1/aegis.sock" lock "${@:3}" job -- \
		sh -c 'trap "echo told $1 >>log; exit 0" TERM
			echo "had $1 $AEGIS_LOCK_REVISION" >>log
			until [ -e "end.$1" ]; do sleep 0.1; done
			echo "done $1" >>log' sh "$2"
}

# queued COUNT: so many have the lock or wait for it.
queued() {
	[ "$(ask n1 list lock/job/ -k -o value | wc -l)" = "$1" ]
}

logged() {
	grep -q "^$*" log
}

# Three wait, each at another node, and have it in the order of their coming.
: >log
(hold n1 first) &
first=$!
within 20 "the first has the lock" logged had first
waiters=
for place in 2 3 4; do
	(hold "n$place" "w$place") &
	waiters="$waiters $!"
	within 20 "one more waits" queued "$place"
done
started="$started $first$waiters"
for who in first w2 w3 w4; do
	within 20 "$who has the lock" logged had "$who"
	: >"end.$who"
done
for process in $first $waiters; do
	wait "$process" || fail "a holder failed"
done
[ "$(awk '{ print $1, $2 }' log | paste -sd ' ')" = \
	"had first done first had w2 done w2 had w3 done w3 had w4 done w4" ] ||
	fail "the lock was not handed on in order: $(cat log)"
awk '/^had/ { if ($3 <= last) exit 1; last = $3 }' log ||
	fail "tokens do not rise: $(cat log)"
within 10 "nobody waits any more" queued 0

# A crowd at all nodes at once: none of them is in when another is.
echo 0 >counter
crowd=
for i in $(seq 40); do
	# shellcheck disable=SC2016 # for the command
	"$AEGIS" kv --socket "c/n$((i % 4 + 1))/aegis.sock" lock crowd -- sh -c \
		'read -r count <counter; sleep 0.02; echo $((count + 1)) >counter
		echo "$AEGIS_LOCK_REVISION" >>tokens' &
	crowd="$crowd $!"
	started="$started $!"
done
for process in $crowd; do
	wait "$process" || fail "one of the crowd failed"
done
[ "$(cat counter)" = 40 ] || fail "two had the lock at once: $(cat counter)"
sort -cnu tokens || fail "tokens do not rise"

# takes_over WHO: it has the lock, and the one before has nothing to say then.
takes_over() {
	within 30 "$1 has the lock" logged had "$1"
	: >"end.$1"
	wait "$2" || fail "$1 failed"
	within 10 "nobody waits any more" queued 0
}

# The holder is killed: it is free when its time is over, and its command has
# gone with it.
: >log
(hold n1 killed --ttl 3s) &
holder=$!
within 20 "the holder has the lock" logged had killed
(hold n2 heir) &
heir=$!
started="$started $holder $heir"
within 20 "an heir waits" queued 2
kill -9 "$holder"
wait "$holder" 2>/dev/null
takes_over heir "$heir"

# Its node is killed: it says that the lock is lost, and its command has ended
# before another has the lock.
: >log
(hold n4 alone --ttl 4s 2>err.alone) &
holder=$!
within 20 "the holder has the lock" logged had alone
(hold n2 heir2) &
heir=$!
started="$started $holder $heir"
within 20 "an heir waits" queued 2
exits 0 "$AEGIS" cluster kill -q c n4
wait "$holder"
[ $? = 10 ] || fail "a holder without a node does not exit 10"
grep -q 'the lock job is lost: the lease was not kept alive in time' \
	err.alone || fail "it does not say why: $(cat err.alone)"
takes_over heir2 "$heir"
[ "$(sed -n 2p log)" = "told alone" ] || fail "two had the lock: $(cat log)"
exits 0 "$AEGIS" cluster up -q c

# Its node is cut off: it takes what it is asked, and comes to nothing.
: >log
(hold n4 cut --ttl 4s 2>err.cut) &
holder=$!
within 20 "the holder has the lock" logged had cut
(hold n2 heir3) &
heir=$!
started="$started $holder $heir"
within 20 "an heir waits" queued 2
kill -STOP "$(cat c/n4/pid)"
wait "$holder"
[ $? = 10 ] || fail "a holder that is cut off does not exit 10"
takes_over heir3 "$heir"
[ "$(sed -n 2p log)" = "told cut" ] || fail "two had the lock: $(cat log)"
kill -CONT "$(cat c/n4/pid)"

# The holder itself stands still: it learns of it late, but its token is less.
: >log
(hold n1 still --ttl 2s 2>err.still) &
holder=$!
within 20 "the holder has the lock" logged had still
(hold n2 heir4) &
heir=$!
started="$started $holder $heir"
within 20 "an heir waits" queued 2
kill -STOP "$holder"
within 30 "the heir has the lock" logged had heir4
kill -CONT "$holder"
wait "$holder"
[ $? = 10 ] || fail "a holder that stood still does not exit 10"
: >end.heir4
wait "$heir" || fail "the heir failed"
awk '/^had/ { if ($3 <= last) exit 1; last = $3 }' log ||
	fail "tokens do not rise: $(cat log)"
within 20 "all have the same" same_state
