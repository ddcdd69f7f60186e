#!/bin/sh
# A clock an hour off: in a backup it stops nobody, in a primary it has the
# primary replaced, and either way operators are told.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

fake=
for file in /usr/lib/*/faketime/libfaketime.so.1; do
	[ ! -e "$file" ] || fake=$file
done
[ -n "$fake" ] || skip "no libfaketime (Debian: faketime)"
! ldd "$AEGIS" | grep -Eq 'lib[at]san' ||
	skip "a sanitizer and libfaketime cannot both be preloaded first"

# up_at OFFSET: start what does not run, with a wall clock that far off.
up_at() {
	exits 0 env LD_PRELOAD="$fake" FAKETIME="$1" \
		FAKETIME_DONT_FAKE_MONOTONIC=1 "$AEGIS" cluster up c
}

# alerted NODE MEMBER: the node has an alert about the member's clock; 4: none.
alerted() {
	curl -sS --unix-socket "c/$1/aegis.sock" http://node/v1/alerts |
		jq -e --arg of "$2" '.alerts[] |
			select(.name == "clock_differs" and .node == $of)'
}

exits 0 "$AEGIS" cluster init -q c
exits 0 "$AEGIS" cluster up c
exits 0 ask n3 put before "all clocks agree"

# A backup an hour behind: writes go on, and it follows them.
exits 0 "$AEGIS" cluster down c n2
up_at -1h
for i in 1 2 3 4 5; do
	exits 0 ask n3 put "k$i" "v$i"
done
exits 0 ask n2 put through "the late one"
within 10 "n2 follows" has n2 k5 v5
# All others say nothing of a primary whose clock is right; n2 alone does.
within 10 "n2 tells" alerted n2 n1
exits 4 alerted n3 n1
exits 0 "$AEGIS" node status --socket c/n2/aegis.sock
says "clock: proposals of n1 are refused here, 3"
says " s ahead of this node's clock"
within 10 "n2 logs it" grep "far from this node's clock.* member=n1" \
	c/n2/node.log

# With it right again there are no refusals.
exits 0 "$AEGIS" cluster down c n2
exits 0 "$AEGIS" cluster up c
exits 0 ask n3 put right "again"
exits 4 alerted n2 n1

# A primary an hour ahead: it is refused and replaced, the write done.
primary=$("$AEGIS" node status --socket c/n3/aegis.sock -o json |
	jq -r .primary)
[ "$primary" = n1 ] || fail "the primary is $primary"
exits 0 "$AEGIS" cluster down c n1
up_at +1h
exits 0 ask n3 put after "a new primary"
primary=$("$AEGIS" node status --socket c/n3/aegis.sock -o json |
	jq -r .primary)
[ "$primary" != n1 ] || fail "n1 is still the primary"
for node in n2 n3 n4; do
	within 10 "$node tells" alerted "$node" n1
	says "ahead of this node's clock"
done
# The agreed time did not follow it.
seconds=$("$AEGIS" node status --socket c/n3/aegis.sock -o json |
	jq -r '.time | sub("\\.[0-9]+"; "") | fromdate')
now=$(date +%s)
[ $((seconds - now)) -lt 60 ] || fail "the agreed time is $((seconds - now)) s on"
