#!/bin/sh
# Many executions of fuzz targets, over as many sittings as it takes:
# campaign.sh RUNS TARGET... runs each so often, a slice at a time, by turns.
#
# The ledger has a line for each slice that ended: executions, seconds, and how
# many inputs are kept.  It is of one program: another one, of the same target,
# begins another ledger, with the inputs that were found.  A slice that was cut
# short is run again.  What is found ends it, and is left as FUZZ/TARGET-*.
# Environment: FUZZ, where the programs are; SECONDS_EACH, of a slice.
set -u
# Freed memory is kept apart, but not so much of it that each is a new page.
ASAN_OPTIONS=quarantine_size_mb=1:malloc_context_size=4
export ASAN_OPTIONS
fuzz=${FUZZ:-build/fuzz}
seconds=${SECONDS_EACH:-60}
runs=$1
shift
mkdir -p "$fuzz/campaign"

ledger_of() {
	echo "$fuzz/campaign/$1.$(sha256sum <"$fuzz/$1" | cut -c 1-16)"
}

# done_of TARGET: how many its ledger has.
done_of() {
	touch "$(ledger_of "$1")"
	awk '{ n += $1 } END { printf "%d\n", n }' "$(ledger_of "$1")"
}

# slice TARGET: the next one; false when something is found.
slice() {
	found=$fuzz/corpus/$1
	said=$fuzz/campaign/$1.said
	left=$((runs - $(done_of "$1")))
	mkdir -p "$found"
	"$fuzz/$1" -runs="$left" -max_total_time="$seconds" -timeout=10 \
		-rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$fuzz/$1-" "$found" \
		"tests/fuzz/corpus/$1" >"$said" 2>&1 || {
		cat "$said"
		return 1
	}
	awk -v kept="$(find "$found" -type f | wc -l)" '
		/^Done / { seconds = $5 }
		/^stat::number_of_executed_units:/ { runs = $2 }
		END { print runs, seconds, kept }' "$said" >>"$(ledger_of "$1")"
}

tell() {
	for target; do
		awk -v target="$target" '{ n += $1; s += $2; kept = $3 }
			END { printf "%-14s %9d runs, %5d/s, %d inputs kept\n",
				target, n, n / (s + 1), kept }' \
			"$(ledger_of "$target")"
	done
}

unfinished=yes
while [ -n "$unfinished" ]; do
	unfinished=
	for target; do
		[ "$(done_of "$target")" -lt "$runs" ] || continue
		unfinished=yes
		slice "$target" || exit 1
	done
	[ ! -t 1 ] || tell "$@"
done
tell "$@"
