#!/bin/bash
# What SIGHUP takes over is in force, what it does not is named, and a file
# that is wrong changes nothing; and what the service manager is told.
# Environment: AEGIS.  Exit: 0 when all holds, 1 with a word.
set -u
# shellcheck source=tests/cluster/lib_trial.sh
. "${0%/*}/lib_trial.sh"

mkfifo ready
python3 -c '
import socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
manager.settimeout(60)
open(sys.argv[2], "w").write("bound\n")
told = b""
while told != b"STOPPING=1":
    told = manager.recv(4096)
    print(told.decode(), flush=True)
' manager ready >told &
manager=$!
started=$manager
read -r _ <ready

exits 0 "$AEGIS" cluster init -q -n 1 c
config=c/n1/aegis.yaml
log=$dir/c/n1/node.log
cp "$config" first
NOTIFY_SOCKET="$dir/manager" "$AEGIS" node run -c "$config" 2>run.err &
process=$!
started="$started $process"
within 30 "it is told of" grep -qx \
	'STATUS=OK: 1 of 1 members take part, margin 0' told
[ "$(head -n 1 told)" = READY=1 ] || fail "told $(cat told)"

# set_keys KEY VALUE...: the file as it was at first, but for keys of its log.
set_keys() {
	grep -v -E '^ *#?(level|format|file): ' first >"$config"
	while [ $# -gt 0 ]; do
		sed -i "s|^log:|log:\n  $1: $2|" "$config"
		shift 2
	done
	exits 0 "$AEGIS" config check "$config"
}
# shown KEY: its value in the node.
shown() {
	curl -sS --unix-socket c/n1/aegis.sock http://node/v1/config |
		jq -r --arg key "$1" '.settings[] | select(.key == $key).value'
}
# refusals_are COUNT: so many lines of them.
refusals_are() {
	[ "$(grep -c 'configuration refused' other.log)" = "$1" ]
}
# is_ready COUNT: the manager was told so often, at the end of a reload too.
is_ready() {
	[ "$(grep -cx READY=1 told)" = "$1" ]
}
is() {
	[ "$(shown "$1")" = "$2" ]
}

# Format, level and file; the first file is left alone from then on.
set_keys format json level debug file "$dir/other.log"
kill -HUP "$process"
within 30 "the new file" \
	grep -q '"msg":"reloaded","what":"log.format"' other.log
within 30 "the first reload" is_ready 2
within 30 "log.file is told of" grep -q '"what":"log.file"' other.log
is log.format json || fail "format is $(shown log.format)"
is log.level debug || fail "level is $(shown log.level)"
is log.file "$dir/other.log" || fail "file is $(shown log.file)"
cp "$log" before
lines=$(wc -l <other.log)
exits 0 "$AEGIS" kv put k v --socket c/n1/aegis.sock

# Once more without a change there is nothing to tell; it reopens the file.
mv other.log other.log.1
kill -HUP "$process"
within 30 "the second reload" is_ready 3
[ -e other.log ] || fail "there is no new file"
! grep -q reloaded other.log || fail "told of nothing: $(cat other.log)"
[ "$(wc -l <other.log.1)" -ge "$lines" ] || fail "the rotated file shrank"

# What takes a restart is named, and the rest is taken over.
set_keys format logfmt file "$dir/other.log"
sed -i 's|^net:|net:\n  silent_after: 9s|' "$config"
kill -HUP "$process"
within 30 "needs a restart" grep -q \
	'"level":"warn".*"msg":"needs a restart","what":"net.silent_after"' \
	other.log
within 30 "the format" grep -q 'msg=reloaded what=log.format' other.log
within 30 "the third reload" is_ready 4
is net.silent_after 3s || fail "silent_after is $(shown net.silent_after)"
is log.format logfmt || fail "format is $(shown log.format)"

# Mistakes change nothing, all of them are told, and so is a file that cannot be.
echo 'nonsense: 1' >>"$config"
sed -i 's|format: logfmt|format: xml|' "$config"
kill -HUP "$process"
within 30 "two mistakes" refusals_are 2
is log.format logfmt || fail "a wrong file changed the format"
set_keys format json file "$dir/none/log"
kill -HUP "$process"
within 30 "the file" grep -q "level=error.*open log file $dir/none/log" \
	other.log
is log.format logfmt || fail "half of it was taken over"
cmp -s "$log" before || fail "the first file goes on"

kill "$process"
wait "$process" || fail "the node exited $?: $(cat run.err)"
wait "$manager" || fail "the manager: $(cat told)"
[ "$(grep -c RELOADING=1 told)" = 5 ] || fail "reloads told: $(cat told)"
[ "$(tail -n 1 told)" = STOPPING=1 ] || fail "told $(cat told)"

# At the next start it is the last word, which who starts the cluster hears.
echo nonsense >"$config"
exits 3 "$AEGIS" cluster up c
complains "start node n1: it ended, saying: aegis node run: $dir/$config:1:1: "
