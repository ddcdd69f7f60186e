#!/bin/sh
# aegis roster: from four members' parts to a roster all have signed.
set -u
# shellcheck source=tests/cli/lib.sh
. "${0%/*}/lib.sh"

# Refusals first, and nothing made.
misused "$AEGIS" roster
misused "$AEGIS" roster create -n demo m1
misused "$AEGIS" roster member -n n1 -a 127.0.0.1:7001 -o m1
misused "$AEGIS" roster sign roster
misused "$AEGIS" roster verify
exits 3 "$AEGIS" roster show nowhere
complains "nowhere"
[ ! -e m1 ] || fail "a refused command made something"

for i in 1 2 3 4; do
	"$AEGIS" keygen -q -T node -o "node$i" || fail "keygen"
	"$AEGIS" keygen -q -T link -o "link$i" || fail "keygen"
	exits 0 "$AEGIS" roster member -n "n$i" -a "127.0.0.1:700$i" \
		-i "node$i" -l "link$i.pub" -o "m$i"
	silent
done
"$AEGIS" keygen -q -T operator -o alice || fail "keygen"
exits 3 "$AEGIS" roster member -n N1 -a 127.0.0.1:1 -i node1 -l link1.pub -o x
exits 3 "$AEGIS" roster member -n n1 -a 127.0.0.1 -i node1 -l link1.pub -o x
exits 3 "$AEGIS" roster member -n n1 -a h:1 -i node1 -l link1.pub -o m1
complains "exists already"

# Two or three tolerate nothing, and no part may be there twice.
exits 3 "$AEGIS" roster create -n demo -o roster m1 m2 m3
complains "3 members tolerate no fault"
exits 3 "$AEGIS" roster create -n demo -o roster m1 m2 m3 m1
complains "another member has the same name"
exits 3 "$AEGIS" roster create -n demo -o roster --strategy paxos m1 m2 m3 m4
complains "known: pbft"
[ ! -e roster ] || fail "a refused create made a roster"

# Signing in turn, and on copies.
exits 0 "$AEGIS" roster create -n demo -o roster -O alice=alice.pub m1 m2 m3 m4
complains "a quorum is 3, 1 may fail"
exits 8 "$AEGIS" roster verify roster
complains "missing: n1 n2 n3 n4"
exits 3 "$AEGIS" roster sign -i alice roster
complains "no member's node key"
exits 3 "$AEGIS" roster sign -i link1 roster
complains "its node key is wanted"
cp roster copy
exits 0 "$AEGIS" roster sign -i node1 roster
exits 0 "$AEGIS" roster sign -i node2 roster
exits 0 "$AEGIS" roster sign -i node3 copy
exits 0 "$AEGIS" roster sign -i node4 copy
complains "missing: n1 n2"
exits 0 "$AEGIS" roster merge -o full roster copy
exits 0 "$AEGIS" roster verify full
says "all 4 members have signed"
exits 0 "$AEGIS" roster sign -i node1 full
exits 0 "$AEGIS" roster verify full

# Shown for people and for programs.
exits 0 "$AEGIS" roster show full
says "tolerates 1 of 4, quorum 3"
if command -v jq >/dev/null; then
	exits 0 "$AEGIS" roster show full -o json
	[ "$(jq -r '.complete, .members[3].name, .operators[0].name' out |
		tr '\n' ' ')" = "true n4 alice " ] || fail "json: $(cat out)"
fi
exits 0 "$AEGIS" roster show full -o value
[ "$(tr '\n' ' ' <out)" = "n1 n2 n3 n4 " ] || fail "value: $(cat out)"

# Whatever is changed is found out, with its place.
sed 's/127.0.0.1:7003/127.0.0.1:7009/' full >bad
exits 8 "$AEGIS" roster verify bad
complains "bad:"
sed 's/^epoch 0/epoch zero/' full >bad
exits 3 "$AEGIS" roster verify bad
complains "bad:4:7: expected a decimal number"
sed 's/^aegis-roster 1/aegis-roster 9/' full >bad
exits 3 "$AEGIS" roster verify bad
head -c 900 full >bad
exits 3 "$AEGIS" roster verify bad
exit 0
