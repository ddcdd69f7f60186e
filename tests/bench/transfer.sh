#!/bin/bash
# How long a member whose disk was lost takes until it is level again, on
# loopback, while writes go on.
#
# Usage: transfer.sh OUT
#
# OUT gets a line of JSON: name, unit, value, MiB, value_bytes, writes.  Ends
# with 1 when it took longer than TRANSFER_SECONDS.
#
# BENCH_DIR         where the cluster lives (/var/tmp)
# TRANSFER_MIB      of keys and values (1024)
# TRANSFER_BYTES    of a value (8192)
# TRANSFER_SECONDS  at most (60)
set -euo pipefail

aegis=$(realpath "${AEGIS:-build/release/aegis}")
here=$(realpath "${0%/*}")
out=$(realpath "${1:?usage: transfer.sh OUT}")
mib=${TRANSFER_MIB:-1024}
bytes=${TRANSFER_BYTES:-8192}
most=${TRANSFER_SECONDS:-60}
dir=$(mktemp -d "${BENCH_DIR:-/var/tmp}/aegis-transfer.XXXXXX")
writer=

finish() {
	rm -f "$dir/go"
	[ -z "$writer" ] || wait "$writer" || :
	"$aegis" cluster down -q "$dir/c" >/dev/null 2>&1 || :
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM

# ask NODE ARGUMENT...
ask() {
	local node=$1
	shift
	"$aegis" kv --socket "$dir/c/$node/aegis.sock" "$@"
}

write_on() {
	local count=0
	while [ -e "$dir/go" ]; do
		count=$((count + 1))
		ask n1 put live "$count" -q 2>/dev/null || continue
		echo "$count" >"$dir/next"
		mv "$dir/next" "$dir/written"
	done
}

# Does n4 have all that was written when this was asked?
is_level() {
	local written had
	written=$(cat "$dir/written")
	had=$(ask n4 get live --consistency local -o value 2>/dev/null) ||
		return 1
	[ "$had" -ge "$written" ]
}

"$aegis" cluster init -q "$dir/c"
"$aegis" cluster up -q "$dir/c"
python3 "$here/fill.py" "$dir/c/n1/aegis.sock" \
	$((mib * 1048576 / (bytes + 20))) "$bytes"
"$aegis" cluster kill -q "$dir/c" n4
(cd "$dir/c/n4" && rm -rf log state state.sync request-number evidence)

echo 0 >"$dir/written"
: >"$dir/go"
write_on &
writer=$!
began=${EPOCHREALTIME/[.,]/}
"$aegis" cluster up -q "$dir/c"
until is_level; do
	sleep 0.05
	[ $(((${EPOCHREALTIME/[.,]/} - began) / 1000000)) -lt $((most * 10)) ] ||
		break
done
took=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
grep 'msg="state fetched"' "$dir/c/n4/node.log" >&2 || :
printf '{"name":"transfer","unit":"s","value":%d.%03d,"MiB":%d,' \
	$((took / 1000)) $((took % 1000)) "$mib" | tee -a "$out"
printf '"value_bytes":%d,"writes":%d}\n' "$bytes" "$(cat "$dir/written")" |
	tee -a "$out"
[ "$took" -le $((most * 1000)) ]
