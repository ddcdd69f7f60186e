#!/bin/bash
# A state too large for one part, fetched by a member that was emptied: from
# several members while writes go on, and with the member killed meanwhile.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck disable=SC2034 # lib_trial looks for it
room=2500000
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

values=48 # of 1 MiB, the largest

# empty NODE: as after the loss of its disk, but for the keys.
empty() {
	(cd "c/$1" && rm -rf log state state.sync request-number evidence) ||
		fail "empty $1"
	: >"c/$1/node.log"
}

# level NODE: it has what was written last.
level() {
	has "$1" live "$(cat written)"
}

# logged NODE TEXT
logged() {
	grep -qF "msg=\"$2\"" "c/$1/node.log"
}

# number NODE MESSAGE FIELD: of the last such line.
number() {
	grep -F "msg=\"$2\"" "c/$1/node.log" | tail -n 1 |
		sed "s/.* $3=\([0-9]*\).*/\1/"
}

exits 0 "$AEGIS" cluster init -q c
hurry n1 n2 n3 n4
exits 0 "$AEGIS" cluster up c
head -c 1048576 /dev/urandom >value
for i in $(seq "$values"); do
	exits 0 ask n1 put "large$i" --file value
done

: >go
echo 0 >written
( count=0
while [ -e go ]; do
	count=$((count + 1))
	ask n1 put live "$count" -q 2>live.err || {
		cat live.err >lost
		break
	}
	echo "$count" >written
done ) &
writer=$!
started="$started $writer"

# What was written first is in no log any more.
within 60 "the others have cut their logs" is_cut n1 n2 n3

# From several of the others, also from who is linked late, or has come to
# another state by then.
exits 0 "$AEGIS" cluster kill c n4
empty n4
exits 0 "$AEGIS" cluster up c
within 120 "n4 fetches the state" logged n4 "state installed"
[ "$(number n4 "state fetched" members)" -ge 2 ] ||
	fail "the state came from $(number n4 "state fetched" members) member"
[ "$(number n4 "state fetched" parts)" -gt 60 ] ||
	fail "the state came in $(number n4 "state fetched" parts) parts"
# Left is who is too slow for us, and nobody else.
grep 'msg="state transfer failed"' c/n4/node.log |
	grep -vF -e 'reason="no answer' -e 'reason="the member is busy' \
		-e 'reason="its link takes nothing' &&
	fail "a member was left: $(cat c/n4/node.log)"

# parts NODE: bytes of a state that are there.
parts() {
	stat -c %s "c/$1/state.sync/parts" 2>/dev/null || echo 0
}

# Killed when a part of it is there, it goes on from that.
exits 0 "$AEGIS" cluster kill c n4
caught=
for round in 1 2 3 4 5; do
	empty n4
	"$AEGIS" node run -c c/n4/aegis.yaml 2>n4.err &
	n4=$!
	started="$started $n4"
	deadline=$(($(date +%s) + 60))
	until [ "$(parts n4)" -ge $((8 * 1048576)) ] ||
	    logged n4 "state fetched"; do
		[ "$(date +%s)" -le "$deadline" ] ||
			fail "n4 has no part of the state in round $round"
	done
	kill -9 "$n4"
	wait "$n4" 2>/dev/null
	logged n4 "state fetched" || caught=$round
	[ -z "$caught" ] || break
done
[ -n "$caught" ] || fail "n4 was too fast to be killed meanwhile"
exits 0 "$AEGIS" cluster up c
within 120 "n4 fetches the rest" logged n4 "state installed"
[ "$(number n4 "state fetched" parts_kept)" -gt 4 ] ||
	fail "n4 kept $(number n4 "state fetched" parts_kept) parts"
rm go
wait "$writer"
[ ! -e lost ] || fail "a write failed meanwhile: $(cat lost)"
within 60 "n4 is level" level n4
ask n4 get "large$values" --consistency local -o value | cmp -s - value ||
	fail "n4 holds another value"
[ ! -e c/n4/state.sync/parts ] || fail "the parts are left behind"
