#!/bin/sh
# Each planted bug must be found: plants.sh NUMBER...
# A plant is a build of its own of what holds it; the rest is shared.
set -u
build=${BUILD:-build/release}
found=0
all=$#
for n; do
	dir=build/plant-$n
	mkdir -p "$dir"
	for source in lib/consensus/*.c tests/sim/*.c; do
		# shellcheck disable=SC2046 # words are wanted
		gcc -std=c17 -D_GNU_SOURCE -O2 "-DPLANT_$n" -Ilib -Itests -I. \
			$(pkg-config --cflags libsodium libcbor) \
			-c -o "$dir/$(echo "$source" | tr / .).o" "$source" || exit 1
	done
	# shellcheck disable=SC2046 # words are wanted
	gcc -o "$dir/aegis-sim" "$dir"/*.o "$build/libaegis.a" \
		$(pkg-config --libs libsodium libcbor) || exit 1
	began=$(date +%s)
	if "$dir/aegis-sim" --seconds 120 --first --from 1 >"$dir/log"; then
		echo "plant $n: not found"
		tail -n 1 "$dir/log"
	else
		found=$((found + 1))
		echo "plant $n: found after $(($(date +%s) - began)) s:" \
			"$(sed -n 's/^VIOLATION//p' "$dir/log" | head -n 1)"
	fi
done
echo "plants found $found/$all"
test "$found" = "$all"
