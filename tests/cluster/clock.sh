#!/bin/bash
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

# primary NODE: who it is, as that node has it.
primary() {
	"$AEGIS" node status --socket "c/$1/aegis.sock" -o json |
		jq -r .primary
}

# tells NODE ASKED: it has an alert about the primary, which ASKED knows.
tells() {
	proposer=$(primary "$2")
	alerted "$1" "$proposer"
}

# votes NODE ASKED: it takes proposals as others do: ASKED has its vote.
votes() {
	exits 0 ask "$2" put right again -o json
	seq=$(jq -r '.results[0].seq' out)
	"$AEGIS" consensus-inspect votes "$seq" -s "c/$2/aegis.sock" -o csv |
		grep -E "^$1,(true|false,true)"
}

exits 0 "$AEGIS" cluster init -q c
exits 0 "$AEGIS" cluster up c
exits 0 ask n3 put before "all clocks agree"

# A backup an hour behind: writes go on, and it follows them.
case $(primary n3) in
n2) late=n1 ;;
*) late=n2 ;;
esac
exits 0 "$AEGIS" cluster down c $late
up_at -1h
for i in 1 2 3 4 5; do
	exits 0 ask n3 put "k$i" "v$i"
done
exits 0 ask $late put through "the late one"
within 30 "$late follows" has $late k5 v5
# All others say nothing of a primary whose clock is right; one alone does.
within 30 "$late tells" tells $late n3
exits 4 alerted n3 "$proposer"
exits 0 "$AEGIS" node status --socket c/$late/aegis.sock
says "clock: proposals of $proposer are refused here, 3"
says " s ahead of this node's clock"
within 30 "$late logs it" grep \
	"far from this node's clock.* member=$proposer" c/$late/node.log

# With it right again there are no refusals.
exits 0 "$AEGIS" cluster down c $late
exits 0 "$AEGIS" cluster up c
within 30 "$late votes" votes $late n3
exits 4 tells $late n3

# A primary an hour ahead: it is refused and replaced, the write done.
victim=$(primary n3)
rest=$(printf 'n%s\n' 1 2 3 4 | grep -vx "$victim")
asked=$(echo "$rest" | tail -n 1)
exits 0 "$AEGIS" cluster down c "$victim"
up_at +1h
exits 0 ask "$asked" put after "a new primary"
[ "$(primary "$asked")" != "$victim" ] || fail "$victim is still the primary"
for node in $rest; do
	within 30 "$node tells" alerted "$node" "$victim"
	says "ahead of this node's clock"
done
# The agreed time did not follow it.
seconds=$("$AEGIS" node status --socket "c/$asked/aegis.sock" -o json |
	jq -r '.time | sub("\\.[0-9]+"; "") | fromdate')
now=$(date +%s)
[ $((seconds - now)) -lt 60 ] || fail "the agreed time is $((seconds - now)) s on"
