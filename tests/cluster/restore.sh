#!/bin/bash
# A new cluster from a backup: it goes on where the backup stood, with other
# votes, and nobody of the old one gets in.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

# seq_of KEY: the sequence of the write, which goes through new n1.
seq_of() {
	"$AEGIS" kv --socket new/n1/aegis.sock put "$1" x -o json |
		jq -r '.results[0].seq'
}

# run NODE: start a node of the new cluster.
run() {
	"$AEGIS" node run -c "new/$1/aegis.yaml" >"new/$1.out" 2>&1 &
	eval "process_$1=$!"
	started="$started $!"
}

# end NODE SIGNAL
end() {
	eval "process=\$process_$1"
	kill "-$2" "$process" 2>/dev/null
	wait "$process" 2>/dev/null
}

# holds NODE KEY VALUE: as has() of the trial, of the new cluster.
holds() {
	[ "$("$AEGIS" kv --socket "new/$1/aegis.sock" get "$2" \
	    --consistency local -o value 2>/dev/null)" = "$3" ]
}

health() {
	[ "$("$AEGIS" node status --socket "new/$1/aegis.sock" -o json |
	    jq -r .health)" = "$2" ]
}

exits 0 "$AEGIS" cluster init -q c
exits 0 "$AEGIS" cluster up c
# Nobody knows when a view began that no node has seen begin.
[ "$("$AEGIS" node status --socket c/n1/aegis.sock -o json |
    jq -c .view_since)" = null ] || fail "the first view began some time"
exits 0 "$AEGIS" keygen -T backup -o key
for value in one two three; do
	exits 0 ask n1 put counted "$value"
done
exits 0 ask n1 put gone soon
exits 0 ask n1 del gone
backup() {
	"$AEGIS" backup "$@"
}
exits 0 backup create -R repo -r key.pub --roster c/roster -q \
	--socket c/n1/aegis.sock
exits 0 ask n1 put late "after the backup"
exits 0 backup create -R repo -r key.pub --roster c/roster -q \
	--socket c/n1/aegis.sock
exits 0 "$AEGIS" cluster down c
exits 0 backup restore -R repo trial-1 -i key --roster c/roster --to base -q
exits 0 backup restore -R repo trial-2 -i key --to other -q
first=$(sed -n 's/^seq //p' base/restored)

# The old members' keys and addresses, in new directories: what may be told
# apart is told by the roster alone.
mkdir new
members=
for node in n1 n2 n3 n4; do
	mkdir "new/$node"
	cp -r "c/$node/keys" "new/$node/"
	exits 0 "$AEGIS" keys create -q -D "new/$node" -n "$node"
	address=$(sed -n 's/^  listen: //p' "c/$node/aegis.yaml")
	exits 0 "$AEGIS" roster member -n "$node" -a "$address" \
		-d "new/$node" -o "$node.member"
	members="$members $node.member"
	cat >"new/$node/aegis.yaml" <<YAML
node:
  name: $node
  data_dir: $dir/new/$node
net:
  listen: $address
api:
  socket: aegis.sock
log:
  file: $dir/new/$node.log
consensus:
  checkpoint_interval: 8
  pipeline: 16
YAML
done
# shellcheck disable=SC2086 # a list
exits 0 "$AEGIS" roster create -n trial --restored base/restored -o roster \
	$members
for node in n1 n2 n3 n4; do
	cp roster "roster.$node"
	exits 0 "$AEGIS" roster sign -d "new/$node" "roster.$node"
done
exits 0 "$AEGIS" roster merge -f -o roster roster.n1 roster.n2 roster.n3 \
	roster.n4
for node in n1 n2 n3 n4; do
	cp roster "new/$node/roster"
done

# A member without the state its roster begins with does not begin without.
exits 3 timeout 60 "$AEGIS" node run -c new/n1/aegis.yaml
complains "the roster begins with the state of a backup at sequence $first"
[ ! -e new/n1/log ] || fail "a log was made"
[ ! -e new/n1/state ] || fail "a state was made"
# Nor with another state of that cluster, nor beside what it voted there.
cp -r other/state new/n1/
exits 3 timeout 60 "$AEGIS" node run -c new/n1/aegis.yaml
complains "not the one at sequence $first that the roster begins with"
rm -r new/n1/state new/n1/log
cp -r base/state new/n1/
cp -r c/n1/log new/n1/
files new/n1/state >before
exits 3 timeout 60 "$AEGIS" node run -c new/n1/aegis.yaml
complains "log: it belongs to another cluster"
files new/n1/state | cmp -s - before || fail "the state was changed"
rm -r new/n1/log

for node in n2 n3 n4; do
	cp -r base/state "new/$node/"
done
# Three of the new, and the fourth as it was in the old cluster.
for node in n1 n2 n3; do
	run "$node"
done
within 20 "three agree" health n1 DEGRADED
"$AEGIS" node run -c c/n4/aegis.yaml >old.out 2>&1 &
old=$!
started="$started $old"
within 20 "the old n4 is refused" \
	grep -q "belongs to another cluster" new/n1.log
health n1 DEGRADED || fail "the old n4 counts"
kill "$old"
wait "$old" 2>/dev/null

# What was backed up is there, what came later is not, and it goes on.
holds n1 counted three || fail "a value was not restored"
holds n1 gone "" || fail "a deleted key is back"
holds n1 late "" || fail "a later key is there"
[ "$(seq_of new)" -gt "$first" ] || fail "the sequence went back"
"$AEGIS" kv --socket new/n2/aegis.sock put counted four -o json >out
jq -e '.results[0] | .version == "4" and .previous_version == "3"' out \
	>/dev/null || fail "versions begin anew: $(cat out)"

# n4 comes late, with no more than the restored state, past checkpoints.
for i in $(seq 40); do
	exits 0 "$AEGIS" kv --socket new/n2/aegis.sock put "small$((i % 4))" \
		"$i"
done
run n4
within 20 "n4 catches up" holds n4 counted four
within 20 "all are well" health n1 OK

# All killed, they come back as the same cluster.
for node in n1 n2 n3 n4; do
	end "$node" 9
done
for node in n1 n2 n3 n4; do
	run "$node"
done
within 20 "all are back" health n3 OK
holds n3 small0 40 || fail "a write is lost"

# One that lost its log and state rejoins from the restored state.
end n2 TERM
rm -r new/n2/log new/n2/state
cp -r base/state new/n2/
run n2
within 20 "n2 rejoins" holds n2 counted four

# Its backups go on in the same repository, and its proof begins at its start.
exits 0 backup create -R repo -r key.pub --roster roster -q \
	--socket new/n1/aegis.sock
exits 0 backup verify -R repo --all -i key
says "trial-3: certified and whole"
exits 8 backup create -R repo -r key.pub --roster c/roster -q \
	--socket new/n1/aegis.sock
for node in n1 n2 n3 n4; do
	end "$node" TERM
done
exits 0 "$AEGIS" consensus-inspect verify --data new/n1 --roster roster

# The next restoration is another incarnation.
exits 0 backup restore -R repo trial-3 -i key --to again -q
grep -q '^incarnation 1$' again/restored || fail "$(cat again/restored)"
