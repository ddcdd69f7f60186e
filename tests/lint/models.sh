#!/bin/sh
# What the models say of the source is there: each function in the table of
# tests/models/README.md, and each mutant in the cases and in the table.
# shellcheck disable=SC2013 # names have no blanks
set -eu
cd "$(dirname "$0")/../.."
readme=tests/models/README.md
code=0

complain() {
	echo "$readme: $*"
	code=1
}

for named in $(grep -oE '[a-z_]+/[a-z_]+\.[ch]:[a-z_]+' "$readme" | sort -u); do
	file=lib/${named%:*}
	grep -qE "^(static inline [a-z_ ]+)?${named#*:}\(" "$file" 2>/dev/null ||
		complain "no function ${named#*:} in $file"
done
for mutant in $(grep -ohE 'MUTANT_[A-Z_]+' tests/models/*.pml | sort -u); do
	grep -qE "^short .* $mutant\$" tests/models/cases.txt ||
		complain "cases.txt does not run $mutant"
	grep -q "\`${mutant#MUTANT_}\`" "$readme" ||
		complain "$mutant is not explained"
done
for mutant in $(grep -oE 'MUTANT_[A-Z_]+' tests/models/cases.txt | sort -u); do
	grep -q "$mutant" tests/models/*.pml ||
		complain "cases.txt runs $mutant, which no model has"
done
exit "$code"
