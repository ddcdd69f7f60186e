#!/bin/bash
# The manual's EXAMPLES, run as they stand but for paths and addresses: four
# members are set up by its words alone, and then everything it shows is done
# with them.  At the end no example was left out.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
man=$(realpath "${0%/*}/../../man")
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

mkdir bin machine etc
ln -s "$AEGIS" bin/aegis
export PATH="$dir/bin:$PATH"
# shellcheck disable=SC2154 # of lib_trial.sh
export HOME=$dir

# block PAGE NUMBER: an example, without what mdoc adds to it.
block() {
	awk -v wanted="$2" '
	/^\.Sh/ { inside = $2 == "EXAMPLES" }
	inside && /^\.Ed/ { shown = 0 }
	shown { print }
	inside && /^\.Bd/ { shown = ++count == wanted }' "$man/$1" |
		sed 's/\\e/\\/g'
}

# Each member's machine is a folder here, and what is asked is n1's.
# here MEMBER: what is read has this machine's paths and addresses.
here() {
	sed -e "s|/var/lib/aegis|$dir/$1|g" -e "s|/etc/aegis|$dir/etc|g" \
		-e "s|/run/aegis/aegis.sock|$dir/n1/aegis.sock|g" \
		-e "s|/tmp/trial|$dir/c|g" -e "s|/backup|$dir/kept|g" \
		-e "s|\bn1\.example\.org:7422|127.0.0.1:$((port + ${1#n}))|" \
		-e "s|\b10\.0\.0\.1:7422|127.0.0.1:$((port + ${1#n}))|"
}

# shows PAGE NUMBER...: these examples run and end well.
shows() {
	page=$1
	shift
	for number; do
		block "$page" "$number" | here n1 >example
		[ -s example ] || fail "$page has no example $number"
		timeout 60 bash -e example >out 2>err </dev/null
		code=$?
		[ "$code" = 0 ] ||
			fail "$page: $(cat example): exited $code: $(cat out err)"
		echo "$page $number" >>ran
	done
}

port=$(python3 -c '
import socket
held = []
while True:
    first = socket.socket()
    first.bind(("127.0.0.1", 0))
    start = first.getsockname()[1]
    try:
        for i in range(1, 5):
            held.append(socket.socket())
            held[-1].bind(("127.0.0.1", start + i))
        break
    except (OSError, OverflowError):
        held.clear()
print(start)')

# Without a node.
echo 'open sesame' >secret
mkdir -p .config/fish/completions
"$AEGIS" config example >etc/aegis.yaml || fail "config example"
mkdir n1
export AEGIS_NODE_DATA_DIR=$dir/n1
shows aegis-keygen.1 1 2
shows aegis-help.1 1
shows aegis.1 1 2 3
shows aegis-completion.1 1 2
shows aegis-config.1 1 2 3
block aegis.yaml.5 1 >etc/aegis.yaml && echo aegis.yaml.5 1 >>ran
shows aegis.yaml.5 2
rmdir n1
unset AEGIS_NODE_DATA_DIR

# Four members, each on its machine: their parts, the roster, signatures.
block aegis-node.8 1 >steps
[ "$(wc -l <steps)" = 3 ] || fail "aegis-node.8 has other steps: $(cat steps)"
for member in n1 n2 n3 n4; do
	sed -n 1p steps | here "$member" | sed "s/name n1/name $member/" >step
	bash -e step >out 2>err || fail "$(cat step): $(cat err)"
	block aegis-roster.1 1 | here "$member" |
		sed -e "s/-n n1/-n $member/" -e "s/n1\.member/$member.member/" >step
	bash -e step >out 2>err || fail "$(cat step): $(cat err)"
done
shows aegis-roster.1 2
for member in n1 n2 n3 n4; do
	cp roster machine/roster
	block aegis-roster.1 3 | here "$member" >step
	(cd machine && bash -e ../step) >out 2>err ||
		fail "$(cat step): $(cat err)"
	mv machine/roster "roster.$member"
done
shows aegis-roster.1 4
for member in n1 n2 n3 n4; do
	sed -n 2p steps | here "$member" >step
	bash -e step 2>err || fail "$(cat step): $(cat err)"
	sed -n 3p steps | here "$member" | sed 's/^/exec /' >"$member.step"
	bash -e "$member.step" 2>"$member.err" &
	started="$started $!"
done
printf '%s\n' 'aegis-roster.1 1' 'aegis-roster.1 3' 'aegis-node.8 1' >>ran

# With them.
export AEGIS_SOCKET=$dir/n1/aegis.sock
within 20 "the cluster" "$AEGIS" node status
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do
	exits 0 "$AEGIS" kv put "k$i" "v$i"
done
head -c 100000 /dev/urandom >photo.jpg
shows aegis-kv.1 1
[ "$(tail -n 1 out)" = blue ] || fail "color is $(cat out)"
shows aegis-kv.1 2
cmp -s photo.jpg copy.jpg || fail "the copy differs"
shows aegis-kv.1 3
[ "$(tail -n 1 out)" = mine ] || fail "the lock: $(cat out)"
exits 0 "$AEGIS" kv del lock
shows aegis-kv.1 4
shows aegis-kv.1 5
says config/color
shows aegis-node.8 2
[ "$(tail -n 1 out)" = healthy ] || fail "health: $(cat out)"
shows aegis-roster.5 1
shows aegis-consensus-inspect.1 1 2
shows aegis-backup.1 1 2 3
[ -d new/state ] || fail "nothing was restored: $(ls new)"

# What goes on until it is interrupted is looked at for a moment.
block aegis-api.7 1 | here n1 | sed 's/^curl .* -N /timeout 2 &/' >step
bash step >out 2>err
code=$?
[ "$code" = 124 ] || fail "aegis-api.7 exited $code: $(cat out err)"
says '"value":"blue"'
says 'event: ping'
for screen in 'aegis-consensus.7 1' 'aegis-tui.1 1'; do
	block "${screen% *}" "${screen#* }" | here n1 | sed 's/^/timeout 2 /' |
		while read -r line; do
			TERM=xterm script -qefc "$line" /dev/null \
				</dev/null >out 2>err
			code=$?
			[ "$code" = 124 ] || [ "$code" = 143 ] ||
				[ "$code" = 0 ] ||
				fail "$line: exited $code: $(cat out err)"
		done || exit 1
	echo "$screen" >>ran
done
shows aegis-tui.1 2
echo aegis-api.7 1 >>ran

# And when they are down.
# shellcheck disable=SC2086 # numbers
kill $started
for process in $started; do
	wait "$process" || fail "a node exited $?: $(cat n?.err)"
done
started=
shows aegis-consensus-inspect.1 3 4
unset AEGIS_SOCKET
# A killed member is no health, which status says by its exit code.
block aegis-cluster.1 1 | here n1 |
	sed 's/^aegis cluster status.*/& || [ $? = 1 ]/' >step
timeout 60 bash -e step >out 2>err
code=$?
[ "$code" = 0 ] || fail "aegis-cluster.1: exited $code: $(cat out err)"
says 'DEGRADED  margin 0'
echo aegis-cluster.1 1 >>ran

# A roster's head and one member are no file: elided keys.
echo 'aegis-roster.5 2' >>ran
for page in "$man"/*.[1-8]; do
	number=1
	while [ -n "$(block "${page##*/}" "$number")" ]; do
		echo "${page##*/} $number"
		number=$((number + 1))
	done
done | sort >all
sort -u ran | diff all - || fail "examples (<) were not run"
