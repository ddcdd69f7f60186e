#!/bin/sh
# The same schedules by several builds: compare.sh PERCENT SIM OTHER...
#
# Of every profile and either strategy some hundred, or PERCENT of them: what
# happened in each, to the last byte that an engine gave out, must be the same.
set -u
percent=$1
sim=$2
shift 2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

while read -r strategy profile count; do
	count=$((count * percent / 100))
	for build in "$sim" "$@"; do
		"$build" --strategy "$strategy" --profile "$profile" --hashes \
			--count $count --from 50000 >"$work/$profile" || {
			tail -n 20 "$work/$profile"
			exit 1
		}
		[ "$build" != "$sim" ] || cp "$work/$profile" "$work/want"
		diff "$work/want" "$work/$profile" >"$work/differ" || {
			echo "$strategy $profile: $build is not as $sim:"
			head -n 5 "$work/differ"
			exit 1
		}
	done
done <<END
pbft swarm 500
pbft full 100
pbft focused 500
pbft deep 500
pbft epochs 200
pbft classic 200
pbft slow 40
pbft unfair 40
raft classic 500
raft epochs 500
END
