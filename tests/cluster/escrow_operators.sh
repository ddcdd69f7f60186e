#!/bin/bash
# What is in escrow comes back by operators, whose policy the roster has: no
# member's approval counts, and the members change while the request waits, so
# that its first proof is of one epoch and its latest of the next.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cluster/lib_member.sh
. "${0%/*}/lib_member.sh"

# at NODE COMMAND...: aegis escrow at that node.
at() {
	node=$1
	shift
	"$AEGIS" escrow "$@" --socket "$dir/c/$node/aegis.sock"
}

with_pass() {
	"$@" --passphrase-fd 7 7<pass
}

# ready NODE REQUEST: the cluster has shown that it waited.
ready() {
	at "$1" prove "$2" -q && at "$1" show "$2" --output json | jq -e .ready
}

# Four members, and three operators of whom two decide.
mkdir c
for n in n1 n2 n3 n4 o1; do
	newcomer $n
done
for who in olga omar otto; do
	exits 0 "$AEGIS" keygen -q -T operator -o $who
done
exits 0 "$AEGIS" roster create -n demo -o roster \
	-O olga=olga.pub -O omar=omar.pub -O otto=otto.pub \
	--policy operators=2 c/n?/member
for n in n1 n2 n3 n4; do
	exits 0 "$AEGIS" roster sign -d c/$n roster
done
for n in n1 n2 n3 n4; do
	cp roster c/$n/roster
	run $n
done
for n in n1 n2 n3 n4; do
	within 30 "$n serves" health_is $n OK
done

echo 'correct horse' >pass
for who in alice bob carol; do
	exits 0 with_pass "$AEGIS" keygen -q -t ristretto255 -C $who \
		-F sealed --work low -o $who
done
exits 0 "$AEGIS" keygen -q -t x25519 -o dora

# What opens a keyring, of a node that is not there any more.
exits 0 "$AEGIS" node init -q -D lost -n lost -l 127.0.0.1:1
exits 0 "$AEGIS" escrow init -q -k 2 -c alice.pub -c bob.pub -c carol.pub \
	--keyring lost -d 2s -r roster -o p
rm lost/keys/storage
exits 0 at n1 request p --reason 'a key file is lost' --to dora.pub -o ask \
	--output json
jq -e '.approvers == "operators" and .needed == "2" and .approved == "0"' \
	out >/dev/null || fail "request: $(cat out)"

# Members approve nothing here, and one operator is not enough.
exits 3 at n1 approve ask -d c/n1
complains "no operator's"
exits 0 at n1 approve ask -q -i olga
exits 11 with_pass at n2 submit ask -i alice -o no
complains 'approved by 1 of the operators, and it takes 2'

# The members change meanwhile.
exits 0 member n1 plan add --observer c/o1/member -o next
exits 0 "$AEGIS" member sign -q -r roster -d c/o1 next
exits 0 "$AEGIS" member sign -q -r roster -i olga -i omar next
exits 0 member n1 apply -y next
for n in n1 n2 n3 n4; do
	within 30 "$n is in the next epoch" epoch_is $n 1
done

# The second operator approves in the next epoch, and it has waited since the
# first proof, which is of the one before.
exits 0 at n3 approve ask -q -i otto
within 60 "it has waited" ready n2 ask
exits 0 member n1 export -o chain
exits 0 at n4 show ask --output json
jq -e '.approved == "2" and .approved_by == ["olga", "otto"]' out >/dev/null ||
	fail "shown is $(cat out)"
exits 0 with_pass at n2 submit ask -q -i alice -o a
# With the rosters of both epochs, and not with those of one.
exits 0 with_pass "$AEGIS" escrow submit ask -q -i carol -r chain -o c2
"$AEGIS" escrow submit ask -i bob -r roster -o no --passphrase-fd 7 7<pass \
	>out 2>err && fail "a proof of an epoch that is not known is believed"

exits 0 "$AEGIS" escrow recover ask a c2 -q -i dora -o back
exits 0 "$AEGIS" keys check -q -D lost --escrow-secret back
[ ! -e no ] || fail "a share was made that should not be"
exits 0 at n1 cancel ask
