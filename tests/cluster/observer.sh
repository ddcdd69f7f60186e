#!/bin/bash
# Observers follow without a vote: one comes late and empty and fetches the
# state, serves its clients, dies and lies without harm, is no quorum's last
# member, and votes once it is promoted.
# Environment: AEGIS, LIAR.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck disable=SC2034 # lib_trial looks for it
room=700000
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"
find_liar

keys=10000

status() {
	"$AEGIS" node status --socket "$dir/c/$1/aegis.sock" -o json
}
# shows NODE FILTER: its status is so.
shows() {
	status "$1" | jq -e "$2" >/dev/null
}
member() {
	node=$1
	shift
	"$AEGIS" member "$@" --socket "$dir/c/$node/aegis.sock"
}
metric() {
	curl -s --unix-socket "c/$1/aegis.sock" http://node/metrics |
		awk -v name="$2" '$1 == name { print $2 }'
}

exits 0 "$AEGIS" cluster init --observers 1 c
says "4 nodes, tolerates 1 faulty"
says "1 observer, counted in none of that"
hurry n1 n2 n3 n4 o1

# The observer is not there yet, and nobody misses it.
mv c/o1/keys keys.o1
exits 3 "$AEGIS" cluster up c
mv keys.o1 c/o1/keys
within 20 "all members are well" shows n1 '.health == "OK" and .margin == 1'
shows n1 '.n == 4 and .f == 1 and .quorum == 3 and .observers == 1' ||
	fail "$(status n1)"
fill() {
	python3 - "$1" "$2" <<'PYTHON'
import json, sys
first, count = int(sys.argv[1]), int(sys.argv[2])
for at in range(first, first + count, 50):
    print(json.dumps({"then": [
        {"put": f"key{i:05d}", "value": f"value {i} " * 20}
        for i in range(at, min(at + 50, first + count))]}))
PYTHON
}
fill 0 "$keys" >batches
while read -r batch; do
	printf '%s' "$batch" | ask n1 txn - -q 2>answer ||
		fail "fill: $(cat answer)"
done <batches
# And so much else that the logs begin behind all that.
fill_until_cut 1 n1 n2 n3 n4
keys=$((keys + i))
shows n1 ".keys == \"$keys\"" || fail "$(status n1)"

# Empty, it fetches a state that the logs do not lead to any more.
exits 0 "$AEGIS" cluster up c
within 60 "o1 has the state" shows o1 ".keys == \"$keys\""
grep -qF 'msg="state installed"' c/o1/node.log ||
	fail "o1 did without a state: $(cat c/o1/node.log)"
within 30 "o1 is well" shows o1 '.health == "OK" and .margin == 1'
shows n1 '.members[4] | .name == "o1" and .role == "OBSERVER"' ||
	fail "$(status n1)"
[ "$(metric o1 aegis_observing)" = 1 ] || fail "o1 does not say it observes"
[ "$(metric n1 aegis_observing)" = 0 ] || fail "n1 says it observes"
exits 0 member o1 list
says "n 4  f 1  quorum 3  observers 1"
says "OBSERVER"

# Its clients read and write through it.
exits 0 ask n2 put after "the state"
within 30 "o1 follows" has o1 after "the state"
exits 0 ask o1 put through o1
[ "$(ask n3 get through -o value)" = o1 ] || fail "what o1 wrote is not there"
exits 0 ask n4 put newest 1
[ "$(ask o1 get newest -o value)" = 1 ] || fail "o1 read an old state"
status n1 | jq -r .stable_digest >digest
[ -s digest ] || fail "no digest"

# What it serves is proved: a certificate from it, with the roster alone.
within 30 "o1 has a stable checkpoint" shows o1 '.stable != "0"'
exits 0 "$AEGIS" consensus-inspect cert 1 --checkpoint -o cbor \
	--socket c/o1/aegis.sock
cp out checkpoint.cert
exits 0 "$AEGIS" consensus-inspect verify checkpoint.cert --roster c/roster
exits 0 "$AEGIS" keygen -q -T backup -o backup.key
exits 0 "$AEGIS" backup create -R repo -r backup.key.pub --roster c/roster \
	--socket c/o1/aegis.sock -t 30s
exits 0 "$AEGIS" backup verify -R repo -i backup.key --roster c/roster latest

# Killed, it is missed by nobody; back again, it lacks nothing.
exits 0 "$AEGIS" cluster kill c o1
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	exits 0 ask n1 put "without$i" "$i"
done
within 30 "n1 knows that o1 is gone" shows n1 '.members[4].state == "SILENT"'
within 30 "an observer is not counted" shows n1 \
	'.health == "OK" and .margin == 1 and .missing == 0'
curl -s --unix-socket c/n1/aegis.sock http://node/v1/alerts >alerts
jq -e '[.alerts[] | select(.node == "o1" or (.text | contains("o1")))] == []' \
	alerts >/dev/null || fail "an observer's end is an alert: $(cat alerts)"
exits 0 "$AEGIS" cluster up c
within 20 "o1 is back" has o1 without12 12

# A rogue with its keys votes, proposes and shouts, and nothing comes of it.
exits 0 "$AEGIS" cluster kill c o1
coproc rogue { exec "$liar" c/o1 c/roster 2>rogue.err; }
# shellcheck disable=SC2154 # coproc sets it
started="$started $rogue_PID"
read -r -t 40 word <&"${rogue[0]}" || fail "no rogue: $(cat rogue.err)"
next=$(($(status n1 | jq -r .executed) + 1))
for line in "lie prepare 0 $next" "lie commit 0 $next" \
	"lie checkpoint 0 $next" "storm 200"; do
	echo "$line" >&"${rogue[1]}"
	read -r -t 10 word <&"${rogue[0]}" || fail "rogue: $(cat rogue.err)"
	[ "$word" = said ] || fail "rogue: $word"
done
for i in 1 2 3 4 5; do
	exits 0 ask "n$((i % 4 + 1))" put "among$i" "$i"
done
within 30 "what the rogue sends is refused" \
	grep -qF 'msg="an observer sends what only members may send"' \
	c/n1/node.log
many_refused() {
	[ "$(metric n1 'aegis_observer_refused_total{peer="o1"}')" -gt 100 ]
}
within 30 "more than a little is refused" many_refused
within 30 "all is well" shows n1 '.health == "OK"'
exits 0 "$AEGIS" consensus-inspect views --socket c/n1/aegis.sock -o json
jq -e '[.views[] | select(.askers | index("o1"))] == []' out >/dev/null ||
	fail "an observer asked for a view: $(cat out)"
exits 0 "$AEGIS" consensus-inspect evidence --socket c/n1/aegis.sock
grep -q o1 out && fail "an observer's votes are evidence: $(cat out)"
exits 0 "$AEGIS" consensus-inspect rounds --socket c/n1/aegis.sock -o json
grep -q '"o1"' out && fail "an observer's vote counts: $(cat out)"
kill "$rogue_PID"
wait "$rogue_PID" 2>/dev/null
exits 0 "$AEGIS" cluster up c
within 20 "o1 is itself again" has o1 among5 5

# With f + 1 members gone nothing is written, though the observer lives.
exits 0 "$AEGIS" cluster kill c n3 n4
within 20 "n1 has no quorum" shows n1 '.health == "NO_QUORUM"'
exits 6 ask n1 put never 1 -t 5s
within 20 "o1 knows" shows o1 '.health == "NO_QUORUM"'
exits 6 ask o1 put never 1 -t 5s
has o1 among5 5 || fail "o1 does not serve what it has"
exits 0 "$AEGIS" cluster up c
within 20 "all are well again" shows n1 '.health == "OK"'
exits 1 ask n1 get never

# Promoted it votes: with it three of five may not fail, but one may.
exits 11 member n1 promote o1 -d c/n1 -d c/n2 -d c/n3 </dev/null
complains "o1 votes from then on"
exits 4 member n1 promote o1 -y -d c/n1 -d c/n2 -d c/n3
complains "o1 has not signed it"
exits 0 member n1 promote o1 -y -d c/n1 -d c/n2 -d c/n3 -d c/o1
for node in n1 n2 n3 n4 o1; do
	within 20 "$node is at epoch 1" shows "$node" '.epoch == "1"'
done
within 20 "five take part" shows o1 \
	'.health == "OK" and .n == 5 and .quorum == 4 and .observers == 0'
exits 0 "$AEGIS" cluster kill c n4
within 20 "one is missed" shows n1 '.missing == 1'
for i in 1 2 3; do
	exits 0 ask n2 put "promoted$i" "$i" -t 20s
done
exits 0 "$AEGIS" consensus-inspect rounds --socket c/n2/aegis.sock -o json
grep -q '"o1"' out || fail "o1 does not vote: $(cat out)"
within 30 "o1 executes" has o1 promoted3 3
