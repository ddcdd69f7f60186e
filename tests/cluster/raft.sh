#!/bin/bash
# Raft over real links: three nodes, of which any one may be gone; a leader
# that is killed, one that stops in good order, one that sleeps through its
# successor's election, a member that was emptied, and all of them killed at
# once.  Nothing that was answered is lost, and nothing old is read.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck disable=SC2034 # lib_trial looks for it
room=1500000
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

# told NODE KEY: what the node says of itself.
told() {
	"$AEGIS" consensus-inspect status -s "c/$1/aegis.sock" -o json |
		jq -r ".$2"
}

# leads NODE...: all of them follow one of them, who serves; it is in $leader.
leads() {
	leader=$(for of in "$@"; do
		told "$of" primary
	done | sort -u)
	case " $* " in
	*" $leader "*) ask "$leader" get k0 -t 2s ;;
	*) return 1 ;;
	esac
}

others_of() {
	echo n1 n2 n3 | tr ' ' '\n' | grep -vx "$1" | tr '\n' ' '
}

# all_have FIRST LAST NODE...: each node itself has these keys.
all_have() {
	from=$1 to=$2
	shift 2
	for at in "$@"; do
		has "$at" "k$to" "v$to" || return 1
		count=$(ask "$at" list k --keys-only --consistency local \
			--limit 1000 -o value | wc -l)
		[ "$count" -ge $((to - from + 1)) ] || return 1
	done
}

# put NODE FIRST LAST: one key after the other, each answered before the next.
put() {
	python3 - "$@" >requests <<'PYTHON'
import base64, sys
node, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for k in range(first, last + 1):
    name = base64.urlsafe_b64encode(b'k%d' % k).decode().rstrip('=')
    if k > first:
        print('next')
    print(f'url = "http://node/v1/kv?key={name}"')
    print(f'unix-socket = "c/{node}/aegis.sock"')
    print(f'request = "PUT"\ndata-binary = "v{k}"\nfail')
PYTHON
	exits 0 curl -sS --fail-early -K requests
}

# signal NAME NODE...: to their processes; in the end none of them is stopped.
signal() {
	what=$1
	shift
	for at in "$@"; do
		kill "-$what" "$(cat "c/$at/pid")" 2>/dev/null
	done
}
trap 'signal CONT n1 n2 n3; finish' EXIT

# refuses NODE: it knows that nothing can be written.
refuses() {
	ask "$1" put lonely 1 --timeout 2s
	[ $? = 6 ]
}

exits 0 "$AEGIS" cluster init -q --strategy raft --nodes 3 c
for node in n1 n2 n3; do
	printf 'consensus:\n  checkpoint_interval: 16\n' >>"c/$node/aegis.yaml"
done
exits 0 "$AEGIS" cluster up c
exits 0 "$AEGIS" cluster status c
says "strategy raft"
within 20 "a leader" ask n1 put k0 v0
put n1 1 10
put n2 11 20
put n3 21 30
within 30 "everybody has all" all_have 0 30 n1 n2 n3

# What it says of itself: a majority is a quorum.
[ "$(told n1 quorum)" = 2 ] || fail "quorum: $(told n1 quorum)"
exits 0 "$AEGIS" tui --once overview -s c/n1/aegis.sock --size 100x30
grep -q 'n=3 f=1 q2/3' out || fail "the overview: $(cat out)"
exits 0 "$AEGIS" consensus-inspect rounds -s c/n2/aegis.sock -o json
[ "$(jq '.rounds | length > 4 and .[0].phase == "EXECUTED"' out)" = true ] ||
	fail "rounds: $(cat out)"
exits 1 "$AEGIS" consensus-inspect cert 20 -s c/n2/aegis.sock -o json
exits 0 "$AEGIS" consensus-inspect cert 1 --checkpoint -s c/n2/aegis.sock \
	--roster c/roster -o json
[ "$(jq '.verified and (.signers | length >= 2)' out)" = true ] ||
	fail "checkpoint: $(cat out)"

# A leader that no majority answers answers no linearizable read, and one that
# slept while another was elected reads what that one wrote.
within 20 "one leads all" leads n1 n2 n3
first=$leader
# shellcheck disable=SC2046 # words are wanted
set -- $(others_of "$first")
exits 0 ask "$1" put slept before
signal STOP "$1" "$2"
ask "$first" get slept --timeout 1s >out 2>err
[ $? = 6 ] || fail "a leader without a majority reads: $(cat out err)"
signal CONT "$1" "$2"
within 20 "it is heard again" ask "$first" get slept
within 20 "one leads all" leads n1 n2 n3
first=$leader
# shellcheck disable=SC2046 # words are wanted
set -- $(others_of "$first")
signal STOP "$first"
within 20 "another leads" leads "$1" "$2"
exits 0 ask "$1" put slept after
signal CONT "$first"
exits 0 ask "$first" get slept -o value
[ "$(cat out)" = after ] || fail "who slept reads $(cat out)"

# The leader is killed; the two others go on.
within 20 "one leads all" leads n1 n2 n3
first=$leader
# shellcheck disable=SC2046 # words are wanted
set -- $(others_of "$first")
term=$(told "$first" view)
exits 0 "$AEGIS" cluster kill c "$first"
within 20 "another leads" leads "$@"
put "$1" 31 40
put "$2" 41 50
# A dead node's files tell the same story.
exits 0 "$AEGIS" consensus-inspect verify --data "c/$first" \
	--roster c/roster
exits 0 "$AEGIS" consensus-inspect rounds --data "c/$first" -o json
[ "$(jq '[.rounds[] | select(.phase == "EXECUTED")] | length > 4' out)" \
    = true ] || fail "rounds of a dead node: $(cat out)"
exits 0 "$AEGIS" consensus-inspect status --data "c/$first" \
	--roster c/roster -o json
[ "$(jq '.strategy == "raft" and .primary == null' out)" = true ] ||
	fail "status of a dead node: $(cat out)"
# It voted for itself in the term that it led, which has entries.
exits 0 "$AEGIS" consensus-inspect views --data "c/$first" \
	--roster c/roster -o json
[ "$(jq --arg self "$first" --arg term "$term" '.views |
	(.[0] | .state == "ENTERED" and .primary == null) and
	any(.[]; .view == $term and .askers == [$self])' out)" = true ] || fail "its terms: $(cat out)"
exits 0 "$AEGIS" cluster up -q c
within 20 "the killed one has all" all_have 0 50 "$first"

# One that stops in good order hands over: the others need not miss it first.
# Clients of another notice nothing of it but that it takes a moment.
write_on() {
	i=0
	until [ -e stop ]; do
		i=$((i + 1))
		ask "$1" put load "$i" -q || exit 1
	done
}

# changes NODE...: how often they were without a leader, or in a new term.
changes() {
	for at in "$@"; do
		grep -F 'msg="changing view"' "c/$at/node.log"
	done | wc -l
}

# hands_over: the leader stops, and each of the others sees a new term, but
# none a term without a leader before that.
hands_over() {
	within 20 "one leads all" leads n1 n2 n3
	second=$leader
	# shellcheck disable=SC2046 # words are wanted
	set -- $(others_of "$second")
	rm -f stop
	write_on "$1" &
	load=$!
	started="$started $load"
	within 20 "writes" ask "$1" get load
	before=$(changes "$@")
	exits 0 "$AEGIS" cluster down c "$second"
	within 20 "another leads" leads "$@"
	touch stop
	wait "$load" || fail "a write failed while the leader handed over"
	[ "$(($(changes "$@") - before))" = 2 ]
}

# On a busy machine a leader may be missed just then.
for round in 1 2 3 none; do
	[ "$round" != none ] || fail "no leader hands over"
	! hands_over || break
	exits 0 "$AEGIS" cluster up -q c
done
put "$leader" 51 60
exits 0 "$AEGIS" cluster up -q c

# A member that was emptied is given the state, while the others went on.
within 20 "all three" all_have 51 60 n1 n2 n3
within 20 "one leads all" leads n1 n2 n3
third=$(others_of "$leader" | cut -d ' ' -f 1)
# shellcheck disable=SC2046 # words are wanted
set -- $(others_of "$third")
exits 0 "$AEGIS" cluster kill c "$third"
rm -rf "c/$third/log" "c/$third/state"
within 20 "the others lead" leads "$@"
put "$1" 61 500
exits 0 "$AEGIS" cluster up -q c
within 60 "the emptied one has all" all_have 0 500 "$third"
grep -q 'state installed' "c/$third/node.log" || fail "no state was fetched"
grep -q 'msg="not voting until a checkpoint is stable' "c/$third/node.log" ||
	fail "who was emptied votes"
settles() {
	[ "$("$AEGIS" node status -s "c/$1/aegis.sock" -o json |
		jq .rejoining)" = false ] &&
		grep -q 'msg="voting again' "c/$1/node.log"
}
within 60 "it votes again" settles "$third"
put "$third" 501 510

# All are killed at once; what was answered is there.
exits 0 "$AEGIS" cluster kill c
exits 0 "$AEGIS" cluster up -q c
within 20 "they serve" ask n1 get k510
for k in 0 7 35 55 99 250 510; do
	[ "$(ask n2 get "k$k" -o value)" = "v$k" ] || fail "k$k is lost"
done
within 20 "everybody has all" all_have 0 510 n1 n2 n3

# Two of three are needed.
within 20 "one leads all" leads n1 n2 n3
exits 0 "$AEGIS" cluster kill c n1 n2
within 30 "a lone member refuses" refuses n3
