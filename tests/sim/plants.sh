#!/bin/sh
# Each planted bug must be found: plants.sh SECONDS NUMBER...
#
# All are in one build of the simulator, $BUILD/planted/aegis-sim, and the
# environment names the one that is made.  The schedule that finds it is
# reduced, which must leave 20 choices at most: else others are tried, also of
# other profiles than the swarm's.  Those named PLANT_RAFT are Raft's, and
# PLANT_BEYOND those of worlds beyond f.
# What no schedule finds in time a unit of the core must find.  With $TABLE
# set, what was found goes there as a table.
set -u
build=${BUILD:-build/release}
sim=$build/planted/aegis-sim
log=$build/planted/log
rows=$build/planted/rows
missed=$build/planted/missed
limit=$1
shift
all=$#
coarse=0
units=0

# What plant.h says of a plant.
words_of() {
	awk -v start="/* $1  " 'index($0, start) == 1 { on = 1 }
		on { printf "%s ", $0 }
		on && /\*\// { exit }' lib/consensus/plant.h |
		sed "s/ *\*\/ *\$//; s/^\/\* $1 *//; s/ \* */ /g"
}

# plant_search PROFILE FROM: the first schedule that finds it.
plant_search() {
	! "$sim" --strategy "$strategy" --profile "$1" --seconds "$limit" \
		--first --jobs 1 --from "$2" >"$log" 2>&1
}

plant_seed() {
	sed -n 's/^VIOLATION seed=\([0-9]*\).*/\1/p' "$log" | head -n 1
}

# plant_reduce PROFILE SEED: to how many choices.
plant_reduce() {
	timeout 120 "$sim" --strategy "$strategy" --profile "$1" --seed "$2" \
		--shrink 2>&1 |
		sed -n 's/^shrunk to \([0-9]*\) choices.*/\1/p'
}

# plant_try PROFILE SEED: take note of what is left of it, if that is less.
plant_try() {
	choices=$(plant_reduce "$1" "$2")
	[ "${choices:-99}" -lt "${best:-99}" ] || return 0
	best=$choices
	seed=$2
	[ "$1" = swarm ] || seed="$1 $2"
}

# plant_reduce_best SEED: in $best, of the schedule $seed: of the first that
# finds it, or of others when there is more left than there should be.
plant_reduce_best() {
	best=
	seed=$1
	plant_try "$usual" "$1"
	for profile in $usual $profiles; do
		tries=3
		at=0
		[ "$profile" != "$usual" ] || at=$1
		while [ "${best:-99}" -gt 20 ] && [ $tries -gt 0 ]; do
			tries=$((tries - 1))
			plant_search "$profile" $((at + 1)) || break
			at=$(plant_seed)
			plant_try "$profile" "$at"
		done
	done
}

# The first unit of the core that fails with the plant.
plant_unit() {
	for unit in "$build"/planted/tests/unit/consensus_*; do
		[ -x "$unit" ] || continue
		timeout 60 "$unit" >/dev/null 2>&1 || {
			basename "$unit"
			return
		}
	done
}

: >"$rows"
: >"$missed"
for n; do
	export PLANT="$n"
	began=$(date +%s%N)
	strategy=pbft
	usual=swarm
	profiles="focused deep"
	kind=$(sed -n "s/^#define PLANT_\([A-Z]*\)_.* PLANT($n)\$/\1/p" \
		lib/consensus/plant.h)
	if [ "$kind" = BEYOND ]; then
		usual=beyond
		profiles=
	elif [ "$kind" = RAFT ]; then
		strategy=raft
		profiles=
	fi
	if ! plant_search "$usual" 1; then
		runs=$(sed -n 's/^\([0-9]*\) schedules,.*/\1/p' "$log")
		unit=$(plant_unit)
		echo "plant $n: not in $runs schedules, unit: ${unit:-none}"
		echo "- $n: $(words_of "$n") Not in $runs schedules;" \
			"unit ${unit:-none}." >>"$missed"
		[ -z "$unit" ] || units=$((units + 1))
		continue
	fi
	took=$((($(date +%s%N) - began) / 100000000))
	took=$((took / 10)).$((took % 10))
	why=$(sed -n 's/^VIOLATION[^:]*: //p' "$log" | head -n 1)
	runs=$(sed -n 's/^\([0-9]*\) schedules,.*/\1/p' "$log")
	plant_reduce_best "$(plant_seed)"
	echo "plant $n: found after $took s, seed $seed, ${best:--} choices: $why"
	if [ "${best:-99}" -gt 20 ]; then
		echo "plant $n: not reduced"
		coarse=$((coarse + 1))
	fi
	echo "| $n | $(words_of "$n") | $took | $runs | $seed | ${best:--} | $(
		echo "$why" | cut -c 1-90) |" >>"$rows"
done

found=$(wc -l <"$rows")
median=$(cut -d '|' -f 4 "$rows" | sort -n |
	awk -v at=$(((found + 1) / 2)) 'NR == at')
echo "plants found $found/$all, median${median}s; by units alone $units"
if [ -n "${TABLE:-}" ]; then
	{
		cat <<-END
			# Planted bugs, and how soon each is found

			Made by \`make plants\`: each mistake of
			lib/consensus/plant.h is made alone, and the swarm (or
			the profile named beside the seed) is run from seed 1,
			on one core, until a rule is broken.
			Seconds are those of a machine that had other work to
			do; choices are what is left of the schedule when it
			has been reduced.

			Found: $found of $all.  Median:${median}s.  By units
			alone: $units.

			| plant | mistake | seconds | schedules | seed | choices | what was broken |
			|---|---|---|---|---|---|---|
		END
		cat "$rows"
		[ ! -s "$missed" ] || {
			printf '\nNot found by schedules within %s s:\n\n' \
				"$limit"
			cat "$missed"
		}
	} >"$TABLE"
fi
test $((found + units)) = "$all" && test "$coarse" = 0
