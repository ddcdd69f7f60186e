#!/bin/bash
# Reads that are proved: any one node answers, and a node that lies, whatever
# it says, is not believed.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

# proved NODE KEY...: with the rosters there are.
proved() {
	node=$1
	shift
	"$AEGIS" kv get --socket "$dir/c/$node/aegis.sock" \
		--consistency proved --roster rosters "$@"
}

exits 0 "$AEGIS" cluster init -q --observers 1 c
exits 0 "$AEGIS" cluster up -q c
cp c/roster rosters
head -c 100000 /dev/urandom >photo
exits 0 ask n1 put color blue
exits 0 ask n2 put photo --file photo

# What was answered before is there, at every node and byte for byte.
for node in n1 n2 n3 n4 o1; do
	exits 0 proved "$node" photo
	cmp -s out photo || fail "$node proves another photo"
done
exits 0 proved n3 color -o json
jq -e '.entries[0] | .value == "blue" and .consistency == "proved" and
	.version == "1" and (.seq | tonumber) > 1' out >/dev/null ||
	fail "json: $(cat out)"
exits 1 proved n1 nothing
complains "nothing: proved to be absent at sequence"
exits 1 proved n1 -q nothing
silent
exits 1 proved n1 color nothing -o value
says blue

# It is kept, and convinces whoever has the roster, at any time.
exits 0 proved n2 color --proof kept
[ "$(cat out)" = blue ] || fail "with --proof: $(cat out)"
exits 1 proved n2 nothing --proof absent
exits 0 "$AEGIS" kv verify kept --roster c/roster
[ "$(cat out)" = blue ] || fail "verify: $(cat out)"
exits 0 "$AEGIS" kv verify kept --roster c/roster --key color -o csv
says "color,blue,1,"
exits 8 "$AEGIS" kv verify kept --roster c/roster --key colour
complains "not proved"
exits 1 "$AEGIS" kv verify absent --roster c/roster --key nothing
complains "nothing: proved to be absent at sequence"
exits 2 "$AEGIS" kv verify absent --roster c/roster
complains "of which, --key says"
exits 8 "$AEGIS" kv verify kept --roster c/roster --max-age 1ms
complains "--max-age"
exits 0 "$AEGIS" kv get color --consistency proved -c c/n4/aegis.yaml
[ "$(cat out)" = blue ] || fail "by the configured roster: $(cat out)"
exits 3 "$AEGIS" kv verify kept --roster none
complains "proofs are checked by a roster"
exits 0 "$AEGIS" cluster init -q other
exits 8 "$AEGIS" kv verify kept --roster other/roster
complains "another cluster"
misused "$AEGIS" kv get color --roster c/roster
complains "--roster is of --consistency proved"
misused proved n1 color --at 1
misused proved n1 color photo --proof both

# Where nobody writes time stands still, and goes on for who asks.
pause 2
exits 0 proved n1 color --max-age 1500ms
[ "$(cat out)" = blue ] || fail "after a while: $(cat out)"

# A node that lies: it gives what it is told to, as often as it is asked.
cat >liar.py <<'PYTHON'
import http.server, os, socketserver, sys

class Liar(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self):
        body = open("answer", "rb").read() if self.command == "GET" else b"{}"
        self.send_response(200 if self.command == "GET" else 409)
        self.send_header("Content-Type", "application/cbor")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True
    do_GET = do_DELETE = answer
    def address_string(self):
        return "it"
    def log_message(self, *_):
        pass

with socketserver.ThreadingUnixStreamServer("liar.sock", Liar) as server:
    print("ready", flush=True)
    server.serve_forever()
PYTHON
coproc liar { exec python3 liar.py 2>liar.err; }
# shellcheck disable=SC2154 # coproc sets it
started="$started $liar_PID"
read -r -t 20 word <&"${liar[0]}" || fail "no liar: $(cat liar.err)"
[ "$word" = ready ] || fail "liar: $word"

# told KEY...: what the liar makes of it.
told() {
	"$AEGIS" kv get --socket liar.sock --consistency proved \
		--roster rosters "$@"
}
# disbelieved KEY...: nothing of it is shown.
disbelieved() {
	exits 8 told "$@"
	[ ! -s out ] || fail "shown for $*: $(head -c 100 out)"
	complains "$1: "
}

cp kept answer
exits 0 told color
[ "$(cat out)" = blue ] || fail "an honest proof: $(cat out)"
disbelieved photo
disbelieved nothing
disbelieved color --max-age 1ms
complains "--max-age"
cp absent answer
disbelieved color
exits 1 told nothing
size=$(stat -c %s kept)
for at in $(seq 0 17 $((size - 1))); do
	python3 - "$at" <<'PYTHON'
import sys
data = bytearray(open("kept", "rb").read())
data[int(sys.argv[1])] ^= 1 << int(sys.argv[1]) % 8
open("answer", "wb").write(data)
PYTHON
	disbelieved color
done
for keep in 0 1 100 $((size - 1)); do
	head -c "$keep" kept >answer
	disbelieved color
done
cat kept kept >answer
disbelieved color
head -c 40000000 /dev/zero >answer
if told color >out 2>err || [ -s out ]; then
	fail "an answer without end: $(head -c 100 out)"
fi
kill "$liar_PID"
wait "$liar_PID" 2>/dev/null

# After a change of members their own roster counts, and the chain has it.
exits 0 "$AEGIS" member rm o1 -q -y -d c/n1 -d c/n2 -d c/n3 \
	--socket c/n1/aegis.sock
# shellcheck disable=SC2317,SC2329 # called by within
is_next() {
	"$AEGIS" node status --socket c/n1/aegis.sock -o json |
		jq -e '.epoch == "1" and .health == "OK"' >/dev/null
}
within 30 "the next epoch" is_next
exits 8 proved n1 color
complains "aegis member export"
exits 0 "$AEGIS" member export -o chain --socket c/n1/aegis.sock
cp chain rosters
exits 0 proved n1 color
[ "$(cat out)" = blue ] || fail "in the next epoch: $(cat out)"
exits 0 "$AEGIS" kv verify kept --roster chain
exits 0 "$AEGIS" cluster down -q c
