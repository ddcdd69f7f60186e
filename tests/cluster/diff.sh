#!/bin/bash
# Two nodes compared: running ones, a dead one with a running one, and dead
# ones, of which somebody changed the files.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

diff_of() {
	"$AEGIS" consensus-inspect diff "$@"
}

# holds FILTER: jq agrees on the last output.
holds() {
	jq -e "$1" out >/dev/null || fail "not so: $1: $(cat out)"
}

everybody() {
	for node in n1 n2 n3 n4; do
		within 20 "$1 at $node" has "$node" "$1" v
	done
}

# forge STATE KEY VALUE: the value, and the leaf that goes with it.
forge() {
	python3 - "$@" <<'END' || fail "forge $*"
import hashlib
import sqlite3
import sys


def head(major, n):
    return bytes([major << 5 | n] if n < 24 else [major << 5 | 24, n])


def digest(data):
    return hashlib.blake2b(data, digest_size=32).digest()


db = sqlite3.connect(sys.argv[1] + '/state.db')
key, value = sys.argv[2].encode(), sys.argv[3].encode()
version, created, modified = db.execute(
    'SELECT version, created, modified FROM kv WHERE key = ?',
    (key,)).fetchone()
db.execute('UPDATE kv SET value = ? WHERE key = ?', (value, key))
entry = b''.join([head(4, 5), head(2, len(key)), key, head(2, len(value)),
                  value, head(0, version), head(0, created),
                  head(0, modified)])
bucket = int.from_bytes(digest(key)[:2], 'big')
leaves = db.execute('SELECT leaves FROM bucket WHERE id = ?',
                    (bucket,)).fetchone()[0]
at = leaves.index(digest(key))
leaves = leaves[:at + 32] + digest(entry) + leaves[at + 64:]
db.execute('UPDATE bucket SET leaves = ? WHERE id = ?', (leaves, bucket))
db.commit()
END
}

exits 0 "$AEGIS" cluster init -q c
for n in 1 2 3 4; do
	printf 'consensus:\n  checkpoint_interval: 16\n' >>c/n$n/aegis.yaml
done
exits 0 "$AEGIS" cluster up -q c
for i in $(seq 18); do
	exits 0 ask n$((i % 4 + 1)) put "key$i" v
done
everybody key18

# Running nodes: batches, and states where both made one.
exits 0 diff_of c/n1 c/n2/aegis.sock -o json
holds '.left == "n1" and .right == "n2" and .verdict == "equal" and
	.equal_to == "18" and .differs_at == null and .rounds == "18" and
	(.states | tonumber) >= 2'
exits 0 diff_of c/n1 c/n3 --at 16 -o json
holds '.equal_to == "16" and .rounds == "1" and .states == "1"'
exits 0 diff_of c/n1 c/n3 --at 15 -o json
holds '.rounds == "1" and .states == "0"'
exits 9 diff_of c/n1 c/n3 --at 70
complains 'do not both keep a digest of sequence 70'
exits 2 diff_of c/n1 c/n3 --keys
exits 0 diff_of c/n1 c/n2 -q
silent

# A dead one with a running one, and after a start with what the log told.
exits 0 "$AEGIS" cluster kill c n4
exits 0 diff_of c/n4 c/n1 -o json
holds '.left == "n4" and .verdict == "equal" and .equal_to == "18" and
	.rounds == "18" and (.states | tonumber) >= 2'
exits 5 diff_of c/n4/aegis.sock c/n1
exits 0 "$AEGIS" cluster up -q c
exits 0 diff_of c/n4 c/n1 -o json
holds '.rounds == "18" and .equal_to == "18"'

# All are dead, and of one sequence.
exits 0 "$AEGIS" cluster down -q c
exits 0 diff_of c/n1 c/n2 --roster c/roster -o json
holds '.left == "n1" and .verdict == "equal" and .states != "0"'
exits 0 diff_of c/n1 c/n2 --keys
cp -r c/n2 forged
forge forged/state key5 w
exits 1 diff_of c/n1 forged -o json
holds '.verdict == "differ" and .what == "state" and .left_digest != null and
	.left_digest != .right_digest'
holds '(.differs_at | tonumber) >= 18 and .equal_to != null'
exits 1 diff_of c/n1 forged --keys -o json
holds '.keys | length == 1 and .[0].key == "key5" and .[0].in == "both" and
	.[0].left_version == .[0].right_version'
exits 1 diff_of c/n1 forged --keys -o value
[ "$(cat out)" = key5 ] || fail "keys: $(cat out)"

# Damage is said, after what could be compared.
cp -r c/n2 damaged
printf 'XXXX' |
	dd of=damaged/log/wal-0000000000000001.log bs=1 seek=700 conv=notrunc \
		2>dd.err || fail "dd: $(cat dd.err)"
exits 8 diff_of c/n1 damaged
complains 'is damaged'
rm -rf damaged/state
exits 3 diff_of c/n1 damaged
complains 'damaged/state'

# Another cluster's node is no match.
exits 0 "$AEGIS" cluster init -q -n 1 other
exits 0 "$AEGIS" cluster up -q other
exits 0 "$AEGIS" cluster down -q other
exits 10 diff_of c/n1 other/n1
complains 'different clusters'
