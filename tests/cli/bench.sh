#!/bin/bash
# aegis bench against the real API over a fake node.
# Environment: AEGIS, FAKE_SERVER.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/lib_fake.sh
. "$top/tests/cli/lib_fake.sh"

bench() {
	"$AEGIS" bench "$@"
}

# holds FILTER: true of what was printed as JSON.
holds() {
	jq -e "$1" out >/dev/null || fail "not $1: $(cat out)"
}

# No node: exit 5, and nothing on stdout.
exits 5 bench
silent
complains 'no such socket'
exits 5 bench --yes --keep
silent
complains "connect to $dir/s: No such file"

# Usage.
misused bench --clients 0
misused bench --rate x
misused bench --mix delete=1
misused bench --mix put=0
misused bench --spread normal
misused bench --consistency strong
misused bench --prefix ''
misused bench --prefix 'a"b'
misused bench --value-bytes 1048577
misused bench --mix txn=1 --value-bytes 600000
misused bench --watchers 1 --value-bytes 15
misused bench -o cbor

serve

# A load of so many requests: all are counted, in a pipe nothing is said on
# the way, and no key is left.
exits 0 bench --requests 500 --warmup 0s --clients 4 -o json
unmoved
holds '.operations | length == 1'
holds '.operations[0] | .operation == "put" and .done == "500" and
	.failed == "0" and .errors == []'
holds '.operations[0] | (.p50_us | tonumber) <= (.p90_us | tonumber) and
	(.p90_us | tonumber) <= (.p99_us | tonumber) and
	(.p99_us | tonumber) <= (.p99_9_us | tonumber) and
	(.p99_9_us | tonumber) <= (.max_us | tonumber)'
holds '[.operations[0].histogram[] | split("=")[1] | tonumber] | add == 500'
exits 0 "$AEGIS" kv list -k -o value
silent

# Several operations have a row each and one of all; what is read is there.
exits 0 bench --requests 2000 --warmup 0s --mix put=1,get=1,txn=1 \
	--spread zipf --keys 70 -o json --keep
holds '[.operations[].operation] == ["put", "get", "txn", "all"]'
holds '.operations | [.[0:3][].done | tonumber] | add == 2000 and min > 500'
holds '.operations[3].done == "2000"'
exits 0 "$AEGIS" kv list -k -o value
[ "$(wc -l <out)" = 70 ] || fail "there are $(wc -l <out) keys, not 70"
[ "$(head -n 1 out)" = bench/0000000000 ] || fail "keys are $(head -n 1 out)"

# Keys below the prefix are not overwritten unasked, nor is a cluster loaded
# that has others.
exits 11 bench --requests 1
complains 'there are keys below the prefix; say --yes'
exits 11 bench --requests 1 --prefix other/
complains 'the cluster has other keys; say --yes'
exits 0 bench --requests 1 --warmup 0s --prefix other/ --yes -q
exits 0 "$AEGIS" kv list -k -o value
[ "$(wc -l <out)" = 70 ] || fail "other keys were removed"
exits 0 bench --requests 1 --warmup 0s --yes
exits 0 "$AEGIS" kv list -k -o value
silent

# The same seed draws the same keys.
written() {
	exits 0 bench --requests 50 --warmup 0s --clients 1 --seed "$1" \
		--keys 1000000 --keep
	"$AEGIS" kv list bench/ -k -o value
	"$AEGIS" kv del -p bench/ -q
}
written 7 >one
written 7 >two
written 8 >three
cmp -s one two || fail 'a seed drew other keys'
! cmp -s one three || fail 'another seed drew the same keys'

# Watchers see each change, and how late.
exits 0 bench --requests 300 --warmup 0s --watchers 3 -o json
holds '.operations[1] | .operation == "watch" and .done == "900" and
	.failed == "0"'
holds '(.operations[1].p50_us | tonumber) > 0'

# An open loop keeps to its schedule: 400 a second for one second.
exits 0 bench --rate 400 --seconds 1 --warmup 0s -o csv
[ "$(sed -n '2s/^put,\([0-9]*\),.*/\1/p' out)" = 400 ] ||
	fail "the schedule gave $(cat out)"

# Interrupted, it shows what was measured, and leaves no keys.
begun() {
	patience=200
	until "$AEGIS" kv list bench/ --limit 1 -k -o value | grep -q .; do
		patience=$((patience - 1))
		[ "$patience" -gt 0 ] || fail 'the load does not begin'
		read -rt 0.05 _ <>quiet
	done
}
mkfifo quiet
"$AEGIS" bench --seconds 600 --warmup 0s -o json >out 2>err &
load=$!
begun
kill -INT "$load"
wait "$load"
[ $? = 130 ] || fail 'an interrupt does not end it with 130'
holds '(.operations[0].done | tonumber) > 0'
exits 0 "$AEGIS" kv list -k -o value
silent

# Failures have kinds.  Of a node that goes away, what was under way is not
# known and what comes later reaches nobody.
"$AEGIS" bench --rate 2000 --seconds 1 --warmup 0s -o json --keep >out 2>err &
load=$!
begun
stop
wait "$load"
[ $? = 9 ] || fail 'a node that goes away does not make it 9'
holds '.operations[0].errors | map(split("=")[0]) |
	index("UNREACHABLE") != null'
complains 'aegis bench: failed: '
serve BUSY
exits 10 bench --requests 20 --warmup 0s -o json --keep
holds '.operations[0] | .done == "0" and .errors == ["BUSY=20"]'
serve OUTCOME_UNKNOWN
exits 7 bench --requests 20 --warmup 0s -o json --keep --yes
holds '.operations[0].errors == ["OUTCOME_UNKNOWN=20"]'
stop

# A node that stalls: it answers its first request after half a second, and
# the others at once.  For a closed loop that is one late request; users who
# come 100 a second see it in half of their requests.
stall() {
	rm -f "$dir/stalled"
	"$top/tests/cli/stalling_node.py" "$dir/stalled" >ready &
	pid=$!
	read -r _ <ready
	exits 0 bench --yes --keep --clients 1 --warmup 0s -o json "$@" \
		"$dir/stalled"
	stop
}
stall --requests 100
holds '(.operations[0].p50_us | tonumber) < 100000'
stall --rate 100 --seconds 1
holds '.operations[0].done == "100"'
holds '(.operations[0].p90_us | tonumber) > 300000'

# What no client was free for is told and not forgotten.
rm -f "$dir/stalled"
"$top/tests/cli/stalling_node.py" "$dir/stalled" each >ready &
pid=$!
read -r _ <ready
exits 9 bench --yes --keep --clients 1 --warmup 0s --rate 100 --seconds 1 \
	--timeout 100ms "$dir/stalled"
complains 'were due and never begun'
stop
