#!/bin/sh
# A kill returns when the nodes are gone, so that an up that follows at once
# starts every one of them again; a down names all that it stopped.
set -eu

aegis=${AEGIS:-build/release/aegis}
case $aegis in
/*) ;;
*) aegis=$PWD/$aegis ;;
esac
work=$(mktemp -d)
trial=$work/trial

finish() {
	"$aegis" cluster down "$trial" -q || :
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

"$aegis" cluster init -q "$trial"
for round in 1 2 3 4 5; do
	"$aegis" cluster up -q "$trial"
	"$aegis" cluster kill "$trial"
	for node in n1 n2 n3 n4; do
		flock -n "$trial/$node/lock" true || {
			echo "round $round: $node still runs after a kill" >&2
			exit 1
		}
	done
done

"$aegis" cluster up -q "$trial"
"$aegis" cluster down "$trial" >"$work/said"
printf 'n%s stopped\n' 1 2 3 4 | diff - "$work/said"
