#!/bin/sh
# Folders include only what their line of lib/LAYERS names.
set -eu
cd "$(dirname "$0")/../.."

# shellcheck disable=SC2016 # the program is awk's
find lib cmd tui -name '*.[ch]' 2>/dev/null | sort | xargs awk '
FNR == NR {
	if (/^#/ || NF == 0)
		next
	name = $1
	sub(/:$/, "", name)
	for (i = 2; i <= NF; i++)
		allowed[name, $i] = 1
	known[name] = 1
	next
}
FNR == 1 {
	parts = split(FILENAME, part, "/")
	folder = part[1] == "lib" ? part[2] : part[1]
	if (parts > 2 || part[1] != "lib")
		if (!(folder in known)) {
			print FILENAME ": folder " folder " has no line in lib/LAYERS"
			bad = 1
		}
}
/^#include "/ {
	split($2, quoted, "\"")
	split(quoted[2], target, "/")
	if (target[1] == folder || allowed[folder, target[1]] ||
	    allowed[FILENAME, target[1]])
		next
	print FILENAME ":" FNR ": " folder " may not include " quoted[2]
	bad = 1
}
END { exit bad }
' lib/LAYERS
