#!/bin/bash
# What a node does not start with: each time one error that names the file,
# exit 3 for what is wrong about the place and 8 for damage, and nothing
# changed.  What was in the way once gone, it starts.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

exits 0 "$AEGIS" cluster init -q c
exits 0 "$AEGIS" cluster init -q other
for trial in c other; do
	exits 0 "$AEGIS" cluster up "$trial"
	for i in 1 2 3 4 5 6; do
		exits 0 "$AEGIS" kv put "k$i" "v$i" \
			--socket "$trial/n1/aegis.sock"
	done
	exits 0 "$AEGIS" cluster down "$trial"
done
sed "s|$dir/c/n1|$dir/w|" c/n1/aegis.yaml >aegis.yaml
port=$(sed -n 's/.*listen: 127.0.0.1://p' aegis.yaml)

# fresh: w is n1's data directory again.
fresh() {
	rm -rf w
	cp -a c/n1 w
	cp aegis.yaml w/aegis.yaml
}

# refused CODE WORDS...: one line says them all, and nothing is changed.
refused() {
	code=$1
	shift
	files w >before
	exits "$code" timeout 60 "$AEGIS" node run -c w/aegis.yaml
	silent
	[ "$(wc -l <err)" = 1 ] || fail "not one line: $(cat err)"
	for words; do
		complains "$words"
	done
	files w >after
	cmp -s before after || fail "$* and yet changed: $(diff before after)"
}

# runs: it starts after all.
runs() {
	"$AEGIS" node run -c w/aegis.yaml 2>run.err &
	process=$!
	started="$started $process"
	within 30 "start" "$AEGIS" kv get k6 --consistency local \
		--socket w/aegis.sock
	kill "$process"
	wait "$process" || fail "the node exited $?: $(cat run.err)"
}

# Another cluster's log, state, roster, keys.
fresh && rm -r w/log && cp -a other/n1/log w
refused 3 "log $dir/w/log: it belongs to another cluster"
fresh && rm -r w/state && cp -a other/n1/state w
refused 3 "state $dir/w/state: it belongs to another cluster"
fresh && sed -i "s|roster: .*|roster: $dir/other/roster|" w/aegis.yaml
refused 3 "roster $dir/other/roster" "$dir/w/keys/node" "no member's node key"
fresh && cp other/n1/keys/* w/keys
refused 3 "roster $dir/c/roster" "$dir/w/keys/node" "no member's node key"
fresh && cp other/n1/keys/link* w/keys
refused 3 "link key $dir/w/keys/link is not that of member n1"
fresh && cp c/n2/keys/* w/keys
refused 3 "$dir/w/keys/node is that of n2" "configuration says n1"

# A newer version's log, state, roster.
log=w/log/wal-0000000000000001.log
fresh && printf '\3' | dd of="$log" bs=1 seek=8 conv=notrunc 2>/dev/null
refused 3 "$dir/$log: format 3, this program reads up to 2" "newer program"
fresh && sqlite3 w/state/state.db 'pragma user_version = 9'
refused 3 "$dir/w/state/state.db: format 9, this program reads up to " "newer program"
fresh && sed 's/^aegis-roster 1/aegis-roster 9/' c/roster >w/roster &&
	sed -i 's|roster: .*|roster: roster|' w/aegis.yaml
refused 3 "$dir/w/roster:1:" "newer program"
# Of its horizon one copy may be as old as this program.
fresh && python3 - w/keys/horizon <<'EOP'
import hashlib, sys
body = b"\x84\x6daegis-horizon\x02\x40\xf6"
with open(sys.argv[1], "r+b") as file:
    file.write((body + hashlib.blake2b(body, digest_size=32).digest()).ljust(512, b"\0"))
EOP
refused 3 "$dir/w/keys/horizon: format 2, this program reads up to 1" \
	"newer program"
fresh && printf '\203\153aegis-chain\002\100\200' >w/chain
refused 3 "$dir/w/chain" "format 2, this program reads up to 1" "newer program"
# What is cut short, or no such file at all.
fresh && head -c 700 c/roster >w/roster &&
	sed -i 's|roster: .*|roster: roster|' w/aegis.yaml
refused 3 "$dir/w/roster:"
fresh && head -c 100 c/n1/keys/node >w/keys/node
refused 3 "private key $dir/w/keys/node"
fresh && rm w/keys/node
refused 3 "$dir/w/keys/node: No such file"
fresh && chmod 644 w/keys/link
refused 4 "chmod 600 $dir/w/keys/link"
fresh && echo 'node: [' >w/aegis.yaml
exits 3 "$AEGIS" node run -c w/aegis.yaml
complains "w/aegis.yaml:2:"
fresh && echo many >w/request-number
refused 3 "$dir/w/request-number: not a number"

# Damage: also where the file is, and what to do.  Of a damaged log a member
# of several rejoins by itself (rejoin.sh).
rejoin="move log and state out of $dir/w"
fresh && head -c 5000 "$log" >w/state/state.db
refused 8 "$dir/w/state/state.db: file is not a database" "$rejoin"

# Addresses and names others use.
fresh
ready=$dir/ready
mkfifo "$ready"
python3 -c '
import signal, socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen()
open(sys.argv[2], "w").write("listening\n")
signal.pause()' "$port" "$ready" &
listener=$!
started="$started $listener"
read -r _ <"$ready"
exits 3 timeout 60 "$AEGIS" node run -c w/aegis.yaml
complains "listen on 127.0.0.1:$port: Address already in use"
kill "$listener"
wait "$listener" 2>/dev/null
runs
fresh && : >w/aegis.sock
exits 3 timeout 60 "$AEGIS" node run -c w/aegis.yaml
complains "$dir/w/aegis.sock: there is a file that is no socket"
rm w/aegis.sock
"$AEGIS" node run -c w/aegis.yaml 2>run.err &
process=$!
started="$started $process"
within 30 "start" "$AEGIS" kv get k1 --consistency local --socket w/aegis.sock
exits 3 timeout 60 "$AEGIS" node run -c w/aegis.yaml
complains "data directory $dir/w: another node is running on it"
kill "$process"
wait "$process" || fail "the node exited $?: $(cat run.err)"

# Without standard files, which a file of the node's must not take the place of.
fresh
"$AEGIS" node run -c w/aegis.yaml <&- >&- 2>&- &
process=$!
started="$started $process"
within 30 "start" "$AEGIS" kv get k6 --consistency local --socket w/aegis.sock
kill "$process"
wait "$process" || fail "the node without standard files exited $?"
runs

# Keys with a passphrase, which comes over a descriptor or not at all.
fresh
ssh-keygen -q -p -N 'open sesame' -f w/keys/node >/dev/null ||
	fail "ssh-keygen can not encrypt the node key"
refused 4 "private key $dir/w/keys/node: it is encrypted" --passphrase-fd
echo 'open barley' >word
exits 4 "$AEGIS" node run -c w/aegis.yaml --passphrase-fd 3 3<word
complains "private key $dir/w/keys/node: wrong passphrase"
echo 'open sesame' >word
"$AEGIS" node run -c w/aegis.yaml --passphrase-fd 3 3<word 2>run.err &
process=$!
started="$started $process"
within 30 "start" "$AEGIS" kv get k6 --consistency local --socket w/aegis.sock
kill "$process"
wait "$process" || fail "the node exited $?: $(cat run.err)"
