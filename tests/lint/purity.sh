#!/bin/sh
# lib/consensus computes and does nothing else: what it calls is listed here.
set -eu
cd "$(dirname "$0")/../.."

allowed='^(mem(cpy|set|cmp|move|chr)|__mem(cpy|set|move)_chk|strlen|strcmp'
allowed="$allowed|__stack_chk_fail|ag_assert_failed"
allowed="$allowed|(ag|trust|signing|vote|certificate|digest|request|envelope|batch|evidence|view_message|forgery)_.*"
allowed="$allowed|(encoder|decoder|message|frame|operation|bytes|buf)_.*"
allowed="$allowed|calloc|malloc|free|qsort|_GLOBAL_OFFSET_TABLE_)\$"

set -- build/release/lib/consensus/*.o
[ -e "$1" ] || exit 0
own=$(nm --defined-only "$@" | awk 'NF == 3 { print $3 }')
bad=$(nm --undefined-only "$@" | awk 'NF == 2 && $1 == "U" { print $2 }' |
	sort -u | grep -vxF "$own" | grep -vE "$allowed" || true)
[ -z "$bad" ] || {
	echo "lib/consensus calls outside itself:" "$bad"
	exit 1
}
