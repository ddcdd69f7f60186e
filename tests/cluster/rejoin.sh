#!/bin/bash
# Coming back: a log damaged in its middle, a log that lost its end, and a
# directory that is empty but for the keys, while the others go on, cut their
# logs and move ahead.  Who may have forgotten votes gives none, and says so.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck disable=SC2034 # lib_trial looks for it
room=1500000
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
hurry n1 n2 n3 n4
exits 0 "$AEGIS" cluster up c
for i in 1 2 3 4 5; do
	exits 0 ask n2 put "k$i" "v$i"
done
exits 0 "$AEGIS" cluster down c n2

# votes NODE: it gives votes, and says nothing else.
votes() {
	"$AEGIS" node status --socket "c/$1/aegis.sock" -o json >state || true
	grep -q '"rejoining":false' state
}

# settled NODE: under writes it comes to vote again.
settled() {
	writes=0 deadline=$(($(date +%s) + 60))
	until votes "$1"; do
		[ "$(date +%s)" -le "$deadline" ] ||
			fail "$1 still does not vote: $(cat state)"
		writes=$((writes + 1))
		exits 0 ask n1 put settle "$writes"
	done
}

# rejoining NODE: it says so of itself, and that it is not well.
rejoining() {
	"$AEGIS" node status --socket "c/$1/aegis.sock" >out
	[ $? = 1 ] && grep -q "^rejoining: not voting until sequence" out
}

# One flipped bit: the node sets the log aside, follows, and does not vote.
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
cp "$log" damaged
# Nobody else is there to bring it past what it forgot.
exits 0 "$AEGIS" cluster kill c n3
exits 0 "$AEGIS" cluster kill c n4
"$AEGIS" node run -c c/n2/aegis.yaml 2>n2.err &
n2=$!
started="$started $n2"
within 30 "n2 is there" rejoining n2
says "rejoining: not voting until sequence"
says "votes up to it may be forgotten"
exits 0 cmp damaged "c/n2/log.damaged-1/${log##*/}"
grep -qF "record $number at offset $offset is damaged" c/n2/node.log ||
	fail "node.log has no word of it: $(cat c/n2/node.log)"
grep -q 'level=warn .*msg="not voting until a checkpoint is stable' \
	c/n2/node.log || fail "node.log does not say that n2 gives no votes"
rejoining_at_n1() {
	"$AEGIS" node status --socket c/n1/aegis.sock >out
	grep -q '^n2 .*REJOINING' out
}
within 30 "n1 knows of it" rejoining_at_n1
kill "$n2"
wait "$n2" || fail "n2 exited $?: $(cat n2.err)"

# The others go on, past checkpoints, and so does it.
exits 0 "$AEGIS" cluster up --any c
within 20 "a quorum serves" ask n1 put meanwhile "n2 rejoins"
within 20 "n2 catches up" has n2 meanwhile "n2 rejoins"
for i in $(seq 48); do
	exits 0 ask n1 put "small$((i % 4))" "$i"
done
settled n2
grep -q 'msg="voting again' c/n2/node.log || fail "n2 does not say so"
within 30 "n1 knows" "$AEGIS" node status --socket c/n1/aegis.sock
# The others' logs go back far enough.
is_cut n1 && fail "n1 has cut its log"
grep -q 'msg="state installed"' c/n2/node.log &&
	fail "n2 fetched a state, though it had its own"

# With nobody writing it has checkpoints made.
exits 0 "$AEGIS" cluster kill c n2
rm -r c/n2/log
exits 0 "$AEGIS" cluster up --any c
within 60 "n2 votes again without writes" votes n2

# The end of the log is gone: an older copy was put in its place.
exits 0 "$AEGIS" cluster down c n2
cp -a c/n2/log older
exits 0 "$AEGIS" cluster up --any c
for i in $(seq 48); do
	exits 0 ask n1 put "small$((i % 4))" "$i"
done
exits 0 "$AEGIS" cluster down c n2
rm -r c/n2/log
mv older c/n2/log
exits 0 "$AEGIS" cluster up --any c
grep -q 'was durable: the disk has forgotten records' c/n2/node.log ||
	fail "n2 did not notice: $(tail c/n2/node.log)"
settled n2

# The state and the log moved away, as the manual says, word by word.
exits 0 "$AEGIS" cluster down c n2
(cd c/n2 && mkdir damaged && mv log state damaged/) || fail "move away"
exits 0 "$AEGIS" cluster up --any c
within 20 "n2 has it back" has n2 meanwhile "n2 rejoins"
settled n2

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
within 60 "they have cut their logs" is_cut n1 n3
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
exits 0 "$AEGIS" cluster up --any c
within 20 "n4 has the old" has n4 meanwhile "n2 rejoins"
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
settled n4
exits 0 "$AEGIS" cluster kill c n3
exits 0 ask n4 put last "with n4"
[ "$(ask n2 get last -o value)" = "with n4" ] || fail "n2 has not the last"
exits 0 "$AEGIS" cluster up --any c

# Without the horizon too the others are asked how far it went.
exits 0 "$AEGIS" cluster down c n4
rm -r c/n4/log c/n4/keys/horizon
exits 0 "$AEGIS" cluster up --any c
grep -q 'the other members are asked how far they went' c/n4/node.log ||
	fail "n4 asked nobody"
for i in $(seq 48); do
	exits 0 ask n1 put "small$((i % 4))" "$i"
done
settled n4

# One alone has nobody to rejoin from.
exits 0 "$AEGIS" cluster init -q alone --nodes 1
exits 0 "$AEGIS" cluster up alone
exits 0 "$AEGIS" kv --socket alone/n1/aegis.sock put k v
exits 0 "$AEGIS" cluster down alone
log=$(echo alone/n1/log/wal-*.log)
read -r number offset < <(middle_of "$log")
printf 'XXXX' | dd of="$log" bs=1 seek=$((offset + 37)) conv=notrunc 2>/dev/null
exits 8 timeout 60 "$AEGIS" node run -c alone/n1/aegis.yaml
complains "record $number at offset $offset is damaged"
complains "no other member"
