#!/bin/sh
# aegis member: a successor planned, signed on copies and joined, without a
# node; what needs one is in tests/cluster/member.sh.
set -u
# shellcheck source=tests/cli/lib.sh
. "${0%/*}/lib.sh"

misused "$AEGIS" member
misused "$AEGIS" member plan add m5 -r roster
misused "$AEGIS" member plan leave n1 -o next -r roster
misused "$AEGIS" member plan replace n1 -o next -r roster
misused "$AEGIS" member sign next -r roster
misused "$AEGIS" member merge next
misused "$AEGIS" member export
misused "$AEGIS" member add
misused "$AEGIS" member replace n1

for i in 1 2 3 4 5 6; do
	"$AEGIS" keygen -q -T node -o "node$i" || fail "keygen"
	"$AEGIS" keygen -q -T link -o "link$i" || fail "keygen"
	exits 0 "$AEGIS" roster member -q -n "n$i" -a "127.0.0.1:700$i" \
		-i "node$i" -l "link$i.pub" -o "m$i"
done
for name in alice bob carol; do
	"$AEGIS" keygen -q -T operator -o "$name" || fail "keygen"
done

# The policy is in the first roster or never.
misused "$AEGIS" roster create -n demo -o roster --policy operators=1 \
	m1 m2 m3 m4
complains "policy 'operators=1': expected operators=N"
misused "$AEGIS" roster create -n demo -o roster -O alice=alice.pub \
	--policy members=1 m1 m2 m3 m4
exits 0 "$AEGIS" roster create -q -n demo -o roster -O alice=alice.pub \
	-O bob=bob.pub --policy operators=2 m1 m2 m3 m4
for i in 1 2 3 4; do
	exits 0 "$AEGIS" roster sign -q -i "node$i" roster
done
exits 0 "$AEGIS" roster verify roster
exits 0 "$AEGIS" roster show roster
says "changes   2 of 2 operators approve"

# What it means is told; rules are kept.
exits 0 "$AEGIS" member plan add m5 -r roster -o next --output json
jq -e '.change == "add" and .member == "n5" and .epoch == "1" and
	.n_before == "4" and .n == "5" and .f == "1" and .quorum == "4" and
	.approved == "0" and .needed == "2" and .approvers == "operators" and
	.must_sign == ["n5"] and .complete == false' out >/dev/null ||
	fail "plan: $(cat out)"
complains "5 members tolerate no more than 4 did: 7 tolerate 2"
exits 3 "$AEGIS" member plan add m5 -r roster -o next
complains "next: "
exits 11 "$AEGIS" member plan rm n4 -r roster -o no
complains "3 members would be left"
exits 1 "$AEGIS" member plan rm n9 -r roster -o no
exits 11 "$AEGIS" member plan add m1 -r roster -o no
complains "another member has the same name"
[ ! -e no ] || fail "a refused plan made something"

# Signatures on copies, joined; a key that has no say is told so.
cp next next.alice
cp next next.n5
exits 3 "$AEGIS" member sign next -r roster -i carol
complains "this key has nothing to sign here"
exits 3 "$AEGIS" member sign next -r roster -i node1
exits 0 "$AEGIS" member sign next -r roster -i bob
exits 0 "$AEGIS" member sign next.alice -r roster -i alice
exits 0 "$AEGIS" member sign next.n5 -r roster -i node5
exits 0 "$AEGIS" member merge next next.alice next.n5 -o joined
exits 0 "$AEGIS" member show joined -r roster --output json
jq -e '.approved == "2" and .complete == true' out >/dev/null ||
	fail "show: $(cat out)"
exits 0 "$AEGIS" roster show joined
says "successor of epoch 0, approved by 2"

# Another successor is no copy, and one alone is no roster to trust.
exits 0 "$AEGIS" member plan add m6 -q -r roster -o other
exits 10 "$AEGIS" member merge next other -o no
complains "other: it is another successor"
exits 8 "$AEGIS" member show joined -r joined
complains "a successor alone proves nothing"

# An observer changes no number, and is promoted when it consents itself.
misused "$AEGIS" member plan rm n4 --observer -r roster -o no
complains "--observer goes with add"
misused "$AEGIS" member plan promote -r roster -o no
exits 0 "$AEGIS" member plan add m5 --observer -r roster -o follows \
	--output json
jq -e '.change == "add" and .role == "observer" and .n_before == "4" and
	.n == "4" and .f == "1" and .quorum == "3" and
	.must_sign == ["n5"]' out >/dev/null || fail "plan: $(cat out)"
complains "an observer has no vote: 4 members tolerate 1, and a quorum is 3"
exits 11 "$AEGIS" member plan promote n1 -r roster -o no
complains "n1 votes already"
exits 1 "$AEGIS" member plan promote n9 -r roster -o no

# A byte changed is found out.
sed 's/127.0.0.1:7005/127.0.0.1:7009/' joined >changed
exits 8 "$AEGIS" member show changed -r roster
