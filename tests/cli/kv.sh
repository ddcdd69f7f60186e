#!/bin/sh
# aegis kv against the real API over a fake node.
# Environment: AEGIS, FAKE_SERVER.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/lib_fake.sh
. "$top/tests/cli/lib_fake.sh"

kv() {
	"$AEGIS" kv "$@"
}

# No node: exit 5, with advice, and nothing on stdout.
exits 5 kv get k
silent
complains "$dir/s: no such socket"
complains "aegis node run"
exits 5 kv put k v
exits 5 kv -o json get k
jq -e '.error.code == "UNREACHABLE" and .error.exit == 5' err >/dev/null ||
	fail "no error object: $(cat err)"

# Usage.
misused kv get
misused kv put
misused kv get ''
misused kv get k --consistency strong
misused kv put k v --file x
misused kv put k v --if-version x
misused kv del a b --if-version 1
misused kv list --limit 0
misused kv put k v --timeout 0s
misused kv put k v --timeout 11m
complains 'at most 10m'
long=$(printf '%01025d' 0)
misused kv list "$long"
misused kv watch "$long"
misused kv del --prefix "$long"
complains 'at most 1024 bytes, not 1025'
misused kv get a b --watch
misused kv watch -o csv
complains 'table, json, jsonl or value'
exits 3 kv put k --file nowhere
complains nowhere

serve

# What is closed is not taken by a connection.
kv list >&- 2>err
[ $? = 3 ] || fail "list to a closed stdout: $(cat err)"
complains "write standard output: Bad file descriptor"
kv put k - <&- >out 2>err
[ $? = 3 ] || fail "put from a closed stdin: $(cat err)"

# Absent: empty stdout, exit 1; -q says nothing at all.
exits 1 kv get k
silent
exits 1 kv get k -q
silent
unmoved
exits 1 kv del k
exits 0 kv list -o json

# What was put comes out byte for byte.
exits 0 kv put k hello -o json
jq -e '.results[0] | .key == "k" and .code == "DONE" and .version == "1"' \
	out >/dev/null || fail "put says $(cat out)"
exits 0 kv get k
[ "$(cat out)" = hello ] || fail "get says $(cat out)"
[ "$(wc -c <out)" = 5 ] || fail "get added bytes"
head -c 1048576 /dev/urandom >big
exits 0 kv put big --file big -q
unmoved
silent
exits 0 kv get big
cmp -s big out || fail "a value of 1 MiB came out changed"
"$AEGIS" kv put piped - -q <big || fail "put from stdin"
exits 0 kv get piped
cmp -s big out || fail "a value from stdin came out changed"
printf 'x' >>big
exits 2 kv put big --file big
complains 'longer than 1048576 bytes'

# Binary is not for terminals.
if command -v script >/dev/null; then
	script -qec "'$AEGIS' kv get big; echo code \$?" /dev/null \
		>typescript </dev/null
	grep -q 'code 11' typescript || fail "binary reached a terminal"
	grep -q 'redirect it' typescript || fail "no advice about binary"
fi

# Text, JSON and both kinds of bytes.
exits 0 kv put 'clé' 'naïve "x"' -q
exits 0 kv get 'clé' -o json
jq -e '.entries[0].value == "naïve \"x\""' out >/dev/null ||
	fail "text became $(cat out)"
printf '\001\377' | "$AEGIS" kv put bin - -q
exits 0 kv get bin -o json
jq -e '.entries[0].value.b64 == "Af8="' out >/dev/null ||
	fail "bytes became $(cat out)"

# Comparisons.
exits 10 kv put k other --if-version 7
complains 'k: the key has version 1, not that of if_version'
exits 10 kv put none v --if-version 2
complains 'none: the key is absent, version 0'
exits 0 kv get k
[ "$(cat out)" = hello ] || fail "a refused put changed the value"
exits 0 kv put k second --if-version 1 -q
exits 10 kv put k third --if-version 0
exits 0 kv put new first --if-version 0 -q
exits 10 kv del new --if-version 5
exits 0 kv del new --if-version 1 -q

# Several keys, one of them absent: the others are shown.
exits 1 kv get k nothing bin -o jsonl
[ "$(grep -c '"key"' out)" = 2 ] || fail "the present keys are missing"
jq -e '.error.msg == "nothing: the key is absent"' err >/dev/null ||
	fail "which one is absent: $(cat err)"
exits 1 kv get "$(printf 'a\377')" -o json
jq -e '.error.msg == "a\\xff: the key is absent"' err >/dev/null ||
	fail "bytes in an error: $(cat err)"

# One that cannot be a key leaves the others alone.
exits 2 kv del k "$long"
exits 0 kv get k

# A list of many pages is one list, in order.
i=0
while [ $i -lt 12 ]; do
	j=0
	printf '{"then":['
	while [ $j -lt 60 ]; do
		[ $j = 0 ] || printf ,
		printf '{"put":"p/%04d","value":"%d"}' $((i * 60 + j)) $j
		j=$((j + 1))
	done
	printf ']}'
	i=$((i + 1))
	printf '\n'
done >txns
while read -r line; do
	printf '%s' "$line" | "$AEGIS" kv txn - -q || fail "txn failed"
done <txns
exits 0 kv list p/ --keys-only -o value
[ "$(wc -l <out)" = 720 ] || fail "listed $(wc -l <out) keys, not 720"
sort -c out || fail "the list is not in order"
exits 0 kv list p/ --limit 601 --keys-only -o value
[ "$(wc -l <out)" = 601 ] || fail "limit gave $(wc -l <out)"


# Pages by hand, and ranges.
exits 0 kv list p/ --after p/0099 --limit 2 -k -o value
[ "$(cat out)" = "p/0100
p/0101" ] || fail "--after gave $(cat out)"
exits 0 kv list --from p/0700 --to p/0702 -k -o value
[ "$(cat out)" = "p/0700
p/0701" ] || fail "--from and --to gave $(cat out)"
exits 0 kv list p/ --from p/0100 --to q -k -o value
[ "$(wc -l <out)" = 620 ] || fail "a range of pages has $(wc -l <out) keys"
misused kv list --after a --from b
misused kv list --to ''
misused kv list --after "$long"

# Transactions.
echo '{"compare":[{"key":"k","version":"2"}],"then":[{"put":"t","value":"1"}],
"else":[{"put":"t","value":"2"}]}' >txn
exits 0 kv txn txn -o json
jq -e '.succeeded == true' out >/dev/null || fail "txn says $(cat out)"
exits 0 kv put k moved -q
exits 1 kv txn txn
exits 0 kv get t
[ "$(cat out)" = 2 ] || fail "else was not applied"
echo '{"then":[{"putt":"t"}]}' >wrong
exits 2 kv txn wrong
complains 'then[0] takes'
: >wrong
exits 2 kv txn wrong
complains 'the transaction is empty'
echo '{"then":[' >wrong
exits 2 kv txn wrong
complains 'line'
exits 3 kv txn nowhere

# Requests can be asked for.
exits 0 kv put r 1 -o json
id=$(jq -r '.results[0].request' out)
exits 0 kv request "$id" -o json
jq -e '.code == "DONE"' out >/dev/null || fail "request says $(cat out)"
exits 1 kv request "${id%.*}.999999"
exits 2 kv request nonsense

# Deleting by prefix.
exits 11 kv del '' --prefix
complains --yes
exits 0 kv del p/ --prefix -o value
[ "$(cat out)" = 720 ] || fail "deleted $(cat out), not 720"
exits 1 kv del p/ --prefix -q

# Watching from the past, and the present.
exits 0 kv put w/1 one -q
mkfifo changes
timeout 20 "$AEGIS" kv watch w/ --from 1 -o jsonl >changes 2>err &
watcher=$!
head -n 1 changes >out
kill $watcher
wait $watcher 2>/dev/null
jq -e '.event == "put" and .key == "w/1" and .value == "one"' out >/dev/null ||
	fail "watch says $(cat out err)"
timeout 20 "$AEGIS" kv get w/1 --watch >changes 2>err &
watcher=$!
exec 3<changes
read -r line <&3
case $line in
one*) ;;
*) fail "get --watch began with $line" ;;
esac
exits 0 kv put w/1 two -q
case $line in
*put*) ;;
*) read -r line <&3 ;;
esac
case $line in
*'put w/1 two') ;;
*) fail "get --watch went on with $line" ;;
esac
kill $watcher
wait $watcher 2>/dev/null
exec 3<&-

# What stops half-way says so: exit 6 would be "nothing happened".
stop
python3 -c '
import socket, sys
path, *answers = sys.argv[1:]
server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen()
server.settimeout(20)
print("ready", flush=True)
client, _ = server.accept()
for answer in answers:
    seen = b""
    while b"\r\n\r\n" not in seen:
        seen += client.recv(65536)
    status, body = answer.split("\n")
    client.sendall(("HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s"
                    % (status, len(body), body)).encode())
client.recv(1)
' "$dir/half" '200 OK
{"v":1,"code":"DONE","seq":"9","version":"0","previous_version":"1"}' '503 No
{"code":"NO_QUORUM","exit":6,"detail":"too few members answer"}' >ready &
pid=$!
read -r _ <ready
exits 9 kv del one two --socket "$dir/half"
complains 'two: too few members answer'
says one
wait "$pid"
pid=

# What clusters in trouble answer.
serve NO_QUORUM
exits 6 kv list
silent
exits 6 kv put k v
exits 6 kv get k
exits 1 kv get k --consistency local
serve OUTCOME_UNKNOWN
exits 7 kv put k v
complains 'ask with: aegis kv request a5a5'
serve BUSY
exits 10 kv put k v

# What a scraper reads.
if command -v promtool >/dev/null; then
	curl -sS --unix-socket "$AEGIS_SOCKET" http://aegis/metrics >scraped
	promtool check metrics <scraped >verdict 2>&1 ||
		fail "promtool: $(cat verdict)"
	[ ! -s verdict ] || fail "promtool says: $(cat verdict)"
fi
