#!/bin/sh
# What a peer port offers, as ssh-audit sees it: the algorithms of our list
# and nothing else.  Two lines are known to be false: kex-strict is the remedy
# for Terrapin, and the CVE is told from the first digits of a version.
# Environment: NET_LISTENER, the program that listens.
set -eu

listener=${NET_LISTENER:-build/release/tests/net/listener}
here=$(dirname "$0")
command -v ssh-audit >/dev/null || {
	echo "ssh_audit.sh: ssh-audit is not installed; apt install ssh-audit" >&2
	exit 1
}
work=$(mktemp -d)
mkfifo "$work/stdin"
"$listener" <"$work/stdin" >"$work/port" 2>"$work/log" &
pid=$!
exec 3>"$work/stdin"

finish() {
	exec 3>&-
	wait "$pid" || :
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

tries=0
until [ -s "$work/port" ]; do
	tries=$((tries + 1))
	if [ "$tries" -ge 100 ] || ! kill -0 "$pid"; then
		echo "ssh_audit.sh: no listener: $(cat "$work/log")" >&2
		exit 1
	fi
	sleep 0.05
done
# It ends with 2 because of the false warning: what it says is compared.
timeout 30 ssh-audit -n -b "127.0.0.1:$(cat "$work/port")" >"$work/out" || :
grep -E '^\((gen\) compression|cve|kex|key|enc|mac)' "$work/out" |
	sed 's/ -- \[info\].*//' | uniq >"$work/seen"
diff -u "$here/ssh_audit.expected" "$work/seen"
echo "ssh_audit.sh: the peer port offers what is expected"
