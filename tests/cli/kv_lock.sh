#!/bin/sh
# aegis kv lock against the real API over a fake node, where no time passes
# for leases.
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
misused kv lock
misused kv lock name
complains "missing COMMAND"
misused kv lock '' -- true
misused kv lock --ttl 1500ms name -- true
complains "whole seconds"
misused kv lock --wait soon name -- true
misused kv lock "$(printf '%01003d' 0)" -- true
complains "a lock's NAME has 1 to 1002 bytes"
misused kv lock name ls -l
exits 5 kv lock name -- true

# shellcheck disable=SC2119 # no outcomes: all is well
serve

# The command knows what it holds, has our input and output, and its own
# arguments; its exit code is ours.
# shellcheck disable=SC2016 # for the command
echo word | kv lock name -- sh -c \
	'read -r word; echo "$word $1 $AEGIS_LOCK_KEY $AEGIS_LOCK_REVISION"; exit 7' \
	sh --wait >out 2>err
[ $? = 7 ] || fail "the command's code is not passed on: $(cat err)"
says 'word --wait lock/name/0000000000000001 3'
unmoved
exits 127 kv lock name -- no-such-command
complains "run no-such-command: No such file or directory"
exits 126 kv lock name -- /
# shellcheck disable=SC2016 # for the command
exits 137 kv lock name -- sh -c 'kill -9 $$'

# Nothing is left of it.
[ "$(kv list -k -o value)" = "" ] || fail "keys are left: $(kv list)"
[ "$(kv lease list -o value)" = "" ] || fail "leases are left"

# What follows is told by a watch: it begins with a change that there was.
mkfifo events go never
exec 7<>never
from=$(kv put lock/first v -o value) || fail put
"$AEGIS" kv watch lock/ --from "$from" -o jsonl >events 2>/dev/null &
watcher=$!
exec 4<events

# sees EVENT KEY VERSION: the next change of a lock is this.
sees() {
	read -r event <&4 || fail "no more events, and not $*"
	[ "$(echo "$event" | jq -r '"\(.event) \(.key) \(.version)"')" = \
		"$*" ] || fail "not $*: $event"
}

# The name of the n-th lease's place.
place() {
	printf 'lock/name/%016x' "$1"
}

sees put lock/first 1
kv del -q lock/first
sees delete lock/first 0

# One has the lock, and others wait.
exec 5<>go
"$AEGIS" kv lock name -- sh -c 'read -r _ <&5; echo 1 >>order' 4<&- &
first=$!
sees put "$(place 5)" 1
sees put "$(place 5)" 2
"$AEGIS" kv lock name -- sh -c 'echo 2 >>order' 4<&- &
second=$!
sees put "$(place 6)" 1
"$AEGIS" kv lock name -- sh -c 'echo 3 >>order' 4<&- &
third=$!
sees put "$(place 7)" 1

# A name below it is another lock.
[ "$(kv lock --wait 0s name/below -- echo had 4<&-)" = had ] ||
	fail "a name below a lock's waits for it"
for _ in 1 2 3; do read -r _ <&4; done

# Who does not wait, or not for long, says so, and is in the queue no more.
exits 124 kv lock --wait 0s name -- true
complains "the lock name was not free in time"
sees put "$(place 9)" 1
sees delete "$(place 9)" 0
exits 124 kv lock --wait 100ms name -- true
sees put "$(place 10)" 1
sees delete "$(place 10)" 0

# The second gives up by a signal: it dies of it, and the third waits on for
# the first.
kill "$second"
wait "$second" 2>/dev/null
[ $? = 143 ] || fail "a signal while waiting is not what it died of"
sees delete "$(place 6)" 0
echo go >&5
wait "$first" || fail "the first"
wait "$third" || fail "the third"
sees delete "$(place 5)" 0
sees put "$(place 7)" 2
sees delete "$(place 7)" 0
[ "$(paste -sd " " order)" = "1 3" ] || fail "order: $(cat order)"

# Signals are the command's while it runs.
# shellcheck disable=SC2016 # for the command
"$AEGIS" kv lock name -- sh -c 'trap "exit 9" TERM; echo in >&5; read -r _ <&7' 4<&- &
holder=$!
read -r _ <&5
kill "$holder"
wait "$holder"
[ $? = 9 ] || fail "a signal is not passed on"

# A lease that is gone: the command is told to end, and killed when it does
# not; in either case it is exit 10.
for reaction in '"echo told >&5; exit 0"' '""'; do
	"$AEGIS" kv lock --ttl 1s name -- sh -c \
		"trap $reaction TERM; echo in >&5; while :; do read -r _ <&7; done" \
		2>err 4<&- &
	holder=$!
	read -r _ <&5
	kv lease revoke -q "$(kv lease list -o value)" || fail "revoke"
	wait "$holder"
	[ $? = 10 ] || fail "a lost lock is not exit 10: $(cat err)"
	complains "the lock name is lost"
	[ "$reaction" = '""' ] || read -r _ <&5
done

# Who is killed takes its command along.
# shellcheck disable=SC2016 # for the command
"$AEGIS" kv lock name -- sh -c 'echo $$ >&5; read -r _ <&7' 4<&- &
holder=$!
read -r command <&5
kill -9 "$holder"
wait "$holder" 2>/dev/null
patience=100
while kill -0 "$command" 2>/dev/null &&
	! grep -qs '^State:.Z' "/proc/$command/status"; do
	patience=$((patience - 1))
	[ "$patience" -gt 0 ] || fail "a command lives on without its lock"
	sleep 0.1
done
kv lease revoke -q "$(kv lease list -o value)" || fail "revoke"

# No node any more: the lease can not be kept alive, and is given up in time.
"$AEGIS" kv lock --ttl 1s name -- sh -c 'echo in >&5; read -r _ <&7' 2>err 4<&- &
holder=$!
read -r _ <&5
kill "$watcher"
stop
wait "$holder"
[ $? = 10 ] || fail "a lock without a node is not lost: $(cat err)"
complains "the lease was not kept alive in time"
