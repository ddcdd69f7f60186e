#!/bin/sh
# aegis crypt beside age, in turn, on one file: seconds and peak memory.
# Usage: crypto.sh OUT.jsonl
# Environment: AEGIS, the binary; CRYPT_MIB (1024), CRYPT_PAIRS (5), TMPDIR,
# which ought to be in memory and takes five times the file.
set -eu
out=$(realpath "$1")
AEGIS=$(realpath "$AEGIS")
mib=${CRYPT_MIB:-1024}
pairs=${CRYPT_PAIRS:-5}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
umask 077
age-keygen -o id 2>/dev/null
to=$(age-keygen -y id)
head -c "${mib}M" /dev/urandom >plain
age -r "$to" -o sealed plain
age -a -r "$to" -o armored plain

# once WHOSE COMMAND...: a line "seconds KiB" into the file of that name.
once() {
	whose=$1
	shift
	rm -f made
	/usr/bin/time -a -o "$whose" -f '%e %M' "$@"
}

# pair NAME OURS THEIRS: words, which make the file "made".
pair() {
	rm -f ours theirs
	for _ in $(seq "$pairs"); do
		# shellcheck disable=SC2086 # words
		once theirs $3
		# shellcheck disable=SC2086 # words
		once ours $2
	done
	jq -cn --arg name "$1" --argjson mib "$mib" \
		--slurpfile o ours --slurpfile t theirs '
		def every($n; $k): [range($k; $n | length; 2) | $n[.]] | sort;
		def median: .[length / 2 | floor];
		{name: $name, mib: $mib, seconds: every($o; 0) | median,
		age_seconds: every($t; 0) | median,
		kib: every($o; 1) | max, age_kib: every($t; 1) | max} |
		.ratio = (if .age_seconds == 0 then null
			else .seconds / .age_seconds end)' | tee -a "$out"
}

pair encrypt "$AEGIS crypt encrypt -r $to -o made plain" \
	"age -r $to -o made plain"
pair decrypt "$AEGIS crypt decrypt -i id -o made sealed" \
	"age -d -i id -o made sealed"
pair encrypt-armored "$AEGIS crypt encrypt -a -r $to -o made plain" \
	"age -a -r $to -o made plain"
pair decrypt-armored "$AEGIS crypt decrypt -i id -o made armored" \
	"age -d -i id -o made armored"
