#!/bin/sh
# aegis kv lease against the real API over a fake node, where no time passes.
# Environment: AEGIS, FAKE_SERVER.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/lib_fake.sh
. "$top/tests/cli/lib_fake.sh"

kv() {
	"$AEGIS" kv "$@"
}

# Usage.
misused kv lease
misused kv lease take
complains "not one of grant, keepalive, revoke, list, show"
misused kv lease grant
complains "missing DURATION"
misused kv lease revoke
complains "missing ID"
misused kv lease list 1
for ttl in 0s 1500ms 1x 367d ''; do
	misused kv lease grant "$ttl"
	complains "whole seconds from 1s to 366d"
done
for id in 0 x -1 9223372036854775808 ''; do
	misused kv lease show -- "$id"
	complains "not the number of a lease"
done
misused kv lease revoke --once 1
misused kv put k v --lease 0
complains "not the number of a lease"
exits 5 kv lease grant 30s

# shellcheck disable=SC2119 # no outcomes: all is well
serve

# A number that scripts go on with.
[ "$(kv lease grant 30s -o value)" = 1 ] || fail "the first lease is not 1"
kv lease grant 1m -o json >out || fail "grant"
jq -e '.lease == "2" and .seq == "2" and (.expires | endswith("Z"))' out \
	>/dev/null || fail "grant -o json: $(cat out)"

# A key shows its lease; one without has none.
kv put -q with v --lease 1 || fail "put --lease"
kv put -q without v || fail put
kv get with -o json | jq -e '.entries[0].lease == "1"' >/dev/null ||
	fail "get: $(kv get with -o json)"
kv list -o jsonl >out || fail list
jq -es '.[0].lease == "1" and .[1].lease == null' out >/dev/null ||
	fail "list: $(cat out)"
kv import --dry-run out >/dev/null || fail "a list is not imported again"
exits 1 kv put other v --lease 7
complains "no such lease"

# Looked at.
kv lease list -o csv >out || fail "lease list"
[ "$(sed -n 2p out | cut -d, -f1,2,4)" = 1,30,1 ] || fail "list: $(cat out)"
[ "$(wc -l <out)" = 3 ] || fail "list: $(cat out)"
kv lease show 1 -o json | jq -e '.keys == ["with"] and .ttl_s == 30' \
	>/dev/null || fail "show: $(kv lease show 1 -o json)"
kv lease show 1 | grep -q '^keys *with$' || fail "show: $(kv lease show 1)"
exits 1 kv lease show 3

# Kept alive once, and until it is lost: here because it is revoked.
kv lease keepalive --once 1 -q || fail "keepalive --once"
exits 1 kv lease keepalive --once 3
[ "$(kv lease grant 1s -o value)" = 3 ] || fail "the third lease is not 3"
mkfifo first
kv lease keepalive 3 -o value >first 2>err &
keeper=$!
exec 3<first
read -r id <&3
[ "$id" = 3 ] || fail "keepalive printed '$id'"
kv lease revoke 3 -q || fail "revoke"
wait "$keeper"
[ $? = 1 ] || fail "a lost lease is not exit 1"
exec 3<&-
complains "lease 3 is lost"

# Its keys go with it.
kv lease revoke 1 -q || fail "revoke"
exits 1 kv get with
kv get without >/dev/null || fail "a key without a lease is gone"
exits 1 kv lease revoke 1

# Whoever does not answer is tried again until the lease may have expired.
[ "$(kv lease grant 1s -o value)" = 4 ] || fail "the fourth lease is not 4"
kv lease keepalive 4 -o value >first 2>err &
keeper=$!
exec 3<first
read -r id <&3
stop
wait "$keeper"
[ $? = 1 ] || fail "a lease that can not be kept alive is not exit 1"
exec 3<&-
complains "lease 4 is lost: the lease was not kept alive in time"
