#!/bin/sh
# Each mistake of lib/consensus/plant.h has a number of its own, which is told
# above it, is made somewhere, and is among those that are run.
# shellcheck disable=SC2016 # make expands
set -eu
cd "$(dirname "$0")/../.."
header=lib/consensus/plant.h
code=0

complain() {
	echo "$header: $*"
	code=1
}

names=$(grep -oE '^#define PLANT_[A-Z_0-9]+' "$header" | cut -d ' ' -f 2)
numbers=$(grep -oE ' PLANT\([0-9]+\)$' "$header" | tr -dc '0-9\n')
told=$(grep -oE '^/\* [0-9]+  ' "$header" | tr -dc '0-9\n')
run=$(printf 'all:\n\t@echo $(PLANTS)\ninclude tests/sim/sim.mk\n' |
	make --no-print-directory -s -f - all 2>/dev/null | tr ' ' '\n')

[ "$numbers" = "$told" ] || complain "a number is not the one told above it"
[ -z "$(echo "$numbers" | sort | uniq -d)" ] ||
	complain "two have the number" "$(echo "$numbers" | sort | uniq -d)"
[ "$(echo "$names" | grep -c .)" = "$(echo "$numbers" | grep -c .)" ] ||
	complain "a name without a number"
# differ TEXT ONE OTHER: complain of each line that only ONE has.
differ() {
	only=$(printf '%s\n' "$2" | grep -vxF "$3") || return 0
	complain "$1" "$only"
}

made=$(grep -rohwE --include=*.c 'PLANT_[A-Z_0-9]+' lib/consensus tests/sim |
	sort -u)
differ 'made nowhere:' "$names" "$made"
differ 'there is no' "$made" "$names"
differ 'nobody runs' "$numbers" "$run"
exit "$code"
