#!/bin/bash
# A member that gives wrong parts of a state to one that lost its own: the
# state comes whole from the others, and who lied is proved to have.
# Environment: AEGIS, LIAR.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck disable=SC2034 # lib_trial looks for it
room=2000000
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

find_liar

values=48 # of 1 MiB, the largest

evidence() {
	"$AEGIS" consensus-inspect evidence "$@"
}

# of NODE ROUTE FILTER: what the node says of it.
of() {
	curl -sS --unix-socket "c/$1/aegis.sock" "http://node$2" | jq -er "$3"
}

# metric NODE TEXT
metric() {
	curl -sS --unix-socket "c/$1/aegis.sock" http://node/metrics >metrics
	grep -qxF "$2" metrics
}

logged() {
	grep -qF "msg=\"$2\"" "c/$1/node.log"
}

lists_one() {
	evidence -s "c/$1/aegis.sock" -o jsonl >listed &&
		[ "$(wc -l <listed)" = 1 ]
}

exits 0 "$AEGIS" cluster init -q c
hurry n1 n2 n3 n4
exits 0 "$AEGIS" cluster up c
head -c 1048576 /dev/urandom >value
for i in $(seq "$values"); do
	exits 0 ask n1 put "large$i" --file value
done

# What was written first is in no log any more.
within 60 "the others have cut their logs" is_cut n1 n2

# n3 loses its disk, but for the keys, and n4 is another program from now on.
exits 0 "$AEGIS" cluster kill c n3
exits 0 "$AEGIS" cluster down c n4
(cd c/n3 && rm -rf log state state.sync request-number evidence) ||
	fail "empty n3"
: >c/n3/node.log
coproc rogue { exec "$liar" c/n4 c/roster n3 2>rogue.err; }
# shellcheck disable=SC2154 # coproc sets it
started="$started $rogue_PID"
read -r -t 40 word <&"${rogue[0]}" || fail "no liar: $(cat rogue.err)"
[ "$word" = up ] || fail "the liar said '$word'"
echo "serve n1" >&"${rogue[1]}"
read -r -t 10 word <&"${rogue[0]}" || fail "the liar: $(cat rogue.err)"

"$AEGIS" node run -c c/n3/aegis.yaml 2>n3.err &
started="$started $!"
within 120 "n3 fetches the state" logged n3 "state installed"

# Only what n4 gave was wrong, it was left for that, and the rest is whole.
metric n3 'aegis_transfer_refused_total{peer="n4"} 1' ||
	fail "n3 refused no part of n4's: $(cat c/n3/node.log)"
for right in n1 n2; do
	metric n3 "aegis_transfer_refused_total{peer=\"$right\"} 0" ||
		fail "n3 refused a part of $right's"
done
grep -q 'msg="state transfer failed" member=n4' c/n3/node.log ||
	fail "n3 did not leave n4: $(cat c/n3/node.log)"
within 60 "a quorum serves again" ask n3 put after "the lie"
ask n3 get "large$values" --consistency local -o value | cmp -s - value ||
	fail "n3 holds another value"
for i in 1 $((values / 2)); do
	ask n3 get "large$i" -o value | cmp -s - value ||
		fail "n3 answers another value"
done

# n3 has the proof, and tells of it everywhere it is asked.
export AEGIS_SOCKET=c/n3/aegis.sock
within 20 "n3 has evidence" lists_one n3
id=$(jq -r .id listed)
[ "$(jq -r '[.member, .kind, .view] | @csv' listed)" = '"n4","state-part",' ] ||
	fail "n3 lists $(cat listed)"
seq=$(jq -r .seq listed)
exits 0 evidence "$id" --roster c/roster -o json
says '"verified":true'
exits 0 evidence "$id"
says "n4 signed for a part that the state after sequence $seq"
"$AEGIS" node status >out
says 'evidence: n4 signed what no correct member signs, 1 proved'
of n3 /v1/alerts '.alerts[] | select(.name == "evidence" and
	.node == "n4" and .severity == "CRIT")' >out ||
	fail "n3 raises no alert"
metric n3 'aegis_evidence_records{peer="n4"} 1' || fail "no metric of it"
exits 0 "$AEGIS" tui --once consensus --size 140x40
says 'EVIDENCE  n4 is faulty, 1 proof'
grep -q "level=error .*member=n4 what=\"n4 signed for a part" c/n3/node.log ||
	fail "n3 does not log it: $(cat c/n3/node.log)"

# The others saw nothing of it, and accuse nobody.
for node in n1 n2; do
	exits 0 evidence -s "c/$node/aegis.sock" -o json
	says '"evidence":[]'
done

# Whoever has the roster can check it, and with another it convicts nobody.
exits 0 evidence "$id" -o cbor
mkdir alone
cp out alone/part
cp c/roster alone/roster
exits 0 "$AEGIS" cluster init -q other
unset AEGIS_SOCKET
cd alone || exit 1
exits 0 evidence --verify part --roster roster
says 'proved        n4 signed for a part'
says 'verified      true'
exits 0 evidence --verify part --roster roster -q
silent
exits 8 evidence --verify part --roster ../other/roster
complains 'of another cluster'
size=$(wc -c <part)
for i in 1 40 $((size / 2)) $((size - 40)); do
	{
		head -c "$i" part
		tail -c +$((i + 1)) part | head -c 1 | tr '\000-\377' \
			'\200-\377\000-\177'
		tail -c +$((i + 2)) part
	} >changed
	exits 8 evidence --verify changed --roster roster
done
