#!/bin/bash
# Coming back: a log damaged in its middle, and a directory that is empty but
# for the keys, while the others go on, cut their logs and move ahead.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# What takes part here is bytes, not how fast a disk syncs them.
memory=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)
[ "${memory:-0}" -lt 1500000 ] || export TMPDIR=/dev/shm
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

# middle_of SEGMENT: number and offset of the record in its middle.
middle_of() {
	python3 - "$1" <<'PYTHON'
import struct, sys
data = open(sys.argv[1], 'rb').read()
at, records = 96, []
while True:
    length, _, number = struct.unpack_from('<IIQ', data, at)
    if number == 0:
        break
    records.append((number, at))
    at += (32 + length + 31) // 32 * 32
print(*records[len(records) // 2])
PYTHON
}

exits 0 "$AEGIS" cluster init -q c
for node in n1 n2 n3 n4; do
	cat >>"c/$node/aegis.yaml" <<'YAML'
consensus:
  checkpoint_interval: 8
  pipeline: 16
store:
  log_retain: 1MiB
YAML
done
exits 0 "$AEGIS" cluster up c
for i in 1 2 3 4 5; do
	exits 0 ask n2 put "k$i" "v$i"
done
exits 0 "$AEGIS" cluster down c n2

# One flipped bit: the node does not vote, and says where and what to do.
log=$(echo c/n2/log/wal-*.log)
read -r number offset < <(middle_of "$log")
python3 - "$log" $((offset + 37)) <<'PYTHON'
import sys
with open(sys.argv[1], 'r+b') as f:
    f.seek(int(sys.argv[2]))
    byte = f.read(1)[0]
    f.seek(int(sys.argv[2]))
    f.write(bytes([byte ^ 16]))
PYTHON
exits 3 "$AEGIS" cluster up c
complains "start node n2: it ended; see $dir/c/n2/node.out"
exits 8 timeout 20 "$AEGIS" node run -c c/n2/aegis.yaml
complains "read $dir/$log: record $number at offset $offset is damaged"
complains "To rejoin from the other members, move log and state out of $dir/c/n2"
complains "leave the rest, and start it again (aegis-node(8), REJOINING)"
grep -qF "record $number at offset $offset is damaged" c/n2/node.out ||
	fail "node.out has no word of it: $(cat c/n2/node.out)"

# The others go on, past checkpoints.
exits 0 ask n1 put meanwhile "n2 is away"
for i in $(seq 48); do
	exits 0 ask n1 put "small$((i % 4))" "$i"
done
# As the manual says, word by word.
(cd c/n2 && mkdir damaged && mv log state damaged/) || fail "move away"
exits 0 "$AEGIS" cluster up c
within 20 "n2 catches up" has n2 meanwhile "n2 is away"
grep -q 'msg="state installed"' c/n2/node.log &&
	fail "n2 fetched a state, though the others' logs had all of it"

# What it writes is executed, not taken for what it wrote in its first life.
exits 0 ask n2 put again "written by n2"
[ "$(ask n1 get again -o value)" = "written by n2" ] ||
	fail "a write through n2 was lost"

# An empty directory, keys apart, while writes go on, and what was written
# before is no longer in the others' logs: those have to be past one segment.
exits 0 "$AEGIS" cluster kill c n4
(cd c/n4 && rm -r log state request-number evidence) || fail "empty n4"
head -c 1000000 /dev/urandom >value
for i in $(seq 90); do
	exits 0 ask n1 put "large$((i % 4))" --file value
done
for node in n1 n3; do
	[ ! -e "c/$node/log/wal-0000000000000001.log" ] ||
		fail "$node has not cut its log"
done
: >go
( written=0
while [ -e go ]; do
	written=$((written + 1))
	ask n1 put live "$written" -q 2>live.err || {
		cat live.err >lost
		break
	}
	echo "$written" >written
done ) &
writer=$!
exits 0 "$AEGIS" cluster up c
within 20 "n4 has the old" has n4 meanwhile "n2 is away"
rm go
wait "$writer"
[ ! -e lost ] || fail "a write failed meanwhile: $(cat lost)"
within 20 "n4 has the new" has n4 live "$(cat written)"
ask n4 get large1 --consistency local -o value | cmp -s - value ||
	fail "n4 holds another value"
grep -q 'msg="state installed"' c/n4/node.log || fail "n4 fetched no state"
exits 0 ask n4 put by-n4 "written by n4"
[ "$(ask n3 get by-n4 -o value)" = "written by n4" ] ||
	fail "a write through n4 was lost"

# It counts again: with it and without another there is a quorum.
exits 0 "$AEGIS" cluster kill c n3
exits 0 ask n4 put last "with n4"
[ "$(ask n2 get last -o value)" = "with n4" ] || fail "n2 has not the last"
