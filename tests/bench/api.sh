#!/bin/bash
# Requests a second of the API alone, over a fake node.
# Usage: api.sh FAKE_SERVER API_LOAD [SECONDS]
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
ulimit -n 4096
for what in get put; do
	for connections in 1 64 1000; do
		"$load" "$dir/s" $what $connections "$seconds"
		awk '/VmRSS/ { print "  server rss", $2, $3 }' "/proc/$pid/status"
	done
done
