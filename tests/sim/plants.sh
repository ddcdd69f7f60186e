#!/bin/sh
# Each planted bug must be found: plants.sh SECONDS NUMBER...
# A plant is a build of its own of what holds it; the rest is shared.  What
# was found, and how soon, goes to $RESULTS as rows: number, seconds, seed,
# schedules, sentence.
set -u
build=${BUILD:-build/release}
results=${RESULTS:-$build/plants.txt}
limit=$1
shift
found=0
all=$#
sources=$(echo lib/consensus/*.c tests/sim/*.c)

# The sources that a plant changes: those that name its macro.
holders() {
	macro=$(grep -B 1 "PLANTED == $1)" lib/consensus/plant.h |
		sed -n 's/^#define \(PLANT_[A-Z_]*\) .*/\1/p')
	[ -n "$macro" ] || macro=$(sed -n "/ifdef PLANT_$1\$/,/#else/p" \
		lib/consensus/plant.h | sed -n 's/^#define \(PLANT_[A-Z_]*\) .*/\1/p')
	# shellcheck disable=SC2086 # words are wanted
	grep -lw "${macro:-PLANT_$1}" $sources
}

# link NUMBER DIRECTORY: the simulator with one mistake in it.
plant_build() {
	objects=
	changed=$(holders "$1")
	for source in $sources; do
		case " $(echo "$changed" | tr '\n' ' ') " in
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
			-Ilib -Itests -I. $(pkg-config --cflags libsodium libcbor) \
			-c -o "$object" "$source" || return 1
	done
	# shellcheck disable=SC2046,SC2086 # words are wanted
	gcc -o "$2/aegis-sim" $objects "$build/libaegis.a" \
		$(pkg-config --libs libsodium libcbor)
}

: >"$results"
for n; do
	dir=$build/plants/$n
	mkdir -p "$dir"
	plant_build "$n" "$dir" || exit 1
	began=$(date +%s%N)
	"$dir/aegis-sim" --seconds "$limit" --first --from 1 >"$dir/log"
	status=$?
	took=$((($(date +%s%N) - began) / 100000000))
	if [ "$status" = 0 ]; then
		echo "plant $n: not found"
		tail -n 1 "$dir/log"
	else
		found=$((found + 1))
		seed=$(sed -n 's/^VIOLATION seed=\([0-9]*\).*/\1/p' "$dir/log" |
			head -n 1)
		why=$(sed -n 's/^VIOLATION[^:]*: //p' "$dir/log" | head -n 1)
		runs=$(sed -n 's/^\([0-9]*\) schedules,.*/\1/p' "$dir/log")
		printf '%s\t%s.%s\t%s\t%s\t%s\n' "$n" $((took / 10)) \
			$((took % 10)) "${seed:--}" "$runs" \
			"${why:-the engine stops}" >>"$results"
		echo "plant $n: found after $((took / 10)).$((took % 10)) s:" \
			"seed=${seed:--}: ${why:-the engine stops}"
	fi
done
echo "plants found $found/$all"
test "$found" = "$all"
