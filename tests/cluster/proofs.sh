#!/bin/bash
# What was signed in any epoch is proved by the members of that epoch: rosters,
# evidence and backups from before and after a change, with the chain alone.
# Environment: AEGIS, LIAR.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck disable=SC2034 # lib_trial looks for it
room=1500000
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"
find_liar

status() {
	"$AEGIS" node status --socket "$dir/c/$1/aegis.sock" -o json
}
shows() {
	status "$1" | jq -e "$2" >/dev/null
}
member() {
	"$AEGIS" member "$@" --socket "$dir/c/n1/aegis.sock"
}
evidence() {
	"$AEGIS" consensus-inspect evidence "$@"
}

# lie ROSTER FILE: n4's keys sign two votes; the proof of it goes to FILE.
lie() {
	kill -9 "$node4"
	wait "$node4" 2>/dev/null
	within 20 "n4 is dead" gone "$node4"
	coproc rogue { exec "$liar" c/n4 "$1" 2>rogue.err; }
	# shellcheck disable=SC2154 # coproc sets it
	started="$started $rogue_PID"
	process=$rogue_PID
	read -r -t 40 word <&"${rogue[0]}" || fail "no liar: $(cat rogue.err)"
	seq=$(($(status n1 | jq -r .executed) + 5))
	view=$(status n1 | jq -r .view)
	echo "lie commit $view $seq" >&"${rogue[1]}"
	read -r -t 10 word <&"${rogue[0]}" || fail "liar: $(cat rogue.err)"
	[ "$word" = said ] || fail "the liar said '$word'"
	id=n4-commit-v$view-s$seq
	within 20 "n1 has the evidence" evidence "$id" -o cbor \
		-s c/n1/aegis.sock
	cp out "$2"
	echo "$id" >"$2.id"
	kill "$process"
	wait "$process" 2>/dev/null
	"$AEGIS" node run -c c/n4/aegis.yaml >>c/n4/node.out 2>&1 &
	node4=$!
	started="$started $node4"
}

exits 0 "$AEGIS" cluster init -q --observers 1 c
exits 0 "$AEGIS" cluster up -q c
node4=$(cat c/n4/pid)
exits 0 "$AEGIS" keygen -q -T backup -o key
backup() {
	"$AEGIS" backup "$@"
}
exits 0 ask n1 put before 1
exits 0 backup create -q -R repo -r key.pub --roster c/roster \
	--socket c/n1/aegis.sock -t 30s
lie c/roster e0

# The observer goes, which is a change like any.
exits 0 member rm o1 -q -y -d c/n1 -d c/n2 -d c/n3
within 20 "n1 is at epoch 1" shows n1 '.epoch == "1" and .observers == 0'
within 20 "n4 is there too" shows n4 '.epoch == "1"'
within 20 "all are well" shows n1 '.health == "OK"'
exits 0 ask n1 put after 2
exits 0 member export -o chain
exits 0 backup create -q -R repo -r key.pub --roster chain \
	--socket c/n1/aegis.sock -t 30s
lie chain e1

# Rosters.
exits 0 "$AEGIS" roster verify chain
says "epoch 1 of 4 members and 0 observers is proved by those before it"
exits 0 "$AEGIS" roster verify chain --epoch 0
says "all 4 members and 1 observers have signed"
exits 0 "$AEGIS" roster show chain -o json
jq -e '.epoch == "1" and .complete == true and .observers == 0 and
	(.members | length == 4)' out >/dev/null || fail "show: $(cat out)"
exits 0 "$AEGIS" roster show chain -e 0 -o json
jq -e '.epoch == "0" and .observers == 1' out >/dev/null ||
	fail "show: $(cat out)"
exits 3 "$AEGIS" roster show chain -e 2
complains "there is no roster of epoch 2 in it; the newest is of 1"
head -c $(($(stat -c %s chain) - 1)) chain >short
exits 8 "$AEGIS" roster verify short
python3 - chain changed <<'PYTHON'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[-40] ^= 1
open(sys.argv[2], "wb").write(data)
PYTHON
exits 8 "$AEGIS" roster verify changed
# A successor by itself is none.
exits 0 "$AEGIS" roster member -q -n n5 -a 127.0.0.1:1 -d c/o1 -o part
exits 0 member plan add part -o next
exits 8 "$AEGIS" roster verify next
complains "a successor alone proves nothing"
exits 0 "$AEGIS" roster show next
says "successor of epoch 1, approved by 0"

# Evidence, each by the members of its epoch.
exits 0 evidence --verify e0 --roster chain
says "epoch         0"
exits 0 evidence --verify e1 --roster chain
says "epoch         1"
exits 0 evidence --verify e0 --roster c/roster
exits 8 evidence --verify e1 --roster c/roster
exits 0 "$AEGIS" cluster kill c n1
exits 0 evidence --data c/n1 -o value
[ "$(sort out)" = "$(sort e0.id e1.id)" ] || fail "kept: $(cat out)"
for e in e0 e1; do
	exits 0 evidence "$(cat $e.id)" --data c/n1 -o cbor
	cmp -s out $e || fail "$e is another file"
done
exits 1 evidence n4-commit-v9-s9 --data c/n1

# Backups.
exits 0 backup verify -R repo --all -i key --roster chain
says "trial-1: certified and whole"
says "trial-2: certified and whole"
exits 0 backup verify -R repo trial-2 -i key
exits 0 backup verify -R repo trial-1 -i key --roster c/roster
exits 8 backup verify -R repo trial-2 -i key --roster c/roster
complains "there is no roster of epoch 1 in it"
exits 0 backup restore -R repo trial-2 -i key --roster chain --to new
grep -q '^previous ' new/roster.restored || fail "not the successor"
