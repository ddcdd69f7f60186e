#!/bin/sh
# Each planted bug must be found: plants.sh SECONDS NUMBER...
#
# A plant is a build of its own of what holds it; the rest is shared.  The
# schedule that finds it is reduced, which must leave 20 choices at most.
# Those from 101 on are Raft's.  What no schedule finds in time a unit of the
# core must find.  With $TABLE set, what was found goes there as a table.
set -u
build=${BUILD:-build/release}
rows=$build/plants.rows
missed=$build/plants.missed
limit=$1
shift
all=$#
coarse=0
units=0
sources=$(echo lib/consensus/*.c tests/sim/*.c)

# The name of a plant's macro, and what it says of itself.
macro_of() {
	sed -n "s/^#define \(PLANT_[A-Z_]*\) (PLANTED == $1)\$/\1/p
		/^#ifdef PLANT_$1\$/,/^#else/s/^#define \(PLANT_[A-Z_]*\) 1/\1/p" \
		lib/consensus/plant.h
}

words_of() {
	awk -v start="/* $1  " 'index($0, start) == 1 { on = 1 }
		on { printf "%s ", $0 }
		on && /\*\// { exit }' lib/consensus/plant.h |
		sed "s/ *\*\/ *\$//; s/^\/\* $1 *//; s/ \* */ /g"
}

# The sources that a plant changes: those that name its macro.
holders() {
	macro=$(macro_of "$1")
	# shellcheck disable=SC2086 # words are wanted
	grep -lw "${macro:-PLANT_$1}" $sources
}

# plant_build NUMBER DIRECTORY: the simulator with one mistake in it.
plant_build() {
	objects=
	changed=$(holders "$1" | tr '\n' ' ')
	for source in $sources; do
		case " $changed" in
		*" $source "*) ;;
		*)
			objects="$objects $build/${source%.c}.o"
			continue
			;;
		esac
		object=$2/$(echo "$source" | tr / .).o
		objects="$objects $object"
		# shellcheck disable=SC2046 # words are wanted
		gcc -std=c17 -D_GNU_SOURCE -O2 "-DPLANT_$1" "-DPLANTED=$1" \
			-Ilib -Itests -I. \
			$(pkg-config --cflags libsodium libcbor) \
			-c -o "$object" "$source" || return 1
	done
	# shellcheck disable=SC2046,SC2086 # words are wanted
	gcc -o "$2/aegis-sim" $objects "$build/libaegis.a" \
		$(pkg-config --libs libsodium libcbor)
}

# plant_search DIRECTORY FROM: the first schedule that finds it.
plant_search() {
	! "$1/aegis-sim" --strategy "$strategy" --seconds "$limit" --first \
		--from "$2" >"$1/log" 2>&1
}

plant_seed() {
	sed -n 's/^VIOLATION seed=\([0-9]*\).*/\1/p' "$1/log" | head -n 1
}

# plant_reduce DIRECTORY SEED: to how many choices.
plant_reduce() {
	timeout 120 "$1/aegis-sim" --strategy "$strategy" --seed "$2" \
		--shrink >"$1/shrunk" 2>&1
	sed -n 's/^shrunk to \([0-9]*\) choices.*/\1/p' "$1/shrunk"
}

# plant_reduce_best DIRECTORY SEED: the same, of other schedules too that
# find it, when there is more left than there should be.
plant_reduce_best() {
	best=$(plant_reduce "$1" "$2")
	tries=3
	at=$2
	while [ "${best:-99}" -gt 20 ] && [ $tries -gt 0 ]; do
		tries=$((tries - 1))
		plant_search "$1" $((at + 1)) || break
		at=$(plant_seed "$1")
		choices=$(plant_reduce "$1" "$at")
		[ "${choices:-99}" -ge "${best:-99}" ] || best=$choices
	done
	echo "${best:--}"
}

# plant_unit DIRECTORY: the first unit of the core that fails with it.
plant_unit() {
	for unit in tests/unit/consensus_*.c; do
		# shellcheck disable=SC2046 # words are wanted
		gcc -o "$1/unit" "$build/${unit%.c}.o" "$1"/lib.*.o \
			"$build/libaegis.a" \
			$(pkg-config --libs libsodium libcbor cmocka) || return
		timeout 60 "$1/unit" >/dev/null 2>&1 || {
			basename "$unit" .c
			return
		}
	done
}

: >"$rows"
: >"$missed"
for n; do
	dir=$build/plants/$n
	mkdir -p "$dir"
	plant_build "$n" "$dir" || exit 1
	began=$(date +%s%N)
	strategy=pbft
	[ "$n" -lt 101 ] || strategy=raft
	if ! plant_search "$dir" 1; then
		runs=$(sed -n 's/^\([0-9]*\) schedules,.*/\1/p' "$dir/log")
		unit=$(plant_unit "$dir")
		echo "plant $n: not in $runs schedules, unit: ${unit:-none}"
		echo "- $n: $(words_of "$n") Not in $runs schedules;" \
			"unit ${unit:-none}." >>"$missed"
		[ -z "$unit" ] || units=$((units + 1))
		continue
	fi
	took=$((($(date +%s%N) - began) / 100000000))
	took=$((took / 10)).$((took % 10))
	seed=$(plant_seed "$dir")
	why=$(sed -n 's/^VIOLATION[^:]*: //p' "$dir/log" | head -n 1)
	runs=$(sed -n 's/^\([0-9]*\) schedules,.*/\1/p' "$dir/log")
	choices=$(plant_reduce_best "$dir" "$seed")
	echo "plant $n: found after $took s, seed $seed, $choices choices: $why"
	if [ "$choices" = - ] || [ "$choices" -gt 20 ]; then
		echo "plant $n: not reduced"
		coarse=$((coarse + 1))
	fi
	echo "| $n | $(words_of "$n") | $took | $runs | $seed | $choices | $(
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
			lib/consensus/plant.h is built in alone, and the swarm
			is run from seed 1 until a rule is broken.  Seconds are
			those of a machine with two cores and other work to do;
			choices are what is left of the schedule when it has
			been reduced.

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
