#!/bin/bash
# Link keys are replaced while the cluster serves: with nobody cut off, by
# those who sleep too, by age, after a directory came back older, and of one
# that learns by its new key that it was removed.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cluster/lib_member.sh
. "${0%/*}/lib_member.sh"

process_n4='' process_n5='' # set by run

# replace NODE: it has a new key, whose serial is in $serial.
replace() {
	exits 0 "$AEGIS" node rotate-link-key -s "c/$1/aegis.sock" -o value
	serial=$(cat out)
	[ "$serial" -gt 1700000000000 ] || fail "$1 has serial $serial"
}

# known NODE MEMBER SERIAL: that is the newest key NODE knows of MEMBER.
known() {
	[ "$(status "$1" | jq -r --arg name "$2" \
	    '.members[] | select(.name == $name).link_serial')" = "$3" ]
}

# shown_of NODE MEMBER: the fingerprint it has of the key.
shown_of() {
	status "$1" | jq -r --arg name "$2" \
	    '.members[] | select(.name == $name).link_fingerprint'
}

says() {
	grep -q "$2" "c/$1/node.log"
}

differ() {
	! cmp -s "$1" "$2"
}

renewed() {
	[ "$(curl -sS --unix-socket "c/$1/aegis.sock" http://node/metrics |
	    awk '/^aegis_net_link_renewals_total/ { print $2 }')" -ge "$2" ]
}

exits 0 "$AEGIS" cluster init -q -n 5 c
often n1 n2 n3 n4 n5
for node in n1 n2 n3 n4 n5; do
	run $node
done
within 30 "all are well" health_is n1 OK
within 30 "all are well" health_is n2 OK

# While clients write, and nobody is cut off.
writer load n1 &
writing=$!
started="$started $writing"
within 20 "it writes" test -s load.done
views=$(status n1 | jq -r .view)
replace n2
fingerprint=$(ssh-keygen -lf c/n2/keys/link | cut -d ' ' -f 2)
for node in n1 n2 n3 n4 n5; do
	within 20 "$node knows it" known $node n2 "$serial"
	[ "$(shown_of $node n2)" = "$fingerprint" ] ||
		fail "$node shows another key than $fingerprint"
done
replace n1
within 20 "n5 knows n1's" known n5 n1 "$serial"
within 20 "n1's sessions are replaced" renewed n1 4
touch stop
wait "$writing"
nothing_lost n3
[ "$(status n1 | jq -r .view)" = "$views" ] || fail "the view has changed"
! grep -h 'msg="link down"' c/n*/node.log || fail "a link went down"

# Who sleeps through two of them finds in, and knows them after a restart.
stop n4 9
replace n1
replace n1
run n4
within 30 "n4 is well" health_is n4 OK
within 20 "n4 knows it" known n4 n1 "$serial"
stop n4 TERM
run n4
within 30 "n4 is well again" health_is n4 OK
known n4 n1 "$serial" || fail "n4 has forgotten"

# An older directory's key opens nothing; one that it makes does.
cp -a c/n3/keys keys
replace n3
within 20 "n4 knows it" known n4 n3 "$serial"
stop n3 TERM
cp -a keys/link keys/link.pub c/n3/keys
rm c/n3/keys/link.certificate
run n3
within 30 "n3 says so" says n3 "does not accept our link key"
within 20 "so do others" says n1 "host key at .* is not the one its cert"
replace n3
within 40 "n3 is well" health_is n3 OK
within 20 "n1 knows it" known n1 n3 "$serial"

# What could not be kept is kept as soon as that is possible.
mkdir c/n4/keys/peers.new
replace n3
within 20 "n4 says so" says n4 "a member's link key is not kept"
cp c/n4/keys/peers peers
rmdir c/n4/keys/peers.new
within 20 "n4 keeps it" differ c/n4/keys/peers peers

# By its age, when it starts; one that can not be replaced stays.
stop n5 TERM
touch -d '31 days ago' c/n5/keys/link
mkdir c/n5/keys/link.next
run n5
within 30 "n5 is well" health_is n5 OK
says n5 "the link key is old and stays" || fail "n5 does not say so"
stop n5 TERM
rmdir c/n5/keys/link.next
touch -d '31 days ago' c/n5/keys/link
run n5
within 30 "n5 is well" health_is n5 OK
[ -s c/n5/keys/link.certificate ] || fail "n5 has kept its old key"
within 20 "n1 knows it" known n1 n5 "$(status n5 | jq -r \
    '.members[] | select(.name == "n5").link_serial')"

# A passphrase is not kept: it is replaced at a start alone.
stop n4 TERM
ssh-keygen -q -p -P '' -N 'open sesame' -f c/n4/keys/link >/dev/null
echo 'open sesame' >word
"$AEGIS" node run -c c/n4/aegis.yaml --passphrase-fd 3 3<word >c/n4/out 2>&1 &
process_n4=$!
started="$started $process_n4"
within 30 "n4 is well" health_is n4 OK
exits 3 "$AEGIS" node rotate-link-key -s c/n4/aegis.sock
complains "it has a passphrase, which a running node does not keep"

# Removed while it sleeps, with a key that no roster has.
stop n5 9
signers=
for node in n1 n2 n3 n4; do
	signers="$signers -d c/$node"
done
# shellcheck disable=SC2086 # a list
exits 0 member n1 rm n5 -y $signers
for node in n1 n2 n3 n4; do
	within 30 "$node is at epoch 1" epoch_is $node 1
done
run n5
wait "$process_n5"
code=$?
[ $code = 4 ] || fail "n5 ended with $code: $(cat c/n5/out)"
grep -q "removed at epoch 1" c/n5/out || fail "n5 does not say why"
