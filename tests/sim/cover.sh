#!/bin/sh
# Branch coverage of lib/consensus: cover.sh BUILD UNIT...
#
# What counts is a branch at the source's level.  Those of AG_ASSERT do not,
# since they are there not to be taken, nor do questions whether there is room:
# memory is laid out for the worst case (tests/sim/coverage.md).  A table by
# file is printed, branches never taken are in BUILD/cover.missed.  Fails below
# 95 %.
set -u
build=$1
shift
schedules=${COVER_SCHEDULES:-4000}
find "$build" -name '*.gcda' -delete
for unit; do
	"$unit" >/dev/null 2>&1 || exit 1
done
"$build/aegis-sim" --count "$schedules" >/dev/null || exit 1
"$build/aegis-sim" --profile beyond --count "$schedules" >/dev/null || exit 1
"$build/aegis-sim" --strategy raft --count "$schedules" >/dev/null || exit 1
"$build/aegis-sim" --exhaust 2 >/dev/null || exit 1

work=$build/cover.gcov
rm -rf "$work"
mkdir -p "$work"
top=$PWD
ln -s "$top/lib" "$work/lib"
(cd "$work" && gcov -b -c "$top/$build"/lib/consensus/*.gcda) >/dev/null 2>&1
awk -v missed="$build/cover.missed" '
	BEGIN {
		printf "" >missed
		room = "has_room|slot_hold|pool_take|overflowed|keep\\(e, |" \
			"EFFECTS_RESERVED|ENGINE_EFFECTS_MAX|VOTES_QUEUED_MAX|" \
			"raw.len == 0|record.len == 0|encoder_finish"
	}
	FNR == 1 {
		file = FILENAME
		sub(/.*\//, "", file)
		sub(/\.gcov$/, "", file)
		names[++files] = file
		source = ""
	}
	/^ *[^ :]+: *[0-9]+:/ {
		split($0, part, ":")
		line = part[2] + 0
		source = $0
		sub(/^[^:]*:[^:]*:/, "", source)
		# A condition may go on for lines: its assertion with it.
		if (source ~ /AG_ASSERT/)
			is_assertion = 1
		else if (ended)
			is_assertion = 0
		ended = source ~ /;[ \t]*$/
		next
	}
	/^branch/ && !is_assertion && !(source ~ room) {
		all[file]++
		if ($0 ~ /never executed/ || $0 ~ /taken 0/) {
			sub(/^[ \t]+/, "", source)
			print file ":" line ": " source >missed
		} else {
			taken[file]++
		}
	}
	END {
		printf "%-22s %8s %8s %7s\n", "file", "branches", "taken", "%"
		for (i = 1; i <= files; i++) {
			f = names[i]
			if (all[f] == 0)
				continue
			printf "%-22s %8d %8d %7.1f\n", f, all[f], taken[f],
				100 * taken[f] / all[f]
			sum += all[f]
			got += taken[f]
		}
		printf "%-22s %8d %8d %7.1f\n", "all", sum, got,
			100 * got / sum
		exit got < 0.95 * sum
	}' "$work"/*.c.gcov
