#!/bin/sh
# aegis node init: a directory a node can be run from, or nothing at all.
set -u
# shellcheck source=tests/cli/lib.sh
. "${0%/*}/lib.sh"

# Refusals make nothing.
misused "$AEGIS" node init --name n1 --listen 127.0.0.1:7001
misused "$AEGIS" node init -D n1 --listen 127.0.0.1:7001
misused "$AEGIS" node init -D n1 --name n1
misused "$AEGIS" node init -D n1 --name 'n 1' --listen 127.0.0.1:7001
misused "$AEGIS" node init -D n1 --name N1 --listen 127.0.0.1:7001
complains "a name is 1 to 32 of a-z, 0-9 and -"
misused "$AEGIS" node init -D n1 --name n1 --listen 127.0.0.1
[ ! -e n1 ] || fail "a refused init made something"
exits 3 "$AEGIS" node init -D no/n1 --name n1 --listen 127.0.0.1:7001
complains "no/n1"

# A node's directory.
exits 0 "$AEGIS" node init -D n1 --name n1 --listen 127.0.0.1:7001
says "aegis node run -c n1/aegis.yaml"
exits 0 "$AEGIS" config check n1/aegis.yaml
exits 0 "$AEGIS" config show -c n1/aegis.yaml node.data_dir
[ "$(cat out)" = "$dir/n1" ] || fail "data_dir is $(cat out)"
for key in n1/keys/node n1/keys/link; do
	[ "$(stat -c %a "$key")" = 600 ] || fail "$key is not private"
done
if command -v ssh-keygen >/dev/null; then
	ssh-keygen -lf n1/keys/node.pub >/dev/null || fail "not a public key"
fi
grep -q '^member n1' n1/member || fail "no member file"

# A start before the rest is there says what is missing, and whence it comes.
exits 3 "$AEGIS" node run -c n1/aegis.yaml
complains "$dir/n1/roster: No such file or directory"
complains "aegis-roster(1)"
exits 3 env AEGIS_NODE_DATA_DIR="$dir/none" "$AEGIS" node run
complains "$dir/none/keys/node: No such file or directory"
complains "aegis node init"

# It is never made a second time, nor over something else.
cp -r n1 before
exits 3 "$AEGIS" node init -D n1 --name n1 --listen 127.0.0.1:7001
complains "exists already"
diff -r n1 before || fail "a refused init changed something"
mkdir other
exits 3 "$AEGIS" node init -D other --name n1 --listen 127.0.0.1:7001
exit 0
