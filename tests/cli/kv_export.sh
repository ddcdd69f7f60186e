#!/bin/bash
# aegis kv export and import against the real API over a fake node.
# Environment: AEGIS, FAKE_SERVER.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/lib_fake.sh
. "$top/tests/cli/lib_fake.sh"

kv() {
	"$AEGIS" kv "$@"
}

# What is there, without versions.
contents() {
	kv list -o jsonl | jq -c '{key, value}'
}

misused kv export --format xml
misused kv import in --format xml
misused kv export --after ''
exits 5 kv export
silent
exits 3 kv import nowhere
complains nowhere

serve

# More keys than a page and a batch have, bytes that are not text, a value of
# the largest size, and an empty one.
seq -f '{"key":"p/%04g","value":"v"}' 1200 >in
exits 0 kv import in -o json
jq -e '.imported == "1200" and .left == "0"' out >/dev/null ||
	fail "import says $(cat out)"
unmoved
head -c 1048576 /dev/urandom >big
exits 0 kv put big --file big -q
printf '\001\377' | kv put bin - -q
printf '' | kv put empty - -q
exits 0 kv put 'clé' 'naïve "x"' -q
contents >before

# What goes out comes in again the same, in both forms.
for format in jsonl cbor; do
	serve
	exits 0 kv import in -q
	exits 0 kv put big --file big -q
	printf '\001\377' | kv put bin - -q
	printf '' | kv put empty - -q
	exits 0 kv put 'clé' 'naïve "x"' -q
	exits 0 kv export --format $format
	mv out exported
	complains '1204 keys, read at sequence'
	complains 'as of one moment'
	serve
	exits 0 kv import - --format $format -o value
	[ "$(cat out)" = 0 ] || fail "nothing gave $(cat out)"
	"$AEGIS" kv import - --format $format -o value <exported >out ||
		fail "import of $format"
	[ "$(cat out)" = 1204 ] || fail "import gave $(cat out)"
	contents >after
	cmp -s before after || fail "$format came out changed"
done

# Parts: by prefix, and behind a key.
exits 0 kv export p/ --after p/1198
[ "$(jq -r .key out | tr '\n' ' ')" = 'p/1199 p/1200 ' ] ||
	fail "--after gave $(cat out)"

# Keys that are there are left when that is asked for.
printf '%s\n' '{"key":"p/0001","value":"new"}' '{"key":"q","value":"new"}' \
	'{"key":"q","value":"newer"}' >some
exits 0 kv import some --if-absent -o json
jq -e '.imported == "1" and .left == "2"' out >/dev/null ||
	fail "--if-absent says $(cat out)"
exits 0 kv get p/0001
[ "$(cat out)" = v ] || fail '--if-absent changed a key'
exits 0 kv get q
[ "$(cat out)" = new ] || fail "--if-absent wrote twice"

# A wrong line is named; of its batch nothing happens, and what came before is
# said.
wrong() {
	printf '%s\n' '{"key":"never","value":"1"}' "$1" >wrong
	exits 3 kv import wrong
	complains "wrong:2: $2"
	silent
	exits 1 kv get never
}
wrong '' 'the line is empty'
wrong '{"key":"x"}' '"value" takes'
wrong '{"key":"x","valeu":"1"}' 'an entry has no "valeu"'
wrong '{"key":"","value":"1"}' 'a key has 1 to'
wrong '{"key":"x","key":"y","value":"1"}' 'column'
wrong '{"key":"x","value":{"b64":"?"}}' '"value" takes'
wrong '{"key":"\u0000aegis/roster","value":"1"}' "the key is the cluster's own"
wrong '{"v":2,"key":"x","value":"1"}' 'this program reads "v":1'
wrong '[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[' 'more than an entry has'
wrong '[]' 'an entry is a JSON object'
wrong '{"key":"x","value":"1"' 'column'
{
	seq -f '{"key":"w/%04g","value":"v"}' 100
	echo nonsense
} >wrong
exits 9 kv import wrong
complains '64 keys were imported, then: wrong:101: '
exits 0 kv list w/ -k -o value
[ "$(wc -l <out)" = 64 ] || fail "a half batch happened: $(wc -l <out)"
head -c 100 exported >torn
exits 3 kv import torn --format cbor
complains 'torn: entry '
head -c 8000000 /dev/zero >long
exits 3 kv import long
complains 'long:1: longer than'

# A dry run sends nothing.
seq -f '{"key":"d/%04g","value":"v"}' 100 >in
exits 0 kv import in --dry-run
exits 0 kv list d/ -k -o value
silent

# Killed, it goes on where it was: here the file is only half there at first.
head -n 64 in >half
exits 0 kv import half --progress note -q
exits 0 kv import in --progress note -o json
jq -e '.imported == "36"' out >/dev/null || fail "it began anew: $(cat out)"
exits 0 kv import in --progress note -o value
[ "$(cat out)" = 0 ] || fail "it was not done: $(cat out)"
exits 3 kv import some --progress note
complains 'some is not the file that note is about'
echo nonsense >note
exits 3 kv import in --progress note
complains 'not a progress file'

# What stops half-way says where to go on.
serve NO_QUORUM
exits 6 kv export
exits 6 kv import in
complains 'too few members'
