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
misused "$AEGIS" roster member -n N1 -a 127.0.0.1:1 -i node1 -l link1.pub -o x
misused "$AEGIS" roster member -n n1 -a 127.0.0.1 -i node1 -l link1.pub -o x
exits 3 "$AEGIS" roster member -n n1 -a h:1 -i node1 -l link1.pub -o m1
complains "exists already"

# Two or three tolerate nothing, and no part may be there twice.
misused "$AEGIS" roster create -n demo -o roster m1 m2 m3
complains "3 members tolerate no fault"
exits 3 "$AEGIS" roster create -n demo -o roster m1 m2 m3 m1
complains "another member has the same name"
misused "$AEGIS" roster create -n demo -o roster --strategy paxos m1 m2 m3 m4
complains "known: pbft, raft"
# Where members only crash three are enough, and the others are too few.
misused "$AEGIS" roster create -n demo -o roster --strategy raft m1 m2
complains "2 members tolerate no fault: a cluster of strategy raft"
exits 0 "$AEGIS" roster create -n demo -o raft --strategy raft m1 m2 m3
complains "3 members: a quorum is 2, 1 may fail, none may lie"
exits 0 "$AEGIS" roster show raft
says "strategy  raft"
says "tolerates 1 of 3, quorum 2"
misused "$AEGIS" cluster init --strategy paxos trial
complains "known: pbft, raft"
misused "$AEGIS" cluster init --strategy raft --nodes 2 trial
complains "2 members tolerate no fault"
misused "$AEGIS" cluster init --nodes 3 trial
complains "3 members tolerate no fault"
[ ! -e trial ] || fail "a refused init made a cluster"
exits 0 "$AEGIS" cluster init --strategy raft trial
says "3 nodes, tolerates 1 crashed"
misused "$AEGIS" roster create -n Demo -o roster m1 m2 m3 m4
misused "$AEGIS" roster create -n demo -o roster -O alice m1 m2 m3 m4
complains "expected NAME=FILE"
exits 3 "$AEGIS" roster create -n demo -o roster -O alice=none m1 m2 m3 m4
complains "open none"
# shellcheck disable=SC2046 # 33 words
misused "$AEGIS" roster create -n demo -o roster $(yes m1 | head -33)
complains "33 members are too many"
[ ! -e roster ] || fail "a refused create made a roster"

# Signing in turn, and on copies.
exits 0 "$AEGIS" roster create -n demo -o roster -O alice=alice.pub m1 m2 m3 m4
complains "a quorum is 3, 1 may fail"
exits 8 "$AEGIS" roster verify roster
complains "missing: n1 n2 n3 n4"
exits 8 "$AEGIS" roster verify roster -o json
grep -q '"complete":false,.*"signed":false' out || fail "verify: $(cat out)"
grep -q '"exit":8' err || fail "verify says no exit: $(cat err)"
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
exits 0 "$AEGIS" roster verify full -o json
grep -q '"complete":true,.*"signed":true' out || fail "verify: $(cat out)"
exits 0 "$AEGIS" roster verify full -q
silent
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

# Who only follows stands behind, is not counted, and signs too.
misused "$AEGIS" roster member -r boss -n o1 -a h:1 -i node1 -l link1.pub -o x
complains "known: member, observer"
exits 0 "$AEGIS" roster member -q -r observer -n n4 -a 127.0.0.1:7004 \
	-i node4 -l link4.pub -o o4
grep -q '^    role observer$' o4 || fail "part: $(cat o4)"
misused "$AEGIS" roster create -n demo -o few m1 m2 m3 o4
complains "3 members tolerate no fault"
exits 0 "$AEGIS" keygen -q -T node -o node5
exits 0 "$AEGIS" keygen -q -T link -o link5
exits 0 "$AEGIS" roster member -q -r observer -n o5 -a 127.0.0.1:7005 \
	-i node5 -l link5.pub -o o5
exits 0 "$AEGIS" roster create -n demo -o followed o5 m1 m2 m3 m4
complains "1 more follows without a vote"
exits 3 "$AEGIS" roster create -n demo --strategy raft -o raft5 \
	m1 m2 m3 m4 o5
complains "strategy raft has no observers"
exits 0 "$AEGIS" roster show followed -o json
jq -e '.n == 4 and .f == 1 and .quorum == 3 and .observers == 1 and
	.members[4].name == "o5" and .members[4].role == "observer"' \
	out >/dev/null || fail "show: $(cat out)"
for i in 1 2 3 4; do
	exits 0 "$AEGIS" roster sign -q -i "node$i" followed
done
exits 8 "$AEGIS" roster verify followed
complains "missing: o5"
exits 0 "$AEGIS" roster sign -q -i node5 followed
exits 0 "$AEGIS" roster verify followed
says "all 4 members and 1 observers have signed"
sed 's/^    role observer/    role member/' followed >bad
exits 8 "$AEGIS" roster verify bad

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

# A data directory whose keys have a passphrase.
exits 0 "$AEGIS" node init -D sealed --name n9 --listen 127.0.0.1:7009
ssh-keygen -q -p -N 'open sesame' -f sealed/keys/node >/dev/null ||
	fail "ssh-keygen can not encrypt the node key"
echo 'open sesame' >word
"$AEGIS" roster member -n n9 -a 127.0.0.1:7009 -d sealed -o m9 \
	--passphrase-fd 3 3<word 2>err || fail "member: $(cat err)"
cmp -s m9 sealed/member || fail "the parts of one member differ"
exit 0
