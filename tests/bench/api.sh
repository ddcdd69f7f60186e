#!/bin/bash
# Requests a second of the API alone, over a fake node.
# Usage: api.sh FAKE_SERVER LOAD [SECONDS]
set -eu

server=$1
load=$2
seconds=${3:-3}
dir=$(mktemp -d)
mkfifo "$dir/ready"
"$server" "$dir/s" >"$dir/ready" &
pid=$!
trap 'kill $pid; wait $pid || true; rm -rf "$dir"' EXIT
read -r _ <"$dir/ready"
for what in --get ''; do
	for clients in 1 64 1000; do
		# shellcheck disable=SC2086 # no word is no option
		"$load" --target aegis $what --clients "$clients" \
			--seconds "$seconds" --warm-ms 200 "$dir/s"
		awk '/VmRSS/ { print "  server rss", $2, $3 }' "/proc/$pid/status"
	done
done
