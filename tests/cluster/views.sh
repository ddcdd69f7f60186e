#!/bin/bash
# Since when a view lasts, and since when its change does: operators act on
# both, and neither is the year 1970.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

# of ROUTE FILTER: what node n3 says of it.
of() {
	curl -sS --unix-socket c/n3/aegis.sock "http://node/v1/$1" |
		jq -er "$2"
}

# What is stopped would not see that it is to end.
trap '"$AEGIS" cluster kill -q -S 18 "$dir/c" 2>/dev/null; finish' EXIT

exits 0 "$AEGIS" cluster init -q c
exits 0 "$AEGIS" cluster up c
exits 0 ask n3 put k v

# The first view was there before the node: nobody knows since when.
[ "$(of status '.view_since | tostring')" = null ] ||
	fail "view 0 since $(of status .view_since)"
exits 0 "$AEGIS" tui --once overview --socket c/n3/aegis.sock
grep -q 'view 0' out || fail "overview: $(grep leader out)"
grep -q 'view 0 since' out && fail "overview: $(grep leader out)"

# Half of them stand still, the primary too, so that the change cannot end.
began=$(date -u +%Y-%m-%dT%H:%M:%S)
exits 0 "$AEGIS" cluster kill -S 19 c n1 n2
ask n3 put k w -t 1s >out 2>err
within 20 "an alert" of alerts '.alerts[] | select(.name == "view_changing")'
since=$(jq -r .since out)
[ "$(printf '%s\n' "$began" "$since" | sort | head -n 1)" = "$began" ] ||
	fail "changing since $since, which is before $began"

# Who asks one that stands still waits as long as was said, not the usual 5 s.
exits 124 timeout -s KILL 5 "$AEGIS" node status -t 200ms \
	--socket c/n1/aegis.sock
complains 'timed out'

# They go on, and the view that is entered then has its time.
exits 0 "$AEGIS" cluster kill -S 18 c n1 n2
within 20 "the view" of status \
	'select(.changing_view == false and .view != "0") | .view_since'
entered=$(cat out)
[ "$(printf '%s\n' "$began" "$entered" | sort | head -n 1)" = "$began" ] ||
	fail "entered $entered, which is before $began"
