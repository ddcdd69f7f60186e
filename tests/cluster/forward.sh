#!/bin/bash
# Who records the links, and gets every long-term key of every node later, reads
# nothing: session keys come from ephemeral ones.  What the attack is worth it
# shows on a session of its own, whose ephemeral secret it has kept.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cluster/lib_member.sh
. "${0%/*}/lib_member.sh"

# shellcheck disable=SC2154 # lib.sh has it
forward() {
	python3 "$top/tests/cluster/forward.py" "$@"
}
nodes='n1 n2 n3 n4'
mark=marked-$(head -c 30 /dev/urandom | base64 | tr -d '+/=')
user=probe-$(head -c 30 /dev/urandom | base64 | tr -d '+/=')

exits 0 "$AEGIS" cluster init -q c
behind=$(ports 4)
pairs=
for node in $nodes; do
	front=$(sed -n 's/^  listen: 127.0.0.1:\([0-9]*\)$/\1/p' "c/$node/aegis.yaml")
	[ "$node" != n1 ] || probed=$front
	sed -i "s/^  listen: 127.0.0.1:.*/  listen: 127.0.0.1:$behind/" \
		"c/$node/aegis.yaml"
	pairs="$pairs $front:$behind"
	behind=$((behind + 1))
done
mkdir record
# shellcheck disable=SC2086 # a list
forward relay record $pairs >relay.out &
started=$!
within 20 "it relays" grep -q ready relay.out

for node in $nodes; do
	run "$node"
done
within 30 "all are well" health_is n1 OK
# With the first link keys, and with others.
for i in $(seq 40); do
	exits 0 ask n1 put "key-$i" "$mark-$i" -q
done
exits 0 "$AEGIS" node rotate-link-key -q -s c/n2/aegis.sock
within 20 "its sessions are new" grep -q 'link key replaced.*peer=n2' \
	c/n3/node.log
for i in $(seq 40 80); do
	exits 0 ask n2 put "key-$i" "$mark-$i" -q
done
# Links went through the relay and no other way.
for node in $nodes; do
	within 20 "$node has it" has "$node" key-80 "$mark-80"
	! grep -qs "listen: 127.0.0.1:$probed" "c/$node/aegis.yaml" ||
		fail "$node listens where the relay does"
done
exits 0 forward probe "$probed" "$user" kept
for node in $nodes; do
	stop "$node" TERM
done

# The keys are all there: those of nodes and links, and of what is at rest.
for node in $nodes; do
	for key in node link storage; do
		[ -s "c/$node/keys/$key" ] || fail "$node has no $key"
	done
done
exits 0 forward attack record "$user" kept "$mark" c
grep -q 'nothing is read' out || fail "the attack says: $(cat out)"

# It finds what there is to be found: a session whose ephemeral key is among
# the long-term ones, and a mark that stands in the record.
cp kept c/n4/keys/taken
exits 1 forward attack record "$user" kept "$mark" c
complains "a long-term key took part in an exchange"
rm c/n4/keys/taken
printf %s "$mark" | base64 >>record/0001.client
exits 1 forward attack record "$user" kept "$mark" c
complains "is in the record"
