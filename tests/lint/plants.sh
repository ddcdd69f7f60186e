#!/bin/sh
# Each mistake of lib/consensus/plant.h has a number of its own, which is told
# above it, is made somewhere, and is among those that are run.
# shellcheck disable=SC2013,SC2016 # names have no blanks; make expands
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
for name in $names; do
	grep -qrwF --include=*.c "$name" lib/consensus tests/sim ||
		complain "$name is made nowhere"
done
for name in $(grep -rohE --include=*.c 'PLANT_[A-Z_0-9]+' lib/consensus \
	tests/sim | sort -u); do
	echo "$names" | grep -qx "$name" || complain "no $name"
done
for number in $numbers; do
	echo "$run" | grep -qx "$number" || complain "nobody runs $number"
done
exit "$code"
