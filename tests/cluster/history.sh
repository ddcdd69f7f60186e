#!/bin/bash
# What was: keys at earlier sequences, their versions, and watches that go on
# over a restart and begin long ago, while writes go on; a member whose state
# came from others, and one that keeps little, say how far back they know.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck disable=SC2034 # lib_trial looks for it
room=1500000
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

exits 0 "$AEGIS" cluster init -q c
hurry n1 n2 n3 n4
exits 0 "$AEGIS" cluster up c

# seq_of: of the write whose answer is in out.
seq_of() {
	jq -r '.results[0].seq' out
}

# oldest NODE: the oldest sequence it can be asked for.
oldest() {
	curl -sS --unix-socket "c/$1/aegis.sock" http://aegis/v1/status |
		jq -r .history_oldest
}

# executed NODE SEQ: it is as far.
# shellcheck disable=SC2317,SC2329 # called by within
executed() {
	[ "$(curl -sS --unix-socket "c/$1/aegis.sock" \
		http://aegis/v1/status | jq -r .executed)" -ge "$2" ]
}

# Overwritten again and again, removed, and made anew.
seqs=
for i in $(seq 12); do
	exits 0 ask n1 put past/k "v$i" -o json
	seqs="$seqs $(seq_of)"
done
exits 0 ask n2 del past/k -o json
gone_at=$(seq_of)
exits 0 ask n3 put past/k again -o json
last=$(seq_of)
exits 0 ask n3 put past/other new -o json
after=$(seq_of)
for node in n1 n2 n3 n4; do
	within 30 "$node has executed it" executed "$node" "$after"
	i=0
	for seq in $seqs; do
		i=$((i + 1))
		exits 0 ask "$node" get past/k --at "$seq"
		[ "$(cat out)" = "v$i" ] ||
			fail "$node: past/k at $seq is $(cat out), not v$i"
	done
	exits 1 ask "$node" get past/k --at "$gone_at"
	exits 0 ask "$node" get past/k --at "$last"
	exits 0 ask "$node" list past/ --at "$last" -k -o value
	[ "$(cat out)" = past/k ] || fail "list --at: $(cat out)"
	exits 0 ask "$node" history past/k -o jsonl
	[ "$(wc -l <out)" = 13 ] || fail "$node: history: $(cat out)"
	[ "$(sed -n 12p out | jq -c '[.version, .ended, .deleted]')" = \
		"[\"12\",\"$gone_at\",true]" ] ||
		fail "$node: the version that was removed: $(sed -n 12p out)"
	exits 0 ask "$node" history past/k -r -n 1 -o value
	[ "$(cat out)" = again ] || fail "$node: the newest: $(cat out)"
done
exits 5 ask n1 get past/k --at $((after + 100000))
complains "not executed here yet"
curl -sS --unix-socket c/n1/aegis.sock http://aegis/metrics >metrics
grep -q '^aegis_store_history_oldest_seq 0$' metrics ||
	fail "no metric of the oldest sequence"

# Watches while writes go on: one over a restart of its node, and one that
# begins long ago behind it.  Each number is shown once, and in order.
: >go
( count=0
while [ -e go ]; do
	count=$((count + 1))
	ask n1 put w/live "$count" -q 2>live.err || {
		cat live.err >lost
		break
	}
	echo "$count" >written
done ) &
writer=$!
started="$started $writer"

# written_past COUNT
# shellcheck disable=SC2317,SC2329 # called by within
written_past() {
	[ ! -e lost ] || fail "a write was lost: $(cat lost)"
	[ "$(cat written)" -gt "$1" ]
}

# follow NODE FILE SEQ: its changes, in the background.
follow() {
	"$AEGIS" kv --socket "$dir/c/$1/aegis.sock" watch w/ --from "$3" \
		-o jsonl >"$2" 2>>watch.err &
	started="$started $!"
}

# complete FILE: all numbers up to the last one, each once and in order.
# shellcheck disable=SC2317,SC2329 # called by within
complete() {
	jq -r .value "$1" >shown
	seq "$(cat written)" >wanted
	cmp -s shown wanted
}

follow n2 first "$after"
within 30 "writes go on" written_past 50
exits 0 "$AEGIS" cluster down c n2
within 30 "writes go on without n2" written_past $(($(cat written) + 50))
exits 0 "$AEGIS" cluster up c
within 30 "writes go on with n2" written_past $(($(cat written) + 50))
follow n2 second "$after"
follow n3 third "$after"
within 30 "writes go on, watched" written_past $(($(cat written) + 50))
exits 0 "$AEGIS" cluster kill c n2
exits 0 "$AEGIS" cluster up c
within 30 "writes go on, after a kill" written_past $(($(cat written) + 50))
rm go
wait "$writer"
for file in first second third; do
	within 60 "$file has all changes once" complete "$file"
done

# From others comes a state without a past: n4 begins anew, and says so.
exits 0 "$AEGIS" cluster kill c n4
(cd c/n4 && rm -rf log state state.sync request-number evidence) ||
	fail "empty n4"
head -c 1000000 /dev/urandom >value
# shellcheck disable=SC2317,SC2329 # called by within
cut() {
	exits 0 ask n1 put "large$((large = large + 1))" --file value
	is_cut n1 n2 n3
}
large=0
within 90 "the others have cut their logs" cut
exits 0 "$AEGIS" cluster up c
within 120 "n4 has installed a state" \
	grep -qF 'msg="state installed"' c/n4/node.log
exits 0 ask n1 put past/k newest -o json
last=$(seq_of)
within 60 "n4 follows" executed n4 "$last"
begins=$(oldest n4)
[ "$begins" -gt "$after" ] || fail "n4 claims to know $begins"
exits 11 ask n4 get past/k --at "$after"
complains "is before $begins, the oldest that this node can answer for"
exits 0 ask n4 get past/k --at "$last"
[ "$(cat out)" = newest ] || fail "n4: past/k at $last is $(cat out)"
exits 1 ask n4 watch past/ --from "$after"
complains "changes before $((begins + 1)) are no longer kept"
exits 0 ask n1 get past/k --at "$after"
[ "$(cat out)" = again ] || fail "n1: past/k at $after is $(cat out)"

# Little is kept where little may be.
exits 0 "$AEGIS" cluster down c n3
sed -i 's/^  log_retain: 1MiB/&\n  history_bytes: 1000B/' c/n3/aegis.yaml
exits 0 "$AEGIS" cluster up c
# shellcheck disable=SC2317,SC2329 # called by within
knows_little() {
	ask n1 put past/k more -q
	[ "$(oldest n3)" -gt "$after" ]
}
within 60 "n3 drops what is too much" knows_little
exits 11 ask n3 get past/k --at "$after"
complains "the oldest that this node can answer for"
exit 0
