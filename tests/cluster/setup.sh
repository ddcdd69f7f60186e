#!/bin/bash
# Four members set up by the words of aegis-node(8) and aegis-roster(1) alone,
# each on a machine of its own: a folder here.  Paths and addresses are the
# only things changed.  What single examples do is tried by examples.sh.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
man=$(realpath "${0%/*}/../../man")
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

mkdir bin
ln -s "$AEGIS" bin/aegis
export PATH="$dir/bin:$PATH"

# block PAGE NUMBER: an example, without what mdoc adds to it.
block() {
	awk -v wanted="$2" '
	/^\.Sh/ { inside = $2 == "EXAMPLES" }
	inside && /^\.Ed/ { shown = 0 }
	shown { print }
	inside && /^\.Bd/ { shown = ++count == wanted }' "$man/$1" |
		sed 's/\\e/\\/g'
}

# on MEMBER: what is read, with this machine's paths and addresses.
on() {
	sed -e "s|/var/lib/aegis|$dir/$1|g" -e "s/name n1/name $1/" \
		-e "s/-n n1 /-n $1 /" -e "s/n1\.member/$1.member/" \
		-e "s/\bn1\.example\.org:7422/127.0.0.1:$((port + ${1#n}))/" \
		-e "s/127\.0\.0\.1:7422/127.0.0.1:$((port + ${1#n}))/"
}

# do_as MEMBER PAGE NUMBER: this example, there.
do_as() {
	block "$2" "$3" | on "$1" >step
	[ -s step ] || fail "$2 has no example $3"
	bash -e step >out 2>err </dev/null || fail "$2: $(cat step err)"
}

port=$(($(ports 4) - 1))
for member in n1 n2 n3 n4; do
	do_as "$member" aegis-node.8 1
done
for member in n1 n2 n3 n4; do
	do_as "$member" aegis-roster.1 1
done
do_as n1 aegis-roster.1 2
mv roster made
for member in n1 n2 n3 n4; do
	cp made roster
	do_as "$member" aegis-roster.1 3
	mv roster "roster.$member"
done
cp made roster
do_as n1 aegis-roster.1 4
for member in n1 n2 n3 n4; do
	cp roster "$member/roster"
	block aegis-node.8 3 | on "$member" | sed 's/^/exec /' >"$member.step"
	bash -e "$member.step" 2>"$member.err" &
	started="$started $!"
done

within 20 "the cluster" "$AEGIS" node status --socket n1/aegis.sock
exits 0 "$AEGIS" kv put color blue --socket n2/aegis.sock
[ "$("$AEGIS" kv get color -o value --socket n4/aegis.sock)" = blue ] ||
	fail "n4 does not have what was put at n2"
# shellcheck disable=SC2086 # numbers
kill $started
for process in $started; do
	wait "$process" || fail "a node exited $?: $(cat n?.err)"
done
started=
