#!/bin/bash
# A request for what is in escrow goes through a cluster: it is alerted of and
# listed at every node, approved by operators, waits by agreed time whatever
# the requester's clock says, and can be cancelled.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

# at NODE COMMAND...: aegis escrow at that node.
at() {
	node=$1
	shift
	"$AEGIS" escrow "$@" --socket "$dir/c/$node/aegis.sock"
}

with_pass() {
	"$@" --passphrase-fd 7 7<pass
}

# alerted NODE; 4: it is not.
alerted() {
	curl -sS --unix-socket "c/$1/aegis.sock" http://node/v1/alerts |
		jq -e '.alerts[] | select(.name == "escrow_request")'
}

calm() {
	! alerted "$1"
}

# ready NODE REQUEST: the cluster has shown that it waited.
ready() {
	at "$1" prove "$2" --output json | jq -e '.until != null' &&
		at "$1" show "$2" --output json | jq -e .ready
}

exits 0 "$AEGIS" cluster init -q c
exits 0 "$AEGIS" cluster up c
echo 'correct horse' >pass
for who in alice bob carol; do
	exits 0 with_pass "$AEGIS" keygen -q -t ristretto255 -C $who -o $who
done
exits 0 "$AEGIS" keygen -q -t x25519 -o dora
exits 0 "$AEGIS" keygen -q -T operator -o stranger
(umask 077 && head -c 32 /dev/urandom >root)
exits 0 "$AEGIS" escrow init -q -k 2 -c alice.pub -c bob.pub -c carol.pub \
	-s root -d 3s -r c/roster -o p
exits 0 "$AEGIS" escrow check p
says 'delay     3 s at least'
exits 4 alerted n1

# Put there, and seen by all who could say no.
exits 0 at n1 request p --reason 'n2 burnt' --to dora.pub -o ask \
	--output json
jq -e '.ready == false and .since != null and .approvers == "members" and
	.needed == "3" and .approved == "0"' out >/dev/null ||
	fail "request: $(cat out)"
id=$(jq -r .id out)
for node in n1 n2 n3 n4; do
	within 30 "$node alerts" alerted $node
	says 'aegis escrow list'
	within 30 "$node lists it" at $node list -o value
	says "$id"
done

# Before it has waited, and before enough have approved, nobody answers.
exits 11 with_pass at n2 submit ask -i alice -o a
complains 'approved by 0 of the members, and it takes 3'
exits 3 at n1 approve ask -i stranger
complains "no member's"
cp ask copy
exits 0 at n1 approve ask -q -d c/n1 -d c/n2
exits 0 at n3 approve copy -q -d c/n4
exits 3 at n1 approve ask -d c/n1
complains 'has approved already'
exits 0 "$AEGIS" escrow merge ask copy -o joined
exits 0 at n2 show joined -o json
jq -e '.approved == "3" and .approved_by == ["n1", "n2", "n4"]' out \
	>/dev/null || fail "merged: $(cat out)"
mv joined ask

# Agreed time passes; no other does.
within 60 "it waits no longer" ready n3 ask
exits 0 with_pass at n2 submit ask -i alice -o a
exits 0 with_pass at n4 submit ask -i carol -o c2
exits 0 "$AEGIS" escrow recover ask a c2 -i dora -o back
cmp -s root back || fail "it is not what was put in"

# The file alone convinces who has the rosters and reaches no node.
exits 0 "$AEGIS" member export --socket c/n1/aegis.sock -o chain
exits 0 with_pass "$AEGIS" escrow submit ask -i bob -r chain -o b
exits 0 "$AEGIS" escrow recover ask a b -i dora -o back -f
cmp -s root back || fail "another two recover something else"

# What was approved and proved is the request and no other.
python3 - <<'END'
data = bytearray(open("ask", "rb").read())
at = data.index(b"n2 burnt")
data[at] = ord("m")
open("changed", "wb").write(data)
END
exits 11 with_pass "$AEGIS" escrow submit changed -i bob -r chain -o no
complains 'approved by 0 of the members'
exits 0 "$AEGIS" cluster init -q d
exits 10 with_pass "$AEGIS" escrow submit ask -i bob -r d/roster -o no
complains 'the package is of another cluster'

# Cancelled: the alert ends, and nobody answers any more.
exits 0 at n4 cancel "$id"
for node in n1 n2; do
	within 30 "$node is calm" calm $node
done
exits 11 with_pass at n2 submit ask -i bob -o no
complains 'cancelled'
exits 11 at n1 prove ask
exits 1 at n1 cancel ask

# Put back it begins anew: the first proof does not count with a later one.
exits 0 ask n1 put "escrow/requests/$id" --if-version 0 -f /dev/null
exits 11 at n1 prove ask
complains 'is not this request, or was changed'
exits 0 at n1 cancel "$id"
[ ! -e no ] || fail "a share was made that should not be"

# A requester whose clock is wrong by years gains nothing.
fake=
for file in /usr/lib/*/faketime/libfaketime.so.1; do
	[ ! -e "$file" ] || fake=$file
done
if [ -n "$fake" ] && ! ldd "$AEGIS" | grep -Eq 'lib[at]san'; then
	exits 0 env LD_PRELOAD="$fake" FAKETIME='-3650d' \
		FAKETIME_DONT_FAKE_MONOTONIC=1 "$AEGIS" escrow request p \
		--reason early --to dora.pub -d 1h -o early \
		--socket c/n1/aegis.sock
	exits 0 at n1 approve early -q -d c/n1 -d c/n2 -d c/n3
	exits 11 with_pass at n1 submit early -i alice -o no
	complains 'still to wait'
	# By a custodian's own clock alone it would.
	exits 0 with_pass at n1 submit early -i alice -o believed --offline
	exits 0 at n1 cancel early
fi

# Without the cluster a request is written, and goes on when there is one.
exits 0 "$AEGIS" cluster down -q c
exits 5 at n1 request p --reason later --to dora.pub -o late
exits 5 at n1 request p --reason later --to dora.pub -o late -f -r c/roster
complains 'aegis escrow prove late'
exits 0 "$AEGIS" cluster up c
within 60 "it goes on" at n1 prove late -q
within 30 "it is listed" at n2 list -o csv
says later

# A rehearsal is the same, and no alert less.
exits 0 "$AEGIS" escrow rehearse p -q -o drill
exits 0 at n1 request drill --reason 'quarterly rehearsal' --to dora.pub \
	-o drillask --output json
jq -e .rehearsal out >/dev/null || fail "rehearsal: $(cat out)"
