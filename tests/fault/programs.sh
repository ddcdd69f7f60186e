#!/bin/bash
# A node and a restore, as programs, whose n-th call that changes a file fails
# or is their last, for every n.
#
# node      start on a directory that has a past, write, pass a checkpoint,
#           stop.  What failed ended it with one line that names a file, or
#           was harmless; without faults it comes back with everything that
#           was ever acknowledged.
# restore   of a backup, into a new directory: whole, or not there after an
#           error; after a kill, never taken for whole when it is not.
#
# Environment: AEGIS, FAILCALL (the preloaded library).
set -u
FAILCALL=$(realpath "${FAILCALL:?}")
# shellcheck source=tests/cli/lib.sh
. "${0%/*}/../cli/lib.sh"

node=
# shellcheck disable=SC2317,SC2329 # called by the trap
finish() {
	[ -z "$node" ] || kill "$node" 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT

# failing N HOW COMMAND...: run it so; $dir/mark is there when it happened.
failing() {
	local at=$1 how=$2
	shift 2
	rm -f "$dir/mark"
	FAIL_AT=$at FAIL_HOW=$how FAIL_MARK=$dir/mark LD_PRELOAD=$FAILCALL \
		exec "$@"
}

# One request a key, all over one connection: PUT k0 ... k9.
keys='0 1 2 3 4 5 6 7 8 9'
for i in $keys; do
	printf 'unix-socket = "%s"\nurl = "http://node/v1/kv?key=%s"\n' \
		"$dir/c/n1/aegis.sock" "$(printf 'k%s' "$i" | base64 | tr -d =)"
	printf 'request = PUT\ndata = "value %s"\nmax-time = 10\n' "$i"
	printf 'silent\noutput = /dev/null\nwrite-out = "%%{http_code}\\n"\n'
	[ "$i" = 9 ] || echo next
done >puts

start() {
	rm -f c/n1/aegis.sock
	"$@" >node.out 2>node.err &
	node=$!
}

# Wait until the node answers; false when it has ended instead.
answers() {
	local tries=500
	until [ -S c/n1/aegis.sock ] && curl -s -o livez \
		--unix-socket c/n1/aegis.sock http://node/livez
	do
		kill -0 "$node" 2>/dev/null || return 1
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || fail "the node neither answers nor ends"
		sleep 0.02
	done
}

# End the node and take its exit code.
stop() {
	kill "$node" 2>/dev/null
	await
}

await() {
	wait "$node" 2>/dev/null
	code=$?
	node=
}

# one_line CODE: an error of a failed call, told once.  143 is the signal to
# stop, which may find a node that has told it and is closing.
one_line() {
	case $1 in
	3 | 8 | 12 | 143) ;;
	*) fail "call $n ($how): exit $1: $(cat node.err)" ;;
	esac
	[ "$(wc -l <node.err)" = 1 ] ||
		fail "call $n ($how): not one line: $(cat node.err)"
	grep -q "$dir/" node.err ||
		fail "call $n ($how): names no file: $(cat node.err)"
}

exits 0 "$AEGIS" cluster init -q -n 1 c
printf 'consensus:\n  checkpoint_interval: 8\n  pipeline: 8\n' \
	>>c/n1/aegis.yaml
start "$AEGIS" node run -c c/n1/aegis.yaml
answers || fail "the node ended: $(cat node.err)"
for i in 1 2 3; do
	exits 0 "$AEGIS" kv put "before$i" "past $i" -s c/n1/aegis.sock
done
exits 0 "$AEGIS" keygen -q -T backup -o key
exits 0 "$AEGIS" backup create -q -R repo -r key.pub --roster c/roster \
	-s c/n1/aegis.sock
stop
[ "$code" = 0 ] || fail "the node exited $code: $(cat node.err)"
rm -f c/n1/node.log
cp -a c/n1 clean

# holds KEY VALUE: the list says so.
holds() {
	local line
	while read -r line; do
		[[ $line != "$1,"*"$2"* ]] || return 0
	done <<<"$held"
	return 1
}

# sweep_node HOW FIRST STEP
sweep_node() {
	how=$1
	n=$(($2 - $3))
	while n=$((n + $3)); do
		rm -rf c/n1
		cp -a clean c/n1
		: >codes
		start failing "$n" "$how" "$AEGIS" node run -c c/n1/aegis.yaml
		answers && curl -K puts >codes 2>curl.err
		stop
		[ -e mark ] || break
		[ "$code" = 0 ] || [ "$how" = kill ] || one_line "$code"
		start "$AEGIS" node run -c c/n1/aegis.yaml
		answers || fail "call $n ($how): no start after: $(cat node.err)"
		held=$("$AEGIS" kv list -s c/n1/aegis.sock -o csv) ||
			fail "call $n ($how): no list"
		stop
		for i in 1 2 3; do
			holds "before$i" "past $i" ||
				fail "call $n ($how): before$i is lost"
		done
		mapfile -t acknowledged <codes
		for i in $keys; do
			[ "${acknowledged[i]:-}" != 200 ] ||
				holds "k$i" "value $i" ||
				fail "call $n ($how): acknowledged k$i is lost"
		done
	done
	[ "$code $(grep -c 200 codes)" = "0 10" ] ||
		fail "without a fault: exit $code: $(cat codes node.err)"
	echo "node: $((n - 1)) calls, each $3. ($how)"
}

# The state is the one that was backed up: its certified digest says so.
is_whole() {
	cmp -s new/restored restored && cmp -s new/roster.restored c/roster &&
		sqlite3 "file:new/state/state.db?mode=ro" .dump |
		cmp -s - dump
}

sweep_restore() {
	how=$1
	n=0
	while n=$((n + 1)); do
		rm -rf new
		start failing "$n" "$how" "$AEGIS" backup restore -q \
			-R "$dir/repo" latest -i key --to "$dir/new"
		await
		[ -e mark ] || break
		if [ "$code" = 0 ]; then
			is_whole || fail "call $n ($how): restored another state"
		elif [ "$how" != kill ]; then
			one_line "$code"
			[ ! -e new ] || fail "call $n ($how): left $(find new)"
		elif [ -e new/restored ]; then
			is_whole || fail "call $n ($how): looks whole"
		fi
	done
	[ "$code" = 0 ] || fail "without a fault: $(cat node.err)"
	is_whole || fail "without a fault: another state"
	echo "restore: $((n - 1)) calls ($how)"
}

exits 0 "$AEGIS" backup restore -q -R repo latest -i key --to new
cp new/restored restored
sqlite3 "file:new/state/state.db?mode=ro" .dump >dump
for how in 5 kill; do
	sweep_restore "$how"
done
exits 0 "$AEGIS" backup verify -q -R repo --all -i key
# A life of a node takes a while, and storage alone is tried at every call by
# check-fault: each ninth call fails, and each ninth is the last.  With EVERY=1
# every call is both.
if [ "${EVERY:-0}" = 1 ]; then
	sweep_node 5 1 1
	sweep_node kill 1 1
else
	sweep_node 5 1 9
	sweep_node kill 5 9
fi
