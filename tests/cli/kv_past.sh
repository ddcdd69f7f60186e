#!/bin/sh
# aegis kv on what was: get and list --at, history, over a fake node.
# Environment: AEGIS, FAKE_SERVER.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/lib_fake.sh
. "$top/tests/cli/lib_fake.sh"

kv() {
	"$AEGIS" kv "$@"
}

# At a sequence, and a key's versions.
serve OK
"$AEGIS" kv put past/a one -q
"$AEGIS" kv put past/b two -q
"$AEGIS" kv put past/a three -q
"$AEGIS" kv del past/b -q
seq=$(kv history past/a -r -n 1 -o jsonl | jq -r .modified)
exits 0 kv get --at $((seq - 1)) past/a
[ "$(cat out)" = one ] || fail "get --at says $(cat out)"
exits 0 kv list --at "$seq" past/ -o value
[ "$(cat out)" = "three
two" ] || fail "list --at says $(cat out)"
exits 0 kv history past/b -o jsonl
jq -e '.value == "two" and .deleted and .ended != null' out >/dev/null ||
	fail "history says $(cat out)"
exits 0 kv history past/a -o csv
[ "$(tail -n 1 out | tr -d '\r')" = 3,2,three,1,,false ] || fail "history -o csv says $(cat out)"
exits 0 kv history past/a -o json
jq -e '.versions | length == 2 and .[1].ended == null' out >/dev/null ||
	fail "history -o json says $(cat out)"
exits 0 kv history past/a -o value -n 1
[ "$(cat out)" = one ] || fail "history -o value says $(cat out)"
exits 1 kv history past/none
silent
complains 'no version of it is kept here'
exits 5 kv get --at 999999 past/a
complains 'is not executed here yet'
misused kv get --at x past/a
misused kv get --at 1 --watch past/a
misused kv get --at 1 --consistency linearizable past/a
misused kv list --at -1
misused kv history
misused kv history past/a -n 0
