#!/bin/sh
# lib/bar/foo.c exports only foo_* and bar_*; tests/lint/symbols.allow has the exceptions.
set -eu
cd "$(dirname "$0")/../.."

find build/release/lib -name '*.o' -exec nm --defined-only --extern-only \
	--print-file-name {} + | sed -n 's|^build/release/\(.*\)\.o:.* |\1.c |p' |
	while read -r source symbol; do
		[ ! -e "$source" ] || echo "$source $symbol"
	done | awk '
FNR == NR {
	if (!/^#/ && NF == 2)
		allow[$1] = allow[$1] "|" $2
	next
}
{
	split($1, part, "/")
	name = part[3]
	sub(/\.c$/, "", name)
	if ($2 ~ "^(" name "_|" part[2] "_" allow[$1] ")")
		next
	print $1 ": exports " $2 ", expected " name "_* or " part[2] "_*"
	bad = 1
}
END { exit bad }
' tests/lint/symbols.allow -
