#!/bin/bash
# A member that signs two things for one place, or what is forged: the others
# keep the proof and tell of it; whoever has the roster can check it, and nobody can forge it.
# Environment: AEGIS, LIAR.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

find_liar

evidence() {
	"$AEGIS" consensus-inspect evidence "$@"
}

# of NODE ROUTE FILTER: what the node says of it.
of() {
	curl -sS --unix-socket "c/$1/aegis.sock" "http://node$2" | jq -er "$3"
}

# tell LINE...: have the liar sign, and wait until it has.
tell() {
	for line; do
		echo "$line" >&3
		read -r answer <&4
		[ "$answer" = said ] || fail "the liar said '$answer'"
	done
}

# lists NODE COUNT: the node has so many records.
lists() {
	evidence -s "c/$1/aegis.sock" -o jsonl >listed &&
		[ "$(wc -l <listed)" = "$2" ]
}

# Only n2: the liar is n4.
start_n2() {
	"$AEGIS" node run -c c/n2/aegis.yaml 2>>c/n2/node.log &
	n2=$!
	started="$started $n2"
}

exits 0 "$AEGIS" cluster init -q c
exits 0 "$AEGIS" cluster up c
for i in 1 2 3 4 5; do
	exits 0 ask n2 put "key$i" "value $i"
done
for n in n1 n2 n3 n4; do
	exits 0 evidence -s c/$n/aegis.sock -o json
	says '"evidence":[]'
done
exits 0 "$AEGIS" cluster down c n4

# n4 is what follows from here on: its keys in another program.
mkfifo orders answers
"$liar" c/n4 c/roster <orders >answers 2>liar.log &
started="$started $!"
exec 3>orders 4<answers
read -r answer <&4 || fail "the liar: $(cat liar.log)"
[ "$answer" = up ] || fail "the liar said '$answer'"

# One vote is no lie, nor are the same two of different views.
view=$(of n1 /v1/status .view)
seq=$(($(of n1 /v1/status .executed) + 20))
next=$((seq + 1)) # of one sequence one lie is enough
tell "vote commit $view $((seq + 2))" "vote commit $view $((seq + 2))" \
	"vote checkpoint 3 64" "vote checkpoint $view 64"
# Two are, of each kind; the last is told twice and counts once.
tell "lie prepare $view $seq" "lie checkpoint $view 128" \
	"lie commit $view $next" "lie commit $view $next"
for n in n1 n2 n3; do
	within 20 "the evidence" lists $n 3
done

# So is a certificate that nobody signed, under its own signature; whether one
# or many.  It is refused besides: nobody goes to that view.
far=$((view + 7 - view % 4)) # n4 is its primary
tell "forge change $far" "forge change $((far + 1))" "forge beginning $far" \
	"forge beginning $far"
for n in n1 n2 n3; do
	within 20 "the forgeries" lists $n 5
	[ "$(of $n /v1/status .view)" = "$view" ] || fail "$n follows a forgery"
done

# Each of the others tells of it, everywhere it is asked.
for n in n1 n2 n3; do
	export AEGIS_SOCKET=c/$n/aegis.sock
	exits 0 evidence -o json
	[ "$(jq -r '.evidence[] | [.member, .kind, .seq, .view] | @csv' out |
		sort | tr '\n' ' ')" = "$(printf '%s\n' \
		"\"n4\",\"checkpoint\",\"128\"," \
		"\"n4\",\"commit\",\"$next\",\"$view\"" \
		"\"n4\",\"forged-new-view\",,\"$far\"" \
		"\"n4\",\"forged-view-change\",,\"$far\"" \
		"\"n4\",\"prepare\",\"$seq\",\"$view\"" | tr '\n' ' ')" ] ||
		fail "$n lists: $(cat out)"
	# OK or DEGRADED: the liar has its links, and does not take part.
	"$AEGIS" node status >out
	says 'evidence: n4 signed what no correct member signs, 5 proved'
	of $n /v1/alerts '.alerts[] | select(.name == "evidence" and
		.node == "n4" and .severity == "CRIT")' >out ||
		fail "$n raises no alert"
	of $n /v1/status '[.members[] | select(.evidence != "0") | .name] |
		join(" ")' >out
	[ "$(cat out)" = n4 ] || fail "$n accuses $(cat out)"
	curl -sS --unix-socket c/$n/aegis.sock http://node/metrics >out
	says 'aegis_evidence_records{peer="n4"} 5'
	says 'aegis_evidence_records{peer="n1"} 0'
	exits 0 "$AEGIS" tui --once consensus --size 140x40
	says 'EVIDENCE  n4 is faulty, 5 proofs'
	grep -q "member=n4 what=\"n4 signed two different states after" \
		c/$n/node.log || fail "$n does not log it"
done

# They go on: a proof against one is no reason to stop.
exits 0 ask n3 put after "the lie"

# Exported, and checked where there is nothing but the roster.
export AEGIS_SOCKET=c/n2/aegis.sock
id=n4-commit-v$view-s$next
exits 0 evidence "$id"
says "n4 signed two different commit votes for sequence $next in view $view"
says 'verified      false'
exits 0 evidence "$id" --roster c/roster -o json
says '"verified":true'
exits 1 evidence n4-commit-v9-s9
exits 1 evidence ../lock
mkdir alone
cp c/roster alone/roster
for kind in "commit-v$view-s$next" "prepare-v$view-s$seq" \
	checkpoint-v0-s128 "forged-view-change-v$far-s0" \
	"forged-new-view-v$far-s0"; do
	exits 0 evidence "n4-$kind" -o cbor
	cp out "alone/$kind"
done
curl -sS --unix-socket c/n2/aegis.sock -H 'Accept: application/cbor' \
	"http://node/v1/consensus/evidence?id=$id" >curl.evidence
cmp -s curl.evidence "alone/commit-v$view-s$next" ||
	fail 'curl exports another file'
exits 0 "$AEGIS" cluster init -q other
cd alone || exit 1
unset AEGIS_SOCKET
for kind in commit prepare checkpoint; do
	mv $kind-* $kind
	exits 0 evidence --verify $kind --roster roster
	says 'proved        n4 signed two different'
	says 'verified      true'
	exits 0 evidence --verify $kind --roster roster -q
	[ ! -s out ] || fail "not quiet: $(cat out)"
done
for kind in forged-view-change forged-new-view; do
	mv $kind-* $kind
	exits 0 evidence --verify $kind --roster roster
	says 'verified      true'
	exits 8 evidence --verify $kind --roster ../other/roster
	complains 'of another cluster'
done
exits 0 evidence --verify forged-view-change --roster roster -o value
says "n4 signed a view change to view $far with a forged certificate in it"
exits 0 evidence --verify checkpoint --roster roster -o value
says 'n4 signed two different states after sequence 128'
misused evidence --verify commit
complains '--roster FILE is needed'
misused evidence --verify commit "$id" --roster roster
misused evidence --verify commit --roster roster -o cbor

# Another cluster's roster convicts nobody.
exits 8 evidence --verify commit --roster ../other/roster
complains 'of another cluster'
exits 8 evidence --verify roster --roster roster
complains 'not exported evidence'
head -c 100 roster >part
exits 8 evidence --verify part --roster roster
complains 'not exported evidence'
exits 3 evidence --verify nowhere --roster roster
head -c 5000000 /dev/zero >zeros
exits 8 evidence --verify zeros --roster roster
complains 'longer than any'

# Cut or changed anywhere, it never convinces.
size=$(wc -c <commit)
i=0
while [ "$i" -lt "$size" ]; do
	{
		head -c "$i" commit
		tail -c +$((i + 1)) commit | head -c 1 | tr '\000-\377' \
			'\200-\377\000-\177'
		tail -c +$((i + 2)) commit
	} >changed
	evidence --verify changed --roster roster >out 2>err
	code=$?
	[ $code = 8 ] || fail "byte $i changed: exit $code"
	[ ! -s out ] || fail "byte $i changed: $(cat out)"
	i=$((i + 13)) # its specification flips all
done
# A newer format is not for this program to judge.
{
	head -c 16 commit
	printf '\002'
	tail -c +18 commit
} >changed
exits 3 evidence --verify changed --roster roster
silent
complains 'evidence of format 2, this program reads 1'
cd ..

# A restart forgets nothing, and the same lie again adds nothing: another that
# follows it does.
exits 0 "$AEGIS" cluster kill c n2
exits 0 evidence --data c/n2 --roster c/roster -o jsonl
[ "$(grep -c '"member":"n4"' out)" = 5 ] || fail "dead: $(cat out)"
exits 0 evidence --data c/n2 -o csv
says '#3'
exits 0 evidence "$id" --data c/n2 --roster c/roster -o cbor
cmp -s out alone/commit || fail 'the dead export another file'
exits 1 evidence n1-commit-v0-s1 --data c/n2
exits 3 evidence --data nowhere
# Whoever names a file accuses nobody by it.
mv "c/n2/evidence/$id.evidence" c/n2/evidence/n1-commit-v0-s1.evidence
exits 0 evidence --data c/n2 --roster c/roster -o value
says "$id"
exits 1 evidence n1-commit-v0-s1 --data c/n2
mv c/n2/evidence/n1-commit-v0-s1.evidence "c/n2/evidence/$id.evidence"
printf 'torn' >c/n2/evidence/damaged.evidence
exits 8 evidence --data c/n2 -o value
complains 'damaged.evidence'
[ "$(wc -l <out)" = 5 ] || fail "beside a damaged one: $(cat out)"

# That file does not stop the node, nor hide the others.
lines=$(wc -l <c/n2/node.log)
start_n2
within 30 "n2 logs it" sh -c "tail -n +$lines c/n2/node.log |
	grep 'evidence is not listed.*damaged.evidence'"
within 30 "n2 remembers" lists n2 5
within 20 "n2 takes part" ask n2 put again "after a restart"
tell "lie commit $view $next" "lie commit $view $((next + 2))"
within 30 "n2 has another" lists n2 6
grep -q "n4-commit-v$view-s$((next + 2))" listed ||
	fail "the same lie is another record: $(cat listed)"
[ -e c/n2/evidence/damaged.evidence ] || fail 'the damaged file is gone'

# Taken away by its operator, it is forgotten.
kill "$n2"
wait "$n2"
rm c/n2/evidence/*
start_n2
within 20 "n2 has nothing" lists n2 0
exec 3>&-
