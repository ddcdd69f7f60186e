#!/bin/bash
# Key epochs of a real cluster: begun under load, by an order that enough have
# signed; a member that slept through three; what was sealed is sealed again,
# keys go, and nothing else does.  A backup from before comes back after, and
# a member that goes begins an epoch.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck disable=SC2034 # lib_trial.sh reads it
room=500000
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

# keys NODE ARGUMENT...: aegis keys at that node.
keys() {
	node=$1
	shift
	"$AEGIS" keys "$@" -s "$dir/c/$node/aegis.sock"
}

# is NODE JQ: its key epochs are so.
is() {
	keys "$1" status -o json | jq -e "$2" >/dev/null
}

# all JQ: at every node.
# shellcheck disable=SC2317,SC2329 # called by within
all() {
	for each in n1 n2 n3 n4; do
		is "$each" "$1" || return 1
	done
}

# rotate ARGUMENT...: signed by three.
rotate() {
	exits 0 keys n1 rotate "$@" -d c/n1 -d c/n2 -d c/n3
}

# epochs_of NODE: of the values in its state, as the file has them.
epochs_of() {
	python3 - "c/$1/state/state.db" <<-'PY'
	import sqlite3, sys
	db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
	rows = db.execute("SELECT DISTINCT hex(substr(value, 1, 4)) FROM kv")
	print(*sorted(int.from_bytes(bytes.fromhex(r[0]), "little")
	              for r in rows))
	PY
}

# log_epochs_of NODE: of the records in its log.
log_epochs_of() {
	python3 - "c/$1/log" <<-'PY'
	import glob, struct, sys
	found = set()
	for path in glob.glob(sys.argv[1] + "/wal-*.log"):
	    data, at = open(path, "rb").read(), 96
	    while at + 36 <= len(data):
	        size = struct.unpack_from("<I", data, at)[0]
	        if size < 44:
	            break
	        found.add(struct.unpack_from("<I", data, at + 32)[0])
	        at += (32 + size + 31) // 32 * 32
	print(*sorted(found))
	PY
}

# backup: of the state as it is.
backup() {
	exits 0 "$AEGIS" backup create -q -R repo -r key.pub \
		--roster c/roster -s c/n1/aegis.sock
}

# load: writes, each acknowledged, until the file "stop" is there.
load() {
	i=0
	until [ -e stop ]; do
		i=$((i + 1))
		ask n1 put -q "l$((i % 50))" "$i" || exit 1
		echo "$i" >written
	done
}

# roots_are_equal: at one checkpoint all nodes have the same state.
# shellcheck disable=SC2317,SC2329 # called by within
roots_are_equal() {
	for each in n1 n2 n3 n4; do
		"$AEGIS" node status -s "c/$each/aegis.sock" -o json |
			jq -r '"\(.stable) \(.stable_digest)"'
	done >digests
	[ "$(sort -u digests | wc -l)" = 1 ]
}

# gives KEY VALUE: the node of AEGIS_SOCKET has it.
# shellcheck disable=SC2317,SC2329 # called by within
gives() {
	[ "$("$AEGIS" kv get "$1" -o value)" = "$2" ]
}

# is_at EPOCH: and seals with that epoch's key.
# shellcheck disable=SC2317,SC2329 # called by within
is_at() {
	[ "$("$AEGIS" keys status -o json | jq -r .active)" = "$1" ]
}

# restore BACKUP KEY VALUE EPOCH: to a cluster of one, which then has the value
# and is at that epoch with a keyring of its own.
restore() {
	rm -rf base new
	exits 0 "$AEGIS" backup restore -R repo "$1" -i key \
		--roster c/roster --to base -q
	mkdir new
	cp -r c/n1/keys new/
	exits 0 "$AEGIS" keys create -q -D new -n n1
	cat >new/aegis.yaml <<-YAML
	node:
	  name: n1
	  data_dir: $dir/new
	api:
	  socket: aegis.sock
	YAML
	rm -f roster n1.member
	exits 0 "$AEGIS" roster member -n n1 -a "127.0.0.1:$(ports 1)" \
		-d new -o n1.member
	exits 0 "$AEGIS" roster create -n again --restored base/restored \
		-o roster n1.member
	exits 0 "$AEGIS" roster sign -d new roster
	cp roster new/roster
	cp -r base/state new/
	"$AEGIS" node run -c new/aegis.yaml >new.out 2>&1 &
	one=$!
	started="$started $one"
	export AEGIS_SOCKET="$dir/new/aegis.sock"
	within 30 "the restored node has $2" gives "$2" "$3"
	within 30 "it seals with $4" is_at "$4"
	unset AEGIS_SOCKET
	kill "$one"
	within 30 "it ends" ended "$one"
}

exits 0 "$AEGIS" cluster init -q c
hurry n1 n2 n3 n4
exits 0 "$AEGIS" cluster up -q c
for i in $(seq 300); do
	printf 'a value of key %d\n' "$i"
done >values
for i in $(seq 40); do
	exits 0 ask n1 put -q "k$i" "$(sed -n "${i}p" values)"
done
exits 0 keys n1 status -o json
says '"agreed":"1"'
says '"active":"1"'

# Too few signatures change nothing; a second order after the first neither.
exits 4 keys n1 rotate -d c/n1 -d c/n2
complains '2 of the members approved the order, and it takes 3'
exits 0 keys n1 rotate --order-file order -d c/n1
exits 0 keys n2 sign order -d c/n2 -d c/n3
complains 'to sign: begin the next key epoch'

# Who is shown another cluster's order does not sign it.
"$AEGIS" keys status -D c/n1 -o json | jq -r .cluster_id >id
python3 - <<-'PY'
	order, name = open("order", "rb").read(), bytes.fromhex(open("id").read())
	open("foreign", "wb").write(order.replace(name, name[::-1]))
PY
cp foreign before
exits 10 keys n2 sign foreign -d c/n4
complains 'foreign: the order is for another cluster than'
cmp foreign before || fail "another cluster's order was signed"

# The backup from before the first rotation.
exits 0 "$AEGIS" keygen -q -T backup -o key
backup

# Under load, and with a member away.
exits 0 "$AEGIS" cluster down -q c n4
load &
loader=$!
started="$started $loader"
within 20 "the load begins" test -e written
exits 0 keys n3 apply order
exits 10 keys n3 apply order
exits 10 keys n3 sign order -d c/n1
complains 'order: another decision on key epochs came first'
for epoch in 2 3 4; do
	within 30 "epoch $epoch begins" is n1 ".active == \"$epoch\""
	[ "$epoch" = 4 ] || rotate --reason "to $((epoch + 1))"
done
is n1 '.reason == "to 4" and .cause == "order"' || fail "$(keys n1 status)"

# Who slept makes the one that it needs, and no other.  What an earlier start
# has left of a fetch keeps no key for ever.
mkdir -p c/n4/state.sync
echo part >c/n4/state.sync/part
exits 0 "$AEGIS" cluster up -q --any c
within 60 "n4 seals with it" is n4 '.active == "4"'
"$AEGIS" keys epochs -D c/n4 -o value >out
[ "$(tr '\n' ' ' <out)" = "1 4 " ] || fail "n4 has the keys of $(cat out)"

# Suspect keys go at once, values and log with them.
rotate --now --reason stolen
within 60 "old keys are destroyed" \
	all '.active == "5" and .oldest == "5" and .need == null'
touch stop
wait "$loader" || fail "a write failed while keys changed"
last=$(cat written)
within 30 "n4 has the last value" has n4 "l$((last % 50))" "$last"
within 30 "roots are equal" roots_are_equal
for node in n1 n2 n3 n4; do
	grep -q 'msg="a key that nothing needs is destroyed" epoch=1' \
		"c/$node/node.log" || fail "$node does not tell of it"
done
exits 0 "$AEGIS" cluster down -q c
for node in n1 n2 n3 n4; do
	[ "$(epochs_of "$node")" = 5 ] ||
		fail "$node has values of $(epochs_of "$node")"
	[ "$(log_epochs_of "$node")" = 5 ] ||
		fail "$node's log is of $(log_epochs_of "$node")"
done

# All of it opens after a restart, and a keyring's root may be another.
exits 0 "$AEGIS" keys renew-root -q -D c/n2
exits 0 "$AEGIS" cluster up -q c
for node in n1 n2 n3 n4; do
	within 30 "$node has it" has "$node" k7 "a value of key 7"
	within 30 "$node has it" has "$node" "l$((last % 50))" "$last"
done

backup

# A node that can not write its keyring goes on, says why, and tries again.
mv c/n3/keyring c/n3/keyring.away
rotate --reason "n3 can not"
within 30 "n1 seals with it" is n1 '.active == "6"'
within 30 "n3 tells why" is n3 \
	'.active == "5" and (.trouble // "" | contains("still seals with 5"))'
exits 0 ask n3 put -q meanwhile 1
mv c/n3/keyring.away c/n3/keyring
within 90 "n3 seals with it, too" is n3 '.active == "6" and .trouble == null'

# A member that goes begins an epoch for those who stay.
exits 0 "$AEGIS" node init -q -D c/n5 -n n5 -l 127.0.0.1:1
"$AEGIS" member replace n4 c/n5/member -y -s c/n1/aegis.sock -d c/n5 \
	-d c/n1 -d c/n2 -d c/n3 >out 2>err || [ $? = 9 ] || fail "$(cat err)"
within 60 "an epoch begins" is n1 '.active == "7" and .cause == "members"'
within 60 "for n3, too" is n3 '.active == "7"'
exits 0 "$AEGIS" cluster down -q c

# What was backed up before the first rotation comes back, and what was after.
restore trial-1 k7 "a value of key 7" 1
restore trial-2 "l$((last % 50))" "$last" 5
exit 0
