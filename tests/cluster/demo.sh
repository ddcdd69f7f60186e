#!/bin/sh
# A four-node cluster on this machine: written to, its primary killed, written
# to again, and back.  On a terminal the dashboard opens at the end instead;
# leaving it stops the cluster.
set -eu

aegis=${AEGIS:-build/release/aegis}
case $aegis in
/*) ;;
*) aegis=$PWD/$aegis ;;
esac
work=$(mktemp -d)
trial=$work/trial

finish() {
	"$aegis" cluster down "$trial" -q || :
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

say() {
	printf '\n== %s\n' "$*"
}

# A command that is expected to end with this exit code and say so much.
expect() {
	code=$1 words=$2
	shift 2
	got=0
	"$@" >"$work/said" || got=$?
	cat "$work/said"
	if [ "$got" -ne "$code" ]; then
		echo "demo: $*: exit $got, expected $code" >&2
		exit 1
	fi
	if ! grep -q "$words" "$work/said"; then
		echo "demo: $*: does not say '$words'" >&2
		exit 1
	fi
}

say 'four nodes, any one of which may fail or lie'
"$aegis" cluster init --nodes 4 "$trial"
"$aegis" cluster up "$trial"

# On a machine that is busy the change of primaries may take a while.
AEGIS_SOCKET=$trial/n2/aegis.sock AEGIS_TIMEOUT=20s
export AEGIS_SOCKET AEGIS_TIMEOUT

say 'write through n2, read through n3'
"$aegis" kv put greeting 'hello, fleet'
"$aegis" kv put motto 'trust the quorum'
"$aegis" kv get greeting --socket "$trial/n3/aegis.sock" -o value

if [ -t 0 ] && [ -t 1 ]; then
	say 'the dashboard (q leaves it and stops the cluster)'
	"$aegis" tui
	exit 0
fi

say 'kill -9 the primary, n1'
"$aegis" cluster kill "$trial" n1

say 'write and read again: the others agree on a new primary'
"$aegis" kv put after 'n1 is gone'
test "$("$aegis" kv get after -o value)" = 'n1 is gone'
test "$("$aegis" kv get greeting -o value)" = 'hello, fleet'

say 'status: DEGRADED, margin 0'
expect 1 '^DEGRADED  margin 0' "$aegis" node status

say 'restart n1: it catches up'
"$aegis" cluster up "$trial"
expect 0 '^OK  margin 1' "$aegis" cluster status "$trial"
test "$("$aegis" kv get after --socket "$trial/n1/aegis.sock" -o value)" = \
	'n1 is gone'

say 'done'
