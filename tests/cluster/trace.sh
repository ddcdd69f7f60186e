#!/bin/bash
# Where a request was, on every node: as the nodes tell while they run, as the
# others tell of one that was not asked, and as a dead one's log does.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

inspect() {
	"$AEGIS" consensus-inspect "$@"
}

# holds FILTER: jq agrees on the last output.
holds() {
	jq -e "$1" out >/dev/null || fail "not so: $1: $(cat out)"
}

# put NODE KEY: one write through it; its request is $request.
put() {
	request=$(ask "$1" put "$2" v -o json | jq -er '.results[0].request') ||
		fail "put $2 through $1"
}

# Once all have executed what follows, all know of what went before.
everybody() {
	for node in n1 n2 n3 n4; do
		within 20 "$1 at $node" has "$node" "$1" v
	done
}

# What is stopped would not see that it is to end.
trap '"$AEGIS" cluster kill -q -S 18 "$dir/c" 2>/dev/null; finish' EXIT

exits 0 "$AEGIS" cluster init -q c
for node in n1 n2 n3 n4; do
	printf 'consensus:\n  clock_skew: 1s\n' >>c/$node/aegis.yaml
done
exits 0 "$AEGIS" cluster up -q c
put n2 a
everybody a

# Each for itself; the phases are in order, and the one batch is everywhere.
exits 0 inspect trace "$request" c/n1 c/n2/aegis.sock c/n3 c/n4 -o json
holds '.nodes | length == 4 and ([.[].node] == ["n1", "n2", "n3", "n4"]) and
	all(.phase == "EXECUTED" and .code == "DONE" and .told_by == .node and
		.began != null) and
	([.[] | [.seq, .view, .digest]] | unique | length == 1)'
holds '.nodes[1] | .received_us == "0" and .answer == "OK" and
	([.received_us, .sent_us, .proposed_us, .committed_us, .executed_us,
		.answered_us] | map(tonumber) | . == sort)'
holds '.nodes[0] | .received_us == null and .answered_us == null'

# One tells of the others as far as it saw.
tells_of_others() {
	inspect trace "$request" -s c/n2/aegis.sock -o json | jq -e \
		'.nodes | length == 4 and .[0].node == "n2" and
		all(.told_by == "n2") and (.[1:] | all(.executed_us == null and
			(.phase | IN("PROPOSED", "PREPARED", "EXECUTED"))))'
}
within 30 "n2 has heard all others" tells_of_others
exits 1 inspect trace "$request"9 -s c/n2/aegis.sock
complains 'nothing is known of it'
silent

# One is dead: its log tells; its socket does not, and is named.
exits 0 "$AEGIS" cluster kill c n4
exits 0 inspect trace "$request" -d c/n4 --roster c/roster -o json
holds '.nodes == [.nodes[0]] and (.nodes[0] | .node == "n4" and
	.phase == "EXECUTED" and .told_by == "its log" and .digest != null)'
exits 0 inspect trace "$request" c/n4 c/n1 -o json --roster c/roster
holds '[.nodes[].node] == ["n4", "n1", "n2", "n3"]'
exits 9 inspect trace "$request" c/n1/aegis.sock c/n4/aegis.sock
complains 'c/n4/aegis.sock'
says n4

# After a start memory knows less, and the log is read.
old=$request
exits 0 "$AEGIS" cluster kill c n2
exits 0 "$AEGIS" cluster up -q c
put n2 b
everybody b
exits 0 inspect trace "$old" -s c/n2/aegis.sock -o json
holds '.nodes[0] | .node == "n2" and .phase == "EXECUTED" and .code == null and
	.batch_time != null and .digest != null and .received_us == null'

# What hangs says where: sent, and proposed if the primary has heard of it.
exits 0 "$AEGIS" cluster kill -q -S 19 c n3 n4
ask n1 put c v -t 1s -o json >out 2>err
hung=$(grep -o '[0-9a-f]\{64\}\.[0-9]*' err | head -n 1)
[ -n "$hung" ] || fail "no request id: $(cat out err)"
exits 0 inspect trace "$hung" -s c/n1/aegis.sock -o json
holds '.nodes[0] | .answer == "EUNKNOWN" or .answer == "OUTCOME_UNKNOWN"'
holds '.nodes[0] | (.phase | IN("SENT", "PROPOSED", "PREPARED")) and
	.sent_us != null and .executed_us == null'
exits 0 "$AEGIS" cluster kill -q -S 18 c n3 n4
within 30 'the write to happen' has n1 c v
exits 0 inspect trace "$hung" -s c/n1/aegis.sock -o value
says EXECUTED

# What nobody proposed before it expired is not executed when there is again
# somebody to propose it.
primary=$("$AEGIS" node status --socket c/n2/aegis.sock -o json |
	jq -r .primary)
at=n2
[ "$primary" != n2 ] || at=n3
others=$(for n in n1 n2 n3 n4; do
	[ $n = "$at" ] || [ $n = "$primary" ] || echo $n; done | head -n 1)
exits 0 "$AEGIS" cluster kill -q -S 19 c "$primary" "$others"
ask "$at" put late v -t 1s -o json >out 2>err
hung=$(grep -o '[0-9a-f]\{64\}\.[0-9]*' err | head -n 1)
[ -n "$hung" ] || fail "no request id: $(cat out err)"
sleep 4 # a second of the caller's, and two of clocks that may differ
exits 0 "$AEGIS" cluster kill -q -S 18 c "$primary" "$others"
has_expired() {
	inspect trace "$hung" -s "c/$at/aegis.sock" -o json |
		jq -e '.nodes[0].code == "EXPIRED"'
}
within 60 'the request to expire' has_expired
exits 1 ask "$at" get late
